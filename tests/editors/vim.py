"""A real Vim in a pseudo-terminal, asked through a channel of its own.

Knows Vim, and no plug-in: a story's setup file brings one. Start with `vim()`. `keys` types as a person does; `value`
evaluates an expression in the editor; `screen` is what the person sees.
"""

import fcntl
import json
import os
import pty
import select
import shutil
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

HERE = Path(__file__).parent
LIMIT_S = 15.0
ROWS, COLUMNS = 40, 120
SCREEN = "map(range(1, &lines), {_, r -> join(map(range(1, &columns), {_, c -> screenstring(r, c)}), '')})"


def find_vim() -> str | None:
    """$COPYDESK_VIM, else `vim` on the PATH, if it has what a story needs."""
    program = os.environ.get("COPYDESK_VIM") or shutil.which("vim")
    if not program:
        return None
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    return program if "+channel" in told and "+popupwin" in told else None


class Vim:
    def __init__(self, channel: socket.socket, lines: TextIO, terminal: int) -> None:
        self._channel = channel
        self._lines = lines
        self._terminal = terminal

    def value(self, expression: str) -> Any:
        """What the expression is in the editor."""
        self._send(["expr", expression, -1])
        answer = json.loads(self._lines.readline())[1]
        assert answer != "ERROR", f"Vim cannot evaluate {expression}"
        return answer

    def run(self, command: str) -> None:
        """An Ex command that asks nothing; it has been run when this returns, and keys typed next come after it."""
        self._send(["ex", command])
        self.value("0")

    def keys(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def _send(self, message: list[Any]) -> None:
        self._channel.sendall(json.dumps(message).encode() + b"\n")

    def quit(self) -> None:
        self._send(["ex", "qall!"])

    def screen(self) -> str:
        """As it is: a redraw would wipe a question that is asked."""
        return "\n".join(line.rstrip() for line in self.value(SCREEN))

    def text(self, path: Path | str = "%") -> str:
        return "\n".join(self.value(f"getbufline({json.dumps(str(path))}, 1, '$')")) + "\n"

    def until(self, ready: Callable[[], Any], why: str, limit_s: float = LIMIT_S) -> Any:
        end = time.monotonic() + limit_s
        while not (found := ready()):
            if time.monotonic() > end:
                raise AssertionError(f"not within {limit_s} s: {why}; Vim shows:\n{self.screen()}")
            time.sleep(0.05)
        return found

    def shows(self, text: str) -> None:
        """Waits until it is on the screen, wrapped or not."""
        wanted = "".join(text.split())
        self.until(lambda: wanted in "".join(self.screen().split()), f"{text!r} on the screen")

    def edit(self, path: Path) -> None:
        self.run(f"edit {path}")
        self.until(lambda: self.value("expand('%:p')") == str(path), f"{path} is open")


@contextmanager
def vim(root: Path, state: Path, setup: str, model: str = "offline", program: str | None = None) -> Iterator[Vim]:
    """`setup` is Vim script, run after start. The command `copydesk` is on the PATH."""
    program = program or find_vim()
    assert program, "no vim"
    programs = state / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    server = programs / "copydesk"
    server.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m copydesk "$@"\n', encoding="utf-8")
    server.chmod(0o755)
    script = state / "setup.vim"
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(LIMIT_S)
    start = [
        "set nocompatible hidden noswapfile nomore cmdheight=2",
        "filetype on",
        setup,
        f"let g:story = ch_open('127.0.0.1:{listener.getsockname()[1]}', {{'mode': 'json'}})",
    ]
    script.write_text("\n".join(start), encoding="utf-8")
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "HOME": str(state),
        "PYTHONPATH": str(HERE.parents[1] / "server"),
        "COPYDESK_STATE_DIR": str(state),
        "COPYDESK_CONFIG_DIR": str(state),
        "COPYDESK_MODEL_NAME": model,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
    process = subprocess.Popen(
        [program, "-u", "NONE", "-i", "NONE", "-S", str(script)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=root,
        start_new_session=True,
        env=environment,
    )
    os.close(terminal)
    drain = threading.Thread(target=_drain, args=(controller,), daemon=True)
    drain.start()
    try:
        channel, _ = listener.accept()
        channel.settimeout(LIMIT_S)
        with channel, channel.makefile("r", encoding="utf-8") as lines:
            editor = Vim(channel, lines, controller)
            yield editor
            editor.quit()
            process.wait(5)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        listener.close()
        drain.join(2)
        os.close(controller)


def _drain(controller: int) -> None:
    """A terminal whose output nobody reads stops the editor."""
    while True:
        ready, _, _ = select.select([controller], [], [], 0.5)
        try:
            if ready and not os.read(controller, 65536):
                return
        except OSError:
            return
