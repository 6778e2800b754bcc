"""What this server says it can do, made from the handlers that are there and what the client understands.

Only what works is advertised. Plain JSON, because building the typed objects costs time before `initialize` is
answered. Start with `server_capabilities`.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from lsprotocol import types

if TYPE_CHECKING:
    from copydesk.lsp.client import Client
    from copydesk.text.positions import Encoding

Offers: TypeAlias = Callable[[str], bool]
_ENCODINGS: "tuple[Encoding, ...]" = ("utf-8", "utf-16", "utf-32")
TEXT_DOCUMENT_CONTENT = "workspace/textDocumentContent"
SCHEME = "copydesk"
CODE_ACTION_KINDS: tuple[str, ...] = (
    "quickfix",
    "refactor.rewrite.copydesk",
    "refactor.rewrite.copydesk.document",
    "refactor.rewrite.copydesk.fix",
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


def server_capabilities(offers: Offers, client: "Client", commands: Sequence[str]) -> dict[str, Any]:
    """`offers` says of a method whether there is, or will be, a handler for it."""
    advertised: dict[str, Any] = {
        "positionEncoding": client.encoding,
        "textDocumentSync": {
            "openClose": True,
            "change": types.TextDocumentSyncKind.Incremental.value,
            "save": {"includeText": False},
        },
        "workspace": _workspace(offers, client),
    }
    if offers(types.NOTEBOOK_DOCUMENT_DID_OPEN) and client.supports("notebookDocument.synchronization") is not None:
        advertised["notebookDocumentSync"] = {"notebookSelector": [{"notebook": "*"}], "save": True}
    if offers(types.TEXT_DOCUMENT_HOVER):
        advertised["hoverProvider"] = True
    if offers(types.TEXT_DOCUMENT_CODE_ACTION):
        advertised["codeActionProvider"] = {
            "codeActionKinds": list(CODE_ACTION_KINDS),
            "resolveProvider": offers(types.CODE_ACTION_RESOLVE),
        }
    if offers(types.TEXT_DOCUMENT_CODE_LENS):
        # Whatever the client says: Neovim 0.10 has them and does not say so.
        advertised["codeLensProvider"] = {"resolveProvider": False}
    if offers(types.WORKSPACE_EXECUTE_COMMAND) and commands:
        advertised["executeCommandProvider"] = {"commands": list(commands), "workDoneProgress": True}
    return advertised


def _workspace(offers: Offers, client: "Client") -> dict[str, Any]:
    advertised: dict[str, Any] = {"workspaceFolders": {"supported": True, "changeNotifications": True}}
    if offers(TEXT_DOCUMENT_CONTENT) and client.supports("workspace.textDocumentContent") is not None:
        advertised["textDocumentContent"] = {"schemes": [SCHEME]}
    return advertised
