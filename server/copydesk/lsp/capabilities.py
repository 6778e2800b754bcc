"""What this server says it can do, made from the handlers that are there and what the client understands.

Only what works is advertised. Plain JSON, because building the typed objects costs time before `initialize` is
answered. Start with `server_capabilities`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from copydesk.lsp.handlers import Handlers

if TYPE_CHECKING:
    from copydesk.lsp.client import Client
    from copydesk.text.positions import Encoding

_ENCODINGS: "tuple[Encoding, ...]" = ("utf-8", "utf-16", "utf-32")
TEXT_DOCUMENT_CONTENT = "workspace/textDocumentContent"
SCHEME = "copydesk"
CODE_ACTION_KINDS: tuple[str, ...] = (
    "quickfix",
    "refactor.rewrite.copydesk",
    "refactor.rewrite.copydesk.document",
    "refactor.rewrite.copydesk.test",
    "refactor.rewrite.copydesk.refactor",
    "refactor.rewrite.copydesk.explain",
)


def negotiate_encoding(offered: object) -> "Encoding":
    """The first of the client's position encodings that we know; utf-16 when it offers none."""
    for name in cast("list[object]", offered) if isinstance(offered, list) else ():
        for known in _ENCODINGS:
            if name == known:
                return known
    return "utf-16"


def server_capabilities(handlers: Handlers, client: "Client", commands: Sequence[str]) -> dict[str, Any]:
    advertised: dict[str, Any] = {
        "positionEncoding": client.encoding,
        "textDocumentSync": {
            "openClose": True,
            "change": types.TextDocumentSyncKind.Incremental.value,
            "save": {"includeText": False},
        },
        "workspace": _workspace(handlers, client),
    }
    if types.TEXT_DOCUMENT_HOVER in handlers:
        advertised["hoverProvider"] = True
    if types.TEXT_DOCUMENT_CODE_ACTION in handlers:
        advertised["codeActionProvider"] = {
            "codeActionKinds": list(CODE_ACTION_KINDS),
            "resolveProvider": types.CODE_ACTION_RESOLVE in handlers,
        }
    if types.WORKSPACE_EXECUTE_COMMAND in handlers and commands:
        advertised["executeCommandProvider"] = {"commands": list(commands), "workDoneProgress": True}
    return advertised


def _workspace(handlers: Handlers, client: "Client") -> dict[str, Any]:
    advertised: dict[str, Any] = {"workspaceFolders": {"supported": True, "changeNotifications": True}}
    if TEXT_DOCUMENT_CONTENT in handlers and client.supports("workspace.textDocumentContent") is not None:
        advertised["textDocumentContent"] = {"schemes": [SCHEME]}
    return advertised
