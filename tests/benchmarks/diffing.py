"""Diffs of files of 20,000 lines, kind and unkind, beside difflib's by lines: the time, and how much the edits touch."""

import random
import time
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from multiprocessing import get_context
from multiprocessing.connection import Connection

from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply
from copydesk.text.lines import split_lines
from tests.benchmarks.report import US, Column, Table

N_LINES = 20_000
LIMIT_S = 20.0
PEERS = {"difflib": False, "difflib, autojunk": True}


def measure() -> Iterator[Table]:
    for title, (old, new) in _cases().items():
        table = Table(
            f"A diff: {title}",
            (Column("time", target=5000), Column("edits", ""), Column("touched", "characters, kB")),
        )
        table.add(US, **_measured(lambda old=old, new=new: diff(old, new), old, new))
        for name, autojunk in PEERS.items():
            figures = _within_limit(old, new, autojunk)
            if figures is None:
                table.skip(name, f"took more than {LIMIT_S:.0f} s")
            else:
                table.add(name, **figures)
        table.notes.append("touched: characters taken away and put. Fewer mean less typing that an edit can meet.")
        yield table


def _cases() -> dict[str, tuple[str, str]]:
    chance = random.Random(2)
    plain = [f"    value_{i} = compute(alpha, beta_{chance.randrange(1000)}, {i})\n" for i in range(N_LINES)]
    often = [f"value = {chance.randrange(400)}\n" for _ in range(N_LINES)]
    dots = "".join("." * 1000 + f"\nunique {i}\n" for i in range(20))
    return {
        "20,000 lines, 1 % changed": _pair(plain, [_changed(line, chance) for line in plain]),
        "20,000 lines, each indented": _pair(plain, [f"    {line}" for line in plain]),
        "20,000 lines, all others": _pair(plain, [f"other {chance.random()}\n" for _ in plain]),
        "20,000 lines of 400 values, 1 % changed": _pair(
            often, [f"value = {chance.randrange(400)}\n" if chance.random() < 0.01 else line for line in often]
        ),
        "20,000 equal lines, 1 % changed": _pair(
            ["}\n"] * N_LINES, ["]\n" if chance.random() < 0.01 else "}\n" for _ in range(N_LINES)]
        ),
        "20,000 lines of two values, in another order": _pair(
            ["a\n", "b\n", "b\n"] * (N_LINES // 3), ["b\n", "a\n", "a\n"] * (N_LINES // 3)
        ),
        "20 lines of 1,000 dots, with words between": (
            dots, dots.replace("." * 1000, "".join(f".{i} " for i in range(330)))
        ),
    }  # fmt: skip


def _pair(old: list[str], new: list[str]) -> tuple[str, str]:
    return "".join(old), "".join(new)


def _changed(line: str, chance: random.Random) -> str:
    return line.replace("alpha", "gamma") if chance.random() < 0.01 else line


def _measured(job: Callable[[], tuple[Edit, ...]], old: str, new: str) -> dict[str, float]:
    begun_s = time.perf_counter()
    edits = job()
    taken_ms = (time.perf_counter() - begun_s) * 1000
    assert apply(old, edits) == new
    touched = sum(edit.end - edit.start + len(edit.text) for edit in edits)
    return {"time": taken_ms, "edits": len(edits), "touched": touched / 1000}


def _within_limit(old: str, new: str, autojunk: bool) -> dict[str, float] | None:
    """Measured in a process of its own, which is ended after the limit."""
    here, there = get_context("spawn").Pipe(duplex=False)
    process = get_context("spawn").Process(target=_measure_peer, args=(there, old, new, autojunk))
    process.start()
    figures: dict[str, float] | None = here.recv() if here.poll(LIMIT_S) else None
    process.kill()
    process.join()
    return figures


def _measure_peer(answer: Connection, old: str, new: str, autojunk: bool) -> None:
    answer.send(_measured(lambda: _by_difflib(old, new, autojunk), old, new))


def _by_difflib(old: str, new: str, autojunk: bool) -> tuple[Edit, ...]:
    before, after = split_lines(old), split_lines(new)
    starts = [0]
    for line in before:
        starts.append(starts[-1] + len(line))
    codes = SequenceMatcher(None, before, after, autojunk=autojunk).get_opcodes()
    return tuple(Edit(starts[i1], starts[i2], "".join(after[j1:j2])) for tag, i1, i2, j1, j2 in codes if tag != "equal")
