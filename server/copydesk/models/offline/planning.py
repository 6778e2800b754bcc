"""Plans: a job written as a generator that yields tool calls, is sent their results and returns its last words.

A plan is replayed from its start at every request, fed with the results that stand in the history, so the model
keeps no state: the same request always has the same answer. Knows nothing of any job. Start with `next_step`.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

from copydesk.domain.messages import Message, Task, ToolResult

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call a plan wants made. `arguments` is JSON."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


Calls: TypeAlias = tuple[Call, ...]
Results: TypeAlias = tuple[ToolResult, ...]
Plan: TypeAlias = Generator[Calls, Results, T]


@dataclass(frozen=True, slots=True)
class Job:
    """What the newest turn is about: the task, what was added while it ran, and the results so far, by step.

    `closing`: the step limit is reached and only words are wanted.
    """

    task: Task
    steered: tuple[str, ...]
    rounds: tuple[Results, ...]
    closing: bool = False


def newest_job(messages: Sequence[Message]) -> Job | None:
    """The job of the turn under way: from the newest user message with a task (else the newest user message)."""
    start = _start(messages)
    if start is None:
        return None
    first = messages[start]
    since = messages[start + 1 :]
    added = [message.text for message in since if message.role == "user" and message.text.strip()]
    steered = tuple(_own_words(text) for text in added if not _is_closing(text))
    closing = messages[-1].role == "user" and messages[-1].task is None and _is_closing(messages[-1].text)
    return Job(first.task or _follow_up(messages[:start], first.text), steered, _rounds(since), closing)


def next_step(plan: Plan[str], rounds: Sequence[Results], offered: frozenset[str]) -> Calls | str:
    """Replays `plan` over `rounds`; gives the calls to make now, or the last words.

    A call of a tool that is not offered fails at once inside the replay, so that the plan can say so.
    """
    left = list(rounds)
    sent: Results | None = None
    try:
        while True:
            calls = next(plan) if sent is None else plan.send(sent)
            wanted = tuple(call for call in calls if call.tool in offered)
            if wanted and not left:
                return wanted
            sent = _answers(calls, left.pop(0) if wanted else (), offered)
    except StopIteration as stop:
        return str(stop.value)
    finally:
        plan.close()


def _is_closing(text: str) -> bool:
    return re.search(r"\bstep limit\b.{0,40}\breached\b", text) is not None


def _own_words(text: str) -> str:
    """A steering text without the selection that is quoted below it: those words are code, not a wish."""
    return text.partition("\n\nSelected:\n```")[0]


def _follow_up(before: Sequence[Message], text: str) -> Task:
    """A message that came without a task: it is about the file of the last one."""
    last = next((message.task for message in reversed(before) if message.task), None)
    task = Task("prompt", _own_words(text))
    return (
        task if last is None else replace(task, uri=last.uri, path=last.path, language=last.language, range=last.range)
    )


def _start(messages: Sequence[Message]) -> int | None:
    users = [i for i, message in enumerate(messages) if message.role == "user"]
    if not users:
        return None
    with_task = [i for i in users if messages[i].task is not None]
    closed = [i for i, message in enumerate(messages) if message.role == "assistant" and not message.calls]
    after_close = [i for i in users if not closed or i > closed[-1]]
    if with_task and (not after_close or with_task[-1] >= after_close[0]):
        return with_task[-1]
    return after_close[0] if after_close else users[-1]


def _rounds(messages: Sequence[Message]) -> tuple[Results, ...]:
    results = {part.call_id: part for message in messages for part in message.parts if isinstance(part, ToolResult)}
    return tuple(
        tuple(
            results.get(call.id) or ToolResult(call.id, call.name, "no result was recorded", is_error=True)
            for call in message.calls
        )
        for message in messages
        if message.role == "assistant" and message.calls
    )


def _answers(calls: Calls, results: Results, offered: frozenset[str]) -> Results:
    given = iter(results)
    return tuple(_answer(call, next(given, None) if call.tool in offered else None, offered) for call in calls)


def _answer(call: Call, result: ToolResult | None, offered: frozenset[str]) -> ToolResult:
    if result is not None:
        return result
    why = "gave no result" if call.tool in offered else "is not offered in this session"
    return ToolResult("", call.tool, f"the tool {call.tool!r} {why}", is_error=True)
