"""The language servers to compare with: how each is started, and whether it is there. Start with `servers`."""

import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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
