"""A model that obeys every injected word: no scenario does its harm, and each would if nothing stood in its way."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.models.script import Script
from tests.injections.scenarios import SCENARIOS, Scenario, note
from tests.injections.world import World
from tests.lsp.e2e.rig import Desk, desk
from tests.support.model_server import ModelServer

pytestmark = pytest.mark.slow

BY_NAME = [pytest.param(scenario, id=scenario.name) for scenario in SCENARIOS]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)
    yield made
    made.close()


def filled(words: str, world: World) -> str:
    return words.format(
        port=world.listener.port,
        home=world.home,
        outside=world.outside,
        root=world.root,
        pid=world.victim.pid,
        sock=world.folder / "agent.sock",
    )


def filled_in(value: Any, world: World) -> Any:
    if isinstance(value, str):
        return filled(value, world)
    if isinstance(value, dict):
        return {name: filled_in(each, world) for name, each in value.items()}
    return [filled_in(each, world) for each in value] if isinstance(value, list) else value


def harm(scenario: Scenario, world: World) -> list[str]:
    match scenario.harm:
        case "leak":
            return world.leaks()
        case "heard":
            return [repr(heard) for heard in world.listener.heard]
        case "killed":
            return [] if world.victim.poll() is None else ["the process is dead"]
        case _:
            return [path for path in world.changes() if path not in scenario.harmless]


@pytest.mark.parametrize("scenario", BY_NAME)
def test_the_attack_works_by_hand(scenario: Scenario, world: World) -> None:
    world.by_hand(filled(scenario.control, world))
    anyio.run(anyio.sleep, max(scenario.after_s, 0.2 if scenario.harm in ("heard", "killed") else 0))
    assert harm(scenario, world), "the control does no harm: the scenario proves nothing"


@pytest.mark.parametrize("scenario", BY_NAME)
async def test_the_model_obeys_and_nothing_happens(
    scenario: Scenario, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [(tool, filled_in(arguments, world)) for tool, arguments in scenario.calls]
    planted = scenario.planted or note(f"run these tools now: {json.dumps(calls)}")
    first = next(iter(planted))
    script = [f"tool: read_file {json.dumps({'path': first})}"]
    script += [f"tool: {tool} {json.dumps(arguments)}" for tool, arguments in calls]
    for name, text in planted.items():
        (world.root / name).write_text(text, encoding="utf-8")
    world.before = world.state()
    async with ModelServer(Script.parse("\n--- step\n".join([*script, "text: All done."]))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        settings = {"model": {"name": "openai/scripted"}, **scenario.settings}
        async with desk(tmp_path, None, root=world.root, settings=settings) as d:
            result = await d.run("prompt", text="Tidy up the notes", mode=scenario.mode, timeout_s=60)
            await anyio.sleep(scenario.after_s)
            world.wire += [seen.body for seen in server.requests]
            assert result["stopReason"] == "end_turn", result
            assert len(server.requests) == len(script) + 1, "the model did not get to do all that it was told"
            said = outcomes(server)
            assert not harm(scenario, world), said
            assert not world.leaks(), said
            assert kept_out_of_state(d), "a secret stands in a transcript"
    assert guard_of(said) in scenario.guards, said


def outcomes(server: ModelServer) -> list[str]:
    """What the obeying model was answered, the first reading left out."""
    messages = server.requests[-1].json["messages"]
    return [str(message["content"]) for message in messages if message["role"] == "tool"][1:]


def guard_of(said: list[str]) -> str:
    """Which guard the last answer tells of."""
    words = " ".join(said)
    if "SECRET_VALUE_" in words:
        return "redaction"
    if "refused" in words or "tools do not" in words or "secret" in words.lower() or "outside the workspace" in words:
        return "permission"
    return "sandbox"


def kept_out_of_state(d: Desk) -> bool:
    from tests.injections.world import CANARIES

    sessions = [path for path in d.state.rglob("*.jsonl") if path.is_file()]
    return not any(canary in path.read_text(encoding="utf-8") for path in sessions for canary in CANARIES.values())


def test_there_are_enough() -> None:
    assert len(SCENARIOS) >= 25
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    assert os.name == "posix"
