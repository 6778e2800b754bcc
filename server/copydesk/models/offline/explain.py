"""The job that explains: a definition, a file or some lines, in Markdown, from the tree and from references.

Start with `explain`.
"""

import ast

from copydesk.models.offline.docfacts import Item, facts_of
from copydesk.models.offline.docraises import raises_of
from copydesk.models.offline.explain_facts import (
    calls,
    complexity,
    complexity_word,
    nodes_of,
    outer_names,
    shape,
    signature,
    traps,
)
from copydesk.models.offline.explain_other import explain_other
from copydesk.models.offline.explain_uses import uses
from copydesk.models.offline.intents import Request
from copydesk.models.offline.outcomes import Outcome, listed
from copydesk.models.offline.planning import Plan
from copydesk.models.offline.pycode import Definition, FunctionNode, Module, decorators
from copydesk.models.offline.reading import Failure
from copydesk.models.offline.targets import Target, find_target

MAX_DEFINITIONS = 4
MAX_CALLS = 12


def explain(request: Request) -> Plan[Outcome]:
    """Explains what is asked about."""
    target = yield from find_target(request)
    if isinstance(target, Failure):
        return Outcome(target.why)
    module = target.module
    if not isinstance(module, Module):
        return (yield from explain_other(target, request))
    if not target.chosen or _is_inner_selection(target, request):
        return Outcome(_lines(target, module) if target.partial else _whole(target, module))
    said: list[str] = [*target.notes]
    for definition in target.chosen[:MAX_DEFINITIONS]:
        said.append((yield from _definition(target, module, definition)))
    left = [f"`{item.qualname}`" for item in target.chosen[MAX_DEFINITIONS:]]
    if left:
        said.append(f"Also selected: {listed(left)}.")
    return Outcome("\n\n".join(said))


def _is_inner_selection(target: Target, request: Request) -> bool:
    """Several lines inside one definition (or those that are said by number), its header not among them."""
    only = target.chosen[0]
    inside = not target.named and only.header < target.first and target.last <= only.last
    meant = target.last > target.first or request.lines is not None
    return inside and meant and len(target.chosen) == 1


def _definition(target: Target, module: Module, definition: Definition) -> Plan[str]:
    used = yield from uses(target, module, definition)
    node = definition.node
    said = [f"### `{definition.qualname}`: {_kind(definition)} at {target.link(definition.header)}"]
    said.append(f"```python\n{signature(module, definition)}\n```")
    if names := decorators(node):
        said.append(f"Decorated with {listed([f'`@{name}`' for name in names if name])}.")
    said.append(_documentation(module, definition))
    if isinstance(node, ast.ClassDef):
        said.extend(_class(target, module, definition, node))
    else:
        said.extend(_function(target, module, node))
    said.append(used)
    if found := traps(module, definition):
        said.append("**Watch out:**\n" + "\n".join(f"- {trap}" for trap in found[:6]))
    return "\n\n".join(part for part in said if part)


def _kind(definition: Definition) -> str:
    node = definition.node
    if isinstance(node, ast.ClassDef):
        return "a class"
    marks = {name.rpartition(".")[2] for name in decorators(node)}
    special = next(
        (mark for mark in ("property", "cached_property", "staticmethod", "classmethod") if mark in marks), ""
    )
    nodes = nodes_of(node.body)
    asynchronous = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    generator = "generator " if any(isinstance(item, ast.Yield | ast.YieldFrom) for item in nodes) else ""
    what = special or (definition.kind if definition.owner or not definition.in_function else "nested function")
    start = f"{asynchronous}{generator}{what}"
    return f"{'an' if start[0] in 'aeiou' else 'a'} {start}"


def _documentation(module: Module, definition: Definition) -> str:
    text = ast.get_docstring(definition.node)
    if text:
        return text.split("\n\n")[0].strip()
    facts = facts_of(module, definition)
    return f"Not documented; by its name and code: {' '.join(part for part in (facts.summary, facts.note) if part)}"


def _function(target: Target, module: Module, node: FunctionNode) -> list[str]:
    nodes = nodes_of(node.body)
    number = complexity(nodes)
    n_lines = (node.end_lineno or node.lineno) - node.lineno + 1
    said = [
        (
            f"**Shape:** {n_lines} line{'s' * (n_lines != 1)}, {shape(nodes) or 'straight code'}; "
            f"cyclomatic complexity {number} ({complexity_word(number)})."
        )
    ]
    if given := _gives(module, node, nodes):
        said.append(given)
    said.append(_called(target, nodes))
    if raised := raises_of(module, node):
        rows = "\n".join(f"- `{name}`: {when}" for name, when in raised)
        said.append(f"**Raises:**\n{rows}")
    rebound, read = outer_names(module, node)
    if rebound:
        said.append(f"**Rebinds** {listed([f'`{name}`' for name in rebound])} outside itself (global or nonlocal).")
    if read:
        said.append(f"**Reads** module variables {listed([f'`{name}`' for name in read])}.")
    return said


def _gives(module: Module, node: FunctionNode, nodes: list[ast.AST]) -> str:
    returned = [item for item in nodes if isinstance(item, ast.Return)]
    if not any(item.value is not None for item in returned):
        return ""
    shown = list(dict.fromkeys(_returned_value(module, item) for item in returned))
    if len(shown) == 1 and shown[0].startswith("an expression"):
        words = next((item.text for item in facts_of_function(module, node) if item.text), "")
        return f"**Returns** {shown[0]}{': ' + words[:1].lower() + words[1:] if words else '.'}"
    return f"**Returns** {listed(shown, 6)}."


