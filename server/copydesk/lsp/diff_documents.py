"""The read-only documents that show what waits: one for each turn, a unified diff under a line of instruction.

Owns their text, which line of it belongs to which hunk, and keeping shown ones true; it decides nothing. Start with
`DiffDocuments.open`. A client may still show an older text (it fetched it, or read the file, before the last
decision), so the lines of the last few texts are kept: an action is offered only on a text that is known.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from copydesk.domain.review import Choice, Hunk, LineChange
from copydesk.lsp.answers import Answers
from copydesk.lsp.pending import Reviews, Shapes, counted, is_whole_file
from copydesk.workspace.uris import is_own, normalise

MAX_DOCUMENTS = 50
MAX_TEXTS = 20
"""Texts of one document whose lines are kept."""
NOTHING = "# Nothing of this turn waits any more.\n"
_HEADER = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Row:
    """What a line of the diff is of: a file, a hunk ("" for context) and a line of it (0: none)."""

    uri: str
    hunk: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """`numbers`: for each hunk that is touched, the lines of it. `uri`: the one file they are all of, or ''."""

    uri: str
    numbers: Mapping[str, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Rendered:
    """`rows[n]` is of line n of `text`; None above the first file."""

    text: str
    rows: tuple[Row | None, ...]


@dataclass(slots=True)
class _Shown:
    """`opened`: the text when it was last opened; `n`: how many names it has had."""

    name: str
    uri: str = ""
    opened: str = ""
    n: int = 1
    texts: OrderedDict[str, Rendered] = field(default_factory=OrderedDict[str, Rendered])

    @property
    def newest(self) -> Rendered:
        return next(reversed(self.texts.values()))

    def keep(self, rendered: Rendered, written: str) -> None:
        """`written`: the text as a client has it that reads it from a file, where secrets are left out."""
        for text in dict.fromkeys((written, rendered.text)):
            self.texts[text] = rendered
            self.texts.move_to_end(text)
        while len(self.texts) > MAX_TEXTS:
            self.texts.popitem(last=False)


class DiffDocuments:
    def __init__(self, reviews: Reviews, answers: Answers, shapes: Shapes) -> None:
        self._reviews = reviews
        self._answers = answers
        self._shapes = shapes
        self._shown: OrderedDict[str, _Shown] = OrderedDict()

    async def open(self, turn: str, *, at: Hunk | None = None, focus: bool = False) -> str:
        """Opens the turn's document, with the cursor on a hunk, and returns its URI."""
        rendered = self._render(turn)
        shown = self._shown.setdefault(turn, _Shown(f"review/{turn}.diff"))
        self._shown.move_to_end(turn)
        while len(self._shown) > MAX_DOCUMENTS:
            self._shown.popitem(last=False)
        is_changed = bool(shown.uri) and shown.opened != rendered.text
        if is_changed and not is_own(shown.uri):  # an editor shows the text it has of a file, or asks which to show
            shown.n += 1
            shown.name = f"review/{turn}-{shown.n}.diff"
        shown.keep(rendered, self._answers.redact(rendered.text))
        shown.opened = rendered.text
        shown.uri = await self._answers.open(shown.name, rendered.text, focus=focus, line=_line_of(rendered, at))
        if is_changed and is_own(shown.uri):
            await self._answers.replace(shown.name, rendered.text, shown.uri)
        return shown.uri

    async def update(self) -> None:
        """Brings the documents that were opened up to date."""
        for turn, shown in tuple(self._shown.items()):
            rendered = self._render(turn)
            if shown.uri and rendered.text != shown.newest.text:
                shown.keep(rendered, self._answers.redact(rendered.text))
                await self._answers.replace(shown.name, rendered.text, shown.uri)

    def has(self, uri: str) -> bool:
        return self._find(uri) is not None

    def lines_at(self, uri: str, text: str | None, first: int, last: int) -> Found | None:
        """What lines `first` to `last` of the document are of. None where the text the client shows is not known."""
        shown = self._find(uri)
        if shown is None:
            return None
        rendered = shown.newest if text is None else shown.texts.get(text)
        return _found(rendered.rows[first : last + 1]) if rendered else None

    def places(self, uri: str, text: str | None) -> Sequence[tuple[int, str]]:
        """The first line of each hunk in the document, and its id. Empty where the client shows an unknown text."""
        shown = self._find(uri)
        rendered = shown and (shown.newest if text is None else shown.texts.get(text))
        first: dict[str, int] = {}
        for number, row in enumerate(rendered.rows if rendered else ()):
            if row and row.hunk:
                first.setdefault(row.hunk, number)
        return [(number, hunk) for hunk, number in first.items()]

    def _find(self, uri: str) -> _Shown | None:
        if not self._shown:
            return None
        key = _plain(uri)
        return next((shown for shown in self._shown.values() if shown.uri and _plain(shown.uri) == key), None)

    def _render(self, turn: str) -> Rendered:
        hunks = self._reviews.hunks(Choice(turn=turn))
        return render(hunks, self._reviews, self._shapes) if hunks else Rendered(NOTHING, (None,))


