"""The scripted model and the form of scripts."""

from pathlib import Path

import pytest

from copydesk.domain import errors
from copydesk.domain.messages import Message, Text, ToolResult, Usage
from copydesk.domain.stream import (
    Finished,
    ModelRequest,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from copydesk.models.scripted import OVER, Script, ScriptedModel, load

ASK = ModelRequest("", (Message("user", (Text("hi"),)),))
FULL = """\
# a comment
--- step first
expect: ^hi$
think: hm
text: |
  a

    b  c |
text: d
tool: read_file {"path": "a.py"}
tool_raw: read_file {"path":
usage: in=12 out=3 cached=10 written=1 reasoning=2
--- step
chunk: 2
text: hello
finish: max_tokens
--- step
refuse: no
"""


async def play(model: ScriptedModel, request: ModelRequest = ASK) -> list[StreamEvent]:
    async with model.stream(request) as events:
        return [event async for event in events]


async def test_every_word() -> None:
    model = ScriptedModel(Script.parse(FULL))
    assert await play(model) == [
        ThinkingDelta("hm"),
        ThinkingEnd(),
        TextDelta("a\n\n  b  c |"),
        TextDelta("d"),
        ToolCallStart(0, "call_1_1", "read_file"),
        ToolCallDelta(0, '{"path": "a.py"}'),
        ToolCallStart(1, "call_1_2", "read_file"),
        ToolCallDelta(1, '{"path":'),
        UsageReport(Usage(12, 3, 10, 1, 2)),
        Finished("tool_calls"),
    ]
    assert await play(model) == [TextDelta("he"), TextDelta("ll"), TextDelta("o"), Finished("max_tokens")]
    assert await play(model) == [RefusalDelta("no"), Finished("refusal")]
    assert await play(model) == [TextDelta(OVER), Finished("end_turn")]
    assert model.requests == [ASK] * 4
    model.reset()
    assert (await play(model))[0] == ThinkingDelta("hm")


async def test_the_last_step_repeats_with_loop() -> None:
    model = ScriptedModel(Script.parse("text: a\n--- step\ntext: b\nloop"))
    assert [(await play(model))[0] for _ in range(4)] == [TextDelta(text) for text in "abbb"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("rate_limited", errors.RateLimited),
        ("overloaded", errors.Overloaded),
        ("timeout", errors.ModelTimeout),
        ("connection", errors.ConnectionLost),
        ("auth", errors.AuthRejected),
        ("overflow", errors.ContextOverflow),
    ],
)
async def test_errors_come_where_they_stand(kind: str, error: type[errors.ModelError]) -> None:
    async with ScriptedModel(Script.parse(f"text: a\nerror: {kind} slow down")).stream(ASK) as stream:
        assert await anext(stream) == TextDelta("a")
        with pytest.raises(error, match="slow down"):
            await anext(stream)


async def test_expectations_see_user_and_tool_messages() -> None:
    result = Message("tool", (ToolResult("c", "t", "3 passed\nin 1s"),))
    script = "expect: ^3 passed\ntext: ok"
    assert await play(ScriptedModel(Script.parse(script)), ModelRequest("", (*ASK.messages, result)))
    with pytest.raises(errors.BadRequest, match=r"expected '\^3 passed'.*saw: 'hi'"):
        await play(ScriptedModel(Script.parse(script)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("text: a\nfoo: b", "Line 2 .*'foo'"),
        ("tool: a {", "not JSON"),
        ("tool: a [1]", "not a JSON object"),
        ("tool:", "name of a tool"),
        ("usage: in=x", "in=x"),
        ("delay: soon", "not a number"),
        ("delay: nan", "out of range"),
        ("error: whatever", "'whatever' is not an error"),
        ("finish: whatever", "'whatever' is not a finish"),
        ("expect: (", "regular expression"),
        ("just words", "word: value"),
        ("loop\n--- step\ntext: a", "loop"),
    ],
)
def test_mistakes_are_named(text: str, says: str) -> None:
    with pytest.raises(errors.ConfigError, match=says):
        Script.parse(text)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    path.write_bytes("\ufefftext: ä\r\ntool: a |\r\n  {\r\n  }\r\n".encode())
    assert load(str(path)) == Script.parse("text: ä\ntool: a |\n  {\n  }\n")
    with pytest.raises(errors.ConfigError, match="cannot be read"):
        load(str(tmp_path / "missing"))
