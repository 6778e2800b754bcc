"""Turns coloured terminal output into the README's picture: `make run | picture` as an SVG that needs no font file.

    FORCE_COLOR=1 COLUMNS=92 make run DIR=… | python -m tests.demo.picture "make run" > docs/images/make-run.svg

Reads ANSI from stdin; knows only the styles that `show` uses. Start with `svg`.
"""

import re
import sys
from collections.abc import Iterator
from html import escape

COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "36": "#76e3ea"}
TEXT, DIM, GROUND, FRAME = "#d8dee9", "#7d8796", "#12161d", "#2a313c"
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
SIZE, COLUMN, ROW, MARGIN, BAR = 14, 8.43, 19, 18, 34
"""Pixels: font size, width of a character, height of a row, the border and the title bar."""
NO_BREAK = "\u00a0"
"""Kept by every viewer, where runs of plain spaces are not."""
_CODES = re.compile(r"\033\[([\d;]*)m")


def pieces(row: str) -> Iterator[tuple[int, str, frozenset[str]]]:
    """The row's runs of one style: (column, text, style codes)."""
    column, codes, at = 0, frozenset[str](), 0
    for found in [*_CODES.finditer(row), None]:
        text = row[at : found.start() if found else len(row)]
        if text:
            yield column, text, codes
            column += len(text)
        if found:
            given = frozenset(found[1].split(";"))
            codes = frozenset() if given & {"0", ""} else codes | given
            at = found.end()


def _span(column: int, text: str, codes: frozenset[str], y: float) -> str:
    colour = next((COLOURS[code] for code in codes if code in COLOURS), DIM if "2" in codes else TEXT)
    weight = ' font-weight="600"' if "1" in codes else ""
    width = f' textLength="{len(text) * COLUMN:.1f}" lengthAdjust="spacingAndGlyphs"'
    x = MARGIN + column * COLUMN
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}"{weight}{width}>{escape(text.replace(" ", NO_BREAK))}</text>'


def svg(output: str, command: str) -> str:
    """A terminal window that shows `command` and what it printed."""
    rows = [f"\033[2m$\033[0m \033[1m{command}\033[0m", *output.rstrip().split("\n")]
    n_columns = max(len(_CODES.sub("", row)) for row in rows)
    width, height = n_columns * COLUMN + 2 * MARGIN, BAR + len(rows) * ROW + MARGIN
    dots = "".join(
        f'<circle cx="{MARGIN + 6 + 20 * index}" cy="{BAR / 2}" r="6" fill="{colour}"/>'
        for index, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    spans = [
        _span(column + len(text) - len(text.lstrip()), text.strip(), codes, BAR + (number + 0.75) * ROW)
        for number, row in enumerate(rows)
        for column, text, codes in pieces(row)
        if text.strip()
    ]
    size = f'width="{width:.0f}" height="{height:.0f}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
            f"<title>{escape(command)}</title>",
            f'<rect {size} rx="10" fill="{GROUND}" stroke="{FRAME}"/>{dots}',
            f'<g font-family="{FONT}" font-size="{SIZE}">',
            *spans,
            "</g></svg>\n",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(svg(sys.stdin.read(), sys.argv[1] if len(sys.argv) > 1 else "make run"))
