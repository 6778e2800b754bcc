"""How `make run` looks: colours where the terminal has them, plain text elsewhere, wrapped at its width.

Knows no protocol. Start with `heading`, `line`, `block`, `diff`; `Stream` wraps text that arrives in pieces.
"""

import difflib
import os
import re
import shutil
import sys
import textwrap

COLOURS = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
FORCED = os.environ.get("FORCE_COLOR", "") not in ("", "0")
PLAIN = bool(os.environ.get("NO_COLOR")) or not (FORCED or sys.stdout.isatty()) or os.environ.get("TERM") == "dumb"
MIN_WIDTH, MAX_WIDTH = 40, 110
MAX_DIFF_ROWS = 160
BAR = "│"


def width() -> int:
    """Columns to fill: the terminal's, within what reads well."""
    return max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size((96, 24)).columns))


def paint(text: str, *styles: str) -> str:
    if PLAIN or not text or not styles:
        return text
    return "".join(f"\033[{COLOURS[style]}m" for style in styles) + text + "\033[0m"


def say(text: str = "") -> None:
    print(text, flush=True)


def title(left: str, right: str) -> None:
    """The first row: a name at the left, what it works on at the right."""
    gap = width() - len(left) - len(right) - 2
    say(f"\n{paint(left, 'bold', 'cyan')}{' ' * max(2, gap)}{paint(right, 'dim')}")
    say(paint("─" * (width() - 2), "dim"))


def heading(text: str, aside: str = "") -> None:
    """A section. `aside` stands behind it, dim, where there is room, else below."""
    words = cut(text, width() - 3)
    fits = len(words) + len(aside) + 4 <= width()
    say(f"\n{paint('▌', 'cyan')} {paint(words, 'bold')}" + (f"  {paint(aside, 'dim')}" if aside and fits else ""))
    if aside and not fits:
        rows(aside, "", "dim")


def line(mark: str, text: str, style: str = "dim", *styles: str) -> None:
    """One fact behind a coloured mark, wrapped with its words aligned. `styles` are for the words."""
    for number, row in enumerate(wrapped(text, width() - 6)):
        say(f"  {paint(mark, style) if number == 0 else ' '} {paint(row, *styles)}")


def rows(text: str, mark: str = "", *styles: str) -> None:
    for row in text.splitlines():
        for piece in wrapped(row, width() - 6):
            say(f"  {paint(mark, 'dim') + ' ' if mark else ''}{paint(piece, *styles)}".rstrip())


def block(text: str) -> None:
    """Someone else's words: a bar at the left, Markdown's marks shown as colours."""
    for row in unmarked(text.strip()).splitlines():
        indent = "  " if row.startswith("- ") else ""
        for piece in wrapped(row, width() - 6, indent):
            say(f"  {paint(BAR, 'dim')} {coded(piece)}".rstrip())


def unmarked(text: str) -> str:
    """Markdown for reading: fences and emphasis go, the words stay."""
    text = re.sub(r"^ *(?:```|~~~).*\n?", "", text, flags=re.MULTILINE)
    return re.sub(r"\*\*(.+?)\*\*", r"\1", text)


def coded(text: str) -> str:
    """`code` in cyan; the marks stay where there is no colour."""
    return text if PLAIN else re.sub(r"`([^`\n]+)`", lambda found: paint(found[1], "cyan"), text)


def wrapped(text: str, columns: int, indent: str = "") -> list[str]:
    wrapper = textwrap.TextWrapper(
        max(20, columns), subsequent_indent=indent, drop_whitespace=True, break_on_hyphens=False
    )
    lead = re.match(r"\s*", text)
    wrapper.subsequent_indent = (lead[0] if lead else "") + indent
    return wrapper.wrap(text) or [""]


def cut(text: str, columns: int) -> str:
    return text if len(text) <= columns else text[: columns - 1].rstrip() + "…"


# --- diffs ---


def diff(old: str, new: str, before: str, after: str) -> None:
    """A unified diff with its ends of line left out; a very long one is cut, and says so."""
    found = list(difflib.unified_diff(old.splitlines(), new.splitlines(), before, after, lineterm=""))
    for row in found[:MAX_DIFF_ROWS]:
        _diff_row(row)
    if len(found) > MAX_DIFF_ROWS:
        line("…", f"{len(found) - MAX_DIFF_ROWS} more rows of this file's diff are not shown")


def _diff_row(row: str) -> None:
    styles = {"+": ("green",), "-": ("red",), "@": ("cyan",)}.get(row[:1], ())
    if row.startswith(("+++ ", "--- ")):
        styles = ("bold",)
    columns = width() - 3
    text = row.expandtabs(4)
    say(f"  {paint(text[:columns], *styles)}")
    for start in range(columns, len(text), columns - 2):
        say(f"  {paint('⤷', 'dim')} {paint(text[start : start + columns - 2], *styles)}")


# --- text that arrives in pieces ---


class Stream:
    """Prints Markdown as it comes, behind the bar, and breaks rows between words at the terminal's width.

    Fences are not shown, what stands between them is coloured; `text` keeps everything as it came.
    """

    def __init__(self) -> None:
        self.text = ""
        self._word = ""
        self._space = ""
        self._column = 0
        self._open = False
        self._in_fence = False
        self._is_fence_row = False
        self._is_strong = False

    def write(self, chunk: str) -> None:
        self.text += chunk
        for piece in re.findall(r"\n|[^\S\n]+|\S+", chunk):
            if piece.isspace():
                self._put_word()
                self._put_space(piece)
            else:
                self._word += piece
        sys.stdout.flush()

    def _put_space(self, piece: str) -> None:
        if piece != "\n":
            self._space += piece
            return
        if not self._is_fence_row:
            self._start_row()
            self._end_row()
        self._is_fence_row = self._is_strong = False

    def _put_word(self) -> None:
        word, self._word = self._word, ""
        if not word or self._is_fence_row:
            return
        if word.startswith("```") and not self._open:
            self._in_fence, self._is_fence_row, self._space = not self._in_fence, True, ""
            return
        if self._open and self._column + len(self._space) + len(word) > width() - 6:
            self._end_row()
        self._start_row()
        sys.stdout.write(self._space + self._styled(word))
        self._column += len(self._space) + len(word)
        self._space = ""

    def _styled(self, word: str) -> str:
        if self._in_fence:
            return paint(word, "cyan")
        if re.fullmatch("#{1,6}", word) and self._column == 0:
            self._is_strong = True
            return paint(word, "dim")
        if "**" not in word or "`" in word:
            return paint(word, "bold") if self._is_strong else coded(word)
        parts = word.split("**")
        shown = ""
        for number, part in enumerate(parts):
            self._is_strong ^= number > 0
            shown += paint(part, "bold") if self._is_strong else part
        return shown

    def _start_row(self) -> None:
        if not self._open:
            sys.stdout.write(f"  {paint(BAR, 'dim')} ")
            self._open, self._column = True, 0

    def _end_row(self) -> None:
        sys.stdout.write("\n")
        self._open, self._space, self._column = False, "", 0

    def end(self) -> None:
        """Ends the row that is begun; the next chunk starts a new text."""
        self._put_word()
        if self._open:
            self._end_row()
        sys.stdout.flush()
        self._in_fence = self._is_fence_row = self._is_strong = False
