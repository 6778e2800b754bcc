"""An edit of 300 files by one turn of the real server, in memory with the client: proposed, planned, applied, proven."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.benchmarks.places import scratch
from tests.benchmarks.report import US, Column, Table
from tests.lsp.e2e.rig import desk, edit, steps

N_FILES = 300
N_LINES = 200
N_RUNS = 3
LIMIT_S = 300.0
EDITORS = ("vscode", "helix")
"""Not those that send their changes late: what is timed would be their pause."""


def measure() -> Iterator[Table]:
    with scratch() as (folder, _):
        for opened in (True, False):
            table = Table(
                f"A workspace edit of {N_FILES} files, {'open' if opened else 'not open'}",
                (
                    Column("propose"),
                    Column("plan"),
                    Column("apply"),
                    Column("prove", target=5000),
                    Column("total"),
                    Column("unproven", "files", target=0),
                ),
            )
            for number in range(N_RUNS * len(EDITORS)):
                editor = EDITORS[number % len(EDITORS)]
                place = folder / f"{editor}-{opened}-{number}"
                place.mkdir()
                table.add(
                    US if editor == EDITORS[0] else f"{US}, {editor}",
                    **asyncio.run(_sample(place, editor, opened=opened)),
                )
            table.notes.append(
                f"propose: the prompt \u2192 the answers to {N_FILES} edit_file calls; plan: from the model\u2019s last word to "
                "workspace/applyEdit at the client; apply: the fake editor\u2019s own time, with its didChange or didOpen of "
                f"each file; prove: from then to the turn\u2019s end. A file has {N_LINES} lines. Server and client share a "
                "thread. The texts are checked afterwards; unproven: files of which the turn does not say that they were applied."
            )
            yield table


class _Times(list[Any]):
    """The model\u2019s requests, with the time of each."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    def append(self, item: Any) -> None:
        self.at.append(time.perf_counter())
        super().append(item)


async def _sample(place: Path, editor: str, *, opened: bool) -> dict[str, float | None]:
    old = "".join(f"value_{i} = {i}\n" for i in range(N_LINES))
    names = [f"package_{i % 10}/module_{i}.py" for i in range(N_FILES)]
    model = steps("\n".join(edit(name, "value_100 = 100", "value_100 = 1") for name in names), "text: Done.")
    model.requests = requests = _Times()
    async with desk(place, model, editor=editor, files=dict.fromkeys(names, old)) as d:
        if opened:
            for name in names:
                d.open(name)
        applied = _watched(d.editor)
        begun_s = time.perf_counter()
        result = await d.run("prompt", LIMIT_S, text="go")
        ended_s = time.perf_counter()
        wanted = old.replace("value_100 = 100", "value_100 = 1")
        wrong = [name for name in names if d.editor.text(d.uri(name)) != wanted]
        assert not wrong, f"{len(wrong)} files are not as they should be: {result}"
    unproven = sum(file["state"] != "applied" for file in result["review"]["files"])
    return {**_phases([begun_s, requests.at[-1], applied[0], applied[-1], ended_s]), "unproven": unproven}


def _phases(at: Sequence[float]) -> dict[str, float | None]:
    taken = [(after - before) * 1000 for before, after in pairwise(at)]
    return {**dict(zip(("propose", "plan", "apply", "prove"), taken, strict=True)), "total": (at[-1] - at[0]) * 1000}


def _watched(editor: Any) -> list[float]:
    """When the editor began and ended what it was asked to apply, what it sends afterwards included."""
    times: list[float] = []

    def watched(job: Any) -> Any:
        def run(*arguments: Any) -> Any:
            times.append(time.perf_counter())
            try:
                return job(*arguments)
            finally:
                times.append(time.perf_counter())

        return run

    editor.apply, editor.after_apply = watched(editor.apply), watched(editor.after_apply)
    return times
