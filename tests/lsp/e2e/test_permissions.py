"""Permission questions over the wire: dialogs, commands, code actions, limits, cancels, and what is remembered."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.domain.messages import ToolResult
from copydesk.models.scripted import ScriptedModel
from copydesk.tools.registry import Toolbox
from tests.lsp.e2e.rig import SESSION_UPDATE, Desk, call, desk, steps, until, write
from tests.support.asking_tools import Poke, Runs
from tests.support.lsp_client import RpcFailure

DIALOG = "window/showMessageRequest"
ANSWER = "copydesk.permission.answer"
TITLES = ["Allow once", "Allow for this session", "Always allow", "Deny"]
POKE = call("poke", what="it")
LONG = "rm -f " + " ".join(f"word{number}" for number in range(200))


@dataclass
class Case:
    d: Desk
    model: ScriptedModel
    poke: Poke
    runs: Runs

    def results(self) -> list[str]:
        """What the model was told of its calls."""
        return [
            part.content
            for message in self.model.requests[-1].messages
            for part in message.parts
            if isinstance(part, ToolResult)
        ]

    def dialogs(self) -> list[Any]:
        return [params for method, params in self.d.client.requests if method == DIALOG]

    def permission_updates(self) -> list[Any]:
        updates = [params["update"] for params in self.d.updates()]
        return [update for update in updates if update["sessionUpdate"] == "permission"]

    def cancelled(self) -> int:
        return sum(method == "$/cancelRequest" for method, _ in self.d.client.notifications)

    async def asked(self, n: int = 1) -> Any:
        """Until so many questions have been put by update; the last."""
        await until(lambda: sum(each["state"] == "asked" for each in self.permission_updates()) >= n)
        return [each["request"] for each in self.permission_updates() if each["state"] == "asked"][n - 1]


@asynccontextmanager
async def case(tmp_path: Path, *script: str, **more: Any) -> AsyncIterator[Case]:
    model = steps(*script)
    options = {"model": {"name": "offline"}, **more.pop("settings", {})}
    async with desk(tmp_path, model, settings=options, **more) as d:
        await d.client.command("copydesk.status")
        poke, runs = Poke(), Runs()
        d.host.parts.tools = Toolbox([poke, runs])
        yield Case(d, model, poke, runs)


async def test_the_dialog_says_what_why_and_what_is_remembered(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, "text: Done.") as c:
        c.d.client.choose = "Deny"
        result = await c.d.run("prompt", text="go")
        (dialog,) = c.dialogs()
        assert [action["title"] for action in dialog["actions"]] == TITLES
        assert dialog["message"].startswith("Copydesk asks: Poke it")
        assert "Tool(poke)" in dialog["message"]
        assert c.poke.ran == []
        assert result["stopReason"] == "end_turn"
        assert c.results() == ["poke was refused: the person said no."]


async def test_once_is_once(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, POKE, "text: Done.") as c:
        c.d.client.choose = "Allow once"
        await c.d.run("prompt", text="go")
        assert len(c.dialogs()) == 2
        assert c.poke.ran == ["it", "it"]


async def test_a_session_is_that_session(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, POKE, "text: Done.", POKE, "text: Done.", POKE, "text: Done.") as c:
        c.d.client.choose = "Allow for this session"
        first = await c.d.run("prompt", text="go")
        assert len(c.dialogs()) == 1
        await c.d.run("prompt", text="again", session=first["session"])
        assert len(c.dialogs()) == 1
        other = await c.d.client.command("copydesk.session.new")
        await c.d.run("prompt", text="go", session=other["session"])
        assert len(c.dialogs()) == 2
        assert len(c.poke.ran) == 4


async def test_always_outlives_the_server_and_holds_for_the_folder_alone(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, "text: Done.") as c:
        c.d.client.choose = "Always allow"
        await c.d.run("prompt", text="go")
    async with case(tmp_path, POKE, "text: Done.") as c:
        await c.d.run("prompt", text="go")
        assert (c.dialogs(), c.poke.ran) == ([], ["it"])
        status = await c.d.client.command("copydesk.status")
        assert status["permissions"]["grants"] == 1
    async with case(tmp_path, POKE, "text: Done.", root=tmp_path / "other") as c:
        await c.d.run("prompt", text="go")
        assert (len(c.dialogs()), c.poke.ran) == (1, [])
    written = [path for path in (tmp_path / "work").rglob("*") if path.is_file()]
    assert written == [], "nothing of it stands in the project"


async def test_what_is_allowed_can_be_seen_and_forgotten(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, "text: Done.", POKE, "text: Done.") as c:
        c.d.client.choose = "Always allow"
        await c.d.run("prompt", text="go")
        listed = await c.d.client.command("copydesk.permissions")
        (folder,) = listed["folders"]
        assert [item["rule"] for item in folder["rules"]] == ["Tool(poke)"]
        await until(lambda: any("permissions" in shown["uri"] for shown in c.d.client.shown))
        listed = await c.d.client.command("copydesk.permissions", {"forget": "Tool(poke)", "open": False})
        assert listed["folders"][0]["rules"] == []
        c.d.client.choose = "Deny"
        await c.d.run("prompt", text="go")
        assert len(c.dialogs()) == 2
        with pytest.raises(RpcFailure, match="forget"):
            await c.d.client.command("copydesk.permissions", {"forget": 3})


async def test_answered_by_command_with_a_reason(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, "text: Done.", custom=(SESSION_UPDATE, ANSWER)) as c:
        begun = c.d.client.send_request(
            "workspace/executeCommand", {"command": "copydesk.prompt", "arguments": [{"text": "go", "wait": True}]}
        )
        request = await c.asked()
        assert request["title"] == "Poke it"
        assert [option["optionId"] for option in request["options"]] == [
            "allow_once", "allow_session", "allow_always", "reject_once",
        ]  # fmt: skip
        assert request["remember"] == ["Tool(poke)"]
        given = {"request": request["id"], "option": "reject_once", "reason": "not  before\nlunch"}
        answered = await c.d.client.command(ANSWER, given)
        assert answered["answered"] is True
        await c.d.client.response(begun)
        assert c.dialogs() == [], "this client draws it itself"
        assert c.results() == ["poke was refused: the person said no: not before lunch"]
        last = c.permission_updates()[-1]
        assert (last["state"], last["request"]["id"], last["option"]) == ("rejected", request["id"], "reject_once")
        late = await c.d.client.command(ANSWER, given)
        assert late["answered"] is False


async def test_a_client_of_updates_that_says_nothing_of_drawing_gets_both(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, POKE, "text: Done.", custom=(SESSION_UPDATE,)) as c:
        c.d.client.answers[DIALOG] = c.d.client.hold
        begun = await c.d.begin("prompt", text="go")
        await c.asked()
        await c.d.client.wait_for(DIALOG)
        await c.d.client.command(ANSWER, {"option": "allow_once"})
        await until(lambda: c.poke.ran == ["it"])
        await until(lambda: c.cancelled() == 1)
        await c.d.client.release(DIALOG, {"title": "Deny"})  # too late: it was withdrawn
        await c.asked(2)
        await c.d.client.release(DIALOG, {"title": "Allow once"})
        await c.d.ended(begun["turn"])
        assert c.poke.ran == ["it", "it"]
        assert [each["state"] for each in c.permission_updates()] == ["asked", "allowed"] * 2


async def test_a_dialog_that_is_closed_leaves_the_command(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, "text: Done.", custom=(SESSION_UPDATE,)) as c:
        begun = await c.d.begin("prompt", text="go")
        await c.asked()
        await until(lambda: c.dialogs())
        await anyio.sleep(0.05)
        assert await c.d.running_is_empty() is False
        await c.d.client.command(ANSWER, {"option": "allow_once"})
        await c.d.ended(begun["turn"])
        assert c.poke.ran == ["it"]


async def test_a_dialog_that_is_closed_is_no_in_a_stock_client(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, "text: Done.") as c:
        await c.d.run("prompt", text="go")
        assert c.poke.ran == []
        assert "closed without an answer" in c.results()[0]


@pytest.mark.parametrize("custom", [(), (SESSION_UPDATE, ANSWER)], ids=["dialog", "update"])
async def test_a_client_that_never_answers_is_no_after_the_limit(tmp_path: Path, custom: tuple[str, ...]) -> None:
    settings = {"permissions.askTimeoutS": 0.2}
    async with case(tmp_path, POKE, "text: Done.", custom=custom, settings=settings) as c:
        c.d.client.answers[DIALOG] = c.d.client.hold
        result = await c.d.run("prompt", text="go")
        assert result["stopReason"] == "end_turn"
        assert "nobody answered within 0.2 s" in c.results()[0]
        assert c.poke.ran == []
        assert c.cancelled() == (0 if custom else 1)
        late = await c.d.client.command(ANSWER, {"option": "allow_once"})
        assert late["answered"] is False


@pytest.mark.parametrize("custom", [(), (SESSION_UPDATE,), (SESSION_UPDATE, ANSWER)], ids=["dialog", "both", "update"])
async def test_cancel_withdraws_the_question(tmp_path: Path, custom: tuple[str, ...]) -> None:
    async with case(tmp_path, POKE, "text: Done.", custom=custom) as c:
        c.d.client.answers[DIALOG] = c.d.client.hold
        begun = await c.d.begin("prompt", text="go")
        await until(lambda: c.d.assemblies[0].core.consent.permissions.waiting())
        if custom != (SESSION_UPDATE, ANSWER):
            await c.d.client.wait_for(DIALOG)
        await c.d.client.command("copydesk.cancel", {"turn": begun["turn"]})
        await c.d.ended(begun["turn"])
        status = await c.d.client.command("copydesk.status")
        assert (status["running"], status["permissions"]["waiting"]) == ([], [])
        assert c.cancelled() == (0 if custom == (SESSION_UPDATE, ANSWER) else 1)
        assert c.poke.ran == []
        if custom:
            ended = next(each["update"] for each in c.d.updates() if each["update"]["sessionUpdate"] == "turn_ended")
            assert ended["stopReason"] == "cancelled"
            assert "error" not in ended
            assert [each["state"] for each in c.permission_updates()] == ["asked", "cancelled"]


async def test_several_questions_are_each_answered_by_their_id(tmp_path: Path) -> None:
    script = (call("poke", what="a"), call("poke", what="b"), "text: Done.", "text: Done.")
    async with case(tmp_path, *script, custom=(SESSION_UPDATE, ANSWER)) as c:
        await c.d.begin("prompt", text="go")
        first = await c.asked()
        other = await c.d.client.command("copydesk.session.new")
        await c.d.begin("prompt", text="go", session=other["session"])
        second = await c.asked(2)
        listed = await c.d.client.command(ANSWER)
        assert [each["id"] for each in listed["waiting"]] == [second["id"], first["id"]]
        await c.d.client.command(ANSWER, {"request": first["id"], "option": "allow_once"})
        await until(lambda: c.poke.ran == ["a"])
        answered = await c.d.client.command(ANSWER, {"option": "reject_once"})
        assert answered["request"] == second["id"], "without an id, the newest"
        await until(lambda: len(c.permission_updates()) == 4)
        assert c.poke.ran == ["a"]


async def test_a_wrong_option_is_an_error_and_the_question_stays(tmp_path: Path) -> None:
    async with case(tmp_path, call("run", command="echo $(x"), "text: Done.", custom=(SESSION_UPDATE, ANSWER)) as c:
        begun = await c.d.begin("prompt", text="go")
        request = await c.asked()
        assert [option["optionId"] for option in request["options"]] == ["allow_once", "reject_once"]
        with pytest.raises(RpcFailure, match="not offered"):
            await c.d.client.command(ANSWER, {"option": "allow_always"})
        with pytest.raises(RpcFailure, match="no option"):
            await c.d.client.command(ANSWER, {"option": "yes"})
        await c.d.client.command(ANSWER, {"option": "reject_once"})
        await c.d.ended(begun["turn"])


async def test_the_same_is_not_asked_twice_and_three_refusals_say_stop(tmp_path: Path) -> None:
    pokes = [call("poke", what=what) for what in ("a", "a", "b")]
    async with case(tmp_path, *pokes, "text: Done.") as c:
        c.d.client.choose = "Deny"
        await c.d.run("prompt", text="go")
        assert len(c.dialogs()) == 2
        results = c.results()
        assert "already said no to exactly this" in results[1]
        assert ["stop here" in each for each in results] == [False, False, True]


async def test_a_long_command_can_be_read_to_its_end(tmp_path: Path) -> None:
    async with case(tmp_path, call("run", command=LONG), "text: Done.") as c:
        choices = iter(("Show all", "Allow once"))
        c.d.client.answers[DIALOG] = lambda params: {"title": next(choices)}
        await c.d.run("prompt", text="go")
        first = c.dialogs()[0]
        assert "characters more" in first["message"]
        assert first["message"].splitlines()[0].endswith("word199")
        uri = next(shown["uri"] for shown in c.d.client.shown if "permission" in shown["uri"])
        if uri.startswith("copydesk:"):
            text = (await c.d.client.request("workspace/textDocumentContent", {"uri": uri}))["text"]
        else:
            text = await anyio.Path(uri.removeprefix("file://")).read_text()
        assert LONG in text
        assert c.runs.ran == [LONG]


async def test_what_a_screen_would_hide_is_written_out(tmp_path: Path) -> None:
    command = "echo ok\nrm -rf x \u202e# [all well](command:evil)"
    async with case(tmp_path, call("run", command=command), "text: Done.") as c:
        await c.d.run("prompt", text="go")
        message = c.dialogs()[0]["message"]
        assert "echo ok ⏎ rm -rf x \\u202e#" in message
        assert "](" not in message


async def test_enter_alone_allows_nothing_in_helix(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, "text: Done.", editor="helix") as c:
        c.d.client.choose = "Deny"
        await c.d.run("prompt", text="go")
        assert c.dialogs()[0]["actions"][0]["title"] == "Deny"


async def test_by_code_action_where_there_is_no_dialog(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, "text: Done.", editor="helix-25.01", files={"a.py": "x = 1\n"}) as c:

        def none(params: Any) -> Any:
            raise RpcFailure(-32601, "no such method")

        c.d.client.answers[DIALOG] = none
        uri = c.d.open("a.py")
        begun = await c.d.begin("prompt", text="go")
        await c.d.client.wait_for("window/showMessage", lambda params: "code action" in params["message"])
        at = {"line": 0, "character": 0}
        params = {"textDocument": {"uri": uri}, "range": {"start": at, "end": at}, "context": {"diagnostics": []}}
        actions = await c.d.client.request("textDocument/codeAction", params)
        allow = next(action for action in actions if action["title"] == "Copydesk: Allow once (Poke it)")
        await c.d.client.request("workspace/executeCommand", allow["command"])
        await c.d.ended(begun["turn"])
        assert c.poke.ran == ["it"]


async def test_grants_that_cannot_be_kept_hold_for_the_session_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "grants").write_text("in the way")
    async with case(tmp_path, POKE, POKE, "text: Done.") as c:
        c.d.client.choose = "Always allow"
        await c.d.run("prompt", text="go")
        assert len(c.dialogs()) == 1
        assert c.poke.ran == ["it", "it"]
        assert any("grants" in message and "this session only" in message for message in c.d.client.messages)


async def test_grants_that_cannot_be_read_count_for_nothing_and_it_is_said(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, "text: Done.") as c:
        c.d.client.choose = "Always allow"
        await c.d.run("prompt", text="go")
    (page,) = (tmp_path / "state" / "grants").glob("*.json")
    page.write_text("{ broken")
    async with case(tmp_path, POKE, "text: Done.") as c:
        c.d.client.choose = "Deny"
        await c.d.run("prompt", text="go")
        assert (len(c.dialogs()), c.poke.ran) == (1, [])
        assert any(page.name in message for message in c.d.client.messages)
        await c.d.client.command("copydesk.permissions", {"forget": True, "open": False})
        assert not page.exists()


async def test_rules_of_the_settings(tmp_path: Path) -> None:
    settings = {"permissions": {"allow": ["Tool(poke)", "Bash(git"]}}
    async with case(tmp_path, POKE, "text: Done.", settings=settings) as c:
        await c.d.run("prompt", text="go")
        assert (c.dialogs(), c.poke.ran) == ([], ["it"])
        said = next(message for message in c.d.client.messages if "Bash(git" in message)
        assert "permissions.allow" in said


async def test_a_project_tightens_and_does_not_loosen(tmp_path: Path) -> None:
    project = '[permissions]\nmode = "auto"\nallow = ["Tool(poke)"]\naskTimeoutS = 9999\n'
    async with case(tmp_path, POKE, "text: Done.", files={".copydesk/config.toml": project}) as c:
        c.d.client.choose = "Deny"
        await c.d.run("prompt", text="go")
        assert c.poke.ran == []
        status = await c.d.client.command("copydesk.status")
        assert status["mode"] == "ask"
    tight = '[permissions]\nmode = "plan"\ndeny = ["Tool(poke)"]\n'
    write(tmp_path / "work", {".copydesk/config.toml": tight})
    settings = {"permissions": {"allow": ["Tool(poke)"]}}
    async with case(tmp_path, POKE, "text: Done.", settings=settings) as c:
        await c.d.run("prompt", text="go", mode="auto")
        assert c.poke.ran == []
        assert "Tool(poke) forbids it" in c.results()[0]


LOOSE = {".copydesk/config.toml": '[permissions]\nallow = ["Tool(poke)"]\n'}


async def test_trust_is_asked_once_and_remembered(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, "text: Done.", POKE, "text: Done.", files=LOOSE) as c:

        def answer(params: Any) -> Any:
            return {"title": "Trust this folder" if "Do you trust" in params["message"] else "Deny"}

        c.d.client.answers[DIALOG] = answer
        await c.d.run("prompt", text="go")
        await until(lambda: (tmp_path / "state" / "trust.json").exists())
        await c.d.run("prompt", text="go")
        trust = [each["message"] for each in c.dialogs() if "Do you trust" in each["message"]]
        assert len(trust) == 1
        assert str(tmp_path / "work") in trust[0]
        assert c.poke.ran[-1:] == ["it"]  # the first turn may be over before the question is answered, or not
    async with case(tmp_path, POKE, "text: Done.") as c:
        await c.d.run("prompt", text="go")
        assert (c.dialogs(), c.poke.ran) == ([], ["it"])
        answer = await c.d.client.command("copydesk.workspace.trust", {"trusted": False})
        assert answer["folders"][0]["trusted"] is False
        c.d.client.choose = "Deny"
        await c.d.client.command("copydesk.status")
    async with case(tmp_path, POKE, "text: Done.") as c:
        c.d.client.choose = "Deny"
        await c.d.run("prompt", text="go")
        assert c.poke.ran == []
        assert not any("Do you trust" in each["message"] for each in c.dialogs()), "no was an answer"


@pytest.mark.parametrize("trusted", [True, False])
async def test_what_the_editor_says_of_its_workspace_wins(tmp_path: Path, trusted: bool) -> None:
    options = {"workspaceTrusted": trusted}
    async with case(tmp_path, POKE, "text: Done.", files=LOOSE, settings=options) as c:
        c.d.client.choose = "Deny"
        result = await c.d.client.command("copydesk.workspace.trust", {"trusted": not trusted})
        assert (result["folders"][0]["trusted"], result["folders"][0]["source"]) == (trusted, "editor")
        await c.d.run("prompt", text="go")
        assert c.poke.ran == (["it"] if trusted else [])
        assert not any("Do you trust" in each["message"] for each in c.dialogs())
        assert not (tmp_path / "state" / "trust.json").exists()


async def test_the_editor_can_change_its_mind_and_a_pulled_setting_cannot(tmp_path: Path) -> None:
    async with case(tmp_path, POKE, "text: Done.", files=LOOSE, settings={"workspaceTrusted": False}) as c:

        async def trusted() -> bool:
            return (await c.d.client.command("copydesk.status"))["permissions"]["trusted"]

        c.d.client.settings = {"workspaceTrusted": True, "trace.level": "off"}
        c.d.client.notify("workspace/didChangeConfiguration", {"settings": None})
        await anyio.sleep(0.05)
        assert await trusted() is False, "settings that are pulled may come from files of the workspace"
        c.d.client.notify("workspace/didChangeConfiguration", {"settings": {"copydesk": {"workspaceTrusted": True}}})
        assert await trusted() is True


async def test_an_edit_of_the_rules_themselves_is_asked_where_nobody_would_review_it(tmp_path: Path) -> None:
    content = json.dumps({"path": ".copydesk/config.toml", "content": '[permissions]\nallow = ["Bash(*)"]\n'})
    for mode, n_asked in (("auto", 1), ("acceptEdits", 1), ("ask", 0)):
        model = steps(f"tool: write_file {content}", "text: Done.")
        async with desk(tmp_path / mode, model, settings={"model": {"name": "offline"}}) as d:
            d.client.choose = "Deny"
            await d.run("prompt", text="go", mode=mode)
            asked = [params for method, params in d.client.requests if method == DIALOG]
            assert len([each for each in asked if "obey" in each["message"]]) == n_asked, mode
            assert not (d.root / ".copydesk").exists()
