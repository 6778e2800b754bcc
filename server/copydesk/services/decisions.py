"""The parts of a decision: which hunks it is about, and how it is told. Pure; `services.review` does the landing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from copydesk.domain.errors import CopydeskError
from copydesk.domain.frozen import frozen
from copydesk.domain.review import Choice, Hunk
from copydesk.workspace.hunks import Cut

MAX_NAMED = 12


@frozen
class Picked:
    """Hunks of one session's file that a decision is about, with the line numbers chosen of each (none: all)."""

    cut: Cut
    hunks: tuple[Hunk, ...]
    numbers: tuple[int, ...] = ()

    @property
    def uri(self) -> str:
        return self.cut.file.uri

    @property
    def wanted(self) -> list[tuple[str, tuple[int, ...]]]:
        return [(hunk.id, self.numbers) for hunk in self.hunks]

    def takes_all(self, hunk: Hunk) -> bool:
        return not self.numbers or len(self.numbers) == len(hunk.lines)


def picked(cuts: Mapping[tuple[str, str], Cut], choice: Choice) -> list[Picked]:
    """What the choice names, file by file. Raises `CopydeskError` where it names nothing that waits."""
    found: list[Picked] = []
    for cut in cuts.values():
        if hunks := tuple(hunk for hunk in cut.hunks if choice.fits(hunk)):
            found.append(Picked(cut, hunks, choice.lines))
    if not found:
        raise CopydeskError(_nothing(choice), advice="copydesk.review.show lists what waits for a decision.")
    if choice.lines:
        _check_lines(found, choice)
    return found


def _nothing(choice: Choice) -> str:
    named = ", ".join(
        f"{name} {value!r}"
        for name, value in (("turn", choice.turn), ("file", choice.uri), ("hunk", choice.hunk))
        if value
    )
    return f"No edit waits for a decision{f' with {named}' if named else ''}; it may have been decided already."


def _check_lines(found: Sequence[Picked], choice: Choice) -> None:
    if not choice.hunk:
        raise CopydeskError("Lines are numbers within one hunk.", advice="Name the hunk too.")
    known = {change.number for change in found[0].hunks[0].lines}
    wrong = [number for number in choice.lines if number not in known]
    if wrong:
        has = f"lines 1 to {len(known)}" if known else "no lines that can be chosen: it is decided as a whole"
        raise CopydeskError(f"Hunk {choice.hunk!r} has no line {wrong[0]}; it has {has}.")


def placeable(items: Sequence[Picked]) -> list[Picked]:
    """Those that can land. Raises `CopydeskError` when none can: typing has met all of them."""
    found = [replace(item, hunks=tuple(hunk for hunk in item.hunks if not hunk.held)) for item in items]
    left = [item for item in found if item.hunks]
    if not left:
        raise CopydeskError(
            "Newer typing conflicts with this edit, so it cannot be applied as it is.",
            advice="Change the text by hand or ask again; copydesk.review.show shows what was proposed.",
        )
    return left


# --- what is told ------------------------------------------------------------------------------------------


def lines_of(hunk: Hunk) -> str:
    """`line 3`, `lines 3–5`, `before line 3`; 1-based, in the text without the proposals."""
    if hunk.kind == "create":
        return "a new file"
    if hunk.kind in ("delete", "move"):
        return "deleted" if hunk.kind == "delete" else "moved"
    if hunk.start_line == hunk.end_line:
        return f"before line {hunk.start_line + 1}"
    if hunk.end_line - hunk.start_line == 1:
        return f"line {hunk.start_line + 1}"
    return f"lines {hunk.start_line + 1}–{hunk.end_line}"


def named(path: str, hunks: Iterable[Hunk]) -> str:
    places = [lines_of(hunk) for hunk in hunks]
    more = f" and {len(places) - MAX_NAMED} more" if len(places) > MAX_NAMED else ""
    return f"{path} ({', '.join(places[:MAX_NAMED])}{more})"


def news(decision: str, path: str, item: Picked, reason: str = "") -> str:
    """One line for the model: what the person decided about its edit."""
    part = f", {len(item.numbers)} of its lines" if item.numbers else ""
    why = f" The reason given: {reason.strip()}" if reason.strip() else ""
    return f"- {decision} by the person: your edit of {named(path, item.hunks)}{part}.{why}"
