"""The name of a text: a short content hash. Knows nothing of files or encodings."""

import hashlib


def content_hash(text: str) -> str:
    """First 16 hex digits of the sha256 of the text's UTF-8 bytes (lone surrogates pass through)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
