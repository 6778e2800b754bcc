"""JSON-RPC: what a message is, who handles it, and exactly one answer to every request.

Notifications run at once and in order. Requests run as tasks of the connection, each in a cancel scope that
`$/cancelRequest` cancels, with the documents as they were when the request arrived. A failing handler answers an
error and is logged; it never ends the process. Knows nothing of bytes. Start with `Protocol.receive`.
"""

import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.abc
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from copydesk.domain.errors import CopydeskError
from copydesk.lsp import wire
from copydesk.lsp.handlers import Handlers, NotificationEntry, RequestContext, RequestEntry, RequestId, RpcError
from copydesk.lsp.lifecycle import Lifecycle

if TYPE_CHECKING:
    from copydesk.workspace.overlay import OverlayView

log = logging.getLogger("copydesk.lsp")

INVALID_REQUEST = types.ErrorCodes.InvalidRequest.value
METHOD_NOT_FOUND = types.ErrorCodes.MethodNotFound.value
INTERNAL_ERROR = types.ErrorCodes.InternalError.value
CANCELLED = types.LSPErrorCodes.RequestCancelled.value
REQUEST_FAILED = types.LSPErrorCodes.RequestFailed.value


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    entry: RequestEntry
    params: Any
    context: RequestContext


@dataclass(slots=True)
class Protocol:
    """The messages of one connection.

    `send` queues a message. `freeze` takes the snapshot of the open documents. `on_response` gets the client's
    answers. `initialize` is answered inside `receive`, so that nothing overtakes it; `shutdown` is a task.
    """

    handlers: Handlers
    lifecycle: Lifecycle
    send: Callable[[dict[str, Any]], None]
    freeze: "Callable[[], OverlayView]"
    on_response: Callable[[RequestId, dict[str, Any]], None]
    initialize: Callable[[Any], Any]
    shutdown: Callable[[], Awaitable[None]]
    tasks: anyio.abc.TaskGroup
    _running: dict[RequestId, _Call] = field(default_factory=dict["RequestId", "_Call"])
    _answered: anyio.Event = field(default_factory=anyio.Event)

    def receive(self, message: Any) -> None:
        """Handles one decoded message. Never raises."""
        if not isinstance(message, dict):
            self._refuse(None, "A message must be an object; LSP has no batches")
        else:
            self._receive_object(cast("dict[str, Any]", message))

    def _receive_object(self, message: dict[str, Any]) -> None:
        request_id = message.get("id")
        if not _is_id(request_id):
            self._refuse(None, "id: a number or a string is needed")
        elif message.get("jsonrpc") != "2.0":
            self._refuse(request_id, "jsonrpc: '2.0' is needed")
        elif "method" not in message:
            self._receive_response(request_id, message)
        elif not isinstance(message["method"], str):
            self._refuse(request_id, "method: a string is needed")
        elif "id" in message:
            self._receive_request(request_id, message["method"], message.get("params"))
        else:
            self._receive_notification(message["method"], message.get("params"))

    def cancel(self, request_id: Any) -> None:
        """Cancels a running request; unknown ids are ignored."""
        if _is_id(request_id) and request_id in self._running:
            self._running[request_id].context.scope.cancel()

    def cancel_all(self) -> None:
        """Cancels every running request but `shutdown`, which cleans up."""
        for call in self._running.values():
            if call.method != types.SHUTDOWN:
                call.context.scope.cancel()

    async def wait_answered(self, timeout_s: float, n_left: int = 0) -> None:
        """Until at most `n_left` requests are running, or the time is over."""
        with anyio.move_on_after(timeout_s):
            while len(self._running) > n_left:
                self._answered = anyio.Event()
                await self._answered.wait()

    # --- responses and refusals ---

    def refuse_bytes(self, reason: str) -> None:
        """Answers bytes that are no message."""
        self._answer_error(None, RpcError(wire.PARSE_ERROR, reason))

    def _refuse(self, request_id: RequestId, reason: str) -> None:
        self._answer_error(request_id, RpcError(INVALID_REQUEST, reason))

    def _receive_response(self, request_id: RequestId, message: dict[str, Any]) -> None:
        if "result" not in message and "error" not in message:
            self._refuse(request_id, "A message needs a method, a result or an error")
            return
        self.on_response(request_id, message)

    def _answer_error(self, request_id: RequestId, error: JsonRpcException) -> None:
        body: dict[str, Any] = {"code": error.code, "message": error.message}
        if error.data is not None:
            body["data"] = error.data
        self.send({"jsonrpc": "2.0", "id": request_id, "error": body})

    # --- notifications ---

    def _receive_notification(self, method: str, params: Any) -> None:
        if not self.lifecycle.hears(method):
            return
        for entry in self.handlers.notifications.get(method, ()):
            self._notify(method, entry, params)

    def _notify(self, method: str, entry: NotificationEntry, params: Any) -> None:
        try:
            entry.handler(params if entry.params_type is None else wire.structure(params, entry.params_type))
        except JsonRpcException as error:
            log.warning("the notification %r is ignored: %s", method, error.message)
        except Exception:
            log.exception("the notification %r failed", method)

    # --- requests ---

    def _receive_request(self, request_id: RequestId, method: str, params: Any) -> None:
        refusal = self._refusal(request_id, method)
        if refusal is not None:
            self._answer_error(request_id, refusal)
        elif method == types.INITIALIZE:
            self._answer_inline(request_id, params)
        else:
            context = RequestContext(self.freeze(), request_id, anyio.CancelScope())
            call = _Call(method, self._entry(method), params, context)
            self._running[request_id] = call
            self.tasks.start_soon(self._run, call)

    def _refusal(self, request_id: RequestId, method: str) -> RpcError | None:
        if (refusal := self.lifecycle.refusal(method)) is not None:
            return refusal
        if request_id in self._running:
            return RpcError(INVALID_REQUEST, f"id: {request_id!r} is in use by a request that is not answered yet")
        if method in self.handlers.requests or method in (types.INITIALIZE, types.SHUTDOWN):
            return None
        if method in self.handlers.notifications:
            return RpcError(INVALID_REQUEST, f"{_short(method)} is a notification and takes no id")
        return RpcError(METHOD_NOT_FOUND, f"There is no method {_short(method)}")

    def _entry(self, method: str) -> RequestEntry:
        if method != types.SHUTDOWN:
            return self.handlers.requests[method]
        self.lifecycle.stopping()
        return RequestEntry(self._shut_down, None)

    async def _shut_down(self, params: Any, context: RequestContext) -> None:
        del params, context
        self.cancel_all()
        await self.shutdown()

    def _answer_inline(self, request_id: RequestId, params: Any) -> None:
        try:
            reply: dict[str, Any] = {"result": self.initialize(params)}
        except JsonRpcException as error:
            reply = _error(error.code, error.message, error.data)
        except Exception:
            log.exception("the request 'initialize' failed")
            reply = _internal_error(types.INITIALIZE)
        self._answer(request_id, types.INITIALIZE, reply)

    async def _run(self, call: _Call) -> None:
        request_id, scope = call.context.request_id, call.context.scope
        reply = _internal_error(call.method)
        try:
            with scope:
                if not scope.cancel_called:
                    reply = await _result_of(call)
        finally:
            self._running.pop(request_id, None)
            if scope.cancel_called:
                reply = _error(CANCELLED, f"{call.method!r} was cancelled")
            self._answer(request_id, call.method, reply)
            self._answered.set()

    def _answer(self, request_id: RequestId, method: str, reply: dict[str, Any]) -> None:
        try:
            self.send({"jsonrpc": "2.0", "id": request_id, **reply})
        except (TypeError, ValueError, RecursionError):
            log.exception("the result of %r is not JSON", method)
            self.send({"jsonrpc": "2.0", "id": request_id, **_internal_error(method)})


async def _result_of(call: _Call) -> dict[str, Any]:
    try:
        params = wire.structure(call.params, call.entry.params_type)
        return {"result": await call.entry.handler(params, call.context)}
    except JsonRpcException as error:
        return _error(error.code, error.message, error.data)
    except CopydeskError as error:
        return _error(REQUEST_FAILED, str(error))
    except Exception:
        log.exception("the request %r failed", call.method)
        return _internal_error(call.method)


def _error(code: int, message: str, data: Any = None) -> dict[str, Any]:
    body: dict[str, Any] = {"code": code, "message": message}
    return {"error": body if data is None else {**body, "data": data}}


def _internal_error(method: str) -> dict[str, Any]:
    """No traceback and no paths: those go to the log."""
    return _error(INTERNAL_ERROR, f"{method!r} failed inside Copydesk; its log on stderr says why")


def _is_id(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, (int, str)) and not isinstance(value, bool))


def _short(method: str) -> str:
    return repr(method if len(method) <= 100 else method[:100] + "…")
