"""The job that fixes: syntax first, then names and imports, then what ruff fixes; and what remains is said.

Start with `fix`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from copydesk.models.offline.editing import LineEdit, apply_edits, line_changes, make_edits
from copydesk.models.offline.fix_imports import import_edit
from copydesk.models.offline.fix_names import known_import, near_match
from copydesk.models.offline.fix_syntax import repair
from copydesk.models.offline.fix_troubles import Trouble, trouble_of, trouble_of_problem
from copydesk.models.offline.fix_unused import name_in, without_import
from copydesk.models.offline.intents import Request
from copydesk.models.offline.outcomes import Outcome, listed
from copydesk.models.offline.planning import Call, Plan
from copydesk.models.offline.pycode import Module, NotPython, parse
from copydesk.models.offline.reading import Failure, findings, one_line, places, read_whole
from copydesk.models.offline.targets import Target, find_target
from copydesk.models.offline.testing import module_path


@dataclass(slots=True)
class _Report:
    """What was done and what was not, as it is collected."""

    done: list[str] = field(default_factory=list[str])
    not_done: list[str] = field(default_factory=list[str])


def fix(request: Request) -> Plan[Outcome]:
    """Fixes what can be fixed with certainty."""
    target = yield from find_target(replace(request, words=()) if request.task.path or request.paths else request)
    if isinstance(target, Failure):
        return Outcome(target.why)
    if isinstance(target.module, NotPython) and target.module.line < 0:
        return Outcome(f"The offline model fixes only Python; `{target.path}` needs a language model.")
    report = _Report()
    if isinstance(target.module, NotPython):
        target = yield from _syntax(target, target.module, report)
    module = target.module
    if not isinstance(module, Module):
        return _outcome(target, report, None, [])
    before, why = yield from _diagnose(target.path)
    troubles = _asked(target, request, before)
    repaired = bool(report.done)
    done = yield from _names(target, request, module, troubles, report)
    if not repaired:  # a file that has just become whole again is not tidied in the same breath
        yield from _rules(target, request, [item for item in troubles if item not in done], report)
    left = yield from _left(target, request, troubles, report)
    if why and not troubles and not report.done:
        return Outcome(f"`{target.path}` could not be checked: {why}")
    return _outcome(target, report, troubles, left)


# --- what to fix -----------------------------------------------------------------------------------------


def _diagnose(path: str) -> Plan[tuple[list[Trouble], str]]:
    (result,) = yield (Call("diagnostics", {"path": path}),)
    if result.is_error:
        return [], one_line(result.content)
    return [trouble_of(finding) for finding in findings(result.content)], ""


def _asked(target: Target, request: Request, found: list[Trouble]) -> list[Trouble]:
    """The problems that are handed over; without any those of the range or the names, else the file's."""
    task = request.task
    given = [trouble_of_problem(p) for p in task.problems if not p.uri or not task.uri or p.uri == task.uri]
    if given:
        return _fuller(given, found)
    if "import" in request.text.lower() and (task.range is None or task.range.is_empty):
        return _only_imports(request, found)
    if target.named:
        spans = [(item.first, item.last) for item in target.chosen]
    elif target.partial:
        spans = [(target.first, target.last)]
    else:
        return found
    inside = [item for item in found if any(first <= item.line <= last for first, last in spans)]
    cursor = task.range is not None and task.range.is_empty
    return inside or (found if cursor and not request.lines and not target.named else [])


def _fuller(given: list[Trouble], found: list[Trouble]) -> list[Trouble]:
    """What the client sent, sorted by our own finding on the same line where its words say nothing to us."""
    fuller: list[Trouble] = []
    for item in given:
        same = [other for other in found if other.line == item.line and other.kind in ("undefined", "ruff")]
        fuller.append(
            same[0] if item.kind == "other" and len(same) == 1 and same[0].message[:20] in item.message else item
        )
    return list(dict.fromkeys(fuller))


def _only_imports(request: Request, found: list[Trouble]) -> list[Trouble]:
    text = request.text.lower()
    if "unused" in text:
        return [item for item in found if item.rule == "F401"]
    if "missing" in text:
        return [item for item in found if item.kind == "undefined"]
    return [item for item in found if item.kind == "undefined" or item.rule in ("F401", "I001", "F811", "E401", "E402")]


# --- syntax ----------------------------------------------------------------------------------------------


