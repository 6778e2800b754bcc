"""What became of an edit that was sent, read off the text that came back."""

from typing import NamedTuple

from copydesk.text.edits import Edit


class Rewritten(NamedTuple):
    """A change that came as the whole text: where it was really made is not known, `edits` is the smallest."""

    edits: tuple[Edit, ...]
