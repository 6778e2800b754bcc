"""Frames at every chunk boundary, odd headers, and getting on after broken ones."""

import random

import pytest

from copydesk.lsp.framing import BadFrame, Body, Frame, FrameDecoder


def decoded(data: bytes, *, chunk: int | None = None, **options: bool) -> list[Frame]:
    decoder = FrameDecoder(**options)
    frames: list[Frame] = []
    step = chunk or max(len(data), 1)
    for start in range(0, len(data), step):
        decoder.feed(data[start : start + step])
        while frame := decoder.take():
            frames.append(frame)
    return frames


def bodies(frames: list[Frame]) -> list[bytes]:
    return [frame.data for frame in frames if isinstance(frame, Body)]


GOOD = b'Content-Length: 2\r\n\r\n{}Content-Length: 7\r\n\r\n{"a":1}'


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 19, 1000])
def test_every_chunking_gives_the_same_bodies(chunk: int):
    assert decoded(GOOD, chunk=chunk) == [Body(b"{}"), Body(b'{"a":1}')]


@pytest.mark.parametrize(
    "header",
    [
        b"content-length: 2\r\n\r\n",
        b"CONTENT-LENGTH:2\r\n\r\n",
        b"Content-Length:   2  \r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf8\r\n\r\n",
        b"\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\n\n",
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n",
        b"X-Other: yes\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_odd_but_usable_headers(header: bytes):
    assert decoded(header + b"{}") == [Body(b"{}")]


@pytest.mark.parametrize(
    "broken",
    [
        b"hello\r\n\r\n",
        b"hello",
        b"Content-Length: abc\r\n\r\n{}",
        b"Content-Length: -5\r\n\r\n{}",
        b"Content-Length: 1.5\r\n\r\n{}",
        b"Content-Length:\r\n\r\n{}",
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"Content-Length: 99999999999999\r\n\r\n{}",
        b"Content-Type: x\r\n\r\n{}",
        b'{"jsonrpc":"2.0"}\n',
        b"\x00\xff" * 20_000,
    ],
)
@pytest.mark.parametrize("chunk", [1, None])
def test_a_broken_frame_costs_one_report_and_no_later_message(broken: bytes, chunk: int | None):
    if chunk == 1 and len(broken) > 1000:
        chunk = 4096
    frames = decoded(broken + GOOD, chunk=chunk)
    assert bodies(frames) == [b"{}", b'{"a":1}']
    assert [frame.fatal for frame in frames if isinstance(frame, BadFrame)] == [False]


def test_a_body_with_too_large_a_length_gives_the_next_message_back():
    decoder = FrameDecoder()
    decoder.feed(b"Content-Length: 30\r\n\r\n{}" + GOOD)
    frame = decoder.take()
    assert isinstance(frame, Body)
    decoder.rescan(frame.data)
    assert decoder.take() == Body(b"{}")
    assert decoder.take() == Body(b'{"a":1}')
    assert decoder.take() is None


def test_a_socket_takes_no_foreign_header():
    frames = decoded(b"POST / HTTP/1.1\r\n", strict=True)
    assert [isinstance(frame, BadFrame) and frame.fatal for frame in frames] == [True]
    assert decoded(b"Host: x\r\nContent-Length: 2\r\n\r\n{}", strict=True, chunk=3)[0] == BadFrame(
        "the header 'Host: x' is not taken here", fatal=True
    )
    assert decoded(GOOD, strict=True, chunk=1) == [Body(b"{}"), Body(b'{"a":1}')]


def test_random_bytes_never_raise_and_a_later_message_is_found():
    chance = random.Random(7)
    for _ in range(300):
        noise = bytes(chance.choice(b"Content-Length: 0123\r\n{}\xff\x00") for _ in range(chance.randrange(200)))
        frames = decoded(noise + b"\r\n\r\n" + GOOD * 30, chunk=chance.randrange(1, 50))
        assert b'{"a":1}' in bodies(frames) or b"Length: 7" in b"".join(bodies(frames))
