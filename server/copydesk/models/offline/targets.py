"""From a request to the file and the definitions it is about, by reading and searching through tools.

Knows paths, names and ranges; no job. Start with `find_target`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from copydesk.models.offline.intents import Request, is_whole_file
from copydesk.models.offline.planning import Call, Plan
from copydesk.models.offline.pycode import Definition, Module, NotPython, parse
from copydesk.models.offline.reading import Failure, Source, places, read_whole


@dataclass(frozen=True, slots=True)
class Target:
    """A whole file and what of it is meant.

    `chosen` are definitions in order; empty means the file, or the lines `first` to `last` (0-based) when
    `partial`. `notes` are for the person.
    """

    source: Source
    module: Module | NotPython
    chosen: tuple[Definition, ...] = ()
    first: int = 0
    last: int = 0
    partial: bool = False
    named: bool = False
    notes: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return self.source.path

    def link(self, line: int) -> str:
        """`path:line` for a 0-based line."""
        return f"`{self.path}:{line + 1}`"


def is_python(path: str, language: str) -> bool:
    return language == "python" or path.endswith((".py", ".pyi", ".pyw"))


def find_target(request: Request) -> Plan[Target | Failure]:
    """Reads the file that is meant and chooses in it by names, lines or the range, in this order.

    A name the file does not define may be defined in exactly one other.
    """
    path = yield from find_path(request)
    if isinstance(path, Failure):
        return path
    target = yield from _chosen_in(path, request)
    if not isinstance(target, Failure) or request.paths or not request.task.path:
        return target
    for name in [*request.names, *request.words][:2]:
        others = yield from _defining_files(name.rpartition(".")[2])
        if len(others) == 1 and others[0] != path:
            return (yield from _chosen_in(others[0], request))
    return target


def _chosen_in(path: str, request: Request) -> Plan[Target | Failure]:
    source = yield from read_whole(path)
    if isinstance(source, Failure):
        return source
    language = request.task.language if path == request.task.path else ""
    if not is_python(path, language):
        module: Module | NotPython = NotPython("it is not Python", -1)
    else:
        module = parse(source.lines)
    return _choose(Target(source, module, last=max(len(source.lines) - 1, 0)), request)


def find_path(request: Request) -> Plan[str | Failure]:
    """The path of the file: said in the text, else the task's, else where a name is defined."""
    task = request.task
    for said in request.paths[:1]:
        if task.path and (task.path == said or task.path.endswith(f"/{said.lstrip('./')}")):
            return task.path
        return (yield from _existing(said))
    if task.path:
        return task.path
    for name in [*request.names, *request.words]:
        found = yield from _defining_files(name.rpartition(".")[2])
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            shown = ", ".join(f"`{path}`" for path in found[:5])
            return Failure(
                f"`{name}` is defined in several files: {shown}. Say which one, as in “{name} in {found[0]}”."
            )
    wanted = f"No definition of {' or '.join(f'`{n}`' for n in [*request.names, *request.words][:3])} was found. "
    return Failure((wanted if request.names or request.words else "") + "Say which file: open it, or name its path.")


def _existing(said: str) -> Plan[str | Failure]:
    pattern = said if "/" in said else f"**/{said}"
    (result,) = yield (Call("glob", {"pattern": pattern}),)
    rows = [] if result.is_error else [row.strip().lstrip("- ").strip("`") for row in result.content.split("\n")]
    found = [row for row in rows if row.replace("\\", "/").endswith(said.lstrip("./").replace("\\", "/"))]
    if said in found or not found:
        return said
    if len(found) == 1:
        return found[0]
    return Failure(f"Several files are called `{said}`: {', '.join(f'`{row}`' for row in found[:5])}. Say which one.")


def _defining_files(name: str) -> Plan[list[str]]:
    pattern = rf"^\s*(async\s+def|def|class)\s+{re.escape(name)}\b"
    (result,) = yield (Call("grep", {"pattern": pattern, "glob": "*.py"}),)
    return [] if result.is_error else list(dict.fromkeys(place.path for place in places(result.content)))


# --- choosing in the file --------------------------------------------------------------------------------


def _choose(target: Target, request: Request) -> Target | Failure:
    if not isinstance(target.module, Module):
        return _with_lines(target, request)
    module = target.module
    own_words = request.task.range is None or request.task.verb in ("prompt", "ask", "refactor")
    asked = [*request.names, *(request.words if own_words else ())]
    chosen = [definition for name in asked for definition in named(module, name)]
    lost = [name for name in request.names if not named(module, name)]
    if chosen:
        notes = tuple(f"There is no definition called `{name}` in `{target.path}`." for name in lost)
        return replace(target, chosen=tuple(dict.fromkeys(chosen)), named=True, notes=notes)
    if lost:
        return Failure(f"There is no definition called `{lost[0]}` in `{target.path}`.")
    if request.lines is None and request.task.range is None and request.words and not request.paths:
        return Failure(f"There is no definition called `{request.words[0]}` in `{target.path}`.")
    return _with_lines(target, request)


def named(module: Module, name: str) -> list[Definition]:
    """Definitions with this name or dotted end of name; all of them, or the outermost when there are many."""
    exact = [item for item in module.definitions if item.qualname == name]
    if exact:
        return exact
    ends = [item for item in module.definitions if f".{item.qualname}".endswith(f".{name}")]
    shallow = min((item.qualname.count(".") for item in ends), default=0)
    return [item for item in ends if item.qualname.count(".") == shallow]


def _with_lines(target: Target, request: Request) -> Target | Failure:
    span = _span(request)
    if span is None or (request.lines is None and is_whole_file(request.text)):
        return target
    first, last = span
    n_lines = len(target.source.lines)
    if first >= max(n_lines, 1):
        return Failure(f"Line {first + 1} is past the end of `{target.path}`, which has {n_lines} lines.")
    target = replace(target, first=first, last=min(last, n_lines - 1), partial=True)
    if not isinstance(target.module, Module):
        return target
    return replace(target, chosen=tuple(_in_range(target.module, target.first, target.last, request)))


def _span(request: Request) -> tuple[int, int] | None:
    """0-based first and last line."""
    if request.lines and not (request.paths and request.task.range is None and request.lines[0] == 0):
        return request.lines[0] - 1, request.lines[1] - 1
    task_range = request.task.range
    if task_range is None or (request.paths and not _same_file(request)):
        return None
    last = task_range.end_line
    if last > task_range.start_line and task_range.end_column == 0:
        last -= 1
    return task_range.start_line, last


def _same_file(request: Request) -> bool:
    return any(request.task.path.endswith(path.lstrip("./")) for path in request.paths)


def _in_range(module: Module, first: int, last: int, request: Request) -> Sequence[Definition]:
    """The outermost definitions whose header is in the range, else the innermost around its start."""
    starts = [item for item in module.definitions if first <= item.header <= last]
    outer = [item for item in starts if not any(_holds(other, item) for other in starts)]
    if outer:
        return outer
    if request.task.instruction_comment:
        below = _first_code_line(module.lines, last + 1)
        following = [item for item in module.definitions if item.first == below]
        if following:
            return following[:1]
    around = [item for item in module.definitions if item.first <= first and last <= item.last]
    return around[-1:]


def _holds(outer: Definition, inner: Definition) -> bool:
    return outer is not inner and outer.first <= inner.first and inner.last <= outer.last


def _first_code_line(lines: Sequence[str], start: int) -> int:
    for i in range(start, len(lines)):
        if lines[i].strip() and not lines[i].lstrip().startswith("#"):
            return i
    return -1
