"""Where the hunks of a patch go in one file: on the same ladder as any quoted text, in their order, each in one place.

Anchors narrow the choice, then the order of the hunks. Line numbers are believed only where they add up: counts and
offsets are right and exactly one of the places left is the one they name. Start with `place_hunks`.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from copydesk.text.chains import in_order
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply, normalised
from copydesk.text.endings import plain, restored
from copydesk.text.matching import Keep, runs_of
from copydesk.text.nearest import Near, nearest
from copydesk.text.patches import Hunk
from copydesk.text.quoting import BadQuote, elided, refuse_listing
from copydesk.text.rungs import Lines, Run, Rung, Searched
from copydesk.text.scopes import Scope, leaves_block, scopes

ProblemKind: TypeAlias = Literal["missing", "ambiguous", "anchor", "order", "no_context", "quote"]


class HunkProblem(NamedTuple):
    """Why a hunk has no one place. `hunk` counts from 1; `lines` are its 0-based places, `words` a detail."""

    hunk: int
    line: int
    kind: ProblemKind
    near: Near | None = None
    lines: tuple[int, ...] = ()
    words: str = ""


class Misplaced(ValueError):
    """Some hunks have no place, or more than one; every one of them is in `problems`."""

    def __init__(self, problems: Sequence[HunkProblem]) -> None:
        super().__init__(f"{len(problems)} hunks cannot be placed")
        self.problems = tuple(problems)


class Placed(NamedTuple):
    """`edits` on the text as it is; the rung of each hunk, in order."""

    edits: tuple[Edit, ...]
    rungs: tuple[Rung, ...]


class _Option(NamedTuple):
    """One place for a piece: `begin` to `stop` are the lines that change, `run` all that were found."""

    begin: int
    stop: int
    run: Run
    new: tuple[str, ...]


class _Piece(NamedTuple):
    """A hunk, or a stretch of one that leaves lines out."""

    number: int
    hunk: Hunk
    rung: Rung
    options: tuple[_Option, ...]
    is_whole: bool = True

    @property
    def changes(self) -> bool:
        return any(option.begin < option.stop or option.new for option in self.options)


def place_hunks(text: str, hunks: Sequence[Hunk]) -> Placed:
    """The edits that all the hunks make. Raises `Misplaced` that names every hunk with a problem."""
    source = Searched(plain(text))
    pieces: list[_Piece] = []
    problems: list[HunkProblem] = []
    for number, hunk in enumerate(hunks, 1):
        try:
            refuse_listing(Lines(hunk.old, hunk.new))
            pieces += _pieces(source, number, hunk)
        except BadQuote as error:
            problems.append(HunkProblem(number, hunk.line, "quote", words=str(error)))
        except Misplaced as error:
            problems += error.problems
    chosen = _chosen(source, pieces, problems)
    if problems:
        raise Misplaced(sorted(problems))
    edits = _edits(source, chosen, hunks)
    rungs: dict[int, Rung] = {piece.number: piece.rung for piece in pieces}
    return Placed(restored(text, edits), tuple(rungs[number] for number in sorted(rungs)))


# --- where each may stand --------------------------------------------------------------------------------


def _pieces(source: Searched, number: int, hunk: Hunk) -> list[_Piece]:
    allowed = scopes(source.lines, hunk.anchors)
    if isinstance(allowed, str):
        near = nearest(source, [allowed])
        raise Misplaced([HunkProblem(number, hunk.line, "anchor", near, words=allowed)])
    if not hunk.old:
        return [_Piece(number, hunk, "exact", tuple(_insertions(source, number, hunk, allowed)))]
    rung, options = _options(source, Lines(hunk.old, hunk.new), hunk, allowed)
    if options:
        return [_Piece(number, hunk, rung, options)]
    parts, reason = _parts(hunk)
    pieces = [
        _Piece(number, hunk, "elided", _options(source, part, hunk, () if at else allowed)[1], is_whole=False)
        for at, part in enumerate(parts)
    ]
    if not pieces or not all(piece.options for piece in pieces):
        raise Misplaced([HunkProblem(number, hunk.line, "missing", nearest(source, hunk.old), words=reason)])
    return pieces


def _parts(hunk: Hunk) -> tuple[Sequence[Lines], str]:
    """The stretches of a hunk that leaves lines out; or why it cannot be told what it leaves out."""
    try:
        return elided(Lines(hunk.old, hunk.new)) or (), ""
    except BadQuote as error:
        return (), str(error)


def _options(source: Searched, lines: Lines, hunk: Hunk, allowed: Sequence[Scope]) -> tuple[Rung, tuple[_Option, ...]]:
    """The places on the first rung that has any where the hunk says it stands; failing that, wherever it may."""
    for keep in _keeps(source, hunk, allowed if hunk.anchors else ()):
        rung, runs = runs_of(source, lines, keep)
        if runs:
            return rung, tuple(_option(source, run) for run in runs)
    return "exact", ()


def _keeps(source: Searched, hunk: Hunk, allowed: Sequence[Scope]) -> Iterator[Keep]:
    if hunk.at_end:
        yield lambda runs: [run for run in runs if _is_at_end(source, run)]
    if not allowed:
        yield list
        return
    first = min(scope.first for scope in allowed)
    yield lambda runs: [run for run in runs if any(scope.first <= run.first < scope.stop for scope in allowed)]
    yield lambda runs: [run for run in runs if run.first >= first]


def _is_at_end(source: Searched, run: Run) -> bool:
    return not any(line.strip() for line in source.lines[run.first + run.n_lines :])


def _option(source: Searched, run: Run) -> _Option:
    """Without the lines at both ends that stay: hunks may share their context."""
    found = source.lines[run.first : run.first + run.n_lines]
    limit = min(len(found), len(run.new))
    head = next((at for at in range(limit) if found[at] != run.new[at]), limit)
    limit -= head
    tail = next((at for at in range(limit) if found[-1 - at] != run.new[-1 - at]), limit)
    new = run.new[head : len(run.new) - tail]
    return _Option(run.first + head, run.first + run.n_lines - tail, run, new)


def _insertions(source: Searched, number: int, hunk: Hunk, allowed: Sequence[Scope]) -> Iterator[_Option]:
    """Lines with nothing around them: after their anchor, else at the end of the file, where the format puts them."""
    n_lines = len(source.lines)
    if hunk.anchors:
        places = [scope.first + 1 for scope in allowed]
    elif hunk.claim and n_lines and (hunk.claim.n_old or hunk.claim.old_line != n_lines):
        raise Misplaced([HunkProblem(number, hunk.line, "no_context")])
    else:
        places = [n_lines]
    yield from (_Option(at, at, Run(at, 0, hunk.new), hunk.new) for at in places)


# --- the one place ---------------------------------------------------------------------------------------


def _chosen(source: Searched, pieces: Sequence[_Piece], problems: list[HunkProblem]) -> list[_Option]:
    """The place of each piece that changes something. Adds what cannot be decided to the problems."""
    options = in_order([piece.options for piece in pieces])
    if pieces and not options[0]:
        return _out_of_order(pieces, problems)
    options = in_order([_believed(at, pieces, options) for at in range(len(pieces))])
    if pieces and not options[0]:
        return _out_of_order(pieces, problems)
    chosen: list[_Option] = []
    for at, (piece, left) in enumerate(zip(pieces, options, strict=True)):
        if not piece.changes:
            continue
        if at and pieces[at - 1].number == piece.number and _is_elsewhere(source, options[at - 1], left):
            near = nearest(source, piece.hunk.old)
            problems.append(HunkProblem(piece.number, piece.hunk.line, "missing", near))
        if len(left) > 1:
            lines = tuple(option.run.first for option in left)
            problems.append(HunkProblem(piece.number, piece.hunk.line, "ambiguous", lines=lines))
        chosen += left[:1]
    return chosen


def _is_elsewhere(source: Searched, before: Sequence[_Option], left: Sequence[_Option]) -> bool:
    """Whether a stretch stands in another block than the one that its hunk began in."""
    ends = [(one.run.first, one.run.first + one.run.n_lines) for one in before]
    return all(leaves_block(source.lines, *end, option.run.first) for end in ends for option in left)


def _out_of_order(pieces: Sequence[_Piece], problems: list[HunkProblem]) -> list[_Option]:
    """Hunks in another order than their places are clear all the same where each has only one, apart from the rest."""
    chosen = sorted(option for piece in pieces if piece.changes for option in piece.options)
    n_changing = sum(piece.changes for piece in pieces)
    are_whole = all(piece.is_whole for piece in pieces)
    if are_whole and len(chosen) == n_changing and all(a.stop <= b.begin for a, b in pairwise(chosen)):
        return chosen
    named = {problem.hunk for problem in problems}
    for piece in pieces:
        if piece.number not in named and piece.changes:
            lines = tuple(option.run.first for option in piece.options)
            problems.append(HunkProblem(piece.number, piece.hunk.line, "order", lines=lines))
            named.add(piece.number)
    return []


def _believed(at: int, pieces: Sequence[_Piece], options: Sequence[Sequence[_Option]]) -> list[_Option]:
    """The options of one piece: only the one that its line number names, where the numbers add up."""
    piece, left = pieces[at], list(options[at])
    claim = piece.hunk.claim
    if len(left) < 2 or claim is None or not piece.is_whole or not _adds_up(at, pieces):
        return left
    shifts = _shifts(pieces, options)
    if len(shifts) > 1:
        return left
    wanted = claim.old_line - 1 + next(iter(shifts), 0)
    return [option for option in left if option.run.first == wanted] or left


def _adds_up(at: int, pieces: Sequence[_Piece]) -> bool:
    """Whether headers up to this hunk count their lines rightly, and new lines follow from what went before."""
    delta = 0
    for piece in pieces[: at + 1]:
        claim, hunk = piece.hunk.claim, piece.hunk
        if claim is None or (claim.n_old, claim.n_new) != (len(hunk.old), len(hunk.new)):
            return False
        if claim.new_line - claim.old_line != delta:
            return False
        delta += claim.n_new - claim.n_old
    return True


def _shifts(pieces: Sequence[_Piece], options: Sequence[Sequence[_Option]]) -> set[int]:
    """By how much the hunks with only one place stand elsewhere than they claim."""
    sure = [(piece.hunk.claim, left[0]) for piece, left in zip(pieces, options, strict=True) if len(left) == 1]
    return {option.run.first - (claim.old_line - 1) for claim, option in sure if claim and option.run.n_lines}


# --- the edits -------------------------------------------------------------------------------------------


def _edits(source: Searched, chosen: Sequence[_Option], hunks: Sequence[Hunk]) -> tuple[Edit, ...]:
    """All pieces at once, on the text with a last break; whether it stays is what the file, or the patch, says."""
    padded = source.text if source.has_last_end or not source.text else f"{source.text}\n"
    edits = normalised(edit for option in sorted(chosen) for edit in _option_edits(source, padded, option))
    after = apply(padded, edits)
    says = next((hunk.last_end for hunk in reversed(hunks) if hunk.last_end is not None), None)
    ends = (source.has_last_end or not source.text) if says is None else says
    wanted = after if ends or not after.endswith("\n") else after[:-1]
    fits = all(edit.end <= len(source.text) for edit in edits)
    return edits if fits and apply(source.text, edits) == wanted else diff(source.text, wanted)


def _option_edits(source: Searched, padded: str, option: _Option) -> Iterator[Edit]:
    start, end = (source.starts[at] if at < len(source.lines) else len(padded) for at in (option.begin, option.stop))
    new = "".join(f"{line}\n" for line in option.new)
    return (Edit(start + a, start + b, text) for a, b, text in diff(padded[start:end], new))
