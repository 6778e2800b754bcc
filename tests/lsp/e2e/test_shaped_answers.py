"""Answers in a schema's shape, through the whole server: what a program that drives it sends and gets."""

import json
import re
from pathlib import Path
from typing import Any

from copydesk.models.scripted import ScriptedModel
from tests.lsp.e2e.rig import SESSION_UPDATE, call, desk, edit, steps, until

FILES = {"a.py": "def twice(x):\n    return x + x\n"}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
PROTOCOL = Path(__file__).parents[3] / "docs" / "PROTOCOL.md"


def only(model: ScriptedModel) -> Any:
    (request,) = model.requests
    return request


async def test_the_example_of_the_protocol(tmp_path: Path) -> None:
    text = PROTOCOL.read_text(encoding="utf-8")
    section = text[text.index("### Answers in a schema's shape") :]
    asked, answered = (json.loads(body) for body in re.findall(r"```json\n(.*?)```", section, re.DOTALL)[:2])
    (argument,) = asked["arguments"]
    model = steps(f"text: {answered['message']}")
    async with desk(tmp_path, model, files=FILES) as d:
        result = await d.client.command(asked["command"], argument)
        for key in ("output", "message", "stopReason"):
            assert result[key] == answered[key]
        assert set(answered) <= set(result)
        told = only(model).messages[0].text
        assert json.loads(told[told.index('{"') : told.rindex("}") + 1]) == argument["schema"]


async def test_a_turn_with_tools_and_edits_ends_in_the_shape(tmp_path: Path) -> None:
    model = steps(call("read_file", path="a.py"), edit("a.py", "x + x", "2 * x"), "text: Done.", 'text: {"n": 1}')
    async with desk(tmp_path, model, files=FILES, custom=(SESSION_UPDATE,)) as d:
        uri = d.open("a.py")
        result = await d.run("prompt", text="double by multiplying", uri=uri, schema=SCHEMA)
        assert d.editor.text(uri) == "def twice(x):\n    return 2 * x\n"
        assert (result["stopReason"], result["output"]) == ("end_turn", {"n": 1})
        assert result["message"].startswith("Done.")
        assert "error" not in result
        await until(lambda: [u for u in d.updates() if u["update"]["sessionUpdate"] == "turn_ended"])
        ended = d.updates()[-1]["update"]
        assert ended["output"] == {"n": 1}
        assert [request.schema is not None for request in model.requests] == [False, False, False, True]
        chunks = [u["update"]["content"]["text"] for u in d.updates() if "chunk" in u["update"]["sessionUpdate"]]
        assert "".join(chunks) == "Done.", "the JSON of the extra request is not shown as words"


async def test_what_does_not_fit_is_an_error_that_keeps_the_words(tmp_path: Path) -> None:
    async with desk(tmp_path, steps("text: I think four.", 'text: {"n": "four"}\nloop'), files=FILES) as d:
        result = await d.run("ask", text="how many?", schema=SCHEMA)
        assert (result["stopReason"], result["errorType"]) == ("error", "WrongShape")
        assert '`n` must be an integer, got "four"' in result["error"]
        assert result["message"] == "I think four."
        assert "output" not in result


async def test_a_prompt_with_a_schema_waits_for_the_running_turn(tmp_path: Path) -> None:
    model = steps("delay: 0.1\ntext: First.", 'text: {"n": 2}', "text: Third.")
    async with desk(tmp_path, model, files=FILES) as d:
        first = await d.begin("prompt", text="one")
        second = await d.run("prompt", text="two", schema=SCHEMA)
        assert second["turn"] != first["turn"]
        assert second["output"] == {"n": 2}
        third = await d.run("prompt", text="three")
        assert third["message"] == "Third."
        assert [message.role for message in model.requests[-1].messages] == ["user", "assistant"] * 2 + ["user"]


async def test_a_secret_in_the_answer_is_not_told(tmp_path: Path) -> None:
    key = "sk-ant-" + "api03-" + "Zq9" * 30
    schema = {"type": "object", "properties": {"key": {"type": "string"}}}
    async with desk(tmp_path, steps(f'text: {{"key": "{key}"}}'), files=FILES) as d:
        result = await d.run("ask", text="which?", schema=schema)
        assert result["output"]["key"]
        assert key not in json.dumps(result)
