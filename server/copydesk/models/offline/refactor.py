"""The jobs that go through the `refactor` tool (rename, extract, annotate, organise imports), and suggestions.

Start with `rename`.
"""

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator, Sequence

from copydesk.domain.messages import ToolResult
from copydesk.models.offline.explain_facts import complexity, nodes_of
from copydesk.models.offline.intents import Request
from copydesk.models.offline.outcomes import Outcome, listed, only_python
from copydesk.models.offline.planning import Call, Plan
from copydesk.models.offline.pycode import Definition, Module, NotPython, parse
from copydesk.models.offline.reading import Failure, one_line, read_whole
from copydesk.models.offline.targets import Target, find_target

MIN_REPEATED = 4


def rename(request: Request) -> Plan[Outcome]:
    """Renames a symbol wherever it is used."""
    if not request.new_name:
        return Outcome("To rename, say both names: “rename old_name to new_name”.")
    if not request.new_name.isidentifier() or keyword.iskeyword(request.new_name):
        return Outcome(f"`{request.new_name}` cannot be a name.")
    target = yield from find_target(request)
    if isinstance(target, Failure):
        target = yield from _anywhere(request, target)
    if isinstance(target, Failure):
        return Outcome(target.why)
    if isinstance(target.module, NotPython):
        return Outcome(only_python(target, "rename"))
    place = _place(target, request)
    if isinstance(place, Failure):
        return Outcome(place.why)
    line, symbol = place
    arguments = {
        "action": "rename",
        "path": target.path,
        "line": line + 1,
        "symbol": symbol,
        "new_name": request.new_name,
    }
    (result,) = yield (Call("refactor", arguments),)
    return _done(result, f"Renamed `{symbol}` to `{request.new_name}` (from {target.link(line)}).", "rename")


def _anywhere(request: Request, failure: Failure) -> Plan[Target | Failure]:
    """A name that is not a definition may still be a variable: the file is read without choosing in it."""
    if not (request.task.path or request.paths):
        return failure
    plain = Request("rename", request.task, paths=request.paths)
    return (yield from find_target(plain))


def _place(target: Target, request: Request) -> tuple[int, str] | Failure:
    """(0-based line, name) of what to rename."""
    lines = target.source.lines
    if request.names:
        name = request.names[0].rpartition(".")[2]
        match = [item for item in target.chosen if item.node.name == name]
        if match:
            return match[0].header, name
        rows = _rows_with(name, lines)
        near = [i for i in rows if target.partial and target.first <= i <= target.last]
        near = near or _nearest_first(rows, request)
        return (near[0], name) if near else Failure(f"There is no `{name}` in `{target.path}`.")
    task_range = request.task.range
    if task_range is not None and task_range.start_line < len(lines):
        line = lines[task_range.start_line]
        for match in re.finditer(r"\w+", line):
            if (
                match.start() <= task_range.start_column <= match.end()
                and match[0].isidentifier()
                and not keyword.iskeyword(match[0])
            ):
                return task_range.start_line, match[0]
    if target.chosen:
        return target.chosen[0].header, target.chosen[0].node.name
    return Failure("Say what to rename: “rename old_name to new_name”.")


def _rows_with(name: str, lines: Sequence[str]) -> list[int]:
    """Rows (from 0) where the name stands in code. A comment that asks for its renaming names it as well."""
    source = "\n".join(line.rstrip("\r\n") for line in lines)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return [i for i, line in enumerate(lines) if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line)]
    return sorted({token.start[0] - 1 for token in tokens if token.type == tokenize.NAME and token.string == name})


def _nearest_first(rows: list[int], request: Request) -> list[int]:
    """From an instruction comment on: what stands below it comes before what stands above."""
    at = request.task.range
    if at is None or not request.task.instruction_comment:
        return rows
    return sorted(rows, key=lambda row: (row < at.start_line, abs(row - at.start_line)))


