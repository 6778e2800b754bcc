"""Every way to stop a turn, in every moment of one: it ends within 250 ms, keeps its draft, and leaves nothing behind."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.models.scripted import ScriptedModel
from copydesk.store.records import read_records
from tests.lsp.e2e.rig import Desk, call, desk, edit, steps, until
from tests.support.lsp_client import RpcFailure

CODE = "def twice(x):\n    return x + x\n"
NEW = CODE.replace("x + x", "2 * x")
LIMIT_S = 0.25
AGAIN = (call("read_file", path="a.py"), r"expect: 2 \* x" + "\ntext: Still there.")
PROPOSED = edit("a.py", "x + x", "2 * x")


@dataclass(frozen=True)
class Phase:
    """What the model does after it proposed an edit, and how to know that the turn is there."""

    name: str
    steps: tuple[str, ...]
    there: Callable[[Desk, ScriptedModel], Awaitable[Any]]
    settings: Any = None
    editor: str = "vscode"
    holds: str = ""


async def _asked_twice(d: Desk, model: ScriptedModel) -> None:
    await until(lambda: model.n_played == 2)
    await anyio.sleep(0.02)


def _tool(name: str) -> Callable[[Desk, ScriptedModel], Awaitable[Any]]:
    async def there(d: Desk, model: ScriptedModel) -> None:
        await d.client.wait_for(
            "$/progress", lambda given: "message" in given["value"] and name in given["value"]["message"]
        )
        await anyio.sleep(0.02)

    return there


def _request(method: str) -> Callable[[Desk, ScriptedModel], Awaitable[Any]]:
    async def there(d: Desk, model: ScriptedModel) -> None:
        await d.client.wait_for(method)

    return there


PHASES = (
    Phase("before the first byte", ("delay: 30\ntext: late",), _asked_twice),
    Phase("mid-text", ("text: Well\ndelay: 30\ntext: late",), _asked_twice),
    Phase("half a call", ('tool_raw: read_file {"pa\ndelay: 30',), _asked_twice),
    Phase("a long grep", (call("grep", pattern="(?=.)zz.?q$"),), _tool("step 2")),
    Phase("the jedi worker", (call("code_intel", action="references", path="big.py", line=1, symbol="f0"),),
          _tool("step 2")),
    Phase("a question", (call("ask_user", question="Which?", choices=["a", "b"]),),
          _request("window/showMessageRequest"), holds="window/showMessageRequest"),
    Phase("a question in a document", (call("ask_user", question="Why?"),), _request("window/showDocument")),
    Phase("a confirmation of the editor", ("text: Done.",), _request("workspace/applyEdit"),
          {"review.mode": "confirm"}, holds="workspace/applyEdit"),
    Phase("a confirmation by message", ("text: Done.",), _request("window/showMessageRequest"),
          {"review.mode": "confirm"}, "emacs", "window/showMessageRequest"),
    Phase("an unanswered edit", ("text: Done.",), _request("workspace/applyEdit"), holds="workspace/applyEdit"),
)  # fmt: skip
BIG = "".join(f"def f{n}():\n    return f{n - 1 if n else 0}()\n\n" for n in range(400))
FILES = {"a.py": CODE, "big.py": BIG, **{f"long{n}.txt": "zz zz zz zz zz\n" * 20_000 for n in range(30)}}


@asynccontextmanager
async def there(tmp_path: Path, phase: Phase, *, wait: bool = False, check: bool = True) -> AsyncIterator[Any]:
    """A turn in the phase, with an edit proposed. Gives the desk, the turn's id and the command's request id."""
    model = steps(PROPOSED, *phase.steps, *AGAIN)
    async with desk(tmp_path, model, editor=phase.editor, files=FILES, settings=phase.settings, check=check) as d:
        uri = d.open("a.py")
        if phase.holds:
            d.client.answers[phase.holds] = d.client.hold
        request = d.client.send_request(
            "workspace/executeCommand",
            {"command": "copydesk.prompt", "arguments": [{"text": "go", "uri": uri, "wait": wait}]},
        )
        await phase.there(d, model)
        status = await d.client.command("copydesk.status")
        yield d, status["running"][0]["turn"], request
        if not d.client.closed:
            d.client.answers.clear()


async def _goes_on(d: Desk, phase: Phase) -> None:
    """The draft is read by the session's next turn, and lands with it."""
    assert await d.running_is_empty()
    assert d.editor.text(d.uri("a.py")) == CODE
    d.client.answers.clear()
    d.client.choose = "Apply"
    result = await d.run("prompt", text="go on")
    assert result["message"].startswith("Still there."), result
    assert d.editor.text(d.uri("a.py")) == NEW


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
async def test_cancel_in_the_progress(tmp_path: Path, phase: Phase) -> None:
    async with there(tmp_path, phase) as (d, turn, _):
        started = time.perf_counter()
        d.client.notify("window/workDoneProgress/cancel", {"token": f"copydesk/{turn}"})
        assert await d.ended(turn) == "cancelled"
        assert time.perf_counter() - started < LIMIT_S
        await _goes_on(d, phase)


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
async def test_cancel_the_request_of_a_waiting_command(tmp_path: Path, phase: Phase) -> None:
    async with there(tmp_path, phase, wait=True) as (d, turn, request):
        started = time.perf_counter()
        d.client.cancel(request)
        with pytest.raises(RpcFailure) as caught:
            await d.client.response(request)
        assert caught.value.code == -32800
        assert await d.ended(turn) == "cancelled"
        assert time.perf_counter() - started < LIMIT_S
        await _goes_on(d, phase)


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
async def test_cancel_by_command(tmp_path: Path, phase: Phase) -> None:
    async with there(tmp_path, phase, wait=True) as (d, turn, request):
        started = time.perf_counter()
        assert await d.client.command("copydesk.cancel", {"turn": turn}) == {"cancelled": [turn]}
        result = await d.client.response(request)
        assert time.perf_counter() - started < LIMIT_S
        assert result["stopReason"] == "cancelled"
        assert result["review"]["state"] == "draft"
        assert "a.py: kept as a draft" in result["message"]
        await _goes_on(d, phase)


