"""Permissions over real processes: what was always allowed outlives its server, and a terminal is asked."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stdio.test_cli import environment, scripted
from tests.support.lsp_client import start

DIALOG = "window/showMessageRequest"
COMMAND = "touch made.txt && echo done"
STEPS = f"tool: shell {json.dumps({'command': COMMAND})}\n--- step\ntext: Over.\n"
QUESTION = b"why not: "
LIMIT_S = 40


async def ask(tmp_path: Path, root: Path, choose: str | None) -> list[Any]:
    """One turn in a server of its own; the dialogs it asked by."""
    command = [sys.executable, "-m", "copydesk", "serve"]
    settings = {"model": {"name": scripted(tmp_path, STEPS)}, "verify": {"enabled": False}}
    async with start(
        command, editor="vscode", root=root, env=environment(tmp_path), initializationOptions=settings
    ) as client:
        client.choose = choose
        result = await client.command("copydesk.prompt", {"text": "go", "wait": True}, LIMIT_S)
        assert result["stopReason"] == "end_turn", result
        return [params for method, params in client.requests if method == DIALOG]


async def test_always_outlives_the_server(tmp_path: Path) -> None:
    root = tmp_path / "proj"
    root.mkdir()
    (first,) = await ask(tmp_path, root, "Deny")
    assert COMMAND in first["message"]
    assert "Bash(touch made.txt)" in first["message"]
    (second,) = await ask(tmp_path, root, "Always allow")
    assert second == first
    assert await ask(tmp_path, root, None) == []
    other = tmp_path / "other"
    other.mkdir()
    assert len(await ask(tmp_path, other, None)) == 1, "another folder is asked for itself"


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is POSIX's")
@pytest.mark.parametrize(
    ("line", "told"), [("n wrong folder", "the person said no: wrong folder"), ("y", "exit 0 after")]
)
def test_a_terminal_is_asked(tmp_path: Path, line: str, told: str) -> None:
    root = tmp_path / "proj"
    root.mkdir()
    shown, code = on_terminal(tmp_path, root, line)
    assert "Copydesk asks to run:" in shown
    assert f"    {COMMAND}" in shown
    assert code == 0
    (transcript,) = (tmp_path / "state" / "sessions").glob("*.jsonl")
    assert told in transcript.read_text(), shown
    assert not (root / "made.txt").exists(), "a run without --apply writes nothing"


def test_with_nobody_at_the_terminal_it_is_refused(tmp_path: Path) -> None:
    import subprocess

    root = tmp_path / "proj"
    root.mkdir()
    argv = [sys.executable, "-m", "copydesk", "run", "go", "--model", scripted(tmp_path, STEPS)]
    done = subprocess.run(
        argv, cwd=root, env=environment(tmp_path), stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (transcript,) = (tmp_path / "state" / "sessions").glob("*.jsonl")
    assert "nobody is there to allow it" in transcript.read_text()


def on_terminal(tmp_path: Path, root: Path, line: str) -> tuple[str, int]:
    """`copydesk run` on a pseudo-terminal, answering the one question with `line`; what was shown, and the exit code."""
    import pty
    import select
    import time

    argv = [sys.executable, "-m", "copydesk", "run", "go", "--model", scripted(tmp_path, STEPS)]
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(root)
        os.execve(sys.executable, argv, environment(tmp_path))
    shown, is_answered, until_s = b"", False, time.monotonic() + LIMIT_S
    while time.monotonic() < until_s:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        try:
            data = os.read(terminal, 4096) if ready else None
        except OSError:  # Linux's way to say that the other side is closed
            break
        if data == b"":
            break
        shown += data or b""
        if QUESTION in shown and not is_answered:
            os.write(terminal, line.encode() + b"\n")
            is_answered = True
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return shown.decode().replace("\r\n", "\n"), os.waitstatus_to_exitcode(status)
