"""One round of cancelling: a real server process, a turn in some phase, a way to stop it, and what is left then.

Start with `Round`. Times are from the moment the stop is sent to the last byte about the turn, or the process's end.
"""

import itertools
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from copydesk.store.records import Record, read_records
from tests.lsp.e2e.rig import call, edit
from tests.support.lsp_client import StdioClient, start
from tests.support.spies import N_NASTY, marked, nasty

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.support.shell_server"]
UPDATE = "copydesk/session/update"
CODE = "def twice(x):\n    return x + x\n"
LIMIT_S = 0.25
"""Of the 99th percentile of many rounds."""
ROUND_LIMIT_S = 1.0
"""Of one round, on a machine that may have other things to do."""
STREAM = "\n".join(("text: word", "delay: 0.004") * 3_000)
PROPOSES = edit("a.py", "x + x", "2 * x")

START_LIMIT_S = 40.0
STAY = ("progress", "request", "command")
"""Ways to stop the turn; the server goes on."""
END = ("shutdown", "exit", "end of input", "parent", "kill")
"""Ways to end the server with it."""


def phases(mark: str) -> Mapping[str, tuple[str, ...]]:
    """What the model does after its first edit. Each but the first and the last two has processes to leave behind."""
    background = call("shell", command=nasty(mark), background=True)
    return {
        "model": (STREAM,),
        "tool": (call("shell", command=nasty(mark)),),
        "background": (background, STREAM),
        "two commands": (background, call("shell", command=nasty(mark))),
        "flood": (call("shell", command=nasty(mark, "yes yes yes yes yes")),),
        "question": (background, call("ask_user", question="Which?", choices=["a", "b"])),
        "permission": (background, call("shell", command="echo wait-for-yes")),
        "verification": ("text: Done.",),
    }


N_TREES = {"model": 0, "two commands": 2}
"""How many nasty trees a phase has; one where it is not said."""
PHASES = tuple(phases(""))
_numbers = itertools.count()


@dataclass
class Seen:
    """What came of one round. `orphans` are command lines; `late` what was streamed after the end."""

    took_s: float
    orphans: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    ends: list[tuple[str, str]] = field(default_factory=list)


@asynccontextmanager
async def server(
    tmp_path: Path, script: str, parent: subprocess.Popen[bytes], check: str = ""
) -> AsyncIterator[StdioClient]:
    """`check` is the command that checks offers; none without one."""
    root = tmp_path / "work"
    root.mkdir(parents=True)
    (root / "a.py").write_text(CODE)
    (tmp_path / "script").write_text(script)
    env = {"PYTHONPATH": f"{ROOT / 'server'}:{ROOT}", "XDG_STATE_HOME": str(tmp_path / "state"),
           "XDG_CONFIG_HOME": str(tmp_path / "config"), "TMPDIR": str(tmp_path)}  # fmt: skip
    async with start(COMMAND, env=env, root=root, initialize=False) as client:
        client.capabilities["experimental"] = {"copydesk": [UPDATE]}
        options = {"model.name": f"scripted:{tmp_path / 'script'}", "permissions.mode": "acceptEdits",
                   "workspaceTrusted": True, "verify.enabled": bool(check), "verify.commands": [check]}  # fmt: skip
        await client.initialize(initializationOptions=options, processId=parent.pid)
        client.editor.open((root / "a.py").as_uri(), CODE)
        client.answers["window/showMessageRequest"] = client.hold
        yield client


def updates(client: StdioClient, turn: str) -> list[dict[str, Any]]:
    return [given["update"] for method, given in client.notifications if method == UPDATE and given["turn"] == turn]


def kinds(client: StdioClient, turn: str) -> list[str]:
    return [update["sessionUpdate"] for update in updates(client, turn)]


