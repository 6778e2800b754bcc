"""What a terminal would show: escapes, overwritten lines, pieces that are cut anywhere."""

import pytest

from copydesk.text.terminal import LIMIT_CHARS, LineFolder, plain_line


def folded(raw: str, size: int = 0) -> str:
    folder = LineFolder()
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)] if size else [raw]
    return "".join(folder.feed(piece) for piece in pieces) + folder.end()


CASES = {
    "plain\ntext": "plain\ntext",
    "\x1b[1;31mred\x1b[0m\n": "red\n",
    "\x1b]0;a title\x07text\n": "text\n",
    "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n": "link\n",
    "\x1b(B\x1b[?25lhidden\x1b[?25h\n": "hidden\n",
    " 10%\r 50%\r100%\n": "100%\n",
    "50% of it\rdone\n": "done\n",
    "100%\r\x1b[K\n": "100%\n",
    "a\r\nb\r\n": "a\nb\n",
    "N\x08NA\x08A_\x08x\n": "NAx\n",
    "bell\x07 and nul\x00 and csi\x9b\n": "bell and nul and csi\n",
    "tab\tstays\n": "tab\tstays\n",
    "\u2028 is no line end\x0b\x0c\n": "\u2028 is no line end\n",
    "\r\r\r\n": "\n",
    "\x1b": "",
}


@pytest.mark.parametrize("raw", CASES)
@pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
def test_folding_whole_and_in_pieces(raw: str, size: int) -> None:
    assert folded(raw, size) == CASES[raw]


def test_what_has_not_ended_yet_can_be_seen() -> None:
    folder = LineFolder()
    assert folder.feed("one\n40%\r5") == "one\n"
    assert folder.rest == "5"
    assert folder.feed("0%\r") == ""
    assert folder.rest == "50%"
    assert folder.end() == "50%"
    assert folder.rest == ""


def test_a_bar_without_line_ends_stays_short() -> None:
    folder = LineFolder()
    assert "".join(folder.feed(f"{n}%\r") for n in range(50_000)) == ""
    assert folder.rest == "49999%"


def test_a_line_that_never_ends_comes_in_parts() -> None:
    assert folded("z" * (3 * LIMIT_CHARS), 5_000) == "z" * (3 * LIMIT_CHARS)


def test_a_line_alone() -> None:
    assert plain_line("a\r\x1b[32mb\x1b[0m") == "b"