def facts_of_function(module: Module, node: FunctionNode) -> tuple[Item, ...]:
    definition = next(item for item in module.definitions if item.node is node)
    return facts_of(module, definition).section("returns")


def _returned_value(module: Module, item: ast.Return) -> str:
    text = module.brief(item.value, 60) if item.value is not None else "None"
    return (
        f"`{text}`"
        if text and "`" not in text
        else f"an expression over lines {item.lineno}-{item.end_lineno}"
        if item.end_lineno != item.lineno
        else f"an expression on line {item.lineno}"
    )


def _called(target: Target, nodes: list[ast.AST]) -> str:
    found = calls(nodes)
    if not found:
        return "It calls nothing."
    return f"**Calls** {listed([f'`{name}` (line {line + 1})' for name, line in found], MAX_CALLS)}."


def _class(target: Target, module: Module, definition: Definition, node: ast.ClassDef) -> list[str]:
    members = [item for item in module.definitions if item.owner is node]
    rows: list[str] = []
    for item in members:
        number = complexity(nodes_of(item.node.body))
        note = f", complexity {number}" if number > 10 else ""
        rows.append(f"- `{item.node.name}` ({item.header + 1}{note})")
    said = ["**Members:**\n" + "\n".join(rows[:30]) + (f"\n- and {len(rows) - 30} more" if len(rows) > 30 else "")]
    if not rows:
        said = ["It defines no methods."]
    attributes = facts_of(module, definition).section("attributes")
    if attributes:
        shown = [f"`{item.name}: {item.type}`" if item.type else f"`{item.name}`" for item in attributes]
        said.append(f"**Attributes:** {listed(shown)}.")
    return said


# --- files and lines -------------------------------------------------------------------------------------


def _whole(target: Target, module: Module) -> str:
    n_lines = len(module.lines)
    said = [f"### `{target.path}`: a module of {n_lines} line{'s' * (n_lines != 1)}"]
    text = ast.get_docstring(module.tree)
    said.append(text.split("\n\n")[0].strip() if text else "It has no docstring.")
    if imported := _imports(module.tree):
        said.append(f"**Imports** {listed([f'`{name}`' for name in imported], 20)}.")
    top = [item for item in module.definitions if "." not in item.qualname]
    rows = [f"- {item.kind} `{item.qualname}` ({item.header + 1}){_one_line_doc(item)}" for item in top]
    if rows:
        said.append("**Defines:**\n" + "\n".join(rows[:40]) + (f"\n- and {len(rows) - 40} more" * (len(rows) > 40)))
    hard = sorted(((complexity(nodes_of(i.node.body)), i) for i in module.definitions if i.kind != "class"),
                  key=lambda pair: -pair[0])  # fmt: skip
    if hard and hard[0][0] > 10:
        shown = [f"`{item.qualname}` ({number})" for number, item in hard[:3] if number > 10]
        said.append(f"**Most complex:** {listed(shown)}.")
    if any(isinstance(item, ast.If) and "__main__" in ast.unparse(item.test) for item in module.tree.body):
        said.append("It does something when it is run as a script.")
    return "\n\n".join(said)


def _one_line_doc(item: Definition) -> str:
    text = ast.get_docstring(item.node)
    return f": {text.splitlines()[0].strip()}" if text and text.splitlines() else ""


def _imports(tree: ast.Module) -> list[str]:
    found: list[str] = []
    for node in tree.body:
        match node:
            case ast.Import(names=names):
                found.extend(alias.name for alias in names)
            case ast.ImportFrom(module=module, level=level):
                found.append("." * level + (module or ""))
            case _:
                pass
    return list(dict.fromkeys(found))


def _lines(target: Target, module: Module) -> str:
    """The selected statements, by what they bind, read, call and decide."""
    first, last = target.first, target.last
    inside = _statements(module.tree, first, last)
    where = f" in `{target.chosen[0].qualname}`" if target.chosen else ""
    span = f"{first + 1}" if first == last else f"{first + 1}-{last + 1}"
    said = [f"### `{target.path}:{span}`{where}"]
    if not inside:
        return f"{said[0]}\n\nThere is no whole statement in these lines."
    nodes = nodes_of(inside)
    number = complexity(nodes)
    said.append(f"{len(inside)} statement{'s' * (len(inside) != 1)}, {shape(nodes) or 'straight code'}; "
                f"{number - 1} decision{'s' * (number != 2)}.")  # fmt: skip
    names = [item for item in nodes if isinstance(item, ast.Name)]
    bound = list(dict.fromkeys(item.id for item in names if isinstance(item.ctx, ast.Store)))
    called = {name.partition(".")[0] for name, _ in calls(nodes)}
    read = dict.fromkeys(
        i.id for i in names if isinstance(i.ctx, ast.Load) and i.id not in bound and i.id not in called
    )
    if bound:
        said.append(f"**Sets** {listed([f'`{name}`' for name in bound])}.")
    if read:
        said.append(f"**Reads** {listed([f'`{name}`' for name in read])}.")
    said.append(_called(target, nodes))
    return "\n\n".join(said)


def _statements(tree: ast.Module, first: int, last: int) -> list[ast.stmt]:
    """The outermost statements that lie in the lines, else the innermost one around them."""
    found: list[ast.stmt] = []
    around: ast.stmt | None = None
    queue: list[ast.AST] = [tree]
    while queue:
        for child in ast.iter_child_nodes(queue.pop(0)):
            start, end = getattr(child, "lineno", 0) - 1, (getattr(child, "end_lineno", 0) or 0) - 1
            if isinstance(child, ast.stmt) and first <= start and end <= last:
                found.append(child)
                continue
            if isinstance(child, ast.stmt) and start <= first and last <= end:
                around = child
            queue.append(child)
    return found or ([around] if around else [])
