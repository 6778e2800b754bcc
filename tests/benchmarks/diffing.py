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
    cases = _cases()
    times = Table("Diffs of 20,000 lines: the time", tuple(Column(name, target=5000) for name in cases))
    sizes = Table("The same diffs: characters taken away and put", tuple(Column(name, "kB") for name in cases))
    for name, (old, new) in cases.items():
        _put((times, sizes), US, name, _measured(lambda old=old, new=new: diff(old, new), old, new))
        for peer, autojunk in PEERS.items():
            figures = _within_limit(old, new, autojunk)
            if figures:
                _put((times, sizes), peer, name, figures)
            else:
                times.notes.append(f"{peer}: {name} took more than {LIMIT_S:.0f} s and was ended.")
    times.notes.append(
        "changed: a word in 1 % of the lines; indented: every line; others: no line in common; values: lines of 400 "
        "values, 1 % changed; equal: equal lines, 1 % changed; order: two lines over and over, in another order; dots: "
        "20 lines of 1,000 dots that get words between. difflib compares whole lines only."
    )
    sizes.notes.append("Fewer mean less of what a person types at the same time that an edit can meet.")
    yield times
    yield sizes


def _put(tables: tuple[Table, Table], subject: str, case: str, figures: tuple[float, float]) -> None:
    for table, figure in zip(tables, figures, strict=True):
        table.add(subject, **{case: figure})


def _cases() -> dict[str, tuple[str, str]]:
    chance = random.Random(2)
    plain = [f"    value_{i} = compute(alpha, beta_{chance.randrange(1000)}, {i})\n" for i in range(N_LINES)]
    often = [f"value = {chance.randrange(400)}\n" for _ in range(N_LINES)]
    dots = "".join("." * 1000 + f"\nunique {i}\n" for i in range(20))
    return {
        "changed": _pair(plain, [_changed(line, chance) for line in plain]),
        "indented": _pair(plain, [f"    {line}" for line in plain]),
        "others": _pair(plain, [f"other {chance.random()}\n" for _ in plain]),
        "values": _pair(often, [f"value = {chance.randrange(400)}\n" if _rarely(chance) else line for line in often]),
        "equal": _pair(["}\n"] * N_LINES, ["]\n" if _rarely(chance) else "}\n" for _ in range(N_LINES)]),
        "order": _pair(["a\n", "b\n", "b\n"] * (N_LINES // 3), ["b\n", "a\n", "a\n"] * (N_LINES // 3)),
        "dots": (dots, dots.replace("." * 1000, "".join(f".{i} " for i in range(330)))),
    }


def _rarely(chance: random.Random) -> bool:
    return chance.random() < 0.01


def _pair(old: list[str], new: list[str]) -> tuple[str, str]:
    return "".join(old), "".join(new)


def _changed(line: str, chance: random.Random) -> str:
    return line.replace("alpha", "gamma") if _rarely(chance) else line


def _measured(job: Callable[[], tuple[Edit, ...]], old: str, new: str) -> tuple[float, float]:
    """The time in ms, and the thousands of characters touched."""
    begun_s = time.perf_counter()
    edits = job()
    taken_ms = (time.perf_counter() - begun_s) * 1000
    assert apply(old, edits) == new
    touched = sum(edit.end - edit.start + len(edit.text) for edit in edits)
    return taken_ms, touched / 1000


def _within_limit(old: str, new: str, autojunk: bool) -> tuple[float, float] | None:
    """Measured in a process of its own, which is ended after the limit."""
    here, there = get_context("spawn").Pipe(duplex=False)
    process = get_context("spawn").Process(target=_measure_peer, args=(there, old, new, autojunk))
    process.start()
    figures: tuple[float, float] | None = here.recv() if here.poll(LIMIT_S) else None
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
