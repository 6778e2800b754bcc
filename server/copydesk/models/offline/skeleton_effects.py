"""What a function might touch outside itself: files, network, processes, the clock, chance, shared state.

Owns: the taint analysis over a function and everything in the file that it can reach. Errs on the side of "unsafe".
Must not know: values, tests. Start at `hazards` (calls) and `import_hazards` (importing the module).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import cast

from copydesk.models.offline.skeleton_source import (
    Def,
    Module,
    dotted_name,
    imported_names,
    is_type_checking,
    walk_shallow,
    words,
)

PURE = words(
    """
    math cmath re string itertools functools collections collections.abc json json.decoder textwrap
    dataclasses enum typing typing_extensions operator statistics fractions decimal datetime html
    html.entities base64 binascii hashlib struct unicodedata difflib copy bisect heapq keyword numbers
    abc types posixpath ntpath shlex colorsys fnmatch contextlib __future__ urllib.parse ipaddress
    stringprep quopri graphlib array ast _collections_abc
    """
)
UNSAFE_BUILTINS = words(
    """
    open input exit quit exec eval compile __import__ breakpoint help globals locals vars setattr
    delattr
    """
)
UNSAFE_ATTRIBUTES = words(
    """
    now today utcnow system popen spawn fork kill unlink rmdir mkdir makedirs rmtree write_text
    write_bytes read_text read_bytes touch chmod chown symlink_to hardlink_to iterdir is_file is_dir
    exists lstat connect sendall recv accept listen bind urlopen urlretrieve Popen check_output
    check_call communicate sleep getpass write writelines readline readlines flush fileno resolve cwd
    home expanduser stat open glob rglob absolute samefile is_symlink readlink is_mount setcontext
    getcontext localcontext file_digest import_module exec_module
    """
)
OS_PURE = words(
    """
    os.fspath os.sep os.PathLike os.path.join os.path.basename os.path.dirname os.path.splitext
    os.path.split os.path.normpath os.path.isabs os.path.sep os.pathsep os.linesep
    """
)  # fmt: skip
SYS_PURE = frozenset({"sys.maxsize", "sys.version_info", "sys.byteorder", "sys.maxunicode", "sys.float_info"})
EFFECTS = tuple(
    words(
        """
        os. subprocess. socket. shutil. requests. httpx. urllib.request. http. ftplib. smtplib. multiprocessing.
        threading. asyncio.run sys.exit time.sleep tempfile. sqlite3. webbrowser. pathlib. ctypes. signal. select. ssl.
        aiohttp. paramiko. boto3.
        """
    )
)
OS_HARMLESS = frozenset({"os.environ.get", "os.getenv", "os.fspath", "os.getcwd", "os.getpid", "os.cpu_count",
                         "os.register_at_fork", "os.PathLike"})  # fmt: skip


def hazards(module: Module, node: Def, owner: ast.ClassDef | None) -> list[str]:
    """Reasons why calling this function could reach outside; empty means nothing was found."""
    reasons: dict[str, None] = {}
    seen: set[int] = set()
    pending: list[ast.AST] = [node]
    if owner is not None:
        pending.extend(m for m in _methods(owner) if m.name in {"__init__", "__new__", "__post_init__"})
    while pending:
        body = pending.pop()
        if id(body) in seen:
            continue
        seen.add(id(body))
        local = _local_imports(body)
        for inner in _runtime_nodes(body):
            reason = _hazard(module, inner, local)
            if reason:
                reasons[reason] = None
            pending.extend(_reached(module, inner))
    return list(reasons)


def _methods(node: ast.ClassDef) -> Iterator[Def]:
    for item in node.body:
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            yield item


def _local_imports(body: ast.AST) -> dict[str, str]:
    rows: dict[str, str] = {}
    for inner in ast.walk(body):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            rows.update(imported_names(inner))
    return rows


def _runtime_nodes(body: ast.AST) -> Iterator[ast.AST]:
    """Every node of a function that runs, without annotations."""
    pending = [body]
    while pending:
        node = pending.pop()
        yield node
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns"}:
                continue
            children = cast("list[object]", value) if isinstance(value, list) else [cast("object", value)]
            pending.extend(c for c in children if isinstance(c, ast.AST))


def _reached(module: Module, node: ast.AST) -> Iterator[ast.AST]:
    """Functions, classes and methods of the file that a node mentions."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    if not name:
        return
    if isinstance(node, ast.Name):
        if name in module.functions:
            yield module.functions[name]
        if name in module.classes:
            yield from (m for m in _methods(module.classes[name]) if m.name.startswith("__"))
        return
    for cls in module.classes.values():
        yield from (m for m in _methods(cls) if m.name == name)


