"""A real Neovim in a pseudo-terminal, driven through its own RPC socket.

Start with `neovim()`. `lua` evaluates in the editor and gives plain data; `keys` types as a person does, also while a
question blocks the editor.
"""

import fcntl
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LIMIT_S = 15.0
ANSWER_LIMIT_S = 5.0
ROWS, COLUMNS = 40, 120


def find_nvim() -> str | None:
    """$COPYDESK_NVIM, else `nvim` on the PATH."""
    return os.environ.get("COPYDESK_NVIM") or shutil.which("nvim")


class Neovim:
    def __init__(self, program: str, socket: Path) -> None:
        self._program = program
        self._socket = socket
        self.screen = bytearray()
        """What was drawn, with its escape sequences."""
        self._answered = 0

    def lua(self, code: str, *arguments: Any) -> Any:
        """The value that `code`, a function body, returns."""
        packed = json.dumps([code, list(arguments)])
        lua = "vim.json.encode({load(vim.json.decode(_A)[1])(unpack(vim.json.decode(_A)[2]))})"
        quoted = packed.replace("'", "''")
        got = self._remote("--remote-expr", f"luaeval('{lua}', '{quoted}')")
        answer = json.loads(got)
        return answer[0] if answer else None

    def keys(self, keys: str) -> None:
        self._remote("--remote-send", keys)

    def _remote(self, what: str, value: str) -> str:
        command = [self._program, "--clean", "--headless", "--server", str(self._socket), what, value]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"Neovim waits for a key; it shows:\n{bytes(self.screen[-1500:])!r}") from None
        if done.returncode:
            raise AssertionError(done.stderr + done.stdout)
        return done.stdout

    def until(self, ready: Callable[[], Any], why: str = "", limit_s: float = LIMIT_S) -> Any:
        end = time.monotonic() + limit_s
        while not (found := ready()):
            if time.monotonic() > end:
                raise AssertionError(f"not within {limit_s} s: {why}\n{json.dumps(self.lua('return seen'), indent=1)}")
            time.sleep(0.05)
        return found

    def shows(self, text: str) -> None:
        """Waits until `text` is drawn, since the last answer was given."""
        end = time.monotonic() + LIMIT_S
        while text.encode() not in self.screen[self._answered :]:
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} is not shown, but {bytes(self.screen[-1500:])!r}")
            time.sleep(0.05)

    def answer(self, question: str, keys: str) -> None:
        """Waits until the editor shows `question`, which blocks it, and answers."""
        self.shows(question)
        self._answered = len(self.screen)
        self.keys(keys)

    # --- what the stories need often ---

    def edit(self, path: Path | str) -> None:
        """`:edit`, and waits until the server is attached."""
        self.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(path))
        self.until(lambda: self.lua("local c = client(); return c ~= nil and c.initialized == true"), "no server")

    def text(self, path: Path | str | None = None) -> str:
        """The buffer's text with `\\n`; of the current buffer without a path."""
        code = "local b = ... and vim.fn.bufnr(...) or 0 return table.concat(vim.api.nvim_buf_get_lines(b, 0, -1, true), '\\n')"
        return self.lua(code, *([str(path)] if path else []))

    def at(self, line: int, column: int = 0) -> None:
        """Puts the cursor there: the line from 1, the column in bytes from 0."""
        self.lua("vim.api.nvim_win_set_cursor(0, {...})", line, column)

    def titles(self) -> list[str]:
        return self.lua("return action_titles()") or []

    def choose(self, title: str) -> None:
        self.lua("choose_action(...)", title)

    def command(self, name: str, argument: Any = None) -> Any:
        """Sends it and waits for the answer."""
        slot = self.lua("return command(...)", name, *([] if argument is None else [argument]))
        got = self.until(lambda: self.lua("return seen.results[...]", slot), name)
        assert "error" not in got, got
        return got.get("result")

    @property
    def messages(self) -> list[str]:
        return self.lua("return seen.messages") or []

    @property
    def progress(self) -> list[dict[str, Any]]:
        return self.lua("return seen.progress") or []

    def ended(self, count: int = 1) -> list[dict[str, Any]]:
        """Waits until that many turns have ended; their last progress values."""

        def ends() -> list[dict[str, Any]]:
            found = [value for value in self.progress if value["kind"] == "end"]
            return found if len(found) >= count else []

        return self.until(ends, f"{count} turns ended")


@contextmanager
def neovim(
    root: Path,
    state: Path,
    settings: dict[str, Any] | None = None,
    *,
    filetypes: tuple[str, ...] = ("python", "markdown"),
    program: str | None = None,
) -> Iterator[Neovim]:
    program = program or find_nvim()
    assert program, "no nvim"
    server = HERE.parents[1] / "server"
    environment = {"PYTHONPATH": str(server), "COPYDESK_STATE_DIR": str(state), "COPYDESK_CONFIG_DIR": str(state)}
    story = {
        "command": [sys.executable, "-m", "copydesk", "serve"],
        "environment": environment,
        "root": str(root),
        "settings": settings or {},
        "filetypes": list(filetypes),
    }
    socket = state / "nvim.sock"
    state.mkdir(parents=True, exist_ok=True)
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [program, "--clean", "--listen", str(socket), "-c", f"luafile {HERE / 'nvim.lua'}"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=root,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COPYDESK_STORY": json.dumps(story), "XDG_STATE_HOME": str(state)},
    )
    os.close(terminal)
    editor = Neovim(program, socket)
    drain = threading.Thread(target=_drain, args=(controller, editor.screen), daemon=True)
    drain.start()
    try:
        end = time.monotonic() + LIMIT_S
        while not socket.exists() and time.monotonic() < end:
            time.sleep(0.02)
        editor.until(lambda: editor.lua("return seen ~= nil"), "nvim.lua was not run")
        yield editor
    finally:
        try:
            editor.keys("<C-\\><C-n>:qa!<CR>")
            process.wait(5)
        except (AssertionError, subprocess.TimeoutExpired):
            process.kill()
            process.wait()
        drain.join(2)
        os.close(controller)


def _drain(controller: int, screen: bytearray) -> None:
    while True:
        ready, _, _ = select.select([controller], [], [], 0.5)
        try:
            data = os.read(controller, 65536) if ready else None
        except OSError:
            return
        if data == b"":
            return
        if data:
            screen += data
