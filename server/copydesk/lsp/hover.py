"""Hover: the facts that are known of a symbol, then its explanation if there is one by now.

Owns the answer's form for the client; what is said comes from `explain`, which is given. Start with `Hover.hover`.
Each hover is a task of its own with a time budget, so none holds anything up.
"""

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import anyio

from copydesk.domain.errors import CopydeskError
from copydesk.domain.messages import LineRange
from copydesk.lsp.arguments import ClientRange, read_range
from copydesk.lsp.handlers import RequestContext, invalid_params
from copydesk.lsp.markdown import sanitise
from copydesk.lsp.places import OpenTexts, Places, Seen, to_line_range
from copydesk.text.positions import from_codepoints

if TYPE_CHECKING:
    from copydesk.lsp.client import Client
    from copydesk.text.documents import Document

JsonObject: TypeAlias = dict[str, Any]

GRACE_S = 0.5
"""How much longer than its budget an explanation may take before the hover is answered without it."""


class HoverText(Protocol):
    """What is known of the symbol under the cursor. Texts are Markdown; `explanation` may be empty."""

    @property
    def facts(self) -> str: ...
    @property
    def explanation(self) -> str: ...
    @property
    def range(self) -> LineRange | None: ...


Explain: TypeAlias = Callable[[Any, str, int, int, float], Awaitable[HoverText | None]]
"""(files, uri, line, column, budget in seconds): lines from 0, columns in code points."""


IsEcho: TypeAlias = Callable[[str, ClientRange], bool]
"""(uri, position): whether the client asks only because it works out an answer for us."""


def never(uri: str, at: ClientRange) -> bool:
    del uri, at
    return False


class Hover:
    def __init__(
        self,
        client: "Client",
        places: Places,
        explain: Explain,
        budget_s: Callable[[], float],
        is_view: Callable[[str], bool] = lambda uri: False,
        is_echo: IsEcho = never,
    ) -> None:
        """`is_view`: whether a document only shows what waits, and is no place for a command to work at."""
        self._is_echo = is_echo
        self._client = client
        self._is_view = is_view
        self._places = places
        self._explain = explain
        self._budget_s = budget_s

    async def hover(self, params: Any, context: RequestContext) -> JsonObject | None:
        """`textDocument/hover`; null where there is nothing to say."""
        uri, at = read_place(params, "position")
        if self._is_echo(uri, at):  # nobody's cursor is there, and it is the other servers that are meant
            return None
        opened = cast("OpenTexts", context.files).get(uri)
        if not self._is_view(uri):
            self._places.note(Seen(uri, at))
        if opened is None:
            return None
        place = to_line_range(opened.document, at, self._client.encoding)
        found = await self._found(context.files, uri, place)
        return None if found is None else self._answer(found, opened.document)

    async def _found(self, files: object, uri: str, place: LineRange) -> HoverText | None:
        budget_s = self._budget_s()
        with anyio.move_on_after(budget_s + GRACE_S):
            try:
                return await self._explain(files, uri, place.start_line, place.start_column, budget_s)
            except CopydeskError:  # a hover is no place for errors: there is simply nothing to say
                return None
        return None

    def _answer(self, found: HoverText, document: "Document") -> JsonObject | None:
        parts = [part.strip() for part in (found.facts, found.explanation) if part.strip()]
        if not parts:
            return None
        clean = sanitise("\n\n---\n\n".join(parts))
        formats: object = self._client.supports("textDocument.hover.contentFormat")
        is_markdown = isinstance(formats, list) and "markdown" in formats
        contents = {"kind": "markdown", "value": clean} if is_markdown else {"kind": "plaintext", "value": plain(clean)}
        answer: JsonObject = {"contents": contents}
        if found.range is not None:
            answer["range"] = self._range(document, found.range)
        return answer

    def _range(self, document: "Document", at: LineRange) -> JsonObject:
        def position(line: int, column: int) -> JsonObject:
            return {"line": line, "character": from_codepoints(document.line(line), column, self._client.encoding)}

        return {"start": position(at.start_line, at.start_column), "end": position(at.end_line, at.end_column)}


def plain(markdown: str) -> str:
    """Markdown without its marks, for clients that show plain text."""
    text = re.sub(r"^ *(?:```|~~~).*\n?", "", markdown, flags=re.MULTILINE)
    text = re.sub(r"^#+ +", "", text, flags=re.MULTILINE)
    text = re.sub(r"\*\*(.+?)\*\*", r"\1", text).replace("&lt;", "<")
    return re.sub(r"`([^`\n]+)`", r"\1", text).strip()


def read_place(params: Any, key: str) -> tuple[str, ClientRange]:
    """The document and the place of a request: `position` or `range`. Raises -32602."""
    fields = cast("JsonObject", params) if isinstance(params, dict) else {}
    document = fields.get("textDocument")
    uri = cast("JsonObject", document).get("uri") if isinstance(document, dict) else None
    given = fields.get(key)
    at = read_range({"start": given} if key == "position" else given)
    if not isinstance(uri, str) or at is None:
        raise invalid_params(f"textDocument.uri (a string) and {key} (counted from 0) are needed")
    return uri, at