def _hazard(module: Module, node: ast.AST, local: dict[str, str]) -> str:
    match node:
        case ast.Global(names=names):
            return f"changes the module's {', '.join(names)}"
        case ast.Name(id=name, ctx=ast.Load()):
            return _name_hazard(module, name, local)
        case ast.Attribute(attr=attr, ctx=ast.Load()):
            return _attribute_hazard(module, node, attr, local)
        case ast.AsyncWith() | ast.AsyncFor():
            return "waits for something from outside"
        case ast.With(items=items) if not all(_known_context(i.context_expr) for i in items):
            return "enters a context manager"
        case _:
            return ""


def _known_context(node: ast.expr) -> bool:
    return dotted_name(node.func if isinstance(node, ast.Call) else node) in {"suppress", "contextlib.suppress"}


def _name_hazard(module: Module, name: str, local: dict[str, str]) -> str:
    dotted = local.get(name, "" if module.is_local(name) else module.imports.get(name, ""))
    if dotted:
        return "" if _is_pure(dotted) or dotted in {"sys", "os", "os.path"} else f"uses {dotted}"
    if name in UNSAFE_BUILTINS and not module.is_local(name):
        return f"calls {name}()"
    return ""


def _is_pure(dotted: str) -> bool:
    if dotted in PURE or dotted in OS_PURE or dotted in SYS_PURE or dotted in {"logging", "warnings", "urllib"}:
        return True
    parent, _, last = dotted.rpartition(".")
    return parent in {*PURE, "logging", "warnings"} and last not in UNSAFE_ATTRIBUTES


def _attribute_hazard(module: Module, node: ast.Attribute, attr: str, local: dict[str, str]) -> str:
    dotted = dotted_name(node)
    root = dotted.partition(".")[0]
    origin = local.get(root, module.imports.get(root, ""))
    if origin.partition(".")[0] in {"os", "sys"} and dotted:
        full = origin + dotted[len(root) :]
        allowed = OS_PURE | SYS_PURE
        return "" if full in allowed or any(one.startswith(full + ".") for one in allowed) else f"uses {full}"
    return f"uses .{attr}" if attr in UNSAFE_ATTRIBUTES else ""


def import_hazards(module: Module) -> tuple[list[str], list[str]]:
    """(reasons why importing the module is unsafe, notes on calls that run at import)."""
    unsafe: dict[str, None] = {}
    notes: dict[str, None] = {}
    for statement in module.tree.body:
        if isinstance(statement, ast.If) and _is_main(statement.test):
            continue
        for node in _import_time(statement):
            if isinstance(node, ast.Call):
                _judge_import_call(module, node, unsafe, notes)
    return list(unsafe), list(notes)


def _is_main(test: ast.expr) -> bool:
    return "__name__" in ast.unparse(test) or is_type_checking(test)


def _import_time(statement: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        for part in [*statement.decorator_list, *statement.args.defaults]:
            yield from ast.walk(part)
    elif isinstance(statement, ast.ClassDef):
        for part in statement.body:
            yield from _import_time(part)
    else:
        yield from walk_shallow([statement])


def _judge_import_call(module: Module, node: ast.Call, unsafe: dict[str, None], notes: dict[str, None]) -> None:
    dotted = dotted_name(node.func)
    root, _, rest = dotted.partition(".")
    origin = module.imports.get(root, "")
    full = f"{origin}.{rest}" if origin and rest else origin or dotted
    at = f"line {node.lineno}"
    if (
        full in UNSAFE_BUILTINS - {"globals", "locals", "vars", "setattr", "compile"} and not module.is_local(full)
    ) or (full.startswith(EFFECTS) and full not in OS_HARMLESS | OS_PURE):
        unsafe[f"calls {full}() at {at}"] = None
    elif root in module.functions and not rest:
        reasons = hazards(module, module.functions[root], None)
        if reasons:
            unsafe[f"calls {root}() at {at}, which {reasons[0]}"] = None
        else:
            notes[f"runs {root}() at {at}"] = None
    elif origin and not _is_pure(full):
        notes[f"runs {full}() at {at}"] = None
