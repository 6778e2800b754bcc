"""A script's step as the bytes of Gemini's `streamGenerateContent`: server-sent events, or the JSON array.

Used by `model_server`. Arguments come whole, as there; a script's broken JSON comes as text, as a broken gateway has it.
"""

import json
from collections.abc import Iterator
from typing import Any

from copydesk.domain.messages import Usage
from copydesk.models.script import Call, Fail, Refuse, Report, Say, Step, Think, Wait
from copydesk.models.scripted import pieces

FINISH = {"end_turn": "STOP", "tool_calls": "STOP", "max_tokens": "MAX_TOKENS", "refusal": "SAFETY"}


def gemini(step: Step, number: int) -> Iterator[bytes | Wait | Fail]:
    for chunk in chunks(step, number):
        yield chunk if isinstance(chunk, Wait | Fail) else b"data: " + _json(chunk) + b"\r\n\r\n"


def gemini_array(step: Step, number: int) -> Iterator[bytes | Wait | Fail]:
    """What comes without `alt=sse`."""
    opens = b"["
    for chunk in chunks(step, number):
        if isinstance(chunk, Wait | Fail):
            yield chunk
            continue
        yield opens + json.dumps(chunk, indent=2).encode()
        opens = b",\r\n"
    yield b"]" if opens != b"[" else b"[]"


def chunks(step: Step, number: int) -> Iterator[dict[str, Any] | Wait | Fail]:
    """Without `finish: cut_off`, ends with a finish reason; there is no end marker."""
    usage, n_calls, said = Usage(), 0, ""
    for action in step.actions:
        match action:
            case Say(text, size):
                yield from (_chunk([{"text": piece}]) for piece in pieces(text, size))
            case Think(text, size):
                yield from (_chunk([{"text": piece, "thought": True}]) for piece in pieces(text, size))
            case Refuse(text):
                said += text
            case Call(name, arguments):
                call = {"name": name, "args": _arguments(arguments), "id": f"fc{number}{n_calls}"}
                signed = {} if n_calls else {"thoughtSignature": f"sig{number}=="}
                yield _chunk([{"functionCall": call} | signed])
                n_calls += 1
            case Report(found):
                usage = found
            case Wait() | Fail():
                yield action
    if step.finish == "cut_off":
        return
    last = {"finishReason": FINISH[step.finish], "index": 0} | ({"finishMessage": said} if said else {})
    content = {"content": {"role": "model", "parts": [{"text": ""}]}}
    yield {"candidates": [content | last], "usageMetadata": _usage(usage), "modelVersion": "scripted"}


def _chunk(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]}


def _arguments(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "promptTokenCount": usage.input,
        "cachedContentTokenCount": usage.cache_read,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "thoughtsTokenCount": usage.reasoning,
        "totalTokenCount": usage.input + usage.output,
    }


def _json(chunk: object) -> bytes:
    return json.dumps(chunk, ensure_ascii=False, separators=(",", ":")).encode()


def last_said(body: Any) -> str:
    """The text of the last user content: words, or what functions gave."""
    for content in reversed(body.get("contents", [])):
        if content["role"] == "user":
            answers = [part["functionResponse"]["response"] for part in content["parts"] if "functionResponse" in part]
            texts = [part["text"] for part in content["parts"] if "text" in part]
            return "\n".join([*(str(answer.get("output") or answer.get("error") or "") for answer in answers), *texts])
    return ""
