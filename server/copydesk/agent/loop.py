"""A turn: prompt → model stream → tool calls → results → … → stop. Plain functions that call four collaborators.

`streaming` makes a message of a response, `execution` runs its calls, the journal keeps the history, and this file
decides only whether there is another step. It must not grow: what to send, run or keep is decided elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio

from copydesk.agent.execution import interrupted, run_calls
from copydesk.agent.journal import TurnParts
from copydesk.agent.streaming import Assembly, Reply, read_reply
from copydesk.domain.errors import ContextOverflow, ModelError, kind_of
from copydesk.domain.events import MessageAdded, ResultsCleared, Steered, StepStarted, StopReason, UsageUpdated
from copydesk.domain.messages import Message, Text, Usage
from copydesk.domain.stream import ModelRequest

EMPTY = "Your last answer was empty. Either call a tool, or answer the person in words."
LAST_STEP = (
    "The step limit of this turn is reached, so no more tools can run. Say in a few sentences what was done, "
    "what is left, and how to go on."
)
NOT_RUN = "Not run: the step limit of this turn was reached."
AT_THE_LIMIT = (
    "The answer reached the model's output limit. Ask it to go on; the limit is the model's own, "
    "model.maxOutputTokens, or what a budget leaves."
)
MAX_CUT_OFF = 3
"""Broken-off responses in one turn before it is given up."""


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """How a turn's loop ended. `message` is the model's last words; `error` what went wrong, for the person.

    `n_steps` counts those taken in the turn so far. `output` is the answer as JSON where one was asked for;
    `error_type` names the kind of error in `domain.errors`.
    """

    stop_reason: StopReason
    message: str
    usage: Usage
    error: str = ""
    n_steps: int = 0
    output: Mapping[str, Any] | None = None
    error_type: str = ""


@dataclass(slots=True)
class _Progress:
    usage: Usage
    said: str = ""
    n_steps: int = 0
    n_empty: int = 0
    n_cut_off: int = 0


async def run_loop(parts: TurnParts, *, after: LoopEnd | None = None) -> LoopEnd:
    """Runs until the model stops, the step limit, or an error. Cancellation is raised through, the history valid.

    `after`: how the turn ended so far, when it goes on; its steps and tokens count.
    """
    progress = _Progress(after.usage, after.message, after.n_steps) if after else _Progress(Usage())
    try:
        ended = await _ended_loop(parts, progress)
    except ModelError as error:
        ended = LoopEnd("error", progress.said, progress.usage, str(error), error_type=kind_of(error))
    return replace(ended, n_steps=progress.n_steps)


async def _ended_loop(parts: TurnParts, progress: _Progress) -> LoopEnd:
    while progress.n_steps < parts.max_steps:
        progress.n_steps += 1
        ended = await _step(parts, progress.n_steps, progress)
        if ended is not None:
            return ended
    return await _closing_answer(parts, progress)


async def _step(parts: TurnParts, step: int, progress: _Progress) -> LoopEnd | None:
    _join_steering(parts)
    parts.emit(StepStarted(parts.turn, step, parts.max_steps))
    reply = await _request(parts, progress)
    progress.n_cut_off += reply.reason == "cut_off"
    if reply.message.calls and reply.reason != "max_tokens" and progress.n_cut_off < MAX_CUT_OFF:
        await _run_tools(parts, reply)
        return None
    if reply.message.calls:
        _add(parts, interrupted(reply.message.calls, "Not run: the response was cut off."))
    ended = _ended(parts, reply, progress)
    return None if parts.journal.steering_waits and reply.reason == "end_turn" else ended


def _join_steering(parts: TurnParts) -> None:
    if news := parts.journal.take_news():
        _add(parts, Message("user", (Text(f"<review>\n{news}\n</review>"),)))
    for text in parts.journal.take_steering():
        parts.emit(Steered(parts.turn, text))
        _add(parts, Message("user", (Text(text),)))


async def _request(parts: TurnParts, progress: _Progress) -> Reply:
    try:
        return await _answer(parts, progress)
    except ContextOverflow as error:
        calls = parts.make_room(parts.journal.messages, error)
        if not calls:
            raise
        parts.emit(ResultsCleared(parts.turn, calls, error.message))
    return await _answer(parts, progress)


async def _answer(parts: TurnParts, progress: _Progress) -> Reply:
    request = ModelRequest(
        parts.system, parts.journal.messages, parts.tools.specs, parts.max_output_tokens, parts.thinking
    )
    parts.prefix.note(parts.turn, parts.model, request, parts.emit)
    assembly = Assembly(taken={call.id for message in request.messages for call in message.calls})
    try:
        reply = await read_reply(parts, request, assembly)
    except (ModelError, anyio.get_cancelled_exc_class()):
        progress.said = _keep_partial(parts, assembly) or progress.said
        raise
    finally:
        progress.usage = progress.usage + assembly.usage
        parts.emit(UsageUpdated(parts.turn, assembly.usage, progress.usage))
    progress.said = reply.message.text or reply.refusal or progress.said
    if reply.message.parts:
        _add(parts, reply.message)
    return reply


def _keep_partial(parts: TurnParts, assembly: Assembly) -> str:
    """What was said before the break stays in the history, with honest results for calls that never ran."""
    assembly.reason = "cut_off"
    message = assembly.message()
    if message.parts:
        _add(parts, message)
    if message.calls:
        _add(parts, interrupted(message.calls))
    return message.text


async def _run_tools(parts: TurnParts, reply: Reply) -> None:
    try:
        results = await run_calls(parts, reply.message.calls)
    except anyio.get_cancelled_exc_class():
        _add(parts, interrupted(reply.message.calls))
        raise
    _add(parts, results)


def _ended(parts: TurnParts, reply: Reply, progress: _Progress) -> LoopEnd | None:
    text = reply.message.text.strip()
    if reply.reason == "refusal" or (reply.refusal and not text):
        return LoopEnd("refusal", reply.refusal or text, progress.usage)
    if reply.reason == "max_tokens":
        return LoopEnd("max_tokens", text, progress.usage, AT_THE_LIMIT)
    if reply.reason == "cut_off":
        error = "The model's stream broke off before its end; what came is kept. Ask again to go on."
        return LoopEnd("error", text, progress.usage, error, error_type="ConnectionLost")
    if not text:
        return _empty(parts, progress)
    return LoopEnd("end_turn", text, progress.usage)


def _empty(parts: TurnParts, progress: _Progress) -> LoopEnd | None:
    progress.n_empty += 1
    if progress.n_empty > 1:
        error = f"{parts.model.name} gave an empty answer twice. Try again, or choose another model."
        return LoopEnd("error", progress.said, progress.usage, error, error_type="AnswerEmpty")
    _add(parts, Message("user", (Text(EMPTY),)))
    return None


async def _closing_answer(parts: TurnParts, progress: _Progress) -> LoopEnd:
    _add(parts, Message("user", (Text(LAST_STEP),)))
    reply = await _request(parts, progress)
    if reply.message.calls:
        _add(parts, interrupted(reply.message.calls, NOT_RUN))
    why = f"Stopped at the limit of {parts.max_steps} steps (budget.maxSteps)."
    return LoopEnd("max_steps", reply.message.text.strip(), progress.usage, why)


def _add(parts: TurnParts, message: Message) -> None:
    parts.emit(MessageAdded(parts.turn, message))
