"""Where a line comes from, in a few words for a hover: the turn, what was asked, the model, when, the evidence.

Owns the words only; which turn it was is `services.attribution`'s.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol, TypeAlias

from copydesk.domain.evidence import Evidence
from copydesk.domain.review import Choice, Hunk
from copydesk.services.attribution import LineNote
from copydesk.services.explain import HoverText
from copydesk.services.verifying.words import entries, line_of

MAX_TITLE = 120

Judged: TypeAlias = Callable[[str], Evidence | None]
"""A turn's evidence."""


class Waiting(Protocol):
    """What is needed of `services.review.Reviews`."""

    def hunks(self, choice: Choice) -> tuple[Hunk, ...]: ...


def with_provenance(found: HoverText | None, note: LineNote | None) -> HoverText | None:
    """The hover with its last section: where the line comes from, where a turn wrote it."""
    if note is None:
        return found
    said = provenance(note)
    if found is None:
        return HoverText(said)
    return replace(found, facts=f"{found.facts.rstrip()}\n\n---\n\n{said}" if found.facts.strip() else said)


def with_pending(found: HoverText | None, uri: str, line: int, reviews: Waiting, evidence: Judged) -> HoverText | None:
    """The hover with what waits for a decision at this line, and what checked it."""
    at = (
        each
        for each in reviews.hunks(Choice(uri=uri))
        if each.start_line <= line <= max(each.start_line, each.end_line - 1)
    )
    for turn in dict.fromkeys(hunk.turn for hunk in at):
        known = evidence(turn)
        checked = f"  \nChecked: {_checked(map(line_of, entries(known)))}" if known else ""
        said = f"**Waits for your decision** · turn `{turn}`{checked}"
        found = (
            replace(found, facts=f"{found.facts.rstrip()}\n\n---\n\n{said}".lstrip("\n-")) if found else HoverText(said)
        )
    return found


def _checked(lines: Iterable[str]) -> str:
    return "; ".join(line.replace("`", "'") for line in lines)


def provenance(note: LineNote) -> str:
    """Markdown, two or three short lines. What a person or model wrote is shown as code: it is no markup of ours."""
    title = " ".join(note.title.replace("`", "'").split())
    asked = f": `{title[:MAX_TITLE]}{'…' if len(title) > MAX_TITLE else ''}`" if title else ""
    by = f"{_model(note.model)}, {_when(note.at)}".strip(", ")
    lines = [f"**Written by Copydesk**{asked}", f"{by} · turn `{note.turn}`" if by else f"turn `{note.turn}`"]
    if note.evidence:
        lines.append("Checked: " + _checked(note.evidence))
    return "  \n".join(lines)


def _model(name: str) -> str:
    return f"`{name.replace('`', '')}`" if name else ""


def _when(at: str) -> str:
    """To the minute: 2026-01-31 09:05 UTC."""
    return f"{at[:10]} {at[11:16]} UTC" if len(at) >= 16 else at
