"""A text as the pieces that tokenizers of today begin with: words with what leads them, digits by threes, punctuation.

The text becomes a string of character classes first, so that equal shapes are counted together and only few different
ones are left to look at. Pure; knows no costs. Start with `shapes`, then `features` of one shape.
"""

import re
from collections import Counter
from collections.abc import Iterator
from string import ascii_lowercase, ascii_uppercase, digits

LONG_CHARS = 24 * 1024
"""Of a longer text only samples are looked at, so that no text takes more than a millisecond or two."""
_N_SAMPLES = 48
_SAMPLE_CHARS = 512
_MAX_CLASSES = 20_000

_ASCII = {
    "a": ascii_lowercase,
    "A": ascii_uppercase,
    "0": digits,
    "\n": "\r\n",
    " ": " \t\v\f",
}
_RANGES = (
    # First and last code point, class. What is in none is "o": some other script's letter.
    (0x00, 0x7F, "p"),  # what `_ASCII` leaves: punctuation
    (0x80, 0xBF, "s"),
    (0xD7, 0xD7, "s"),
    (0xF7, 0xF7, "s"),
    (0xC0, 0x24F, "b"),  # Latin with marks
    (0x300, 0x36F, "m"),
    (0x370, 0x3FF, "g"),
    (0x400, 0x52F, "c"),
    (0x590, 0x5FF, "h"),
    (0x600, 0x77F, "r"),
    (0x900, 0x97F, "d"),
    (0x980, 0xDFF, "i"),
    (0xE00, 0xEFF, "t"),
    (0x1100, 0x11FF, "j"),
    (0x1E00, 0x1EFF, "v"),  # Vietnamese, mostly
    (0x2000, 0x206F, "s"),
    (0x20A0, 0x214F, "s"),
    (0x2150, 0x22FF, "w"),  # arrows and operators
    (0x2300, 0x23FF, "e"),
    (0x2460, 0x24FF, "y"),
    (0x2500, 0x25FF, "x"),  # boxes
    (0x2600, 0x27BF, "e"),
    (0x3000, 0x303F, "q"),
    (0x3040, 0x30FF, "k"),
    (0x3130, 0x318F, "j"),
    (0x3200, 0x33FF, "y"),
    (0x3400, 0x4DBF, "y"),  # rare ideographs: three tokens each
    (0x4E00, 0x9FFF, "z"),
    (0xAC00, 0xD7AF, "j"),
    (0xE000, 0xF8FF, "y"),
    (0xF900, 0xFAFF, "y"),
    (0xFE00, 0xFE0F, "m"),
    (0xFF00, 0xFFEF, "q"),
    (0x1F000, 0x1FAFF, "e"),
    (0x20000, 0x3FFFF, "y"),
    (0xE0000, 0x10FFFF, "y"),
)
_SCRIPTS = "cgrhditoj"
"""Scripts with words, whose letters come in runs."""


class _Classes(dict[int, str]):
    """Code point → class, looked up once each."""

    def __missing__(self, point: int) -> str:
        found = next((kind for first, last, kind in _RANGES if first <= point <= last), "o")
        if len(self) < _MAX_CLASSES:
            self[point] = found
        return found


_CLASSES = _Classes({ord(letter): kind for kind, letters in _ASCII.items() for letter in letters})

_ASCII_CLASSES = bytes(ord(_CLASSES[point]) for point in range(256))
_PLAIN = r"0{1,3}| ?p{1,16}\n*| *\n+| {1,80}(?= )|."
_ASCII_PIECE = re.compile(rf"[ p]?A{{0,3}}a{{1,20}}|[ p]?A{{1,16}}|{_PLAIN}", re.DOTALL)
_LEAD = r"[^\naAbv0zkjqx]?"
_PIECE = re.compile(
    rf"{_LEAD}A{{0,3}}[abv]{{1,20}}|{_LEAD}A{{1,16}}"
    rf"|[ p]?(?:{'|'.join(f'{script}{{1,20}}' for script in _SCRIPTS)})|{_PLAIN}",
    re.DOTALL,
)
_DENSE = re.compile(r"[A-Za-z0-9+/]{32,}")
"""Where base64 and the like may stand: random letters cost far more than words."""
_RULED = re.compile(r"([-=*#_~.])\1{15,}")
_RULE = "p" * 16


def shapes(text: str) -> tuple[Counter[str], float]:
    """The shapes of a text's pieces and how often each comes, and how much of the text they stand for (1: all)."""
    if len(text) <= LONG_CHARS:
        return _shapes(text), 1.0
    step = len(text) // _N_SAMPLES
    sample = "\n".join(text[at : at + _SAMPLE_CHARS] for at in range(0, step * _N_SAMPLES, step))
    return _shapes(sample), len(sample) / len(text)


def _shapes(text: str) -> Counter[str]:
    dense: Counter[str] = Counter()

    def without(found: re.Match[str]) -> str:
        run = found[0]
        if not _is_random(run):
            return run
        dense["+"] += len(run)
        return ""

    text = _DENSE.sub(without, text)
    pieces, classes = _classes(text)
    if _RULE in classes:
        pieces, classes = _classes(_RULED.sub(r"\1\1", text))
    counted = Counter(pieces.findall(classes))
    counted.update(dense)
    return counted


def _classes(text: str) -> tuple[re.Pattern[str], str]:
    """A text's classes, and what finds the pieces in them."""
    if text.isascii():
        return _ASCII_PIECE, text.encode("ascii").translate(_ASCII_CLASSES).decode("ascii")
    return _PIECE, text.translate(_CLASSES)


def _is_random(run: str) -> bool:
    """Letters of both cases and digits, and not a path."""
    kinds = (str.isdigit, str.isupper, str.islower)
    return all(any(map(kind, run)) for kind in kinds) and run.count("/") * 12 < len(run)


def features(shape: str) -> Iterator[tuple[str, float]]:
    """What a piece of this shape adds to its text's features; `costs` names what each is worth."""
    last = shape[-1]
    if shape == "+":
        yield "random", 1
    elif last in "aAbv":
        yield from _word(shape)
    elif last == "0":
        yield "digits", 1
        yield "digit", len(shape)
    elif not shape.strip(" "):
        yield "spaces", 1
    elif not shape.strip(" \n"):
        yield "newline", 1
    elif shape.strip(" \n").strip("p") == "":
        yield from _punctuation(shape)
    else:
        if last in _SCRIPTS:
            yield f"run {last}", 1
        yield f"sign {last}", len(shape.strip(" p"))


def _word(shape: str) -> Iterator[tuple[str, float]]:
    led = shape[0] not in "aAbv"
    body = shape[1:] if led else shape
    n, n_upper = len(body), len(body) - len(body.lstrip("A"))
    if n_upper == n > 1:
        yield ("capitals after a space" if shape[0] == " " else "capitals"), 1
        yield "capital", max(0, n - 2)
    elif led:
        yield ("word after a space" if shape[0] == " " else "word after a sign"), 1
        yield "long word", max(0, min(n, 9) - 5)
        yield "very long word", max(0, n - 9)
        yield "title after a space", int(n_upper > 0)
    else:
        yield "part of a word", 1
    yield "letter with a mark", body.count("b")
    yield "Vietnamese letter", body.count("v")
    if led and shape[0] not in " p":
        yield f"sign {shape[0]}", 1


def _punctuation(shape: str) -> Iterator[tuple[str, float]]:
    n = shape.count("p")
    yield f"sign {min(n, 4)}", 1
    yield "more signs", max(0, n - 4)
    yield "space before signs", int(shape[0] == " ")
