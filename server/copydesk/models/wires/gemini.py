"""Gemini `streamGenerateContent`, decoding: the chunks of a stream → our events.

No I/O. Start with `GeminiDecoder.feed`; encoding is in `gemini_encode`, how bytes become chunks in `gemini_frames`.
Each chunk is a whole `GenerateContentResponse`; there is no end marker. Fields and enums are those of
ai.google.dev/api/generate-content and of googleapis/python-genai `types.py`. Function arguments come whole on this API
(`partialArgs` is Google's enterprise platform's, and only on request): a call that says it goes on is never complete.
Parts of kinds that we do not ask for (`inlineData`, `executableCode`, server tools) are passed over.
"""

import json
from typing import Any, Final, cast
from urllib.parse import quote

from copydesk.domain import errors
from copydesk.domain.messages import Usage
from copydesk.domain.stream import (
    Finished,
    FinishReason,
    ModelRequest,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from copydesk.models import failures
from copydesk.models.catalog import Entry
from copydesk.models.failures import Origin
from copydesk.models.sse import ServerSentEvent
from copydesk.models.wires import Decoder
from copydesk.models.wires.gemini_encode import ON_TEXT, SOURCE, encode

_REFUSED: Final[dict[str, str]] = {
    "SAFETY": "its safety filters",
    "IMAGE_SAFETY": "its safety filters",
    "RECITATION": "it repeated a source too closely",
    "IMAGE_RECITATION": "it repeated a source too closely",
    "BLOCKLIST": "a term on its blocklist",
    "PROHIBITED_CONTENT": "prohibited content",
    "IMAGE_PROHIBITED_CONTENT": "prohibited content",
    "SPII": "sensitive personal data",
    "LANGUAGE": "a language that it does not support",
    "MODEL_ARMOR": "its guard",
    "JAILBREAK": "it looked like a jailbreak",
}
_FAILED: Final[dict[str, str]] = {
    "MALFORMED_FUNCTION_CALL": "it wrote a call that cannot be read",
    "MALFORMED_RESPONSE": "it wrote an answer that cannot be read",
    "UNEXPECTED_TOOL_CALL": "it called a tool where none was offered",
    "TOO_MANY_TOOL_CALLS": "it called too many tools in a row",
    "MISSING_THOUGHT_SIGNATURE": "a thought signature was missing",
    "OTHER": "it gives no reason",
}
"""Ends after which nothing of the answer may be acted on; asked again, the model mostly does better."""
_UNSPECIFIED: Final = ("", "FINISH_REASON_UNSPECIFIED", "BLOCK_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED")


class GeminiContent:
    """The wire. Stateless."""

    def path(self, model: str) -> str:
        kind, _, rest = model.partition("/")
        collection, name = (kind, rest) if kind in ("models", "tunedModels") and rest else ("models", model)
        return f"/{collection}/{quote(name, safe='')}:streamGenerateContent?alt=sse"

    def headers(self, key: str) -> dict[str, str]:
        return {"x-goog-api-key": key} if key else {}

    def headers_for(self, entry: Entry) -> dict[str, str]:
        return {}

    def encode(self, request: ModelRequest, model: str, entry: Entry) -> bytes:
        return encode(request, model, entry)

    def decoder(self, origin: Origin) -> Decoder:
        return GeminiDecoder(origin)


class GeminiDecoder:
    """One answer."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._stop = ""
        self._refused = False
        self._thinking = False
        self._open_call = False
        self._n_calls = 0
        self._ids: set[str] = set()
        self._usage: Usage | None = None
        self._done = False

    @property
    def done(self) -> bool:
        return self._done

    @property
    def ending(self) -> bool:
        return bool(self._stop)

    def feed(self, event: ServerSentEvent) -> list[StreamEvent]:
        data = event.data.strip()
        if self._done or not data:
            return []
        if data == "[DONE]":  # Google sends none; some gateways do
            return self.end()
        return self._payloads(data)

    def whole(self, body: str) -> list[StreamEvent]:
        return self._payloads(body) + self.end()

    def end(self) -> list[StreamEvent]:
        if self._done:
            return []
        self._done = True
        if self._stop in _FAILED:
            raise errors.TransientModelError(
                f"{self._origin.provider} ended this answer with {self._stop}: {_FAILED[self._stop]}.",
                advice="Ask again, or set another model.name.",
            )
        return [*self._end_thinking(), Finished(self._reason())]

    def _payloads(self, data: str) -> list[StreamEvent]:
        """A chunk; or several as an array, from a server that does not know `alt=sse`."""
        try:
            parsed: object = json.loads(data)
        except (ValueError, RecursionError) as exc:
            raise failures.broken_json(data, self._origin) from exc
        events: list[StreamEvent] = []
        for payload in cast(list[object], parsed) if isinstance(parsed, list) else [parsed]:
            if not isinstance(payload, dict):
                raise failures.broken_json(data, self._origin)
            events += self._payload(cast(dict[str, Any], payload))
        return events

    def _payload(self, payload: dict[str, Any]) -> list[StreamEvent]:
        if payload.get("error"):
            raise failures.from_object(payload, self._origin)
        inner = payload.get("response")  # Google's code-assist endpoint wraps each chunk once more
        chunk = cast(dict[str, Any], inner) if isinstance(inner, dict) and "candidates" not in payload else payload
        events = self._feedback(_dict(chunk.get("promptFeedback")))
        candidates = chunk.get("candidates")
        for candidate in cast(list[object], candidates)[:1] if isinstance(candidates, list) else []:
            events += self._candidate(_dict(candidate))
        return events + self._report(_dict(chunk.get("usageMetadata")))

    def _feedback(self, feedback: dict[str, Any]) -> list[StreamEvent]:
        reason = _string(feedback.get("blockReason"))
        if reason in _UNSPECIFIED or self._stop:
            return []
        self._stop, self._refused = reason, True
        said = _string(feedback.get("blockReasonMessage"))
        return [RefusalDelta(said or f"{self._origin.provider} refused this prompt ({reason}): {_why(reason)}.")]

    def _candidate(self, candidate: dict[str, Any]) -> list[StreamEvent]:
        parts = _dict(candidate.get("content")).get("parts")
        events: list[StreamEvent] = []
        for part in cast(list[object], parts) if isinstance(parts, list) else []:
            events += self._part(_dict(part))
        reason = _string(candidate.get("finishReason")).upper()
        if reason in _UNSPECIFIED or self._stop:
            return events
        self._stop = reason
        if reason in _REFUSED:
            said = _string(candidate.get("finishMessage"))
            self._refused = True
            events += self._end_thinking()
            events.append(RefusalDelta(said or f"{self._origin.provider} stopped here ({reason}): {_why(reason)}."))
        return events

    def _part(self, part: dict[str, Any]) -> list[StreamEvent]:
        signature = _string(part.get("thoughtSignature"))
        if "functionCall" in part:
            return [*self._end_thinking(), *self._call(_dict(part["functionCall"]), signature)]
        text = _string(part.get("text"))
        if part.get("thought"):
            events: list[StreamEvent] = [ThinkingDelta(text)] if text else []
            self._thinking = not signature and (self._thinking or bool(text))
            return [*events, ThinkingEnd(signature, source=SOURCE)] if signature else events
        if not text and not signature:
            return []
        events = self._end_thinking()
        if text:
            events.append(TextDelta(text))
        if signature:
            # A signature stands on text, or (as the documentation has it for streams) on a part of its own.
            events.append(ThinkingEnd(signature, source=ON_TEXT if text else SOURCE))
        return events

    def _call(self, call: dict[str, Any], signature: str) -> list[StreamEvent]:
        if call.get("partialArgs") or call.get("willContinue"):
            self._open_call = True  # pieces that nobody asked for: nothing of this answer may run
        position = self._n_calls
        self._n_calls += 1
        base = _string(call.get("id")) or f"call_{position}"
        call_id, n = base, 1
        while call_id in self._ids:
            n += 1
            call_id = f"{base}_{n}"
        self._ids.add(call_id)
        events: list[StreamEvent] = [ToolCallStart(position, call_id, _string(call.get("name")), signature)]
        arguments = call.get("args")
        if arguments is not None and arguments != {}:
            text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
            events.append(ToolCallDelta(position, text))
        return events

    def _end_thinking(self) -> list[StreamEvent]:
        was, self._thinking = self._thinking, False
        return [ThinkingEnd()] if was else []

    def _report(self, usage: dict[str, Any]) -> list[StreamEvent]:
        """Each chunk repeats the counts so far. Candidates are counted without their thoughts."""
        if not usage:
            return []
        thoughts = _count(usage, "thoughtsTokenCount")
        found = Usage(
            input=_count(usage, "promptTokenCount") + _count(usage, "toolUsePromptTokenCount"),
            output=_count(usage, "candidatesTokenCount") + thoughts,
            cache_read=_count(usage, "cachedContentTokenCount"),
            reasoning=thoughts,
        )
        if found == self._usage:
            return []
        self._usage = found
        return [UsageReport(found)]

    def _reason(self) -> FinishReason:
        if not self._stop or self._open_call:
            return "cut_off"
        if self._refused:
            return "refusal"
        if self._stop == "MAX_TOKENS":
            return "max_tokens"
        return "tool_calls" if self._n_calls else "end_turn"


def _why(reason: str) -> str:
    return _REFUSED.get(reason, "it gives no reason")


def _dict(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    return int(value) if isinstance(value, int | float) and 0 < value < 1e12 else 0
