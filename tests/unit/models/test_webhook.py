"""The message about an outage: one POST, what stands in it, and all that must not."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from copydesk.domain import errors
from copydesk.domain.attempts import Attempt
from copydesk.egress.door import Door
from copydesk.models.script import Script
from copydesk.models.webhook import Webhook
from tests.support.model_server import Fault, ModelServer
from tests.support.several_models import BUSY, Several, say, several
from tests.support.waiting import until

FAILED = Attempt("2026-11-21T10:00:00.000Z", "s-1", "t-1", "openai/m", 1, "RateLimited", 429)


@asynccontextmanager
async def hook(after: int = 10, path: str = "/hooks/T0/SECRET") -> AsyncIterator[tuple[Webhook, ModelServer, Door]]:
    async with ModelServer(Script.parse("text: x\nloop")) as server, Door() as door:
        webhook = Webhook(door, f"{server.url}{path}", after)
        async with anyio.create_task_group() as group:
            group.start_soon(webhook.tend)
            yield webhook, server, door
            group.cancel_scope.cancel()


async def settled(server: ModelServer, n: int) -> None:
    """As many messages came, and after a moment no more than that."""
    await until(lambda: len(server.requests) >= n)
    await anyio.sleep(0.05)
    assert len(server.requests) == n


async def test_one_message_with_the_last_five_errors_and_no_other_until_an_answer() -> None:
    async with hook() as (webhook, server, _):
        for number in range(1, 25):
            webhook.failed(replace(FAILED, number=number, kind=f"Kind{number}"))
        await settled(server, 1)
        (seen,) = server.requests
        assert (seen.method, seen.path, seen.headers["content-type"]) == (
            "POST",
            "/hooks/T0/SECRET",
            "application/json",
        )
        said = seen.json
        assert {key: said[key] for key in said if key != "errors"} == {
            "event": "model_failing", "model": "openai/m", "attempts": 10, "session": "s-1",
        }  # fmt: skip
        assert [(each["error"], each["try"], each["status"]) for each in said["errors"]] == [
            (f"Kind{number}", number, 429) for number in range(6, 11)
        ]
        webhook.answered(FAILED)
        for _ in range(9):
            webhook.failed(FAILED)
        await settled(server, 1)
        webhook.failed(FAILED)
        await settled(server, 2)


async def test_runs_are_a_sessions_own_and_an_outage_is_everybodys() -> None:
    async with hook(after=3) as (webhook, server, _):
        other = replace(FAILED, session="s-2")
        for _ in range(2):
            webhook.failed(FAILED)
            webhook.answered(other)
        webhook.failed(other)
        await settled(server, 0)
        webhook.failed(FAILED)
        for _ in range(3):
            webhook.failed(other)
        await settled(server, 1)


async def test_no_address_no_message() -> None:
    async with hook(after=1) as (webhook, server, _):
        webhook.url = ""
        webhook.failed(FAILED)
        await settled(server, 0)


async def test_the_offline_switch_keeps_it_in_and_a_failure_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with hook(after=1) as (webhook, server, door):
        webhook.url, door.offline = "https://hooks.example/T0/SECRET", True
        webhook.failed(FAILED)
        await until(lambda: "was not reached" in caplog.text)
        door.offline, webhook.url = False, f"{server.url}/hooks"
        webhook.answered(FAILED)
        server.faults = [Fault("status", status=500)]
        webhook.failed(FAILED)
        await until(lambda: "answered 500" in caplog.text)
        await settled(server, 1)
    assert "SECRET" not in caplog.text


async def test_what_is_due_at_the_end_is_still_sent() -> None:
    async with ModelServer(Script.parse("text: x\nloop")) as server, Door() as door:
        webhook = Webhook(door, f"{server.url}/hooks", 1)
        webhook.failed(FAILED)
        await webhook.aclose()
        await settled(server, 1)
        assert [(sent.what, sent.status) for sent in door.ledger.entries] == [("POST webhook", 200)]


async def test_models_that_fail_come_to_one_message_without_a_word_of_the_prompt() -> None:
    async with hook(after=8) as (webhook, server, _):
        names = {"name": "openai/gpt-5", "fallbacks": ("anthropic/claude-x",)}
        async with several("openai", "anthropic", outages=webhook, **names) as desk:
            for each in desk.servers.values():
                each.faults = [BUSY] * 99
            await failing_turns(desk, 3)
        await settled(server, 1)
        said = server.requests[0]
    assert said.json["attempts"] == 8
    assert [each["model"] for each in said.json["errors"]] == ["anthropic/claude-x"] * 5
    assert b"hi" not in said.body.replace(b"anthropic", b"")
    assert b"busy" not in said.body
    assert b"sk-" not in said.body
    assert len(json.loads(said.body)["errors"]) == 5


async def failing_turns(desk: Several, n: int) -> None:
    for _ in range(n):
        with pytest.raises(errors.NoModelAnswered):
            await say(await desk.turn())
