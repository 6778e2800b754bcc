"""What waits for a decision, as clients see it: where a hunk shows, in which words, as which JSON.

Owns the shapes that the review commands, hints, lenses and code actions share, and the port to the service behind
them. It decides nothing and talks to nobody. Start with `Reviews`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from copydesk.domain.errors import CopydeskError
from copydesk.domain.events import FileReview
from copydesk.domain.evidence import Evidence
from copydesk.domain.review import Choice, Decided, Hunk, LineChange, Proposed, Standing
from copydesk.lsp.arguments import Fields
from copydesk.lsp.evidence import evidence_to_json
from copydesk.lsp.proposed_uris import proposed_uri
from copydesk.text.lines import split_lines
from copydesk.text.positions import Encoding, from_codepoints
from copydesk.workspace.uris import normalise

if TYPE_CHECKING:
    from copydesk.text.documents import Document

JsonObject: TypeAlias = dict[str, Any]

MAX_LINE = 60
MAX_READ = 10_000
"""Characters of a hunk in which its first line is looked for."""
EVERYTHING = Choice()
SOURCE, CODE = "copydesk", "pending"
"""Of our hint diagnostics."""


class Reviews(Protocol):
    """What is needed of `services.review.Reviews`."""

    listeners: list[Callable[[frozenset[str]], None]]
    """Called on the loop with the URIs whose hunks may have changed."""

    def hunks(self, choice: Choice = EVERYTHING) -> tuple[Hunk, ...]:
        """As last worked out: instant."""
        ...

    async def refresh(self) -> tuple[Hunk, ...]:
        """Everything, worked out again on the text as it is now."""
        ...

    async def accept(self, choice: Choice) -> Decided:
        """Lands. Raises `CopydeskError` when nothing fits."""
        ...

    async def reject(self, choice: Choice, reason: str = "") -> Decided: ...

    def diff(self, hunks: Sequence[Hunk]) -> str:
        """A unified diff, per file, with context."""
        ...

    def proposed(self, session: str, uri: str) -> Proposed | None:
        """A file with all that waits in it in one session, as last worked out; None where nothing does."""
        ...

    def is_landing(self, session: str, uri: str) -> bool:
        """Whether a part of it is on its way to the editor: what waits in it is known again when it is there."""
        ...


class NoReviews:
    """Where nothing is kept for review."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[frozenset[str]], None]] = []

    def hunks(self, choice: Choice = EVERYTHING) -> tuple[Hunk, ...]:
        del choice
        return ()

    async def refresh(self) -> tuple[Hunk, ...]:
        return ()

    async def accept(self, choice: Choice) -> Decided:
        raise CopydeskError(f"Nothing waits to be decided, so nothing fits {choice}.")

    async def reject(self, choice: Choice, reason: str = "") -> Decided:
        del reason
        return await self.accept(choice)

    def diff(self, hunks: Sequence[Hunk]) -> str:
        del hunks
        return ""

    def proposed(self, session: str, uri: str) -> None:
        del session, uri

    def is_landing(self, session: str, uri: str) -> bool:
        del session, uri
        return False