def _syntax(target: Target, problem: NotPython, report: _Report) -> Plan[Target]:
    repaired = repair(target.source.lines)
    if repaired is None:
        report.not_done.append(f"line {problem.line + 1}: {problem.message} (no repair is certain)")
        return target
    edits, steps = repaired
    why = yield from make_edits(target.path, target.source.lines, edits)
    if why:
        report.not_done.append(f"line {problem.line + 1}: {problem.message} ({why})")
        return target
    report.done += [f"line {step.line + 1}: {step.what}" for step in steps]
    source = yield from read_whole(target.path)
    if isinstance(source, Failure):
        source = replace(target.source, lines=tuple(apply_edits(target.source.lines, edits)))
    return replace(target, source=source, module=parse(source.lines))


# --- names and imports -----------------------------------------------------------------------------------


def _names(
    target: Target, request: Request, module: Module, troubles: list[Trouble], report: _Report
) -> Plan[list[Trouble]]:
    """Edits of our own: undefined names, and single unused imports; gives the troubles that are over."""
    wanted = [item for item in troubles if item.kind == "undefined"]
    names = list(dict.fromkeys(item.name for item in wanted))
    imports = {name: found for name in names if (found := known_import(module, name))}
    unknown = [name for name in names if name not in imports]
    imports |= yield from _project_imports(target, unknown)
    edits, done = _name_edits(module, wanted, imports, report)
    over: list[Trouble] = []
    for item, edit in _unused_edits(target, request, module, troubles):
        if not any(edit.start < other.end and other.start < edit.end for other in edits):
            edits.append(edit)
            over.append(item)
            done.append(f"line {item.line + 1}: removed the unused import `{name_in(item.message)}`")
    if not edits:
        return []
    if isinstance(parse(apply_edits(module.lines, edits)), NotPython):
        report.not_done += [f"{item} (it would not parse)" for item in done]
        return []
    why = yield from make_edits(target.path, module.lines, edits)
    if why:
        report.not_done += [f"{item} ({why})" for item in done]
        return []
    report.done += done
    return over


def _unused_edits(
    target: Target, request: Request, module: Module, troubles: list[Trouble]
) -> list[tuple[Trouble, LineEdit]]:
    """Only where a few are asked about: for all of a file ruff's own fix is the right one."""
    task = request.task
    few = task.problems or (task.range is not None and not task.range.is_empty)
    if not few or _is_package_face(target):
        return []
    pairs = [(t, without_import(module, t.line, name_in(t.message))) for t in troubles if t.rule == "F401"]
    return [(trouble, edit) for trouble, edit in pairs if edit is not None]


def _is_package_face(target: Target) -> bool:
    return target.path.replace("\\", "/").rpartition("/")[2] == "__init__.py"


def _name_edits(
    module: Module, wanted: Sequence[Trouble], imports: dict[str, str], report: _Report
) -> tuple[list[LineEdit], list[str]]:
    done: list[str] = []
    words: dict[int, list[tuple[int, str, str]]] = {}
    for item in wanted:
        if item.name in imports:
            continue
        near = near_match(module, item.name, item.line)
        column = _column_of(module, item)
        if near is None or column is None:
            why = "no name in scope is clearly meant" if near is None else "its place on the line is not certain"
            report.not_done.append(f"line {item.line + 1}: `{item.name}` is not defined ({why})")
            continue
        if (column, item.name, near) not in words.setdefault(item.line, []):
            words[item.line].append((column, item.name, near))
            done.append(f"line {item.line + 1}: `{item.name}` is now `{near}`, the only close name in scope")
    edits = [LineEdit(line, line + 1, (_respelled(module.lines[line], found),)) for line, found in words.items()]
    added, import_done = _import_edits(module, list(dict.fromkeys(imports.values())))
    return [*edits, *added], [*done, *import_done]


def _import_edits(module: Module, statements: list[str]) -> tuple[list[LineEdit], list[str]]:
    """One edit a place: several imports that go to the same one become one."""
    current = module
    for statement in statements:
        after = parse(apply_edits(current.lines, [import_edit(current, statement)]))
        if isinstance(after, NotPython):
            return [], []
        current = after
    if current is module:
        return [], []
    return line_changes(module.lines, current.lines), [f"added `{statement}`" for statement in statements]


def _column_of(module: Module, item: Trouble) -> int | None:
    """Where the name stands on its line: as the tool says, else where it stands only once."""
    if not 0 <= item.line < len(module.lines):
        return None
    line = module.lines[item.line]
    starts = [match.start() for match in re.finditer(rf"(?<![\w.]){re.escape(item.name)}(?!\w)", line)]
    if item.column in starts:
        return item.column
    return starts[0] if len(starts) == 1 else None


