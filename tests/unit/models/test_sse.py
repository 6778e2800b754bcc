"""Server-sent events: line ends, comments, several data lines, the byte order mark, limits, any chunking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.errors import BadStream
from copydesk.models.sse import Decoder, ServerSentEvent

E = ServerSentEvent


def decode(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = Decoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    last = decoder.end()
    return [*events, last] if last else events


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [E("", "a"), E("", "b")]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [E("", "a"), E("", "b"), E("", "c")]),
        (b"\xef\xbb\xbfdata: a\n\n", [E("", "a")]),
        (b"data: a\ndata:b\ndata\ndata:  c\n\n", [E("", "a\nb\n\n c")]),
        (b": ping\n\n:\n\nevent: x\nid: 1\nretry: 5\ndata: a\n\n", [E("x", "a")]),
        (b"event: x\n\ndata: a\n\n", [E("", "a")]),
        (b"data: \xc3\xa4\xf0\x9f\x99\x82\xe2\x80\xa8\x85\x0c\n\n", [E("", "ä🙂\u2028\ufffd\x0c")]),
        (b"data: unclosed", [E("", "unclosed")]),
        (b"data: unclosed\n", [E("", "unclosed")]),
        (b"data: unclosed\r", [E("", "unclosed")]),
        (b"", []),
        (b"\n\n\n", []),
    ],
)
def test_any_split_gives_the_same_events(data: bytes, expected: list[ServerSentEvent]) -> None:
    assert decode(data) == expected
    assert decode(*(data[at : at + 1] for at in range(len(data)))) == expected
    for at in range(len(data)):
        assert decode(data[:at], b"", data[at:]) == expected


@given(st.lists(st.sampled_from([b"data: x", b"data:", b":", b"\r", b"\n", b"\r\n", b"\xc3", b"\xa4", b"event: e"])))
def test_chunking_never_matters(pieces: list[bytes]) -> None:
    assert decode(*pieces) == decode(b"".join(pieces))


def test_an_event_comes_with_the_byte_that_ends_it() -> None:
    decoder = Decoder()
    assert decoder.feed(b"data: a\r\n\r") == [E("", "a")]
    assert decoder.feed(b"\n") == []


@pytest.mark.parametrize(
    "data", [b"x" * 101, b"x" * 101 + b"\n", b"data: " + b"y" * 60 + b"\ndata: " + b"y" * 60 + b"\n"]
)
def test_lines_and_events_are_bounded(data: bytes) -> None:
    with pytest.raises(BadStream):
        Decoder(limit_bytes=100).feed(data)
    decoder = Decoder(limit_bytes=100)
    with pytest.raises(BadStream):
        _ = [decoder.feed(data[at : at + 1]) for at in range(len(data))]
