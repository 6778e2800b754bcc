"""The agents to compare with: how each is told one task against the loopback model, in its own tools' words.

Start with `cold_agents`. What a model must call differs by agent, so each brings its script. The wires: Copydesk and
the floors Chat Completions, claude-code Messages, codex Responses.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.model import FILE, SOURCE, TASK, call, edit_task
from tests.benchmarks.peers import SET_UP
from tests.benchmarks.places import NODE_BIN
from tests.benchmarks.report import US, Table

FLOOR = "stdlib loop"
CODEX, CLAUDE = "codex", "claude-code"
DONE = "text: Done."


@dataclass(frozen=True, slots=True)
class Agent:
    """`command(port)` does the task in its working directory and writes the file; `script(folder)` is one run's steps."""

    name: str
    command: Callable[[int], list[str]]
    script: Callable[[Path], list[str]]


def cold_agents(table: Table) -> list[Agent]:
    """Those that are there; the table is told which are not."""
    ours = [sys.executable, "-m", "copydesk", "run", TASK, "--apply", "--mode", "acceptEdits", "--model"]
    floor = [sys.executable, "-m", "tests.benchmarks.floors.stdlib_loop"]
    agents = [
        Agent(US, lambda port: [*ours, "openai/scripted"], lambda folder: edit_task(1)),
        Agent(f"{US} (Anthropic)", lambda port: [*ours, "anthropic/scripted"], lambda folder: edit_task(1)),
        Agent(FLOOR, lambda port: [*floor, str(port), TASK], lambda folder: edit_task(1)),
    ]
    for agent in (Agent(CODEX, _codex, _codex_script), Agent(CLAUDE, _claude, _claude_script)):
        if shutil.which(agent.command(0)[0]):
            agents.append(agent)
        else:
            table.skip(agent.name, f"not installed; {SET_UP} where npm is there")
    return agents


def _codex(port: int) -> list[str]:
    provider = f'{{name="bench",base_url="http://127.0.0.1:{port}/v1",wire_api="responses",env_key="OPENAI_API_KEY"}}'
    return [
        str(NODE_BIN / "codex"), "exec", "--skip-git-repo-check", "-s", "danger-full-access", "-m", "gpt-5.5",
        "-c", "model_provider=bench", "-c", f"model_providers.bench={provider}", TASK,
    ]  # fmt: skip


def _codex_script(folder: Path) -> list[str]:
    patch = f"*** Begin Patch\n*** Update File: {FILE}\n@@\n-VALUE = 0\n+VALUE = 1\n*** End Patch\n"
    return [call("exec_command", cmd=f"cat {FILE}"), call("custom.apply_patch", input=patch), DONE]


def _claude(port: int) -> list[str]:
    return [str(NODE_BIN / "claude"), "-p", TASK, "--model", "claude-sonnet-4-5", "--permission-mode", "acceptEdits"]


def _claude_script(folder: Path) -> list[str]:
    path = str(folder / FILE)
    edit = call("Edit", file_path=path, old_string="VALUE = 0", new_string="VALUE = 1")
    return [call("Read", file_path=path), edit, DONE]


def was_done(folder: Path) -> bool:
    return (folder / FILE).read_text(encoding="utf-8") == SOURCE.replace("VALUE = 0", "VALUE = 1")
