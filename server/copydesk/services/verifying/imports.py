"""Which Python tests a change can reach: those whose imports lead to a changed file, as far as the text tells.

It takes too many rather than too few: a name that may mean a changed module counts as one. Start with `find_tests`.
"""

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from copydesk.domain.errors import WorkspaceError
from copydesk.services.verifying.detection import Folder, Tests, is_python_test
from copydesk.services.verifying.judged import is_document

MAX_FILES = 4_000
MAX_CHARS = 40_000_000
MAX_FILE_CHARS = 400_000
MAX_TESTS = 80
"""Most test files that are named in a command; of more, the nearest ones are run."""
MAX_OTHERS = 60

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>\.*[\w.]*)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n#]+)"
    r"|import[ \t]+(?P<plain>[^\n#]+))",
    re.MULTILINE,
)
_QUOTED = re.compile(
    r"""["']([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)["'.:]|["'](?:[\w.-]*/)*(\w+)\.py["']|-m["',\s]+([\w.]+)"""
)


def find_tests(paths: Iterable[str], folder: Folder, at: str, changed: Sequence[str]) -> Tests:
    """`paths` are all files of the project on both sides, `changed` those that differ; all are below `at`."""
    sources = [path for path in paths if path.endswith((".py", ".pyi"))]
    other = [path for path in changed if not path.endswith((".py", ".pyi")) and not is_document(path)]
    if other or len(sources) > MAX_FILES:
        return Tests()
    users = _users(folder, at, [*sources, *(path for path in changed if path not in set(sources))])
    if users is None:
        return Tests()
    reached = _reached(users, changed)
    tests = [path for path in reached if is_python_test(path)]
    others = tuple(path for path in reached if not is_python_test(path) and path not in changed)
    bases = [path.rpartition("/")[0] for path in reached if path.rpartition("/")[2] == "conftest.py"]
    for base in bases:
        tests += [path for path in sources if is_python_test(path) and path.startswith(f"{base}/" if base else "")]
    if not tests:
        return Tests(others=others[:MAX_OTHERS])
    unique = list(dict.fromkeys(tests))
    note = f"the nearest {MAX_TESTS} of {len(unique)} test files that it can reach" if len(unique) > MAX_TESTS else ""
    chosen = unique[:MAX_TESTS]
    there = tuple(path for path in chosen if folder.exists(_below(at, path)))
    were = tuple(path for path in chosen if folder.existed(_below(at, path)))
    if not there:
        return Tests(others=others[:MAX_OTHERS])
    return Tests(there, were, False, others[:MAX_OTHERS], note)


def _below(at: str, path: str) -> str:
    return f"{at}/{path}" if at else path


def _users(folder: Folder, at: str, sources: Sequence[str]) -> Mapping[str, Collection[str]] | None:
    """For each file, the files that may import it; None when there is too much to read."""
    by_name: dict[str, list[str]] = {}
    for path in sources:
        for name in _names_of(path):
            by_name.setdefault(name, []).append(path)
    users: dict[str, dict[str, None]] = {}
    n_chars = 0
    for path in sources:
        text = _text(folder, _below(at, path))
        n_chars += len(text)
        if n_chars > MAX_CHARS:
            return None
        for name in set(_imported(path, text)):
            for used in by_name.get(name, ()):
                if used != path:
                    users.setdefault(used, {})[path] = None
    return users


def _text(folder: Folder, path: str) -> str:
    files, uri = folder.after, folder.uri(path)
    try:
        once = getattr(files, "text_once", None)
        text = str(once(uri)) if once else files.read(uri).text
    except WorkspaceError:
        return ""
    return text[:MAX_FILE_CHARS]


def _names_of(path: str) -> Iterator[str]:
    """Every dotted name that may mean this file, whatever folder is on the path."""
    parts = path.rpartition(".")[0].split("/")
    if parts[-1] == "__init__":
        parts.pop()
    for start in range(len(parts)):
        yield ".".join(parts[start:])


def _imported(path: str, text: str) -> Iterator[str]:
    package = path.split("/")[:-1]
    for found in _IMPORT.finditer(text):
        if found["plain"]:
            for part in found["plain"].split(","):
                yield from _prefixes(part.split(" as ")[0].strip())
            continue
        module = _absolute(found["module"], package)
        yield from _prefixes(module)
        for name in re.findall(r"[\w*]+(?=\s*(?:,|\)|$|\sas\b|;|\\))", found["names"], re.MULTILINE):
            yield f"{module}.{name}" if module else name
    for dotted, script, started in _QUOTED.findall(text):
        yield from _prefixes(dotted or script or started)


def _absolute(module: str, package: Sequence[str]) -> str:
    n_dots = len(module) - len(module.lstrip("."))
    if not n_dots:
        return module
    base = package[: len(package) - n_dots + 1]
    return ".".join([*base, *([module[n_dots:]] if module[n_dots:] else [])])


def _prefixes(dotted: str) -> Iterator[str]:
    """Importing a module runs the packages that hold it."""
    parts = dotted.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


def _reached(users: Mapping[str, Collection[str]], changed: Iterable[str]) -> list[str]:
    """The changed files and all that may use them, the nearest first."""
    found = dict.fromkeys(changed)
    waiting = deque(found)
    while waiting:
        for user in users.get(waiting.popleft(), ()):
            if user not in found:
                found[user] = None
                waiting.append(user)
    return list(found)
