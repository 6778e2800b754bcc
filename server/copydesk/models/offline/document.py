"""The job that writes docstrings: which definitions, in which style, and what is said at the end.

Start with `document`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from copydesk.models.offline.docfacts import facts_of, module_facts
from copydesk.models.offline.docplacing import Look, Refused, keeps_code, leading, place
from copydesk.models.offline.docstyles import PROBES, Style, detect
from copydesk.models.offline.docuse import Uses
from copydesk.models.offline.editing import LineEdit, apply_edits, make_edits
from copydesk.models.offline.intents import Request
from copydesk.models.offline.outcomes import Outcome, listed, only_python
from copydesk.models.offline.planning import Call, Plan
from copydesk.models.offline.pycode import Definition, Documented, Module, NotPython, decorators
from copydesk.models.offline.reading import Failure
from copydesk.models.offline.targets import Target, find_target


@dataclass(slots=True)
class _Draft:
    """What is written, what is not and why, as it is collected."""

    edits: list[tuple[str, LineEdit]] = field(default_factory=list[tuple[str, LineEdit]])
    complete: list[str] = field(default_factory=list[str])
    skipped: list[str] = field(default_factory=list[str])


def document(request: Request) -> Plan[Outcome]:
    """Writes the docstrings that are asked for."""
    target = yield from find_target(request)
    if isinstance(target, Failure):
        return Outcome(target.why)
    if isinstance(target.module, NotPython):
        return Outcome(only_python(target, "write docstrings"))
    if target.path.endswith(".pyi"):
        return Outcome(f"`{target.path}` is a stub file: its docstrings belong in the module it describes.")
    look = yield from _look(target.module, request.text)
    draft = draft_docstrings(
        target.module, _wanted(target, target.module, asked_in_words=bool(request.text)), look, target.path
    )
    why = ""
    if draft.edits:
        why = yield from make_edits(target.path, target.source.lines, [edit for _, edit in draft.edits])
    return _outcome(target, draft, look, why)


def _look(module: Module, text: str) -> Plan[Look]:
    quotes = "'''" if _count(module, "'''") > _count(module, '"""') else '"""'
    said = re.search(r"\b(google|numpy|sphinx|rest|restructuredtext)\b", text, re.IGNORECASE)
    if said:
        word = said[1].lower()
        style: Style | None = "google" if word == "google" else "numpy" if word == "numpy" else "sphinx"
    else:
        style = detect(_docstrings(module))
    if style is None:
        style = yield from _project_style()
    return Look(style, quotes, indent_unit(module), types=_repeats_types(module, style))


def _repeats_types(module: Module, style: Style) -> bool:
    """Whether most entries of the file's docstrings give a type."""
    texts = _docstrings(module)
    typed = {"google": r"(?m)^\s+\*{0,2}\w+ \([^)\n]+\): ", "sphinx": r"(?m)^\s*:type \w+:"}.get(style, r"(?!)")
    plain = {"google": r"(?m)^\s+\*{0,2}\w+: ", "sphinx": r"(?m)^\s*:param \w+:"}.get(style, r"(?!)")
    n_typed = sum(len(re.findall(typed, text)) for text in texts)
    n_plain = sum(len(re.findall(plain, text)) for text in texts)
    return n_typed > (n_plain if style == "google" else n_plain / 2)


def _count(module: Module, quotes: str) -> int:
    return sum(line.lstrip(" \trRuU").startswith(quotes) for line in module.lines)


def _docstrings(module: Module) -> list[str]:
    import ast

    nodes: list[Documented] = [module.tree, *(definition.node for definition in module.definitions)]
    return [text for node in nodes if (text := ast.get_docstring(node, clean=True))]


def _project_style() -> Plan[Style]:
    """The style most files of the project use; Google when none does, or searching is not possible."""
    styles = tuple(PROBES)
    results = yield tuple(Call("grep", {"pattern": PROBES[style], "glob": "*.py", "mode": "files"}) for style in styles)
    counts = {
        style: 0 if result.is_error else len(re.findall(r"(?m)^\S.*\.py\b", result.content))
        for style, result in zip(styles, results, strict=True)
    }
    return max(styles, key=lambda style: counts[style])


def indent_unit(module: Module) -> str:
    """One step of indentation, as the file has it; four spaces when it has none."""
    for definition in module.definitions:
        own, body = leading(module.lines[definition.header]), definition.node.body[0]
        inner = leading(module.lines[body.lineno - 1])
        line = module.lines[body.lineno - 1]
        below = body.lineno - 1 > definition.header and body.col_offset == len(line) - len(line.lstrip())
        if below and inner.startswith(own) and len(inner) > len(own):
            return inner[len(own) :]
    return "\t" if any(line.startswith("\t") for line in module.lines) else "    "


