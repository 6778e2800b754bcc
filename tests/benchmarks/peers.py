"""The language servers to compare with: how each is started, and whether it is there. Start with `servers`."""

import math
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.driver import ServerFailed
from tests.benchmarks.places import NODE_BIN, VENV_BIN
from tests.benchmarks.report import US, Table

PYGLS = "bare pygls"
JEDI, PYLSP, PYRIGHT, RUFF, COPILOT = (
    "jedi-language-server",
    "python-lsp-server",
    "basedpyright",
    "ruff server",
    "copilot-language-server",
)
SET_UP = "`make bench` installs it"


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    command: tuple[str, ...]
    options: object = None


def _all() -> tuple[Peer, ...]:
    beside = Path(sys.executable).parent
    ours = {"hover": {"signature": True}}  # so that a hover shows what was typed, as the others' do
    copilot = {"editorInfo": {"name": "bench", "version": "1"}, "editorPluginInfo": {"name": "bench", "version": "1"}}
    return (
        Peer(US, (sys.executable, "-m", "copydesk", "serve"), ours),
        Peer(PYGLS, (sys.executable, "-m", "tests.benchmarks.floors.pygls_server")),
        Peer(JEDI, (str(VENV_BIN / "jedi-language-server"),)),
        Peer(PYLSP, (str(VENV_BIN / "pylsp"),)),
        Peer(PYRIGHT, (str(beside / "basedpyright-langserver"), "--stdio")),
        Peer(RUFF, (str(beside / "ruff"), "server")),
        Peer(COPILOT, (str(NODE_BIN / "copilot-language-server"), "--stdio"), copilot),
    )


def servers(table: Table, names: Iterable[str] = ()) -> list[Peer]:
    """Those that are there, of `names` or all; the table is told which are not."""
    wanted = set(names)
    found: list[Peer] = []
    for peer in _all():
        if wanted and peer.name not in wanted:
            continue
        if shutil.which(peer.command[0]):
            found.append(peer)
        else:
            table.skip(peer.name, f"not installed; {SET_UP}")
    return found


def each_in_turn(
    table: Table,
    peers: list[Peer],
    n_runs: int,
    sample: Callable[[Peer], Mapping[str, float | None]],
    budget_s: float = math.inf,
) -> None:
    """Measures the peers one after the other, round for round, so that what else the machine does hits all of them.

    The first round is thrown away (it writes .pyc files and the peers' caches), but for those that are then over budget.
    """
    spent_s = dict.fromkeys((peer.name for peer in peers), 0.0)
    first: dict[str, Mapping[str, float | None]] = {}
    for run in range(n_runs + 1):
        for peer in [peer for peer in peers if peer.name not in table.skipped and spent_s[peer.name] < budget_s]:
            begun_s = time.perf_counter()
            try:
                samples = sample(peer)
            except ServerFailed as error:
                table.skip(peer.name, str(error), failed=True)
                continue
            spent_s[peer.name] += time.perf_counter() - begun_s
            if run:
                table.add(peer.name, **samples)
            else:
                first[peer.name] = samples
    for name, samples in first.items():
        if name not in table.rows:
            table.add(name, **samples)
