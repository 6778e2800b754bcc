"""Questions about what a call may do: put to the person, answered once, and remembered exactly as they said.

Owns the questions that wait, what was allowed for a session, and what "always" wrote for a folder. It judges nothing:
`safety` does, by the rules that are gathered here. How a question looks is its asker's. Start with `Permissions.ask`.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import anyio
from anyio import to_thread

from copydesk.domain.errors import CopydeskError
from copydesk.domain.frozen import frozen
from copydesk.domain.permissions import Decision, PermissionOption, PermissionRequest
from copydesk.safety.judge import NOBODY
from copydesk.store.grants import Grant, Grants
from copydesk.workspace.uris import is_under, normalise, to_path

log = logging.getLogger("copydesk.permissions")

OPTIONS: tuple[PermissionOption, ...] = ("allow_once", "allow_session", "allow_always", "reject_once")
"""What a person may answer, where the judge does not say."""

ALLOWS: tuple[PermissionOption, ...] = ("allow_once", "allow_session", "allow_always")

NO = "the person said no."
CLOSED = "the question was closed without an answer, which counts as no. Go on without it, and say so at the end."


def _said_nothing(level: str, text: str) -> None:
    log.warning("%s: %s", level, text)


@frozen
class Answer:
    """`reason` is the person's own words, for the model."""

    option: PermissionOption
    reason: str = ""


class Asker(Protocol):
    """How a question reaches a person."""

    @property
    def takes_answers(self) -> bool:
        """Whether it can be answered other than by what `put` returns (a command of the editor's)."""
        ...

    async def put(self, request: PermissionRequest) -> Answer | None:
        """The person's answer; None when it was closed without one, or cannot be shown.

        Cancelled when it is answered elsewhere or nobody waits for it any more: then it is withdrawn.
        """
        ...


@dataclass(slots=True)
class Waiting:
    """A question that is open."""

    request: PermissionRequest
    done: anyio.Event = field(default_factory=anyio.Event)
    answer: Answer | None = None

    def finish(self, answer: Answer | None) -> None:
        if not self.done.is_set():
            self.answer = answer
            self.done.set()


@frozen
class FolderGrants:
    """What is always allowed in one folder (its URI); `problem` says why that is not known."""

    folder: str
    grants: tuple[Grant, ...] = ()
    problem: str = ""


