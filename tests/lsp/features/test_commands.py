"""Commands: what they take, what they start, what they answer."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.domain.errors import CopydeskError
from copydesk.domain.messages import LineRange
from copydesk.lsp.client import ClientError
from copydesk.lsp.commands import TURN_VERBS
from copydesk.lsp.handlers import RpcError
from tests.support.feature_rig import CLIENTS, EGLOT, HELIX_OLD, NVIM_010, URI, VSCODE, FeatureRig, rig

CODE = "import os\n\ndef größe(x):\n    return x\n"
AT = {"start": {"line": 2, "character": 0}, "end": {"line": 3, "character": 0}}
INVALID = -32602


@pytest.mark.parametrize("client", sorted(CLIENTS))
async def test_a_command_answers_at_once_and_shows_progress(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        r.open(CODE)
        with anyio.fail_after(0.5):
            answer = await r.command("copydesk.explain", {"uri": URI, "range": AT})
        assert answer == {"session": "s-1", "turn": "t-1"}
        task = r.host.requests[0].task
        assert (task.verb, task.uri, task.path, task.language) == ("explain", URI, "src/a.py", "python")
        assert task.range == LineRange(2, 0, 3, 0)
        assert task.selection == "def größe(x):\n"
        begin = await r.until(lambda: r.progress())
        assert begin[0]["title"] == "Copydesk: Explain größe"


async def test_the_last_place_is_forgotten_when_its_file_is_gone(tmp_path: Path) -> None:
    """VS Code's Undo takes back the file that a turn made, and the person then asks for a prompt from the palette."""
    async with rig(tmp_path) as r:
        r.open(CODE)
        await r.list_actions(2, 5)
        r.overlay.close(URI)
        await r.command("copydesk.prompt")
        (shown,) = await r.until(lambda: r.all("window/showDocument"))
        assert "prompt-1.md" in shown["uri"]


async def test_wait_answers_with_the_result(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        answers: list[Any] = []

        async def run() -> None:
            answers.append(await r.command("copydesk.explain", {"uri": URI, "range": AT, "wait": True}))

        r.tasks.start_soon(run)
        await r.until(lambda: r.host.turns)
        assert answers == []
        r.host.end("t-1", "It returns x.")
        await r.until(lambda: answers)
        assert answers[0] == {
            "session": "s-1",
            "turn": "t-1",
            "stopReason": "end_turn",
            "message": "It returns x.",
            "review": {"state": "none", "files": []},
            "usage": {
                "inputTokens": 10,
                "outputTokens": 5,
                "totalTokens": 15,
                "cachedReadTokens": 0,
                "cachedWriteTokens": 0,
                "thoughtTokens": 0,
                "cachedShare": 0.0,
                "cost": None,
                "estimated": False,
            },
            "evidence": [],
        }


async def test_cancelling_a_waiting_command_cancels_its_turn(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        scope = anyio.CancelScope()
        params = {"command": "copydesk.fix", "arguments": [{"uri": URI, "range": AT, "wait": True}]}

        async def run() -> None:
            with scope:
                await r.call("workspace/executeCommand", params, scope)

        r.tasks.start_soon(run)
        await r.until(lambda: r.host.turns)
        scope.cancel()
        await r.until(lambda: r.host.cancelled)
        assert r.host.cancelled == ["t-1"]


@pytest.mark.parametrize("junk", [[], [None], [[]], ["x"], [7], [True], [{"uri": 3}], [{"range": "x"}], [{"a": 1}]])
@pytest.mark.parametrize("verb", TURN_VERBS)
async def test_junk_never_breaks_a_turn_command(tmp_path: Path, verb: str, junk: list[Any]) -> None:
    async with rig(tmp_path) as r:
        answer = await outcome(r, f"copydesk.{verb}", junk)
        if isinstance(answer, RpcError):
            assert answer.code == INVALID
            assert f"copydesk.{verb}" in answer.message
        else:
            assert verb in ("prompt", "ask")
            assert answer["document"].endswith("/prompts/prompt-1.md")


async def test_every_command_works_with_no_argument(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        for name in r.commands:
            for arguments in (None, [], [None], [{}]):
                answer = await outcome(r, name, arguments)
                if isinstance(answer, RpcError):
                    assert answer.code == INVALID
                    assert name in answer.message


async def outcome(r: FeatureRig, command: str, arguments: object) -> Any:
    try:
        return await r.call("workspace/executeCommand", {"command": command, "arguments": arguments})
    except RpcError as error:
        return error


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"uri": 3}, "'uri' must be a string, not a number"),
        ({"uri": URI, "range": [1]}, "'range' must be {start"),
        ({"uri": URI, "range": {"start": {"line": -1, "character": 0}}}, "'range' must be {start"),
        ({"range": AT}, "needs the 'uri'"),
        ({"uri": URI, "wait": "yes"}, "'wait' must be true or false, not a string"),
        ({"uri": URI, "mode": "yolo"}, "choose one of plan, ask, acceptEdits, auto"),
        ({"uri": URI, "diagnostics": {}}, "'diagnostics' must be a list"),
        ({"uri": URI, "range": {"start": {"line": 900, "character": 0}}}, "has 5 lines"),
        ("x", "takes one object with any of uri, range"),
    ],
)
async def test_a_wrong_argument_is_named(tmp_path: Path, argument: object, words: str) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        with pytest.raises(RpcError) as caught:
            await r.command("copydesk.explain", argument)
        assert caught.value.code == INVALID
        assert words in caught.value.message


