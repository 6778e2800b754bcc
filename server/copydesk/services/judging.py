"""What the judge is given: the rules of the settings, what was granted, the folder and the mode; an approver a turn.

Owns gathering, and the messages about rules that cannot be used; `safety` decides. Start with `Judging.approver_for`.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from copydesk.config.settings import Settings
from copydesk.domain.errors import ConfigError
from copydesk.domain.permissions import Mode, PermissionRequest, Verdict
from copydesk.domain.ports import Approver
from copydesk.safety.approver import TurnApprover
from copydesk.safety.judge import judge
from copydesk.safety.places import Place
from copydesk.safety.rules import Rule, Rules, matches_path, parse_all
from copydesk.services.permissions import Permissions
from copydesk.workspace.uris import is_under, to_path

LISTS = ("permissions.allow", "permissions.ask", "permissions.deny")
OWN_FILES = (".copydesk", ".mcp.json", ".vscode", ".idea", ".claude", ".agents", ".cursor")
"""Top-level names that Copydesk, other agents or the editor obey."""
UNREVIEWED = "It changes what Copydesk, other agents or the editor obey, and would be applied without your review."


class Judging:
    def __init__(
        self,
        permissions: Permissions,
        settings: Callable[[], Settings],
        folders: Callable[[], tuple[str, ...]],
    ) -> None:
        self.sandbox_works = False
        """Whether commands are confined here, as far as is known by now."""
        self.refused = ""
        """Why no command can run at all, where the sandbox that was named cannot be had."""
        self.redact: Callable[[str], str] = str
        """Takes the values of secrets out of a text."""
        self._permissions = permissions
        self._settings = settings
        self._folders = folders

    def approver_for(self, mode: Callable[[], Mode], verb: str) -> Approver:
        """The approver of one turn. Explaining never edits, whatever the mode."""

        def read_only() -> Mode:
            return "plan"

        ask = self._permissions.ask if self._permissions.asker else None
        return TurnApprover(read_only if verb == "explain" else mode, self.judge, ask)

    def judge(self, request: PermissionRequest, mode: Mode) -> Verdict:
        if request.command and self.refused:  # nobody is asked about what cannot run anyway
            return Verdict("deny", request, self.refused)
        verdict = judge(
            self._with_own_files(request, mode),
            mode=mode,
            rules=self.rules_for(request),
            sandbox_works=self.sandbox_works,
            place=self._place(request),
        )
        if verdict.outcome != "ask":
            return verdict
        request = verdict.request
        if any(self.redact(rule) != rule for rule in request.remember):  # a rule is kept, and a secret must not be
            request = replace(request, remember=())
        return replace(verdict, request=self._permissions.offered(request))

    def rules_for(self, request: PermissionRequest) -> Rules:
        """Of the settings, and what was granted to its session and folder. What cannot be read is left out."""
        allow, ask, deny = (_parsed(self._settings().texts(name))[0] for name in LISTS)
        return Rules(allow, ask, deny, _parsed(self._permissions.rules_for(request))[0])

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the rules of the settings; one sentence each, with the list it stands in."""
        found: list[str] = []
        for name in LISTS:
            found += [f"{name}: {problem}" for problem in _parsed(self._settings().texts(name))[1]]
        return tuple(found)

    def deny_rules(self) -> tuple[str, ...]:
        return self._settings().texts("permissions.deny")

    def denies_reading(self, path: str) -> bool:
        """Whether a rule of the person keeps tools away from a file; a path, or a URI, or relative to a folder."""
        rules = [rule for rule in _parsed(self.deny_rules())[0] if rule.kind == "FileRead"]
        if not rules:
            return False
        roots = tuple(found for folder in self._folders() if (found := to_path(folder)))
        place = Place(os.sep, roots, os.path.expanduser("~"))
        plain = to_path(path) if path.startswith("file:") else path
        if not plain:
            return False
        spellings = [plain] if os.path.isabs(plain) else [os.path.join(root, plain) for root in roots]
        paths = [place.absolute(each) for each in spellings]
        return any(
            matches_path(rule, each, place.inside(each), place.home, below=True) for rule in rules for each in paths
        )

    def _place(self, request: PermissionRequest) -> Place:
        roots = [path for folder in self._folders() if (path := to_path(folder))]
        cwd = to_path(self._permissions.folder_of(request)) or os.sep
        return Place(cwd, tuple(roots), os.path.expanduser("~"), os.path.realpath)

    def _with_own_files(self, request: PermissionRequest, mode: Mode) -> PermissionRequest:
        """An edit that would be applied unseen does not get to change the rules it is applied by."""
        if request.effect != "edit" or request.asks or not self._lands_unseen(mode):
            return request
        names = [_top_name(uri, self._folders()) for uri in request.locations]
        return replace(request, asks=UNREVIEWED) if any(name in OWN_FILES for name in names) else request

    def _lands_unseen(self, mode: Mode) -> bool:
        chosen = self._settings().text("review.mode")
        return chosen == "apply" or (not chosen and mode in ("acceptEdits", "auto"))


def _top_name(uri: str, folders: tuple[str, ...]) -> str:
    """The first name below the folder that holds it, as disks that ignore case take it."""
    holding = max((folder for folder in folders if is_under(uri, folder)), key=len, default="")
    return uri[len(holding) :].lstrip("/").partition("/")[0].lower() if holding else ""


@lru_cache(maxsize=64)
def _parsed(texts: tuple[str, ...]) -> tuple[tuple[Rule, ...], tuple[ConfigError, ...]]:
    return parse_all(texts)
