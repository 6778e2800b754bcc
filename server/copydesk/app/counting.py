"""The counter of tokens, composed when it is first asked: starting must not pay for it. Decides nothing.

Start with `Counting`.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from copydesk.domain.models import ModelFacts
from copydesk.domain.stream import ModelRequest

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from copydesk.egress.door import Door
    from copydesk.models.tokens.counter import Counter
    from copydesk.models.tokens.fetching import Fetched


def tables_path() -> Path:
    """Where fetched tables are kept; it can be tiktoken's own TIKTOKEN_CACHE_DIR."""
    from copydesk.config.layers import data_path

    return data_path() / "tokenizers"


class Counting:
    """`domain.ports.TokenCounter`. `state` is the state directory, where what was learned is kept."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._counter: Counter | None = None
        self._asked: anyio.Event | None = None

    def count(self, request: ModelRequest, model: str, facts: ModelFacts) -> int:
        return self._made().count(request, model, facts)

    def count_text(self, text: str, model: str, facts: ModelFacts) -> int:
        return self._made().count_text(text, model, facts)

    def learn(self, request: ModelRequest, model: str, facts: ModelFacts, input_tokens: int) -> None:
        self._made().learn(request, model, facts, input_tokens)

    def _made(self) -> "Counter":
        if self._counter is None:
            from copydesk.models.tokens.counter import Counter
            from copydesk.models.tokens.exact import Exact
            from copydesk.models.tokens.tables import Tables

            self._counter = Counter(self._state, Exact(Tables(os.environ, tables_path())))
            if self._asked is not None:
                self._asked.set()
        return self._counter

    async def fetch(self, door: "Door") -> "AsyncGenerator[Fetched]":
        """Brings tiktoken's tables here. Raises `CopydeskError`."""
        from copydesk.models.tokens.fetching import fetch

        async for one in fetch(door, tables_path()):
            yield one

    async def tend(self) -> None:
        """For a task of its owner, without end."""
        self._asked = anyio.Event()
        if self._counter is None:
            await self._asked.wait()
        await self._made().tend()

    async def aclose(self) -> None:
        if self._counter is not None:
            await self._counter.aclose()
