"""Which results give way: old ones, the largest first, and no more than it takes."""

from copydesk.context.clearing import make_room
from copydesk.domain.errors import ContextOverflow
from copydesk.domain.events import MessageAdded, ResultsCleared
from copydesk.domain.messages import Message, Text, ToolCall, ToolResult
from copydesk.store.codec import decode, encode
from copydesk.store.state import SessionState, apply


def step(*sizes: tuple[str, int]) -> tuple[Message, Message]:
    calls = tuple(ToolCall(id, "read_file", {"path": id}) for id, _ in sizes)
    results = tuple(ToolResult(id, "read_file", "x" * size) for id, size in sizes)
    return Message("assistant", calls), Message("tool", results)


TASK = Message("user", (Text("do it " * 500),))
HISTORY = (TASK, *step(("small", 300), ("big", 40_000)), *step(("medium", 9_000)), *step(("last", 50_000)))


def test_the_largest_old_one_first_and_never_the_last_steps() -> None:
    assert make_room(HISTORY, ContextOverflow("too long")) == ("big", "medium")
    half = (*HISTORY[:5], *step(("last", 5_000)))
    assert make_room(half, ContextOverflow("too long")) == ("big",)


def test_as_much_as_the_host_says_is_too_much() -> None:
    history = (TASK, *step(("a", 30_000), ("b", 20_000), ("c", 10_000)), *step(("last", 10)))
    assert make_room(history, ContextOverflow("too long")) == ("a",)
    assert make_room(history, ContextOverflow("prompt is too long: 208,000 tokens > 200,000 maximum")) == ("a", "b")
    turned = "maximum context length is 200000 tokens. However, your messages resulted in 211000 tokens"
    assert make_room(history, ContextOverflow(turned)) == ("a", "b", "c")


def test_nothing_to_clear_is_said_by_an_empty_answer() -> None:
    assert make_room((TASK,), ContextOverflow("too long")) == ()
    assert make_room((TASK, *step(("last", 99_000))), ContextOverflow("too long")) == ()
    hopeless = "prompt is too long: 900000 tokens > 200000 maximum"
    assert make_room(HISTORY, ContextOverflow(hopeless)) == ()


def test_replay_gives_the_same_history_with_every_pair_whole() -> None:
    events = [*(MessageAdded("t", message) for message in HISTORY), ResultsCleared("t", ("big", "medium"), "too long")]
    lived = replayed = SessionState()
    for event in events:
        lived = apply(lived, event)
        read = decode(encode(event))
        assert read == event
        replayed = apply(replayed, read)  # type: ignore[arg-type]
    assert lived == replayed
    results = {
        part.call_id: part for message in lived.messages for part in message.parts if isinstance(part, ToolResult)
    }
    assert [message.calls for message in lived.messages] == [message.calls for message in HISTORY]
    assert results["big"].content == (
        "[cleared to make room: 40,000 characters. Call read_file again if you need them.]"
    )
    assert results["last"].content == "x" * 50_000
    assert lived.messages[0] == TASK
    assert make_room(lived.messages, ContextOverflow("too long")) == ()
