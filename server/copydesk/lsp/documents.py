"""Text synchronisation: didOpen, didChange, didClose and didSave become calls on the overlay.

Columns arrive in the negotiated encoding and leave as code points. These handlers take raw JSON, because a keystroke
must not pay for typed objects. Positions past the end are clamped, as LSP says; a change for a document that is not
open is ignored (VS Code sends one after undoing a creation). Start with `DocumentSync.did_change`.
"""

import logging
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from copydesk.domain.messages import LineRange
from copydesk.lsp import clients
from copydesk.lsp.handlers import Handlers, invalid_params
from copydesk.lsp.in_order import InOrder
from copydesk.text.positions import to_codepoints

if TYPE_CHECKING:
    from copydesk.lsp.client import Client
    from copydesk.lsp.jobs import Spawn
    from copydesk.text.documents import Document
    from copydesk.workspace.overlay import Overlay

log = logging.getLogger("copydesk.lsp")

_PAST_EVERY_LINE = 1 << 62


class DocumentSync:
    """Keeps the overlay equal to the editor's buffers."""

    def __init__(self, overlay: "Overlay", client: "Client", spawn: "Spawn") -> None:
        self._overlay = overlay
        self._client = client
        self._in_order = InOrder(self._change, spawn)

    def register(self, handlers: Handlers) -> None:
        handlers.notification(types.TEXT_DOCUMENT_DID_OPEN, self.did_open, raw=True)
        handlers.notification(types.TEXT_DOCUMENT_DID_CHANGE, self.did_change, raw=True)
        handlers.notification(types.TEXT_DOCUMENT_DID_CLOSE, self.did_close, raw=True)
        handlers.notification(types.TEXT_DOCUMENT_DID_SAVE, self.did_save, raw=True)

    def did_open(self, params: Any) -> None:
        item = as_object(as_object(params, "params").get("textDocument"), "params.textDocument")
        uri = as_text(item.get("uri"), "params.textDocument.uri")
        text = item.get("text")
        language = item.get("languageId")
        self._in_order.forget(uri)
        self._overlay.open(
            uri,
            language if isinstance(language, str) else "",
            _version(item.get("version")),
            whole_characters(as_text(text, "params.textDocument.text")),
        )

    def did_change(self, params: Any) -> None:
        if clients.overtakes_itself(self._client.name):
            self._order(params)
        else:
            self._change(params)

    def _order(self, params: Any) -> None:
        try:
            uri, version = params["textDocument"]["uri"], params["textDocument"]["version"]
        except (TypeError, KeyError):
            uri, version = None, None
        opened = self._overlay.get(uri) if isinstance(uri, str) else None
        if opened is None or type(version) is not int:
            self._change(params)
        else:
            self._in_order.take(cast("str", uri), version, opened.version, params)

    def _change(self, params: Any) -> None:
        try:
            uri, version = params["textDocument"]["uri"], params["textDocument"].get("version")
            given = params["contentChanges"]
        except (TypeError, KeyError, AttributeError):
            raise invalid_params("params: textDocument.uri and contentChanges are needed") from None
        opened = self._overlay.get(as_text(uri, "params.textDocument.uri"))
        if opened is None:
            log.debug("a change of %r is ignored: it is not open", uri)
            return
        changes = self._changes(given, opened.document)
        self._overlay.change(uri, _version(version, opened.version), changes)

    def did_close(self, params: Any) -> None:
        uri = _document_uri(params)
        self._in_order.forget(uri)
        self._overlay.close(uri)

    def did_save(self, params: Any) -> None:
        self._overlay.saved(_document_uri(params))

    def _changes(self, given: Any, document: "Document") -> list[tuple[LineRange | None, str]]:
        """Each change's range refers to the text that the changes before it left."""
        changes: list[tuple[LineRange | None, str]] = []
        for number, change in enumerate(cast("list[Any]", given) if isinstance(given, list) else ()):
            if number:
                document = _applied(document, *changes[-1])
            try:
                text, place = change["text"], change.get("range")
            except (TypeError, KeyError, AttributeError):
                raise invalid_params(f"params.contentChanges[{number}]: an object with a text is needed") from None
            changes.append(
                (
                    None if place is None else self._range(place, document),
                    whole_characters(as_text(text, f"params.contentChanges[{number}].text")),
                )
            )
        return changes

    def _range(self, place: Any, document: "Document") -> LineRange:
        try:
            start, end = place["start"], place["end"]
            first = self._position(start["line"], start["character"], document)
            last = first if start == end else self._position(end["line"], end["character"], document)
        except (TypeError, KeyError):
            raise invalid_params("params.contentChanges.range: start and end need a line and a character") from None
        return LineRange(*first, *last) if first <= last else LineRange(*last, *first)

    def _position(self, line: int, character: int, document: "Document") -> tuple[int, int]:
        line, character = _whole(line), _whole(character)
        if line >= document.n_lines:
            line, character = document.n_lines - 1, _PAST_EVERY_LINE
        if line < 0:
            return 0, 0
        return line, to_codepoints(document.line(line), character, self._client.encoding)


def whole_characters(text: str) -> str:
    """Half a surrogate pair cannot be hashed, saved or sent: it becomes U+FFFD, which is as long as it was."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    return text


def _whole(number: object) -> int:
    if type(number) is int:
        return number
    if isinstance(number, float) and number.is_integer():
        return int(number)
    raise TypeError(f"{number!r} is no line or column")


def _applied(document: "Document", place: LineRange | None, text: str) -> "Document":
    if place is None:
        return type(document).of(text)
    return document.replaced(place.start_line, place.start_column, place.end_line, place.end_column, text)


def _document_uri(params: Any) -> str:
    document = as_object(as_object(params, "params").get("textDocument"), "params.textDocument")
    return as_text(document.get("uri"), "params.textDocument.uri")


def as_object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid_params(f"{name}: an object is needed")
    return cast("dict[str, Any]", value)


def as_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise invalid_params(f"{name}: a string is needed")
    return value


def _version(value: Any, otherwise: int = 0) -> int:
    """Versions may be null, start at 0 and jump."""
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
