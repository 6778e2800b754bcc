"""Files that the editor changes and never tells of: Neovim without an attached client, a closed tab, a hidden buffer."""

from pathlib import Path

import pytest

from copydesk.domain.edits import ChangeText
from copydesk.domain.events import FileReview
from copydesk.domain.ports import ApplyReply, WorkspaceChange
from copydesk.services.landing import InFlight, Landing, LandingLimits
from copydesk.text.diffs import diff
from copydesk.workspace.pending import Pending
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.buffer_editor import BufferEditor

ONE = "a = 1\nb = 1\nc = 1\n"
TWO = ONE.replace("a = 1", "a = 2")
THREE = TWO.replace("b = 1", "b = 2")


class Silent(BufferEditor):
    """Says yes, changes a buffer that nobody hears of, and leaves the disk as it was."""

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        self.changes.append(change)
        return ApplyReply(True)


class Desk:
    def __init__(self, root: Path) -> None:
        self.path = root / "a.py"
        self.path.write_text(ONE, encoding="utf-8")
        self.uri = to_uri(str(self.path))
        self.workspace = Workspace((to_uri(str(root)),))
        self.editor = Silent(self.workspace)

    async def land(self, new: str) -> FileReview:
        pending = Pending()
        view = self.workspace.snapshot(pending)
        handle = view.read(self.uri)
        pending.propose([ChangeText(handle.base, diff(handle.text, new))], view)
        limits = LandingLimits(open_s=0.05, sync_s=0.05, settle_s=0.05)
        landing = Landing(self.workspace, self.editor, limits=limits, in_flight=InFlight())
        (review,) = (await landing.offer(pending, "t", "Copydesk: test", confirm=False)).files
        return review

    @property
    def text(self) -> str:
        return self.workspace.snapshot().read(self.uri).text


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_second_edit_of_an_unsaved_buffer_is_as_unconfirmed_as_the_first(desk: Desk) -> None:
    """The disk still says what it said before the first: that is no other text that came back."""
    first = await desk.land(TWO)
    second = await desk.land(THREE)
    assert (first.state, second.state) == ("unconfirmed", "unconfirmed"), second.note
    assert desk.text == THREE


async def test_an_edit_on_an_unsaved_buffer_that_was_written_meanwhile_is_not_believed(desk: Desk) -> None:
    await desk.land(TWO)

    class Meddled(Silent):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            desk.path.write_text("other = 1\n", encoding="utf-8")
            return await super().apply(change, confirm=confirm)

    desk.editor = Meddled(desk.workspace)
    review = await desk.land(THREE)
    assert review.state == "partial"
    assert desk.text == "other = 1\n"
