"""The job that writes pytest skeletons: for what, where the file goes, and what is there already.

The skeleton itself comes from `skeleton`. Start with `write_tests`.
"""

from dataclasses import replace

from copydesk.models.offline.editing import line_changes, make_edits
from copydesk.models.offline.intents import Request
from copydesk.models.offline.outcomes import Outcome, only_python
from copydesk.models.offline.planning import Call, Plan
from copydesk.models.offline.pycode import NotPython, parse
from copydesk.models.offline.reading import Failure, Source, one_line, read_whole
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
    path = yield from _test_path(target.path)
    existing = yield from _existing(path)
    if isinstance(existing, Failure):
        return Outcome(f"`{path}` was left alone: {existing.why}")
    text, names, notes = existing.text if existing else None, list[str](), list[str]()
    for item in target.chosen or (None,):
        result = skeleton(target.source.text, target.path, item.qualname if item else None, module_name, text)
        text = result.text or text
        names += result.names
        notes += result.notes
    written = yield from _write(path, existing, text or "", names)
    return replace(written, text="\n".join([*target.notes, written.text, *(f"- {note}" for note in notes[:8])]))


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


def _test_path(path: str) -> Plan[str]:
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
        return f"tests/test_{stem}.py"
    beside = path.replace("\\", "/").rpartition("/")[0]
    in_tests = [folder for folder in folders if folder.split("/")[-1] in ("tests", "test") or folder.startswith("test")]
    chosen = beside if beside in folders else min(in_tests, key=len) if in_tests else "tests"
    return f"{chosen}/test_{stem}.py" if chosen else f"test_{stem}.py"


def _paths(content: str) -> list[str]:
    rows = [row.strip().lstrip("- ").strip("`").replace("\\", "/") for row in content.split("\n")]
    return [row for row in rows if row.endswith(".py") and " " not in row]


def _existing(path: str) -> Plan[Source | Failure | None]:
    """The test file that is there; None when there is none."""
    source = yield from read_whole(path)
    if isinstance(source, Failure):
        return None
    problem = parse(source.lines)
    return Failure(f"it does not parse ({problem.message}).") if isinstance(problem, NotPython) else source


def _write(path: str, existing: Source | None, text: str, names: list[str]) -> Plan[Outcome]:
    if not names:
        there = "has all the tests that can be written" if existing else "was not written: no test could be made"
        return Outcome(f"`{path}` {there}.")
    many = f"{len(names)} test{'s' * (len(names) != 1)}"
    if existing is None:
        (result,) = yield (Call("write_file", {"path": path, "content": text}),)
        if result.is_error:
            return Outcome(f"`{path}` could not be written: {one_line(result.content)}")
        return Outcome(f"Wrote {many} in the new file `{path}`. They have not been run.", edited=True)
    edits = line_changes(existing.lines, text.removesuffix("\n").split("\n"))
    why = yield from make_edits(path, existing.lines, edits)
    if why:
        return Outcome(f"`{path}` could not be changed: {why}")
    return Outcome(f"Added {many} to `{path}`. They have not been run.", edited=True)
