"""Random interleavings of typing and of decisions about hunks, and about single lines of them.

What is judged beside `interleavings`: an accepted hunk is in the text, or waits still, or is reported; a rejected one
never comes; none comes twice; what nobody decided about waits. One again:
`python -m tests.support.reviewing KIND SEED`.
"""

import re
import sys
from typing import Any, cast

import anyio

from copydesk.domain.errors import CopydeskError
from copydesk.domain.ports import ApplyReply, Editor, WorkspaceChange
from copydesk.domain.review import Choice, Decided, Hunk
from copydesk.services.landed import Landed
from copydesk.services.landing import InFlight, Landing
from copydesk.services.review import ReviewParts, Reviews
from copydesk.workspace.pending import Pending
from tests.support.interleavings import Interleaving, inline, main

_TOKEN = re.compile(r"«\d+»")


class _Session:
    def __init__(self, story: "Reviewing", pending: Pending) -> None:
        self.id = "s-1"
        self.pending = pending
        self.on_landed = [story.landed.append]
        self.landing = Landing(
            story.workspace, cast("Editor", _Witness(story)), self._has_landed, in_flight=InFlight(), in_thread=inline
        )
        self.review_lock = anyio.Lock()
        self.awaits_review = True

    def _has_landed(self, landed: Landed) -> None:
        for listener in tuple(self.on_landed):
            listener(landed)

    def emit(self, event: object) -> None:
        return

    def tell(self, line: str) -> None:
        return


class _Witness:
    """Writes down which tokens were ever sent."""

    def __init__(self, story: "Reviewing") -> None:
        self._story = story

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        for edit in change.edits:
            self._story.offered += (token for span in edit.spans for token in _TOKEN.findall(span[2]))
        return await self._story.client.apply(change, confirm=confirm)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._story.client, name)


class Reviewing(Interleaving):
    module = "tests.support.reviewing"

    def propose(self) -> None:
        super().propose()
        self.sent: dict[str, set[str]] = {}
        """What was said of each time that a token was accepted."""
        self.rejected: set[str] = set()
        self.offered: list[str] = []
        self.session = _Session(self, self.pending)
        self.desk = Reviews(
            ReviewParts(self.workspace, lambda: [self.session], lambda _session: None, in_thread=inline)
        )

    async def decide(self) -> None:
        for _ in range(self.chance.randint(1, 6)):
            async with anyio.create_task_group() as tasks:
                for _ in range(self.chance.choice((1, 1, 1, 2))):
                    tasks.start_soon(self._decide_once)
            await anyio.sleep(self.chance.random())
            if not self.desk.hunks():
                return

    async def _decide_once(self) -> None:
        hunks = await self.desk.refresh()
        if not hunks:
            return
        hunk = self.chance.choice(hunks)
        choice, chosen = self._choice(hunk, hunks)
        accepts, n_offered = self.chance.random() < 0.6, len(self.offered)
        try:
            decided = await (self.desk.accept(choice) if accepts else self.desk.reject(choice))
        except CopydeskError as error:
            self.tell(f"{'accept' if accepts else 'reject'} {choice}: {error}")
            return
        self.tell(f"{'accepted' if accepts else 'rejected'} {chosen} by {choice}: {decided.files}")
        self._note(accepts, chosen, hunks, decided, self.offered[n_offered:])

    def _choice(self, hunk: Hunk, hunks: tuple[Hunk, ...]) -> tuple[Choice, set[str]]:
        """What is decided, and the tokens in it."""
        luck = self.chance.random()
        if luck < 0.2 and hunk.lines:
            line = self.chance.choice(hunk.lines)
            return Choice(hunk=hunk.id, lines=(line.number,)), set(_TOKEN.findall(line.after or ""))
        if luck < 0.3:
            return Choice(uri=hunk.uri), _tokens(each for each in hunks if each.uri == hunk.uri)
        if luck < 0.35:
            return Choice(), _tokens(hunks)
        return Choice(hunk=hunk.id), _tokens([hunk])

    def _note(
        self, accepts: bool, chosen: set[str], hunks: tuple[Hunk, ...], decided: Decided, offered: list[str]
    ) -> None:
        states = {file.uri: f"{file.state} {file.note}" for file in decided.files}
        for hunk in hunks:
            for token in _tokens([hunk]) & chosen:
                if accepts:
                    is_sent = token in offered and hunk.uri in states
                    self.sent.setdefault(token, set()).add(states[hunk.uri] if is_sent else "not sent")
                elif hunk.uri in states:
                    self.rejected.add(token)

    async def judge(self) -> None:
        waiting = _tokens(await self.desk.refresh())
        for hunk in self.hunks:
            self._judge_token(hunk.token, waiting)

    def _judge_token(self, token: str, waiting: set[str]) -> None:
        truth = self.client.truth
        came = truth.landed[token] > 0 or token in truth.taken_back
        problems = self.played.problems
        texts = [self.client.text(uri) for uri in {*self.client.buffers, *self.disk.files}]
        said = self.sent.get(token, set())
        is_known = token in truth.wrong or any(each.startswith("partial") for each in said)
        if not is_known and sum(text.count(token) for text in texts) > 1:
            problems.append(f"twice: {token} stands there more than once")
        applied = not is_known and any(each == "applied " for each in said)
        if applied and not came and token not in waiting:
            self.played.n_false += 1
            problems.append(f"false: {token} is said to be applied, and is neither there nor waiting")
        if not said and token in self.rejected and (came or token in truth.wrong):
            problems.append(f"rejected: {token} came all the same")
        if not said and token not in self.rejected and token not in waiting:
            problems.append(f"gone: nobody decided about {token}, and it does not wait")
        if not said and token not in self.rejected and came:
            problems.append(f"undecided: {token} came without a decision")


def _tokens(hunks: Any) -> set[str]:
    return {token for hunk in hunks for token in _TOKEN.findall(hunk.after)}


if __name__ == "__main__":
    sys.exit(main(Reviewing, *sys.argv[1:3]))
