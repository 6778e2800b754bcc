"""What the editor's other language servers know, and the texts their answers are about. A seam like those in `ports`.

Knows no protocol and no analyser. Start with `EditorCode`.
"""

from collections.abc import Callable
from typing import Protocol

from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Problem
from copydesk.domain.ports import Found, Symbol


@frozen
class CodeSpot:
    """A place in an open or closed file: 0-based line, column in code points, and the text of that line."""

    uri: str
    line: int
    column: int
    line_text: str


class EditorTexts(Protocol):
    """The files as the editor has them, to read the positions in its answers. Methods may block on the disk."""

    def resolve(self, uri: str) -> str:
        """The canonical spelling; as the workspace spells it where it is inside."""
        ...

    def read(self, uri: str) -> str | None:
        """The text; None where it must not be read (outside the workspace, secret) or cannot be."""
        ...


TextsNow = Callable[[], EditorTexts]
"""Called once an answer has come: what it says is about the texts of that moment."""


class EditorCode(Protocol):
    """What the editor's other language servers know, about the texts that the editor has.

    Lines are 0-based and columns code points, but where a text must not be read: there they are the editor's own.
    Each answers within its limit, and raises nothing: None means that nothing was asked or nothing came.
    """

    @property
    def available(self) -> bool:
        """Whether asking makes sense now."""
        ...

    async def definition(self, spot: CodeSpot, now: TextsNow) -> tuple[Found, ...] | None: ...

    async def references(self, spot: CodeSpot, now: TextsNow) -> tuple[Found, ...] | None: ...

    async def hover(self, spot: CodeSpot) -> str | None: ...

    async def symbols(self, uri: str, now: TextsNow) -> tuple[Symbol, ...] | None: ...

    async def find_symbols(self, query: str, now: TextsNow) -> tuple[Symbol, ...] | None: ...

    async def problems(self, uri: str | None, now: TextsNow) -> tuple[Problem, ...] | None:
        """Of one file, or of all. Only of files that may be read."""
        ...
