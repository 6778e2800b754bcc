"""Random interleavings of an edit of several files: changed, created, deleted and moved at once.

What is judged beside `interleavings`: that no file is sent to be deleted or overwritten with text in it which the
server knew of and nobody decided about. One again: `python -m tests.support.several_files KIND SEED`.
"""

import sys
from typing import Any, cast

from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, MoveFile
from copydesk.domain.errors import WorkspaceError
from copydesk.domain.ports import ApplyReply, Editor, WorkspaceChange
from tests.support.interleavings import ROOT, Interleaving, main

NEW, MOVED = f"{ROOT}/new.txt", f"{ROOT}/sub/moved.txt"


class SeveralFiles(Interleaving):
    module = "tests.support.several_files"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.apart = self.chance.random() < 0.3
        self.editor = cast("Editor", _Witness(self))
        self.uris = [f"{ROOT}/{name}.txt" for name in "abcd"]
        self.proposed_on: dict[str, str] = {}

    def propose(self) -> None:
        """`a` is changed always, `b` often; `c` may be deleted, `d` moved, in its text too; a new file may come."""
        operations = [what for what in ("create", "delete", "move") if self.chance.random() < 0.6]
        for uri in self.uris[: self.chance.choice((1, 2))]:
            self._change(uri)
        for what in operations or [self.chance.choice(("create", "delete", "move"))]:
            getattr(self, f"_{what}_one")()

    def _change(self, uri: str) -> None:
        view = self.workspace.snapshot(self.pending)
        handle = view.read(uri)
        self.pending.propose([ChangeText(handle.base, self._spans(uri, handle.text))], view)

    def _create_one(self) -> None:
        text = f"made «{len(self.hunks) + 1}»{self.end}"
        self.add_hunk(NEW)
        self.pending.propose([CreateFile(NEW, text)], self.workspace.snapshot(self.pending))
        self.whole[NEW] = "create"
        self.uris.append(NEW)

    def _delete_one(self) -> None:
        view, uri = self.workspace.snapshot(self.pending), self.uris[2]
        handle = view.read(uri)
        self.proposed_on[uri] = handle.text
        self.pending.propose([DeleteFile(handle.base)], view)
        self.whole[uri] = "delete"

    def _move_one(self) -> None:
        view, uri = self.workspace.snapshot(self.pending), self.uris[3]
        self.pending.propose([MoveFile(view.read(uri).base, MOVED)], view)
        self.whole[MOVED] = "move"
        self.uris.append(MOVED)
        if self.chance.random() < 0.5:
            self._change(MOVED)

    def act(self, what: str) -> None:
        """At times another program, or the person, makes the file that we want to make."""
        if not self.apart and self.chance.random() < 0.02:
            uri = self.chance.choice((NEW, MOVED))
            if uri in self.uris and uri not in self.disk.files and uri not in self.client.buffers:
                self.client.write_outside(uri, f"theirs {self.client.new_char()}{self.end}")
                self.tell(f"another program makes {uri}")
        super().act(what)

    def known(self, uri: str) -> str:
        """What the server has heard of a file: its open text, else what stands on disk; empty where it is not."""
        try:
            return self.workspace.snapshot().read(uri).text
        except WorkspaceError:
            return ""


class _Witness:
    """Looks at what is sent before the client has it."""

    def __init__(self, story: SeveralFiles) -> None:
        self._story = story

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        for uri in change.deletes:
            self._look(uri, "deleted", self._story.proposed_on.get(uri, ""))
        for uri in (*change.overwrite, *(new for _, new in change.moves), *(new for new, _ in change.creates)):
            self._look(uri, "overwritten", "")
        return await self._story.client.apply(change, confirm=confirm)

    def _look(self, uri: str, what: str, decided: str) -> None:
        newer = self._story.client.mine & set(self._story.known(uri)) - set(decided)
        if newer:
            self._story.played.problems.append(f"lost: {uri} was to be {what} with {sorted(newer)} in it")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._story.client, name)


if __name__ == "__main__":
    sys.exit(main(SeveralFiles, *sys.argv[1:3]))
