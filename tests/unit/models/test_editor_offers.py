"""Which of the editor's models a name means, what `auto` takes, and what is said where there is none."""

from dataclasses import replace
from typing import Any

import pytest

from copydesk.domain import errors
from copydesk.domain.ports import Model, OfferedModel
from copydesk.egress.door import Door
from copydesk.models import editor_offers, probes
from copydesk.models.script import Script
from copydesk.models.scripted import ScriptedModel
from copydesk.models.selection import Models, ModelSettings, is_local
from tests.support.editor_models import HOLD, PlayedModels
from tests.support.model_server import ModelServer

HELLO = Script.parse("text: Hello\nloop")
GPT = OfferedModel("copilot/gpt-5", "GPT-5", 128_000, allowed=True)
OPUS = OfferedModel("copilot/claude/opus", "Opus", allowed=True)
NEW = OfferedModel("copilot/new", "New")
TALKER = OfferedModel("talker", "talker", tools=False, allowed=True)
LOST = errors.ConnectionLost("The list is lost.")


def offline() -> Model:
    return ScriptedModel(HELLO, "offline")


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def models(editor: PlayedModels | None, env: dict[str, str] | None = None, clock: Any = None, **more: Any) -> Models:
    env = {"OLLAMA_HOST": "127.0.0.1:9"} | (env or {})
    door = more.pop("door", None) or Door()
    return Models(ModelSettings(**more), env, door, offline, editor=editor, clock=clock or Clock())


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ((GPT, OPUS), "editor/copilot/gpt-5"),
        ((NEW, OPUS, GPT), "editor/copilot/claude/opus"),
        ((TALKER, OPUS), "editor/copilot/claude/opus"),
        ((TALKER, NEW), "editor/talker"),
        ((NEW,), "offline"),
        ((), "offline"),
        (LOST, "offline"),
    ],
)
async def test_auto_takes_the_first_that_is_allowed(listed: Any, expected: str) -> None:
    editor = PlayedModels()
    editor.models = listed
    found = await models(editor).resolve()
    assert found.name == expected
    assert is_local(found) == (expected == "offline")


async def test_auto_prefers_a_key_and_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "LOCAL_LIMIT_S", 5.0)
    editor = PlayedModels(models=(GPT,))
    assert (await models(editor, {"OPENAI_API_KEY": "k"}).resolve()).name.startswith("openai/")
    async with ModelServer(HELLO) as server, Door() as door:
        assert (await models(editor, {"OLLAMA_HOST": server.url}, door=door).resolve()).name == "ollama/scripted"
    assert editor.n_lists == 0


async def test_auto_does_not_wait_for_an_editor_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editor_offers, "AUTO_LIMIT_S", 0.02)
    editor = PlayedModels()
    editor.models = HOLD
    chosen = models(editor)
    for _ in range(3):
        assert (await chosen.resolve()).name == "offline"
    assert editor.n_lists == 1


@pytest.mark.parametrize("name", ["editor/copilot/claude/opus", " editor/ copilot/claude/opus "])
async def test_a_name_may_have_slashes(name: str) -> None:
    found = await models(PlayedModels(models=(GPT, OPUS))).resolve(name)
    assert found.name == "editor/copilot/claude/opus"


async def test_one_that_is_not_allowed_can_be_named_and_the_editor_asks() -> None:
    assert (await models(PlayedModels(models=(NEW,))).resolve("editor/copilot/new")).name == "editor/copilot/new"


async def test_editor_auto() -> None:
    assert (await models(PlayedModels(models=(NEW, GPT))).resolve("editor/auto")).name == "editor/copilot/gpt-5"
    with pytest.raises(errors.PermanentModelError, match="allowed for Copydesk yet: editor/copilot/new") as caught:
        await models(PlayedModels(models=(NEW,))).resolve("editor/auto")
    assert "Use the Editor's Language Models" in caught.value.advice


@pytest.mark.parametrize("name", ["editor", "editor/", "editor/  "])
async def test_names_that_name_none(name: str) -> None:
    with pytest.raises(errors.UnknownModel, match="editor/…"):
        await models(PlayedModels(models=(GPT,))).resolve(name)


async def test_an_unknown_one_is_told_which_there_are() -> None:
    editor = PlayedModels(models=(GPT, NEW))
    with pytest.raises(errors.UnknownModel, match="it has editor/copilot/gpt-5, editor/copilot/new"):
        await models(editor).resolve("editor/copilot/gtp-5")
    with pytest.raises(errors.UnknownModel, match="has no language models"):
        await models(PlayedModels()).resolve("editor/x")


