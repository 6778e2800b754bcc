"""What must hold of a documented file: it parses, its code is the same, only lines were added, parameters agree."""

import ast
import difflib
import re
import warnings

from tests.corpus.tools import lines_of


def bare(text: str) -> str:
    """The tree as text, docstrings left out."""
    tree = parsed(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and has_docstring(node):
            node.body = node.body[1:]
    return ast.dump(tree)


def parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def has_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None


def outside_docstrings(text: str) -> list[str]:
    """The lines that are no part of a docstring; what shares a line with one is kept without it."""
    lines = lines_of(text)
    kept = list(lines)
    gone: set[int] = set()
    for node in ast.walk(parsed("\n".join(lines))):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not has_docstring(node):
            continue
        literal = node.body[0].value  # type: ignore[attr-defined]
        first, last = literal.lineno - 1, literal.end_lineno - 1
        before = lines[first].encode()[: literal.col_offset].decode()
        after = lines[last].encode()[literal.end_col_offset :].decode()
        kept[first] = before + after
        gone |= set(range(first + 1, last + 1)) | ({first} if not (before + after).strip() else set())
    return [line for i, line in enumerate(kept) if i not in gone]


def lost_lines(before: str, after: str) -> list[str]:
    """Lines outside docstrings that are not in the result as they were. One-liners may be split at their colon."""
    old, new = outside_docstrings(before), outside_docstrings(after)
    if [row for row in old if row.strip()] == [row for row in new if row.strip()]:
        return []
    squeezed_old, squeezed_new = re.sub(r"\s+", "", "".join(old)), re.sub(r"\s+", "", "".join(new))
    if squeezed_old == squeezed_new:
        return []
    return [row for row in difflib.ndiff(old, new) if row.startswith(("- ", "+ "))]


def lost_words(before: str, after: str) -> list[str]:
    """Docstrings of `before` whose words are not all in `after`, in order."""
    olds, news = docstrings(before), docstrings(after)
    return [name for name, text in olds.items() if not _subsequence(text.split(), news.get(name, "").split())]


def _subsequence(part: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(word in rest for word in part)


def docstrings(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, node in enumerate(_documented(parsed(text))):
        doc = ast.get_docstring(node)
        if doc:
            found[f"{number} {getattr(node, 'name', '')}"] = doc
    return found


def _documented(tree: ast.AST) -> list[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def undocumented_parameters(text: str, written: set[str]) -> list[str]:
    """Functions among `written` (qualified names) whose docstring does not name every parameter, in order."""
    found: list[str] = []

    def visit(node: ast.AST, prefix: str, in_class: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}{child.name}"
                if name in written and not isinstance(child, ast.ClassDef) and not _agrees(child, in_class):
                    found.append(name)
                visit(child, f"{name}.", isinstance(child, ast.ClassDef))
            else:
                visit(child, prefix, in_class)

    visit(parsed(text), "", in_class=False)
    return found


def _agrees(node: ast.FunctionDef | ast.AsyncFunctionDef, in_class: bool) -> bool:
    if any(ast.unparse(item).endswith("overload") for item in node.decorator_list):
        return True
    args = node.args
    names = [arg.arg for arg in [*args.posonlyargs, *args.args]]
    static = any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in node.decorator_list)
    if in_class and names and not static:
        names = names[1:]
    names += [arg.arg for arg in (args.vararg, *args.kwonlyargs, args.kwarg) if arg]
    doc = ast.get_docstring(node) or ""
    return all(re.search(rf"(?m)(^\s*|[ ,*\\`]){re.escape(name)}\b", doc) for name in names)
