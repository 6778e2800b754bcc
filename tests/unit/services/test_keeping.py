"""What waits is on disk as soon as it is shown: a killed editor takes its server along."""

from pathlib import Path

import anyio
import anyio.lowlevel

from copydesk.domain.edits import ChangeText
from copydesk.services import keeping
from copydesk.services.keeping import Keeper
from copydesk.text.edits import Edit
from copydesk.workspace.pending import Pending
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace


class Waiting:
    """A session with one edit that waits."""

    id = "s-1"

    def __init__(self, root: Path) -> None:
        (root / "a.txt").write_text("one\n", encoding="utf-8")
        workspace = Workspace([to_uri(str(root))])
        self.pending = Pending()
        view = workspace.snapshot(self.pending)
        base = view.read(to_uri(str(root / "a.txt"))).base
        self.pending.propose([ChangeText(base, (Edit(0, 3, "ONE"),))], view)


async def test_the_first_is_written_without_waiting_for_more(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "drafts", lambda: ("file:///w",))
    clock_s = keeping.DELAY_S * 0.9
    async with anyio.create_task_group() as group:
        group.start_soon(keeper.run)
        await anyio.lowlevel.checkpoint()
        keeper.touch(Waiting(tmp_path))
        with anyio.fail_after(clock_s):
            while not list((tmp_path / "drafts").glob("*.json")):  # noqa: ASYNC110  a file tells of no event
                await anyio.sleep(0.002)
        group.cancel_scope.cancel()
    assert [draft.session for draft in keeper.load()] == ["s-1"]
