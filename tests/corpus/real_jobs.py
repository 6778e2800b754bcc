"""Every offline job on one real file, each with what must hold of its result. Start with `run_files`."""

import ast
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from copydesk.domain.messages import LineRange
from copydesk.tools.reading import LINE_CHARS
from tests.corpus import real_checks as checks
from tests.corpus.checks import bare, lost_lines, lost_words, parsed, undocumented_parameters
from tests.corpus.real_core import Figures, Played, RealDesk, real_desk
from tests.corpus.sources import text_of
from tests.corpus.test_fix import misspelt, without_colon

NEW = "renamed_in_corpus"
MAX_LINES = 2500
Functions = list[ast.FunctionDef | ast.AsyncFunctionDef]


class Subject:
    """One file: its text, what is defined in it, and a source of chance that depends on its name alone."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text, self.lines = path, text, text.split("\n")
        self.chance = random.Random(path.name + str(len(text)))
        self.tree = parsed(text)
        self.functions: Functions = [
            n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        self.chance.shuffle(self.functions)


Job = Callable[[RealDesk, Subject, Figures], Awaitable[None]]


def _note(
    figures: Figures, kind: str, subject: Subject, played: Played, wrong: Sequence[str], *, changed: bool
) -> None:
    figures.note(kind, played, changed=changed)
    outcome = played.outcome
    said = [f"stopped with {outcome.stop_reason}: {outcome.error}"] if outcome.stop_reason != "end_turn" else []
    if outcome.review.state not in ("none", "applied"):
        said.append(f"the edit was {outcome.review.state}: {[file.note for file in outcome.review.files]}")
    figures.failures += [f"{kind} {subject.path}: {why} ({played.said[:160]!r})" for why in [*said, *wrong]]


def _at(line: int) -> LineRange:
    return LineRange(line, 0, line, 0)


async def explain(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    for node in subject.functions[:1]:
        played = await desk.play({"subject.py": subject.text}, "explain", at=_at(node.lineno - 1))
        wrong = [] if f"{node.name}`" in played.said.partition("\n")[0] else ["it is about something else"]
        used = played.said.partition("**Used by**")[2].partition("\n\n")[0].split("\n")[1:]
        wrong += ["a use is listed twice"] * (len(set(used)) != len(used)) + ["…`"] * ("`…`" in played.said)
        _note(figures, "explain", subject, played, wrong, changed=False)


def _documented(subject: Subject, played: Played) -> list[str]:
    after = played.texts["subject.py"]
    wrong = checks.parses(after)
    if wrong:
        return wrong
    wrong += ["the code changed"] * (bare(subject.text) != bare(after))
    wrong += [f"lost {row!r}" for row in lost_lines(subject.text, after)[:3]]
    wrong += [f"lost words of {name}" for name in lost_words(subject.text, after)[:3]]
    written = set(re.findall(r"`([\w.]+)`", played.said.partition("Already complete")[0].partition("Left alone")[0]))
    named = [n.name for n in ast.walk(subject.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    once = {name for name in written if named.count(name.rpartition(".")[2]) == 1}
    return wrong + [f"parameters of {name}" for name in undocumented_parameters(after, once)]


async def document(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    for node in subject.functions[:1]:
        played = await desk.play({"subject.py": subject.text}, "document", at=_at(node.lineno - 1))
        changed = played.texts["subject.py"] != subject.text
        _note(figures, "document", subject, played, _documented(subject, played), changed=changed)


async def document_file(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    played = await desk.play({"subject.py": subject.text}, "document")
    changed = played.texts["subject.py"] != subject.text
    _note(figures, "document file", subject, played, _documented(subject, played), changed=changed)


async def fix_colon(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    planted = without_colon(subject.text, subject.path.name)
    if planted:
        played = await desk.play({"subject.py": planted[0]}, "fix")
        after = played.texts["subject.py"]
        wrong = ["it is neither as it was nor repaired"] * (after not in (planted[0], subject.text))
        _note(figures, "fix colon", subject, played, wrong, changed=after == subject.text)


async def fix_name(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    planted = misspelt(subject.text, subject.path.name)
    if planted:
        played = await desk.play({"subject.py": planted[0]}, "fix", at=planted[1].range)
        after = played.texts["subject.py"]
        _note(figures, "fix name", subject, played, checks.parses(after), changed=after == subject.text)


async def annotate(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    if not subject.functions:
        return
    played = await desk.play({"subject.py": subject.text}, "refactor", "add type annotations to the whole file")
    after = played.texts["subject.py"]
    wrong = checks.only_annotated(subject.text, after)
    if after != subject.text and not wrong:
        figures.annotated.append((str(subject.path), subject.text, after))
    _note(figures, "annotate file", subject, played, wrong, changed=after != subject.text)


async def rename_local(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    for node in subject.functions:
        stored = [n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id != "_"]
        declared = {name for n in ast.walk(node) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names}
        stored = [n for n in stored if n.id not in declared and len(n.id) > 1]
        if not stored:
            continue
        use = subject.chance.choice(stored)
        column = len(subject.lines[use.lineno - 1].encode()[: use.col_offset].decode())
        at = LineRange(use.lineno - 1, column, use.lineno - 1, column)
        played = await desk.play({"subject.py": subject.text}, "refactor", f"rename {use.id} to {NEW}", at=at)
        after = played.texts["subject.py"]
        wrong = checks.only_renamed(subject.text, after, use.id, NEW)
        _note(figures, "rename local", subject, played, wrong, changed=after != subject.text)
        return


async def rename_across(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    public = [n for n in subject.tree.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]
    if not public:
        return
    node = subject.chance.choice(public)
    user = f"from subject import {node.name}\n\n__all__ = ['{node.name}']\n\n\ndef use():\n    return {node.name}\n"
    files = {"subject.py": subject.text, "user.py": user}
    played = await desk.play(files, "refactor", f"rename {node.name} to {NEW}", at=_at(node.lineno - 1))
    after = played.texts["subject.py"]
    wrong = checks.only_renamed(subject.text, after, node.name, NEW)
    if after != subject.text:
        wrong += ["the other file was not renamed"] * (played.texts["user.py"] != user.replace(node.name, NEW))
        figures.renamed.append((str(subject.path), subject.text, after))
    _note(figures, "rename across", subject, played, wrong, changed=after != subject.text)


async def extract_variable(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    for node in subject.functions:
        calls = [n.value for n in node.body if isinstance(n, ast.Return) and isinstance(n.value, ast.Call | ast.BinOp)]
        for value in calls:
            line = subject.lines[value.lineno - 1]
            if value.lineno != value.end_lineno or not line.isascii():
                continue
            at = LineRange(value.lineno - 1, value.col_offset, value.lineno - 1, value.end_col_offset or 0)
            shown = line[at.start_column : at.end_column]
            played = await desk.play(
                {"subject.py": subject.text},
                "refactor",
                f"extract `{shown}` on line {value.lineno} into a variable named {NEW}",
                at=at,
            )
            after = played.texts["subject.py"]
            wrong = [] if after == subject.text else checks.inlines_back(subject.text, after, NEW)
            _note(figures, "extract variable", subject, played, wrong, changed=after != subject.text)
            return


async def extract_function(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    for node in subject.functions:
        if len(node.body) < 4 or not (5 < (node.end_lineno or 0) - node.lineno < 60):
            continue
        start = subject.chance.randrange(1, len(node.body) - 1)
        first, last = node.body[start].lineno, node.body[start + 1].end_lineno or 0
        top = next(n for n in subject.tree.body if n.lineno <= node.lineno <= (n.end_lineno or 0))
        above = min([top.lineno, *(d.lineno for d in getattr(top, "decorator_list", ()))]) - 1
        while above and subject.lines[above - 1].startswith("#"):
            above -= 1
        played = await desk.play(
            {"subject.py": subject.text}, "refactor", f"extract lines {first}-{last} into a function named {NEW}"
        )
        after = played.texts["subject.py"]
        wrong = (
            []
            if after == subject.text
            else checks.outside_is_kept(subject.text, after, above, (top.end_lineno or 1) - 1)
        )
        _note(figures, "extract function", subject, played, wrong, changed=after != subject.text)
        return


async def organise(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    played = await desk.play({"subject.py": subject.text}, "refactor", "organise the imports")
    after = played.texts["subject.py"]
    wrong = checks.imports_only_sorted(subject.text, after)
    _note(figures, "organise imports", subject, played, wrong, changed=after != subject.text)


async def write_tests(desk: RealDesk, subject: Subject, figures: Figures) -> None:
    played = await desk.play({"subject.py": subject.text}, "test")
    written = {name: text for name, text in played.texts.items() if name != "subject.py"}
    wrong = [why for text in written.values() for why in checks.parses(text)]
    figures.skeletons += [(str(subject.path), text) for text in written.values() if not wrong]
    _note(figures, "test file", subject, played, wrong, changed=bool(written))


JOBS: tuple[Job, ...] = (
    explain, document, document_file, fix_colon, fix_name, annotate, rename_local, rename_across, extract_variable,
    extract_function, organise, write_tests,
)  # fmt: skip


async def run_files(paths: Sequence[Path], jobs: Sequence[Job] = JOBS) -> Figures:
    """Every job on every file, in one core."""
    figures = Figures()
    async with real_desk() as desk:
        for path in paths:
            text = text_of(path)
            if text is None or "\r" in text or "\f" in text or text.count("\n") > MAX_LINES:
                continue
            if max(map(len, text.split("\n"))) > LINE_CHARS:  # refused by all of them, and tested where that is done
                continue
            subject = Subject(path, text)
            for job in jobs:
                try:
                    await job(desk, subject, figures)
                except Exception as error:  # noqa: BLE001  # a crash is one of the things counted
                    figures.failures.append(f"{job.__name__} {path}: crashed: {error!r}")
    return figures
