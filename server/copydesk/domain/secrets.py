"""What is known of secret values, as the layers above see it: taken out of everything that leaves, put back in place.

A placeholder stands for one value, always the same within this machine's user: the text before it stays byte-equal
from request to request. The real thing is `safety.secrets`.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from copydesk.domain.frozen import frozen


class Secrets(Protocol):
    def redact(self, text: str) -> str:
        """The text with every secret value replaced by its placeholder. Idempotent."""
        ...

    def restore(self, text: str, held: str) -> str:
        """The text with those placeholders put back whose value `held` (a file as it stands) contains."""
        ...

    def placeholders(self, text: str) -> tuple[str, ...]:
        """The placeholders of ours that stand in the text."""
        ...

    def hides(self, path: str) -> bool:
        """Whether tools keep away from the file at a path or URI: it holds secrets, or the person's rules say so."""
        ...


@frozen
class Redacted:
    """Bytes as they may leave, and how many placeholders of each kind stand in them."""

    body: bytes
    kinds: Mapping[str, int] = field(default_factory=dict[str, int])


class NoSecrets:
    """Knows of none."""

    def redact(self, text: str) -> str:
        return text

    def restore(self, text: str, held: str) -> str:
        del held
        return text

    def placeholders(self, text: str) -> tuple[str, ...]:
        del text
        return ()

    def hides(self, path: str) -> bool:
        del path
        return False
