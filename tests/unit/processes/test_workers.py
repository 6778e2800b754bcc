"""Worker processes: answers, crashes, stuck requests, cancellation."""

import os
import sys
import textwrap
from collections.abc import Callable, Mapping

import anyio
import pytest

from copydesk.domain.errors import ToolFailed
from copydesk.processes.environment import minimal_env
from copydesk.processes.workers import Worker, WorkerLost, WorkerTimeout

ECHO = """
    import json, os, sys, time
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "die":
            os._exit(1)
        if request["op"] == "sleep":
            time.sleep(request["s"])
        if request["op"] == "fail":
            answer = {"error": "no such thing"}
        else:
            answer = {"result": {"pid": os.getpid(), "said": request.get("say")}}
        print(json.dumps({"id": request["id"], **answer}), flush=True)
"""


def worker() -> Worker:
    command = [sys.executable, "-I", "-S", "-c", textwrap.dedent(ECHO)]
    return Worker(command, env=minimal_env(), cwd=".", name="echo")


def asking(op: str, **more: object) -> Callable[[int], Mapping[str, object]]:
    return lambda generation: {"op": op, "generation": generation, **more}


async def test_answers_come_back_to_who_asked():
    said: dict[str, object] = {}
    async with worker() as echo:

        async def ask(word: str) -> None:
            said[word] = (await echo.request(asking("echo", say=word), timeout_s=20))["said"]

        async with anyio.create_task_group() as tasks:
            for word in ("eins", "zwei ✓", "drei\n"):
                tasks.start_soon(ask, word)
    assert said == {"eins": "eins", "zwei ✓": "zwei ✓", "drei\n": "drei\n"}


async def test_starts_on_first_use_only():
    async with worker() as echo:
        assert echo.pid is None
        await echo.request(asking("echo"), timeout_s=20)
        assert echo.pid is not None


async def test_ends_while_nobody_asks_and_starts_again_for_who_does():
    async with worker() as echo, anyio.create_task_group() as tasks:
        tasks.start_soon(echo.tend, 0.3)
        first = await echo.request(asking("echo"), timeout_s=20)
        assert (await echo.request(asking("echo"), timeout_s=20))["pid"] == first["pid"]
        slow = await echo.request(asking("sleep", s=0.7), timeout_s=20)
        assert slow["pid"] == first["pid"], "it is at work, not idle"
        with anyio.fail_after(10):
            while alive(first["pid"]):  # noqa: ASYNC110
                await anyio.sleep(0.02)
        for _ in range(8):  # more often than it may crash
            before = echo.generation
            again = await echo.request(asking("echo"), timeout_s=20)
            assert echo.generation == before + 1
            with anyio.fail_after(10):
                while alive(again["pid"]):  # noqa: ASYNC110
                    await anyio.sleep(0.02)
        tasks.cancel_scope.cancel()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_an_error_of_the_child_is_ours():
    async with worker() as echo:
        with pytest.raises(ToolFailed, match="no such thing"):
            await echo.request(asking("fail"), timeout_s=20)


async def test_a_crash_is_told_and_the_next_request_starts_a_fresh_child():
    async with worker() as echo:
        first = await echo.request(asking("echo"), timeout_s=20)
        with pytest.raises(WorkerLost):
            await echo.request(asking("die"), timeout_s=20)
        second = await echo.request(asking("echo"), timeout_s=20)
        assert first["pid"] != second["pid"]
        assert echo.generation == 2


async def test_crashing_again_and_again_is_given_up():
    async with worker() as echo:
        for _ in range(5):
            with pytest.raises(WorkerLost):
                await echo.request(asking("die"), timeout_s=20)
        with pytest.raises(ToolFailed, match="5 times"):
            await echo.request(asking("echo"), timeout_s=20)


async def test_a_stuck_request_costs_the_child_its_life():
    async with worker() as echo:
        first = await echo.request(asking("echo"), timeout_s=20)
        with pytest.raises(WorkerTimeout):
            await echo.request(asking("sleep", s=60), timeout_s=0.1)
        with anyio.fail_after(10):
            second = await echo.request(asking("echo"), timeout_s=20)
        assert first["pid"] != second["pid"]


async def test_a_cancelled_request_does_not_disturb_the_next():
    async with worker() as echo:
        await echo.request(asking("echo"), timeout_s=20)
        with anyio.move_on_after(0.02):
            await echo.request(asking("sleep", s=0.2), timeout_s=20)
        answer = await echo.request(asking("echo", say="still here"), timeout_s=20)
        assert answer["said"] == "still here"
        assert echo.generation == 1


async def test_leaving_ends_the_child_at_once():
    async with worker() as echo:
        await echo.request(asking("echo"), timeout_s=20)
        with anyio.move_on_after(0.02):
            await echo.request(asking("sleep", s=60), timeout_s=60)
        begun = anyio.current_time()
    assert anyio.current_time() - begun < 1
