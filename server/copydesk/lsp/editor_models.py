"""The editor's own language models: `domain.ports.EditorModels` over `copydesk/editor/model`.

Owns the requests, the tokens of what is streamed, and how much may wait to be read. The parts of an answer are passed
on as they are; what they mean is known in `models.wires.editor`. Start with `LspEditorModels.stream`.
"""

import json
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import anyio

from copydesk.domain import errors
from copydesk.domain.ports import EditorPart, OfferedModel
from copydesk.lsp.client import ClientError

if TYPE_CHECKING:
    from copydesk.lsp.client import Asked, Client

log = logging.getLogger("copydesk.lsp")

METHOD = "copydesk/editor/model"
MAX_ANSWER_CHARACTERS = 8 * 1024 * 1024
MAX_WAITING = 1_000
"""Parts that may wait to be read; text joins the text that waits before it."""
MAX_LISTED = 200
MAX_WORDS = 600
PART_COST = 16
"""What a part counts beside its text, so that no number of empty ones is without an end."""

_METHOD_NOT_FOUND, _INVALID_PARAMS = -32601, -32602
_ANOTHER = "set another model.name"
_JOINED = frozenset({"text", "thought"})

JsonObject: TypeAlias = dict[str, Any]


class LspEditorModels:
    """One client's models. Any number of answers may stream at once, each under a token of its own."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._numbers = count(1)
        self._inboxes: dict[str, _Inbox] = {}

    @property
    def available(self) -> bool:
        return METHOD in self._client.experimental

    async def list(self) -> tuple[OfferedModel, ...]:
        try:
            answer = await self._client.request(METHOD, {"action": "list"}, timeout_s=None)
        except ClientError as error:
            raise _translated(error, "") from error
        return _offered(answer)

    def stream(self, request: Mapping[str, Any]) -> AbstractAsyncContextManager[AsyncIterator[EditorPart]]:
        return aclosing(self._parts(request))

    async def _parts(self, request: Mapping[str, Any]) -> AsyncGenerator[EditorPart]:
        token, inbox = f"copydesk/model/{next(self._numbers)}", _Inbox()
        self._inboxes[token] = inbox
        params = {"action": "stream", "partialResultToken": token, **request}
        model = str(request.get("model", ""))
        try:
            with self._client.asking(METHOD, params, inbox.close) as asked:
                while (part := await inbox.take()) is not None:
                    yield part
                yield EditorPart(_result(asked), last=True)
        except ClientError as error:
            raise _translated(error, model) from error
        finally:
            del self._inboxes[token]

    def receive_progress(self, params: Any) -> None:
        """`$/progress` of the client's: a part of an answer, where the token is one of ours. Runs at once."""
        fields = cast("JsonObject", params) if isinstance(params, dict) else {}
        token = fields.get("token")
        inbox = self._inboxes.get(token) if isinstance(token, str) else None
        if inbox is None:
            log.debug("progress for an answer that nobody waits for is dropped")
        else:
            inbox.add(fields.get("value"))


class _Inbox:
    """What came of one answer and is not read yet. Bounded: the client cannot be asked to wait, so too much ends it."""

    def __init__(self) -> None:
        self._waiting: deque[object] = deque()
        self._texts: list[str] = []
        self._kind = ""
        self._n_characters = 0
        self._problem = ""
        self._closed = False
        self._changed = anyio.Event()

    def add(self, value: object) -> None:
        """Takes a part in; late ones are dropped."""
        if self._closed or self._problem:
            log.debug("a part that came after the end of its answer is dropped")
            return
        kind, text = _text_of(value)
        self._n_characters += PART_COST + (len(text) if kind else _size(value))
        if kind and kind == self._kind:
            self._texts.append(text)
        else:
            self._join()
            self._kind, self._texts = kind, [text]
            if not kind:
                self._waiting.append(value)
        if self._n_characters > MAX_ANSWER_CHARACTERS:
            self._problem = f"more than {MAX_ANSWER_CHARACTERS // 1024**2} MiB in one answer"
        elif len(self._waiting) > MAX_WAITING:
            self._problem = f"more than {MAX_WAITING} parts at once"
        self._changed.set()

    def close(self) -> None:
        """The result is there, or never comes."""
        self._closed = True
        self._changed.set()

    async def take(self) -> EditorPart | None:
        """The next part; None when there is none to come. Raises `BadStream` when there were too many."""
        while True:
            if self._problem:
                raise errors.BadStream(f"The editor sent {self._problem}.", advice=f"Try again, or {_ANOTHER}.")
            if not self._waiting:
                self._join()
            if self._waiting:
                return EditorPart(self._waiting.popleft())
            if self._closed:
                return None
            self._changed = anyio.Event()
            await self._changed.wait()

    def _join(self) -> None:
        if self._kind:
            self._waiting.append({"type": self._kind, "text": "".join(self._texts)})
        self._kind, self._texts = "", []


