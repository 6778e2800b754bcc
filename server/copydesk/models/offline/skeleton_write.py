"""Spells cases as pytest functions: names, calls, assertions, comments.

Owns: the text of one test. Must not know: how a case was found, files, imports. Start at `spell`.
"""

from __future__ import annotations

import ast
import re

from copydesk.models.offline.skeleton_cases import Case, Target
from copydesk.models.offline.skeleton_render import in_words, quoted, snake

UNKNOWN = "# result not known offline: check and replace"
WIDTH = 88

MAX_NAME = 72
_LOOSE_ENDS = frozenset(("when", "is", "not", "of", "in", "and", "or", "with", "a", "the", "for", "to", "length"))


def spell(target: Target, case: Case, name: str, type_check: str) -> str:
    """The source of one test function, ending in a line break."""
    lines: list[str] = []
    call = _call(target, case, lines)
    match case.outcome:
        case "raises":
            lines += [f"with pytest.raises({_raises(case)}):", f"    {call}"]
        case "built":
            lines += _built(case, call)
        case "object":
            lines += [f"result = {call}", f"assert isinstance(result, {case.expected})"]
            lines += [_assert(f"result{path}", text) for path, text in case.checks if path.startswith(".")]
        case "state":
            lines += [call]
        case "unknown":
            lines += _unknown(call, case.expected or type_check)
        case _:
            lines += _equal(call, case.expected)
    if case.outcome not in {"built", "object"}:
        lines += [_check(path, text) for path, text in case.checks]
    body = "".join(f"    {line}\n" for line in lines)
    return f"def {name}() -> None:\n{body}"


def _check(path: str, text: str) -> str:
    return _assert(f"subject{path}" if path.startswith(".") else f"{path}_", text)


def _assert(left: str, right: str) -> str:
    return (
        f"assert {left} is {right}" if right in {"None", "True", "False", "Ellipsis"} else f"assert {left} == {right}"
    )


def _equal(call: str, expected: str) -> list[str]:
    line = _assert(call, expected)
    if len(line) + 4 <= WIDTH:
        return [line]
    return [f"result = {call}", _assert("result", expected)]


def _built(case: Case, call: str) -> list[str]:
    lines = [f"subject = {call}", f"assert isinstance(subject, {case.expected})"]
    checks = [_assert(f"subject{path}", text) for path, text in case.checks]
    return [lines[0], *checks] if checks else lines


def _unknown(call: str, type_check: str) -> list[str]:
    if type_check == "None":
        return [UNKNOWN, f"assert {call} is None"]
    if type_check:
        return [f"result = {call}", UNKNOWN, f"assert isinstance(result, {type_check})"]
    return [UNKNOWN + "; until then this fails only if the call raises", call]


def _raises(case: Case) -> str:
    room = max(WIDTH - len(f"    with pytest.raises({case.expected}, match=re.escape()):") - 4, 16)
    text = (case.message or "").split("\n")[0][:room].rstrip()
    if not text.strip():
        return case.expected
    if re.escape(text).replace("\\ ", " ").replace("\\-", "-") == text:
        return f"{case.expected}, match={quoted(text)}"
    return f"{case.expected}, match=re.escape({quoted(text)})"


def _call(target: Target, case: Case, lines: list[str]) -> str:
    """The call as an expression; lines that have to come before it are added to `lines`."""
    changed = {path for path, _ in case.checks if not path.startswith(".")}
    parts: list[str] = []
    for name, text, keyword in case.inputs:
        shown = tidy(text)
        if name in changed:
            lines.append(f"{name}_ = {shown}")
            shown = f"{name}_"
        parts.append(f"{name}={shown}" if keyword else shown)
    arguments = ", ".join(parts)
    if target.kind == "constructor":
        return f"{case.receiver}({arguments})" if target.node is not None else tidy(case.receiver)
    subject = target.name if target.owner is None else f"{_receiver(case, lines)}.{target.name}"
    call = subject if target.kind == "property" else f"{subject}({arguments})"
    if target.gives_items:
        return f"list(itertools.islice({call}, 20))"
    return f"asyncio.run({call})" if target.is_async else call


