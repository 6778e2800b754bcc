"""Text that arrives in pieces, given on so that a secret that comes in several is in one when it is looked at.

The beginning of a word is given on at once: so little gives nothing away. What follows waits for the word's end. Start
with `Words.add`.
"""

from collections.abc import Callable

AT_ONCE_CHARS = 16
"""As much of a word is given on before it ends: a first token should not wait, and what is itself a value is not."""
LONGEST_CHARS = 8192
"""A word that does not end is given on after so many characters."""


class Words:
    """`redact` is asked about each word that came in pieces."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._given = ""
        self._kept = ""

    def add(self, piece: str) -> str:
        """What may be given on now."""
        text = self._kept + piece
        begins = _last_word(text)
        if begins == 0 and len(text) <= LONGEST_CHARS:
            return self._within(text)
        out = self._whole(text[:begins]) if begins else self._whole(text)
        self._given = self._kept = ""
        return out + (self._within(text[begins:]) if begins else "")

    def end(self) -> str:
        out = self._whole(self._kept)
        self._given = self._kept = ""
        return out

    def _within(self, word: str) -> str:
        """A word that may go on: its first letters if they are all there is of it yet."""
        given = self._given + word
        if len(given) <= AT_ONCE_CHARS and self._redact(given) == given:
            self._given += word
            self._kept = ""
            return word
        self._kept = word
        return ""

    def _whole(self, rest: str) -> str:
        """The end of a word (and what follows), whose beginning was given on before; all of it where that was one."""
        if not self._given:
            return rest
        clean = self._redact(self._given + rest)
        return rest if clean == self._given + rest else clean


def _last_word(text: str) -> int:
    """Where the word at the end begins."""
    at = len(text)
    while at > 0 and not text[at - 1].isspace():
        at -= 1
    return at