async def test_the_list_is_remembered_but_not_held_against_a_new_one() -> None:
    editor, clock = PlayedModels(models=(GPT,)), Clock()
    chosen = models(editor, clock=clock)
    for _ in range(3):
        await chosen.resolve("editor/copilot/gpt-5")
    assert editor.n_lists == 1
    editor.models = (GPT, NEW)
    assert (await chosen.resolve("editor/copilot/new")).name == "editor/copilot/new"
    assert editor.n_lists == 2
    clock.now_s = 11
    await chosen.resolve("editor/copilot/new")
    assert editor.n_lists == 3


async def test_a_person_who_looks_sees_what_was_just_allowed() -> None:
    editor = PlayedModels(models=(NEW,))
    chosen = models(editor)
    assert (await chosen.resolve()).name == "offline"
    editor.models = (replace(NEW, allowed=True),)
    assert (await chosen.available())[-2].available
    assert (await chosen.resolve()).name == "editor/copilot/new"
    assert editor.n_lists == 2


async def test_a_failed_list_is_said_and_fallbacks_follow() -> None:
    editor = PlayedModels()
    editor.models = LOST
    with pytest.raises(errors.ConnectionLost, match="The list is lost"):
        await models(editor).resolve("editor/x")
    assert (await models(editor, name="editor/x", fallbacks=("offline",)).resolve()).name == "offline"


async def test_without_an_editor() -> None:
    with pytest.raises(errors.UnknownModel, match="no editor is connected here") as caught:
        await models(None).resolve("editor/copilot/gpt-5")
    assert "offline" in caught.value.advice
    assert not [info for info in await models(None).available() if info.provider == "editor"]


async def test_with_an_editor_that_has_not_the_method() -> None:
    editor = PlayedModels(models=(GPT,), available=False)
    with pytest.raises(errors.UnknownModel, match="does not let Copydesk ask its language models") as caught:
        await models(editor).resolve("editor/copilot/gpt-5")
    assert "VS Code with the Copydesk extension" in caught.value.advice
    assert (await models(editor).resolve()).name == "offline"
    info = (await models(editor).available())[-2]
    assert (info.name, info.available, info.local) == ("editor/…", False, False)
    assert info.why == (
        "This editor does not let Copydesk ask its language models; VS Code with the Copydesk extension does."
    )
    assert editor.n_lists == 0


async def test_with_an_editor_that_has_none() -> None:
    info = (await models(PlayedModels()).available())[-2]
    assert (info.name, info.available) == ("editor/…", False)
    assert info.why.startswith("The editor has no language models. Sign in to a provider")
    assert "model.name" not in info.why


async def test_network_offline_asks_the_editor_nothing() -> None:
    editor = PlayedModels(models=(GPT,))
    chosen = models(editor, offline=True)
    assert (await chosen.resolve()).name == "offline"
    for name in ("editor/copilot/gpt-5", "editor/auto"):
        with pytest.raises(errors.Offline, match=r"network\.offline is on"):
            await chosen.resolve(name)
    assert "network.offline is on" in (await chosen.available())[-2].why
    assert editor.n_lists == 0


async def test_where_only_a_local_one_is_of_use_the_editor_is_not_asked() -> None:
    editor = PlayedModels(models=(GPT,))
    assert (await models(editor).resolve(local=True)).name == "offline"
    for name in ("editor/copilot/gpt-5", "editor/auto"):
        with pytest.raises(errors.UnknownModel, match="not on this machine"):
            await models(editor).resolve(name, local=True)
    assert editor.n_lists == 0


async def test_the_list_says_what_it_takes() -> None:
    infos = await models(PlayedModels(models=(GPT, NEW, TALKER))).available()
    found = {info.name: info for info in infos if info.provider == "editor"}
    assert [info.available for info in found.values()] == [True, False, True]
    assert not any(info.local for info in found.values())
    assert found["editor/copilot/gpt-5"].why == "GPT-5. The editor's, allowed for Copydesk."
    assert "not allowed it for Copydesk yet (VS Code:" in found["editor/copilot/new"].why
    assert "can only talk" in found["editor/talker"].why
    assert infos[-1].name == "offline"
