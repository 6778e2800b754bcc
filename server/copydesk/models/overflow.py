"""Whether a request that is too long would fit with less room for the answer, and with how much.

Pure. Start with `smaller_output`. The words are those that providers use (2026), such as:
Anthropic "input length and `max_tokens` exceed context limit: 188059 + 20000 > 200000",
"max_tokens: 64000 > 32000, which is the maximum allowed number of output tokens for …";
OpenAI, vLLM, DeepSeek "maximum context length is 16384 tokens. However, you requested 17000 tokens (7000 in the
messages, 10000 in the completion)"; newer vLLM "… you requested 65535 output tokens and your prompt contains at least
62466 input tokens"; OpenAI "max_tokens is too large: 50000. This model supports at most 16384 completion tokens".
"""

import re

from copydesk.domain.errors import BadRequest, ContextOverflow, ModelError
from copydesk.domain.stream import ModelRequest
from copydesk.models.catalog import Entry

MARGIN_TOKENS = 1000
"""Kept free, where there is so much: hosts count a little differently from request to request."""
SMALLEST_TOKENS = 256
"""With less than this an answer is of no use."""
DEFAULT_OUTPUT_TOKENS = 32_000
"""What a wire asks for at most, where the person set nothing."""

_N = r"(\d[\d,_]*)"
_SUM = re.compile(rf"{_N}\s*\+\s*{_N}\s*>\s*{_N}")
_WINDOW = re.compile(rf"(?:maximum )?context (?:length|window|size)(?: is|:| of)?\s*(?:only )?{_N}", re.IGNORECASE)
_INPUT = re.compile(
    rf"{_N}(?: tokens?)? (?:of text input|in (?:the|your) (?:messages|prompt|input)|(?:prompt|input) tokens)"
    rf"|(?:prompt|request) (?:contains|has) (?:at least )?{_N}",
    re.IGNORECASE,
)
_ANSWER = re.compile(
    rf"{_N}(?: tokens?)? (?:in|for) the (?:completion|output)|{_N} (?:output|completion) tokens"
    rf"|max_(?:completion_)?tokens['`\"]*(?: or 'max_\w+')? is too large: {_N}",
    re.IGNORECASE,
)
_MOST = (
    re.compile(rf"max_(?:output_|completion_)?tokens['`\"]*:?\s*{_N}\s*>\s*{_N}"),
    re.compile(rf"(?:at most|maximum of|maximum value(?: for \S+)? is) {_N}(?: completion| output)", re.IGNORECASE),
    re.compile(r"range is from 1 \(inclusive\) to (\d+) \(exclusive\)", re.IGNORECASE),
)


def smaller_output(error: ModelError, request: ModelRequest, entry: Entry) -> int | None:
    """A limit for the answer with which the same request would fit; None when that is not what is wrong."""
    asked = min(request.max_output_tokens or DEFAULT_OUTPUT_TOKENS, entry.output_limit_tokens)
    if isinstance(error, BadRequest):
        limit = _most(error.message)
    elif isinstance(error, ContextOverflow):
        limit = _room(error.message, request, entry)
    else:
        return None
    return limit if limit is not None and SMALLEST_TOKENS <= limit < asked else None


def _most(message: str) -> int | None:
    """The most that the model can answer, as the host says it."""
    if not re.search(r"max_?\w*tokens", message, re.IGNORECASE):
        return None
    for pattern in _MOST:
        if found := pattern.search(message):
            most = _number(found[found.lastindex or 1])
            return most - 1 if "exclusive" in found[0] else most
    return None


def _room(message: str, request: ModelRequest, entry: Entry) -> int | None:
    """What the window has left beside the input: by the host's numbers, else by what is known here."""
    if found := _SUM.search(message):
        return _less(_number(found[3]) - _number(found[1]))
    window, input_tokens = _WINDOW.search(message), _INPUT.search(message)
    if window and input_tokens:
        if not _ANSWER.search(message):
            return None
        room = _number(window[1]) - _number(input_tokens[1] or input_tokens[2])
        return _less(room // 2 if "at least" in message else room)  # it stopped counting there
    if window or input_tokens or not request.input_tokens or not entry.known:
        return None
    return _less(entry.window_tokens - request.input_tokens - request.input_tokens // 5)


def _less(room: int) -> int:
    return room - min(MARGIN_TOKENS, room // 8)


def _number(text: str) -> int:
    return int(text.replace(",", "").replace("_", ""))
