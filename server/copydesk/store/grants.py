"""What "always allow" wrote: the rules of each folder, in the user's state, never in the project.

`<state>/grants/<digest>.json`, one page a folder, named after its real path. Owns keeping them; what a rule means is
`safety`'s. Everything here blocks. Start with `Grants`.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from copydesk.domain.frozen import frozen
from copydesk.store.shared_pages import Page, PageError, SharedPage

MAX_RULES = 1_000


@frozen
class Grant:
    """One rule, and when it was granted (RFC 3339)."""

    rule: str
    at: str = ""


class Grants:
    def __init__(self, folder: Path, now: Callable[[], str]) -> None:
        self._folder = folder
        self._now = now

    def read(self, path: str) -> tuple[Grant, ...]:
        """The grants of the folder at `path`, the oldest first. Raises `PageError`."""
        real = real_path(path)
        page = self._page(real)
        return tuple(_grants(page.read(), real, page.path))

    def add(self, path: str, rules: Sequence[str]) -> tuple[Grant, ...]:
        """Adds rules, each once; returns all. Raises `PageError` when they cannot be kept."""
        real = real_path(path)
        page = self._page(real)

        def added(old: Page) -> Page:
            grants = list(_grants(old, real, page.path))
            known = {grant.rule for grant in grants}
            grants += [Grant(rule, self._now()) for rule in dict.fromkeys(rules) if rule not in known]
            if len(grants) > MAX_RULES:
                raise PageError(
                    f"{page.path} holds {MAX_RULES} rules already.", advice="Forget some by copydesk.permissions."
                )
            return _plain(real, grants)

        return tuple(_grants(page.change(added), real, page.path))

    def remove(self, path: str, rules: Collection[str] | None = None) -> None:
        """Forgets these rules, or the folder's whole page. Raises `PageError`."""
        real = real_path(path)
        page = self._page(real)
        if rules is None:
            page.remove()
            return
        page.change(
            lambda old: _plain(real, [each for each in _grants(old, real, page.path) if each.rule not in rules])
        )

    def _page(self, real: str) -> SharedPage:
        digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:32]
        return SharedPage(self._folder / f"{digest}.json", "what was always allowed in this folder")


def real_path(path: str) -> str:
    """The one name of a folder, whatever links lead to it."""
    return os.path.normcase(os.path.realpath(path))


def _plain(real: str, grants: Sequence[Grant]) -> Page:
    return {"v": 1, "folder": shown(real), "rules": [{"rule": grant.rule, "at": grant.at} for grant in grants]}


def shown(path: str) -> str:
    """A path as JSON text; names that are no text keep their bytes visible."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _grants(page: Page, real: str, path: Path) -> Iterator[Grant]:
    """What can be read of the page. A page of another folder is none of this one's."""
    if not page:
        return
    if page.get("folder") != shown(real):
        raise PageError(f"{path} is not about {shown(real)!r}, so what it allows does not count.", advice="Remove it.")
    rules = page.get("rules")
    for each in cast("list[Any]", rules) if isinstance(rules, list) else []:
        item = cast("Page", each) if isinstance(each, dict) else {}
        rule, at = item.get("rule"), item.get("at")
        if isinstance(rule, str) and rule:
            yield Grant(rule, at if isinstance(at, str) else "")