def extract(request: Request) -> Plan[Outcome]:
    """Extracts lines into a function, or an expression into a variable."""
    kind = request.extract_kind
    task = request.task
    if not request.new_name.isidentifier():
        return Outcome(f"Say what the new {kind} is called: “extract lines 10-14 into a {kind} named load”.")
    target = yield from find_target(request)
    if isinstance(target, Failure):
        return Outcome(target.why)
    if isinstance(target.module, NotPython):
        return Outcome(only_python(target, "extract"))
    if not target.partial:
        return Outcome(f"Say which lines to extract from `{target.path}`: “extract lines 10-14 into a {kind} …”.")
    arguments: dict[str, object] = {
        "action": f"extract_{kind}",
        "path": target.path,
        "line": target.first + 1,
        "end_line": target.last + 1,
        "new_name": request.new_name,
    }
    if request.lines is None and task.selection.strip() and "\n" not in task.selection.strip("\n"):
        arguments["text"] = task.selection.strip()
    (result,) = yield (Call("refactor", arguments),)
    span = f"lines {target.first + 1}-{target.last + 1}" if target.last > target.first else f"line {target.first + 1}"
    return _done(result, f"Extracted {span} of `{target.path}` into the {kind} `{request.new_name}`.", "extraction")


def annotate(request: Request) -> Plan[Outcome]:
    """Adds the type annotations that can be inferred."""
    target = yield from find_target(request)
    if isinstance(target, Failure):
        return Outcome(target.why)
    if isinstance(target.module, NotPython):
        return Outcome(only_python(target, "add annotations"))
    wanted = sorted((i for i in _functions(target, target.module) if _lacks_annotations(i)), key=lambda i: i.header)
    if not wanted:
        return Outcome(f"Every function asked about in `{target.path}` is annotated already, as far as can be.")
    results = yield tuple(
        Call("refactor", {"action": "annotate", "path": target.path, "line": first + 1, "end_line": last + 1})
        for first, last in _spans(target, wanted)
    )
    source = yield from read_whole(target.path)
    after = None if isinstance(source, Failure) else parse(source.lines)
    done = _annotated(wanted, after) if isinstance(after, Module) else []
    failed = [result for result in results if result.is_error]
    said = list(target.notes)
    if done:
        said.append(f"Annotated {listed([f'`{name}`' for name in done])} in `{target.path}` with inferred types.")
    rest = len(wanted) - len(done)
    if rest and not failed:
        said.append(
            f"For {rest} {'other ' * bool(done)}function{'s' * (rest != 1)} no type could be inferred with certainty."
        )
    if failed:
        said.append(f"Not everything could be annotated: {one_line(failed[0].content)}")
    return Outcome(" ".join(said), edited=bool(done))


def _spans(target: Target, wanted: list[Definition]) -> list[tuple[int, int]]:
    """0-based lines to annotate, from the bottom up; one span for a whole file."""
    if not target.chosen:
        return [(wanted[0].header, wanted[-1].header)] if wanted else []
    spans = [
        (min(headers), max(headers))
        for chosen in target.chosen
        if (headers := [item.header for item in wanted if chosen.first <= item.header <= chosen.last])
    ]
    return sorted(dict.fromkeys(spans), reverse=True)


def _annotated(wanted: list[Definition], after: Module) -> list[str]:
    """Names of the functions whose header says more than before; annotating moves no line."""
    headers = {(item.qualname, item.header): _types_of(item) for item in after.definitions}
    return [
        item.qualname for item in wanted if headers.get((item.qualname, item.header), "") not in ("", _types_of(item))
    ]


def _types_of(definition: Definition) -> str:
    node = definition.node
    if isinstance(node, ast.ClassDef):
        return ""
    return f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else ''}"


def _functions(target: Target, module: Module) -> list[Definition]:
    if not target.chosen:
        return [item for item in module.definitions if item.kind != "class"]
    inside = [
        item
        for item in module.definitions
        for chosen in target.chosen
        if item is chosen or (chosen.kind == "class" and chosen.first <= item.first and item.last <= chosen.last)
    ]
    return [item for item in dict.fromkeys(inside) if item.kind != "class"]


