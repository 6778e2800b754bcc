"""The redactor, loaded when the first text is looked at: its expressions take 20 ms to build, which no start waits for.

Delegates; knows nothing itself. Start with `LateRedactor`.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from copydesk.domain.secrets import Redacted

if TYPE_CHECKING:
    from copydesk.safety.secrets.redaction import Redactor


class LateRedactor:
    """`domain.secrets.Secrets` and what else a `Redactor` does. Safe to call from any thread."""

    def __init__(
        self, key: Callable[[], bytes], hidden: Callable[[str], bool], environment: Mapping[str, str] | None
    ) -> None:
        self._key = key
        self._hidden = hidden
        self._environment = environment
        self._loading = threading.Lock()

    @cached_property
    def _real(self) -> "Redactor":
        from copydesk.safety.secrets.redaction import Redactor

        return Redactor(self._key, self._hidden, self._environment)

    @property
    def real(self) -> "Redactor":
        with self._loading:
            return self._real

    def hides(self, path: str) -> bool:
        return self._hidden(path)

    def redact(self, text: str) -> str:
        return self.real.redact(text)

    def restore(self, text: str, held: str) -> str:
        return self.real.restore(text, held)

    def placeholders(self, text: str) -> tuple[str, ...]:
        return self.real.placeholders(text) if "SECRET_" in text else ()

    def learn(self, values: Iterable[str]) -> None:
        self.real.learn(values)

    def redact_body(self, body: bytes) -> Redacted:
        return self.real.redact_body(body)

    def redact_value(self, value: Any) -> Any:
        return self.real.redact_value(value)
