"""What a client sees while a turn runs: progress for all, session updates for those that take them."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.domain import events
from copydesk.domain.messages import Usage
from copydesk.domain.tools import Location
from copydesk.lsp import progress
from copydesk.lsp.progress import INTERVAL_S
from tests.support.feature_rig import CLIENTS, URI, VSCODE, FeatureRig, rig

CODE = "def foo(x):\n    return x\n"


async def start(r: FeatureRig) -> str:
    r.open(CODE)
    return (await r.command("copydesk.explain", {"uri": URI}))["turn"]


@pytest.mark.parametrize("client", sorted(CLIENTS))
async def test_begin_reports_end(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        turn = await start(r)
        await r.until(r.progress)
        r.host.step(turn, 5, "Editing src/a.py")
        await r.until(lambda: len(r.progress()) > 1)
        r.host.end(turn, "Done.\nMore.")
        await r.until(lambda: r.progress()[-1]["kind"] == "end")
        begin, report, end = r.progress()
        assert begin["kind"] == "begin"
        assert begin["title"] == "Copydesk: Explain a.py"
        assert (begin["cancellable"], begin["percentage"]) == (True, 0)
        assert (report["kind"], report["message"]) == ("report", "step 5: Editing src/a.py")
        assert report["percentage"] == 10
        assert end == {"kind": "end", "message": "Done."}
        assert {p["token"] for p in r.all("$/progress")} == {f"copydesk/{turn}"}
        assert r.features.progress.steps() == {}


async def test_progress_says_that_the_edit_waits_for_the_person(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        turn = await start(r)
        await r.until(r.progress)
        r.host.step(turn, 5, "Editing src/a.py")
        r.host.emit("s-1", events.ReviewUpdated(turn, "pending"))
        await r.until(lambda: r.progress()[-1].get("message") == "step 5: the edit waits for you")


async def test_a_report_is_told_again_while_nothing_new_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "BEAT_S", 0.02)
    async with rig(tmp_path) as r:
        turn = await start(r)
        r.host.step(turn, 5, "Editing src/a.py")
        await r.until(lambda: len([p for p in r.progress() if p.get("message") == "step 5: Editing src/a.py"]) >= 3)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Copydesk: Write tests for foo", "Copydesk: Write tests for foo"),
        ("Copydesk: Refactor foo…", None),
        ("Copydesk: Fix unused x", "Copydesk: Fix unused x"),
    ],
)
async def test_the_title_says_what_the_action_said(tmp_path: Path, title: str, shown: str | None) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.symbol = "foo"
        at = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 3}}
        listed = await r.list_actions(0, 5, diagnostics=[{"range": at, "message": "unused x"}])
        command = next(a for a in listed if a["title"] == title)["command"]
        await r.command(command["command"], *command["arguments"])
        if shown:
            assert (await r.until(r.progress))[0]["title"] == shown
        else:  # free text comes first
            assert r.host.requests == []


async def test_the_closing_line_has_no_markdown(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        turn = await start(r)
        r.host.end(turn, "\n### `foo`: a function\n\nmore\n\nand more")
        await r.until(lambda: r.progress()[-1:] and r.progress()[-1]["kind"] == "end")
        assert r.progress()[-1]["message"] == "foo: a function"


async def test_reports_are_throttled_and_the_newest_counts(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        turn = await start(r)
        await r.until(r.progress)
        began_s = anyio.current_time()
        for step in range(1, 41):
            r.host.step(turn, step, f"Reading {step}")
            await anyio.sleep(0.005)
        await r.until(lambda: "Reading 40" in r.progress()[-1]["message"])
        n_reports = len(r.progress()) - 1
        assert n_reports <= 2 + (anyio.current_time() - began_s) / INTERVAL_S  # sleeps are long on a busy machine
        r.host.end(turn, "Done.")
        await r.until(lambda: r.progress()[-1]["kind"] == "end")


async def test_the_progress_button_cancels_its_turn(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        first, second = await start(r), await start(r)
        await r.until(lambda: len(r.progress()) == 2)
        (cancel,) = (entry.handler for entry in r.handlers.notifications["window/workDoneProgress/cancel"])
        for junk in (None, {}, {"token": 3}, {"token": "copydesk/none"}, {"token": "x"}, []):
            cancel(junk)
        assert r.host.cancelled == []
        cancel({"token": f"copydesk/{second}"})
        assert r.host.cancelled == [second]
        assert r.host.running() == (first,)


async def test_a_client_without_progress_gets_two_log_lines(tmp_path: Path) -> None:
    async with rig(tmp_path, {}) as r:
        turn = await start(r)
        r.host.step(turn, 1, "Reading")
        r.host.end(turn, "", stop_reason="cancelled")
        await r.until(lambda: len(r.all("window/logMessage")) == 2)
        assert [log["message"] for log in r.all("window/logMessage")] == [
            "Copydesk: Explain a.py: started",
            "Copydesk: Explain a.py: cancelled",
        ]
        assert r.progress() == []


async def test_a_client_that_refuses_the_token_gets_log_lines(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.answers["window/workDoneProgress/create"] = ValueError("no")
        turn = await start(r)
        r.host.end(turn, "ok")
        await r.until(lambda: len(r.all("window/logMessage")) == 2)
        assert r.progress() == []


# --- updates ----------------------------------------------------------------------------------------------


def sent_updates(r: Any) -> list[dict[str, Any]]:
    """Without those that say that a turn began."""
    return [item for item in r.all("copydesk/session/update") if item["update"]["sessionUpdate"] != "turn_started"]


def plugin() -> dict[str, Any]:
    return {**CLIENTS[VSCODE], "experimental": {"copydesk": ["copydesk/session/update"]}}


async def test_updates_only_for_clients_that_ask(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        turn = await start(r)
        r.host.emit("s-1", events.MessageChunk(turn, "hello"))
        r.host.end(turn, "hello")
        await r.until(r.shown)
        assert r.all("copydesk/session/update") == []


async def test_updates_speak_acp(tmp_path: Path) -> None:
    async with rig(tmp_path, plugin()) as r:
        turn = await start(r)
        place = Location("file:///w/src/a%20b.py", 3)
        r.host.emit("s-1", events.ThoughtChunk(turn, "hm"))
        r.host.emit("s-1", events.ToolCallStarted(turn, "c", "read_file", "Read a b.py", "read", (place,)))
        r.host.emit("s-1", events.ToolCallUpdated(turn, "c", "completed", "text", {"n": 1}))
        r.host.emit("s-1", events.UsageUpdated(turn, Usage(1, 2), Usage(3, 4)))  # a record only
        r.host.emit("s-1", events.CostExpected(turn, "m", 900, 0.01, 0.2))
        r.host.emit(
            "s-1",
            events.CostUpdated(turn, "m", Usage(8, 2, 4), 0.5, 1.5, 2.5, 3.5, 10, 100, 0.25, False, Usage(16, 3, 4)),
        )
        r.host.emit("s-1", events.ReviewUpdated(turn, "applied", (events.FileReview(URI, "applied", 2),)))
        r.host.end(turn, "Done.")
        sent = await r.until(lambda: len(sent_updates(r)) == 7 and sent_updates(r))
        assert all((item["session"], item["turn"]) == ("s-1", turn) for item in sent)
        seqs = [item["seq"] for item in sent]
        assert seqs == sorted(set(seqs))
        updates = [item["update"] for item in sent]
        assert updates[0] == {"sessionUpdate": "agent_thought_chunk", "content": {"type": "text", "text": "hm"}}
        assert updates[1] == {
            "sessionUpdate": "tool_call",
            "toolCallId": "c",
            "title": "Read a b.py",
            "kind": "read",
            "status": "pending",
            "locations": [{"path": "/w/src/a b.py", "uri": "file:///w/src/a%20b.py", "line": 3}],
            "rawInput": {"tool": "read_file"},
        }
        assert updates[2]["content"] == [{"type": "content", "content": {"type": "text", "text": "text"}}]
        assert (updates[2]["status"], updates[2]["rawOutput"]) == ("completed", {"n": 1})
        assert updates[3] == {
            "sessionUpdate": "cost_expected",
            "model": "m",
            "inputTokens": 900,
            "low": {"amount": 0.01, "currency": "USD"},
            "high": {"amount": 0.2, "currency": "USD"},
        }
        used = updates[4]
        assert (used["sessionUpdate"], used["used"], used["size"]) == ("usage_update", 10, 100)
        assert used["cost"] == {"amount": 2.5, "currency": "USD"}  # of the session, as ACP has it
        assert used["total"]["cost"] == {"amount": 1.5, "currency": "USD"}
        assert used["usage"]["cost"] == {"amount": 0.5, "currency": "USD"}
        assert used["dayCost"] == {"amount": 3.5, "currency": "USD"}
        assert (used["usage"]["cachedShare"], used["total"]["cachedShare"]) == (0.5, 0.25)
        assert updates[5]["files"][0]["hunks"] == 2
        assert (updates[6]["sessionUpdate"], updates[6]["stopReason"]) == ("turn_ended", "end_turn")
        assert r.shown() == []


async def test_a_turn_tells_how_it_goes(tmp_path: Path) -> None:
    async with rig(tmp_path, plugin()) as r:
        turn = await start(r)
        r.host.emit("s-1", events.ModelChosen(turn, "offline"))
        r.host.emit("s-1", events.StepStarted(turn, 2, 50))
        r.host.emit("s-1", events.Steered(turn, "faster"))
        r.host.emit("s-1", events.Retried(turn, 1, 0.5, "busy"))
        r.host.emit("s-1", events.Notice(turn, "warning", "nearly full"))
        r.host.end(turn, "Done.")
        sent = await r.until(lambda: len(r.all("copydesk/session/update")) == 7 and r.all("copydesk/session/update"))
        started, *updates, ended = [item["update"] for item in sent]
        assert (started["sessionUpdate"], ended["sessionUpdate"]) == ("turn_started", "turn_ended")
        assert set(started) == {"sessionUpdate", "verb", "title", "model", "mode"}
        assert updates == [
            {"sessionUpdate": "model_chosen", "model": "offline"},
            {"sessionUpdate": "step_started", "step": 2, "maxSteps": 50},
            {"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": "faster"}},
            {"sessionUpdate": "retried", "attempt": 1, "delayMs": 500, "why": "busy"},
            {"sessionUpdate": "notice", "level": "warning", "text": "nearly full"},
        ]


async def test_chunks_are_joined_and_nothing_is_lost(tmp_path: Path) -> None:
    async with rig(tmp_path, plugin()) as r:
        turn = await start(r)
        words = [f"w{number} " for number in range(300)]
        for number, word in enumerate(words):
            r.host.emit("s-1", events.MessageChunk(turn, word))
            if number % 10 == 0:
                await anyio.sleep(0.001)
        r.host.end(turn, "Done.")
        sent = await r.until(
            lambda: (all_ := sent_updates(r)) and all_[-1]["update"]["sessionUpdate"] == "turn_ended" and all_
        )
        chunks = [item["update"]["content"]["text"] for item in sent[:-1]]
        assert "".join(chunks) == "".join(words)
        assert len(chunks) < 60


async def test_a_burst_is_bounded_and_the_end_survives(tmp_path: Path) -> None:
    async with rig(tmp_path, plugin()) as r:
        turn = await start(r)
        for number in range(6_000):
            chunk = events.MessageChunk if number % 2 else events.ThoughtChunk
            r.host.emit("s-1", chunk(turn, "x"))
        r.host.end(turn, "Done.")
        sent = await r.until(lambda: r.all("copydesk/session/update"))
        assert len(sent) <= 5_000
        assert sent[-1]["update"]["sessionUpdate"] == "turn_ended"