class Round:
    """A turn brought to its phase."""

    def __init__(self, client: StdioClient, tmp_path: Path, phase: str, mark: str, parent: subprocess.Popen[bytes]):
        self.client, self.tmp_path, self.phase, self.mark, self.parent = client, tmp_path, phase, mark, parent
        self.turn = ""
        self.request: Any = None

    async def begin(self) -> None:
        known = {given["turn"] for method, given in self.client.notifications if method == UPDATE}
        self.request = self.client.send_request(
            "workspace/executeCommand", {"command": "copydesk.prompt", "arguments": [{"text": "go", "wait": True}]}
        )
        started = await self.client.wait_for(UPDATE, lambda given: given["turn"] not in known, START_LIMIT_S)
        self.turn = started["turn"]
        with anyio.move_on_after(START_LIMIT_S):
            while not self._is_there():  # noqa: ASYNC110  # several things have to be
                await anyio.sleep(0.005)
            return
        said = [str(update)[:200] for update in updates(self.client, self.turn)[-8:]]
        raise AssertionError(f"{self.phase!r} was not reached: {marked(self.mark)} {said}")

    def _is_there(self) -> bool:
        n_trees = N_TREES.get(self.phase, 1)
        if n_trees and len(marked(self.mark)) < n_trees * N_NASTY:
            return False
        match self.phase:
            case "model" | "background":
                return kinds(self.client, self.turn).count("agent_message_chunk") > 2
            case "verification":
                return True
            case "question":
                return any(method == "window/showMessageRequest" for method, _ in self.client.requests)
            case "permission":
                return any("wait-for-yes" in str(update.get("request")) for update in updates(self.client, self.turn))
            case _:
                return self._streams()

    def _streams(self) -> bool:
        streamed = [u for u in updates(self.client, self.turn) if u.get("status") == "in_progress" and u.get("content")]
        return bool(streamed)

    async def _left(self, began: float) -> list[str]:
        """What still runs at the limit. The kernel takes a moment to end those that it was told to."""
        while (found := marked(self.mark)) and time.perf_counter() - began < ROUND_LIMIT_S:  # noqa: ASYNC110
            await anyio.sleep(0.002)
        return list(found.values())

    # --- ways that end the turn ---

    async def stop(self, how: str) -> Seen:
        began = time.perf_counter()
        match how:
            case "progress":
                self.client.notify("window/workDoneProgress/cancel", {"token": f"copydesk/{self.turn}"})
            case "request":
                self.client.cancel(self.request)
            case _:
                self.client.send_request(
                    "workspace/executeCommand", {"command": "copydesk.cancel", "arguments": [{"turn": self.turn}]}
                )
        await self.client.wait_for(UPDATE, lambda given: given["turn"] == self.turn and _is_end(given))
        await self.client.wait_for(
            "$/progress", lambda given: given["token"] == f"copydesk/{self.turn}" and given["value"]["kind"] == "end"
        )
        orphans = await self._left(began)
        took_s = time.perf_counter() - began
        n_then = len(updates(self.client, self.turn))
        await anyio.sleep(0.05)
        late = kinds(self.client, self.turn)[n_then:]
        shown = await self.client.command("copydesk.review.show")
        drafts = [hunk["after"] for file in shown["pending"] for hunk in file["hunks"]]
        end = next(update for update in updates(self.client, self.turn) if update["sessionUpdate"] == "turn_ended")
        return Seen(took_s, orphans, late, [(end["stopReason"], "draft" if drafts else "nothing")])

    # --- ways that end the server ---

    async def end(self, how: str) -> Seen:
        assert self.client.process.stdin
        began = time.perf_counter()
        match how:
            case "shutdown":
                await self.client.request("shutdown")
                self.client.notify("exit")
            case "exit":
                self.client.notify("exit")
            case "end of input":
                self.client.process.stdin.close()
            case "parent":
                self.parent.kill()
            case _:
                self.client.process.kill()
        await self.client.wait(10)
        orphans = await self._left(began)
        took_s = time.perf_counter() - began
        records = [record for path in self.tmp_path.rglob("sessions/*.jsonl") for record in read_records(path)]
        return Seen(took_s, orphans, _late(records), _ends(records))


def _is_end(given: Any) -> bool:
    return given["update"]["sessionUpdate"] == "turn_ended"


def _late(records: list[Record]) -> list[str]:
    names = [type(record.event).__name__ for record in records]
    end = names.index("TurnEnded") if "TurnEnded" in names else len(names)
    return [name for name in names[end:] if name in ("MessageChunk", "ThoughtChunk", "UsageUpdated", "StepStarted")]


def _ends(records: list[Record]) -> list[tuple[str, str]]:
    events: list[Any] = [record.event for record in records]
    return [(each.stop_reason, each.review) for each in events if type(each).__name__ == "TurnEnded"]


@asynccontextmanager
async def in_phase(tmp_path: Path, phase: str) -> AsyncIterator[Round]:
    """A server of its own with a turn in the phase."""
    mark = f"{tmp_path.name}-{next(_numbers)}"
    script = "\n--- step\n".join((PROPOSES, *phases(mark)[phase]))
    parent = subprocess.Popen(["sleep", "600"])  # noqa: ASYNC220
    try:
        async with server(tmp_path / mark, script, parent, nasty(mark) if phase == "verification" else "") as client:
            found = Round(client, tmp_path / mark, phase, mark, parent)
            await found.begin()
            yield found
            if client.process.returncode is None:
                client.answers.clear()
                await client.shut_down()
    finally:
        parent.kill()
        parent.wait()
