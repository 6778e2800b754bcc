"""Whole turns on models that fail: what a person is told, what stands on the wire, what is written down."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.app.compose import Core, compose
from copydesk.app.doctor import findings
from copydesk.domain.events import Event, ModelChosen, Notice, ResultsCleared, Retried
from copydesk.domain.messages import Task
from copydesk.models.script import Script
from copydesk.services.turns import PromptRequest, TurnOutcome
from copydesk.workspace.uris import to_uri
from tests.support.buffer_editor import BufferEditor
from tests.support.model_server import Fault, ModelServer, Seen
from tests.support.several_models import BUSY, WRONG_KEY
from tests.support.waiting import until

PROMPT = "please look at Wombat"
BIG = "line of text\n" * 2000
OVERFLOW = Fault("status", status=400, body=b'{"error":{"code":"context_length_exceeded","message":"too long"}}')


@dataclass
class Desk:
    core: Core
    state: Path
    events: list[Event] = field(default_factory=list[Event])

    async def turn(self, text: str = PROMPT, **request: Any) -> TurnOutcome:
        with anyio.fail_after(20):
            return await self.core.host.prompt(PromptRequest(Task("prompt", text), **request)).wait()

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def attempts(self) -> list[dict[str, Any]]:
        path = self.state / "attempts.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@asynccontextmanager
async def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, urls: dict[str, str], **settings: object
) -> AsyncIterator[Desk]:
    root, state = tmp_path / "work", tmp_path / "state"
    root.mkdir(exist_ok=True)
    (root / "big.txt").write_text(BIG)
    for provider, url in urls.items():
        monkeypatch.setenv(f"{provider.upper()}_BASE_URL", f"{url}/v1")
        monkeypatch.setenv(f"{provider.upper()}_API_KEY", f"sk-{provider}-0123456789abcdef")
    named = {key.replace("__", "."): value for key, value in settings.items()}
    core = compose(roots=(to_uri(str(root)),), editor=BufferEditor, state=state, arguments=named)
    found = Desk(core, state)
    core.host.subscribe(lambda session, seq, event: found.events.append(event))
    async with core.running():
        yield found


def served(text: str) -> ModelServer:
    return ModelServer(Script.parse(text))


def posts(*servers: ModelServer) -> list[Seen]:
    """What models were asked; a server on this machine is also asked what it serves."""
    return [seen for server in servers for seen in server.requests if seen.method == "POST"]


async def test_the_fallback_goes_on_and_the_person_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served("text: Hello\nloop") as first, served("text: from the fallback\nloop") as second:
        urls = {"openai": first.url, "anthropic": second.url}
        names = {"model__name": "openai/gpt-5", "model__fallbacks": ["anthropic/claude-sonnet-5"]}
        async with desk(tmp_path, monkeypatch, urls, **names) as here:
            first.faults = [WRONG_KEY]
            outcome = await here.turn()
            assert (outcome.stop_reason, outcome.message) == ("end_turn", "from the fallback")
            assert [seen.json["model"] for seen in posts(first, second)] == ["gpt-5", "claude-sonnet-5"]
            assert here.of(ModelChosen)[-1].model == "anthropic/claude-sonnet-5"
            (notice,) = here.of(Notice)
            assert notice.level == "warning"
            assert notice.text.startswith("anthropic/claude-sonnet-5 goes on with this turn: openai/gpt-5 failed: ")
            assert "401" in notice.text
            assert (await here.turn()).message == "Hello"
            assert here.of(ModelChosen)[-1].model == "openai/gpt-5"
            session = outcome.session
        noted = here.attempts()
    assert [(each["model"], each["kind"], each["status"]) for each in noted] == [
        ("openai/gpt-5", "AuthRejected", 401),
        ("anthropic/claude-sonnet-5", "answered", 200),
        ("openai/gpt-5", "answered", 200),
    ]
    assert {each["session"] for each in noted} == {session}
    assert all(each["turn"].startswith("t-") for each in noted)
    written = (tmp_path / "state" / "attempts.jsonl").read_text()
    assert "Wombat" not in written
    assert "sk-" not in written


async def test_all_fail_with_one_error_that_names_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served("text: Hello\nloop") as first, served("text: x\nloop") as second:
        urls = {"openai": first.url, "anthropic": second.url}
        names = {"model__name": "openai/gpt-5", "model__fallbacks": ["anthropic/claude-sonnet-5"]}
        async with desk(tmp_path, monkeypatch, urls, **names) as here:
            first.faults, second.faults = [WRONG_KEY], [WRONG_KEY]
            outcome = await here.turn()
    assert outcome.stop_reason == "error"
    assert "- openai/gpt-5: OpenAI answered 401" in outcome.error
    assert "- anthropic/claude-sonnet-5: Anthropic answered 401" in outcome.error
    assert "ANTHROPIC_API_KEY" in outcome.error


async def test_a_cancel_during_a_wait_ends_the_turn_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        served("text: Hello\nloop") as server,
        desk(tmp_path, monkeypatch, {"openai": server.url}, model__name="openai/gpt-5") as here,
    ):
        server.faults = [Fault("status", status=429, headers={"retry-after": "120"})]
        turn = here.core.host.prompt(PromptRequest(Task("prompt", PROMPT)))
        await until(lambda: here.of(Retried))
        with anyio.fail_after(1):
            here.core.host.cancel()
            outcome = await turn.wait()
        assert outcome.stop_reason == "cancelled"
        assert here.of(Retried)[0].delay_s == 120.0
        assert len(posts(server)) == 1


async def test_one_webhook_from_a_whole_run_also_when_it_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served("text: Hello\nloop") as server, served("text: x") as hook:
        settings = {
            "model__name": "openai/gpt-5", "model__retryForS": 0,
            "model__webhookUrl": f"{hook.url}/hooks/T0/SECRET", "model__webhookAfter": 2,
        }  # fmt: skip
        async with desk(tmp_path, monkeypatch, {"openai": server.url}, **settings) as here:
            server.faults = [BUSY] * 3
            for _ in range(3):
                session = (await here.turn()).session
        (seen,) = hook.requests
        assert (seen.json["event"], seen.json["model"]) == ("model_failing", "openai/gpt-5")
        assert (seen.json["attempts"], seen.json["session"]) == (2, session)
        assert [each["error"] for each in seen.json["errors"]] == ["Overloaded"] * 2
        assert b"Wombat" not in seen.body
        assert "SECRET" not in (tmp_path / "state" / "ledger.jsonl").read_text()


async def test_a_project_file_sets_no_webhook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work" / ".copydesk").mkdir(parents=True)
    (tmp_path / "work" / ".copydesk" / "config.toml").write_text('[model]\nwebhookUrl = "http://evil.example/"\n')
    async with desk(tmp_path, monkeypatch, {}) as here:
        assert here.core.outward.webhook.url == ""
        assert any("model.webhookUrl" in problem for problem in here.core.configuration.problems)


READS = 'tool: read_file {"path": "big.txt"}\n---\ntool: read_file {"path": "big.txt", "limit": 5}\n---\ntext: Done'


async def test_an_overflow_clears_old_results_once_and_asks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(READS) as server:
        async with desk(tmp_path, monkeypatch, {"openai": server.url}, model__name="openai/gpt-5") as here:
            server.faults = [None, None, OVERFLOW]
            outcome = await here.turn()
            assert (outcome.stop_reason, outcome.message, outcome.error) == ("end_turn", "Done", "")
            (cleared,) = here.of(ResultsCleared)
            assert len(cleared.calls) == 1
            session = here.core.host.session(outcome.session)
            assert session is not None
            lived = session.messages
        refused, again = [seen.json["messages"] for seen in posts(server)[2:]]
        assert [message["role"] for message in refused] == [message["role"] for message in again]
        assert [message.get("tool_call_id") for message in refused] == [m.get("tool_call_id") for m in again]
        results = [message["content"] for message in again if message["role"] == "tool"]
        assert results[0].startswith("[cleared to make room: ")
        assert len(results[0]) < 200 < len(refused[3]["content"])
        assert results[1] == refused[5]["content"]
        assert again[1] == refused[1]
        assert PROMPT in again[1]["content"]
        async with desk(tmp_path, monkeypatch, {"openai": server.url}) as later:
            replayed, _ = later.core.host._replayed(outcome.session)  # pyright: ignore[reportPrivateUsage]
            assert replayed.messages == lived


async def test_an_overflow_that_stays_ends_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        served(READS) as server,
        desk(tmp_path, monkeypatch, {"openai": server.url}, model__name="openai/gpt-5") as here,
    ):
        server.faults = [None, None, OVERFLOW, OVERFLOW, OVERFLOW]
        outcome = await here.turn()
        assert len(posts(server)) == 4
        assert outcome.stop_reason == "error"
        assert "Start a new session or compact this one." in outcome.error
        assert len(here.of(ResultsCleared)) == 1
        server.faults = [OVERFLOW]
        assert (await here.turn()).stop_reason == "error"


async def test_the_doctor_tells_the_last_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        served("text: Hello\nloop") as server,
        desk(tmp_path, monkeypatch, {"openai": server.url}, model__name="openai/gpt-5") as here,
    ):
        server.faults = [WRONG_KEY]
        await here.turn()
        await until(lambda: here.attempts())
        (found,) = [each for each in await findings(here.core) if each.subject == "attempts"]
    assert found.level == "note"
    assert "openai/gpt-5, try 1: AuthRejected (401) after" in found.text
