"""What waits for a person's decision: hunks, the lines they are made of, and the choice of some of them.

Lines count from 0 in the text as it is now, without the proposals: that is what the person sees. A hunk keeps its
`id` while people type around it and across restarts of the server.
"""

from typing import Literal, TypeAlias

from copydesk.domain.events import FileReview
from copydesk.domain.frozen import frozen

HunkKind: TypeAlias = Literal["change", "create", "delete", "move"]


@frozen
class LineChange:
    """One line of a hunk. `before` None: the line is new; `after` None: it goes. Both without their line ends.

    `number` counts from 1 within the hunk and is what a choice names; `line` is where it stands, or would stand.
    """

    number: int
    line: int
    before: str | None
    after: str | None


@frozen
class Hunk:
    """A proposal that can be decided by itself. `start_line` to `end_line` (exclusive; equal: an insertion before
    `start_line`) are replaced: `before` becomes `after`, whole lines with their ends.

    `turn` is the newest turn that had a part in it. What happens to a file as a whole (create, delete, move with
    whatever was edited in it) is one hunk, whose `lines` is empty. `held`: newer typing conflicts with it, so it
    cannot land as it is.
    """

    id: str
    session: str
    turn: str
    uri: str
    kind: HunkKind
    start_line: int
    end_line: int
    before: str
    after: str
    lines: tuple[LineChange, ...] = ()
    moved_from: str = ""
    held: bool = False


@frozen
class Standing:
    """Where a hunk stands in the proposed text: its lines there, `end_line` exclusive; equal: it only takes away.

    `lines`: for each of the hunk's `lines`, in order, the line where it stands, or would stand if it were not removed.
    """

    hunk: str
    start_line: int
    end_line: int
    lines: tuple[int, ...] = ()


@frozen
class Proposed:
    """A file's text with all that waits in it in one session, but for what is held back, and where the hunks stand."""

    text: str
    standing: tuple[Standing, ...]


@frozen
class Choice:
    """Which hunks a decision is about. An empty field means any; `lines` are numbers within one `hunk`."""

    session: str = ""
    turn: str = ""
    uri: str = ""
    hunk: str = ""
    lines: tuple[int, ...] = ()

    def fits(self, hunk: Hunk) -> bool:
        pairs = ((self.session, hunk.session), (self.turn, hunk.turn), (self.uri, hunk.uri), (self.hunk, hunk.id))
        return all(wanted in ("", given) for wanted, given in pairs)


@frozen
class Decided:
    """What became of a decision: `files` of what was sent to the editor, and what still waits for one."""

    files: tuple[FileReview, ...]
    pending: tuple[Hunk, ...]
