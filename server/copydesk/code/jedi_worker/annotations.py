"""Type annotations for one function, only where the code leaves no doubt. Annotating less is always right.

Positions come from jedi's tree, certainty from the syntax (`certainty`), what a method overrides and who calls it
from jedi. Changes nothing. Start with `annotate`.
"""

# jedi and parso have no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

import ast
import time
from collections.abc import Iterator
from typing import Any, TypeAlias

from copydesk.code.jedi_worker.certainty import FunctionNode, Module, returned, sure_parameter
from copydesk.code.jedi_worker.references import references
from copydesk.code.jedi_worker.refusals import refuse
from copydesk.code.jedi_worker.virtual import VirtualFiles

BUDGET_S = 10.0
"""For the functions of one request: a part of the caller's limit."""
Row: TypeAlias = tuple[int, int, int, str]

_SKIPPED_DECORATORS = ("overload", "abstractmethod", "singledispatch", "register", "setter", "deleter", "hookimpl")


def annotate(files: VirtualFiles, script: Any, request: dict[str, Any]) -> list[Row]:
    """Insertions as (line, column, column, text), 0-based; empty when nothing is sure."""
    text = files.read(request["path"])
    try:
        module = Module(ast.parse(text))
    except SyntaxError as error:
        refuse(f"The file has a syntax error on line {error.lineno}: {error.msg}. Mend that first.")
    line, end_line = request["line"] + 1, request.get("end_line")
    function = module.function_at(line)
    if function is None and end_line is None:
        refuse(f"There is no function at line {line}.")
    single = [function] if function is not None else []
    wanted = single if end_line is None else module.functions_in(line, end_line + 1)
    until = time.monotonic() + BUDGET_S
    rows: list[Row] = []
    for one in wanted:
        if time.monotonic() > until:
            break  # what is found so far is right as it stands
        rows.extend(_annotated(files, script, module, one))
    return rows


def _annotated(files: VirtualFiles, script: Any, module: Module, function: FunctionNode) -> list[Row]:
    node = _parso_function(script._module_node, function)
    if node is None or _is_left_alone(function, node) or _overrides(script, module, function, node):
        return []
    return [*_parameters(files, script, module, function, node), *_return(module, function, node)]


def _parso_function(tree: Any, function: FunctionNode) -> Any:
    for leaf in tree.get_used_names().get(function.name, []):
        holder = leaf.parent
        if holder.type == "funcdef" and holder.name is leaf and _first_line(holder) == function.lineno:
            return holder
    return None


def _first_line(funcdef: Any) -> int:
    parent = funcdef.parent
    is_async = parent.type in ("async_stmt", "async_funcdef")
    return (parent if is_async else funcdef).start_pos[0]


def _is_left_alone(function: FunctionNode, node: Any) -> bool:
    """Decorators that change what a signature means, and signatures typed by comment."""
    names = [name for one in function.decorator_list for name in ast.unparse(one).replace("(", ".").split(".")]
    first = node.get_suite().get_first_leaf() if node.get_suite() is not None else None
    comment = first is not None and "# type:" in first.get_next_leaf().prefix + first.prefix
    return comment or "# type:" in node.get_code() or any(name in _SKIPPED_DECORATORS for name in names)


def _overrides(script: Any, module: Module, function: FunctionNode, node: Any) -> bool:
    """Whether a base class may say what the types are: a base that is not known may too."""
    around = module.class_of(function)
    if around is None or function.name in ("__init__",):
        return False
    if module.is_overridden(around, function.name):
        return True
    if not around.bases and not around.keywords:
        return False
    if any(not _is_known(script, base) for base in around.bases):
        return True
    line, column = node.name.start_pos
    return any(name.line != line or str(name.module_path) != str(script.path) for name in script.goto(line, column))