def _receiver(case: Case, lines: list[str]) -> str:
    if case.outcome == "object" or not any(path.startswith(".") for path, _ in case.checks):
        return tidy(case.receiver)
    lines.append(f"subject = {tidy(case.receiver)}")
    return "subject"


def tidy(text: str) -> str:
    """An expression with the quotes formatters prefer."""
    out: list[str] = []
    for part in re.split(r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")", text):
        plain = part.startswith("'") and '"' not in part and "\\'" not in part
        out.append(f'"{part[1:-1]}"' if plain else part)
    return "".join(out)


def name_of(target: Target, case: Case, taken: set[str], conditions: dict[int, tuple[ast.expr, ast.stmt]]) -> str:
    """A descriptive name not in `taken`: what is called, what happens, and under which condition."""
    owner = f"{snake(target.owner.name)}_" if target.owner is not None and target.kind != "constructor" else ""
    stem = f"test_{owner}{snake(target.name) or 'it'}"
    when = _when(case, conditions)
    name = f"{stem}_{_what(case)}{'_when_' + when if when else ''}"
    if name in taken:
        inputs = snake("_".join(f"{n}_{t}" for n, t, _ in case.inputs))[:50].strip("_")
        name = f"{stem}_{_what(case)}_with_{inputs}" if inputs else name
    name = _cut(name)
    unique, n = name, 2
    while unique in taken:
        unique, n = f"{name}_{n}", n + 1
    taken.add(unique)
    return unique


def _cut(name: str) -> str:
    """As many whole words as keep the `def` line within 88 columns."""
    if len(name) <= MAX_NAME:
        return name
    kept = name[: MAX_NAME + 1].rpartition("_")[0]
    while (last := kept.rpartition("_"))[2] in _LOOSE_ENDS and last[0].count("_") > 1:
        kept = last[0]
    return kept


def _what(case: Case) -> str:
    match case.outcome:
        case "raises":
            return f"raises_{snake(case.expected)}"
        case "items":
            return "gives_items" if case.expected != "[]" else "gives_nothing"
        case "built":
            return "is_built"
        case "object":
            return f"returns_{snake(case.expected)}"
        case "state":
            return "changes_state"
        case "unknown":
            return "runs"
        case _:
            return _value_words(case)


def _value_words(case: Case) -> str:
    words = {
        "None": "returns_none",
        "True": "is_true",
        "False": "is_false",
        '""': "returns_empty_text",
        "[]": "returns_empty_list",
    }
    if case.expected == "None" and case.checks:
        return "changes_" + snake(case.checks[0][0])
    if case.expected in words:
        return words[case.expected]
    short = snake(case.expected.replace("-", "minus_"))
    return f"returns_{short}" if short and len(short) <= 20 else "returns_expected_value"


def _when(case: Case, conditions: dict[int, tuple[ast.expr, ast.stmt]]) -> str:
    """The last `if` the run decided, or the one that guards the raise."""
    if case.outcome == "raises":
        for line, (test, statement) in sorted(conditions.items(), reverse=True):
            if line <= case.line <= (statement.end_lineno or line):
                taken = case.line < _else_line(statement)
                return in_words(test, taken)
        return ""
    decided = {(line, kind) for line, _, kind in case.branches if kind.startswith("If:")}
    for line in sorted(conditions, reverse=True):
        if (line, "If:True") in decided:
            return in_words(conditions[line][0], True)
    for line in sorted(conditions, reverse=True):
        if (line, "If:False") in decided:
            return in_words(conditions[line][0], False)
    return ""


def _else_line(statement: ast.stmt) -> int:
    orelse = statement.orelse if isinstance(statement, ast.If) else []
    return orelse[0].lineno if orelse else 10**9


def conditions_of(node: ast.AST | None) -> dict[int, tuple[ast.expr, ast.stmt]]:
    """Every `if` statement of a function by its line."""
    if node is None:
        return {}
    return {n.lineno: (n.test, n) for n in ast.walk(node) if isinstance(n, ast.If)}
