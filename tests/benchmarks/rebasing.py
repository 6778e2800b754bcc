"""An edit of 500 hunks while 1,000 keys are typed: rebased by us, merged anew with difflib's matcher by the peer.

Both have to come to the same text. The peer knows no keystrokes, only texts: base, edited and typed.
"""

import random
import time
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from typing import TypeVar

from copydesk.text.edits import Edit, apply, compose_all, map_offset, normalised, rebase
from copydesk.text.lines import split_lines
from tests.benchmarks.report import US, Column, Table

N_LINES = 10_000
N_HUNKS = 500
N_KEYS = 1_000
N_RUNS = 5
N_MERGES = 10
"""The peer's merges after single keys, of which there would be a thousand."""

T = TypeVar("T")
PEER = "difflib three-way merge"


def measure() -> Iterator[Table]:
    table = Table(
        f"An edit of {N_HUNKS} hunks over {N_KEYS:,} keys typed, in {N_LINES:,} lines",
        (Column("one_key", target=1), Column("all_one_by_one", target=1000), Column("at_once", target=20)),
    )
    base, ours, typed, now = _case()
    expected = apply(now, rebase(ours, compose_all(typed)).edits)
    for _ in range(N_RUNS):
        in_turn_ms, moved = _timed(lambda: _one_by_one(ours, typed))
        at_once_ms, rebased = _timed(lambda: rebase(ours, compose_all(typed)))
        assert rebased == (moved, ())
        table.add(US, one_key=in_turn_ms / N_KEYS, all_one_by_one=in_turn_ms, at_once=at_once_ms)
    edited, texts = apply(base, ours), _texts(base, typed[:N_MERGES])
    for text in texts:
        one_ms, _ = _timed(lambda text=text: _merged(base, edited, text))
        table.add(PEER, one_key=one_ms, all_one_by_one=one_ms * N_KEYS)
    for _ in range(N_RUNS):
        at_once_ms, merged = _timed(lambda: _merged(base, edited, now))
        assert merged == expected
        table.add(PEER, at_once=at_once_ms)
    table.notes.append(
        f"one_key: the edit said on the text after one more key. all_one_by_one: after each of {N_KEYS:,} keys; the peer's "
        f"is {N_MERGES} merges made out to {N_KEYS:,}. at_once: the keys composed to one change first. Nothing conflicts."
    )
    yield table


def _case() -> tuple[str, tuple[Edit, ...], list[tuple[Edit, ...]], str]:
    """Hunks on every twentieth line; keys at the ends of lines that lie between."""
    chance = random.Random(8)
    lines = [f"    value_{i} = compute(alpha, beta, {i})\n" for i in range(N_LINES)]
    base = "".join(lines)
    starts = [base.index(f"value_{i} ") for i in range(0, N_LINES, N_LINES // N_HUNKS)]
    ours = normalised((start, start + 5, "figure") for start in starts)
    ends = [base.index("\n", base.index(f"value_{chance.randrange(100) * 100 + 7} ")) for _ in range(N_KEYS // 10)]
    typed: list[tuple[Edit, ...]] = []
    text = base
    so_far: tuple[Edit, ...] = ()
    for number in range(N_KEYS):
        at = map_offset(so_far, ends[number // 10], "right")
        typed.append((Edit(at, at, "x"),))
        text = apply(text, typed[-1])
        so_far = compose_all([so_far, typed[-1]])
    return base, ours, typed, text


def _one_by_one(ours: tuple[Edit, ...], typed: list[tuple[Edit, ...]]) -> tuple[Edit, ...]:
    for key in typed:
        ours = rebase(ours, key).edits
    return ours


def _texts(base: str, typed: list[tuple[Edit, ...]]) -> list[str]:
    texts: list[str] = []
    for key in typed:
        base = apply(base, key)
        texts.append(base)
    return texts


def _merged(base: str, one: str, other: str) -> str:
    """What a client without keystrokes does: both texts matched with the base by lines, and both sides' changes."""
    lines = split_lines(base)
    changes = [*_changes(lines, split_lines(one)), *_changes(lines, split_lines(other))]
    merged: list[str] = []
    done = 0
    for start, end, new in sorted(changes, key=lambda change: change[:2]):
        merged += (*lines[done:start], *new)
        done = end
    return "".join([*merged, *lines[done:]])


def _changes(old: list[str], new: list[str]) -> list[tuple[int, int, list[str]]]:
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(i1, i2, new[j1:j2]) for tag, i1, i2, j1, j2 in codes if tag != "equal"]


def _timed(job: Callable[[], T]) -> tuple[float, T]:
    begun_s = time.perf_counter()
    result = job()
    return (time.perf_counter() - begun_s) * 1000, result
