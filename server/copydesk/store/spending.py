"""What was spent on a day, by all servers of this user: one append-only file a day, changed under a lock.

`<state>/spending/2026-11-21.jsonl`, mode 0600. A request that a day's cap watches writes a *hold* before it is sent,
the most it can cost, and after it what it did cost: so two processes never hold the same money. A hold whose process
died counts in full until its day is over, since what was sent may have been billed. The local date at the sending
decides the day. Owns no policy: who may hold how much is its caller's. Start with `Spending.hold`.
"""

import json
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import anyio
from anyio import to_thread

from copydesk.domain.errors import CopydeskError
from copydesk.domain.frozen import frozen
from copydesk.store.locks import try_lock

LOCK_LIMIT_S = 2.0
"""Another process holds the lock for some microseconds."""
PAUSE_S = 0.001
BIG_BYTES = 128 * 1024
"""More than this is not read on the event loop: a server that starts late on a busy day."""
MAX_DAYS = 90
"""Files of older days go."""


class SpendingError(CopydeskError):
    """The day's file cannot be read or written."""


@frozen
class Day:
    """A day's money in USD. `held_usd` is what requests that nobody has told the end of may cost at most."""

    name: str
    spent_usd: float = 0.0
    held_usd: float = 0.0
    n_input: int = 0
    n_cached: int = 0

    @property
    def taken_usd(self) -> float:
        return self.spent_usd + self.held_usd

    @property
    def cached_share(self) -> float:
        return self.n_cached / self.n_input if self.n_input else 0.0


@frozen
class Hold:
    """Money that a request may cost, on the day it was sent. `usd` is 0 where no cap watches it."""

    id: str
    day: str
    usd: float = 0.0


@dataclass(slots=True)
class _Page:
    """What a day's file says, as far as it was read."""

    spent_usd: float = 0.0
    n_input: int = 0
    n_cached: int = 0
    holds: dict[str, float] = field(default_factory=dict[str, float])
    n_read: int = 0

    def take(self, data: bytes) -> None:
        """Whole lines only; a torn or unreadable one is passed over."""
        end = data.rfind(b"\n") + 1
        for line in data[:end].splitlines():
            with suppress(ValueError, KeyError, TypeError):
                self.apply(json.loads(line))
        self.n_read += end

    def apply(self, entry: Mapping[str, Any]) -> None:
        id, usd = str(entry["id"]), float(entry["usd"])
        if not 0 <= usd < float("inf"):
            return
        if entry["is"] == "hold":
            self.holds[id] = usd
            return
        self.spent_usd += usd
        self.n_input += int(entry.get("input", 0))
        self.n_cached += int(entry.get("cached", 0))
        if not entry.get("open"):
            self.holds.pop(id, None)


def local_day() -> str:
    return date.today().isoformat()


