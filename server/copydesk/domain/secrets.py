"""What is known of secret values, as the layers above see it: taken out of everything that leaves, put back in place.

A placeholder stands for one value, always the same within this machine's user: the text before it stays byte-equal
from request to request. The real thing is `safety.secrets`.
"""

from typing import Protocol


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
