"""Listing the code actions at the names of argparse.py, with a diagnostic there as an editor sends it."""

import time
from collections.abc import Iterator

from tests.benchmarks import module
from tests.benchmarks.driver import Json, Server, ServerFailed, position
from tests.benchmarks.peers import COPILOT, JEDI, PYLSP, PYRIGHT, RUFF, Peer, servers
from tests.benchmarks.places import scratch
from tests.benchmarks.report import US, Column, Table, percentile

N_RUNS = 3


def measure() -> Iterator[Table]:
    table = Table(
        "Code actions at 80 names of argparse.py", (Column("p50"), Column("p95"), Column("listed", "per request"))
    )
    peers = servers(table, (US, JEDI, PYLSP, PYRIGHT, RUFF, COPILOT))
    for run in range(N_RUNS + 1):
        for peer in list(peers):
            try:
                samples = _sample(peer)
            except ServerFailed as error:
                table.skip(peer.name, str(error), failed=True)
                peers.remove(peer)
                continue
            if run:
                table.add(peer.name, **samples)
    yield table


def _sample(peer: Peer) -> dict[str, float]:
    text = module.source()
    with scratch() as (folder, env), Server(peer.command, folder, env) as server:
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
