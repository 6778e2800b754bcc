"""The life of the server as the specification tells it, and the end of the process.

    fresh ──initialize──▶ running ──shutdown──▶ stopping ──exit──▶ ended (0)
      └───────────────────────┴──────────── exit, end of input ───▶ ended (1)

Knows nothing of messages on the wire. Start with `Lifecycle.refusal`.
"""

import os
from typing import Literal, NoReturn, TypeAlias

from lsprotocol import types

from copydesk.lsp import logs
from copydesk.lsp.handlers import RpcError

State: TypeAlias = Literal["fresh", "running", "stopping", "ended"]


class Lifecycle:
    """Where the conversation with the client stands."""

    def __init__(self) -> None:
        self.state: State = "fresh"
        self.exit_code = 1

    def refusal(self, method: str) -> RpcError | None:
        """Why a request cannot be served now; None when it can."""
        if self.state == "fresh" and method != types.INITIALIZE:
            code = types.ErrorCodes.ServerNotInitialized.value
            return RpcError(code, f"{method!r} came before 'initialize'")
        if self.state == "running" and method == types.INITIALIZE:
            return RpcError(types.ErrorCodes.InvalidRequest.value, "'initialize' may be sent only once")
        if self.state in ("stopping", "ended"):
            return RpcError(types.ErrorCodes.InvalidRequest.value, f"{method!r} came after 'shutdown'")
        return None

    def hears(self, method: str) -> bool:
        """Whether a notification counts now."""
        return method == types.EXIT or self.state == "running"

    def initialized(self) -> None:
        self.state = "running"

    def stopping(self) -> None:
        self.state = "stopping"
        self.exit_code = 0

    def ended(self) -> None:
        self.state = "ended"


def end_process(code: int) -> NoReturn:
    """Ends the process at once, without the interpreter's teardown (~95 ms), once the log is written.
    The protocol's output is flushed when `Server.serve` returns.

    Only for the end of `copydesk serve`, where nothing is left to clean up.
    """
    logs.drain()
    os._exit(code)
