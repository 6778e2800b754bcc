"""Evidence for an offer: which checks a project has, how they are run with and without the edits, what they told.

Knows no session and no protocol; `services.verify` is what a session uses. Start with `verifier`.
"""
