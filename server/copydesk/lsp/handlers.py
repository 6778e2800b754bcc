"""The table of methods: who answers which request, who hears which notification.

A request's handler is `async def handler(params, context) -> result` and runs in a task of its own, so it may wait.
A notification's handler is a plain function that runs at once, in the order of arrival; several may listen to one
method. `params` is the lsprotocol type of the method, or the raw JSON with `raw=True` (and for methods that LSP does
not define). Knows nothing of transports.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from copydesk.workspace.overlay import OverlayView

RequestId: TypeAlias = "int | float | str | None"
RequestHandler: TypeAlias = "Callable[[Any, RequestContext], Awaitable[Any]]"
NotificationHandler: TypeAlias = Callable[[Any], None]


class RpcError(JsonRpcException):
    """Raised by a handler to choose the error its request is answered with. `data` must hold no paths or secrets."""

    def __init__(self, code: int, message: str, data: Any | None = None) -> None:
        super().__init__(message=message, code=code, data=data)


def invalid_params(message: str) -> RpcError:
    return RpcError(types.ErrorCodes.InvalidParams.value, message)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What a request sees: the open documents as they were when it arrived, whatever was typed since."""

    files: "OverlayView"
    request_id: RequestId
    scope: anyio.CancelScope

    @property
    def cancelled(self) -> bool:
        return self.scope.cancel_called


@dataclass(frozen=True, slots=True)
class RequestEntry:
    handler: RequestHandler
    params_type: type[Any] | None


@dataclass(frozen=True, slots=True)
class NotificationEntry:
    handler: NotificationHandler
    params_type: type[Any] | None


class Handlers:
    """Methods and their handlers. A request has one, a notification any number."""

    def __init__(self) -> None:
        self.requests: dict[str, RequestEntry] = {}
        self.notifications: dict[str, list[NotificationEntry]] = {}

    def request(self, method: str, handler: RequestHandler, *, raw: bool = False) -> None:
        if method in self.requests:
            raise ValueError(f"{method!r} already has a handler")
        self.requests[method] = RequestEntry(handler, None if raw else _params_type(method))

    def notification(self, method: str, handler: NotificationHandler, *, raw: bool = False) -> None:
        entry = NotificationEntry(handler, None if raw else _params_type(method))
        self.notifications.setdefault(method, []).append(entry)

    def __contains__(self, method: str) -> bool:
        return method in self.requests or method in self.notifications


def _params_type(method: str) -> type[Any] | None:
    """The type of the `params` field of the method's message; None when LSP has none for it."""
    known = types.METHOD_TO_TYPES.get(method)
    return known[2] if known else None
