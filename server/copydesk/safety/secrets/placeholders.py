"""The words that stand for secret values: how they are made, and how they are known again.

`SECRET_GITHUB_3f9c…`: what kind it is, then sixteen hex digits of a hash under a key that only this user has. So the
same value has the same placeholder in every request, session and server, and nobody else can try out values. The last
four digits are a check, by which our placeholders are told from others'. Letters, digits and `_` only: they pass
through JSON, URLs and shells unchanged, and are one harmless word in each. Pure. Start with `Placeholders`.
"""

import hmac
import re
from collections.abc import Iterator

PLACEHOLDER = re.compile(r"SECRET_[A-Z0-9]{2,20}_[0-9a-f]{16}")
_N_TAG = 12
_N_CHECK = 4


class Placeholders:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, value: str, kind: str) -> str:
        """The placeholder of a value. `kind` is made of capitals and digits, and depends on the value alone."""
        tag = self._digest(f"value {value}")[:_N_TAG]
        return f"SECRET_{kind}_{tag}{self._check(kind, tag)}"

    def found(self, text: str) -> Iterator[re.Match[str]]:
        """Where placeholders of ours stand."""
        if "SECRET_" in text:
            yield from (match for match in PLACEHOLDER.finditer(text) if self.is_ours(match[0]))

    def is_ours(self, word: str) -> bool:
        kind, digits = word.removeprefix("SECRET_").rsplit("_", 1)
        return hmac.compare_digest(digits[_N_TAG:], self._check(kind, digits[:_N_TAG]))

    def _check(self, kind: str, tag: str) -> str:
        return self._digest(f"check {kind} {tag}")[:_N_CHECK]

    def _digest(self, text: str) -> str:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def kind_of(placeholder: str) -> str:
    """`github` of `SECRET_GITHUB_…`."""
    return placeholder.split("_", 2)[1].lower()
