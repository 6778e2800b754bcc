"""didChange in a document of 200,000 lines: our overlay (positions, log and snapshot included) and pygls' document."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from lsprotocol import types
from pygls.workspace import TextDocument

from copydesk.domain.messages import LineRange
from copydesk.text.positions import to_codepoints
from copydesk.workspace.overlay import Overlay
from tests.benchmarks.report import US, Column, Table, percentile

N_LINES = 200_000
N_OURS = 2_000
N_PEER = 30
"""pygls splits the whole text for each change, so a sample of it takes a hundred times as long."""

URI = "file:///big.py"
PLACES = {"start": 2, "middle": N_LINES // 2, "end": N_LINES - 2}
PASTE = "pasted = True\nas_well = '😀'\n" * 20


class _Change(NamedTuple):
    """`text` put at a line's character, in UTF-16 units."""

    line: int
    character: int
    text: str


KINDS: dict[str, Callable[[int, int], _Change]] = {
    "letter": lambda line, n: _Change(line, 8 + n % 40, "x"),
    "newline": lambda line, _: _Change(line, 6, "\n"),
    "paste": lambda line, _: _Change(line, 6, PASTE),
}


def measure() -> Iterator[Table]:
    for where, line in PLACES.items():
        table = Table(
            f"One didChange in {N_LINES:,} lines, at the {where}",
            tuple(
                Column(f"{kind}_{part}", target=1 if part == "p99" else None)
                for kind in KINDS
                for part in ("p50", "p99")
            ),
        )
        table.add(US, **_samples(_Ours(), line, N_OURS))
        table.add("pygls TextDocument", **_samples(_Pygls(), line, N_PEER))
        table.notes.append(
            f"{N_OURS:,} changes of each kind by us and {N_PEER} by pygls, whose p99 is thus its slowest. Lines hold a "
            f"character of two UTF-16 units. paste: {PASTE.count(chr(10))} lines. Processor time."
        )
        yield table


def _samples(document: "_Ours | _Pygls", line: int, n: int) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    for kind, made in KINDS.items():
        taken_ms = [_taken_ms(document, made(line, number)) for number in range(n)]
        figures |= {f"{kind}_p50": percentile(taken_ms, 0.5), f"{kind}_p99": percentile(taken_ms, 0.99)}
    return figures


def _taken_ms(document: "_Ours | _Pygls", change: _Change) -> float:
    """Of the processor: nothing here waits, and what else runs on the machine is not ours to time."""
    begun_s = time.thread_time()
    document.change(change)
    return (time.thread_time() - begun_s) * 1000


def _text() -> str:
    return "".join(f"    value_{i} = compute('😀', alpha, {i})\n" for i in range(N_LINES))


class _Ours:
    def __init__(self) -> None:
        self._overlay = Overlay()
        self._overlay.open(URI, "python", 0, _text())
        self._version = 0

    def change(self, change: _Change) -> None:
        now = self._overlay.get(URI)
        assert now is not None
        column = to_codepoints(now.document.line(change.line), change.character, "utf-16")
        self._version += 1
        self._overlay.change(URI, self._version, [(LineRange(change.line, column, change.line, column), change.text)])


class _Pygls:
    def __init__(self) -> None:
        self._document = TextDocument(URI, _text())

    def change(self, change: _Change) -> None:
        place = types.Position(change.line, change.character)
        self._document.apply_change(
            types.TextDocumentContentChangePartial(range=types.Range(place, place), text=change.text)
        )
