"""A real Helix in a tmux of its own, and what stories need of it often.

Knows no story. Start with `helix()`.
"""

import os
import re
import shutil
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.editors.terminal import LIMIT_S, ROWS, Terminal

HERE = Path(__file__).parent
ESCAPE_S = 0.1
"""A terminal takes a key that follows at once for Alt and that key."""
_ACTION = re.compile(r"((?:Copydesk|Ruff)\b(?! asks to)[^:]*: .*?)\s*(?:[│▌▐█]\s*)?$")
"""Ours, and those of the server that stories have beside it: the place in the menu counts."""


def find_helix(variable: str = "COPYDESK_HELIX") -> str | None:
    """$COPYDESK_HELIX, else `hx` on the PATH; another variable stands for itself alone."""
    named = os.environ.get(variable)
    return named or (shutil.which("hx") if variable == "COPYDESK_HELIX" else None)


class Helix(Terminal):
    program = "Helix"

    def __init__(self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], folder: Path) -> None:
        super().__init__(command, cwd, environment)
        self._folder = folder
        self.log = folder / "helix.log"
        """What passed between Helix and its servers."""

    def escape(self) -> None:
        """Closes what is open, and leaves insert mode."""
        self.keys("Escape")
        time.sleep(ESCAPE_S)
        self.until(lambda: " NOR " in self.bottom, "normal mode")

    def n_logged(self, text: str) -> int:
        """How often what passed has the text."""
        return self.log.read_text("utf-8", "replace").count(text) if self.log.exists() else 0

    def says(self, text: str) -> str:
        """Waits until the line of messages has this; what it says."""
        return self.until(lambda: self.bottom if text in self.bottom else "", f"says {text!r}")

    # --- what stories need often ---

    def command(self, line: str) -> None:
        """`:line`, from normal mode."""
        self.escape()
        self.type(f":{line}")
        self.until(lambda: line[-30:] in self.bottom, f"the prompt has {line!r}")
        self.keys("Enter")

    def workspace_command(self, name: str, argument: str = "") -> None:
        self.command(f"lsp-workspace-command {name} {argument}".rstrip())

    def at(self, line: int, column: int = 1) -> None:
        """Puts the cursor there, both from 1."""
        self.escape()
        self.type(f"{line}gg")
        if column > 1:
            self.type(f"{column - 1}l")
        self.until(lambda: re.search(rf"\b{line}:{column}\b", self.bottom), f"the cursor is at {line}:{column}")

    def open(self, path: Path | str) -> None:
        self.command(f"open {path}")
        self.until(lambda: Path(path).name in self.bottom, f"{path} is open")

    def titles(self) -> list[str]:
        """Opens the menu of code actions here; what it shows of ours, from the top."""
        self.escape()
        self.type(" a")
        self.until(lambda: _shown(self.screen()), "a menu of actions")
        return _shown(self.screen())

    def choose(self, title: str) -> None:
        """Chooses the code action whose title starts so."""
        seen = self.titles()
        fitting = [n for n, found in enumerate(seen) if found.startswith(title)]
        if not fitting:
            raise AssertionError(f"no action {title!r}; Helix shows:\n{self.screen()}")
        if fitting[0]:
            self.keys(*["Down"] * fitting[0])
        self.keys("Enter")
        self.until(lambda: not _shown(self.screen()), "the menu is closed")

    def text(self) -> str:
        """The text of the buffer in front, saved or not. The cursor stays; what is selected does not."""
        copy = f"~/copy-{uuid.uuid4().hex[:8]}"  # the home of this Helix is its folder
        self.escape()
        self.type("%")
        self.command(f"pipe-to cat > {copy} && mv {copy} {copy}.whole")
        whole = self._folder / f"{copy.removeprefix('~/')}.whole"
        self.until(whole.exists, "the buffer's text")
        self.type(";")
        return whole.read_text(encoding="utf-8")

    def until_text(self, wanted: str, limit_s: float = LIMIT_S) -> None:
        """Waits until the buffer in front has exactly this text."""
        end = time.monotonic() + limit_s
        while (found := self.text()) != wanted:
            if time.monotonic() > end:
                raise AssertionError(f"the text is not {wanted!r} but {found!r}; Helix shows:\n{self.screen()}")
            time.sleep(0.2)


def _shown(screen: str) -> list[str]:
    """The actions of a menu, without the line of messages and what a prompt document says."""
    lines = [line for line in screen.split("\n")[: ROWS - 2] if "--- write below" not in line]
    return [found.group(1) for line in lines if (found := _ACTION.search(line))]


def configuration(settings: dict[str, Any], *, second: str = "") -> str:
    """languages.toml as the README has it, for this server; `second` is another server's table."""
    options = ", ".join(f"{key} = {_toml(value)}" for key, value in settings.items())
    servers = '["copydesk", "second"]' if second else '["copydesk"]'
    return (
        f"[language-server.copydesk]\ncommand = {_toml(sys.executable)}\n"
        f'args = ["-m", "copydesk", "serve"]\nconfig = {{ {options} }}\n\n{second}\n'
        f'[[language]]\nname = "python"\nlanguage-servers = {servers}\n\n'
        '[[language]]\nname = "markdown"\nlanguage-servers = ["copydesk"]\n'
    )


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return ("true" if value else "false") if isinstance(value, bool) else f'"{value}"'


@contextmanager
def helix(root: Path, folder: Path, settings: dict[str, Any], program: str, *, second: str = "") -> Iterator[Helix]:
    """Helix with `a.py` of the project open; `folder` takes its configuration, its log and the server's state."""
    for name in ("config/helix", "state", "cache"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "config/helix/languages.toml").write_text(configuration(settings, second=second), encoding="utf-8")
    (folder / "config/helix/config.toml").write_text(
        "[editor.lsp]\ndisplay-progress-messages = true\n", encoding="utf-8"
    )
    environment = {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": str(HERE.parents[1] / "server"),
        "COPYDESK_STATE_DIR": str(folder / "state"),
        "COPYDESK_CONFIG_DIR": str(folder / "state"),
        "LC_ALL": "C.UTF-8",
    }
    command = [program, "-v", "--log", str(folder / "helix.log"), "a.py"]
    editor = Helix(command, root, environment, folder)
    try:
        editor.shows(" NOR ", "a.py")
        n_servers = 2 if second else 1
        editor.until(lambda: editor.n_logged('"method":"initialized"') == n_servers, "the servers run")
        yield editor
    finally:
        editor.end(lambda: editor.command("quit-all!"))
