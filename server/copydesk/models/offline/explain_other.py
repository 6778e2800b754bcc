"""Explaining what is not Python, or Python that does not parse: definitions, references, and the honest limit.

Start with `explain_other`.
"""

import re

from copydesk.models.offline.intents import Request
from copydesk.models.offline.outcomes import Outcome, listed
from copydesk.models.offline.planning import Call, Plan
from copydesk.models.offline.pycode import NotPython
from copydesk.models.offline.reading import one_line, places
from copydesk.models.offline.targets import Target

_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[A-Za-z_$][\w$]*")


def explain_other(target: Target, request: Request) -> Plan[Outcome]:
    """A modest answer: what is defined where, the selected definition's own text, and who names it."""
    (listing,) = yield (Call("definitions", {"path": target.path}),)
    rows = [] if listing.is_error else [row.rstrip() for row in listing.content.split("\n") if _NUMBER.search(row)]
    said = [_title(target)]
    row = _row_for(rows, target, request)
    name = _name_in(row, request)
    if row and name:
        said.append(f"It stands in this definition:\n```\n{row.strip()}\n```")
        said.append((yield from _mentions(target, name)))
    elif rows:
        said.append(
            "It defines:\n```\n" + "\n".join(rows[:40]) + "\n```" + (f"\nand {len(rows) - 40} more." * (len(rows) > 40))
        )
    else:
        why = f" ({one_line(listing.content)})" if listing.is_error else ""
        said.append(f"No definitions were found in it{why}.")
    said.append(_limit(target))
    return Outcome("\n\n".join(said))


def _title(target: Target) -> str:
    where = target.path
    if target.partial:
        where += f":{target.first + 1}" + (f"-{target.last + 1}" if target.last > target.first else "")
    n_lines = len(target.source.lines)
    return f"### `{where}` ({n_lines} line{'s' * (n_lines != 1)})"


def _row_for(rows: list[str], target: Target, request: Request) -> str:
    """The row that names what is asked, else the last that starts at or before the selection."""
    for name in [*request.names, *request.words]:
        for row in rows:
            if re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", row):
                return row
    best = ""
    if target.partial:
        for row in rows:
            number = _NUMBER.search(row)
            if number and int(number[0]) - 1 <= target.last:
                best = row
    return best


def _name_in(row: str, request: Request) -> str:
    said = [name for name in [*request.names, *request.words] if name in row]
    if said:
        return said[0]
    kinds = {"function", "method", "class", "interface", "type", "enum", "struct", "const", "let", "var", "fn", "pub",
             "export", "default", "async", "def", "impl", "trait", "mod", "func", "field", "variable", "constant",
             "property", "module", "static", "line", "lines", "heading", "constructor"}  # fmt: skip
    return next((word for word in _WORD.findall(row) if word.lower() not in kinds), "")


def _mentions(target: Target, name: str) -> Plan[str]:
    pattern = rf"\b{re.escape(name)}\b"
    (result,) = yield (Call("grep", {"pattern": pattern}),)
    found = [] if result.is_error else places(result.content)
    if not found:
        return f"No other mention of `{name}` was found."
    return f"`{name}` is mentioned at {listed([f'`{place.path}:{place.line}`' for place in found])}."


def _limit(target: Target) -> str:
    problem = target.module
    if isinstance(problem, NotPython) and problem.line >= 0:
        return f"It does not parse as Python: {problem.message} (line {problem.line + 1}). Fix that to be told more."
    return "The offline model reads only Python in depth; for more here it takes a language model."
