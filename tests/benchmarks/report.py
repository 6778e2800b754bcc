"""Tables: medians, ranges, ratios to the peers of the same run, targets. Knows nothing of what is measured.

A measurement returns `Table`s; `render` makes Markdown of one.
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

US = "copydesk"


@dataclass(frozen=True, slots=True)
class Column:
    """One figure. `target` is the most it may be, in `unit`; with `peer`, the most it may be as a multiple of the peer's."""

    key: str
    unit: str = "ms"
    target: float | None = None
    peer: str = ""


@dataclass(slots=True)
class Table:
    """`rows[subject][column]` are the samples, one a run. `skipped` says why a subject has none."""

    title: str
    columns: Sequence[Column]
    rows: dict[str, dict[str, list[float]]] = field(default_factory=dict[str, dict[str, list[float]]])
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    notes: list[str] = field(default_factory=list[str])
    failed: bool = False

    def add(self, subject: str, **samples: float | None) -> None:
        row = self.rows.setdefault(subject, {})
        for key, sample in samples.items():
            if sample is not None:
                row.setdefault(key, []).append(sample)

    def skip(self, subject: str, reason: str, *, failed: bool = False) -> None:
        """`failed`: it was there to be measured, and could not be."""
        self.skipped[subject] = reason
        self.failed = self.failed or failed


def percentile(samples: Sequence[float], part: float) -> float:
    """The nearest-rank percentile; `part` of 0.95 is the p95."""
    ranked = sorted(samples)
    return ranked[max(0, math.ceil(len(ranked) * part) - 1)]


def number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def render(table: Table) -> str:
    return "\n".join(_lines(table)) + "\n"


def _lines(table: Table) -> Iterator[str]:
    yield f"### {table.title}\n"
    yield _row("", [f"{column.key} ({column.unit})" for column in table.columns])
    yield _row("---", ["---:" for _ in table.columns])
    for subject, row in table.rows.items():
        name = f"**{subject}**" if subject == US else subject
        yield _row(name, [_cell(row.get(column.key)) for column in table.columns])
    for subject in table.rows:
        if subject != US and US in table.rows:
            yield _row(f"{US} ÷ {subject}", [_ratio(table, column, subject) for column in table.columns])
    if any(column.target for column in table.columns):
        yield _row("target", [_target(column) for column in table.columns])
        yield _row("so", [_verdict(table, column) for column in table.columns])
    yield ""
    for subject, reason in table.skipped.items():
        yield f"- {subject}: not measured: {reason}"
    for note in table.notes:
        yield f"- {note}"


def _row(head: str, cells: Sequence[str]) -> str:
    return "| " + " | ".join([head, *cells]) + " |"


def _cell(samples: list[float] | None) -> str:
    if not samples:
        return "–"
    middle = number(statistics.median(samples))
    return middle if len(samples) == 1 else f"{middle} ({number(min(samples))}–{number(max(samples))})"


def _median(table: Table, subject: str, column: Column) -> float | None:
    samples = table.rows.get(subject, {}).get(column.key)
    return statistics.median(samples) if samples else None


def ratio(table: Table, column: Column, peer: str) -> float | None:
    ours, theirs = _median(table, US, column), _median(table, peer, column)
    return ours / theirs if ours is not None and theirs else None


def _ratio(table: Table, column: Column, peer: str) -> str:
    found = ratio(table, column, peer)
    return "–" if found is None else f"{found:.2f} ×"


def _target(column: Column) -> str:
    if column.target is None:
        return ""
    return f"≤ {column.target:g} × {column.peer}" if column.peer else f"≤ {column.target:g}"


def _verdict(table: Table, column: Column) -> str:
    if column.target is None:
        return ""
    value = ratio(table, column, column.peer) if column.peer else _median(table, US, column)
    if value is None:
        return "not known"
    return "met" if value <= column.target else "**missed**"
