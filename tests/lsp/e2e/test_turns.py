"""Turns through commands: what each answers, sessions side by side, steering, queueing, choices."""

import time
from pathlib import Path
from typing import Any

import pytest

from copydesk.models.script import Script
from tests.lsp.e2e.rig import SLOW, call, desk, edit, steps, until
from tests.support.fake_editor import PROFILES
from tests.support.lsp_client import RpcFailure
from tests.support.model_server import Fault, ModelServer

CODE = "def twice(x):\n    return x + x\n"
FILES = {"a.py": CODE, "b.py": "import a\n\nprint(a.twice(2))\n"}
AT_TWICE = {"start": {"line": 0, "character": 4}, "end": {"line": 0, "character": 9}}
VERBS = ("explain", "fix", "document", "test", "refactor", "ask", "prompt")


@pytest.mark.parametrize("editor", sorted(PROFILES))
async def test_an_edit_reaches_the_screen_in_every_editor(tmp_path: Path, editor: str) -> None:
    model = steps(call("read_file", path="a.py"), edit("a.py", "x + x", "2 * x"), "text: Done.")
    async with desk(tmp_path, model, editor=editor, files=FILES) as d:
        uri = d.open("a.py")
        result = await d.run("prompt", text="double by multiplying", uri=uri)
        assert d.editor.text(uri) == CODE.replace("x + x", "2 * x")
        assert result["stopReason"] == "end_turn", result
        assert result["review"]["state"] == "applied"
        assert "Done." in result["message"]
        assert "Changed, not saved: a.py." in result["message"]
        assert len(d.editor.applied) == 1


async def test_the_result_of_a_waiting_command(tmp_path: Path) -> None:
    model = steps("usage: in=10 out=2\ntext: Hi.")
    async with desk(tmp_path, model, files=FILES) as d:
        result = await d.run("prompt", text="hello")
        assert set(result) == {"session", "turn", "stopReason", "message", "review", "usage", "evidence"}
        assert result["message"] == "Hi."
        assert result["review"] == {"state": "none", "files": []}
        assert result["usage"]["inputTokens"] == 10
        assert result["evidence"] == []


@pytest.mark.parametrize("verb", VERBS)
async def test_every_turn_command_with_arguments(tmp_path: Path, verb: str) -> None:
    async with desk(tmp_path, steps("text: Fine."), files=FILES) as d:
        uri = d.open("a.py")
        result = await d.run(verb, uri=uri, range=AT_TWICE, text="please", instruction="please")
        assert result["message"] == "Fine."


@pytest.mark.parametrize("verb", VERBS)
async def test_every_turn_command_without_arguments_takes_the_last_place(tmp_path: Path, verb: str) -> None:
    async with desk(tmp_path, steps("text: Fine.\nloop"), files=FILES) as d:
        uri = d.open("a.py")
        await d.client.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": AT_TWICE["start"]})
        answer = await d.client.command(f"copydesk.{verb}")
        if verb in ("prompt", "ask", "refactor"):
            assert answer["turn"] is None
            assert answer["document"]
        else:
            await d.ended(answer["turn"])


@pytest.mark.parametrize("verb", VERBS)
async def test_every_turn_command_with_nothing_to_go_by(tmp_path: Path, verb: str) -> None:
    async with desk(tmp_path, steps("text: Fine.\nloop"), files=FILES) as d:
        if verb in ("prompt", "ask"):
            assert (await d.client.command(f"copydesk.{verb}"))["document"]
            return
        with pytest.raises(RpcFailure, match=r"Give \{uri, range\}"):
            await d.client.command(f"copydesk.{verb}")


@pytest.mark.parametrize(
    "name", ["status", "models", "doctor", "session.list", "session.new", "cancel", "model.set", "mode.set", "send"]
)
async def test_the_other_commands_without_arguments(tmp_path: Path, name: str) -> None:
    async with desk(tmp_path, steps("text: Fine."), files=FILES) as d:
        if name in ("model.set", "mode.set", "send"):
            with pytest.raises(RpcFailure) as caught:
                await d.client.command(f"copydesk.{name}")
            assert caught.value.code == -32602
            assert "copydesk." in caught.value.message
        else:
            assert isinstance(await d.client.command(f"copydesk.{name}", timeout_s=10), dict)


