"""Listing the code actions at the names of argparse.py, with a diagnostic there as an editor sends it."""

import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import module
from tests.benchmarks.driver import Json, Server, position
from tests.benchmarks.peers import COPILOT, JEDI, PYLSP, PYRIGHT, RUFF, Peer, each_in_turn, servers
from tests.benchmarks.places import scratch
from tests.benchmarks.report import US, Column, Table, percentile

N_RUNS = 3


def measure() -> Iterator[Table]:
    table = Table(
        "Code actions at 80 names of argparse.py", (Column("p50"), Column("p95"), Column("listed", "per request"))
    )
    with scratch() as (folder, env):
        each_in_turn(
            table,
            servers(table, (US, RUFF, PYRIGHT, COPILOT, JEDI, PYLSP)),
            N_RUNS,
            lambda peer: _sample(peer, folder, env),
            budget_s=15,
        )
    yield table


def _sample(peer: Peer, folder: Path, env: dict[str, str]) -> dict[str, float]:
    text = module.source()
    with Server(peer.command, folder, env) as server:
        path = folder / "argparse_copy.py"
        path.write_text(text, encoding="utf-8")
        server.initialize(peer.options)
        uri = server.open(path, text)
        places = module.names(text)
        server.ask("textDocument/hover", position(uri, places[0].line, places[0].start))
        server.rest(0.5)
        took_ms: list[float] = []
        n_listed = 0
        for place in places:
            begun_s = time.perf_counter()
            answer = server.ask("textDocument/codeAction", _params(uri, place))
            took_ms.append((time.perf_counter() - begun_s) * 1000)
            n_listed += len(answer.get("result") or [])
    return {"p50": percentile(took_ms, 0.5), "p95": percentile(took_ms, 0.95), "listed": n_listed / len(places)}


def _params(uri: str, place: module.Name) -> Json:
    at = {"start": {"line": place.line, "character": place.start}, "end": {"line": place.line, "character": place.end}}
    problem = {"range": at, "severity": 2, "source": "bench", "message": f"{place.text} is not what it seems"}
    return {"textDocument": {"uri": uri}, "range": at, "context": {"diagnostics": [problem], "triggerKind": 1}}