class Permissions:
    """`folders` are the workspace's (URIs), `limit_s` how long a question may wait, `say` tells the person."""

    def __init__(
        self,
        grants: Grants,
        folders: Callable[[], tuple[str, ...]],
        limit_s: Callable[[], float],
        asker: Asker | None = None,
        say: Callable[[str, str], None] = _said_nothing,
    ) -> None:
        self.asker = asker
        self.say = say
        self._grants = grants
        self._folders = folders
        self._limit_s = limit_s
        self._waiting: dict[str, Waiting] = {}
        self._of_session: dict[str, tuple[str, ...]] = {}
        self._of_folder: dict[str, FolderGrants] = {}
        self._said: set[str] = set()

    # --- what is allowed already ---

    async def refresh(self) -> None:
        """Reads the grants again: another server, or the person, may have changed them. Says what cannot be read."""
        folders = self._folders()
        found = await to_thread.run_sync(lambda: [self.read(folder) for folder in folders])
        self._of_folder = {each.folder: each for each in found}
        for each in found:
            if each.problem and each.problem not in self._said:
                self._said.add(each.problem)
                self.say("warning", each.problem)

    def read(self, folder: str) -> FolderGrants:
        """What is kept for one folder. Blocks."""
        path = to_path(folder)
        try:
            return FolderGrants(folder, self._grants.read(path) if path else ())
        except CopydeskError as error:
            return FolderGrants(folder, (), str(error))

    def rules_for(self, request: PermissionRequest) -> tuple[str, ...]:
        """The rules by which this request was allowed before: in its session, and always in its folder."""
        kept = self._of_folder.get(self.folder_of(request))
        always = tuple(grant.rule for grant in kept.grants) if kept else ()
        return (*self._of_session.get(request.session, ()), *always)

    def folder_of(self, request: PermissionRequest) -> str:
        """The folder of the workspace that all its places are in, else the first; empty where there is none."""
        folders = self._folders()
        places = [normalise(uri) for uri in request.locations]
        holding = (each for each in folders if places and all(is_under(place, each) for place in places))
        return max(holding, key=len, default=folders[0] if folders else "")

    # --- the question ---

    def offered(self, request: PermissionRequest) -> PermissionRequest:
        """The request with the options that make sense: what is remembered needs a rule, "always" a folder too."""
        refused: set[PermissionOption] = set()
        if request.level == "critical" or not request.remember:
            refused = {"allow_session", "allow_always"}
        elif not self.folder_of(request):
            refused = {"allow_always"}
        options = [each for each in request.options or OPTIONS if each not in refused]
        return replace(request, options=(*options, *(() if "reject_once" in options else ("reject_once",))))

    async def ask(self, request: PermissionRequest) -> Decision:
        """Puts the question and waits: for the dialog, for `answer`, for the limit. Cancelled: it is withdrawn."""
        if self.asker is None:
            return Decision(False, NOBODY)
        waiting = Waiting(request)
        self._waiting[request.id] = waiting
        try:
            with anyio.move_on_after(self._limit_s()) as limit:
                await self._wait(waiting, self.asker)
        finally:
            self._waiting.pop(request.id, None)
        if limit.cancelled_caught and not waiting.done.is_set():
            return Decision(False, self._unanswered())
        return await self._decide(request, waiting.answer)

    async def _wait(self, waiting: Waiting, asker: Asker) -> None:
        async def put() -> None:
            answer = await asker.put(waiting.request)
            if answer is not None or not asker.takes_answers:
                waiting.finish(answer)

        async with anyio.create_task_group() as group:
            group.start_soon(put)
            await waiting.done.wait()
            group.cancel_scope.cancel()

    def _unanswered(self) -> str:
        return (
            f"nobody answered within {self._limit_s():g} s (permissions.askTimeoutS), which counts as no. "
            "Go on without it, and say so at the end."
        )

    async def _decide(self, request: PermissionRequest, answer: Answer | None) -> Decision:
        if answer is None:
            return Decision(False, CLOSED)
        if answer.option not in ALLOWS:
            words = " ".join(answer.reason.split())
            return Decision(False, f"the person said no: {words}" if words else NO, answer.option)
        if answer.option == "allow_always":
            await self._keep(request)
        elif answer.option == "allow_session":
            self._keep_for_session(request)
        return Decision(True, answer.reason, answer.option)

    async def _keep(self, request: PermissionRequest) -> None:
        """Writes the rules down; where that fails it is said, and they hold for the session."""
        folder = self.folder_of(request)
        path = to_path(folder)
        try:
            if path is None:
                raise CopydeskError("There is no folder on this machine to remember it for.")
            grants = await to_thread.run_sync(self._grants.add, path, request.remember)
        except CopydeskError as error:
            self._keep_for_session(request)
            self.say("warning", f"{error} It is allowed for this session only.")
            return
        self._of_folder[folder] = FolderGrants(folder, grants)

    def _keep_for_session(self, request: PermissionRequest) -> None:
        rules = (*self._of_session.get(request.session, ()), *request.remember)
        self._of_session[request.session] = tuple(dict.fromkeys(rules))

    # --- answers from elsewhere ---

    def waiting(self) -> tuple[PermissionRequest, ...]:
        """The open questions, the newest first; not one that was just answered."""
        return tuple(each.request for each in reversed(self._waiting.values()) if not each.done.is_set())

    def answer(self, request: str | None, option: PermissionOption, reason: str = "") -> PermissionRequest | None:
        """Answers one question, else the newest. None when it does not wait (any more). Raises for a wrong option."""
        newest = next(reversed(self._waiting.values()), None)
        waiting = self._waiting.get(request) if request else newest
        if waiting is None or waiting.done.is_set():
            return None
        if option not in waiting.request.options:
            allowed = ", ".join(waiting.request.options)
            raise CopydeskError(
                f"{option!r} is not offered for {waiting.request.title!r}.", advice=f"Answer with one of {allowed}."
            )
        waiting.finish(Answer(option, reason))
        return waiting.request

    async def put_again(self, id: str) -> None:
        """Shows an open question once more, until it is answered one way or another."""
        waiting, asker = self._waiting.get(id), self.asker
        if waiting is None or asker is None:
            return

        async def put() -> None:
            if answer := await asker.put(waiting.request):
                waiting.finish(answer)
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(put)
            await waiting.done.wait()
            group.cancel_scope.cancel()

    # --- what is remembered, to see and to forget ---

    def session_rules(self) -> dict[str, tuple[str, ...]]:
        return dict(self._of_session)

    def folder_grants(self) -> tuple[FolderGrants, ...]:
        """As they were last read."""
        return tuple(self._of_folder.values())

    @property
    def n_grants(self) -> int:
        return sum(len(each.grants) for each in self._of_folder.values())

    async def forget(self, rules: Sequence[str] | None = None, folder: str | None = None) -> None:
        """Forgets these rules, or all, in one folder or every one of the workspace, and in the sessions too."""
        folders = [each for each in self._folders() if folder is None or normalise(folder) == each]
        for each in folders:
            if path := to_path(each):
                await to_thread.run_sync(self._grants.remove, path, rules)
        if folder is None:
            kept = {
                id: tuple(each for each in old if rules and each not in rules) for id, old in self._of_session.items()
            }
            self._of_session = {id: left for id, left in kept.items() if left}
        await self.refresh()