async def test_status_and_doctor_say_what_confines_commands(tmp_path: Path) -> None:
    async with desk(tmp_path, steps(SLOW), files=FILES, settings={"sandbox.backend": "process"}) as d:
        sandbox = (await d.client.command("copydesk.status", timeout_s=10))["sandbox"]
        assert (sandbox["backend"], sandbox["works"], sandbox["holds"]) == ("process", False, [])
        assert "the network" in sandbox["summary"]
        found = (await d.client.command("copydesk.doctor", timeout_s=10))["findings"]
        assert [each["level"] for each in found if each["subject"] == "sandbox"] == ["note"]


async def test_status_says_why_no_command_runs(tmp_path: Path) -> None:
    async with desk(tmp_path, steps(SLOW), files=FILES, settings={"sandbox.backend": "container"}) as d:
        sandbox = (await d.client.command("copydesk.status", timeout_s=10))["sandbox"]
        assert (sandbox["backend"], sandbox["works"]) == ("container", False)
        assert "sandbox.image" in sandbox["summary"]
        found = (await d.client.command("copydesk.doctor", timeout_s=10))["findings"]
        assert [each["level"] for each in found if each["subject"] == "sandbox"] == ["problem"]


async def test_commands_answer_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path, steps(SLOW), files=FILES) as d:
        uri = d.open("a.py")
        await d.client.command("copydesk.session.list")
        started = time.perf_counter()
        answer = await d.begin("prompt", text="go", uri=uri)
        assert time.perf_counter() - started < 0.05
        assert set(answer) == {"session", "turn"}
        started = time.perf_counter()
        status = await d.client.command("copydesk.status")
        assert [each["turn"] for each in status["running"]] == [answer["turn"]]
        await d.client.command("copydesk.cancel")


async def test_a_prompt_steers_the_running_turn(tmp_path: Path) -> None:
    model = steps(f"delay: 0.2\n{call('list_dir')}", "expect: use names\ntext: As you say.")
    async with desk(tmp_path, model, files=FILES) as d:
        first = d.client.send_request(
            "workspace/executeCommand", {"command": "copydesk.prompt", "arguments": [{"text": "go", "wait": True}]}
        )
        await until(lambda: model.requests)
        steered = await d.begin("prompt", text="use names")
        result = await d.client.response(first)
        assert steered["turn"] == result["turn"]
        assert result["message"] == "As you say."
        assert len((await d.client.command("copydesk.session.list"))["sessions"]) == 1


async def test_what_is_steered_into_the_last_step_is_answered(tmp_path: Path) -> None:
    model = steps("delay: 0.2\ntext: First.", "expect: and more\ntext: Second.")
    async with desk(tmp_path, model, files=FILES) as d:
        turn = (await d.begin("prompt", text="go"))["turn"]
        await until(lambda: model.requests)
        again = await d.run("prompt", text="and more")
        assert again["turn"] == turn
        assert again["message"] == "Second."


async def test_what_comes_during_the_review_starts_the_next_turn(tmp_path: Path) -> None:
    """While the person is asked about the edit there is no further step to steer."""
    model = steps(edit("a.py", "x + x", "2 * x"), "text: Done.", "expect: thanks\ntext: Welcome.")
    async with desk(tmp_path, model, editor="emacs", files=FILES, settings={"review.mode": "confirm"}) as d:
        uri = d.open("a.py")
        d.client.answers["window/showMessageRequest"] = d.client.hold
        first = await d.begin("prompt", text="go", uri=uri)
        await d.client.wait_for("window/showMessageRequest")
        second = await d.begin("prompt", text="thanks", session=first["session"])
        assert second["turn"] != first["turn"]
        await d.client.release("window/showMessageRequest", {"title": "Apply"})
        assert await d.ended(second["turn"]) == "Welcome."
        assert d.editor.text(uri) == CODE.replace("x + x", "2 * x")


