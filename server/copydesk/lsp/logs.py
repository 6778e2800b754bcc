"""The log on stderr, written by a thread of its own: a client that does not read stderr must not stop the server.

At most `MAX_WAITING` records wait; more are dropped.
"""

import logging
import queue
import sys
import threading
import time
from collections.abc import Callable

MAX_WAITING = 1000


def _as_it_is(text: str) -> str:
    return text


class StderrHandler(logging.Handler):
    """`redact` takes the values of secrets out of each line, tracebacks included."""

    def __init__(self) -> None:
        super().__init__()
        self.redact: Callable[[str], str] = _as_it_is
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self._lines: queue.Queue[str] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="copydesk-log", daemon=True)
            self._thread.start()
        try:
            self._lines.put_nowait(self.redact(self.format(record)) + "\n")
        except queue.Full:
            pass

    def drain(self, limit_s: float) -> None:
        """Waits until everything is written, or the time is over."""
        until = time.monotonic() + limit_s
        while self._lines.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.001)

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            try:
                sys.stderr.write(line)
                sys.stderr.flush()
            except (OSError, ValueError):  # nobody reads the log
                pass
            self._lines.task_done()


_handler = StderrHandler()


def to_stderr(level: int = logging.WARNING) -> None:
    """Sends the log of this process to stderr. Safe to call again."""
    root = logging.getLogger()
    if _handler not in root.handlers:
        root.addHandler(_handler)
    root.setLevel(level)


def redact_with(redact: Callable[[str], str]) -> None:
    """From now on nothing is logged that `redact` does not pass."""
    _handler.redact = redact


def drain(limit_s: float = 0.2) -> None:
    _handler.drain(limit_s)
