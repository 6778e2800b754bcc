"""The job that writes pytest skeletons: for what, where the file goes, and what is there already.

The skeleton itself comes from `skeleton`. Start with `write_tests`.
"""

import ast

from copydesk.models.offline.editing import LineEdit, make_edits
from copydesk.models.offline.intents import Request
from copydesk.models.offline.outcomes import Outcome, only_python
from copydesk.models.offline.planning import Call, Plan
from copydesk.models.offline.pycode import Module, NotPython, parse
from copydesk.models.offline.reading import Failure, one_line, read_whole
from copydesk.models.offline.targets import find_target


def write_tests(request: Request) -> Plan[Outcome]:
    """Writes tests for the definitions, or the file, that is asked about."""
    target = yield from find_target(request)
    if isinstance(target, Failure):
        return Outcome(target.why)
    if isinstance(target.module, NotPython):
        return Outcome(only_python(target, "write tests"))
    from copydesk.models.offline.skeleton import write_tests as skeleton  # heavy, and used by this job alone

    module_name = yield from module_path(target.path)
    if isinstance(module_name, Failure):
        return Outcome(module_name.why)
    names: list[str | None] = [item.qualname for item in target.chosen]
    said: list[str] = [*target.notes]
    edited = False
    for name in names or [None]:
        result = skeleton(target.source.text, target.path, name, module_name)
        path = yield from _test_path(target.path, result.test_path)
        outcome = yield from _write(path, result.text)
        edited = edited or outcome.edited
        said.append(" ".join([outcome.text, *result.notes]))
    return Outcome("\n".join(said), edited=edited)


def module_path(path: str) -> Plan[str | Failure]:
    """The dotted name a file is imported by: up through the folders that are packages."""
    parts = path.replace("\\", "/").strip("/").split("/")
    stem = parts[-1].rpartition(".")[0]
    folders = parts[:-1]
    if folders:
        calls = tuple(Call("list_dir", {"path": "/".join(folders[: i + 1])}) for i in range(len(folders)))
        results = yield calls
        is_package = [not result.is_error and "__init__.py" in result.content for result in results]
        first = len(folders)
        while first > 0 and is_package[first - 1]:
            first -= 1
        folders = folders[first:]
    names = [*folders, *([] if stem == "__init__" else [stem])]
    if not names or not all(name.isidentifier() for name in names):
        return Failure(f"`{path}` cannot be imported by name, so a test cannot import it.")
    return ".".join(names)


def _test_path(path: str, proposed: str) -> Plan[str]:
    """Where tests for `path` belong: the file that is there, else beside where the project's tests are."""
    stem = path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
    results = yield (
        Call("glob", {"pattern": f"**/test_{stem}.py"}),
        Call("glob", {"pattern": f"**/{stem}_test.py"}),
        Call("glob", {"pattern": "**/test_*.py"}),
    )
    same, suffixed, any_tests = ([] if result.is_error else _paths(result.content) for result in results)
    for found in (same, suffixed):
        if found:
            return found[0]
    folders = [row.rpartition("/")[0] for row in any_tests]
    if not folders:
        return proposed
    beside = path.replace("\\", "/").rpartition("/")[0]
    in_tests = [folder for folder in folders if folder.split("/")[-1] in ("tests", "test") or folder.startswith("test")]
    chosen = beside if beside in folders else min(in_tests, key=len) if in_tests else proposed.rpartition("/")[0]
    return f"{chosen}/test_{stem}.py" if chosen else f"test_{stem}.py"


def _paths(content: str) -> list[str]:
    rows = [row.strip().lstrip("- ").strip("`").replace("\\", "/") for row in content.split("\n")]
    return [row for row in rows if row.endswith(".py") and " " not in row]


def _write(path: str, text: str) -> Plan[Outcome]:
    existing = yield from read_whole(path)
    if isinstance(existing, Failure):
        (result,) = yield (Call("write_file", {"path": path, "content": text}),)
        if result.is_error:
            return Outcome(f"`{path}` could not be written: {one_line(result.content)}")
        return Outcome(f"Wrote {_n_tests(text)} in the new file `{path}`.", edited=True)
    merged = merge_tests(existing.lines, text)
    if isinstance(merged, Failure):
        return Outcome(f"`{path}` was left alone: {merged.why}")
    if not merged:
        return Outcome(f"`{path}` has all these tests already.")
    why = yield from make_edits(path, existing.lines, merged)
    if why:
        return Outcome(f"`{path}` could not be changed: {why}")
    return Outcome(f"Added {_n_tests(chr(10).join(merged[-1].new))} to `{path}`.", edited=True)


def _n_tests(text: str) -> str:
    n = sum(line.lstrip().startswith(("def test_", "async def test_")) for line in text.split("\n"))
    return f"{n} test{'s' * (n != 1)}"


def merge_tests(lines: tuple[str, ...], text: str) -> list[LineEdit] | Failure:
    """Edits that add to a test file what it lacks: imports at the top, new functions and classes at the end."""
    there, new = parse(lines), parse(text.split("\n"))
    if not isinstance(there, Module):
        return Failure(f"it does not parse ({there.message}).")
    if not isinstance(new, Module):
        return Failure("the new tests do not parse.")
    known = {name for node in there.tree.body for name in _bound(node)}
    known_imports = {ast.dump(node) for node in there.tree.body if isinstance(node, ast.Import | ast.ImportFrom)}
    imports: list[str] = []
    body: list[str] = []
    for node in new.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            if ast.dump(node) not in known_imports and not set(_bound(node)) <= known:
                imports.append(new.segment(node))
        elif (names := _bound(node)) and not set(names) & known:
            body += ["", "", *_rows(new, node)]
    if not body:
        return []
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    edits = [LineEdit(end, end, tuple(body))]
    if imports:
        at = _after_imports(there)
        edits.insert(0, LineEdit(at, at, tuple("\n".join(imports).split("\n"))))
    return edits


def _rows(module: Module, node: ast.stmt) -> list[str]:
    first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
    return list(module.lines[first - 1 : node.end_lineno or first])


def _bound(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [alias.asname or alias.name.partition(".")[0] for alias in names]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case _:
            return []


def _after_imports(module: Module) -> int:
    ends = [node.end_lineno or 0 for node in module.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if ends:
        return max(ends)
    first = module.tree.body[:1]
    is_doc = bool(first) and isinstance(first[0], ast.Expr) and isinstance(first[0].value, ast.Constant)
    return (first[0].end_lineno or 0) if is_doc else 0
