"""The editor's own models as seen through the door: what they are asked leaves this machine too, by way of the editor.

Wraps `domain.ports.EditorModels`: requests are redacted and noted in the ledger like any other.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from copydesk.domain.errors import ModelError
from copydesk.domain.ports import EditorModels, EditorPart, OfferedModel
from copydesk.domain.secrets import Redacted
from copydesk.egress.door import Door

OK, FAILED = 200, 0
"""As HTTP would say it; the editor's answers have no status."""


class GuardedEditorModels:
    """`redact` gives plain JSON as it may leave."""

    def __init__(self, editor: EditorModels, redact: Callable[[Any], Any], door: Door) -> None:
        self._editor = editor
        self._redact = redact
        self._door = door

    @property
    def available(self) -> bool:
        return self._editor.available

    async def list(self) -> tuple[OfferedModel, ...]:
        return await self._editor.list()

    @asynccontextmanager
    async def stream(self, request: Mapping[str, Any]) -> AsyncGenerator[AsyncIterator[EditorPart]]:
        clean = self._redact(request)
        status = FAILED
        try:
            async with self._editor.stream(clean) as parts:
                status = OK
                yield parts
        except ModelError as error:
            error.message = self._door.clean(error.message)
            raise
        finally:
            self._door.note("the editor", f"model {request.get('model', '')}", self._counted(clean), status)

    def _counted(self, clean: Any) -> Redacted:
        return self._door.redact(json.dumps(clean, ensure_ascii=False, separators=(",", ":")).encode())
