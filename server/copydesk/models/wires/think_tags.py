"""Reasoning that a model writes into its answer as `<think>…</think>`: told apart over any chunking.

Knows no wire. A tag that is quoted or stands in a code fence is text: models do write about such tags.
Start with `ThinkTags.feed`.
"""

import re
from typing import NamedTuple

_OPEN = re.compile(r"<(think|thinking)>")
_CLOSE = re.compile(r"</(think|thinking)>")
_TAGS = ("<think>", "<thinking>", "</think>", "</thinking>")
_QUOTES = "`'\""


class Piece(NamedTuple):
    """Text, or thinking. `ends` closes the thinking that came before."""

    text: str
    thinking: bool = False
    ends: bool = False


class ThinkTags:
    """One answer. Text is held back only while it may be the beginning of a tag."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._before = ""  # the last characters of text: is the next tag quoted?
        self._fenced = False
        self._skip_breaks = False

    def feed(self, text: str) -> list[Piece]:
        if not self._held and "<" not in text and not self._skip_breaks:
            return self._plain(text)
        pieces: list[Piece] = []
        rest = self._held + text
        self._held = ""
        while rest:
            rest = self._take(rest, pieces)
        return _merged(pieces)

    def end(self) -> list[Piece]:
        """What was held back is text after all; thinking that was never closed ends here."""
        held, self._held = self._held, ""
        pieces = self._plain(held) if held else []
        if self._inside:
            self._inside = False
            pieces.append(Piece("", ends=True))
        return pieces

    def _take(self, rest: str, pieces: list[Piece]) -> str:
        """Moves all up to and with the next tag into `pieces`; returns what is left."""
        at = rest.find("<")
        if at < 0:
            pieces += self._plain(rest)
            return ""
        pieces += self._plain(rest[:at])
        rest = rest[at:]
        tag = _CLOSE.match(rest) or (None if self._inside else _OPEN.match(rest))
        if tag is None:
            if any(known.startswith(rest) for known in _TAGS):
                self._held = rest
                return ""
            pieces += self._plain("<")
            return rest[1:]
        if self._quoted() and not self._inside:
            pieces += self._plain(tag[0])
        else:
            self._toggle(tag[0], pieces)
        return rest[tag.end() :]

    def _toggle(self, tag: str, pieces: list[Piece]) -> None:
        closes = tag.startswith("</")
        if closes and self._inside:
            pieces.append(Piece("", ends=True))
        self._inside = not closes
        self._skip_breaks = True

    def _quoted(self) -> bool:
        return self._fenced or (self._before[-1:] in _QUOTES and self._before != "")

    def _plain(self, text: str) -> list[Piece]:
        if self._skip_breaks:
            # The line ends around a tag belong to it.
            text = text.lstrip("\r\n")
            self._skip_breaks = not text
        if not text:
            return []
        if not self._inside:
            self._track(text)
        return [Piece(text, thinking=self._inside)]

    def _track(self, text: str) -> None:
        window = self._before + text
        fences = window.count("```") - self._before.count("```")
        self._fenced ^= bool(fences % 2)
        self._before = "" if window.endswith("```") else window[-2:]


def _merged(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of one kind as one piece: an answer full of `<` should not come in crumbs."""
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if last is not None and last.text and piece.text and last.thinking == piece.thinking:
            merged[-1] = Piece(last.text + piece.text, piece.thinking)
        else:
            merged.append(piece)
    return merged
