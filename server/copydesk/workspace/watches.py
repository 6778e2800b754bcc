"""What was typed in one document since it was last looked at, across closing and reopening.

The overlay makes a `Watch` and tells it of openings and closings; its owner takes what there is whenever it likes.
"""

from collections.abc import Callable
from typing import Protocol

from copydesk.text.diffs import diff
from copydesk.text.documents import Document
from copydesk.text.edits import Edit, apply, compose_all
from copydesk.workspace.history import History, composed


class Watched(Protocol):
    """An open document, as far as a watch looks at it."""

    @property
    def history(self) -> History: ...

    @property
    def document(self) -> Document: ...


class Watch:
    """`text` is the document at the last look; None until it was first seen.

    Within one opening what is taken is what was typed; where a document was closed and opened with another text,
    the smallest change between the two stands for what happened meanwhile.
    """

    def __init__(
        self, text: str | None, history: History | None, get: Callable[[str], Watched | None], uri: str
    ) -> None:
        self.uri = uri
        self.text = text
        self._history = history
        if history is not None:
            history.was_read = True
        self._get = get
        self._waiting: list[tuple[Edit, ...]] = []
        self._last = text
        """The text after what is waiting."""

    def take(self, version: int | None = None) -> tuple[Edit, ...]:
        """What leads from `text` to the document now (or as of that version of it), as one change on `text`.

        It is not told again: `text` moves on. A version that is not known takes everything.
        """
        document = self._get(self.uri)
        if document is not None:
            upto = document.history.at(version) if version is not None else None
            self._add(upto or document.history, document.document.text if upto is None else None)
        taken = compose_all(self._waiting)
        self._waiting = []
        self.text = self._last
        return taken

    def opened(self, history: History, text: str) -> None:
        self._history = history
        history.was_read = True
        if self._last is not None and self._last != text:
            self._waiting.append(diff(self._last, text))
        if self.text is None:
            self.text = text
        self._last = text

    def closed(self, history: History, text: str) -> None:
        self._add(history, text)
        self._history = None

    def _add(self, history: History, text: str | None) -> None:
        """Takes in what leads to a state of the document. `text` is its text; None: work it out."""
        if self._history is None or self._last is None or history.n <= self._history.n:
            return
        changes = history.changes_since(self._history.n)
        if changes is not None:
            edits = composed(changes)
            text = apply(self._last, edits) if text is None else text
        elif text is not None:
            edits = diff(self._last, text)
        else:
            return
        self._waiting.append(edits)
        self._last, self._history = text, history
        self._history.was_read = True