class Opened(Protocol):
    @property
    def uri(self) -> str: ...
    @property
    def client_uri(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def epoch(self) -> int: ...
    @property
    def typed_s(self) -> float: ...
    @property
    def document(self) -> "Document": ...


class OpenDocuments(Protocol):
    """What is needed of `workspace.overlay.Overlay`."""

    listeners: list[Callable[[str], None]]
    clock: Callable[[], float]
    """What `Opened.typed_s` is told by."""

    def get(self, uri: str, /) -> Opened | None: ...

    def all(self) -> Sequence[Opened]: ...


# --- where a hunk shows ------------------------------------------------------------------------------------


def seen_in(hunk: Hunk) -> str:
    """The document in which a person sees the hunk: for a move, the file that is still at its old place."""
    return hunk.moved_from or hunk.uri


def is_seen_in(hunk: Hunk, uri: str) -> bool:
    """`uri` is canonical."""
    return uri in (hunk.uri, hunk.moved_from)


def hunks_in(hunks: Iterable[Hunk], uri: str) -> tuple[Hunk, ...]:
    """The hunks that a person sees in the document, by any spelling of its URI."""
    key = normalise(uri)
    return tuple(hunk for hunk in hunks if is_seen_in(hunk, key))


def is_whole_file(hunk: Hunk) -> bool:
    return hunk.kind != "change"


def touches(hunk: Hunk, first: int, last: int) -> bool:
    """Whether lines `first` to `last` (both counted in) touch the hunk; an insertion from both its sides."""
    if is_whole_file(hunk):
        return True
    if hunk.start_line == hunk.end_line:
        return first <= hunk.start_line <= last + 1
    return first < hunk.end_line and last >= hunk.start_line


def lines_at(hunk: Hunk, first: int, last: int) -> tuple[LineChange, ...]:
    """The lines of the hunk that lines `first` to `last` touch."""
    if hunk.start_line == hunk.end_line:
        return hunk.lines if touches(hunk, first, last) else ()
    return tuple(change for change in hunk.lines if _line_touches(change, first, last))


def _line_touches(change: LineChange, first: int, last: int) -> bool:
    return first <= change.line <= (last if change.before is not None else last + 1)


def lsp_range(hunk: Hunk, encoding: Encoding, document: "Document | None" = None) -> JsonObject:
    """The lines concerned, without the last one's end; an insertion is an empty range at the start of its line.

    Never beyond the document, where it is known: some clients drop what lies below its last line.
    """
    if hunk.kind == "create":
        return _range(0, 0, 0)
    if is_whole_file(hunk):
        return _range(0, 0, _n_units(split_lines(hunk.before[:MAX_READ])[:1], encoding))
    if document is None:
        return _range_by_itself(hunk, encoding)
    last = document.n_lines - 1
    if hunk.start_line == hunk.end_line:
        return _range(min(hunk.start_line, last), min(hunk.start_line, last), 0)
    end = min(hunk.end_line - 1, last)
    line = document.line(end)
    return _range(min(hunk.start_line, end), end, from_codepoints(line, len(line), encoding))


def _range_by_itself(hunk: Hunk, encoding: Encoding) -> JsonObject:
    """Of a file that is not open: `before` is its lines, but for a hunk that is held back."""
    if hunk.start_line == hunk.end_line or hunk.held:
        return _range(hunk.start_line, hunk.end_line, 0)
    return _range(hunk.start_line, hunk.end_line - 1, _n_units(split_lines(hunk.before), encoding))


def proposed_range(hunk: Hunk, standing: Standing, encoding: Encoding) -> JsonObject:
    """As `lsp_range`, in the proposed text. A hunk that only takes away is an empty range at the start of a line."""
    if standing.start_line == standing.end_line or hunk.held:
        return _range(standing.start_line, standing.end_line, 0)
    return _range(standing.start_line, standing.end_line - 1, _n_units(split_lines(hunk.after), encoding))


def _range(first: int, last: int, end_units: int) -> JsonObject:
    return {"start": {"line": first, "character": 0}, "end": {"line": last, "character": end_units}}


def _n_units(lines: Sequence[str], encoding: Encoding) -> int:
    """Of the last line that is not the empty one after a final line end."""
    last = next((line for line in reversed(lines) if line), "")
    return from_codepoints(last, len(last), encoding)


def is_ours(diagnostic: Fields) -> bool:
    """A hint of our own that the client sends back: it tells of a change that waits, not of a problem."""
    return diagnostic.get("source") == SOURCE and diagnostic.get("code") == CODE


# --- in words ----------------------------------------------------------------------------------------------

_WHOLE = {"create": "new file", "delete": "delete this file", "move": "move this file"}


def counts(hunk: Hunk) -> str:
    """−n +m: how many lines go and come."""
    n_before, n_after = _n_lines(hunk.before), _n_lines(hunk.after)
    parts = [f"−{n_before}" if n_before else "", f"+{n_after}" if n_after else ""]
    return " ".join(part for part in parts if part)


def _n_lines(text: str) -> int:
    """Cheap, for a whole new file may be long: a lone carriage return does not count."""
    return text.count("\n") + (0 if text.endswith("\n") or not text else 1)


def summary(hunk: Hunk) -> str:
    """One short line: what would happen, how much, and the first new line."""
    words = [_WHOLE.get(hunk.kind, ""), counts(hunk)]
    head = " ".join(word for word in words if word)
    first = next((line.strip() for line in split_lines(hunk.after[:MAX_READ]) if line.strip()), "")
    held = "held back by what you typed, " if hunk.held else ""
    return f"{held}{head}: {clipped(first)}" if first else f"{held}{head}"


def line_summary(change: LineChange) -> str:
    text = change.after if change.after is not None else change.before or ""
    sign = "" if change.after is not None else "− "
    return f"{sign}{clipped(text)}" if text.strip() else f"{sign}(a blank line)"


def clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_LINE else line[: MAX_LINE - 1].rstrip() + "…"


def counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


# --- as JSON -----------------------------------------------------------------------------------------------


def nothing_proposed(session: str, uri: str) -> None:
    """For clients that cannot show a file as it is proposed."""
    del session, uri


class Shapes:
    """How hunks are written for one client: its encoding, and URIs as it spells them.

    `proposed` is `Reviews.proposed`, for a client that can show such a document; `evidence` is a turn's.
    """

    def __init__(
        self,
        encoding: Callable[[], Encoding],
        documents: OpenDocuments,
        display: Callable[[str], str],
        proposed: Callable[[str, str], Proposed | None] = nothing_proposed,
        evidence: Callable[[str], Evidence | None] = lambda turn: None,
    ) -> None:
        self._evidence = evidence
        self._encoding = encoding
        self._documents = documents
        self.display = display
        self._proposed = proposed

    def spelled(self, uri: str) -> str:
        opened = self._documents.get(uri)
        return opened.client_uri if opened else uri

    def range(self, hunk: Hunk) -> JsonObject:
        opened = self._documents.get(seen_in(hunk))
        return lsp_range(hunk, self._encoding(), opened.document if opened else None)

    def pending(self, hunks: Iterable[Hunk]) -> list[JsonObject]:
        """`[{session, turn, uri, path, hunks: […]}]`, one entry for each file of each turn, in the order given."""
        groups: dict[tuple[str, str, str], JsonObject] = {}
        for hunk in hunks:
            key = (hunk.session, hunk.turn, hunk.uri)
            if key not in groups:
                groups[key] = {
                    "session": hunk.session,
                    "turn": hunk.turn,
                    "uri": self.spelled(hunk.uri),
                    "path": self.display(hunk.uri),
                    "evidence": self.evidence(hunk.turn),
                    "hunks": [],
                }
            proposed = self._proposed(hunk.session, hunk.uri)
            if proposed:
                groups[key]["proposed"] = proposed_uri(hunk.session, hunk.uri)
            groups[key]["hunks"].append({**self.hunk(hunk), **self._standing(hunk, proposed)})
        return list(groups.values())

    def _standing(self, hunk: Hunk, proposed: Proposed | None) -> JsonObject:
        found = next((each for each in proposed.standing if each.hunk == hunk.id), None) if proposed else None
        return {"proposedRange": proposed_range(hunk, found, self._encoding())} if found else {}

    def hunk(self, hunk: Hunk) -> JsonObject:
        shown: JsonObject = {
            "hunk": hunk.id,
            "kind": hunk.kind,
            "range": self.range(hunk),
            "before": hunk.before,
            "after": hunk.after,
            "lines": [
                {"number": line.number, "line": line.line, "before": line.before, "after": line.after}
                for line in hunk.lines
            ],
            "held": hunk.held,
        }
        return {**shown, "movedFrom": self.spelled(hunk.moved_from)} if hunk.moved_from else shown

    def evidence(self, turn: str) -> list[JsonObject]:
        """The runs that judge a turn's edits; empty where nothing is known."""
        found = self._evidence(turn)
        return evidence_to_json(found)["runs"] if found else []

    def files(self, files: Iterable[FileReview]) -> list[JsonObject]:
        return [file_to_json(file, self.spelled(file.uri)) for file in files]


def file_to_json(file: FileReview, uri: str) -> JsonObject:
    return {"uri": uri, "state": file.state, "hunks": file.n_hunks, "note": file.note, "saved": file.saved}
