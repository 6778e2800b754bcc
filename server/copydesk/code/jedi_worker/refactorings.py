"""Rename, extract variable, extract function: jedi's refactorings, with the checks that keep the code running.

Answers spans or texts, writes nothing. Refuses, with the reason, rather than breaking a program.
Start with `rename` and `extract`.
"""

# jedi and parso have no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false, reportUnknownParameterType=false, reportMissingParameterType=false

import ast
import keyword
import os
from collections.abc import Iterator
from typing import Any

from copydesk.code.jedi_worker.extraction import extract_statements
from copydesk.code.jedi_worker.references import references
from copydesk.code.jedi_worker.refusals import refuse
from copydesk.code.jedi_worker.virtual import VirtualFiles

Spans = list[tuple[int, int, int, str]]  # line (0-based), start column, end column, new text


def check_name(name: str) -> None:
    if not name.isidentifier():
        refuse(f"{name!r} is not a name: use letters, digits and underscores, and no digit first.")
    if keyword.iskeyword(name):
        refuse(f"{name!r} is a keyword of Python.")


def rename(files: VirtualFiles, script: Any, request: dict[str, Any]) -> dict[str, Any]:
    """`{files: {path: spans}, moves: [[from, to]]}`."""
    new_name = request["new_name"]
    check_name(new_name)
    names = references(script, request["line"] + 1, request["column"])
    if not names:
        refuse("There is no name at this place that can be renamed.")
    old_name = names[0].name
    if old_name == new_name:
        refuse(f"It is called {new_name!r} already.")
    _check_in_project(names, request["root"])
    spans: dict[str, Spans] = {}
    for name in names:
        _check_free(name, new_name)
        if name._name.tree_name is not None:
            row = (name.line - 1, name.column, name.column + len(name.name), new_name)
            spans.setdefault(str(name.module_path), []).append(row)
    for path, tree in _modules_of_globals(names):
        spans[path].extend(_exported(tree, old_name, new_name))
    moves = _moves(names, new_name)
    _check_moves(files, moves)
    return {"files": {path: sorted(set(rows)) for path, rows in spans.items()}, "moves": moves}


def _check_in_project(names: list[Any], root: str) -> None:
    for name in names:
        path = str(name.module_path or "")
        inside = path.startswith(root.rstrip(os.sep) + os.sep)
        if not inside or "site-packages" in path:
            refuse(f"{name.name!r} is defined outside of the workspace, in {path or name.module_name!r}.")


def _check_free(name: Any, new_name: str) -> None:
    """No other thing of the new name where the renamed one can be seen: neither may hide the other."""
    from jedi.parser_utils import get_parent_scope

    leaf = name._name.tree_name
    if leaf is None:
        return
    scope = get_parent_scope(leaf) or leaf.get_root_node()
    if leaf.parent.type in ("funcdef", "classdef") and leaf.parent.name is leaf:
        scope = get_parent_scope(leaf.parent) or leaf.get_root_node()
    is_member = scope.type == "classdef"
    for other in leaf.get_root_node().get_used_names().get(new_name, []):
        same_scope = is_member and get_parent_scope(other) is scope
        inside = not is_member and scope.start_pos <= other.start_pos < scope.end_pos
        if _is_plain(other) and not _is_attribute(leaf) and (same_scope or inside):
            refuse(f"{new_name!r} exists already on line {other.start_pos[0]} of {name.module_path}.")


def _is_attribute(leaf: Any) -> bool:
    return leaf.parent.type == "trailer" and leaf.parent.children[0] == "."


def _is_plain(leaf: Any) -> bool:
    is_keyword = leaf.parent.type == "argument" and leaf.parent.children[0] is leaf and leaf.parent.children[1] == "="
    return not is_keyword and not _is_attribute(leaf)


def _modules_of_globals(names: list[Any]) -> Iterator[tuple[str, Any]]:
    """The modules in which the renamed thing is a global name, and so may be listed in `__all__`."""
    from jedi.parser_utils import get_parent_scope

    seen: set[str] = set()
    for name in names:
        leaf = name._name.tree_name
        path = str(name.module_path)
        if leaf is None or path in seen or not leaf.is_definition(include_setitem=False):
            continue
        holder = leaf.parent if leaf.parent.type in ("funcdef", "classdef") else leaf
        if getattr(get_parent_scope(holder), "type", "") == "file_input":
            seen.add(path)
            yield path, leaf.get_root_node()