def _plain(uri: str) -> str:
    """Clients may write `copydesk:///x` for `copydesk:/x`."""
    scheme, _, rest = normalise(uri).partition(":")
    return f"{scheme}:/{rest.lstrip('/')}"


def render(hunks: Sequence[Hunk], reviews: Reviews, shapes: Shapes) -> Rendered:
    """One file after the other, so that each line's file is known without reading names out of the diff."""
    by_file: dict[str, list[Hunk]] = {}
    for hunk in sorted(hunks, key=lambda hunk: hunk.start_line):
        by_file.setdefault(hunk.uri, []).append(hunk)
    total = f"{counted(len(hunks), 'hunk')} in {counted(len(by_file), 'file')}"
    pieces = [f"# {total}: accept or reject by code action there, or by copydesk.review.accept and .reject.\n"]
    turns = dict.fromkeys(hunk.turn for hunk in hunks)
    checked = [run["text"] for turn in turns for run in shapes.evidence(turn)]
    pieces += [f"# checked: {' '.join(text.split())}\n" for text in checked]
    rows: list[Row | None] = [None] * len(pieces)
    for uri in sorted(by_file, key=shapes.display):
        piece = reviews.diff(by_file[uri])
        pieces.append(piece if piece.endswith("\n") else f"{piece}\n")
        rows += _rows(pieces[-1], uri, by_file[uri])
    return Rendered("".join(pieces), tuple(rows))


def _rows(diff: str, uri: str, hunks: Sequence[Hunk]) -> Iterator[Row]:
    """One for each line of the diff of one file."""
    whole = next((hunk.id for hunk in hunks if is_whole_file(hunk)), "")
    lines = _Lines(uri, hunks)
    in_body = False
    for text in diff.split("\n")[:-1]:
        if header := _HEADER.match(text):
            lines.at = int(header[1]) - (1 if header[2] != "0" else 0)
            in_body = True
        row = lines.row(text) if in_body else Row(uri)
        yield Row(uri, whole) if whole else row


class _Lines:
    """Reads the body of one file's diff. `at`: the line of the text as it is now that comes next.

    A line is of a hunk only when place and text agree: of what is not sure, nothing is offered.
    """

    def __init__(self, uri: str, hunks: Sequence[Hunk]) -> None:
        self.at = 0
        self._uri = uri
        self._going = {line.line: (hunk.id, line) for hunk in hunks for line in hunk.lines if line.before is not None}
        self._coming = [_Coming(hunk, [line for line in hunk.lines if line.after is not None]) for hunk in hunks]

    def row(self, text: str) -> Row:
        content = text[1:].removesuffix("\r")
        match text[:1]:
            case " ":
                self.at += 1
            case "-":
                self.at += 1
                return self._removed(content, self.at - 1)
            case "+":
                return self._added(content)
            case _:
                pass
        return Row(self._uri)

    def _removed(self, content: str, at: int) -> Row:
        hunk, line = self._going.get(at, ("", None))
        return Row(self._uri, hunk, line.number) if line and line.before == content else Row(self._uri)

    def _added(self, content: str) -> Row:
        for coming in self._coming:
            if coming.hunk.start_line <= self.at <= coming.hunk.end_line and (number := coming.take(content)):
                return Row(self._uri, coming.hunk.id, number)
        return Row(self._uri)


@dataclass(slots=True)
class _Coming:
    """The lines a hunk brings; each is used once, in order."""

    hunk: Hunk
    lines: Sequence[LineChange]
    n_used: int = 0

    def take(self, content: str) -> int:
        """The number of the next line with this text; 0 when there is none."""
        for index in range(self.n_used, len(self.lines)):
            if self.lines[index].after == content:
                self.n_used = index + 1
                return self.lines[index].number
        return 0


def _found(rows: Sequence[Row | None]) -> Found:
    numbers: dict[str, frozenset[int]] = {}
    uris: set[str] = set()
    for row in rows:
        if row is not None:
            uris.add(row.uri)
            if row.hunk:
                numbers[row.hunk] = numbers.get(row.hunk, frozenset()) | ({row.number} if row.number else frozenset())
    return Found(uris.pop() if len(uris) == 1 else "", numbers)


def _line_of(rendered: Rendered, hunk: Hunk | None) -> int | None:
    """The first line of a hunk in the document."""
    for number, row in enumerate(rendered.rows if hunk else ()):
        if hunk and row and row.hunk == hunk.id and (row.number or not hunk.lines):
            return number
    return None
