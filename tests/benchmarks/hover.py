"""Hovers on a 2,600-line module: the first after opening it, over its names, and right after a keystroke."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import module
from tests.benchmarks.driver import Json, Server, insertion, position
from tests.benchmarks.peers import COPILOT, JEDI, PYGLS, PYLSP, PYRIGHT, RUFF, Peer, each_in_turn, servers
from tests.benchmarks.places import scratch
from tests.benchmarks.report import US, Column, Table, percentile

N_RUNS = 2
LETTER = "q"


def measure() -> Iterator[Table]:
    text = module.source()
    table = Table(
        f"Hover on argparse.py ({text.count(chr(10)):,} lines, {len(module.names(text))} names)",
        (
            Column("open", "ms"),
            Column("p50"),
            Column("p95", target=50),
            Column("answered", "%"),
            Column("typed_p50"),
            Column("typed_p95", target=20),
            Column("typed_right", "%"),
        ),
    )
    table.notes.append("open: didOpen → answer to the first hover. p50, p95: hovers one after the other.")
    table.notes.append(
        f"typed: one letter put behind a function's name, and a hover on that name at once; right: the answer has the "
        f"new name. {PYRIGHT} counts a hover as answered when it has a text; {RUFF} and {COPILOT} give no hovers for code."
    )
    with scratch() as (folder, env):
        each_in_turn(
            table,
            servers(table, (US, PYGLS, JEDI, PYLSP, PYRIGHT)),
            N_RUNS,
            lambda peer: _sample(peer, text, folder, env),
            budget_s=60,
        )
    yield table


def _sample(peer: Peer, text: str, folder: Path, env: dict[str, str]) -> dict[str, float]:
    with Server(peer.command, folder, env) as server:
        path = folder / "argparse_copy.py"
        path.write_text(text, encoding="utf-8")
        server.initialize(peer.options)
        server.rest(0.5)
        places = module.names(text)
        begun_s = time.perf_counter()
        uri = server.open(path, text)
        server.ask("textDocument/hover", position(uri, places[0].line, places[0].start))
        open_s = time.perf_counter() - begun_s
        server.rest(0.5)
        plain = [_hover(server, uri, place) for place in places]
        typed = _typed(server, uri, module.definitions(text))
    return {
        "open": open_s * 1000,
        **_percentiles("", [took for took, _ in plain]),
        "answered": 100 * sum(bool(said) for _, said in plain) / len(plain),
        **_percentiles("typed_", [took for took, _ in typed]),
        "typed_right": 100 * sum(right for _, right in typed) / len(typed),
    }


def _percentiles(name: str, took_ms: list[float]) -> dict[str, float]:
    return {f"{name}p50": percentile(took_ms, 0.5), f"{name}p95": percentile(took_ms, 0.95)}


def _hover(server: Server, uri: str, place: module.Name) -> tuple[float, str]:
    """Milliseconds, and what was said ("" for nothing)."""
    begun_s = time.perf_counter()
    answer = server.ask("textDocument/hover", position(uri, place.line, place.start))
    took_ms = (time.perf_counter() - begun_s) * 1000
    return took_ms, _said(answer)


def _said(answer: Json) -> str:
    result = answer.get("result")
    return json.dumps(result["contents"]) if result and result.get("contents") else ""


def _typed(server: Server, uri: str, places: list[module.Name]) -> list[tuple[float, bool]]:
    """Types behind each name and takes it back; the hover is measured with the change before it."""
    found: list[tuple[float, bool]] = []
    version = 1
    for place in places:
        version += 2
        begun_s = time.perf_counter()
        server.notify("textDocument/didChange", insertion(uri, version, place.line, place.end, LETTER))
        _, said = _hover(server, uri, place)
        found.append(((time.perf_counter() - begun_s) * 1000, place.text + LETTER in said))
        server.notify("textDocument/didChange", insertion(uri, version + 1, place.line, place.end, "", 1))
        server.rest(0.05)
    return found
