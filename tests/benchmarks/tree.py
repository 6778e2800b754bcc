"""A workspace of 100,000 files: opening it, searching it, and whether the server answers in the meantime."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.driver import Json, Server, ServerFailed, position
from tests.benchmarks.memory import memory_of
from tests.benchmarks.model import Model, call
from tests.benchmarks.peers import COPILOT, JEDI, PYGLS, PYLSP, PYRIGHT, Peer, servers
from tests.benchmarks.places import scratch
from tests.benchmarks.report import US, Column, Table

N_FOLDERS = 1_000
N_IN_A_FOLDER = 100
PING_EVERY_S = 0.005
WATCHED_S = 5.0
PATTERNS = {"grep": "value_[0-9]+_42", "grep_word": "no_such_word_anywhere"}
SEARCHES = (
    ("glob", call("glob", pattern="**/module_07*.py")),
    *((name, call("grep", pattern=pattern, mode="files")) for name, pattern in PATTERNS.items()),
    ("tree", call("tree", depth=2)),
)


def measure() -> Iterator[Table]:
    opening = Table(
        f"A workspace of {N_FOLDERS * N_IN_A_FOLDER:,} files: opening",
        (Column("init"), Column("ready"), Column("action"), Column("stall"), Column("p50"), Column("rss", "MiB")),
    )
    opening.notes.append(
        "ready: process start → first hover answered; action: first listing of code actions; stall: the slowest of the pings "
        f"sent every {PING_EVERY_S * 1000:g} ms for {WATCHED_S:g} s after that (a request that no server knows), p50 the usual one."
    )
    searching = Table(
        "The same workspace: the model's searches, and pings meanwhile",
        (*(Column(name) for name, _ in SEARCHES), Column("stall", target=50), Column("p50")),
    )
    searching.notes.append("Each search from the end of the model's answer that calls it to the next request.")
    with scratch() as (folder, env):
        root = generate(folder / "tree")
        for peer in servers(opening, (US, PYGLS, JEDI, PYLSP, PYRIGHT, COPILOT)):
            try:
                opening.add(peer.name, **_open(peer, root, env))
            except ServerFailed as error:
                opening.skip(peer.name, str(error), failed=True)
        yield opening
        try:
            _search(root, env, searching)
        except ServerFailed as error:
            searching.skip(US, str(error), failed=True)
        yield searching


def generate(root: Path) -> Path:
    """Python files of some lines, a thousand folders in ten groups."""
    for number in range(N_FOLDERS):
        folder = root / f"group_{number % 10}" / f"package_{number:03}"
        folder.mkdir(parents=True)
        for index in range(N_IN_A_FOLDER):
            text = f'"""Module {index} of package {number}."""\n\n\ndef value_{number}_{index}():\n    return {index}\n'
            (folder / f"module_{index:03}.py").write_text(text, encoding="utf-8")
    (root / ".gitignore").write_text("*.log\nbuild/\n", encoding="utf-8")
    return root


def _open(peer: Peer, root: Path, env: dict[str, str]) -> dict[str, float]:
    with Server(peer.command, root, env) as server:
        init_s = server.initialize(peer.options)
        uri = _open_one(server, root)
        server.ask("textDocument/hover", position(uri, 3, 5))
        ready_s = time.perf_counter() - server.started_s
        begun_s = time.perf_counter()
        at = {"start": {"line": 3, "character": 5}, "end": {"line": 3, "character": 5}}
        server.ask(
            "textDocument/codeAction", {"textDocument": {"uri": uri}, "range": at, "context": {"diagnostics": []}}
        )
        action_s = time.perf_counter() - begun_s
        end_s = time.perf_counter() + WATCHED_S
        pings: list[float] = []
        while time.perf_counter() < end_s:
            pings.append(_ping_ms(server))
        memory = memory_of(server.process.pid)
    return {
        "init": init_s * 1000, "ready": ready_s * 1000, "action": action_s * 1000,
        **_slowest(pings), **({"rss": memory.rss} if memory else {}),
    }  # fmt: skip


def _open_one(server: Server, root: Path) -> str:
    path = root / "group_7" / "package_007" / "module_007.py"
    return server.open(path, path.read_text(encoding="utf-8"))


def _ping_ms(server: Server) -> float:
    begun_s = time.perf_counter()
    server.ask("bench/ping", {})
    took_s = time.perf_counter() - begun_s
    server.rest(max(0.0, PING_EVERY_S - took_s))
    return took_s * 1000


def _slowest(pings: list[float]) -> dict[str, float]:
    return {"stall": max(pings), "p50": sorted(pings)[len(pings) // 2]}


def _search(root: Path, env: dict[str, str], table: Table) -> None:
    (peer,) = servers(table, (US,))
    with Model([*(search for _, search in SEARCHES), "text: Done."]) as model:
        with Server(peer.command, root, {**env, **model.environment()}) as server:
            server.initialize({"hover": {"model": "off"}})  # else the hover asks the model on loopback too
            server.ask("textDocument/hover", position(_open_one(server, root), 3, 5))
            argument: Json = {"text": "search", "model": "openai/scripted", "mode": "acceptEdits", "wait": True}
            turn = server.send("workspace/executeCommand", {"command": "copydesk.prompt", "arguments": [argument]})
            pings: list[float] = []
            while not server.arrived(turn):
                pings.append(_ping_ms(server))
            result = server.wait(turn)
        asked = model.times()
    if len(asked) != len(SEARCHES) + 1:
        raise ServerFailed(f"{len(asked)} requests instead of {len(SEARCHES) + 1}: {str(result)[:300]}")
    for (name, _), before, after in zip(SEARCHES, asked, asked[1:], strict=False):
        table.add(US, **{name: (after.at_s - before.done_s) * 1000})
    table.add(US, **_slowest(pings))
    table.add("grep -rE", **{name: _plain_grep_ms(root, pattern) for name, pattern in PATTERNS.items()})
    table.notes += [
        f"{name} answered: {_answer(after.body)!r}" for (name, _), after in zip(SEARCHES, asked[1:], strict=True)
    ]


def _plain_grep_ms(root: Path, pattern: str) -> float | None:
    """The system's own grep, which knows no ignore files and no unsaved text."""
    if not shutil.which("grep"):
        return None
    begun_s = time.perf_counter()
    subprocess.run(["grep", "-rlE", pattern, str(root)], stdout=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - begun_s) * 1000


def _answer(body: str) -> str:
    said = json.loads(body)["messages"][-1]["content"]
    text = said if isinstance(said, str) else str(said)
    return text[:80] + "…" if len(text) > 80 else text
