"""The loop: steps, limits, steering, errors, cancellation; and the four phases of a call."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing

import anyio
import pytest

from copydesk.agent.loop import run_loop
from copydesk.domain.events import MessageChunk, StepStarted
from copydesk.domain.messages import Message, ToolCall
from copydesk.domain.stream import Finished, ModelRequest, StreamEvent, TextDelta, ToolCallDelta, ToolCallStart
from copydesk.models.scripted import Script, ScriptedModel
from tests.support.agent_parts import FunctionTool, MemoryJournal, RuleApprover, parts_for
from tests.support.history import check_pairs


def model(script: str) -> ScriptedModel:
    return ScriptedModel(Script.parse(script))


async def echo(arguments: object) -> str:
    return f"echo {arguments}"


class SameIds:
    """A model that names all its calls alike, in one answer and from step to step, as some servers do."""

    name = "same-ids"
    is_local = True

    def __init__(self) -> None:
        self._answers = deque([(1, 2), (3,), ()])

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        del request
        return aclosing(self._answer(self._answers.popleft()))

    async def _answer(self, numbers: tuple[int, ...]) -> AsyncGenerator[StreamEvent]:
        for index, n in enumerate(numbers):
            yield ToolCallStart(index, "call_0", "read")
            yield ToolCallDelta(index, f'{{"n": {n}}}')
        if not numbers:
            yield TextDelta("done")
        yield Finished("tool_calls" if numbers else "end_turn")


READ = FunctionTool("read", "read", echo)
WRITE = FunctionTool("write", "edit", echo)


async def test_a_turn_without_tools_is_one_request() -> None:
    scripted = model("text: hello")
    end = await run_loop(parts_for(scripted))
    assert (end.stop_reason, end.message, end.error) == ("end_turn", "hello", "")
    assert len(scripted.requests) == 1


async def test_results_reach_the_next_request_in_call_order() -> None:
    order: list[str] = []
    second_ran = anyio.Event()

    async def slow_first(arguments: object) -> str:
        if "1" in str(arguments):
            await second_ran.wait()
        else:
            second_ran.set()
        order.append(str(arguments))
        return str(arguments)

    journal = MemoryJournal()
    scripted = model('tool: read {"n": 1}\ntool: read {"n": 2}\n--- step\ntext: done')
    with anyio.fail_after(5):
        await run_loop(parts_for(scripted, FunctionTool("read", "read", slow_first), journal=journal))
    assert order == ["{'n': 2}", "{'n': 1}"], "reads overlap"
    assert [result.content for result in journal.results()] == ["{'n': 1}", "{'n': 2}"]
    check_pairs(journal.messages)


async def test_writes_run_alone_and_in_order() -> None:
    running = 0
    worst = 0
    order: list[str] = []

    async def watched(arguments: object) -> str:
        nonlocal running, worst
        running += 1
        worst = max(worst, running)
        await anyio.lowlevel.checkpoint()
        running -= 1
        order.append(str(arguments))
        return ""

    tools = (FunctionTool("write", "edit", watched), FunctionTool("read", "read", watched))
    script = (
        'tool: write {"n": 1}\ntool: write {"n": 2}\ntool: read {"n": 3}\ntool: write {"n": 4}\n--- step\ntext: done'
    )
    await run_loop(parts_for(model(script), *tools))
    assert worst == 1
    assert order == [f"{{'n': {n}}}" for n in (1, 2, 3, 4)]


async def test_a_refused_call_never_runs_and_the_model_is_told_why() -> None:
    ran: list[object] = []

    async def note(arguments: object) -> str:
        ran.append(arguments)
        return ""

    journal = MemoryJournal()
    approver = RuleApprover(refused=frozenset({"write"}))
    tool = FunctionTool("write", "edit", note)
    await run_loop(parts_for(model("tool: write {}\n--- step\ntext: ok"), tool, journal=journal, approver=approver))
    assert ran == []
    assert "a test says no" in journal.results()[0].content
    assert journal.results()[0].is_error


async def test_a_tool_that_breaks_ends_no_turn() -> None:
    async def broken(arguments: object) -> str:
        raise ZeroDivisionError("oops")

    journal = MemoryJournal()
    end = await run_loop(
        parts_for(
            model("tool: read {}\n--- step\ntext: on we go"), FunctionTool("read", "read", broken), journal=journal
        )
    )
    assert end.message == "on we go"
    assert "ZeroDivisionError: oops" in journal.results()[0].content


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("tool: nothing {}", "there is no tool 'nothing'"),
        ('tool_raw: read {"path": ', "not valid JSON"),
        ("tool_raw: read [1]", "must be a JSON object, not an array"),
        ('tool_raw: read "path"', "must be a JSON object, not a string"),
    ],
)
async def test_a_call_that_cannot_run_is_explained(line: str, why: str) -> None:
    ran: list[object] = []

    async def note(arguments: object) -> str:
        ran.append(arguments)
        return ""

    journal = MemoryJournal()
    tool = FunctionTool("read", "read", note)
    end = await run_loop(parts_for(model(f"{line}\n--- step\ntext: ok"), tool, journal=journal))
    assert end.stop_reason == "end_turn"
    assert why in journal.results()[0].content
    assert ran == []


async def test_null_arguments_are_no_arguments() -> None:
    journal = MemoryJournal()
    await run_loop(parts_for(model("tool_raw: read null\n--- step\ntext: ok"), READ, journal=journal))
    assert [result.content for result in journal.results()] == ["echo {}"]


async def test_calls_with_one_id_each_get_their_own_result() -> None:
    journal = MemoryJournal()
    parts = parts_for(SameIds(), READ, journal=journal)
    await run_loop(parts)
    assert [result.content for result in journal.results()] == ["echo {'n': 1}", "echo {'n': 2}", "echo {'n': 3}"]
    assert len({result.call_id for result in journal.results()}) == 3
    check_pairs(journal.messages)


async def test_a_call_that_was_cut_off_never_runs() -> None:
    ran: list[object] = []

    async def note(arguments: object) -> str:
        ran.append(arguments)
        return ""

    journal = MemoryJournal()
    script = 'tool: write {"all": "arguments"}\nfinish: cut_off\n--- step\ntext: ok'
    await run_loop(parts_for(model(script), FunctionTool("write", "edit", note), journal=journal))
    assert ran == []
    assert "cut off" in journal.results()[0].content


async def test_a_stream_that_always_breaks_off_ends_the_turn() -> None:
    scripted = model("tool: read {}\nfinish: cut_off\nloop")
    journal = MemoryJournal()
    end = await run_loop(parts_for(scripted, READ, journal=journal, max_steps=50))
    assert end.stop_reason == "error"
    assert "broke off" in end.error
    assert end.error_type == "ConnectionLost"
    assert len(scripted.requests) == 3
    check_pairs(journal.messages)


async def test_steering_joins_the_next_step() -> None:
    journal = MemoryJournal()

    async def steer(arguments: object) -> str:
        journal.steering.append("also rename it")
        return "read"

    scripted = model("tool: read {}\n--- step\ntext: both done")
    await run_loop(parts_for(scripted, FunctionTool("read", "read", steer), journal=journal))
    assert scripted.requests[1].messages[-1].text == "also rename it"


async def test_steering_sent_with_the_last_words_gets_an_answer() -> None:
    journal = MemoryJournal()
    scripted = model("text: done\n--- step\ntext: that too")
    real = journal.emit

    def emit(event: object) -> None:
        if isinstance(event, MessageChunk) and event.text.startswith("done"):
            journal.steering.append("and that")
        real(event)  # type: ignore[arg-type]

    journal.emit = emit  # type: ignore[method-assign]
    end = await run_loop(parts_for(scripted, journal=journal))
    assert end.message == "that too"
    assert scripted.requests[1].messages[-1].text == "and that"


async def test_the_step_limit_gets_a_closing_answer_and_a_reason() -> None:
    scripted = model("tool: read {}\n--- step\ntool: read {}\n--- step\ntext: half done")
    journal = MemoryJournal()
    end = await run_loop(parts_for(scripted, READ, journal=journal, max_steps=2))
    assert (end.stop_reason, end.message) == ("max_steps", "half done")
    assert "limit of 2 steps" in end.error
    assert sum(isinstance(event, StepStarted) for event in journal.events) == 2


async def test_calls_in_the_closing_answer_are_answered_and_not_run() -> None:
    journal = MemoryJournal()
    end = await run_loop(parts_for(model("tool: read {}\nloop"), READ, journal=journal, max_steps=1))
    assert end.stop_reason == "max_steps"
    assert "step limit" in journal.results()[-1].content
    check_pairs(journal.messages)


async def test_an_empty_answer_is_asked_for_once_more() -> None:
    end = await run_loop(parts_for(model("usage: in=1 out=0\n--- step\ntext: here")))
    assert end.message == "here"


async def test_two_empty_answers_are_an_error_that_says_what_to_do() -> None:
    end = await run_loop(parts_for(model("usage: in=1 out=0\nloop")))
    assert end.stop_reason == "error"
    assert "empty answer" in end.error
    assert end.error_type == "AnswerEmpty"


@pytest.mark.parametrize("kind", ["rate_limited", "overloaded", "timeout", "connection", "auth", "overflow"])
async def test_a_model_error_ends_the_turn_with_its_words_and_keeps_what_was_said(kind: str) -> None:
    journal = MemoryJournal()
    end = await run_loop(parts_for(model(f"text: I was about\nerror: {kind} the reason"), journal=journal))
    assert end.stop_reason == "error"
    assert "the reason" in end.error
    assert journal.messages[-1].text == end.message == "I was about"


async def test_a_refusal_is_a_refusal() -> None:
    end = await run_loop(parts_for(model("refuse: I will not")))
    assert (end.stop_reason, end.message) == ("refusal", "I will not")


async def test_usage_adds_up_over_the_steps() -> None:
    script = "usage: in=100 out=10 cached=50\ntool: read {}\n--- step\nusage: in=200 out=20 cached=150\ntext: done"
    end = await run_loop(parts_for(model(script), READ))
    assert (end.usage.input, end.usage.output, end.usage.cache_read) == (300, 30, 200)


@pytest.mark.parametrize("script", ["delay: 60\ntext: never", "text: some words\ndelay: 60", "tool: wait {}"])
async def test_cancel_leaves_a_valid_history(script: str) -> None:
    started = anyio.Event()

    async def forever(arguments: object) -> str:
        started.set()
        await anyio.sleep_forever()
        return ""

    journal = MemoryJournal()
    parts = parts_for(model(script), FunctionTool("wait", "read", forever), journal=journal)
    with anyio.fail_after(2), anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(run_loop, parts)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
    check_pairs(journal.messages)
    calls = [part for message in journal.messages for part in message.parts if isinstance(part, ToolCall)]
    assert len(calls) == ("tool" in script)
    assert all(isinstance(message, Message) for message in journal.messages)
