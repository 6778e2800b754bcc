"""A model on loopback whose words are the times at which it wrote them, so that whoever reads knows how late they came.

`python -m tests.benchmarks.stamps` prints its port and serves. The path says what is answered: `/N/PAUSE/…` is N words,
PAUSE milliseconds apart; `/call/…` answers the first request of two with a call of `list_dir`. On the wire of the rest
of the path: Chat Completions, Anthropic Messages where it ends in `/messages`, or Gemini's own. Times are `time.perf_counter`'s, which
all processes of a machine share.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.support import wire_events

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
WIDTH = 18
"""Characters of a word, its blanks included."""
N_WORDS = 20
"""Words of an answer after a call."""


def stamp() -> str:
    return f"{time.perf_counter():<{WIDTH}.7f}"


def _chat(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return wire_events.sse({"object": "chat.completion.chunk", "choices": [choice]})


def _chat_frame() -> tuple[bytes, bytes]:
    start = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}
    end = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return wire_events.sse(start), wire_events.sse(end) + wire_events.DONE


def _chat_call() -> bytes:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "list_dir", "arguments": "{}"}}
    said = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
    end = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    return wire_events.sse(said) + wire_events.sse(end) + wire_events.DONE


def _messages(text: str) -> bytes:
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return wire_events.sse(delta, "content_block_delta")


def _messages_frame() -> tuple[bytes, bytes]:
    message = {"id": "m", "role": "assistant", "content": [], "usage": {"input_tokens": 10, "output_tokens": 1}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    start = wire_events.sse({"type": "message_start", "message": message}, "message_start")
    start += wire_events.sse(block, "content_block_start")
    return start, _messages_end("end_turn")


def _messages_end(reason: str) -> bytes:
    stop = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 20}}
    return (
        wire_events.sse({"type": "content_block_stop", "index": 0}, "content_block_stop")
        + wire_events.sse(stop, "message_delta")
        + wire_events.sse({"type": "message_stop"}, "message_stop")
    )


def _messages_call() -> bytes:
    block = {"type": "tool_use", "id": "toolu_1", "name": "list_dir", "input": {}}
    start = wire_events.sse({"type": "content_block_start", "index": 0, "content_block": block}, "content_block_start")
    return start + _messages_end("tool_use")


def _gemini(text: str, **last: object) -> bytes:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **last}
    return wire_events.sse({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 10}})


def _gemini_frame() -> tuple[bytes, bytes]:
    return b"", _gemini("", finishReason="STOP")


def _gemini_call() -> bytes:
    part = {"functionCall": {"name": "list_dir", "args": {}, "id": "c1"}, "thoughtSignature": "c2ln"}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    return wire_events.sse({"candidates": [candidate]})


@dataclass(frozen=True, slots=True)
class Manner:
    """How a wire says a word, what stands around all of them, and its call."""

    say: Callable[[str], bytes]
    frame: Callable[[], tuple[bytes, bytes]]
    call: Callable[[], bytes]


def _manner(path: str) -> Manner:
    if path.endswith("/messages"):
        return Manner(_messages, _messages_frame, _messages_call)
    if ":streamGenerateContent" in path:
        return Manner(_gemini, _gemini_frame, _gemini_call)
    return Manner(_chat, _chat_frame, _chat_call)


def _answer(path: str, body: bytes) -> Iterator[tuple[float, Callable[[], bytes]]]:
    """Pieces, and how long to wait before each. Made when they are sent, for the times in them."""
    _, what, pause, *_ = path.split("/")
    manner = _manner(path)
    start, end = manner.frame()
    has_result = b'"role":"tool"' in body or b'"tool_result"' in body or b'"functionResponse"' in body
    if what == "call" and not has_result:
        call = manner.call()
        yield 0.0, lambda: call
        return
    n_words, pause_s = (N_WORDS, 0.0) if what == "call" else (int(what), float(pause) / 1000)
    if start:
        yield 0.0, lambda: start
    for _ in range(n_words):
        yield pause_s, lambda: manner.say(stamp())
    yield 0.0, lambda: end


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            body = await reader.readexactly(_length(head))
            writer.write(HEAD)
            for wait_s, make in _answer(head.split(" ", 2)[1], body):
                if wait_s:
                    await asyncio.sleep(wait_s)
                piece = make()
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                if wait_s:
                    await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def _length(head: str) -> int:
    lines = (line.partition(":") for line in head.lower().split("\r\n"))
    return next((int(value) for name, _, value in lines if name == "content-length"), 0)


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
