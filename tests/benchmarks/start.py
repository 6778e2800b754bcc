"""From the start of a process to the answer of `initialize`, what it holds then, and how long it takes to end."""

import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.driver import Server, position
from tests.benchmarks.memory import memory_of
from tests.benchmarks.model import FILE, SOURCE, workspace
from tests.benchmarks.peers import PYGLS, Peer, each_in_turn, servers
from tests.benchmarks.places import scratch
from tests.benchmarks.report import Column, Table

N_RUNS = 5


def measure() -> Iterator[Table]:
    table = Table(
        "Start and end of a server",
        (
            Column("init", target=1.1, peer=PYGLS),
            Column("ready"),
            Column("rss", "MiB", target=55),
            Column("pss", "MiB"),
            Column("rss1s", "MiB", target=55),
            Column("pss1s", "MiB"),
            Column("exit", target=25),
            Column("eof"),
        ),
    )
    table.notes.append(
        "init: process start → `initialize` answered; ready: → the first hover, on a file of eight lines."
    )
    table.notes.append(
        "rss is the server's process alone, pss with its children; …1s: a second after `initialized`, with nothing open."
    )
    with scratch() as (folder, env):
        root = workspace(folder / "tree")
        each_in_turn(table, servers(table), N_RUNS, lambda peer: _sample(peer, root, env))
    yield table


def _sample(peer: Peer, root: Path, env: dict[str, str]) -> dict[str, float | None]:
    with Server(peer.command, root, env) as server:
        server.initialize(peer.options)
        uri = server.open(root / FILE, SOURCE)
        server.ask("textDocument/hover", position(uri, 3, 4))
        ready_s = time.perf_counter() - server.started_s
    with Server(peer.command, root, env) as server:
        init_s = server.initialize(peer.options)
        memory = memory_of(server.process.pid)
        server.rest(1)
        later = memory_of(server.process.pid)
        exit_s = server.exit_s()
    with Server(peer.command, root, env) as server:
        server.initialize(peer.options)
        server.rest(0.5)
        eof_s = server.eof_s()
    return {
        "init": init_s * 1000, "ready": ready_s * 1000, "exit": exit_s * 1000, "eof": eof_s * 1000,
        **({"rss": memory.rss, "pss": memory.pss} if memory else {}),
        **({"rss1s": later.rss, "pss1s": later.pss} if later else {}),
    }  # fmt: skip