def _is_known(script: Any, base: ast.expr) -> bool:
    if not isinstance(base, ast.Name | ast.Attribute):
        return False
    end = base.end_col_offset or 1
    line = script._code_lines[base.lineno - 1]
    column = len(line.encode()[: end - 1].decode("utf-8", "ignore"))
    return any(name.type == "class" for name in script.infer(base.lineno, column))


# --- parameters ------------------------------------------------------------------------------------------


def _parameters(files: VirtualFiles, script: Any, module: Module, function: FunctionNode, node: Any) -> Iterator[Row]:
    sure = {
        param.name.value: kind
        for param in node.get_params()
        if param.annotation is None and param.default is not None and not param.star_count
        if (kind := sure_parameter(module, function, param.name.value))
    }
    if not sure:
        return
    calls = _calls(files, script, node)
    for param in node.get_params():
        kind = sure.get(param.name.value)
        if kind and calls is not None and all(_fits(call, function, param, kind) for call in calls):
            yield from _parameter_rows(param, kind)


def _parameter_rows(param: Any, kind: str) -> Iterator[Row]:
    """The annotation, and spaces around `=` as PEP 8 has them once there is one."""
    line, column = param.name.end_pos
    equals = param.name.get_next_leaf()
    end_line, end_column = param.default.start_pos
    if end_line != line or equals.end_pos[0] != line or equals.prefix.strip():
        yield line - 1, column, column, f": {kind}"
    else:
        yield line - 1, column, end_column, f": {kind} = "


def _calls(files: VirtualFiles, script: Any, node: Any) -> list[ast.Call] | None:
    """Every call in the project; None when a use cannot be followed (handed on, stored, partial)."""
    found: list[ast.Call] = []
    by_path: dict[str, dict[tuple[int, int], ast.Call]] = {}
    line, column = node.name.start_pos
    for name in references(script, line, column):
        path = str(name.module_path)
        if name.is_definition() or "import" in name._name.tree_name.parent.type:
            continue
        if path not in by_path:
            by_path[path] = _calls_by_place(files.read(path))
        call = by_path[path].get((name.line, name.column + len(name.name)))
        if call is None and not _is_imported(name):
            return None
        found.extend([call] if call is not None else [])
    return found


def _is_imported(name: Any) -> bool:
    leaf = name._name.tree_name
    return leaf.search_ancestor("import_from", "import_name") is not None


def _calls_by_place(text: str) -> dict[tuple[int, int], ast.Call]:
    """Calls by where the called name ends: line 1-based, column in code points."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return {}
    lines = text.splitlines(keepends=True)
    found: dict[tuple[int, int], ast.Call] = {}
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            line, end = call.func.end_lineno or 1, call.func.end_col_offset or 0
            column = len(lines[line - 1].encode()[:end].decode("utf-8", "ignore")) if line <= len(lines) else end
            found[line, column] = call
    return found


def _fits(call: ast.Call, function: FunctionNode, param: Any, kind: str) -> bool:
    """Whether a call leaves the parameter out or gives a plain constant of the type."""
    if any(isinstance(one, ast.Starred) for one in call.args) or any(one.arg is None for one in call.keywords):
        return False
    given = [one.value for one in call.keywords if one.arg == param.name.value]
    positional = [*function.args.posonlyargs, *function.args.args]
    names = [one.arg for one in positional]
    if param.name.value in names:
        index = names.index(param.name.value)
        bound = index - 1 if names[0] in ("self", "cls") else index
        given += [call.args[at] for at in {index, bound} if at < len(call.args)][: 1 if index == bound else None]
    return all(isinstance(one, ast.Constant) and type(one.value).__name__ == kind for one in given)


# --- the result ------------------------------------------------------------------------------------------


def _return(module: Module, function: FunctionNode, node: Any) -> Iterator[Row]:
    if node.annotation is not None:
        return
    kind = returned(module, function)
    if kind:
        parameters = next(child for child in node.children if child.type == "parameters")
        line, column = parameters.end_pos
        yield line - 1, column, column, f" -> {kind}"
