"""A program in a tmux of its own: keys go in, the screen comes out.

Knows no program. Start with `Terminal`. Everything waits for what is on the screen; what fails shows the last screen.
"""

import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

LIMIT_S = 15.0
POLL_S = 0.05
COLUMNS, ROWS = 140, 50


def find_tmux() -> str | None:
    return shutil.which("tmux")


class Terminal:
    """One program; `program` is what a failure calls it."""

    program = "the program"

    def __init__(self, command: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> None:
        self._socket = f"copydesk-{uuid.uuid4().hex[:8]}"
        variables = [item for name, value in environment.items() for item in ("-e", f"{name}={value}")]
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        self.tmux("-f", "/dev/null", "new-session", "-d", *size, *variables, "-c", str(cwd), *command)

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *arguments], capture_output=True, text=True, timeout=10, check=False
        )
        if done.returncode:
            raise AssertionError(f"tmux {arguments}: {done.stderr}")
        return done.stdout

    def keys(self, *names: str) -> None:
        """Keys by tmux's names: "Escape", "Enter", "Down", "g", "C-g"."""
        self.tmux("send-keys", "-t", "0", *names)

    def type(self, text: str) -> None:
        """Letter by letter, as they stand."""
        self.tmux("send-keys", "-t", "0", "-l", text)

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "0")

    @property
    def bottom(self) -> str:
        """The last two lines: state and messages."""
        return "\n".join(self.screen().split("\n")[ROWS - 2 : ROWS])

    def until(self, ready: Callable[[], Any], why: str, limit_s: float = LIMIT_S) -> Any:
        end = time.monotonic() + limit_s
        while not (found := ready()):
            if time.monotonic() > end:
                raise AssertionError(f"not within {limit_s:g} s: {why}; {self.program} shows:\n{self.screen()}")
            time.sleep(POLL_S)
        return found

    def shows(self, *texts: str, limit_s: float = LIMIT_S) -> str:
        """Waits until all of it is on one screen; the screen."""

        def found() -> str:
            screen = self.screen()
            return screen if all(text in screen for text in texts) else ""

        return self.until(found, f"shows {texts}", limit_s)

    def hides(self, text: str) -> None:
        self.until(lambda: text not in self.screen(), f"no longer shows {text!r}")

    def end(self, quit_program: Callable[[], None], limit_s: float = 5.0) -> None:
        """Lets the program quit as a person does, so that servers hear of it; then the tmux goes in any case."""
        try:
            quit_program()
            end = time.monotonic() + limit_s
            while time.monotonic() < end:
                self.tmux("has-session")
                time.sleep(POLL_S)
            self.tmux("kill-server")
        except AssertionError:
            subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, timeout=10, check=False)
