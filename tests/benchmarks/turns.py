"""Warm edit turns through the language server: three model requests, an edit that the editor applies."""

import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.driver import Json, Server, ServerFailed
from tests.benchmarks.memory import memory_of
from tests.benchmarks.model import FILE, SOURCE, TASK, Model, edit_task, gaps_ms, workspace
from tests.benchmarks.places import scratch
from tests.benchmarks.report import US, Column, Table, percentile
from tests.demo.editor import edited

N_TURNS = 30
N_WARM_UP = 3
FLOOR = "pygls + stdlib loop"
ANTHROPIC = f"{US} (Anthropic)"


@dataclass(frozen=True, slots=True)
class Agent:
    name: str
    command: tuple[str, ...]
    prompt: str
    new_session: str = ""
    model: str = ""


AGENTS = (
    Agent(
        US, (sys.executable, "-m", "copydesk", "serve"), "copydesk.prompt", "copydesk.session.new", "openai/scripted"
    ),
    Agent(
        ANTHROPIC,
        (sys.executable, "-m", "copydesk", "serve"),
        "copydesk.prompt",
        "copydesk.session.new",
        "anthropic/scripted",
    ),
    Agent(FLOOR, (sys.executable, "-m", "tests.benchmarks.floors.pygls_agent"), "floor.prompt"),
)


def measure() -> Iterator[Table]:
    table = Table(
        f"A warm edit turn: prompt, read, edit, answer ({N_TURNS} turns, each in a new session)",
        (
            Column("first", target=5),
            Column("gap", target=5),
            Column("end"),
            Column("total", target=25),
            Column("p95_total"),
            Column("connections", "", target=1),
            Column("rss", "MiB"),
        ),
    )
    table.notes.append(
        "first: prompt sent → first request at the model; gap: an answer's end → the next request (mean of two); end: last "
        "answer → the command's answer; total: prompt sent → the command's answer, the model's own time in it. Measured at "
        "the model and the editor. Others measured before: first 10–146, gap 18–222, total 64–852."
    )
    with ExitStack() as stack:
        rigs = [rig for agent in AGENTS if (rig := _started(agent, table, stack))]
        for turn in range(N_TURNS + N_WARM_UP):  # by turns, so that what else the machine does hits all of them
            for rig in list(rigs):
                try:
                    samples = rig.turn()
                except ServerFailed as error:
                    table.skip(rig.agent.name, str(error), failed=True)
                    rigs.remove(rig)
                    continue
                if turn >= N_WARM_UP:
                    table.add(rig.agent.name, **samples)
        for rig in rigs:
            memory = memory_of(rig.server.process.pid)
            totals = table.rows[rig.agent.name]["total"]
            table.add(
                rig.agent.name,
                p95_total=percentile(totals, 0.95),
                connections=len(rig.connections),
                rss=memory and memory.rss,
            )
    yield table


class Buffer:
    """The editor's text of the one file; answers workspace/applyEdit as an editor does."""

    def __init__(self, path: Path) -> None:
        self.uri = path.as_uri()
        self.text = SOURCE
        self.version = 1
        self.server: Server | None = None

    def apply(self, params: Any) -> Json:
        edits = self._edits(params["edit"])
        if edits is None or self.server is None:
            return {"applied": False, "failureReason": "not the open file's version"}
        self.text = edited(self.text, edits)
        self.version += 1
        document = {"uri": self.uri, "version": self.version}
        change = {"textDocument": document, "contentChanges": [{"text": self.text}]}
        self.server.notify("textDocument/didChange", change)
        return {"applied": True}

    def _edits(self, edit: Json) -> list[Json] | None:
        if "changes" in edit:
            return edit["changes"].get(self.uri)
        (change,) = edit["documentChanges"]
        known = change["textDocument"] in (
            {"uri": self.uri, "version": self.version},
            {"uri": self.uri, "version": None},
        )
        return change["edits"] if known else None


def _started(agent: Agent, table: Table, stack: ExitStack) -> "Rig | None":
    folder, env = stack.enter_context(scratch())
    model = stack.enter_context(Model(edit_task(N_TURNS + N_WARM_UP, alternate=True)))
    root = workspace(folder / "tree")
    buffer = Buffer(root / FILE)
    command = agent.command if agent.model else (*agent.command, str(model.port))
    answers = {"workspace/applyEdit": buffer.apply}
    server = stack.enter_context(Server(command, root, {**env, **model.environment()}, answers))
    buffer.server = server
    try:
        server.initialize()
        server.open(root / FILE, SOURCE)
    except ServerFailed as error:
        table.skip(agent.name, str(error), failed=True)
        return None
    return Rig(agent, server, model, buffer)


@dataclass(slots=True)
class Rig:
    """One started agent with its model and its editor's buffer."""

    agent: Agent
    server: Server
    model: Model
    buffer: Buffer
    connections: set[int] = field(default_factory=set[int])

    def turn(self) -> dict[str, float]:
        arguments = self._arguments()
        version = self.buffer.version
        self.server.rest(0.05)
        begun_s = time.perf_counter()
        prompt = {"command": self.agent.prompt, "arguments": [arguments]}
        result = self.server.request("workspace/executeCommand", prompt, 30)
        ended_s = time.perf_counter()
        asked = self.model.times()
        n_edits = self.buffer.version - version
        if len(asked) != 3 or n_edits != 1:
            raise ServerFailed(f"{len(asked)} requests instead of 3, {n_edits} edits instead of 1: {_short(result)}")
        self.connections |= {one.connection for one in asked}
        return {
            "first": (asked[0].at_s - begun_s) * 1000,
            "gap": statistics.mean(gaps_ms(asked)),
            "end": (ended_s - asked[-1].done_s) * 1000,
            "total": (ended_s - begun_s) * 1000,
        }

    def _arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {"text": TASK}
        if self.agent.model:
            fresh = {"command": self.agent.new_session, "arguments": []}
            session = self.server.request("workspace/executeCommand", fresh)["session"]
            arguments |= {"session": session, "mode": "acceptEdits", "model": self.agent.model, "wait": True}
            arguments["uri"] = self.buffer.uri
        return arguments


def _short(result: Mapping[str, Any]) -> str:
    return str(result)[:300]
