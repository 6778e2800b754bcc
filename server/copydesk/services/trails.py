"""What happened to one document since an edit was sent for it: every change, over closing and opening too.

A `Trail` listens to the overlay until it is let go. It judges nothing; `text.proofs` does.
"""

from copydesk.text.diffs import diff
from copydesk.text.proofs import Change, Rewritten
from copydesk.workspace.overlay import OpenDocument, Overlay
from copydesk.workspace.uris import normalise


class Trail:
    """`text` is the document now, or as it was when it was closed; `document` None while it is not open."""

    def __init__(self, overlay: Overlay, uri: str, text: str, document: OpenDocument | None) -> None:
        self.uri = normalise(uri)
        self.sent = text
        self.document = document
        self.was_opened = document is not None
        self._overlay = overlay
        self._begun = document
        self._earlier: list[Change] = []
        self._closed_with = text
        if document is not None:
            document.history.was_read = True
        self._noted(self.uri)
        overlay.listeners.append(self._noted)

    def let_go(self) -> None:
        if self._noted in self._overlay.listeners:
            self._overlay.listeners.remove(self._noted)

    @property
    def text(self) -> str:
        return self.document.document.text if self.document else self._closed_with

    @property
    def has_moved(self) -> bool:
        return bool(self._earlier) or (self.document is not self._begun and self.text != self.sent)

    def changes(self) -> tuple[Change, ...]:
        """One by one, on `sent`; what is not known exactly is one change that rewrites."""
        return (*self._earlier, *self._since_opening())

    def _since_opening(self) -> tuple[Change, ...]:
        if self.document is None or self._begun is None:
            return ()
        known = self.document.changes_since(self._begun)
        if known is not None:
            return known
        return (Rewritten(diff(self._begun.document.text, self.document.document.text)),)

    def _noted(self, key: str) -> None:
        now = self._overlay.get(self.uri) if key == self.uri else self.document
        if now is self.document:
            return
        if self.document is not None and (now is None or now.epoch != self.document.epoch):
            self._earlier += self._since_opening()
            self._closed_with = self.document.document.text
            self._begun = None
        if now is not None and self._begun is None:
            self._open(now)
        self.document = now

    def _open(self, document: OpenDocument) -> None:
        self._begun = document
        self.was_opened = True
        document.history.was_read = True
        text = document.document.text
        if text != self._closed_with:
            self._earlier.append(Rewritten(diff(self._closed_with, text)))
