"""Code lenses on pending hunks: Accept hunk | Reject hunk | Show above each, Accept all in file at the top.

Answered from what was last worked out; a file without hunks costs one look. Start with `Lenses.list_lenses`.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias, cast

from copydesk.domain.review import Hunk
from copydesk.lsp.handlers import RequestContext, invalid_params
from copydesk.lsp.pending import Reviews, Shapes, hunks_in
from copydesk.lsp.review_offers import ACCEPT, REJECT, SHOW

JsonObject: TypeAlias = dict[str, Any]


class Lenses:
    def __init__(self, reviews: Reviews, shapes: Shapes) -> None:
        self._reviews = reviews
        self._shapes = shapes

    async def list_lenses(self, params: Any, context: RequestContext) -> list[JsonObject]:
        """`textDocument/codeLens`."""
        del context
        document = cast("JsonObject", params).get("textDocument") if isinstance(params, dict) else None
        uri = cast("JsonObject", document).get("uri") if isinstance(document, dict) else None
        if not isinstance(uri, str):
            raise invalid_params("textDocument/codeLens needs textDocument.uri, a string")
        hunks = hunks_in(self._reviews.hunks(), uri)
        if not hunks:
            return []
        top = _lens(0, f"Accept all in file ({len(hunks)})", ACCEPT, {"uri": uri})
        return [top, *(lens for hunk in hunks for lens in self._of(hunk))]

    def _of(self, hunk: Hunk) -> Iterator[JsonObject]:
        line = self._shapes.range(hunk)["start"]["line"]
        argument = {"hunk": hunk.id}
        if not hunk.held:
            yield _lens(line, "Accept hunk", ACCEPT, argument)
        yield _lens(line, "Reject hunk (held back by what you typed)" if hunk.held else "Reject hunk", REJECT, argument)
        yield _lens(line, "Show", SHOW, argument)


def _lens(line: int, title: str, command: str, argument: JsonObject) -> JsonObject:
    at = {"line": line, "character": 0}
    return {"range": {"start": at, "end": at}, "command": {"title": title, "command": command, "arguments": [argument]}}
