"""Secret values: finding them in text, replacing them by placeholders, and putting them back where they belong.

Knows no session, no tool and no network. Start with `redaction.Redactor`; `finding` says what is taken for a secret.
"""
