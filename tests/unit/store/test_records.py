"""Records: what is written is what is read, whatever the model said; a torn tail loses one line."""

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.edits import Base, ChangeText, CreateFile, DeleteFile, MoveFile, Origin
from copydesk.domain.events import (
    EditProposed,
    Event,
    FileReview,
    MessageAdded,
    MessageChunk,
    PermissionAsked,
    ReviewUpdated,
    SessionStarted,
    ToolCallStarted,
    TurnEnded,
    TurnStarted,
)
from copydesk.domain.messages import (
    Image,
    LineRange,
    Message,
    Problem,
    Task,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)
from copydesk.domain.permissions import PermissionRequest
from copydesk.domain.tools import Location
from copydesk.store.codec import decode, encode
from copydesk.store.records import RecordWriter, read_records
from copydesk.store.state import SessionState, apply

ORIGIN = Origin("s-1", "t-1", "call_1", "edit_file")
TASK = Task(
    "fix", "do", "file:///a", "a", "python", LineRange(0, 1, 2, 3), "sel", (Problem("u", LineRange(0, 0, 0, 1), "m"),)
)
EVENTS: list[Event] = [
    SessionStarted("s-1", ("file:///r",), "now", "0.1.0"),
    TurnStarted("t-1", "fix", "Fix a", "auto", "ask"),
    MessageAdded("t-1", Message("user", (Text("hi"),), TASK)),
    MessageAdded(
        "t-1",
        Message("assistant", (Thinking("t", "sig", "red"), ToolCall("c", "n", {"$": [1, {"x": None}]}, "{}", ""))),
    ),
    MessageAdded(
        "t-1", Message("tool", (ToolResult("c", "n", "out", True, {"kind": ["a"]}), Image("image/png", "AA")))
    ),
    EditProposed("t-1", ChangeText(Base("u", "h", 2), ((0, 1, "x"), (2, 2, "y")), ORIGIN)),
    EditProposed("t-1", CreateFile("u2", "text", origin=ORIGIN)),
    EditProposed("t-1", DeleteFile(Base("u", "h"))),
    EditProposed("t-1", MoveFile(Base("u", "h"), "u3")),
    PermissionAsked("t-1", PermissionRequest("p", "s-1", "t-1", "shell", "execute", "execute", "Run x")),
    ToolCallStarted("t-1", "c", "n", "Read a", "read", (Location("u", 3),)),
    ReviewUpdated("t-1", "partial", (FileReview("u", "applied", 2, "", True), FileReview("v", "refused", note="no"))),
    TurnEnded("t-1", "end_turn", "done", Usage(1, 2, 3, 4, 5), "partial"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_round_trip(event: Event) -> None:
    assert decode(json.loads(json.dumps(encode(event)))) == event


@given(
    st.text(), st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.text(), st.lists, max_leaves=5))
)
def test_any_text_and_any_arguments_survive(text: str, arguments: dict[str, object]) -> None:
    event = MessageAdded(text, Message("assistant", (Text(text), ToolCall("c", text, arguments, text))))
    assert decode(json.loads(json.dumps(encode(event)))) == event


def test_lone_surrogates_survive() -> None:
    event = MessageChunk("t", "\ud800 half")
    assert decode(json.loads(json.dumps(encode(event)))) == event


def test_what_has_no_place_in_a_record_is_an_error() -> None:
    with pytest.raises(TypeError, match="object has no place"):
        encode(object())


def written(tmp_path: Path) -> Path:
    writer = RecordWriter("s-1", tmp_path / "sessions", lambda: "2026-01-01T00:00:00.000Z")
    for event in EVENTS:
        writer.write(event)
    writer.close()
    return tmp_path / "sessions" / "s-1.jsonl"


def test_the_file_has_every_event_in_order_and_is_private(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert [record.event for record in read_records(path)] == EVENTS
    assert [record.seq for record in read_records(path)] == list(range(1, len(EVENTS) + 1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_torn_tail_loses_only_the_last_record(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(last, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert [record.event for record in read_records(path)] == EVENTS[:-1]


def test_listeners_hear_an_event_only_after_it_is_written(tmp_path: Path) -> None:
    writer = RecordWriter("s-1", tmp_path, lambda: "now")
    seen: list[int] = []
    writer.subscribe(lambda _session, _seq, _event: seen.append(len(list(read_records(tmp_path / "s-1.jsonl")))))
    for event in EVENTS[:3]:
        writer.write(event)
    writer.close()
    assert seen == [1, 2, 3]


def test_a_directory_that_cannot_be_written_is_said_and_the_session_goes_on(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("a file where the folder should be")
    writer = RecordWriter("s-1", tmp_path / "sessions", lambda: "now")
    assert "cannot be written" in writer.problem
    assert writer.write(EVENTS[0]) == 1


def test_a_full_disk_is_said_once_and_the_session_goes_on(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    (tmp_path / "s-1.jsonl").symlink_to("/dev/full")
    writer = RecordWriter("s-1", tmp_path, lambda: "now")
    assert writer.write(EVENTS[0]) == 1
    assert "can no longer be written" in writer.problem
    assert writer.write(EVENTS[1]) == 2


def test_state_is_what_the_records_say() -> None:
    state = SessionState()
    for event in EVENTS:
        state = apply(state, event)
    assert state.session == "s-1"
    assert state.n_turns == 1
    assert len(state.messages) == 3
    assert state.edits == ()
    assert state.last == EVENTS[-1]
