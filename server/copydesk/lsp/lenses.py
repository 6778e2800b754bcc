"""Code lenses on pending hunks: Accept hunk | Reject hunk | Show above each, Accept all in file at the top.

Answered from what was last worked out; a file without hunks costs one look. Start with `Lenses.list_lenses`.
The documents that show the diff, or a file as it is proposed, have them too: there a person reads what waits.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from copydesk.domain.review import Hunk
from copydesk.lsp.handlers import RequestContext, invalid_params
from copydesk.lsp.pending import OpenDocuments, Reviews, Shapes, hunks_in
from copydesk.lsp.review_offers import ACCEPT, REJECT, SHOW

if TYPE_CHECKING:
    from copydesk.lsp.diff_documents import DiffDocuments
    from copydesk.lsp.proposed import ProposedDocuments

JsonObject: TypeAlias = dict[str, Any]


class Lenses:
    def __init__(
        self,
        reviews: Reviews,
        shapes: Shapes,
        diffs: "DiffDocuments",
        proposed: "ProposedDocuments",
        documents: OpenDocuments,
    ) -> None:
        self._diffs = diffs
        self._proposed = proposed
        self._documents = documents
        self._reviews = reviews
        self._shapes = shapes

    async def list_lenses(self, params: Any, context: RequestContext) -> list[JsonObject]:
        """`textDocument/codeLens`."""
        del context
        document = cast("JsonObject", params).get("textDocument") if isinstance(params, dict) else None
        uri = cast("JsonObject", document).get("uri") if isinstance(document, dict) else None
        if not isinstance(uri, str):
            raise invalid_params("textDocument/codeLens needs textDocument.uri, a string")
        if self._diffs.has(uri):
            return self._in_diff(uri)
        if self._proposed.has(uri):
            return self._in_proposed(uri)
        hunks = hunks_in(self._reviews.hunks(), uri)
        if not hunks:
            return []
        top = _for_all("Accept all in file", hunks, {"uri": uri})
        return [*top, *(lens for hunk in hunks for lens in self._of(hunk))]

    def _of(self, hunk: Hunk) -> Iterator[JsonObject]:
        line = self._shapes.range(hunk)["start"]["line"]
        yield from _decisions(line, hunk)
        yield _lens(line, "Show", SHOW, {"hunk": hunk.id})

    def _in_diff(self, uri: str) -> list[JsonObject]:
        opened = self._documents.get(uri)
        places = self._diffs.places(uri, opened.document.text if opened else None)
        waiting = {hunk.id: hunk for hunk in self._reviews.hunks()}
        found = [(line, waiting[id]) for line, id in places if id in waiting]
        if not found:
            return []
        top = _for_all("Accept all", [hunk for _, hunk in found], {"turn": found[0][1].turn})
        return [*top, *(lens for line, hunk in found for lens in _decisions(line, hunk))]

    def _in_proposed(self, uri: str) -> list[JsonObject]:
        opened = self._documents.get(uri)
        shown = self._proposed.shown(uri, opened.document.text if opened else None)
        found = shown.with_hunks(self._reviews.hunks()) if shown else []
        if not shown or not found:
            return []
        here = {"uri": self._shapes.spelled(shown.uri), "session": shown.session}
        top = _for_all("Accept all in file", [hunk for _, hunk in found], here)
        last = shown.n_lines - 1
        return [*top, *(lens for each, hunk in found for lens in _decisions(min(each.start_line, last), hunk))]


def _for_all(title: str, hunks: Sequence[Hunk], argument: JsonObject) -> Iterator[JsonObject]:
    """At the top, with how many can be accepted; none where all are held back."""
    if n_free := sum(not hunk.held for hunk in hunks):
        yield _lens(0, f"{title} ({n_free})", ACCEPT, argument)


def _decisions(line: int, hunk: Hunk) -> Iterator[JsonObject]:
    argument = {"hunk": hunk.id}
    if not hunk.held:
        yield _lens(line, "Accept hunk", ACCEPT, argument)
    yield _lens(line, "Reject hunk (held back by what you typed)" if hunk.held else "Reject hunk", REJECT, argument)


def _lens(line: int, title: str, command: str, argument: JsonObject) -> JsonObject:
    at = {"line": line, "character": 0}
    return {"range": {"start": at, "end": at}, "command": {"title": title, "command": command, "arguments": [argument]}}