def _text_of(value: object) -> tuple[str, str]:
    """The kind and the text of a part that may be joined with its like; empty for any other."""
    fields = cast("JsonObject", value) if isinstance(value, dict) else {}
    kind, text = fields.get("type"), fields.get("text")
    return (kind, text) if isinstance(kind, str) and kind in _JOINED and isinstance(text, str) else ("", "")


def _size(value: object) -> int:
    try:
        return len(json.dumps(value))
    except RecursionError:
        return MAX_ANSWER_CHARACTERS


# --- what the client says ---


def _offered(answer: object) -> tuple[OfferedModel, ...]:
    """The models of a list. What cannot be understood is left out and logged."""
    rows = cast("JsonObject", answer).get("models") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise errors.BadStream(
            f"The editor answered {METHOD!r} without a list of models.", advice=f"Update its plug-in, or {_ANOTHER}."
        )
    found: dict[str, OfferedModel] = {}
    for row in cast("list[object]", rows)[:MAX_LISTED]:
        model = _model(cast("JsonObject", row) if isinstance(row, dict) else {})
        if model is None:
            log.warning("a model that the editor lists without a usable id is left out")
        else:
            found.setdefault(model.id, model)
    return tuple(found.values())


def _model(row: JsonObject) -> OfferedModel | None:
    name, title, limit = row.get("id"), row.get("title"), row.get("maxInputTokens")
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > MAX_WORDS:
        return None
    return OfferedModel(
        name.strip(),
        _line(title) if isinstance(title, str) and title.strip() else name.strip(),
        int(limit) if isinstance(limit, int | float) and 1 <= limit < 1e12 else None,
        row.get("tools") is not False,
        row.get("allowed") is True,
    )


def _result(asked: "Asked") -> object:
    """The result of an answer. A filter's no is one too: the model declines."""
    try:
        return asked.result()
    except ClientError as error:
        if _field(error.data, "kind") != "blocked":
            raise
        return {"stopReason": "refusal", "text": _line(error.message)}


def _translated(error: ClientError, model: str) -> errors.ModelError:
    """What went wrong at the client, as ours. `model` is empty for a list."""
    what = f"The editor's model {model!r}" if model else "The editor's list of models"
    said = _line(error.message)
    wait_ms = _field(error.data, "retryAfterMs")
    match _field(error.data, "kind"):
        case "denied":
            return errors.PermanentModelError(
                f"{what} may not be used by Copydesk: {said}",
                advice=f"Allow it in the editor (VS Code: Manage Language Model Access, in the accounts menu), "
                f"or {_ANOTHER}.",
            )
        case "unknown_model":
            advice = f"copydesk.models lists those there are; name one of them, or {_ANOTHER}."
            return errors.UnknownModel(f"{what} is not there: {said}", advice=advice)
        case "rate_limited":
            wait_s = wait_ms / 1000 if isinstance(wait_ms, int | float) and 0 <= wait_ms < 1e9 else None
            advice = f"Wait, or {_ANOTHER}."
            return errors.RateLimited(f"{what} was asked too often: {said}", advice=advice, retry_after_s=wait_s)
        case "overflow":
            advice = "Start a new session or compact this one."
            return errors.ContextOverflow(f"{what} cannot take so much: {said}", advice=advice)
        case _:
            return _lost(error, f"{what} failed: {said}")


def _lost(error: ClientError, text: str) -> errors.ModelError:
    """No kind of failure that we know: most may pass, but not these."""
    if error.code is None:
        return errors.PermanentModelError(text, advice="Start the editor again.")
    if error.code in (_METHOD_NOT_FOUND, _INVALID_PARAMS):
        return errors.BadRequest(text, advice=f"Update the editor's plug-in, or {_ANOTHER}.")
    return errors.ConnectionLost(text, advice=f"Try again, or {_ANOTHER}.")


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_WORDS else line[:MAX_WORDS] + "…"


def _field(data: object, name: str) -> object:
    return cast("JsonObject", data).get(name) if isinstance(data, dict) else None
