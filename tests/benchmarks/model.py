"""The loopback model as a process of its own, and the scripts of the benchmarks' one task.

`python -m tests.benchmarks.model SCRIPT` is the process; `Model` starts it and asks it when requests came.
"""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from copydesk.models.script import load
from tests.benchmarks.places import ROOT, python_env
from tests.benchmarks.responses_wire import responses
from tests.support.model_server import TIMES, ModelServer

FILE = "settings.py"
TASK = "Set VALUE in settings.py to the other number"
SOURCE = '"""Settings of the example."""\n\n\ndef name():\n    return "example"\n\n\nVALUE = 0\n'


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the model saw it: when its last byte came, when the answer's last byte left (perf_counter)."""

    path: str
    connection: int
    at_s: float
    done_s: float
    body: str


class Model:
    """Plays `steps` (a script's text each) in order. `times` takes what was asked since the last call."""

    def __init__(self, steps: Iterable[str]) -> None:
        self._file = tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8")  # noqa: SIM115  # closed with the model
        self._file.write("\n--- step\n".join(steps) + "\n")
        self._file.flush()
        command = [sys.executable, "-m", "tests.benchmarks.model", self._file.name]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, cwd=ROOT, env=python_env({"PATH": os.defpath})
        )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def times(self) -> list[Asked]:
        """Only the requests that the script answered: lists of models are left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", TIMES)
        rows = json.loads(connection.getresponse().read())
        connection.close()
        return [
            Asked(row["path"], row["connection"], row["at_s"], row["done_s"], row["body"])
            for row in rows
            if row["method"] == "POST"
        ]

    def environment(self) -> dict[str, str]:
        """What points a client of any wire here."""
        url = f"http://127.0.0.1:{self.port}"
        return {
            "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "none",
            "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "none",
        }  # fmt: skip

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._file.close()
        if self._process.stdout:
            self._process.stdout.close()


def call(name: str, **arguments: object) -> str:
    return f"tool: {name} {json.dumps(arguments)}"


def edit_task(n_turns: int, *, alternate: bool = False) -> list[str]:
    """Read, edit, say so; `n_turns` times. With `alternate`, each turn edits what the one before left."""
    steps: list[str] = []
    for turn in range(n_turns):
        old, new = (turn % 2, 1 - turn % 2) if alternate else (0, 1)
        edit = call("edit_file", path=FILE, old_text=f"VALUE = {old}", new_text=f"VALUE = {new}")
        steps += [call("read_file", path=FILE), edit, "text: Done."]
    return steps


def workspace(folder: Path) -> Path:
    """A small source tree with the file of the task."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(SOURCE, encoding="utf-8")
    return folder


def gaps_ms(asked: Sequence[Asked]) -> list[float]:
    """From each answer's end to the next request."""
    return [(after.at_s - before.done_s) * 1000 for before, after in pairwise(asked)]


async def _serve(script: str) -> None:
    async with ModelServer(load(script), wires={"/responses": responses}) as server:
        print(server.port, flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
