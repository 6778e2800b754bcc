"""10,000 one-character changes sent without waiting, then a hover: until everything is taken in."""

import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import module
from tests.benchmarks.driver import Server, frame, insertion, position
from tests.benchmarks.peers import Peer, each_in_turn, servers
from tests.benchmarks.places import scratch
from tests.benchmarks.report import Column, Table

N_CHANGES = 10_000
N_ON_A_LINE = 60
N_RUNS = 3
BUDGET_S = 15.0
"""A peer that has taken longer than this is not run again: some need a minute a run."""


def measure() -> Iterator[Table]:
    table = Table(
        f"{N_CHANGES:,} one-character changes to argparse.py, then a hover",
        (Column("lines60", target=600), Column("one_line", target=600)),
    )
    table.notes.append(
        f"lines60: {N_ON_A_LINE} on a line; one_line: all on one. Typed into comments at the end, so that the file stays "
        "right. A server without hovers answers with an error, which counts. Servers that take diagnostics requests are not made to push them. The stretch target is 200 ms."
    )
    peers = servers(table)
    with scratch() as (folder, env):
        each_in_turn(table, peers, N_RUNS, lambda peer: _both(peer, folder, env), budget_s=BUDGET_S)
    yield table


def _both(peer: Peer, folder: Path, env: dict[str, str]) -> dict[str, float | None]:
    return {"lines60": _sample(peer, N_ON_A_LINE, folder, env), "one_line": _sample(peer, N_CHANGES, folder, env)}


def _sample(peer: Peer, n_on_a_line: int, folder: Path, env: dict[str, str]) -> float:
    text = module.source()
    first = text.count("\n")
    text += "# \n" * (-(-N_CHANGES // n_on_a_line))
    place = module.definitions(text)[0]
    with Server(peer.command, folder, env) as server:
        path = folder / "argparse_copy.py"
        path.write_text(text, encoding="utf-8")
        server.initialize(peer.options)
        uri = server.open(path, text)
        server.ask("textDocument/hover", position(uri, place.line, place.start))
        server.rest(1)
        data = b"".join(
            frame({
                "method": "textDocument/didChange",
                "params": insertion(uri, n + 2, first + n // n_on_a_line, 2 + n % n_on_a_line, "x"),
            })
            for n in range(N_CHANGES)
        )  # fmt: skip
        begun_s = time.perf_counter()
        server.queue(data)
        server.ask("textDocument/hover", position(uri, place.line, place.start), 300)
        return (time.perf_counter() - begun_s) * 1000
