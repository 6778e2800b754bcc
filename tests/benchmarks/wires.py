"""What Copydesk adds to a bare request: per turn, per word, and until the first word is passed on.

The model is a process on loopback that answers at once and writes the time into each word. In one process with the
benchmark run, in turns: httpx alone that reads the same answer to its end; a model's stream (`RemoteModel`: the wire,
the door, the retries); a whole turn (`services`: session, prompt, loop, records on disk).
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from copydesk.app.compose import compose
from copydesk.domain.events import Event, MessageChunk
from copydesk.domain.messages import Message, Task, Text
from copydesk.domain.stream import ModelRequest, StreamEvent, TextDelta
from copydesk.egress.door import Door
from copydesk.models import catalog
from copydesk.models.providers import PROVIDERS
from copydesk.models.remote import Endpoint, RemoteModel
from copydesk.services.turns import PromptRequest
from copydesk.workspace.uris import to_uri
from tests.benchmarks.places import ROOT, python_env, scratch
from tests.benchmarks.report import US, Column, Table
from tests.support.buffer_editor import BufferEditor

N_ROUNDS = 25
N_WARM_UP = 5
N_MANY = 5_000
WORD = re.compile(rb'"(?:content|text)":"([0-9.]+)')
WIRES = (
    ("Chat", "compat", "/chat/completions"),
    ("Messages", "anthropic", "/messages"),
    ("Gemini", "gemini", "/models/scripted:streamGenerateContent?alt=sse"),
)
ENTRIES = {"compat": "compat/scripted", "anthropic": "anthropic/claude-sonnet-4-5", "gemini": "gemini/gemini-3.8-flash"}


def measure() -> Iterator[Table]:
    with _stamps() as port, scratch() as (folder, _):
        os.environ["COPYDESK_STATE_DIR"] = str(folder / "state")
        for title, provider, path in WIRES:
            yield asyncio.run(_tables(Case(title, provider, path, port, folder)))


@dataclass(frozen=True, slots=True)
class Case:
    title: str
    provider: str
    path: str
    port: int
    folder: Path

    def base(self, what: str) -> str:
        return f"http://127.0.0.1:{self.port}/{what}"

    def model(self, what: str, door: Door) -> RemoteModel:
        endpoint = Endpoint(PROVIDERS[self.provider], self.base(what), "none")
        entry = catalog.entry(ENTRIES[self.provider])
        return RemoteModel(f"{self.provider}/scripted", "scripted", endpoint, door, entry)


async def _tables(case: Case) -> Table:
    columns = (
        Column("turn", "ms"),
        Column("added", "ms", target=3),
        Column("tool", "ms"),
        Column("tool_added", "ms", target=5),
        Column("word", "µs"),
        Column("word_cpu", "µs"),
        Column("first", "ms", target=5),
    )
    table = Table(f"What is added to a bare request, {case.title} ({N_ROUNDS} rounds)", columns)
    table.notes.append(
        "turn: 20 words at once; added: over the bare request of the same bytes in the same round; tool: two requests with a "
        f"call of list_dir between; word: each of {N_MANY:,} words at once, wall and processor time; first: a word written by "
        "the model (30 words, 3 ms apart) → passed on, the first one of each answer."
    )
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(Door())
        bare = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        turns = Turns(case)
        await stack.enter_async_context(turns.core.running())
        subjects: dict[str, Callable[[str], Any]] = {
            "bare httpx": await _bare(case, bare, turns),
            "model stream": lambda what: _streamed(case, door, what),
            US: turns.ask,
        }
        for number in range(N_ROUNDS + N_WARM_UP):
            await _round(table, subjects, number >= N_WARM_UP)
    return table


async def _round(table: Table, subjects: dict[str, Callable[[str], Any]], counts: bool) -> None:
    taken: dict[str, dict[str, float]] = {name: {} for name in subjects}
    for name, ask in subjects.items():
        for column, what in (("turn", "20/0"), ("tool", "call/0")):
            if name != "model stream" or what != "call/0":
                taken[name][column] = (await ask(what)).took_s * 1000
        many = await ask(f"{N_MANY}/0")
        taken[name]["word"] = many.took_s / N_MANY * 1e6
        taken[name]["word_cpu"] = many.cpu_s / N_MANY * 1e6
        taken[name]["first"] = (await ask("30/3")).first_s * 1000
        await asyncio.sleep(0.02)
    floor = taken["bare httpx"]
    for name, row in taken.items():
        if name != "bare httpx":
            row["added"] = row["turn"] - floor["turn"]
            if "tool" in row:
                row["tool_added"] = row["tool"] - floor["tool"]
        if counts:
            table.add(name, **row)


@dataclass(slots=True)
class Taken:
    took_s: float
    cpu_s: float
    first_s: float
    """How old the first word was when it was passed on."""


class Watch:
    def __init__(self) -> None:
        self._first_s: float | None = None
        self._began_s, self._cpu_s = time.perf_counter(), time.process_time()

    def saw(self, text: str) -> None:
        if self._first_s is None and text.strip():
            self._first_s = time.perf_counter() - float(text.split()[0])

    def taken(self) -> Taken:
        took_s, cpu_s = time.perf_counter() - self._began_s, time.process_time() - self._cpu_s
        assert self._first_s is not None, "no word came"
        return Taken(took_s, cpu_s, self._first_s)


# --- the three subjects ---


async def _bare(case: Case, client: httpx.AsyncClient, turns: "Turns") -> Callable[[str], Any]:
    """The very bytes that a turn sends: the first request's, and for a call the second's too."""
    bodies = {what: await turns.bodies(what) for what in ("20/0", "call/0")}

    async def request(what: str) -> Taken:
        watch = Watch()
        for body in bodies.get(what, bodies["20/0"]):
            headers = {"content-type": "application/json", "accept-encoding": "identity"}
            async with client.stream("POST", case.base(what) + case.path, content=body, headers=headers) as response:
                async for chunk in response.aiter_raw():
                    _see(watch, chunk)
        return watch.taken()

    return request


def _see(watch: Watch, chunk: bytes) -> None:
    found = WORD.search(chunk)
    if found:
        watch.saw(found[1].decode())


class _Chosen:
    """A model whose answers are chosen by the round."""

    name = "compat/scripted"

    door: Door

    def __init__(self, case: Case) -> None:
        self._case = case
        self._models: dict[str, RemoteModel] = {}
        self.what = "20/0"

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        model = self._models.get(self.what)
        if model is None:
            model = self._models[self.what] = self._case.model(self.what, self.door)
        return model.stream(request)


async def _streamed(case: Case, door: Door, what: str) -> Taken:
    watch = Watch()
    request = ModelRequest("You are brief.", (Message("user", (Text("Say the time."),)),))
    async with case.model(what, door).stream(request) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                watch.saw(event.text)
    return watch.taken()


class Turns:
    """Whole turns, each in a session of its own, through the server's own door."""

    def __init__(self, case: Case) -> None:
        root = case.folder / f"tree-{case.provider}"
        root.mkdir()
        (root / "settings.py").write_text("VALUE = 0\n", encoding="utf-8")
        self._model = _Chosen(case)
        state = case.folder / "state"
        self.core = compose(roots=(to_uri(str(root)),), state=state, editor=BufferEditor, model=self._model)
        self._model.door = self.core.outward.door
        self._watch = Watch()
        self.core.host.subscribe(self._listen)

    def _listen(self, _session: str, _seq: int, event: Event) -> None:
        if isinstance(event, MessageChunk):
            self._watch.saw(event.text)

    async def ask(self, what: str) -> Taken:
        self._model.what = what
        self._watch = Watch()
        request = PromptRequest(Task("prompt", "Say the time."), session=self.core.host.new_session().id)
        outcome = await self.core.host.prompt(request).wait()
        assert outcome.stop_reason == "end_turn", outcome.error
        return self._watch.taken()

    async def bodies(self, what: str) -> list[bytes]:
        """What a turn sends."""
        door, sent = self.core.outward.door, list[bytes]()
        redact = door.redact

        def keep(body: bytes) -> Any:
            redacted = redact(body)
            sent.append(redacted.body)
            return redacted

        door.redact = keep
        await self.ask(what)
        door.redact = redact
        return sent


@contextmanager
def _stamps() -> Iterator[int]:
    command = [sys.executable, "-m", "tests.benchmarks.stamps"]
    env = python_env({"PATH": os.defpath})
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=env) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()
