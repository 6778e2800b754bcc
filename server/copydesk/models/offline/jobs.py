"""Every job by the kind of work, and the plan of a whole turn. Start with `plan_for`."""

import re
from collections.abc import Callable
from dataclasses import replace

from copydesk.domain.messages import Task
from copydesk.models.offline.document import document
from copydesk.models.offline.editing import LineEdit, make_edits
from copydesk.models.offline.explain import explain
from copydesk.models.offline.fix import fix
from copydesk.models.offline.intents import Action, Request, requests_of
from copydesk.models.offline.outcomes import Outcome
from copydesk.models.offline.planning import Job, Plan
from copydesk.models.offline.reading import Failure, read_whole
from copydesk.models.offline.refactor import annotate, extract, organize, rename, suggest
from copydesk.models.offline.testing import write_tests

CAN_DO = """\
This is the offline model: a set of rules, not a language model, so it cannot do this. It can
- explain: “explain parse_args”, “what does Config.load do”
- document: “add a docstring to parse_args in cli.py”
- fix: “fix the imports”, undefined names, simple syntax errors, what ruff fixes
- test: “write tests for parse_args”
- refactor: “rename foo to bar”, “extract lines 10-14 into a function named load”, “organise imports”, “add types”
For anything else set OPENAI_API_KEY or ANTHROPIC_API_KEY, or start Ollama, or set `model.name`."""


def _unknown(request: Request) -> Plan[Outcome]:
    yield from ()
    part = request.text.strip()
    if part and part != request.task.text.strip():
        return Outcome(f"Left undone: “{part}”. The offline model has no rule for that; it takes a language model.")
    return Outcome(CAN_DO)


_JOBS: dict[Action, Callable[[Request], Plan[Outcome]]] = {
    "explain": explain,
    "document": document,
    "fix": fix,
    "test": write_tests,
    "rename": rename,
    "extract": extract,
    "annotate": annotate,
    "organize": organize,
    "suggest": suggest,
    "unknown": _unknown,
}


def plan_for(job: Job) -> Plan[str]:
    """The task, then what was said while it ran, each in turn."""
    later = (
        replace(job.task, verb="prompt", text=text, problems=(), instruction_comment=False) for text in job.steered
    )
    said: list[str] = []
    for task in (job.task, *later):
        said.append((yield from _one(task)))
    return "\n\n".join(said)


def _one(task: Task) -> Plan[str]:
    said: list[str] = []
    edited = False
    for request in requests_of(task):
        outcome = yield from _JOBS[request.action](request)
        said.append(outcome.text)
        edited = edited or outcome.edited
    if edited and task.instruction_comment and task.path:
        note = yield from _without_comment(task)
        said.append(note)
    return "\n\n".join(text for text in said if text)


def _without_comment(task: Task) -> Plan[str]:
    """Removes the comment that asked, found again in the text as it is now; gives a note when it stays."""
    source = yield from read_whole(task.path)
    if isinstance(source, Failure):
        return f"The comment that asked for this is still there. {source.why}"
    near = task.range.start_line if task.range else 0
    rows = [i for i, line in enumerate(source.lines) if re.search(r"\bcopydesk:", line, re.IGNORECASE)]
    if not rows:
        return ""
    row = min(rows, key=lambda i: (_words(task.text) not in _words(source.lines[i]), abs(i - near)))
    kept = _uncommented(source.lines[row])
    edit = LineEdit(row, row + 1, (kept,) if kept.strip() else ())
    why = yield from make_edits(task.path, source.lines, [edit])
    return f"The comment that asked for this is still there: {why}" if why else ""


def _words(text: str) -> str:
    return " ".join(text.split()).lower()


def _uncommented(line: str) -> str:
    """The line without its instruction comment, whatever opens it."""
    return re.sub(r"\s*(?:#+|//+|--+|;+|%+|/\*+|<!--|\"+)\s*copydesk:.*$", "", line, flags=re.IGNORECASE)
