"""Who uses a definition: each place with the function it is in, real uses before imports.

Start with `uses`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from copydesk.models.offline.explain_facts import callers
from copydesk.models.offline.planning import Call, Plan
from copydesk.models.offline.pycode import Definition, Module
from copydesk.models.offline.reading import Place, places
from copydesk.models.offline.targets import Target

MAX_USES = 8
MAX_FILES = 4
_ROW = re.compile(r"^(?P<indent> *)(?P<first>\d+)(?:–(?P<last>\d+))? .*?\b(?:def|class) +(?P<name>\w+)")


@dataclass(frozen=True, slots=True)
class _Span:
    """A definition's lines (1-based) in some file."""

    first: int
    last: int
    name: str


def uses(target: Target, module: Module, definition: Definition) -> Plan[str]:
    """From code_intel; else the callers in this file alone, said to be that."""
    arguments = {
        "action": "references",
        "path": target.path,
        "line": definition.header + 1,
        "symbol": definition.node.name,
    }
    (result,) = yield (Call("code_intel", arguments),)
    known = [] if result.is_error else places(result.content)
    found = [place for place in known if not _is_itself(place, target, definition)]
    imports = [place for place in found if re.match(r"\s*(from\s|import\s)", place.text)]
    real = [
        place for place in found if place not in imports and not re.match(r"\s*(async\s+def|def|class)\s", place.text)
    ]
    if real:
        return (yield from _listed(target, module, real, imports))
    if imports:
        where = ", ".join(f"`{place.path}:{place.line}`" for place in imports[:MAX_USES])
        return f"Nothing uses it yet but {where}, where it is imported."
    return _by_name(target, module, definition, failed=result.is_error)


def _is_itself(place: Place, target: Target, definition: Definition) -> bool:
    same = place.path.replace("\\", "/").endswith(target.path.replace("\\", "/"))
    return same and place.line - 1 == definition.header


def _listed(target: Target, module: Module, real: list[Place], imports: list[Place]) -> Plan[str]:
    shown = list({(place.path, place.line): place for place in real}.values())
    n_uses, shown = len(shown), shown[:MAX_USES]
    spans = yield from _spans(target, module, [place.path for place in shown])
    rows = [_row(place, _holder(spans.get(place.path, ()), place.line)) for place in shown]
    more = [f"- and {n_uses - len(shown)} more"] if n_uses > len(shown) else []
    only_imported = dict.fromkeys(place.path for place in imports if all(place.path != one.path for one in real))
    tail = (
        f"\n\nAlso imported in {', '.join(f'`{path}`' for path in list(only_imported)[:4])}." if only_imported else ""
    )
    return f"**Used by** ({n_uses}):\n" + "\n".join([*rows, *more]) + tail


def _spans(target: Target, module: Module, paths: Sequence[str]) -> Plan[dict[str, Sequence[_Span]]]:
    own = [_Span(item.first + 1, item.last + 1, item.qualname) for item in module.definitions]
    found: dict[str, Sequence[_Span]] = {target.path: own}
    others = [path for path in dict.fromkeys(paths) if path != target.path][:MAX_FILES]
    if others:
        results = yield tuple(Call("definitions", {"path": path}) for path in others)
        for path, result in zip(others, results, strict=True):
            found[path] = [] if result.is_error else _outline(result.content)
    return found


def _outline(content: str) -> list[_Span]:
    """Dotted names from an outline that shows nesting by indentation."""
    found: list[_Span] = []
    above: list[tuple[int, str]] = []
    for line in content.split("\n"):
        match = _ROW.match(line)
        if match is None:
            continue
        above = [one for one in above if one[0] < len(match["indent"])]
        name = ".".join([*(one[1] for one in above), match["name"]])
        above.append((len(match["indent"]), match["name"]))
        found.append(_Span(int(match["first"]), int(match["last"] or match["first"]), name))
    return found


def _holder(spans: Sequence[_Span], line: int) -> str:
    inside = [span for span in spans if span.first <= line <= span.last]
    return max(inside, key=lambda span: span.first).name if inside else ""


def _row(place: Place, holder: str) -> str:
    text = re.sub(r"\s+", " ", place.text.lstrip(":| ")).strip()
    said = f" `{text[:90]}{'…' * (len(text) > 90)}`" if text and "`" not in text else ""
    return f"- `{place.path}:{place.line}`" + (f" in `{holder}`" if holder else "") + (f":{said}" if said else "")


def _by_name(target: Target, module: Module, definition: Definition, *, failed: bool) -> str:
    """Without references: who calls something of this name here. It may be another thing of the same name."""
    span = range(definition.first, definition.last + 1)
    here = [(name, line) for name, line in callers(module, definition) if line not in span]
    limit = " in this file; other files could not be asked" if failed else ""
    if here:
        rows = [f"- {target.link(line)} in `{name}`" for name, line in here[:MAX_USES]]
        more = [f"- and {len(here) - MAX_USES} more"] if len(here) > MAX_USES else []
        return (
            "**Called by name**"
            + (limit or " in this file, which may be another of that name")
            + ":\n"
            + "\n".join([*rows, *more])
        )
    return f"No use of it was found{limit or ' in the workspace'}."
