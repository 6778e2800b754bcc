"""Extracts whole statements of a function into a function of their own, or says why that would not be the same.

Works on the text and its tree; all other lines stay byte for byte. What goes in and out is decided by `flow`.
Start with `extract_statements`.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from copydesk.code.jedi_worker.certainty import FunctionNode, can_fall_off
from copydesk.code.jedi_worker.flow import Flow, own_stores, reads
from copydesk.code.jedi_worker.refusals import refuse

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


@dataclass(frozen=True, slots=True)
class _Block:
    """Statements of one list, the function they are in, its class if it is a method, and what is around them."""

    statements: list[ast.stmt]
    rest: list[ast.stmt]
    function: FunctionNode
    owner: ast.ClassDef | None
    around: tuple[ast.AST, ...]

    @property
    def first(self) -> int:
        first = self.statements[0]
        return min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", []))])

    @property
    def last(self) -> int:
        return self.statements[-1].end_lineno or self.first


def extract_statements(text: str, first: int, last: int, name: str) -> str | None:
    """The new text; None when the lines (1-based, both in) are not whole statements of a function. May refuse."""
    lines = text.split("\n")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    block = _block(tree, first, last)
    if block is None or "\f" in text or _shares_lines(lines, block):
        return None
    _check(block)
    given, returned = _ports(block)
    return "\n".join(_rewritten(lines, block, name, given, returned))


def _block(tree: ast.Module, first: int, last: int) -> _Block | None:
    node: ast.AST = tree
    around: list[ast.AST] = []
    while True:
        for statements in _lists(node):
            inside = [one for one in statements if first <= _start(one) and (one.end_lineno or 0) <= last]
            touched = [one for one in statements if _start(one) <= last and first <= (one.end_lineno or 0)]
            if inside and inside == touched:
                return _in_function(inside, statements[statements.index(inside[-1]) + 1 :], [*around, node])
            if len(touched) == 1 and not inside:
                around.append(node)
                node = touched[0]
                break
        else:
            return None


def _start(node: ast.AST) -> int:
    own = getattr(node, "lineno", 0)
    return min([own, *(one.lineno for one in getattr(node, "decorator_list", []))])


def _lists(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in _BLOCKS:
        found: list[ast.AST] = getattr(node, name, None) or []
        if not isinstance(node, ast.stmt | ast.Module | ast.ExceptHandler | ast.match_case):
            return
        yield from (one.body for one in found if isinstance(one, ast.ExceptHandler | ast.match_case))
        statements = [one for one in found if isinstance(one, ast.stmt)]
        if statements:
            yield statements


def _in_function(statements: list[ast.stmt], rest: list[ast.stmt], around: list[ast.AST]) -> _Block | None:
    at = next((i for i in range(len(around) - 1, -1, -1) if isinstance(around[i], FunctionNode | ast.ClassDef)), None)
    function = around[at] if at is not None else None
    if at is None or not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    owner = around[at - 1]
    return _Block(
        statements, rest, function, owner if isinstance(owner, ast.ClassDef) else None, tuple(around[at + 1 :])
    )


def _shares_lines(lines: list[str], block: _Block) -> bool:
    """Whether something else stands on the lines: `if x: a; b`."""
    before = lines[block.first - 1][: len(lines[block.first - 1]) - len(lines[block.first - 1].lstrip())]
    first, last = block.statements[0], block.statements[-1]
    column = first.col_offset if block.first == first.lineno else len(before)
    after = lines[block.last - 1].encode()[last.end_col_offset or 0 :].strip()
    return column != len(before.encode()) or bool(after and not after.startswith(b"#"))


# --- what cannot be taken out ----------------------------------------------------------------------------


def _check(block: _Block) -> None:
    own = list(_own(block.statements))
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own):
        refuse("These lines yield: as a function of their own they would be a generator.")
    if any(isinstance(node, ast.Return) for node in own) and can_fall_off(block.statements):
        refuse("These lines return from the function in some cases only; take in all cases, or none.")
    if _leaves_loop(block.statements):
        refuse("These lines leave or continue a loop that is not among them.")
    if any(isinstance(node, ast.Global | ast.Nonlocal | ast.Delete) for node in own):
        refuse("These lines have a `global`, `nonlocal` or `del`: that concerns the names of this function.")
    called = {node.func.id for node in own if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    if looking := called & {"locals", "vars", "eval", "exec", "super"}:
        refuse(f"These lines call {min(looking)}(), which looks at the function around it.")
    declared = {
        name for node in ast.walk(block.function) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names
    }
    if lost := declared & _stores(block.statements):
        refuse(f"{sorted(lost)[0]!r} is declared global or nonlocal in this function and is set in these lines.")


def _own(statements: list[ast.stmt]) -> Iterator[ast.AST]:
    pending: list[ast.AST] = list(statements)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))


def _leaves_loop(statements: list[ast.stmt]) -> bool:
    for node in statements:
        if isinstance(node, ast.Break | ast.Continue):
            return True
        if isinstance(node, FunctionNode | ast.ClassDef):
            continue
        inner = node.orelse if isinstance(node, _LOOPS) else [s for found in _lists(node) for s in found]
        if inner and _leaves_loop(inner):
            return True
    return False


# --- what goes in and out --------------------------------------------------------------------------------


def _stores(statements: list[ast.stmt]) -> set[str]:
    return {name for one in statements for name in own_stores(one)}


def _ports(block: _Block) -> tuple[list[str], list[str]]:
    """(parameters, results), each in the order of the text."""
    function = block.function
    parameters = [arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg)]
    local = set(parameters) | _stores(function.body)
    flow = Flow().run(block.statements)
    stored = _stores(block.statements)
    before = _bound_before(block, set(parameters))
    after = _read_after(block)
    results = stored & after
    given = (flow.exposed | (results - flow.bound)) & local
    ends = not can_fall_off(block.statements)
    for name in sorted(given):
        if name not in before:
            refuse(f"{name!r} may not be set yet where these lines start, so it cannot be handed over.")
    if captured := stored & _captured(block):
        refuse(f"{sorted(captured)[0]!r} is set here and seen by a function within this one.")
    order = [node.id for one in function.body for node in ast.walk(one) if isinstance(node, ast.Name)]
    rank = {name: i for i, name in reversed(list(enumerate([*parameters, *order])))}
    return sorted(given, key=lambda n: rank.get(n, 0)), [] if ends else sorted(results, key=lambda n: rank.get(n, 0))


def _bound_before(block: _Block, parameters: set[str]) -> set[str]:
    """What is surely bound when the block starts: by the parameters and the statements that lead to it."""
    bound = set(parameters)
    statements: list[ast.stmt] = block.function.body
    while True:
        holder = next((one for one in statements if _start(one) <= block.first <= (one.end_lineno or 0)), None)
        ahead = [one for one in statements if (one.end_lineno or 0) < block.first]
        bound = Flow(set(), bound).run(ahead).bound
        if holder is None or holder in block.statements:
            return bound
        bound |= _bound_by_header(holder, block)
        inner = [found for found in _lists(holder) if found[0].lineno <= block.first <= (found[-1].end_lineno or 0)]
        if not inner:
            return bound
        statements = inner[0]


def _bound_by_header(holder: ast.stmt, block: _Block) -> set[str]:
    match holder:
        case ast.For() | ast.AsyncFor():
            in_body = _start(holder.body[0]) <= block.first <= (holder.body[-1].end_lineno or 0)
            return set(own_stores(holder.target)) if in_body else set()
        case ast.With() | ast.AsyncWith():
            return {name for item in holder.items if item.optional_vars for name in own_stores(item.optional_vars)}
        case ast.Try() | ast.TryStar():
            inside = [one for one in holder.handlers if one.lineno <= block.first <= (one.end_lineno or 0)]
            return {one.name for one in inside if one.name}
        case ast.Match():
            inside_case = [
                one for one in holder.cases if _start(one.body[0]) <= block.first <= (one.body[-1].end_lineno or 0)
            ]
            return {name for one in inside_case for name in own_stores(one.pattern)}
        case ast.If(test=test) if not any(isinstance(node, ast.BoolOp) for node in ast.walk(test)):
            return {node.target.id for node in ast.walk(test) if isinstance(node, ast.NamedExpr)}
        case _:
            return set()


def _read_after(block: _Block) -> set[str]:
    """Names read in the function after the block, or, in a loop, anywhere in that loop."""
    found: set[str] = set()
    last = block.last
    loops = [node for node in block.around if isinstance(node, _LOOPS)]
    for node in ast.walk(block.function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
            in_loop = any(loop.lineno <= node.lineno <= (loop.end_lineno or 0) for loop in loops)
            outside = node.lineno > last or node.lineno < block.first
            if node.lineno > last or (in_loop and outside):
                found.add(node.id)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.lineno > last:
            found.add(node.target.id)
    return found | (Flow().run(block.statements).exposed if loops else set())


def _captured(block: _Block) -> set[str]:
    """Names that functions within the function, outside the block, read."""
    inside = {id(node) for one in block.statements for node in ast.walk(one)}
    return {
        name
        for node in ast.walk(block.function)
        if isinstance(node, FunctionNode | ast.Lambda) and node is not block.function and id(node) not in inside
        for name in reads(node)
    }


# --- writing ---------------------------------------------------------------------------------------------


def _rewritten(lines: list[str], block: _Block, name: str, given: list[str], returned: list[str]) -> list[str]:
    function, first, last = block.function, block.first, block.last
    own = _margin(lines[block.first - 1])
    base = _margin(lines[function.lineno - 1])
    unit = _unit(lines, function, base)
    prefix, given, decorators = _called_as(block, given)
    waits = any(isinstance(n, ast.Await | ast.AsyncFor | ast.AsyncWith) for n in _own(block.statements))
    body = _reindented(lines[first - 1 : last], own, base + unit, _kept_rows(block), first)
    if returned:
        body.append(f"{base}{unit}return {', '.join(returned)}")
    header = f"{base}{'async ' if waits else ''}def {name}({', '.join(given)}):"
    arguments = given[1:] if prefix else given
    call = f"{'await ' if waits else ''}{prefix}{name}({', '.join(arguments)})"
    if returned:
        call = f"{', '.join(returned)} = {call}"
    elif not can_fall_off(block.statements):
        call = f"return {call}"
    end = "\r" if lines[first - 1].endswith("\r") else ""
    new = [*(f"{base}@{one}" for one in decorators), header, *body, "", *([""] if not base else [])]
    at = _above(lines, function, base)
    return [*lines[:at], *(row if row.endswith("\r") or not end else row + end for row in new), *lines[at : first - 1],
            f"{own}{call}{end}", *lines[last:]]  # fmt: skip


def _called_as(block: _Block, given: list[str]) -> tuple[str, list[str], list[str]]:
    """(what stands before the name in the call, the parameters, decorators)."""
    marks = {ast.unparse(one) for one in block.function.decorator_list}
    positional = [*block.function.args.posonlyargs, *block.function.args.args]
    if block.owner is None:
        return "", given, []
    if "staticmethod" in marks or not positional or positional[0].arg not in ("self", "cls"):
        refuse("These lines are in a method without self or cls: a function for them has no clear place.")
    me = positional[0].arg
    is_class = "classmethod" in marks
    return f"{me}.", [me, *(one for one in given if one != me)], ["classmethod"] if is_class else []


def _above(lines: list[str], function: FunctionNode, base: str) -> int:
    """The line the new function goes to: above the function, its decorators and the comment that belongs to it."""
    at = _start(function) - 1
    while at > 0 and lines[at - 1].startswith(f"{base}#"):
        at -= 1
    return at


def _margin(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _unit(lines: list[str], function: FunctionNode, base: str) -> str:
    inner = _margin(lines[function.body[0].lineno - 1])
    return inner.removeprefix(base) or "    "


def _kept_rows(block: _Block) -> set[int]:
    """Lines (1-based) that start within a string: their white space is the string's."""
    return {
        row
        for one in block.statements
        for node in ast.walk(one)
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
        for row in range(node.lineno + 1, (node.end_lineno or 0) + 1)
    }


def _reindented(rows: list[str], old: str, new: str, kept: set[int], first: int) -> list[str]:
    found: list[str] = []
    for number, row in enumerate(rows, first):
        if number in kept or not row.strip() or not row.startswith(old):
            found.append(row)
        else:
            found.append(new + row[len(old) :])
    return found