def _exported(tree: Any, old_name: str, new_name: str) -> Iterator[tuple[int, int, int, str]]:
    """The strings in `__all__` that say the old name."""
    for leaf in tree.get_used_names().get("__all__", []):
        statement = leaf.search_ancestor("expr_stmt") or leaf.search_ancestor("simple_stmt")
        for string in _strings(statement) if statement is not None else ():
            try:
                is_name = ast.literal_eval(string.value) == old_name
            except (ValueError, SyntaxError):
                is_name = False
            at = string.value.find(old_name)
            if is_name and at > 0 and string.start_pos[0] == string.end_pos[0]:
                column = string.start_pos[1] + at
                yield string.start_pos[0] - 1, column, column + len(old_name), new_name


def _strings(node: Any) -> Iterator[Any]:
    if node.type == "string":
        yield node
    for child in getattr(node, "children", ()):
        yield from _strings(child)


def _moves(names: list[Any], new_name: str) -> list[tuple[str, str]]:
    """A module or package is renamed by moving its file or folder."""
    from jedi.api.refactoring import rename as planned

    modules = [name for name in names if name.type in ("module", "namespace") and name._name.tree_name is None]
    if not modules:
        return []
    renames = planned(modules[0]._inference_state, modules, new_name).get_renames()
    return [(str(source), str(target)) for source, target in renames]


def _check_moves(files: VirtualFiles, moves: list[tuple[str, str]]) -> None:
    for _, target in moves:
        if files.has(target) or (os.path.exists(target) and not files.is_deleted(target)):
            refuse(f"{target!r} exists already.")


def extract(files: VirtualFiles, script: Any, request: dict[str, Any]) -> dict[str, Any]:
    """`{text}`: the whole new text of the file."""
    from jedi import RefactoringError

    new_name, kind = request["new_name"], request["kind"]
    check_name(new_name)
    for leaf in script._module_node.get_used_names().get(new_name, []):
        if _is_plain(leaf):
            refuse(f"{new_name!r} exists already on line {leaf.start_pos[0]}.")
    before = files.read(request["path"])
    line, column, until_line, until_column = _trimmed(before, request["range"])
    if kind == "function":
        own = (
            extract_statements(before, line + 1, until_line + 1, new_name) if _is_whole(before, line, column) else None
        )
        if own is not None:
            if not _parses(own):
                refuse("Nothing can be extracted here: the result would not be valid Python.")
            return {"text": own}
        until_line, until_column = _whole_lines(before, line, column, until_line, until_column)
    method = script.extract_variable if kind == "variable" else script.extract_function
    try:
        changed = method(line + 1, column, new_name=new_name, until_line=until_line + 1, until_column=until_column)
        text = next(iter(changed.get_changed_files().values())).get_new_code()
    except RefactoringError as error:
        refuse(f"Nothing can be extracted here: {error}.")
    if _parses(before) and not _parses(text):
        refuse("Nothing can be extracted here: the result would not be valid Python.")
    return {"text": text}


def _is_whole(text: str, line: int, column: int) -> bool:
    """Whether a selection starts with the first character of its line."""
    lines = text.split("\n")
    return line < len(lines) and not lines[line][:column].strip()


def _parses(text: str) -> bool:
    try:
        compile(text, "<text>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def _whole_lines(text: str, line: int, column: int, until_line: int, until_column: int) -> tuple[int, int]:
    """Where whole statements end for jedi: it joins two lines unless their line break is within the selection."""
    import parso

    lines = parso.split_lines(text, keepends=True)  # pyright: ignore[reportPrivateImportUsage]  # it is documented
    rest = lines[until_line][until_column:].strip()
    if lines[line][:column].strip() or (rest and not rest.startswith("#")) or until_line + 1 >= len(lines):
        return until_line, until_column
    return until_line + 1, 0


def _trimmed(text: str, selection: list[int]) -> tuple[int, int, int, int]:
    """The selection without white space at its ends: an editor's line selection ends at column 0 of the next."""
    import parso

    lines = parso.split_lines(text, keepends=True)  # pyright: ignore[reportPrivateImportUsage]  # it is documented
    line, column, until_line, until_column = selection
    until_line = min(until_line, len(lines) - 1)
    while (line, column) < (until_line, until_column) and not lines[until_line][:until_column].strip():
        until_line -= 1
        until_column = len(lines[until_line])
    until_column = len(lines[until_line][:until_column].rstrip())
    while (line, column) < (until_line, until_column) and not lines[line][column:].strip():
        line, column = line + 1, 0
    return line, column + len(lines[line][column:]) - len(lines[line][column:].lstrip()), until_line, until_column