def _lacks_annotations(definition: Definition) -> bool:
    node = definition.node
    if isinstance(node, ast.ClassDef):
        return False
    args = [arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg) and arg.arg not in ("self", "cls")]
    return node.returns is None or any(arg.annotation is None for arg in args)


def organize(request: Request) -> Plan[Outcome]:
    """Sorts and groups the imports."""
    target = yield from find_target(Request("organize", request.task, paths=request.paths))
    if isinstance(target, Failure):
        return Outcome(target.why)
    if isinstance(target.module, NotPython):
        return Outcome(only_python(target, "organise imports"))
    (result,) = yield (Call("refactor", {"action": "organize_imports", "path": target.path}),)
    if not result.is_error and not _changed(result):
        return Outcome(f"The imports of `{target.path}` are in order already.")
    return _done(result, f"Organised the imports of `{target.path}`.", "organising")


def _changed(result: ToolResult) -> bool:
    """Whether the tool says that it changed something."""
    return not re.search(
        r"\b(?:nothing|no (?:changes?|edits?|fix(?:es)?|annotations?|types?)|unchanged)\b", result.content, re.I
    )


def _done(result: ToolResult, success: str, what: str) -> Outcome:
    if result.is_error:
        return Outcome(f"The {what} was not made: {one_line(result.content)}")
    if not _changed(result):
        return Outcome(f"The {what} changed nothing: {one_line(result.content)}")
    files = [row.strip() for row in result.content.split("\n")[1:] if row.strip()]
    return Outcome(f"{success} Changed: {listed(files)}." if files else success, edited=True)


# --- suggestions -----------------------------------------------------------------------------------------


def suggest(request: Request) -> Plan[Outcome]:
    """No clear instruction: says what could be done here, and how to ask for it."""
    target = yield from find_target(request)
    if isinstance(target, Failure):
        return Outcome(target.why)
    module = target.module
    if isinstance(module, NotPython):
        return Outcome(only_python(target, "refactor"))
    rows = [*_complex(target, module), *_repeated(target, module)]
    how = (
        "Say which: “rename X to Y”, “extract lines A-B into a function named F”, “add type annotations”, "
        "“organise imports”. Free rewriting takes a language model."
    )
    if not rows:
        return Outcome(
            f"Nothing in {_where(target)} stands out: no function over complexity 10, no repeated block.\n\n{how}"
        )
    shown = "\n".join(f"- {row}" for row in rows[:8])
    return Outcome(f"Candidates in {_where(target)} (nothing was changed):\n{shown}\n\n{how}")


def _where(target: Target) -> str:
    if target.chosen:
        return listed([f"`{item.qualname}`" for item in target.chosen], 3)
    return f"`{target.path}`"


def _complex(target: Target, module: Module) -> list[str]:
    found = [(complexity(nodes_of(item.node.body)), item) for item in _functions(target, module)]
    hard = sorted((pair for pair in found if pair[0] > 10), key=lambda pair: -pair[0])
    return [
        f"`{item.qualname}` at {target.link(item.header)} has complexity {number}: extract a part of it as a function"
        for number, item in hard
    ]


def _repeated(target: Target, module: Module) -> list[str]:
    """Runs of equal statements that stand in two places."""
    seen: dict[str, tuple[int, int]] = {}
    found: list[str] = []
    for statements in _bodies(target, module):
        first, last = statements[0].lineno, statements[-1].end_lineno or 0
        if len(statements) < 2 or last - first + 1 < MIN_REPEATED:
            continue
        key = "\n".join(ast.dump(statement) for statement in statements)
        if key in seen and seen[key][0] != first:
            a, b = seen[key]
            found.append(f"lines {a}-{b} and {first}-{last} of `{target.path}` are the same: extract a function")
        seen.setdefault(key, (first, last))
    return found


def _bodies(target: Target, module: Module) -> Iterator[list[ast.stmt]]:
    for item in _functions(target, module):
        yield item.node.body
        for node in nodes_of(item.node.body):
            if isinstance(node, ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try):
                yield node.body
