"""Tool calls, in four phases: prepare → ask → execute → finalize.

prepare finds the tool, checks the arguments and names the places; ask lets the approver decide; execute runs it;
finalize bounds what the model sees. Consecutive reads run in parallel, everything else alone, and results stand in
call order. Every call gets exactly one result, whatever happens to it.
"""

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import anyio

from copydesk.agent.journal import TurnParts
from copydesk.domain.errors import CopydeskError, InvalidArguments, PermissionDenied
from copydesk.domain.events import PermissionAnswered, PermissionAsked, ToolCallStarted, ToolCallUpdated
from copydesk.domain.messages import Message, ToolCall, ToolResult
from copydesk.domain.permissions import PermissionRequest
from copydesk.domain.ports import Tool, Work
from copydesk.domain.tools import Prepared, ToolOutput

log = logging.getLogger("copydesk.agent")

LIMIT_CHARACTERS = 60_000
"""Most characters of one result. Tools bound themselves more tightly; this catches what they miss."""

MAX_PARALLEL = 8
STOPPED = "the turn was stopped while the question was open."
INTERRUPTED = "Interrupted: the turn was cancelled before this call finished. It may have had no effect."


async def run_calls(parts: TurnParts, calls: tuple[ToolCall, ...]) -> Message:
    """The tools' message for `calls`. Raises nothing but cancellation."""
    results: dict[str, ToolResult] = {}
    for batch in _batches(parts, calls):
        limiter = anyio.CapacityLimiter(MAX_PARALLEL)
        async with anyio.create_task_group() as group:
            for call in batch:
                group.start_soon(_run_into, parts, call, results, limiter)
    return Message("tool", tuple(results[call.id] for call in calls))


def interrupted(calls: Iterable[ToolCall], why: str = INTERRUPTED) -> Message:
    """Honest results for calls that were not run, so that the history stays valid for every provider."""
    return Message("tool", tuple(ToolResult(call.id, call.name, why, is_error=True) for call in calls))


def _batches(parts: TurnParts, calls: tuple[ToolCall, ...]) -> Iterator[list[ToolCall]]:
    def reads(call: ToolCall) -> bool:
        tool = parts.tools.get(call.name)
        return tool is None or tool.spec.effect == "read"

    for parallel, group in groupby(calls, reads):
        if parallel:
            yield list(group)
        else:
            yield from ([call] for call in group)


async def _run_into(
    parts: TurnParts, call: ToolCall, results: dict[str, ToolResult], limiter: anyio.CapacityLimiter
) -> None:
    async with limiter:
        results[call.id] = await run_call(parts, call)


async def run_call(parts: TurnParts, call: ToolCall) -> ToolResult:
    """One call through the four phases. Errors become error results: they are messages to the model."""
    announced = False
    try:
        work = parts.work(call.id, call.name)
        tool, arguments, prepared = _prepare(parts, call, work)
        _announce(parts, call, tool, prepared)
        announced = True
        await _ask(parts, call, tool, prepared)
        parts.emit(ToolCallUpdated(parts.turn, call.id, "in_progress"))
        output = await tool.execute(arguments, work)
    except CopydeskError as error:
        output = ToolOutput(str(error), is_error=True)
    except Exception as error:  # a tool's defect must not end the person's turn
        log.exception("%s failed", call.name)
        output = ToolOutput(f"{call.name} failed unexpectedly: {type(error).__name__}: {error}", is_error=True)
    if not announced:
        _announce(parts, call, None, Prepared(f"{call.name} (not run)"))
    return _finalize(parts, call, output)


def _prepare(parts: TurnParts, call: ToolCall, work: Work) -> tuple[Tool, dict[str, Any], Prepared]:
    tool = parts.tools.find(call.name)
    if call.problem:
        raise InvalidArguments(f"{call.name}: {call.problem}")
    arguments = parts.validate(tool.spec, call.arguments)
    return tool, arguments, tool.prepare(arguments, work)


async def _ask(parts: TurnParts, call: ToolCall, tool: Tool, prepared: Prepared) -> None:
    """Raises `PermissionDenied`, in the words of who said no."""
    if prepared.command:
        await parts.confined()
    verdict = parts.approver.judge(_request_for(parts, call, tool, prepared))
    if verdict.outcome == "deny":
        raise PermissionDenied(f"{tool.spec.name} was refused: {verdict.reason}")
    if verdict.outcome == "allow":
        return
    id = verdict.request.id
    parts.emit(PermissionAsked(parts.turn, verdict.request))
    try:
        decision = await parts.approver.ask(verdict.request)
    except anyio.get_cancelled_exc_class():  # the question is withdrawn wherever it is shown
        parts.emit(PermissionAnswered(parts.turn, id, allowed=False, reason=STOPPED, cancelled=True))
        raise
    option = decision.option or ""
    parts.emit(PermissionAnswered(parts.turn, id, decision.allowed, decision.reason, option))
    if not decision.allowed:
        raise PermissionDenied(f"{tool.spec.name} was refused: {decision.reason or 'the person said no.'}")


def _request_for(parts: TurnParts, call: ToolCall, tool: Tool, prepared: Prepared) -> PermissionRequest:
    locations = tuple(location.uri for location in prepared.locations)
    return PermissionRequest(
        id=f"{parts.turn}/{call.id}",
        session=parts.session,
        turn=parts.turn,
        tool=tool.spec.name,
        kind=tool.spec.kind,
        effect=tool.spec.effect,
        title=prepared.title,
        target=prepared.command or (locations[0] if locations else ""),
        locations=locations,
        command=prepared.command,
        in_place=prepared.in_place,
        asks=prepared.asks,
    )


def _announce(parts: TurnParts, call: ToolCall, tool: Tool | None, prepared: Prepared) -> None:
    kind = tool.spec.kind if tool else "other"
    parts.emit(ToolCallStarted(parts.turn, call.id, call.name, prepared.title, kind, prepared.locations))


def _finalize(parts: TurnParts, call: ToolCall, output: ToolOutput) -> ToolResult:
    content = bounded(parts.secrets.redact(output.content), LIMIT_CHARACTERS) or "(no output)"
    content += _left_alone(parts, call)
    status = "failed" if output.is_error else "completed"
    parts.emit(ToolCallUpdated(parts.turn, call.id, status, content, output.details))
    return ToolResult(call.id, call.name, content, output.is_error, output.details, output.images)


def _left_alone(parts: TurnParts, call: ToolCall) -> str:
    """What the model must know of placeholders in a call; tools that put values back into a file say it themselves."""
    tool = parts.tools.get(call.name)
    found = parts.secrets.placeholders(call.raw or str(dict(call.arguments)))
    if not found or (tool is not None and tool.spec.effect == "edit"):
        return ""
    named = ", ".join(found[:5])
    return f"\n({named} stood there as written: the placeholder of a secret, whose value you are not shown.)"


def bounded(text: str, limit: int) -> str:
    """`text`, with its middle cut and the size of the cut stated when it is over `limit` characters."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    cut = len(text) - head - tail
    return f"{text[:head]}\n… {cut:,} characters cut here …\n{text[-tail:]}"