@pytest.mark.parametrize("how", ["shutdown", "exit", "end of input"])
@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
async def test_the_end_of_the_connection(tmp_path: Path, phase: Phase, how: str) -> None:
    """Leaving the rig proves that no task of the connection is left."""
    async with there(tmp_path, phase, check=False) as (d, turn, _):
        started = time.perf_counter()
        if how == "shutdown":
            await d.client.request("shutdown")
            assert time.perf_counter() - started < LIMIT_S
            d.client.notify("exit")
        elif how == "exit":
            d.client.notify("exit")
        else:
            d.client.hang_up()
        await d.client.wait_ended()
        assert time.perf_counter() - started < 2 * LIMIT_S
        records = [record.event for path in d.transcripts() for record in read_records(path)]
        ends = [event for event in records if type(event).__name__ == "TurnEnded"]
        assert [(end.turn, end.stop_reason, end.review) for end in ends] == [(turn, "cancelled", "draft")]
    assert d.client.exit_code == (0 if how == "shutdown" else 1)


async def test_cancel_stops_all_and_what_waits(tmp_path: Path) -> None:
    async with desk(tmp_path, steps("delay: 30\ntext: late\nloop"), files=FILES) as d:
        uri = d.open("a.py")
        first = await d.begin("prompt", text="one")
        queued = [await d.begin("prompt", text="two", queue=True) for _ in range(3)]
        other = await d.begin("explain", uri=uri, range={"start": {"line": 0, "character": 5}})
        waiting = d.client.send_request(
            "workspace/executeCommand",
            {"command": "copydesk.prompt", "arguments": [{"text": "three", "queue": True, "wait": True}]},
        )
        started = time.perf_counter()
        one = queued[1]["turn"]
        assert await d.client.command("copydesk.cancel", {"turn": one}) == {"cancelled": [one]}
        running = [each["turn"] for each in (await d.client.command("copydesk.status"))["running"]]
        assert one not in running
        assert {first["turn"], queued[0]["turn"], other["turn"]} <= set(running)
        cancelled = (await d.client.command("copydesk.cancel"))["cancelled"]
        assert sorted(cancelled) == sorted(running)
        assert (await d.client.response(waiting))["stopReason"] == "cancelled"
        await d.ended(first["turn"])
        await d.ended(other["turn"])
        assert time.perf_counter() - started < LIMIT_S
        assert await d.running_is_empty()
        assert await d.client.command("copydesk.cancel") == {"cancelled": []}
        assert await d.client.command("copydesk.cancel", {"turn": "t-none"}) == {"cancelled": []}


async def test_cancelling_one_of_two_leaves_the_other(tmp_path: Path) -> None:
    async with desk(tmp_path, steps("delay: 0.3\ntext: Fine.\nloop"), files=FILES) as d:
        uri = d.open("a.py")
        place = {"start": {"line": 0, "character": 5}}
        one, two = [await d.begin("explain", uri=uri, range=place) for _ in range(2)]
        d.client.notify("window/workDoneProgress/cancel", {"token": f"copydesk/{one['turn']}"})
        assert await d.ended(one["turn"]) == "cancelled"
        assert await d.ended(two["turn"]) == "Fine."
