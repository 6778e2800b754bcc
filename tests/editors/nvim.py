"""A real Neovim in a pseudo-terminal, driven through its own RPC socket.

Start with `neovim()`. `lua` evaluates in the editor and gives plain data; `keys` types as a person does, also while a
question blocks the editor; `picture` is what the terminal shows.
"""

import fcntl
import json
import os
import pty
import re
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
from typing import Any, Literal

import pytest

from tests.editors.nvim_rpc import Rpc, RpcError
from tests.editors.requirements import editor_or_skip

HERE = Path(__file__).parent
LIMIT_S = 15.0
ANSWER_LIMIT_S = 15.0
ROWS, COLUMNS = 40, 120
PLUGIN = HERE.parents[1] / "editors" / "nvim"
How = Literal["start", "enable", "plugin"]
"""`vim.lsp.start` by hand; `vim.lsp.enable` with lsp/copydesk.lua alone; the plug-in."""


def find_nvim() -> str | None:
    """$COPYDESK_NVIM, else `nvim` on the PATH."""
    return os.environ.get("COPYDESK_NVIM") or shutil.which("nvim")


VERSIONS = ("oldest", "newest")


def nvim_or_skip(which: str) -> str:
    """`oldest` is required where editors are; the newest is tolerated, because it moves."""
    if which == "oldest":
        return editor_or_skip("Neovim (COPYDESK_NVIM, or nvim on PATH)", find_nvim())
    newest = find_new_nvim()
    if newest is None:
        pytest.skip("the newest Neovim is tolerated, not required: COPYDESK_NVIM_NEW is not set")
    return newest


def find_new_nvim() -> str | None:
    """The newest: $COPYDESK_NVIM_NEW. It moves, so that stories tolerate its absence."""
    return os.environ.get("COPYDESK_NVIM_NEW")


class Neovim:
    def __init__(self, program: str, socket: Path) -> None:
        self.program = program
        self._socket = socket
        self._rpc: Rpc | None = None
        self.screen = bytearray()
        """What was drawn, with its escape sequences."""
        self._answered = 0

    def lua(self, code: str, *arguments: Any) -> Any:
        """The value that `code`, a function body, returns."""
        encoded = "local a = vim.json.decode(...) return vim.json.encode({ load(a[1])(unpack(a[2])) })"
        try:
            got = self._call("nvim_exec_lua", encoded, [json.dumps([code, list(arguments)])])
        except TimeoutError:
            raise AssertionError(f"Neovim waits for a key; it shows:\n{bytes(self.screen[-1500:])!r}") from None
        answer = json.loads(got)
        return answer[0] if answer else None

    def keys(self, keys: str) -> None:
        """Types them, also while the editor waits for a key."""
        self._call("nvim_input", keys)

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return self._connected().call(method, *arguments, limit_s=ANSWER_LIMIT_S)
        except RpcError as error:
            raise AssertionError(str(error)) from None

    def _connected(self) -> Rpc:
        end = time.monotonic() + ANSWER_LIMIT_S
        while self._rpc is None:
            try:
                self._rpc = Rpc(self._socket)
            except OSError:
                if time.monotonic() > end:
                    raise AssertionError(f"Neovim does not start: {bytes(self.screen)!r}") from None
                time.sleep(0.02)
        return self._rpc

    def close(self) -> None:
        if self._rpc is not None:
            self._rpc.close()

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

    def pick(self, question: str, choice: str) -> None:
        """Answers a question with choices by the number that stands before the choice."""
        self.shows(question)
        listed = re.compile(rf"(\d+): {re.escape(choice)}(?![\w,])".encode())
        numbers = self.until(lambda: listed.findall(self.screen[self._answered :]), f"{question}: {choice}")
        self.answer(question, f"{numbers[-1].decode()}<CR>")

    # --- what the stories need often ---

    def copydesk(self, line: str) -> None:
        """`:Copydesk …`, typed."""
        self.keys(f"<C-\\><C-n>:Copydesk {line}<CR>")

    def notified(self, text: str) -> str:
        """Waits for a message with `text` in it; the message."""
        return self.until(lambda: next((said for said in self.messages if text in said), ""), f"a message: {text}")

    def waits_for_a_key(self) -> bool:
        """Whether "Press ENTER" or the like stands in the way."""
        return self._call("nvim_get_mode")["blocking"]

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
    how: How = "start",
    options: dict[str, Any] | None = None,
    command: list[str] | None = None,
    size: tuple[int, int] = (ROWS, COLUMNS),
    before: str = "",
) -> Iterator[Neovim]:
    """`options` are the plug-in's, `command` starts the server, `size` is rows and columns, `before` Lua of the init."""
    program = program or find_nvim()
    assert program, "no nvim"
    state.mkdir(parents=True, exist_ok=True)
    server = HERE.parents[1] / "server"
    story = {
        "how": how,
        "command": command or [sys.executable, "-m", "copydesk", "serve"],
        "environment": {"PYTHONPATH": str(server), "COPYDESK_STATE_DIR": str(state), "COPYDESK_CONFIG_DIR": str(state)},
        "root": str(root),
        "runtime": str(PLUGIN if how == "plugin" else _only_lsp(state)),
        "settings": settings or {},
        "options": options or {},
        "filetypes": list(filetypes),
    }
    socket = state / "nvim.sock"
    started = [program, "--clean", "--listen", str(socket), *([] if not before else ["--cmd", f"lua {before}"])]
    if how != "start":
        started += ["--cmd", f"luafile {HERE / 'nvim_start.lua'}"]
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    process = subprocess.Popen(
        [*started, "-c", f"luafile {HERE / 'nvim.lua'}"],
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
        editor.until(lambda: editor.lua("return _G.seen ~= nil"), "nvim.lua was not run")
        yield editor
    finally:
        try:
            editor.keys("<C-\\><C-n>:qa!<CR>")
            process.wait(5)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            process.kill()
            process.wait()
        editor.close()
        drain.join(2)
        os.close(controller)


def _only_lsp(state: Path) -> Path:
    """A runtime folder with lsp/copydesk.lua and nothing else of the plug-in."""
    folder = state / "runtime"
    (folder / "lsp").mkdir(parents=True, exist_ok=True)
    shutil.copy(PLUGIN / "lsp" / "copydesk.lua", folder / "lsp")
    return folder


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
