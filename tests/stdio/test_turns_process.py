"""The server as a process with turns in it: every way it can end, and what is left behind then."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.store.records import read_records
from tests.support.lsp_client import StdioClient, start

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "copydesk", "serve"]
CODE = "def twice(x):\n    return x + x\n"
PROPOSES = (
    'tool: edit_file {"path": "a.py", "old_text": "x + x", "new_text": "2 * x"}\n--- step\ndelay: 30\ntext: late\n'
)
INTEL = 'tool: code_intel {"action": "references", "path": "a.py", "line": 1, "symbol": "twice"}\n--- step\ndelay: 30\n'
SECRET = "sk-planted-0123456789abcdef"


@asynccontextmanager
async def working(tmp_path: Path, script: str, **more: Any) -> AsyncIterator[tuple[StdioClient, Path]]:
    """A process with a folder, an open document and the scripted model. Gives the client and the state folder."""
    root, state = tmp_path / "work", tmp_path / "state"
    root.mkdir(exist_ok=True)
    (root / "a.py").write_text(CODE)
    (tmp_path / "script").write_text(script)
    env = {
        "PYTHONPATH": str(ROOT / "server"), "XDG_STATE_HOME": str(state), "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "OPENAI_API_KEY": SECRET, "OLLAMA_HOST": "127.0.0.1:9",
    }  # fmt: skip
    async with start(COMMAND, env=env, root=root, initialize=False) as client:
        options = {"model.name": f"scripted:{tmp_path / 'script'}", "review.mode": "apply", "trace.level": "verbose"}
        await client.initialize(initializationOptions=options, **more)
        client.editor.open((root / "a.py").as_uri(), CODE)
        yield client, state


def ends(state: Path) -> list[tuple[str, str]]:
    events = [record.event for path in state.rglob("*.jsonl") for record in read_records(path)]
    return [(each.stop_reason, each.review) for each in events if type(each).__name__ == "TurnEnded"]


async def in_the_second_step(client: StdioClient) -> None:
    await client.command("copydesk.prompt", {"text": "go"})
    await client.wait_for("$/progress", lambda given: "step 2" in str(given["value"].get("message")))


async def test_a_turn_and_a_clean_end(tmp_path: Path) -> None:
    script = PROPOSES.replace("delay: 30\ntext: late", "text: Done.")
    async with working(tmp_path, script) as (client, state):
        result = await client.command("copydesk.prompt", {"text": "go", "wait": True}, 10)
        assert result["review"]["state"] == "applied", result
        assert client.editor.text((tmp_path / "work/a.py").as_uri()) == CODE.replace("x + x", "2 * x")
        await client.shut_down()
        assert await client.wait() == 0
    assert ends(state) == [("end_turn", "applied")]
    assert SECRET.encode() not in client.stderr
    assert not any(SECRET in path.read_text(encoding="utf-8") for path in state.rglob("*.jsonl"))


@pytest.mark.parametrize("how", ["shutdown", "exit", "end of input", "parent"])
async def test_an_end_in_the_middle_of_a_turn(tmp_path: Path, how: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)  # noqa: ASYNC220  # tiny
    async with working(tmp_path, PROPOSES, processId=parent.pid) as (client, state):
        await in_the_second_step(client)
        started = time.perf_counter()
        match how:
            case "shutdown":
                await client.shut_down()
            case "exit":
                client.notify("exit")
            case "end of input":
                assert client.process.stdin
                client.process.stdin.close()
            case _:
                parent.communicate(b"\n")
        assert await client.wait(10) == (0 if how == "shutdown" else 1)
        assert time.perf_counter() - started < (6 if how == "parent" else 1)
    if parent.poll() is None:
        parent.communicate(b"\n")
    assert ends(state) == [("cancelled", "draft")]


async def test_what_a_killed_server_was_working_on_waits_for_the_next(tmp_path: Path) -> None:
    """Nothing was written at its end: the draft was kept while the turn ran."""
    async with working(tmp_path, PROPOSES) as (client, state):
        await in_the_second_step(client)
        with anyio.fail_after(5):
            while not list(state.rglob("drafts/*.json")):  # noqa: ASYNC110  # nobody tells
                await anyio.sleep(0.02)
        client.process.kill()
        await client.wait()
    async with working(tmp_path, "text: Done.") as (client, _):
        shown = await client.command("copydesk.review.show")
        assert [hunk["after"] for file in shown["pending"] for hunk in file["hunks"]] == ["    return 2 * x\n"]
        await client.command("copydesk.review.accept")
        assert client.editor.text((tmp_path / "work/a.py").as_uri()) == CODE.replace("x + x", "2 * x")
        await client.shut_down()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes through /proc")
@pytest.mark.parametrize("how", ["exit", "kill"])
async def test_no_worker_outlives_the_server(tmp_path: Path, how: str) -> None:
    async with working(tmp_path, INTEL) as (client, _):
        await in_the_second_step(client)
        children = _children(client.process.pid)
        assert children
        if how == "exit":
            client.notify("exit")
        else:
            client.process.kill()
        await client.wait()
        with anyio.fail_after(3):
            while not all(_is_gone(pid) for pid in children):  # noqa: ASYNC110  # nobody tells
                await anyio.sleep(0.02)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