async def test_two_prompts_at_once_are_one_turn(tmp_path: Path) -> None:
    model = steps("expect: second\ntext: Both.\nloop")
    async with desk(tmp_path, model, files=FILES) as d:
        ids = [
            d.client.send_request("workspace/executeCommand", {"command": "copydesk.prompt", "arguments": [argument]})
            for argument in ({"text": "first"}, {"text": "second", "wait": True})
        ]
        first, second = [await d.client.response(each) for each in ids]
        assert first["turn"] == second["turn"]
        assert second["message"] == "Both."


async def test_a_prompt_after_a_cancel_starts_a_turn_of_its_own(tmp_path: Path) -> None:
    model = steps(SLOW, "expect: again\ntext: Here.")
    async with desk(tmp_path, model, files=FILES) as d:
        first = await d.begin("prompt", text="go")
        await until(lambda: model.requests)
        ids = [
            d.client.send_request("workspace/executeCommand", {"command": name, "arguments": [argument]})
            for name, argument in (("copydesk.cancel", {}), ("copydesk.prompt", {"text": "again", "wait": True}))
        ]
        assert await d.client.response(ids[0]) == {"cancelled": [first["turn"]]}
        second = await d.client.response(ids[1])
        assert second["turn"] != first["turn"]
        assert second["message"] == "Here."


@pytest.mark.parametrize("settings", [{"budget.maxSteps": 1}])
async def test_what_was_not_taken_up_is_kept_for_the_next_turn(tmp_path: Path, settings: Any) -> None:
    model = steps(call("list_dir"), "delay: 0.2\ntext: At the limit.", "text: Next.")
    async with desk(tmp_path, model, files=FILES, settings={**settings, "review.mode": "apply"}) as d:
        turn = await d.begin("prompt", text="go")
        await until(lambda: len(model.requests) == 2)
        steered = await d.run("prompt", text="wait, use names")
        assert steered["turn"] == turn["turn"]
        assert "wait, use names" in steered["message"]
        await d.run("prompt", text="go on")
        assert any("wait, use names" in message.text for message in model.requests[2].messages)


async def test_queue_starts_the_next_turn(tmp_path: Path) -> None:
    model = steps("delay: 0.1\ntext: First.", "text: Second.")
    async with desk(tmp_path, model, files=FILES) as d:
        first = await d.begin("prompt", text="one")
        second = await d.run("prompt", text="two", queue=True)
        assert second["session"] == first["session"]
        assert second["turn"] != first["turn"]
        assert second["message"] == "Second."


async def test_prompt_and_ask_continue_the_others_start_afresh(tmp_path: Path) -> None:
    async with desk(tmp_path, steps("text: Fine.\nloop"), files=FILES) as d:
        uri = d.open("a.py")
        first = await d.run("prompt", text="one")
        asked = await d.run("ask", text="two")
        other = await d.run("explain", uri=uri, range=AT_TWICE)
        again = await d.run("prompt", text="three")
        assert first["session"] == asked["session"] == again["session"]
        assert other["session"] != first["session"]
        assert (await d.client.command("copydesk.status"))["session"] == first["session"]


async def test_sessions_run_side_by_side(tmp_path: Path) -> None:
    async with desk(tmp_path, steps("delay: 0.2\ntext: Fine.\nloop"), files=FILES) as d:
        uri = d.open("a.py")
        started = time.perf_counter()
        turns = [await d.begin("explain", uri=uri, range=AT_TWICE) for _ in range(5)]
        assert len({each["session"] for each in turns}) == 5
        for each in turns:
            await d.ended(each["turn"])
        assert time.perf_counter() - started < 0.9


@pytest.mark.parametrize("editor", sorted(PROFILES))
async def test_two_turns_on_one_file_both_land_or_one_is_told(tmp_path: Path, editor: str) -> None:
    async with desk(tmp_path, steps("text: Done."), editor=editor, files={"a.py": CODE * 2 + "y = 1\n"}) as d:
        uri = d.open("a.py")
        model = _by_text({"one": ("y = 1", "y = 2"), "two": ("y = 1\n", "y = 1\nz = 3\n")})
        d.assemblies[0].core.models._model = model
        first = await d.begin("prompt", text="one", uri=uri)
        new = (await d.client.command("copydesk.session.new"))["session"]
        second = await d.run("prompt", text="two", uri=uri, session=new)
        await d.ended(first["turn"])
        text = d.editor.text(uri)
        ended = (await d.client.command("copydesk.session.list"))["sessions"]
        assert len(ended) == 2
        states = {second["review"]["state"]}
        assert "y = 2" in text
        if states == {"applied"}:
            assert "z = 3" in text
        else:
            assert "conflict" in second["message"] or "kept as a draft" in second["message"], second


