"""The offline model: `domain.ports.Model` over the planner. Owns the stream; knows no job, no file and no network.

Start with `answer`, which is pure.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager

from copydesk.domain.messages import Usage
from copydesk.domain.stream import (
    Finished,
    ModelRequest,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from copydesk.models.offline.planning import Calls, Job, newest_job, next_step

MAX_TEXT_PIECES = 8
NO_SCHEMA = (
    "the offline model is a set of rules, not a language model, and has no answers in the shape of a schema. "
    "Set a key (OPENAI_API_KEY, ANTHROPIC_API_KEY), start Ollama, or set model.name."
)
EDITING = frozenset(("edit_file", "write_file", "refactor"))


class OfflineModel:
    """A deterministic planner behind the model protocol. Stateless: one may serve any number of sessions."""

    @property
    def name(self) -> str:
        return "offline"

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[StreamEvent], None]:
        yield _as_async(answer(request))


def answer(request: ModelRequest) -> tuple[StreamEvent, ...]:
    """The whole response to one request."""
    if request.schema is not None:
        return RefusalDelta(NO_SCHEMA), UsageReport(Usage()), Finished("refusal")

    from copydesk.models.offline.jobs import plan_for  # the jobs are needed only when this model is asked

    job = newest_job(request.messages)
    if job is None:
        return (*_text("There is nothing to do: the conversation has no request in it."), Finished("end_turn"))
    if job.closing:
        return (*_text(_unfinished(job)), UsageReport(Usage()), Finished("end_turn"))
    offered = frozenset(tool.name for tool in request.tools)
    match next_step(plan_for(job), job.rounds, offered):
        case str() as words:
            return (*_text(words), UsageReport(Usage()), Finished("end_turn"))
        case calls:
            return (*_calls(calls, len(request.messages)), UsageReport(Usage()), Finished("tool_calls"))


def _unfinished(job: Job) -> str:
    results = [result for results in job.rounds for result in results]
    n_edits = sum(result.name in EDITING and not result.is_error for result in results)
    return (
        f"The step limit was reached before this was finished: {len(results)} tool calls, {n_edits} of them edits, "
        "which are kept. Ask for a smaller part (one function, one file), or raise budget.maxSteps."
    )


def _calls(calls: Calls, n_messages: int) -> Iterator[StreamEvent]:
    """Ids come from the place in the conversation: unique in it, and the same each time."""
    for index, call in enumerate(calls):
        yield ToolCallStart(index, f"offline-{n_messages}-{index}", call.tool)
        yield ToolCallDelta(index, json.dumps(dict(call.arguments), ensure_ascii=False))


def _text(words: str) -> Iterator[StreamEvent]:
    pieces = re.findall(r".*?\n+|.+$", words, re.DOTALL) or [words]
    size = -(-len(pieces) // MAX_TEXT_PIECES)
    for start in range(0, len(pieces), size):
        yield TextDelta("".join(pieces[start : start + size]))


async def _as_async(events: tuple[StreamEvent, ...]) -> AsyncIterator[StreamEvent]:
    for event in events:
        yield event
