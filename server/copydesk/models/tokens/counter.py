"""`domain.ports.TokenCounter`: estimates at once, made better by providers' usage and, where it can be, by tiktoken.

What a provider said of a request stands for the part of the next one that is the same; only what is newer is estimated.
Owns those anchors. Blocks on nothing but its own small file, once. Start with `Counter.count`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Message
from copydesk.domain.models import ModelFacts
from copydesk.domain.stream import ModelRequest
from copydesk.domain.tools import ToolSpec
from copydesk.models.tokens.calibration import Calibration
from copydesk.models.tokens.estimates import estimate
from copydesk.models.tokens.families import family_of
from copydesk.models.tokens.sizes import Size, Sizes, ignore

if TYPE_CHECKING:
    from copydesk.models.tokens.exact import Exact

MAX_ANCHORS = 128
MAX_SIZES = 32
"""Models in use at a time, as far as what was measured for them is remembered."""
SHRUNK = 0.95
"""A request that goes on from another cannot be smaller; a provider that says so reports a part."""
WRITE_DELAY_S = 5.0


@frozen
class Anchor:
    """A request, and what its provider said it was."""

    system: str
    tools: tuple[ToolSpec, ...]
    messages: tuple[Message, ...]
    tokens: int

    def begins(self, request: ModelRequest) -> bool:
        """Whether the request is this one with more messages. Identity is looked at first, so this is quick."""
        messages = request.messages
        same = len(messages) >= len(self.messages) and self.system == request.system
        return same and self.tools == request.tools and messages[: len(self.messages)] == self.messages


class Counter:
    """`folder` is the state directory, None to remember nothing; `exact` counts with tiktoken, None where it cannot."""

    def __init__(self, folder: Path | None = None, exact: "Exact | None" = None) -> None:
        self._calibration = Calibration(folder)
        self._exact = exact
        self._anchors: dict[tuple[str, int], Anchor] = {}
        self._sizes: dict[str, Sizes] = {}
        self._learned: anyio.Event | None = None

    def count(self, request: ModelRequest, model: str, facts: ModelFacts) -> int:
        sizes, key = self._for(model, facts)
        anchor = self._anchors.get(_place(request, key))
        if anchor is not None and anchor.begins(request):
            newer = sizes.messages(request.messages[len(anchor.messages) :])
            return round(anchor.tokens + self._calibration.slope(key) * newer)
        return max(1, round(self._calibration.expected(key, sizes.request(request))))

    def count_text(self, text: str, model: str, facts: ModelFacts) -> int:
        sizes, key = self._for(model, facts)
        return round(self._calibration.slope(key) * estimate(text, sizes.family))

    def learn(self, request: ModelRequest, model: str, facts: ModelFacts, input_tokens: int) -> None:
        if input_tokens <= 0:
            return
        sizes, key = self._for(model, facts)
        place = _place(request, key)
        before = self._anchors.get(place)
        least = before.tokens * SHRUNK if before is not None and before.begins(request) else 0.0
        if not self._calibration.learn(key, sizes.request(request), input_tokens, least=least):
            return
        self._anchors.pop(place, None)
        while len(self._anchors) >= MAX_ANCHORS:
            self._anchors.pop(next(iter(self._anchors)))
        self._anchors[place] = Anchor(request.system, request.tools, request.messages, input_tokens)
        if self._learned is not None:
            self._learned.set()

    def _for(self, model: str, facts: ModelFacts) -> tuple[Sizes, str]:
        """What is known of the model's tokenizer, and the name that it is calibrated under.

        Exact counts need another line than estimates.
        """
        tokenizer = facts.tokenizer if self._exact is not None and self._exact.has(facts.tokenizer) else ""
        key = f"{model} {tokenizer}" if tokenizer else model
        sizes = self._sizes.get(key)
        if sizes is None:
            while len(self._sizes) >= MAX_SIZES:
                self._sizes.pop(next(iter(self._sizes)))
            measured = self._counting(tokenizer) if tokenizer else ignore
            sizes = self._sizes[key] = Sizes(family_of(model, facts), model.partition("/")[0], measured)
        return sizes, key

    def _counting(self, tokenizer: str) -> Callable[[Size, list[str]], None]:
        exact = self._exact
        assert exact is not None
        return lambda size, texts: exact.ask(tokenizer, texts, size.take)

    async def tend(self) -> None:
        """For a task of its owner, without end: what was asked of tiktoken, and writing down what was learned."""
        async with anyio.create_task_group() as group:
            if self._exact is not None:
                group.start_soon(self._exact.tend)
            while True:
                self._learned = anyio.Event()
                if not self._calibration.is_changed:
                    await self._learned.wait()
                await anyio.sleep(WRITE_DELAY_S)
                await anyio.to_thread.run_sync(self._calibration.write)

    async def aclose(self) -> None:
        """Writes down what was learned, and ends tiktoken's process."""
        self._calibration.write()
        if self._exact is not None:
            await self._exact.aclose()


def _place(request: ModelRequest, key: str) -> tuple[str, int]:
    """Where the anchor of a conversation is kept: by its first message, which the anchor itself holds on to."""
    return key, id(request.messages[0] if request.messages else None)