def _respelled(line: str, found: list[tuple[int, str, str]]) -> str:
    for column, name, near in sorted(found, reverse=True):
        line = line[:column] + near + line[column + len(name) :]
    return line


def _project_imports(target: Target, names: Sequence[str]) -> Plan[dict[str, str]]:
    """Imports of names that exactly one module of the project defines at its top level."""
    if not names:
        return {}
    results = yield tuple(
        Call(
            "grep",
            {"pattern": rf"^(async +def|def|class) +{re.escape(name)}\b|^{re.escape(name)} *[:=]", "glob": "*.py"},
        )
        for name in names
    )
    found: dict[str, str] = {}
    for name, result in zip(names, results, strict=True):
        paths = [] if result.is_error else list(dict.fromkeys(place.path for place in places(result.content)))
        if len(paths) == 1 and paths[0] != target.path:
            dotted = yield from _import_name(target, paths[0])
            if dotted:
                found[name] = f"from {dotted} import {name}"
    return found


def _import_name(target: Target, path: str) -> Plan[str]:
    """How `target` imports from `path`: relative where the file does so already and both are in one folder."""
    folder, _, file = path.rpartition("/")
    own = target.path.rpartition("/")[0]
    relative = any(re.match(r"\s*from\s+\.", line) for line in target.source.lines)
    if relative and folder == own and file != "__init__.py":
        return f".{file.rpartition('.')[0]}"
    dotted = yield from module_path(path)
    return "" if isinstance(dotted, Failure) else dotted


# --- ruff ------------------------------------------------------------------------------------------------


def _rules(target: Target, request: Request, troubles: list[Trouble], report: _Report) -> Plan[None]:
    """What ruff fixes. Unused imports of a package's `__init__.py` are its face and stay."""
    wanted = [item for item in troubles if item.kind == "ruff"]
    if _is_package_face(target) and any(item.rule == "F401" for item in wanted):
        report.not_done.append("unused imports were kept: in an `__init__.py` they are what the package offers")
        wanted = [item for item in wanted if item.rule != "F401"]
    if not wanted:
        return
    rules = sorted({item.rule for item in wanted})
    (result,) = yield (Call("refactor", {"action": "fix", "path": target.path, "rules": ",".join(rules)}),)
    where = " in the whole file" if request.task.problems or target.partial else ""
    if result.is_error:
        report.not_done.append(f"ruff's fixes for {listed(rules)}: {one_line(result.content)}")
    elif re.search(r"\b(?:nothing|no (?:changes?|edits?|fix(?:es)?)|unchanged)\b", result.content, re.IGNORECASE):
        report.not_done.append(f"ruff has no safe fix for {listed(rules)} here")
    else:
        report.done.append(f"applied ruff's fixes for {listed(rules)}{where}")


# --- the end ---------------------------------------------------------------------------------------------


def _left(target: Target, request: Request, troubles: list[Trouble], report: _Report) -> Plan[list[str]]:
    """What a second check still finds; empty when nothing was changed."""
    if not report.done:
        return [
            f"line {item.line + 1}: {_short(item.message)}" for item in troubles if item.kind in ("other", "syntax")
        ]
    after, why = yield from _diagnose(target.path)
    if why:
        return [f"the second check failed: {why}"]
    return [f"line {item.line + 1}: {_short(item.message)}" for item in after]


def _short(message: str) -> str:
    return message if len(message) <= 100 else f"{message[:99]}…"


def _outcome(target: Target, report: _Report, troubles: list[Trouble] | None, left: list[str]) -> Outcome:
    said: list[str] = []
    if report.done:
        said.append(f"Fixed in `{target.path}`:\n" + "\n".join(f"- {item}" for item in report.done))
    if report.not_done:
        said.append("Not fixed:\n" + "\n".join(f"- {item}" for item in report.not_done[:10]))
    if left:
        more = f"\n- and {len(left) - 8} more" if len(left) > 8 else ""
        head = "Still found in the file" if report.done else "Needs you or a language model"
        said.append(f"{head}:\n" + "\n".join(f"- {item}" for item in left[:8]) + more)
    elif report.done and not report.not_done:
        said.append("A second check finds nothing more.")
    if not said:
        return Outcome(
            f"No problem was found in `{target.path}` that the offline model knows. "
            "Errors in what the code means take a language model."
        )
    return Outcome("\n\n".join(said), edited=bool(report.done))
