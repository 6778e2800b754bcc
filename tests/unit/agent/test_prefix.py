"""A request that does not begin as the one before it says why, and looking costs next to nothing."""

import time
from dataclasses import replace
from typing import Any

import pytest

from copydesk.agent.journal import TurnParts
from copydesk.agent.loop import run_loop
from copydesk.agent.prefix import Prefix
from copydesk.domain.events import PrefixBroken
from copydesk.domain.messages import Image, Message, Part, Text, ToolCall, ToolResult
from copydesk.domain.models import ModelFacts
from copydesk.domain.stream import ModelRequest
from copydesk.domain.tools import ToolSpec
from copydesk.models.scripted import Script, ScriptedModel
from tests.support.agent_parts import FunctionTool, MemoryJournal, parts_for


class Named:
    """Only what the prefix looks at of a model."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.facts = ModelFacts("test", 1_000, 100)


def said(*parts: Part | str, role: str = "user") -> Message:
    return Message(role, tuple(Text(part) if isinstance(part, str) else part for part in parts))  # type: ignore[arg-type]


TOOLS = (ToolSpec("read", "Reads.", {"type": "object"}, "read", "read"),)
PICTURE = Image("image/png", "QUJD")
HISTORY = (
    said("go", PICTURE),
    said("ok", ToolCall("c1", "read"), role="assistant"),
    said(ToolResult("c1", "read", "text", images=(PICTURE,)), role="tool"),
)
FIRST = ModelRequest("system", HISTORY, TOOLS)


def broken(*requests: ModelRequest, models: tuple[str, ...] = ("one", "one")) -> list[tuple[str, int]]:
    prefix, found = Prefix(), list[PrefixBroken]()
    for request, name in zip(requests, models, strict=True):
        prefix.note("t", Named(name), request, found.append)  # type: ignore[arg-type]
    return [(event.why, event.kept_messages) for event in found]


def test_the_first_request_of_a_session_breaks_nothing() -> None:
    assert broken(FIRST, models=("one",)) == []


def test_what_goes_on_breaks_nothing() -> None:
    assert broken(FIRST, FIRST) == []
    assert broken(FIRST, replace(FIRST, messages=(*HISTORY, said("more")), max_output_tokens=9, session="s")) == []
    equal = tuple(replace(message, parts=tuple(message.parts)) for message in HISTORY)
    assert broken(FIRST, replace(FIRST, messages=equal)) == []


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (replace(FIRST, system="other"), ("system", 0)),
        (replace(FIRST, tools=()), ("tools", 0)),
        (replace(FIRST, thinking="low"), ("thinking", 3)),
        (replace(FIRST, messages=HISTORY[:2]), ("history", 2)),
        (replace(FIRST, messages=(said("other"), *HISTORY[1:])), ("history", 0)),
        (replace(FIRST, messages=(*HISTORY[:2], said(ToolResult("c1", "read", "cleared"), role="tool"))), ("history", 2)),
        (replace(FIRST, messages=(said("go"), *HISTORY[1:])), ("images", 0)),
        (replace(FIRST, messages=(*HISTORY[:2], said(ToolResult("c1", "read", "text"), role="tool"))), ("images", 2)),
    ],
)  # fmt: skip
def test_what_changed_is_named(later: ModelRequest, expected: tuple[str, int]) -> None:
    assert broken(FIRST, later) == [expected]


def test_another_model_reads_nothing_of_the_cache() -> None:
    assert broken(FIRST, replace(FIRST, system="other"), models=("one", "two")) == [("model", 0)]
    assert broken(FIRST, FIRST, FIRST, models=("one", "two", "two")) == [("model", 0)]


class Streams(Named):
    def stream(self, request: ModelRequest) -> str:
        return f"the stream of {request.input_tokens}"


def zones(*requests: ModelRequest) -> list[tuple[str, str, int]]:
    """What the loop and the meter see of the same requests, one after another."""
    prefix, found = Prefix(), list[PrefixBroken]()
    model: Any = Streams("one")
    watched = prefix.watching(model, "t", found.append)
    for request in requests:
        prefix.note("t", model, replace(request, input_tokens=0), found.append)
        assert watched.stream(request) == f"the stream of {request.input_tokens}"
    assert (watched.name, watched.facts) == ("one", model.facts)
    return [(event.turn, event.why, event.kept_messages) for event in found]


def test_thinking_that_shrinks_as_the_window_fills_is_named() -> None:
    level = replace(FIRST, thinking="high")
    fills = [replace(level, input_tokens=tokens) for tokens in (100, 690, 710, 840, 900, 950, 100)]
    assert zones(*fills) == [("t", "thinking", 3)] * 3
    assert zones(*(replace(FIRST, input_tokens=tokens) for tokens in (100, 900))) == []
    shorter = replace(level, messages=HISTORY[:1], input_tokens=100)
    assert zones(fills[-2], shorter) == [("t", "history", 1)], "one request breaks for one reason"


async def hello(arguments: object) -> str:
    return "hello"


def two_turns(first: ScriptedModel, second: ScriptedModel) -> tuple[TurnParts, TurnParts]:
    journal = MemoryJournal()
    parts = parts_for(first, FunctionTool("read", "read", hello), journal=journal)
    return parts, replace(parts, model=second, turn="t2")


async def test_the_loop_tells_it_once() -> None:
    one = ScriptedModel(Script.parse("tool: read {}\n--- step\ntext: done"), "scripted:one")
    two = ScriptedModel(Script.parse("tool: read {}\n--- step\ntext: done"), "scripted:two")
    first, second = two_turns(one, two)
    await run_loop(first)
    await run_loop(second)
    journal = first.journal
    assert isinstance(journal, MemoryJournal)
    assert [event for event in journal.events if isinstance(event, PrefixBroken)] == [PrefixBroken("t2", "model")]


def test_it_costs_microseconds() -> None:
    history = tuple(said(f"message {n}", ToolCall(f"c{n}", "read", {"path": "a"})) for n in range(2_000))
    prefix, model, found = Prefix(), Named("one"), list[PrefixBroken]()
    requests = [ModelRequest("s", history[: 1_900 + n], TOOLS) for n in range(100)]
    began_s = time.perf_counter()
    for request in requests:
        prefix.note("t", model, request, found.append)  # type: ignore[arg-type]
    assert (time.perf_counter() - began_s) / 100 < 0.000_2
    assert found == []