class Spending:
    """`folder` is `<state>/spending`; None keeps it in memory. `problem`: why it cannot be written, '' while it can."""

    def __init__(self, folder: Path | None = None, today: Callable[[], str] = local_day) -> None:
        self.problem = ""
        self._folder = folder
        self._place = str(folder) + os.sep
        self._today = today
        self._pages: dict[str, _Page] = {}

    # --- reading ---

    def day(self) -> Day:
        """Today, as the file says now; as it was last read where it cannot be. Blocks for some microseconds."""
        name = self._today()
        with suppress(OSError):
            self._read(name)
        return self._day(name)

    def known(self) -> Day:
        """Today, as far as it was read."""
        return self._day(self._today())

    async def catch_up(self) -> None:
        """Reads what is too much for the event loop in a thread. Never raises."""
        name = self._today()
        if self._folder is None or _size(self._path(name)) - self._page(name).n_read < BIG_BYTES:
            return
        page = _Page()
        with suppress(OSError):
            page.take(await to_thread.run_sync(Path(self._path(name)).read_bytes))
            self._pages[name] = page

    def _path(self, name: str) -> str:
        return f"{self._place}{name}.jsonl"

    def _page(self, name: str) -> _Page:
        page = self._pages.get(name)
        if page is None:
            for old in sorted(self._pages)[:-1]:
                del self._pages[old]
            page = self._pages[name] = _Page()
        return page

    def _day(self, name: str) -> Day:
        page = self._page(name)
        return Day(name, page.spent_usd, sum(page.holds.values()), page.n_input, page.n_cached)

    def _read(self, name: str) -> None:
        """Takes in what any process has appended since. Raises OSError."""
        if self._folder is None:
            return
        page = self._page(name)
        try:
            with open(self._path(name), "rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                if size < page.n_read:  # somebody put another file in its place
                    page = self._pages[name] = _Page()
                if size > page.n_read:
                    file.seek(page.n_read)
                    page.take(file.read(size - page.n_read))
        except FileNotFoundError:
            if page.n_read:
                self._pages[name] = _Page()

    # --- holding and spending ---

    def opened(self) -> Hold:
        """For a request that no cap watches: remembers only the day."""
        return Hold("", self._today())

    async def hold(self, most: Callable[[Day], float], note: Mapping[str, Any]) -> Hold:
        """Holds what `most` makes of the day as it is, while no other process can; it may raise instead.

        Raises `SpendingError` where the file cannot be used: what cannot be counted cannot be capped.
        """
        await self.catch_up()
        until_s = time.monotonic() + LOCK_LIMIT_S
        while True:
            try:
                with self._locked() as is_mine:
                    if is_mine:
                        return self._hold(most, note)
            except OSError as error:
                raise self._unusable(error.strerror or str(error)) from error
            if time.monotonic() > until_s:
                raise self._unusable("another process keeps it locked")
            await anyio.sleep(PAUSE_S)

    def _hold(self, most: Callable[[Day], float], note: Mapping[str, Any]) -> Hold:
        name = self._today()
        self._read(name)
        hold = Hold(token_hex(6), name, most(self._day(name)))
        self._append(name, {"is": "hold", "id": hold.id, "usd": hold.usd, "pid": os.getpid(), **note})
        return hold

    def spend(self, hold: Hold, usd: float, note: Mapping[str, Any], *, is_open: bool = False) -> None:
        """Books what a request has cost, and lets go of what it held unless it `is_open` still. Never raises.

        Without the lock: a line is one write, and no line but a hold depends on what the file says.
        """
        if not (usd or hold.usd):
            return
        entry = {"is": "spent", "id": hold.id, "usd": max(0.0, usd), **note, **({"open": True} if is_open else {})}
        try:
            self._append(hold.day, entry)
            self.problem = ""
        except OSError as error:
            self.problem = f"What was spent cannot be written ({error.strerror or error}); it counts until the end."
            self._page(hold.day).apply(entry)

    def _append(self, name: str, entry: Mapping[str, Any]) -> None:
        if self._folder is None:
            self._page(name).apply(entry)
            return
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # The line break before it closes what a process that was killed in the middle of a line may have left.
        line = b"\n%b\n" % json.dumps({**entry, "at": at}, separators=(",", ":")).encode()
        descriptor = self._open(self._path(name), os.O_WRONLY | os.O_APPEND)
        try:
            if os.write(descriptor, line) < len(line):
                raise OSError("the disk is full")
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked(self) -> Generator[bool]:
        """Whether the lock is this process's. Raises OSError."""
        if self._folder is None:
            yield True
            return
        descriptor = self._open(f"{self._place}.lock", os.O_RDWR)
        try:
            yield try_lock(descriptor)
        finally:
            os.close(descriptor)

    def _open(self, path: str, how: int) -> int:
        assert self._folder is not None
        flags = how | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        try:
            return os.open(path, flags, 0o600)
        except FileNotFoundError:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(path, flags, 0o600)

    def _unusable(self, why: str) -> SpendingError:
        return SpendingError(
            f"{self._folder} cannot be used ({why}), so what was spent today is not known.",
            advice="Repair the folder, or unset budget.perDayUsd.",
        )

    def tidy(self) -> None:
        """Drops the files of days long gone. Blocks; never raises."""
        if self._folder is None:
            return
        with suppress(OSError):
            for path in sorted(self._folder.glob("????-??-??.jsonl"))[:-MAX_DAYS]:
                path.unlink(missing_ok=True)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
