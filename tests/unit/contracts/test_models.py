"""What every model owes the loop, whoever serves it: the same script through each of them comes to the same.

The remote ones are played over real sockets, the editor's over LSP in memory.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TypeAlias

import anyio
import pytest

from copydesk.agent.streaming import Assembly
from copydesk.domain import errors
from copydesk.domain.messages import Message, Text, Thinking, ToolCall
from copydesk.domain.ports import Model, OfferedModel
from copydesk.domain.stream import Finished, ModelRequest, StreamEvent, ToolCallStart
from copydesk.egress.door import Door
from copydesk.lsp.editor_models import LspEditorModels
from copydesk.models.catalog import entry
from copydesk.models.editor import EditorModel
from copydesk.models.providers import PROVIDERS, WireName
from copydesk.models.remote import Endpoint, RemoteModel
from copydesk.models.retry import RetryPolicy
from copydesk.models.script import Script
from copydesk.models.scripted import ScriptedModel
from tests.support.demo_server import demo_server
from tests.support.editor_models import ModelDesk
from tests.support.lsp_client import connect
from tests.support.model_server import ModelServer

ASK = ModelRequest("Be brief.", (Message("user", (Text("hi"),)),))
EVERYTHING = 'think: hm\nchunk: 3\ntext: Hello there\ntool: a {"x": 1}\ntool: b {"y": [2, null]}\nusage: in=9 out=3'
Played: TypeAlias = Callable[[str], AbstractAsyncContextManager[Model]]


@asynccontextmanager
async def scripted(text: str) -> AsyncIterator[Model]:
    yield ScriptedModel(Script.parse(text), "scripted:x")


def remote(provider: str, *wires: WireName) -> Played:
    @asynccontextmanager
    async def played(text: str) -> AsyncIterator[Model]:
        async with ModelServer(Script.parse(text)) as server, Door() as door:
            endpoint = Endpoint(PROVIDERS[provider], f"{server.url}/v1", "k", wires=wires)
            yield RemoteModel(f"{provider}/m", "m", endpoint, door, entry(f"{provider}/m"), retry=RetryPolicy(1))

    return played


@asynccontextmanager
async def editors(text: str, *, streams: bool = True) -> AsyncIterator[Model]:
    server = demo_server()
    models = LspEditorModels(server.client)
    server.handlers.notification("$/progress", models.receive_progress, raw=True)
    async with connect(server) as client:
        ModelDesk(client, Script.parse(text), streams=streams)
        yield EditorModel(OfferedModel("copilot/m", "M"), models, retry=RetryPolicy(1))


@asynccontextmanager
async def editors_at_once(text: str) -> AsyncIterator[Model]:
    """A client that cannot stream."""
    async with editors(text, streams=False) as model:
        yield model


MODELS: dict[str, Played] = {
    "scripted": scripted,
    "openai": remote("openai", "openai_chat"),
    "responses": remote("openai", "openai_responses"),
    "anthropic": remote("anthropic"),
    "gemini": remote("gemini"),
    "editor": editors,
    "editor at once": editors_at_once,
}


@pytest.fixture(params=sorted(MODELS))
def played(request: pytest.FixtureRequest) -> Played:
    return MODELS[request.param]


async def collect(model: Model) -> list[StreamEvent]:
    async with model.stream(ASK) as events:
        return [event async for event in events]


def assembled(events: list[StreamEvent]) -> Assembly:
    assembly = Assembly()
    for event in events:
        assembly.feed(event)
    return assembly


def plain(message: Message) -> Message:
    """Without what each model calls its own: ids, signatures, and how it spaces its JSON."""
    parts = [
        replace(part, id="", raw="", signature="")
        if isinstance(part, ToolCall)
        else replace(part, signature="", redacted="", source="")
        if isinstance(part, Thinking)
        else part
        for part in message.parts
    ]
    return Message(message.role, tuple(parts))


async def test_everything_arrives_in_order_and_ends_once(played: Played) -> None:
    async with played(EVERYTHING) as model:
        events = await collect(model)
    assert [event for event in events if isinstance(event, Finished)] == [Finished("tool_calls")]
    assert isinstance(events[-1], Finished)
    assembly = assembled(events)
    assert plain(assembly.message()) == Message(
        "assistant",
        (
            Thinking("hm"),
            Text("Hello there"),
            ToolCall("", "a", {"x": 1}),
            ToolCall("", "b", {"y": [2, None]}),
        ),
    )
    assert (assembly.usage.input, assembly.usage.output) == (9, 3)


async def test_calls_have_ids_of_their_own(played: Played) -> None:
    async with played("tool: a {}\ntool: a {}") as model:
        starts = [event for event in await collect(model) if isinstance(event, ToolCallStart)]
    assert [start.index for start in starts] == [0, 1]
    assert len({start.id for start in starts} - {""}) == 2


async def test_broken_arguments_are_the_loops_to_refuse(played: Played) -> None:
    async with played('tool_raw: a {"x": ') as model:
        message = assembled(await collect(model)).message()
    assert "not valid JSON" in message.calls[0].problem


@pytest.mark.parametrize("reason", ["end_turn", "max_tokens", "refusal", "cut_off"])
async def test_why_it_ends(played: Played, reason: str) -> None:
    async with played(f"text: Well\nfinish: {reason}") as model:
        events = await collect(model)
    assert events[-1] == Finished(reason)  # pyright: ignore[reportArgumentType]


async def test_each_request_is_the_next_step(played: Played) -> None:
    async with played("text: one\n--- step\ntext: two") as model:
        assert [assembled(await collect(model)).message().text for _ in range(2)] == ["one", "two"]


async def test_only_model_errors_come_out(played: Played) -> None:
    async with played("error: overflow too long") as model:
        with pytest.raises(errors.ContextOverflow) as caught:
            await collect(model)
    assert caught.value.message


async def test_leaving_early_leaves_the_next_answer_alone(played: Played) -> None:
    async with played("chunk: 1\ntext: abcdef\n--- step\ntext: whole") as model:
        async with model.stream(ASK) as events:
            await anext(events)
        assert assembled(await collect(model)).message().text == "whole"


async def test_answers_at_the_same_time_do_not_mix(played: Played) -> None:
    steps = [f"chunk: 1\ntext: {letter * 40}" for letter in "abcde"]
    said: list[str] = []

    async def ask(model: Model) -> None:
        said.append(assembled(await collect(model)).message().text)

    async with played("\n--- step\n".join(steps)) as model, anyio.create_task_group() as tasks:
        for _ in steps:
            tasks.start_soon(ask, model)
    assert sorted(said) == [letter * 40 for letter in "abcde"]


async def test_a_name_is_as_a_person_writes_it(played: Played) -> None:
    async with played("text: x") as model:
        assert model.name.partition("/")[0] in ("openai", "anthropic", "gemini", "editor") or model.name.startswith(
            "scripted:"
        )