def _by_text(edits: dict[str, tuple[str, str]]) -> Any:
    """A model that edits according to the person's word, so that turns can run at the same time."""
    from copydesk.models.scripted import ScriptedModel

    class Chooser(ScriptedModel):
        def __init__(self) -> None:
            self._models = {
                word: steps(edit("a.py", *change), "delay: 0.2\ntext: Done.") for word, change in edits.items()
            }

        @property
        def name(self) -> str:
            return "scripted"

        def stream(self, request: Any) -> Any:
            said = request.messages[0].text
            word = next(word for word in self._models if word in said.split())
            return self._models[word].stream(request)

    return Chooser()


async def test_status_is_plain_and_names_the_model_that_answers(tmp_path: Path) -> None:
    async with desk(tmp_path, None, files=FILES, settings={}) as d:
        status = await d.client.command("copydesk.status")
        assert status["model"] == {"name": "offline", "configured": "auto", "isLanguageModel": False}
        assert status["mode"] == "ask"
        assert status["running"] == []
        assert "copydesk.explain" in status["capabilities"]
        models = await d.client.command("copydesk.models", timeout_s=10)
        assert any(each["name"] == "offline" for each in models["models"])


async def test_model_and_mode_can_be_set(tmp_path: Path) -> None:
    async with desk(tmp_path, None, files=FILES) as d:
        assert await d.client.command("copydesk.mode.set", {"mode": "plan"}) == {"mode": "plan"}
        assert (await d.client.command("copydesk.status"))["mode"] == "plan"
        await d.client.command("copydesk.model.set", {"model": "offline"})
        assert (await d.client.command("copydesk.status"))["model"]["configured"] == "offline"
        with pytest.raises(RpcFailure, match="plan, ask, acceptEdits, auto"):
            await d.client.command("copydesk.mode.set", {"mode": "wild"})
        with pytest.raises(RpcFailure, match=r"'s-nope'.*copydesk\.session\.list"):
            await d.run("prompt", text="go", session="s-nope")
        uri = d.open("a.py")
        result = await d.run("explain", uri=uri, range=AT_TWICE, model="nope/model")
        assert result["stopReason"] == "error"
        assert "nope" in result["error"]
        assert "offline" in result["error"]


async def test_a_turn_with_an_unknown_mode_names_the_modes(tmp_path: Path) -> None:
    async with desk(tmp_path, None, files=FILES) as d:
        with pytest.raises(RpcFailure, match="acceptEdits"):
            await d.run("prompt", text="go", mode="wild")


async def test_what_the_client_reported_reaches_the_diagnostics_tool(tmp_path: Path) -> None:
    model = steps(call("diagnostics", path="a.py"), "text: Seen.")
    async with desk(tmp_path, model, files={"a.py": CODE}) as d:
        uri = d.open("a.py")
        place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 3}}
        reported = {"range": place, "message": "the client's own words", "severity": 1, "source": "theirs"}
        await d.run("fix", uri=uri, range=place, diagnostics=[reported])
        assert "the client's own words" in model.requests[1].messages[-1].parts[0].content


async def test_a_model_that_is_set_by_hand_is_tried_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it failed before: a person may know that it is back."""
    async with ModelServer(Script.parse("text: Back\nloop")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
        settings = {"model.name": "openai/gpt-5", "model.retryForS": 0}
        async with desk(tmp_path, None, files=FILES, settings=settings) as d:
            server.faults = [Fault("status", status=503)] * 3
            for _ in range(3):
                assert "503" in (await d.run("prompt", text="go"))["error"]
            assert "is left alone for a while" in (await d.run("prompt", text="go"))["error"]
            await d.client.command("copydesk.model.set", {"model": "openai/gpt-5"})
            result = await d.run("prompt", text="go")
            assert (result["stopReason"], result["message"]) == ("end_turn", "Back")
