"""The end of a turn whose answer is for a program: its last words as a JSON object in the shape that was asked for.

The model is told the shape at the start (`told`). Where its last words already are such an object, nothing more is
asked; else they are asked for once, and once more where they do not fit. Start with `AnswerShape`.
"""

from dataclasses import replace
from typing import Any

from copydesk.agent.journal import TurnParts
from copydesk.agent.loop import LoopEnd
from copydesk.domain import errors
from copydesk.domain.events import MessageAdded, UsageUpdated
from copydesk.domain.messages import Message, Text
from copydesk.domain.models import facts_of
from copydesk.domain.stream import ModelRequest
from copydesk.models.schemas import schema_words
from copydesk.models.structured import JsonShape, Reading, Shape, Try, ask_in_shape, larger_limit, repair

NOW = "Now give the answer of this turn for the program: one JSON object that fits the schema above, and nothing else."


class AnswerShape:
    """What the answer of one turn must look like."""

    def __init__(self, schema: object) -> None:
        """Raises `BadSchema` for a schema that cannot be used."""
        self._shape = JsonShape(schema)

    def told(self) -> str:
        """For the task's message. The schema stands there whatever the wire takes: the work is done for it."""
        return (
            "<answer>\nYour last words in this turn are read by a program, not by a person. Work as always, with tools "
            "first where they help. Then, in place of plain sentences: "
            f"{schema_words(self._shape.schema.schema)}\n</answer>"
        )

    async def shaped(self, parts: TurnParts, end: LoopEnd) -> LoopEnd:
        return await _shaped(parts, end, self._shape)


async def _shaped(parts: TurnParts, end: LoopEnd, shape: Shape[dict[str, Any]]) -> LoopEnd:
    """The same end with its `output`, or with the error that says why there is none; its words stay in both."""
    if end.stop_reason == "refusal":
        return replace(end, error=f"The model declined: {end.message}".strip(), error_type="AnswerRefused")
    if end.stop_reason not in ("end_turn", "max_tokens"):
        return end
    reading = Reading(shape, tolerant=False)
    found = reading.fits(end.message)
    if found is not None:
        return replace(end, stop_reason="end_turn", output=found, error="", error_type="")
    asking = _Asking(parts, end)
    request = replace(asking.request(reading), schema=shape.schema)
    parts.prefix.note(parts.turn, parts.model, request, parts.emit)
    try:
        output = await ask_in_shape(parts.model, request, shape, on_try=asking.count)
    except errors.ModelError as error:
        return replace(end, stop_reason="error", usage=asking.usage, error=str(error), error_type=type(error).__name__)
    asking.keep()
    return replace(end, stop_reason="end_turn", usage=asking.usage, output=output, error="", error_type="")


class _Asking:
    """One answer being asked for, as the journal hears of it: what came is kept only where it is of use."""

    def __init__(self, parts: TurnParts, end: LoopEnd) -> None:
        self._parts = parts
        self._end = end
        self._last = ""
        self._words = Message("user", (Text(NOW),))
        self.usage = end.usage

    def request(self, reading: "Reading[dict[str, Any]]") -> ModelRequest:
        """The tools stay: without them the prefix is another one, and some providers refuse calls in the history."""
        parts = self._parts
        wrong = reading.misfit(self._end.message)
        if wrong is not None:  # it was meant as the answer: it hears what is wrong with it
            self._words = repair("", wrong)[-1]
        limit = parts.max_output_tokens
        if self._end.stop_reason == "max_tokens":
            limit = larger_limit(limit, 0, facts_of(parts.model).output_limit_tokens) or limit
        messages = (*parts.journal.messages, self._words)
        return ModelRequest(parts.system, messages, parts.tools.specs, limit, parts.thinking)

    def count(self, done: Try) -> None:
        self._last = done.text
        self.usage = self.usage + done.usage
        self._parts.emit(UsageUpdated(self._parts.turn, done.usage, self.usage))

    def keep(self) -> None:
        for message in (self._words, Message("assistant", (Text(self._last),))):
            self._parts.emit(MessageAdded(self._parts.turn, message))
