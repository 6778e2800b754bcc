"""One random interleaving of a person, an editor and an edit of ours; and what must hold after it.

Everything follows from a seed and a kind of client. `play` runs one; `main` plays one seed again and tells the story:
`python -m tests.support.interleavings KIND SEED`.
"""

import random
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, MoveFile, PendingEdit
from copydesk.domain.events import FileReview
from copydesk.domain.ports import Editor
from copydesk.services.landed import Landed
from copydesk.services.landing import Landing
from copydesk.text.edits import Edit, apply
from copydesk.workspace.overlay import Overlay
from copydesk.workspace.pending import Pending
from copydesk.workspace.workspace import Workspace
from tests.support.simulated import KINDS, Client, Kind, MemoryDisk, Truth
from tests.support.virtual_time import run

ROOT = "file:///w"
ACTIONS = ("type", "type", "type", "type", "type", "burst", "enter", "delete", "paste", "save", "undo", "rare")


@dataclass
class Played:
    """What one interleaving came to. `problems` must be empty: each names what was broken."""

    kind: str
    seed: int
    module: str = "tests.support.interleavings"
    n_chars: int = 0
    n_lost: int = 0
    n_eaten: int = 0
    n_false: int = 0
    n_unexplained: int = 0
    n_held: int = 0
    n_apart: int = 0
    n_apart_landed: int = 0
    problems: list[str] = field(default_factory=list[str])
    not_landed: list[str] = field(default_factory=list[str])
    story: list[str] = field(default_factory=list[str])


@dataclass
class _Hunk:
    token: str
    uri: str


