"""The editor at the other end: the only way to talk back to it.

Notifications are queued and never wait. Requests have a time limit; when our side is cancelled, so is the request.
Knows no transport: `send` is given. `domain.ports` is imported at first use, after `initialize`. Start with
`Client.request`.
"""

import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import anyio
from lsprotocol import types

from copydesk.lsp import wire
from copydesk.lsp.clients import takes_edits_unsaid
from copydesk.lsp.handlers import RequestId, RpcError

if TYPE_CHECKING:
    from copydesk.domain.ports import ApplyReply
    from copydesk.text.positions import Encoding

log = logging.getLogger("copydesk.lsp")

LEVELS: Mapping[str, types.MessageType] = {
    "error": types.MessageType.Error,
    "warning": types.MessageType.Warning,
    "info": types.MessageType.Info,
    "log": types.MessageType.Log,
    "debug": types.MessageType.Debug,
}
SESSION_UPDATE = "copydesk/session/update"
_CHUNKS = frozenset({"agent_message_chunk", "agent_thought_chunk"})


class ClientError(Exception):
    """The client answered an error (`code` and `data` are its), did not answer in time, or is gone (`code` None)."""

    def __init__(self, message: str, code: int | None = None, data: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.data = data


def _unheard() -> None:
    """The one who asked waits for `Asked.done`."""


@dataclass(slots=True)
class Asked:
    """A request on its way. `on_done` is called at once when it is answered, or the client is gone."""

    method: str
    on_done: Callable[[], None] = _unheard
    done: anyio.Event = field(default_factory=anyio.Event)
    answer: dict[str, Any] | None = None

    def finish(self, answer: dict[str, Any] | None) -> None:
        self.answer = answer
        self.done.set()
        self.on_done()

    def result(self) -> Any:
        """The raw JSON result, once it is `done`. Raises `ClientError`."""
        if self.answer is None:
            raise ClientError(f"The client went away before it answered {self.method!r}")
        error: Any = self.answer.get("error")
        if error is None:
            return self.answer.get("result")
        if not isinstance(error, dict):
            raise ClientError(str(error), 0)
        body = cast("dict[str, Any]", error)
        code, message = body.get("code"), str(body.get("message", ""))
        raise ClientError(message or "no reason given", code if isinstance(code, int) else 0, body.get("data"))


class Client:
    """What the client can do (`capabilities`, `encoding`, `experimental`) and how to reach it."""

    def __init__(self, send: Callable[[dict[str, Any], str], None]) -> None:
        self._send = send
        self._waiting: dict[RequestId, Asked] = {}
        self._last_id = 0
        self._gone = False
        self.raw_capabilities: dict[str, Any] = {}
        self.name = ""
        self.version = ""
        self.encoding: Encoding = "utf-16"

    @cached_property
    def capabilities(self) -> types.ClientCapabilities:
        """Typed capabilities. Built at first use: `initialize` is answered without them."""
        try:
            return wire.structure(self.raw_capabilities, types.ClientCapabilities)
        except RpcError as error:
            log.warning("the client's capabilities are not understood and taken as none: %s", error.message)
            return types.ClientCapabilities()

    @cached_property
    def experimental(self) -> frozenset[str]:
        """The `copydesk/…` methods that the client takes."""
        names = self.supports("experimental.copydesk")
        listed = cast("list[object]", names) if isinstance(names, list) else []
        return frozenset(name for name in listed if isinstance(name, str))

    def supports(self, path: str) -> Any:
        """The capability at a dotted path as in the specification ("workspace.applyEdit"); None when it is not said."""
        found: Any = self.raw_capabilities
        for name in path.split("."):
            if not isinstance(found, dict):
                return None
            found = cast("dict[str, Any]", found).get(name)
        return found

    @property
    def declares_edits(self) -> bool:
        return bool(self.supports("workspace.applyEdit"))

    # --- the two ways to talk ---

    def notify(self, method: str, params: Any = None) -> None:
        """Queues a notification. Progress reports and message chunks may be dropped when the client does not read."""
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        self._send(message, _droppable_key(method, params))

    async def request(
        self, method: str, params: Any = None, *, timeout_s: float | None, names_itself: bool = False
    ) -> Any:
        """The raw JSON result. `timeout_s` None only where a person is asked. Raises `ClientError`.

        `names_itself`: the params get the request's `id`, because not every client library (Neovim's) tells its
        handlers which request a cancellation is about.
        """
        with self.asking(method, params, names_itself=names_itself) as asked:
            with anyio.move_on_after(timeout_s):
                await asked.done.wait()
            if not asked.done.is_set():
                raise ClientError(f"The client did not answer {method!r} within {timeout_s:g} s")
        return asked.result()

    @contextmanager
    def asking(
        self,
        method: str,
        params: Any = None,
        on_done: Callable[[], None] = _unheard,
        *,
        names_itself: bool = False,
    ) -> Generator[Asked]:
        """Sends a request; leaving before it is answered cancels it. The caller sets the limit."""
        if self._gone:
            raise ClientError(f"The client is gone; {method!r} was not sent")
        self._last_id += 1
        request_id, asked = self._last_id, Asked(method, on_done)
        if names_itself:
            params = {**params, "id": request_id}
        self._waiting[request_id] = asked
        try:
            message: dict[str, Any] = {"jsonrpc": "2.0", "id": request_id, "method": method}
            self._send(message if params is None else {**message, "params": params}, "")
            yield asked
        finally:
            del self._waiting[request_id]
            if not asked.done.is_set():
                self.notify(types.CANCEL_REQUEST, {"id": request_id})

    def receive_response(self, request_id: RequestId, message: dict[str, Any]) -> None:
        """Late and unknown answers are ignored."""
        asked = self._waiting.get(request_id)
        if asked is None or asked.done.is_set():
            log.debug("an answer to the unknown request %r is ignored", request_id)
            return
        asked.finish(message)

    def disconnected(self) -> None:
        """Ends every waiting request with a `ClientError`."""
        self._gone = True
        for asked in self._waiting.values():
            if not asked.done.is_set():
                asked.finish(None)

    # --- what is asked of editors ---

    def show_message(self, level: str, text: str) -> None:
        """`level`: info, warning, error."""
        self.notify(types.WINDOW_SHOW_MESSAGE, {"type": LEVELS[level].value, "message": text})

    def log(self, level: str, text: str) -> None:
        """To the editor's log. `level`: log, info, warning, error."""
        self.notify(types.WINDOW_LOG_MESSAGE, {"type": LEVELS[level].value, "message": text})

    async def show_document(
        self, uri: str, *, take_focus: bool = False, line: int | None = None, timeout_s: float = 10
    ) -> bool:
        """False when the client cannot or would not. `line` (from 0) is where the cursor goes."""
        if not self.supports("window.showDocument.support"):
            return False
        try:
            params: dict[str, Any] = {"uri": uri, "takeFocus": take_focus}
            if line is not None:
                at = {"line": line, "character": 0}
                params["selection"] = {"start": at, "end": at}
            shown = await self.request(types.WINDOW_SHOW_DOCUMENT, params, timeout_s=timeout_s)
        except ClientError:
            return False
        return isinstance(shown, dict) and cast("dict[str, Any]", shown).get("success") is True

    async def apply_edit(
        self, label: str, edit: types.WorkspaceEdit, *, timeout_s: float | None = None, is_refactoring: bool = False
    ) -> "ApplyReply":
        """What the client *says*: some say yes after skipping a document. No time limit: a person may be asked."""
        from copydesk.domain.ports import ApplyReply

        if not self._takes_edits():
            return ApplyReply(False, "The editor does not take workspace/applyEdit")
        params: dict[str, Any] = {"label": label, "edit": edit}
        if is_refactoring and self.supports("workspace.workspaceEdit.metadataSupport"):
            params["metadata"] = {"isRefactoring": True}
        try:
            answer = await self.request(types.WORKSPACE_APPLY_EDIT, params, timeout_s=timeout_s)
        except ClientError as error:
            return ApplyReply(False, error.message, answered=error.code is not None)
        return _apply_reply(answer)

    def _takes_edits(self) -> bool:
        said = self.supports("workspace.applyEdit")
        shows_progress = bool(self.supports("window.workDoneProgress"))
        return bool(said) or (said is None and takes_edits_unsaid(self.name, shows_progress=shows_progress))

    async def configuration(self, section: str, *, timeout_s: float = 10) -> Any:
        """The editor's settings of a section; None when it has none. Raises `ClientError`."""
        params = {"items": [{"section": section}]}
        answer = await self.request(types.WORKSPACE_CONFIGURATION, params, timeout_s=timeout_s)
        return cast("list[Any]", answer)[0] if isinstance(answer, list) and answer else None

    async def create_progress(self, token: str, *, timeout_s: float = 5) -> bool:
        """Whether the client takes `$/progress` for this token from now on."""
        if not self.supports("window.workDoneProgress"):
            return False
        try:
            await self.request(types.WINDOW_WORK_DONE_PROGRESS_CREATE, {"token": token}, timeout_s=timeout_s)
        except ClientError:
            return False
        return True


def _apply_reply(answer: Any) -> "ApplyReply":
    from copydesk.domain.ports import ApplyReply

    if not isinstance(answer, dict):
        return ApplyReply(False, "The editor's answer says neither yes nor no")
    body = cast("dict[str, Any]", answer)
    reason = body.get("failureReason")
    return ApplyReply(body.get("applied") is True, reason if isinstance(reason, str) else "")


def _droppable_key(method: str, params: Any) -> str:
    """A progress report is replaced by a newer one for its token; a chunk is dropped (its `seq` shows the gap)."""
    if method == types.PROGRESS:
        value = _field(params, "value")
        return f"progress {_field(params, 'token')!r}" if _field(value, "kind") == "report" else ""
    if method == SESSION_UPDATE and _field(_field(params, "update"), "sessionUpdate") in _CHUNKS:
        return f"chunk {_field(params, 'session')} {_field(params, 'seq')}"
    return ""


def _field(holder: Any, name: str) -> Any:
    return cast("dict[str, Any]", holder).get(name) if isinstance(holder, dict) else getattr(holder, name, None)