async def test_an_unknown_key_is_noted_and_ignored(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        await r.command("copydesk.explain", {"uri": URI, "range": AT, "colour": "red"})
        assert any("'colour'" in log["message"] for log in r.all("window/logMessage"))
        assert len(r.host.requests) == 1


async def test_no_place_says_how_to_give_one(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        with pytest.raises(RpcError, match=r"Give \{uri, range\}"):
            await r.command("copydesk.explain")


async def test_with_no_argument_the_last_hover_or_code_action_place_is_taken(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        await r.list_actions(3, 4)
        await r.command("copydesk.document")
        await r.call("textDocument/hover", {"textDocument": {"uri": URI}, "position": {"line": 2, "character": 5}})
        await r.command("copydesk.explain", None)
        ranges = [request.task.range for request in r.host.requests]
        assert ranges == [LineRange(3, 4, 3, 4), LineRange(2, 5, 2, 5)]


async def test_columns_come_in_the_clients_encoding(tmp_path: Path) -> None:
    line = "x = '😀ä' + y\n"
    units = {VSCODE: 9, HELIX_OLD: 12, "emacs-30.1-eglot": 8}
    for client, start in units.items():
        async with rig(tmp_path, client) as r:
            r.open(line)
            at = {"start": {"line": 0, "character": start}, "end": {"line": 0, "character": start + 3}}
            await r.command("copydesk.explain", {"uri": URI, "range": at})
            assert r.host.requests[0].task.range == LineRange(0, 8, 0, 11), client


async def test_diagnostics_become_problems(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        at = {"start": {"line": 0, "character": 7}, "end": {"line": 0, "character": 9}}
        item = {"range": at, "message": "unused import", "severity": 2, "source": "ruff", "code": "F401"}
        await r.command("copydesk.fix", {"uri": URI, "range": at, "diagnostics": [item]})
        await r.list_actions(0, 8, diagnostics=[item])
        await r.command("copydesk.fix", {"uri": URI, "range": at})
        await r.command("copydesk.fix")
        for request in r.host.requests:
            (problem,) = request.task.problems
            assert (problem.message, problem.severity, problem.code) == ("unused import", "warning", "F401")
            assert problem.range == LineRange(0, 7, 0, 9)


async def test_a_closed_file_is_read_and_a_missing_one_explained(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.disk["file:///w/b.py"] = "b = 1\n"
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 5}}
        await r.command("copydesk.explain", {"uri": "file:///w/b.py", "range": whole})
        assert r.host.requests[0].task.selection == "b = 1"
        with pytest.raises(RpcError, match="There is no file"):
            await r.command("copydesk.explain", {"uri": "file:///w/none.py", "range": whole})


async def test_what_the_host_refuses_is_told(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.host.fail = CopydeskError("There is no session 's-9'.", advice="List them.")
        with pytest.raises(RpcError, match="List them") as caught:
            await r.command("copydesk.explain", {"uri": URI, "session": "s-9"})
        assert caught.value.code == -32803


async def test_cancel_one_or_all(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        for _ in range(3):
            await r.command("copydesk.explain", {"uri": URI})
        assert await r.command("copydesk.cancel", {"turn": "t-2"}) == {"cancelled": ["t-2"]}
        assert await r.command("copydesk.cancel") == {"cancelled": ["t-1", "t-3"]}
        assert await r.command("copydesk.cancel") == {"cancelled": []}


async def test_status_says_what_there_is(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        await r.command("copydesk.explain", {"uri": URI})
        r.host.step("t-1", 2, "Reading src/a.py")
        status = await r.command("copydesk.status")
        assert status["version"] == "0.1.0"
        assert status["running"][0]["turn"] == "t-1"
        assert status["running"][0]["step"] == 2
        assert set(r.commands) <= set(status["capabilities"])
        assert status["positionEncoding"] == "utf-16"


async def test_model_mode_and_sessions(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        assert (await r.command("copydesk.models"))["models"] == [{"name": "offline"}]
        assert await r.command("copydesk.model.set", {"model": "ollama/x"}) == {"model": "ollama/x"}
        with pytest.raises(RpcError, match="names no model"):
            await r.command("copydesk.model.set", {"model": "nobody/x"})
        assert (await r.command("copydesk.status"))["model"]["name"] == "ollama/x", "the model stays what it was"
        assert await r.command("copydesk.mode.set", {"mode": "plan"}) == {"mode": "plan"}
        with pytest.raises(RpcError, match="Choose one of"):
            await r.command("copydesk.mode.set", {"mode": "yolo"})
        made = await r.command("copydesk.session.new")
        listed = await r.command("copydesk.session.list")
        assert [item["session"] for item in listed["sessions"]] == [made["session"]]
        assert await r.command("copydesk.doctor") == {"checks": []}


async def test_helix_is_told_what_it_would_not_show(tmp_path: Path) -> None:
    """It drops the answers and the errors of commands, and before 25.07 it can pass no argument."""
    async with rig(tmp_path, HELIX_OLD) as r:
        r.answers["window/showMessageRequest"] = no_dialog
        await r.command("copydesk.status")
        assert r.shown() == [], "others read the answer"
        r.client.name = "helix"
        await r.command("copydesk.status", {})
        assert r.shown() == [], "so does who passes an argument"
        await r.command("copydesk.status")
        await r.until(r.shown)
        assert r.shown()[-1][1].endswith("mode ask; nothing runs.")
        with pytest.raises(RpcError):
            await r.command("copydesk.mode.set", {"mode": "yolo"})
        assert r.shown()[-1][0] == 1
        assert "Choose one of" in r.shown()[-1][1]
        assert await r.command("copydesk.mode.set") == {"mode": "ask"}
        await r.until(lambda: r.voice.questions.waiting())
        await r.command("copydesk.answer", {"choice": "plan"})
        await r.until(lambda: r.shown()[-1][1] == "The mode is plan.")
        assert (await r.command("copydesk.status", {}))["mode"] == "plan"


def no_dialog(_: Any) -> Any:
    raise ClientError("Method not found: window/showMessageRequest", -32601)


async def test_an_unknown_command_names_those_there_are(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        for name in ("copydesk.review", "copydesk.redo", "x", None):
            with pytest.raises(RpcError, match=r"copydesk\.explain"):
                await r.command(name)  # type: ignore[arg-type]


# --- free text --------------------------------------------------------------------------------------------


async def open_prompt(r: FeatureRig, command: str = "copydesk.refactor") -> str:
    r.open(CODE)
    answer = await r.command(command, {"uri": URI, "range": AT})
    assert answer["turn"] is None
    return answer["document"]


async def test_a_prompt_document_is_opened_written_and_sent(tmp_path: Path) -> None:
    async with rig(tmp_path, NVIM_010) as r:
        uri = await open_prompt(r)
        (shown,) = r.all("window/showDocument")
        assert (shown["uri"], shown["takeFocus"]) == (uri, True)
        assert shown["selection"]["start"] == {"line": 2, "character": 0}, "the cursor is where the text goes"
        path = Path(uri.removeprefix("file://"))
        assert path.parent == tmp_path / "prompts"
        template = await anyio.Path(path).read_text()
        assert "src/a.py:3" in template.splitlines()[0]
        r.open(template + "use a dataclass\n", uri, "markdown")
        (action,) = await r.list_actions(0, uri=uri)
        assert action["title"] == "Copydesk: Send"
        await r.list_actions(0, uri=URI)  # looking elsewhere does not move the prompt's place
        await r.command(action["command"]["command"], *action["command"]["arguments"])
        task = r.host.requests[0].task
        assert (task.verb, task.text, task.range) == ("refactor", "use a dataclass", LineRange(2, 0, 3, 0))
        assert await r.command("copydesk.send", {"uri": uri}) == {"sent": False}
        assert len(r.host.requests) == 1


async def test_without_show_document_the_message_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    async with rig(tmp_path, HELIX_OLD) as r:
        await open_prompt(r, "copydesk.prompt")
        ((_, text),) = r.shown()
        assert f"Write in ~/{tmp_path.name}/prompts/prompt-1.md and choose the code action" in text


async def test_an_empty_prompt_document_says_so(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        uri = await open_prompt(r, "copydesk.prompt")
        assert await r.command("copydesk.send", {"uri": uri}) == {"sent": False}
        assert "nothing to send" in r.shown()[-1][1]
        await anyio.Path(uri.removeprefix("file://")).write_text("no marker any more")
        assert (await r.command("copydesk.send"))["turn"] == "t-1"


async def test_without_show_document_the_path_is_told(tmp_path: Path) -> None:
    async with rig(tmp_path, HELIX_OLD) as r:
        uri = await open_prompt(r, "copydesk.ask")
        assert uri.removeprefix("file://") in r.shown()[-1][1]


async def test_sending_with_no_document_is_an_error_that_helps(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        with pytest.raises(RpcError, match=r"copydesk\.prompt with no text"):
            await r.command("copydesk.send")


async def test_the_send_action_has_a_kind_the_client_asked_for(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        uri = await open_prompt(r)
        for only, kind in [(["refactor"], "refactor"), (["quickfix"], "quickfix"), ([""], "quickfix")]:
            (action,) = await r.list_actions(0, uri=uri, only=only)
            assert action["kind"] == kind


# --- instruction comments ---------------------------------------------------------------------------------


async def test_an_instruction_comment_becomes_a_task_of_its_own(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open("x = 1\n# copydesk: make it\n# two\ny = x\n")
        action = next(a for a in await r.list_actions(1, 3) if a["title"] == "Copydesk: Do what this comment asks")
        r.overlay.close(URI)
        r.open("# typed since\nx = 1\n# copydesk: make it\n# two\ny = x\n")
        await r.command("copydesk.prompt", *action["command"]["arguments"])
        task = r.host.requests[0].task
        assert task.instruction_comment
        assert (task.text, task.range) == ("make it two", LineRange(2, 0, 3, 5))
        assert task.selection == "# copydesk: make it\n# two"
        assert r.host.current is None


async def test_a_comment_that_is_gone_is_told(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open("# copydesk: make it\n")
        action = next(a for a in await r.list_actions(0) if "comment" in a["title"])
        r.overlay.close(URI)
        r.open("y = 1\n")
        with pytest.raises(RpcError, match="not there any more"):
            await r.command("copydesk.prompt", *action["command"]["arguments"])


async def test_a_prompt_document_that_is_not_open_for_us_is_sent_from_anywhere(tmp_path: Path) -> None:
    """Where the server serves one language only, the document itself has no code actions."""
    async with rig(tmp_path, EGLOT) as r:
        uri = await open_prompt(r)
        listed = await r.list_actions(2, 5)
        (send,) = [a for a in listed if a["title"].startswith("Copydesk: Send")]
        assert (await r.command("copydesk.send", *send["command"]["arguments"])) == {"sent": False}
        assert "save it" in r.shown()[-1][1]
        path = anyio.Path(uri.removeprefix("file://"))
        await path.write_text(await path.read_text() + "use a dataclass\n")
        await r.command("copydesk.send", *send["command"]["arguments"])
        assert r.host.requests[0].task.text == "use a dataclass"
        assert not [a for a in await r.list_actions(2, 5) if a["title"].startswith("Copydesk: Send")]


ANSWER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


async def test_a_schema_gives_the_turn_a_shape(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        for verb in ("prompt", "ask"):
            await r.command(f"copydesk.{verb}", {"text": "how many?", "schema": ANSWER})
            shape = r.host.requests[-1].shape
            assert shape is not None
            assert '"required":["n"]' in shape.told()
        await r.command("copydesk.ask", {"text": "why?"})
        assert r.host.requests[-1].shape is None


@pytest.mark.parametrize(
    ("command", "schema", "problem"),
    [
        ("copydesk.ask", "n", "'schema' must be an object"),
        ("copydesk.ask", {"type": "array"}, "`type` must be"),
        ("copydesk.prompt", {"type": "object", "not": {}}, "`not` at # is not supported"),
        ("copydesk.prompt", {"type": "objct"}, "#/type must be one of"),
        ("copydesk.explain", ANSWER, "takes no 'schema'"),
    ],
)
async def test_a_schema_that_cannot_be_used_starts_nothing(
    tmp_path: Path, command: str, schema: Any, problem: str
) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        with pytest.raises(RpcError, match=problem) as caught:
            await r.command(command, {"text": "x", "uri": URI, "range": AT, "schema": schema})
        assert caught.value.code == INVALID
        assert not r.host.requests
