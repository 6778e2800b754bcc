"""How large the first model request of a task is: what a person pays before the first word of work."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.agents import FLOOR, Agent, cold_agents
from tests.benchmarks.model import Model, workspace
from tests.benchmarks.places import BENCH, scratch
from tests.benchmarks.report import Column, Table

COUNT = (
    "const {encode} = require('gpt-tokenizer/encoding/o200k_base');"
    "const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
    "console.log(JSON.stringify(texts.map(text => encode(text).length)))"
)


def measure() -> Iterator[Table]:
    columns = (
        Column("tokens", "o200k_base", target=2500),
        Column("text", "characters"),
        Column("tool_text", "characters"),
        Column("tools", ""),
        Column("body", "bytes"),
        Column("all_bodies", "bytes"),
    )
    table = Table("The first model request, with the full tool set", columns)
    table.notes.append(
        f"tokens: instructions, messages and tools as JSON. all_bodies: the three requests of the task. {FLOOR} has two tools."
    )
    with scratch() as (folder, env):
        for agent in cold_agents(table):
            asked = _bodies(agent, workspace(folder / "tree"), env)
            if not asked:
                table.skip(agent.name, "it sent no request", failed=True)
                continue
            body = json.loads(asked[0])
            text, tools = _text(body), json.dumps(body["tools"], ensure_ascii=False, separators=(",", ":"))
            (tokens,), why = _tokens([text + tools])
            if why and why not in table.notes:
                table.notes.append(why)
            table.add(
                agent.name, tokens=tokens, text=len(text), tool_text=len(tools), tools=len(body["tools"]),
                body=len(asked[0].encode()), all_bodies=sum(len(one.encode()) for one in asked),
            )  # fmt: skip
    yield table


def _bodies(agent: Agent, folder: Any, env: dict[str, str]) -> list[str]:
    with Model(agent.script(folder)) as model:
        subprocess.run(
            agent.command(model.port), cwd=folder, env={**env, **model.environment()},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False,
        )  # fmt: skip
        return [one.body for one in model.times()]


def _text(body: dict[str, Any]) -> str:
    """The instructions and the messages' text of any of the three wires."""
    parts = [body.get("system"), body.get("instructions"), body.get("messages"), body.get("input")]
    return "\n".join(text for part in parts for text in _texts(part))


def _texts(part: Any) -> Iterator[str]:
    match part:
        case str():
            yield part
        case list():
            for item in part:
                yield from _texts(item)
        case {"content": content}:
            yield from _texts(content)
        case {"text": str(text)}:
            yield text
        case _:
            pass


def _tokens(texts: list[str]) -> tuple[list[int], str]:
    """Counts, and a note when they are estimates."""
    node = shutil.which("node")
    if node and (BENCH / "node" / "node_modules" / "gpt-tokenizer").is_dir():
        command = [node, "-e", COUNT]
        done = subprocess.run(
            command, input=json.dumps(texts).encode(), capture_output=True, cwd=BENCH / "node", check=False
        )
        if done.returncode == 0:
            return json.loads(done.stdout), ""
    return [
        len(text) // 4 for text in texts
    ], "tokens are an ESTIMATE, characters ÷ 4: node's gpt-tokenizer is not there."