# --- what to document ------------------------------------------------------------------------------------


def _wanted(target: Target, module: Module, *, asked_in_words: bool) -> list[Definition | None]:
    """None stands for the module itself. A class brings its members, unless they were chosen themselves."""
    if target.chosen:
        wanted: list[Definition | None] = []
        for chosen in target.chosen:
            wanted.append(chosen)
            if chosen.kind == "class":
                wanted += [item for item in module.definitions if _is_member(item, chosen)]
        return list(dict.fromkeys(wanted))
    if target.partial and not asked_in_words:
        return [None]
    return [None, *(item for item in module.definitions if not item.in_function)]


def _is_member(item: Definition, owner: Definition) -> bool:
    inside = owner.first <= item.first and item.last <= owner.last and item is not owner
    return inside and item.qualname.startswith(f"{owner.qualname}.") and not item.in_function


def draft_docstrings(module: Module, wanted: Sequence[Definition | None], look: Look, path: str) -> _Draft:
    """Every edit, each proven to leave the code as it is."""
    draft = _Draft()
    uses = Uses(module)
    for definition in wanted:
        name = definition.qualname if definition else "the module"
        if definition is not None and (why := _skip_reason(definition)):
            draft.skipped.append(f"`{name}` ({why})")
            continue
        node: Documented = definition.node if definition else module.tree
        facts = facts_of(module, definition, uses) if definition else module_facts(module, _stem(path))
        match place(module, node, facts, look):
            case Refused(complete=True):
                draft.complete.append(name)
            case Refused(why=why):
                draft.skipped.append(f"`{name}` ({why})")
            case edit:
                draft.edits.append((name, edit))
    return _proven(module, draft)


def _skip_reason(definition: Definition) -> str:
    names = {name.rpartition(".")[2] for name in decorators(definition.node)}
    if "overload" in names:
        return "an overload: the implementation carries the docstring"
    return ""


def _stem(path: str) -> str:
    name = path.replace("\\", "/").rpartition("/")[2].partition(".")[0]
    return name if name not in ("__init__", "__main__") else path.replace("\\", "/").rpartition("/")[0] or name


def _proven(module: Module, draft: _Draft) -> _Draft:
    if keeps_code(module, apply_edits(module.lines, [edit for _, edit in draft.edits])) and _apart(draft):
        return draft
    kept: list[tuple[str, LineEdit]] = []
    for name, edit in draft.edits:
        trial = [*(other for _, other in kept), edit]
        if not _overlaps(edit, [other for _, other in kept]) and keeps_code(module, apply_edits(module.lines, trial)):
            kept.append((name, edit))
        else:
            draft.skipped.append(f"`{name}` (no place for it that surely leaves the code as it is)")
    draft.edits = kept
    return draft


def _apart(draft: _Draft) -> bool:
    return not any(_overlaps(edit, [o for _, o in draft.edits[:i]]) for i, (_, edit) in enumerate(draft.edits))


def _overlaps(edit: LineEdit, others: Sequence[LineEdit]) -> bool:
    """Two changes of one line, or an insertion inside a change. One right before a change does no harm."""
    return any(
        (edit.start, edit.end) == (other.start, other.end) or (edit.start < other.end and other.start < edit.end)
        for other in others
    )


def _outcome(target: Target, draft: _Draft, look: Look, why: str) -> Outcome:
    said: list[str] = [*target.notes]
    if why:
        said.append(f"The docstrings for `{target.path}` could not be written: {why}")
    elif draft.edits:
        many = "a docstring" if len(draft.edits) == 1 else f"{len(draft.edits)} docstrings"
        names = listed([f"`{name}`" if name != "the module" else name for name, _ in draft.edits])
        said.append(f"Wrote {many} in `{target.path}` ({look.style} style): {names}.")
        said.append(
            f"{'It says' if len(draft.edits) == 1 else 'They say'} what the code shows; the purpose is yours to add."
        )
    if draft.complete:
        said.append(
            f"Already complete: {listed([f'`{name}`' if name != 'the module' else name for name in draft.complete])}."
        )
    if draft.skipped:
        said.append(f"Left alone: {listed(draft.skipped)}.")
    return Outcome(
        " ".join(said) or f"`{target.path}` defines nothing to document.", edited=bool(draft.edits) and not why
    )
