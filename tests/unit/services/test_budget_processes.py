"""`copydesk run` for real: processes that share a day's cap, and one that is killed while its request runs."""

import json
import os
import signal
import sys
from pathlib import Path

import anyio
import pytest
from anyio.abc import Process

from copydesk.models.script import Script
from copydesk.store.spending import Spending
from tests.support.model_server import ModelServer, Seen

MODEL = "openai/gpt-4.1"
"""2 dollars a million in, 8 out."""
ANSWER = Script.parse("delay: 0.3\ntext: Hello\nusage: in=3000 out=500\nloop")
USD = (3_000 * 2 + 500 * 8) / 1e6


async def start(tmp_path: Path, server: ModelServer, cap: float) -> Process:
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "COPYDESK_STATE_DIR": str(tmp_path / "state"),
        "COPYDESK_CONFIG_DIR": str(tmp_path / "config"),
        "COPYDESK_BUDGET_PER_DAY_USD": str(cap),
        "COPYDESK_MODEL_MAX_OUTPUT_TOKENS": "1000",
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "OPENAI_API_KEY": "sk-none",
    }
    command = [sys.executable, "-m", "copydesk", "run", "Say hello.", "--model", MODEL]
    return await anyio.open_process(command, env=env, cwd=tmp_path, stderr=-1)


async def ended(process: Process) -> tuple[int, str]:
    assert process.stderr is not None
    said = b""
    try:
        while True:
            said += await process.stderr.receive()
    except anyio.EndOfStream:
        return await process.wait(), said.decode()


def posts(server: ModelServer) -> list[Seen]:
    """Without the questions what there is."""
    return [seen for seen in server.requests if seen.method == "POST"]


def day(tmp_path: Path) -> Spending:
    return Spending(tmp_path / "state" / "spending")


async def test_runs_share_the_days_cap(tmp_path: Path) -> None:
    async with ModelServer(ANSWER) as server:
        cap = 0.035  # one request holds about 0.017 at most: two fit, and after them what is left is too little
        results: list[tuple[int, str]] = []

        async def run() -> None:
            results.append(await ended(await start(tmp_path, server, cap)))

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(run)
        n_asked = len(posts(server))
        assert n_asked in (2, 3)
    paid = [words for code, words in results if code == 0]
    refused = [words for code, words in results if code == 1]
    assert len(paid) == n_asked
    assert all("3,000 tokens in, 500 out · $0.010" in words for words in paid)
    assert refused
    assert all("budget.perDayUsd is $0.035" in words for words in refused)
    assert day(tmp_path).day().spent_usd == pytest.approx(len(paid) * USD)
    assert day(tmp_path).day().held_usd == 0


async def test_what_a_killed_run_had_held_stays_taken(tmp_path: Path) -> None:
    async with ModelServer(Script.parse("delay: 60\ntext: Hello\nloop")) as server:
        process = await start(tmp_path, server, 0.02)
        with anyio.fail_after(60):
            while not posts(server):  # noqa: ASYNC110  a server in this process, asked by another one
                await anyio.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        await ended(process)
        limit = json.loads(posts(server)[0].body)["max_completion_tokens"]
        assert limit == 1_000
        held_usd = day(tmp_path).day().held_usd
        assert held_usd > limit * 8 / 1e6
        code, words = await ended(await start(tmp_path, server, 0.02))
        assert code == 1
        assert "is held for requests that have not ended" in words
        assert len(posts(server)) == 1
