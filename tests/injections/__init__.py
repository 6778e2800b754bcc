"""Injected prompts: a model that obeys whatever it reads, against permission, sandbox and redaction."""
