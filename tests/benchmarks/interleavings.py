"""Random interleavings of a person, an editor and an edit: a hundred thousand, each editor a tenth of them.

A tenth as many again are of several files at once, and another tenth of decisions about hunks.
`COPYDESK_INTERLEAVINGS` is how many in all, `COPYDESK_FIRST_SEED` where they begin, `COPYDESK_WORKERS` how many
processes share them. Time is virtual.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.benchmarks.report import Column, Table
from tests.support.interleavings import Interleaving, Played, again, played
from tests.support.reviewing import Reviewing
from tests.support.several_files import SeveralFiles
from tests.support.simulated import KINDS

N_PLAYED = int(os.environ.get("COPYDESK_INTERLEAVINGS", "100000"))
FIRST_SEED = int(os.environ.get("COPYDESK_FIRST_SEED", "0"))
N_WORKERS = int(os.environ.get("COPYDESK_WORKERS", str(os.cpu_count() or 1)))
BATCH = 500
STORIES: tuple[tuple[str, type[Interleaving], int], ...] = (
    ("random interleavings", Interleaving, N_PLAYED),
    ("of several files at once", SeveralFiles, N_PLAYED // 10),
    ("of decisions about hunks", Reviewing, N_PLAYED // 10),
)
MOST_NOTES = 10


def measure() -> Iterator[Table]:
    for title, story, n_played in STORIES:
        yield _measured(f"{n_played:,} {title}, {N_WORKERS} processes", story, n_played)


def _measured(title: str, story: type[Interleaving], n_played: int) -> Table:
    table = Table(
        title,
        (
            Column("played", ""),
            Column("typed", "characters"),
            Column("lost", "", target=0.5),
            Column("by_client", ""),
            Column("false", "", target=0.5),
            Column("unexplained", ""),
            Column("held", ""),
            Column("missed", "% of those apart", target=1.0),
            Column("time", "s"),
        ),
    )
    table.notes.append(
        "lost: characters that a person typed and that are gone; by_client: those that the editor itself overwrote with "
        "an edit for another version. false: files said to be applied that were not, once and in place. unexplained: "
        "files reported because what came back fits nothing. missed: edits apart from all typing that did not land, in "
        "the editors that apply what fits."
    )
    with ProcessPoolExecutor(N_WORKERS) as workers:
        for kind in KINDS:
            _measure_kind(table, kind, workers, partial(played, story=story), max(n_played // len(KINDS), 1))
    return table


def _measure_kind(
    table: Table, kind: str, workers: ProcessPoolExecutor, play: Callable[[str, range], list[Played]], n: int
) -> None:
    begun_s, end = time.perf_counter(), FIRST_SEED + n
    starts = range(FIRST_SEED, end, BATCH)
    batches = workers.map(play, [kind] * len(starts), [range(start, min(start + BATCH, end)) for start in starts])
    found = [one for batch in batches for one in batch]
    n_apart = sum(one.n_apart for one in found)
    n_landed = sum(one.n_apart_landed for one in found)
    table.add(
        kind,
        played=len(found),
        typed=_sum(found, "n_chars"),
        lost=_sum(found, "n_lost"),
        by_client=_sum(found, "n_eaten"),
        false=_sum(found, "n_false"),
        unexplained=_sum(found, "n_unexplained"),
        held=_sum(found, "n_held"),
        missed=100 * (n_apart - n_landed) / n_apart if n_apart else None,
        time=time.perf_counter() - begun_s,
    )
    for one in [one for one in found if one.problems][:MOST_NOTES]:
        table.notes.append(f"`{again(one)}`: {one.problems[0]}")
        table.failed = True


def _sum(found: list[Played], name: str) -> int:
    return sum(getattr(one, name) for one in found)
