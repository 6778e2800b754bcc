"""Writes a pytest file for Python source, from its text alone: nothing of the source is imported or run.

Owns: which targets get tests, which only a note, and the file as a whole. Inputs and results come from a bounded
evaluator (`skeleton_machine`); what may reach outside (`skeleton_effects`) is never called.
Start at `write_tests`.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from copydesk.models.offline.skeleton_cases import Case, Found, Target, find_cases, targets_of
from copydesk.models.offline.skeleton_effects import hazards, import_hazards
from copydesk.models.offline.skeleton_imports import header, merge, needed
from copydesk.models.offline.skeleton_machine import check_decorators
from copydesk.models.offline.skeleton_objects import Unsupported
from copydesk.models.offline.skeleton_source import Module, read_module
from copydesk.models.offline.skeleton_types import is_unlikely_to_raise, type_check
from copydesk.models.offline.skeleton_write import conditions_of, name_of, spell


@dataclass(frozen=True, slots=True)
class SkeletonResult:
    """`text`: the whole test file ('' when there is nothing to test); `names`: the tests that are new in it;
    `notes`: what was left out or must be known, each a sentence."""

    text: str
    names: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Draft:
    tests: list[str]
    names: list[str]
    notes: list[str]
    comments: list[tuple[str, str]]
    taken: set[str]


def write_tests(
    source: str, path: str, qualname: str | None, module: str, existing: str | None = None
) -> SkeletonResult:
    """Tests for `qualname` (`f`, `C` or `C.method`; None: everything public) of the module imported as `module`.

    `existing` is a test file to extend: its text is kept, only imports and missing tests are added. `path` is only
    used in notes. Never raises for bad source: a note says what is wrong.
    """
    try:
        picture = read_module(source)
        had = _test_names(existing)
    except (SyntaxError, ValueError, RecursionError) as error:
        return SkeletonResult(existing or "", (), (f"{path}: cannot be read as Python: {error}",))
    unsafe, at_import = import_hazards(picture)
    if unsafe:
        return SkeletonResult(
            existing or "", (), (f"Importing {module} is not safe: it {'; '.join(unsafe)}. No test calls it.",)
        )
    draft = _Draft([], [], [f"Importing {module} {note}." for note in at_import], [], set())
    targets = targets_of(picture, qualname)
    if not targets:
        draft.notes.append(f"{qualname or path!r}: no public function or class found in {path}.")
    for target in targets:
        _draft(picture, target, draft)
    return _assemble(picture, module, draft, existing, had)


def _test_names(existing: str | None) -> set[str]:
    tree = ast.parse(existing or "")
    return {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}


def _draft(module: Module, target: Target, draft: _Draft) -> None:
    label = (
        f"{target.owner.name}.{target.name}"
        if target.owner is not None and target.kind != "constructor"
        else target.name
    )
    reason = _refusal(module, target)
    if reason:
        _leave_out(draft, label, reason)
        return
    found = find_cases(module, target)
    cases = found.cases or list(_guess(module, target, found))
    conditions = conditions_of(target.node)
    for case in cases:
        name = name_of(target, case, draft.taken, conditions)
        draft.names.append(name)
        draft.tests.append(spell(target, case, name, type_check(module, target.node)))
    if not cases and not (target.kind == "constructor" and target.node is None):
        why = found.gave_up or (
            f"every input tried ends in {found.accident}" if found.accident else "no inputs of the right type are known"
        )
        _leave_out(draft, label, f"no input is known to work ({why})")
    _report_raises(target, label, cases, draft)


def _leave_out(draft: _Draft, label: str, reason: str) -> None:
    draft.notes.append(f"{label} is not called: {reason}.")
    draft.comments.append((label, reason))


def _refusal(module: Module, target: Target) -> str:
    top = target.owner.name if target.owner is not None else target.name
    if top in module.unsure:
        return f"{top} is bound in more than one way"
    if top.lower().startswith("test") or top in {"pytest", "asyncio", "itertools", "re", "result", "subject"}:
        return "its name would be taken for something else in a test file"
    if target.node is None:
        return ""
    reasons = hazards(module, target.node, target.owner)
    if reasons:
        return "; ".join(sorted(reasons)[:3])
    try:
        check_decorators(target.node)
    except Unsupported as unknown:
        return str(unknown)
    return ""


def _guess(module: Module, target: Target, found: Found) -> Iterator[Case]:
    """One call whose result is not known, if nothing in the code makes an exception likely."""
    if (
        found.first_try is not None
        and target.node is not None
        and is_unlikely_to_raise(module, target.node, target.owner)
    ):
        yield found.first_try


def _report_raises(target: Target, label: str, cases: list[Case], draft: _Draft) -> None:
    if target.node is None or not cases:
        return
    lines = {n.lineno for n in ast.walk(target.node) if isinstance(n, ast.Raise)}
    missed = sorted(lines - {case.line for case in cases if case.outcome == "raises"})
    if missed:
        draft.notes.append(f"{label}: no input found for the raise at line {', '.join(map(str, missed))}.")


def _assemble(module: Module, dotted: str, draft: _Draft, existing: str | None, had: set[str]) -> SkeletonResult:
    new = [(name, test) for name, test in zip(draft.names, draft.tests, strict=True) if name not in had]
    comments = _comments([pair for pair in draft.comments if not _is_told(pair[0], existing)])
    if not new and (existing or not comments):
        return SkeletonResult(existing or "", (), tuple(draft.notes))
    body = "\n\n".join(test for _, test in new)
    rows = needed(module, dotted, body)
    names = tuple(name for name, _ in new)
    if not existing:
        parts = [header(rows), "\n".join(comments), body.rstrip("\n")]
        joined = _join(parts)
        return SkeletonResult(joined, names, tuple(draft.notes))
    end = "\r\n" if "\r\n" in existing else "\n"
    merged = merge(existing, rows)
    tail = "" if merged.endswith(("\n", "\r")) else end
    added = ("\n".join(comments) + "\n\n\n" if comments else "") + body
    return SkeletonResult(merged + tail + end * 2 + added.replace("\n", end), names, tuple(draft.notes))


def _is_told(label: str, existing: str | None) -> bool:
    told = "\n".join(line for line in (existing or "").splitlines() if line.startswith("#"))
    return re.search(rf"(?<![\w.]){re.escape(label)}(?![\w.]*\w)", told) is not None


def _comments(left_out: list[tuple[str, str]]) -> list[str]:
    """What is not called and why, one comment for each reason."""
    by_reason: dict[str, list[str]] = {}
    for label, reason in left_out:
        by_reason.setdefault(reason, []).append(label)
    rows: list[str] = []
    for reason, labels in by_reason.items():
        verb = "is" if len(labels) == 1 else "are"
        said = f"{', '.join(labels)} {verb} not called here: {reason}."
        rows += textwrap.wrap(said, 88, initial_indent="# ", subsequent_indent="#   ", break_long_words=False)
    return rows


def _join(parts: list[str]) -> str:
    head, comments, body = parts
    top = "\n\n".join(part for part in (head, comments) if part)
    return "\n\n\n".join(part for part in (top, body) if part) + "\n"
