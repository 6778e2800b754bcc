"""Small JSON files of the user's state that several servers change: read as a whole, changed under a lock.

Owns safety against two writers, a kill in between and a file that somebody else could write. What is in a page is
its caller's. Everything here blocks. Start with `SharedPage`.
"""

import json
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, cast

from copydesk.domain.errors import CopydeskError
from copydesk.store.locks import try_lock
from copydesk.store.pages import replace_page

Page: TypeAlias = "dict[str, Any]"

LOCK_LIMIT_S = 2.0
"""Another server holds the lock for one small write."""
MAX_BYTES = 4 * 1024 * 1024
_OTHERS_WRITE = 0o022


class PageError(CopydeskError):
    """The page cannot be read or written; says which and why."""


class SharedPage:
    """`what` names its content in messages: "the permissions of this folder"."""

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self._what = what

    def read(self) -> Page:
        """The page; empty where there is none. Raises `PageError` for one that cannot be trusted or understood."""
        try:
            with open(self.path, "rb") as file:
                self._check_owner(os.fstat(file.fileno()))
                data = json.loads(file.read(MAX_BYTES))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise self._unreadable(f"({error})") from error
        if not isinstance(data, dict):
            raise self._unreadable("(it is no JSON object)")
        return cast("Page", data)

    def change(self, change: Callable[[Page], Page]) -> Page:
        """Replaces the page by `change` of it, while no other server does. Raises `PageError`; nothing is lost then."""
        try:
            with self._locked():
                page = change(self.read())
                replace_page(self.path, json.dumps(page, indent=1, ensure_ascii=False).encode("utf-8"))
        except OSError as error:
            why = error.strerror or str(error)
            raise PageError(f"{self.path} cannot be written ({why}), so {self._what} cannot be kept.") from error
        return page

    def remove(self) -> None:
        """Takes the page away, also one that cannot be read. Raises `PageError`."""
        try:
            with self._locked():
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise PageError(f"{self.path} cannot be removed ({error.strerror or error}).") from error

    def _check_owner(self, info: os.stat_result) -> None:
        """What another account may write decides nothing here."""
        if os.name == "nt":
            return
        if info.st_uid != os.geteuid() or info.st_mode & _OTHERS_WRITE:
            raise self._unreadable("(other accounts could have written it)")

    def _unreadable(self, why: str) -> PageError:
        return PageError(
            f"{self.path} cannot be used {why}, so {self._what} does not count.",
            advice="Repair or remove the file.",
        )

    @contextmanager
    def _locked(self) -> Generator[None]:
        """The lock is a file beside the page, which is replaced. Raises `OSError` when it is not free in time."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self.path.with_name(f".{self.path.name}.lock"), flags, 0o600)
        try:
            until_s = time.monotonic() + LOCK_LIMIT_S
            while not try_lock(descriptor):
                if time.monotonic() > until_s:
                    raise OSError("another Copydesk server keeps it locked")
                time.sleep(0.01)
            yield
        finally:
            os.close(descriptor)