class Interleaving:
    module = "tests.support.interleavings"

    def __init__(self, kind: Kind, seed: int, *, with_story: bool) -> None:
        self.with_story = with_story
        self.chance = random.Random(f"{kind.name} {seed}")
        self.played = Played(kind.name, seed, self.module)
        self.kind = kind
        self.disk = MemoryDisk()
        self.clock = anyio.current_time
        self.workspace = Workspace((ROOT,), disk=self.disk, overlay=Overlay(anyio.current_time))
        self.client = Client(kind, self.workspace, self.disk, self.chance)
        self.client.tell = self.tell if with_story else None
        self.editor: Editor = self.client
        self.pending = Pending()
        self.apart = self.chance.random() < 0.5
        """Whether the person keeps away from the lines that we change, and from everything but writing."""
        self.hunks: list[_Hunk] = []
        self.landed: list[Landed] = []
        self.undone: set[str] = set()
        self.whole: dict[str, str] = {}
        self.there: set[str] = set()
        self.reviews: tuple[FileReview, ...] = ()
        self.truth = Truth()
        """What had really happened when we said what had."""
        self.end = self.chance.choice(("\n", "\n", "\r\n"))
        self.uris = [f"{ROOT}/{name}.txt" for name in ("a", "b", "c")[: self.chance.choice((1, 1, 1, 2, 3))]]

    def tell(self, what: str) -> None:
        if self.with_story:
            self.played.story.append(f"{self.clock():8.3f} {what}")

    # --- the beginning ---

    def prepare(self) -> None:
        for index, uri in enumerate(self.uris):
            lines = [self.chance.choice(("same", "same", "", "  other ü", "end 𝒳 x")) for _ in range(12)]
            self.disk.files[uri] = "".join(line + self.end for line in lines)
            if index == 0 or self.chance.random() < 0.7:
                self.client.open(uri)

    def propose(self) -> None:
        for uri in self.uris:
            view = self.workspace.snapshot(self.pending)
            handle = view.read(uri)
            self.pending.propose([ChangeText(handle.base, self._spans(uri, handle.text))], view)
        if not self.apart and self.chance.random() < 0.3:
            self._propose_whole()

    def _spans(self, uri: str, text: str) -> tuple[Edit, ...]:
        """Some lines of ours: every third line is ours, the others are the person's."""
        starts = [0, *(at + 1 for at, char in enumerate(text) if char == "\n")]
        spans: list[Edit] = []
        for line in sorted(self.chance.sample((1, 4, 7, 10), self.chance.randint(1, 3))):
            if line + 1 >= len(starts):
                continue
            token = f"«{len(self.hunks) + 1}»"
            start, end = starts[line], starts[line + 1] - len(self.end)
            new = self.chance.choice((f"new {token}", f"new {token}{self.end}and more"))
            if end > start and self.chance.random() < 0.3:
                end = start
                new = f"put {token}{self.end}"
            spans.append(Edit(start, end, new))
            self.add_hunk(uri)
        return tuple(spans)

    def add_hunk(self, uri: str) -> None:
        self.hunks.append(_Hunk(f"«{len(self.hunks) + 1}»", uri))

    def _propose_whole(self) -> None:
        what, uri = self.chance.choice(("create", "delete", "move")), f"{ROOT}/d.txt"
        if what != "create":
            self.disk.files[uri] = "one\ntwo\n"
            if self.chance.random() < 0.5:
                self.client.open(uri)
        view = self.workspace.snapshot(self.pending)
        edit: PendingEdit
        if what == "create":
            edit = CreateFile(uri, self.chance.choice(("", "new file\n")))
        elif what == "delete":
            edit = DeleteFile(view.read(uri).base)
        else:
            edit = MoveFile(view.read(uri).base, f"{ROOT}/sub/e.txt")
        self.pending.propose([edit], view)
        self.whole[edit.destination if isinstance(edit, MoveFile) else edit.uri] = what
        self.uris = [*self.uris, uri]

    # --- the person ---

    async def person(self) -> None:
        until_s = self.clock() + self.chance.choice((0.0, 0.1, 0.3, 0.6, 1.0, 3.5))
        pace_s = self.chance.choice((0.03, 0.08, 0.2, 0.6))
        while self.clock() < until_s:
            await anyio.sleep(self.chance.random() * 2 * pace_s)
            self.act(self.chance.choice(ACTIONS))

    def act(self, what: str) -> None:
        opened = [uri for uri in self.uris if uri in self.client.buffers]
        if self.apart and what not in ("type", "burst", "enter"):
            what = "type"
        if not opened:
            what = "rare"
        uri = self.chance.choice(opened or self.uris)
        match what:
            case "type":
                self._type(uri, self.client.new_char())
            case "burst":
                for _ in range(self.chance.randint(2, 6)):
                    self._type(uri, self.client.new_char())
            case "enter":
                self._type(uri, self.client.new_char() + self.end)
            case "paste":
                self._type(uri, f"same{self.end}")
            case "delete":
                self._delete(uri)
            case "save":
                self.client.save(uri)
            case "undo":
                if self.client.undo(uri):
                    self.undone.add(uri)
                    self.tell(f"takes back in {uri}")
            case _:
                self._rare(uri)

    def _type(self, uri: str, text: str) -> None:
        now = self.client.buffers[uri].text
        at = self._place(now)
        self.client.type(uri, at, at, text)
        self.played.n_chars += sum(ord(char) > 0x2E80 for char in text)
        self.tell(f"types {text!r} at {at} of {uri}")

    def _place(self, text: str) -> int:
        if not self.apart:
            at = self.chance.randint(0, len(text))
            return at - (text[at - 1 : at + 1] == "\r\n")
        # Lines 0 and the last are nobody else's.
        first, last = text.find("\n"), text.rstrip("\r\n").rfind("\n") + 1
        at = self.chance.choice((self.chance.randint(0, max(first - 1, 0)), len(text) - len(self.end), last))
        return at - (text[at - 1 : at + 1] == "\r\n")

    def _delete(self, uri: str) -> None:
        text = self.client.buffers[uri].text
        start = self.chance.randint(0, len(text))
        end = min(len(text), start + self.chance.choice((1, 3, 12)))
        start, end = (at - (text[at - 1 : at + 1] == "\r\n") for at in (start, end))
        self.client.type(uri, start, end, "")
        self.tell(f"deletes {start}..{end} of {uri}")

    def _rare(self, uri: str) -> None:
        match self.chance.choice(("close", "outside", "delete on disk", "open", "format")):
            case "close" if uri in self.client.buffers:
                self.client.save(uri)
                self.client.close(uri)
                self.tell(f"saves and closes {uri}")
            case "open" if uri in self.disk.files:
                self.client.open(uri)
                self.tell(f"opens {uri}")
            case "outside" if uri not in self.client.buffers and uri in self.disk.files:
                self.client.write_outside(uri, self.disk.files[uri] + self.client.new_char() + self.end)
                self.tell(f"another program writes {uri}")
            case "format" if uri in self.client.buffers:
                text = self.client.buffers[uri].text
                at = text.find(self.end * 2)
                if at >= 0:
                    self.client.type(uri, at, at + len(self.end), "")
                    self.client.save(uri)
                    self.tell(f"formats {uri}")
            case _:
                return

    # --- the whole ---

    async def run(self) -> Played:
        self.prepare()
        await anyio.sleep(0.1)
        self.propose()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.person)
            await anyio.sleep(self.chance.choice((0.0, 0.0, 0.05, 0.4)))
            await self.decide()
            self.truth = deepcopy(self.client.truth)
            self.there = {uri for uri in self.whole if uri in self.disk.files or uri in self.client.buffers}
        self.client.settle()
        await anyio.sleep(60)
        await self.judge()
        self._count()
        self._check_landed()
        return self.played

    async def decide(self) -> None:
        landing = Landing(self.workspace, self.editor, self.landed.append, in_thread=inline)
        review = await landing.offer(self.pending, "t", "an edit", confirm=False)
        self.reviews = review.files
        for file in review.files:
            self.tell(f"{file.uri}: {file.state}: {file.note}")

    async def judge(self) -> None:
        for file in self.reviews:
            self._judge(file)

    def _judge(self, file: FileReview) -> None:
        if file.uri in self.whole:
            self._judge_whole(file)
        tokens = {hunk.token for hunk in self.hunks if hunk.uri == file.uri}
        if not tokens:
            return
        counts = [self.truth.landed[token] for token in tokens]
        is_held = "held back" in file.note
        self.played.n_held += is_held
        self.played.n_unexplained += file.state == "partial"
        came = [bool(self.truth.landed[token]) or token in self.truth.taken_back for token in tokens]
        landed = (any(came) or file.uri in self.whole) if is_held else all(came)
        wrong = bool(tokens & self.truth.wrong) or any(count > 1 for count in counts)
        if file.state == "applied" and file.note != "it already says that" and (wrong or not landed):
            self.played.n_false += 1
            self.played.problems.append(f"false: {file.uri} is said to be applied: {counts}, wrong: {wrong}")
        in_the_end = [self.client.truth.landed[token] for token in tokens]
        if any(count > 1 for count in in_the_end):
            self.played.problems.append(f"twice: {file.uri} has {in_the_end} of {sorted(tokens)}")
        if self.apart and self.kind.is_honest and not wrong:
            self.played.n_apart += 1
            came_in = file.state in ("applied", "unconfirmed") and landed
            self.played.n_apart_landed += came_in
            if not came_in:
                self.played.not_landed.append(f"{file.uri}: {file.state}: {file.note}")

    def _judge_whole(self, file: FileReview) -> None:
        what = self.whole[file.uri]
        there = file.uri not in self.truth.deleted if what == "delete" else file.uri in self.there
        if file.state == "applied" and there == (what == "delete"):
            self.played.n_false += 1
            self.played.problems.append(f"false: {what} of {file.uri} is said to be applied")

    def _count(self) -> None:
        texts = [*(buffer.text for buffer in self.client.buffers.values())]
        texts += [text for uri, text in self.disk.files.items() if uri not in self.client.buffers]
        lost = self.client.mine - set("".join(texts))
        self.played.n_eaten = self.client.truth.n_eaten
        self.played.n_lost = len(lost)
        if lost:
            self.played.problems.append(f"lost: {sorted(lost)}")

    def _check_landed(self) -> None:
        for landed in self.landed:
            if landed.before is None or landed.now is None or landed.version is None:
                continue
            made = apply(apply(apply(landed.before, landed.typed_before), landed.ours), landed.typed_after)
            if made != landed.now:
                self.played.problems.append(f"landed: {landed.uri}: its parts do not make its text")


T = TypeVar("T")


async def inline(work: Callable[[], T], /) -> T:
    return work()


async def _play(story: type[Interleaving], kind: str, seeds: range, with_story: bool) -> list[Played]:
    return [await story(KINDS[kind], seed, with_story=with_story).run() for seed in seeds]


def played(
    kind: str, seeds: range, *, story: type[Interleaving] = Interleaving, with_story: bool = False
) -> list[Played]:
    """All of them, one after the other, in virtual time."""
    return run(_play, story, kind, seeds, with_story)


def again(one: Played) -> str:
    """The command that plays it again."""
    return f"python -m {one.module} {one.kind} {one.seed}"


def main(story: type[Interleaving], kind: str, seed: str) -> int:
    one = played(kind, range(int(seed), int(seed) + 1), story=story, with_story=True)[0]
    print("\n".join([*one.story, *one.problems, *one.not_landed, "" if one.problems else "nothing is wrong"]))
    return 1 if one.problems else 0


if __name__ == "__main__":
    sys.exit(main(Interleaving, *sys.argv[1:3]))
