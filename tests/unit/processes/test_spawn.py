"""Children: output and its limits, and that none outlives its time, its scope or its parent."""

import os
import sys
import textwrap
from pathlib import Path

import anyio
import pytest

from copydesk.domain.errors import ToolFailed
from copydesk.processes.spawn import run, start

posix = pytest.mark.skipif(sys.platform == "win32", reason="process groups of POSIX")


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", textwrap.dedent(code)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if sys.platform == "linux":
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


async def until_gone(pid: int) -> None:
    with anyio.fail_after(3):
        while alive(pid):  # noqa: ASYNC110  # another process's end sets no event of ours
            await anyio.sleep(0.01)


async def test_output_exit_code_and_stdin():
    code = "import sys; print(sys.stdin.read()[::-1]); print('bad', file=sys.stderr); sys.exit(3)"
    done = await run(python(code), stdin=b"abc", timeout_s=20)
    assert (done.exit_code, done.stdout.split(), done.stderr.split(), done.timed_out) == (3, [b"cba"], [b"bad"], False)


async def test_stdin_is_empty_and_not_ours():
    done = await run(python("import sys; print(repr(sys.stdin.read()))"), timeout_s=20)
    assert done.stdout.strip() == b"''"


async def test_environment_is_the_minimal_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    done = await run(python("import os; print('OPENAI_API_KEY' in os.environ)"), timeout_s=20)
    assert done.stdout.strip() == b"False"


async def test_large_output_keeps_head_and_tail():
    code = "import sys; sys.stdout.write('first' + 'x' * 500_000 + 'last')"
    done = await run(python(code), timeout_s=20, limit_bytes=1000)
    assert done.stdout.startswith(b"first")
    assert done.stdout.endswith(b"last")
    assert len(done.stdout) < 1100
    assert done.cut_bytes == 500_009 - 1000


async def test_a_program_that_is_not_there_is_named():
    with pytest.raises(ToolFailed, match="'no-such-program'"):
        await run(["no-such-program"], timeout_s=5)


async def test_a_directory_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ToolFailed, match="nowhere"):
        await run(python("1"), cwd=tmp_path / "nowhere", timeout_s=5)


async def test_a_child_that_does_not_read_its_stdin():
    done = await run(python("print('done')"), stdin=b"x" * 1_000_000, timeout_s=20)
    assert done.stdout.strip() == b"done"


GRANDPARENT = """
    import os, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE)
    child.stdout.readline()
    print(os.getpid(), child.pid, flush=True)
    time.sleep(60)
"""


@posix
async def test_leaving_ends_the_tree_even_if_it_ignores_sigterm():
    async with start(python(GRANDPARENT)) as child:
        pids = [int(pid) for pid in (await child.stdout.receive()).split()]
        begun = anyio.current_time()
    assert anyio.current_time() - begun < 0.6
    for pid in pids:
        await until_gone(pid)


@posix
async def test_a_time_limit_ends_the_tree_and_keeps_what_was_written():
    done = await run(python(GRANDPARENT), timeout_s=1.5)
    assert done.timed_out
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    for pid in pids:
        await until_gone(pid)


@posix
async def test_cancelling_ends_the_tree():
    pids: list[int] = []
    started = anyio.Event()

    async def work() -> None:
        async with start(python(GRANDPARENT)) as child:
            pids.extend(int(pid) for pid in (await child.stdout.receive()).split())
            started.set()
            await anyio.sleep(60)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        with anyio.fail_after(20):
            await started.wait()
        tasks.cancel_scope.cancel()
    for pid in pids:
        await until_gone(pid)


@posix
async def test_a_background_grandchild_that_holds_the_pipe_does_not_block():
    code = """
        import subprocess, sys
        print(subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]).pid, flush=True)
    """
    with anyio.fail_after(15):
        done = await run(python(code), timeout_s=60)
    assert not done.timed_out
    await until_gone(int(done.stdout))


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
async def test_a_child_dies_with_its_parent(tmp_path: Path):
    server = Path(__file__).parents[3] / "server"
    code = f"""
        import sys; sys.path[:0] = {[str(server), *sys.path]!r}
        import anyio, os, signal
        from copydesk.processes.spawn import start
        async def main():
            code = "import time; print('up', flush=True); time.sleep(60)"
            async with start([sys.executable, "-I", "-S", "-c", code]) as child:
                await child.stdout.receive()
                print(child.pid, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
        anyio.run(main)
    """
    done = await run([sys.executable, "-I", "-c", textwrap.dedent(code)], timeout_s=20)
    await until_gone(int(done.stdout))
