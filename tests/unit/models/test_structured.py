"""Structured answers over every wire: the bytes that ask for them, what comes out, one second try, and each way to fail.

The reference systems' builders of such requests were never called: here each wire's request is looked at as the server
got it.
"""

import datetime
import enum
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from copydesk.domain import errors
from copydesk.domain.messages import Message, Text, Usage
from copydesk.domain.stream import ModelRequest
from copydesk.domain.tools import ToolSpec
from copydesk.egress.door import Door
from copydesk.models.catalog import entry
from copydesk.models.offline.model import OfflineModel
from copydesk.models.providers import PROVIDERS, WireName
from copydesk.models.remote import Endpoint, RemoteModel
from copydesk.models.retry import RetryPolicy
from copydesk.models.schemas import gemini_schema, schema_words, strict_schema
from copydesk.models.script import Script
from copydesk.models.scripted import ScriptedModel
from copydesk.models.structured import JsonShape, Try, ask_for, ask_in_shape
from copydesk.models.typed_answers import TypedShape
from tests.support.model_server import Fault, ModelServer

ASK = ModelRequest("Be brief.", (Message("user", (Text("What is it?"),)),))
TOOL = ToolSpec("read", "Reads.", {"type": "object", "properties": {}}, "read", "read")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Part(BaseModel):
    name: str
    price: Decimal | None = None


class Car(BaseModel):
    name: str = Field(min_length=1)
    seats: Annotated[int, Field(ge=1, le=9)]
    colour: Colour = Colour.RED
    built: datetime.date | None = None
    parts: list[Part] = []
    kind: Literal["car", "van"] = "car"


SCHEMA = Car.model_json_schema()
GOOD = '{"name": "Käfer 🚗", "seats": 4, "colour": "blue", "built": "1938-05-26", "parts": [{"name": "wheel"}]}'
CAR = Car.model_validate_json(GOOD)
BAD = '{"name": "x", "seats": 40, "parts": [{"price": 1}]}'
Opened = AbstractAsyncContextManager[tuple[RemoteModel, ModelServer]]


def opened(provider: str, name: str, *wires: WireName) -> Callable[[str], Opened]:
    @asynccontextmanager
    async def open_(script: str) -> AsyncIterator[tuple[RemoteModel, ModelServer]]:
        async with ModelServer(Script.parse(script)) as server, Door() as door:
            endpoint = Endpoint(PROVIDERS[provider], f"{server.url}/v1", "k", wires=wires)
            known = entry(f"{provider}/{name}")
            yield RemoteModel(f"{provider}/{name}", name, endpoint, door, known, retry=RetryPolicy(1)), server

    return open_


STRICT = {"name": "Car", "schema": strict_schema(SCHEMA), "strict": True}
WIRES: dict[str, tuple[Callable[[str], Opened], Callable[[Any], Any], Any]] = {
    "chat": (
        opened("openai", "gpt-4.1", "openai_chat"),
        lambda body: body["response_format"],
        {"type": "json_schema", "json_schema": STRICT},
    ),
    "responses": (
        opened("openai", "gpt-5.5", "openai_responses"),
        lambda body: body["text"]["format"],
        {"type": "json_schema", **STRICT},
    ),
    "anthropic field": (
        opened("anthropic", "claude-sonnet-5-5"),
        lambda body: body["output_config"]["format"],
        {"type": "json_schema", "schema": strict_schema(SCHEMA, "anthropic")},
    ),
    "gemini": (
        opened("gemini", "gemini-3.8-flash"),
        lambda body: (body["generationConfig"]["responseMimeType"], body["generationConfig"]["responseSchema"]),
        ("application/json", gemini_schema(SCHEMA)),
    ),
    "json mode": (
        opened("deepseek", "deepseek-chat"),
        lambda body: (body["response_format"], schema_words(SCHEMA) in body["messages"][0]["content"]),
        ({"type": "json_object"}, True),
    ),
    "words": (
        opened("compat", "somebody"),
        lambda body: ("response_format" in body, schema_words(SCHEMA) in body["messages"][0]["content"]),
        (False, True),
    ),
}


@pytest.fixture(params=sorted(WIRES))
def wire(request: pytest.FixtureRequest) -> str:
    return request.param


def text(*steps: str) -> str:
    """A script that says one of these at each step, in pieces."""
    return "\n--- step\n".join(f"chunk: 7\ntext: {step}\nusage: in=10 out=5" for step in steps)


async def failing(script: str, wire: str, kind: type[errors.WrongShape], n_requests: int) -> errors.WrongShape:
    async with WIRES[wire][0](script) as (model, server):
        with pytest.raises(errors.WrongShape) as caught:
            await ask_for(model, ASK, Car)
        assert type(caught.value) is kind
        assert len(server.requests) == n_requests
        assert caught.value.advice
        return caught.value


async def test_the_schema_is_on_the_wire_and_the_answer_is_typed(wire: str) -> None:
    open_, asked, expected = WIRES[wire]
    async with open_(text(GOOD)) as (model, server):
        assert await ask_for(model, ASK, Car) == CAR
        (request,) = server.requests
        assert asked(request.json) == expected
        assert b"built" in request.body


async def test_a_wrong_answer_is_asked_for_again_with_what_is_wrong(wire: str) -> None:
    tries: list[Try] = []
    async with WIRES[wire][0](text(BAD, GOOD)) as (model, server):
        assert await ask_for(model, ASK, Car, on_try=tries.append) == CAR
        first, second = server.requests
    assert len(second.body) > len(first.body)
    sent = json.dumps(second.json, ensure_ascii=False)
    assert "This answer cannot be used" in sent
    assert "`parts[0].name` Field required" in sent
    assert "less than or equal to 9" in sent
    assert json.dumps(BAD, ensure_ascii=False)[1:-1] in sent
    assert WIRES[wire][1](second.json) == WIRES[wire][2], "the second request asks for the schema too"
    assert sum((each.usage for each in tries), Usage()).input == 20, "both tries count"


async def test_wrong_twice_says_where(wire: str) -> None:
    error = await failing(text(BAD, BAD, GOOD), wire, errors.WrongShape, 2)
    assert dict(error.problems)["parts[0].name"] == "Field required"
    assert "`seats`" in error.message
    assert "also when it was asked again" in error.message
    assert error.answer == BAD


async def test_a_refusal_is_not_asked_again(wire: str) -> None:
    error = await failing("refuse: I will not.", wire, errors.AnswerRefused, 1)
    if wire not in ("gemini", "anthropic field"):  # these say only that they refuse, or say it as text
        assert "I will not." in error.message


async def test_an_empty_answer_is_asked_for_once_more(wire: str) -> None:
    await failing("think: hm\nloop", wire, errors.AnswerEmpty, 2)


async def test_no_json_at_all(wire: str) -> None:
    error = await failing("text: I would rather talk.\nloop", wire, errors.WrongShape, 2)
    assert "is not JSON" in error.message


async def test_a_stream_that_breaks_off_is_read_once_more(wire: str) -> None:
    broken = "text: {" + '"name": "x"\nfinish: cut_off\n--- step\n' + text(GOOD)
    async with WIRES[wire][0](broken) as (model, server):
        assert await ask_for(model, ASK, Car) == CAR
        assert server.requests[0].body == server.requests[1].body
    await failing('text: {"name": "x"\nfinish: cut_off\nloop', wire, errors.AnswerCutOff, 2)


async def test_a_stream_that_lost_only_its_end_is_whole(wire: str) -> None:
    async with WIRES[wire][0](f"text: {GOOD}\nfinish: cut_off\nloop") as (model, server):
        assert await ask_for(model, ASK, Car) == CAR
        assert len(server.requests) == 1


async def test_an_answer_over_the_limit_gets_one_try_with_more_room(wire: str) -> None:
    limited = ModelRequest(ASK.system, ASK.messages, max_output_tokens=50)
    async with WIRES[wire][0]('text: {"name"\nfinish: max_tokens\n--- step\n' + text(GOOD)) as (model, server):
        assert await ask_for(model, limited, Car) == CAR
        first, second = (request.body.decode() for request in server.requests)
    assert ":50" in first.replace(" ", "")
    assert ":4096" in second.replace(" ", "")
    assert "cannot be used" not in second
    await failing('text: {"name"\nusage: in=1 out=999999\nfinish: max_tokens\nloop', wire, errors.AnswerCutOff, 1)


async def test_an_error_of_the_server_stays_what_it_is(wire: str) -> None:
    tries: list[Try] = []
    async with WIRES[wire][0](text(GOOD)) as (model, server):
        server.faults = [Fault("status", status=401, body=b'{"error": {"message": "no"}}')]
        with pytest.raises(errors.AuthRejected):
            await ask_for(model, ASK, Car, on_try=tries.append)
    assert [each.text for each in tries] == [""]


TOLERANT = ("json mode", "words")
PROSE = (
    f"Here {{you}} are:\\n{GOOD}\\nAnything else?",
    f"```json\\n{GOOD}\\n```",
    f"Sure.\\n```\\n{GOOD}\\n```\\nAs asked, in `{{}}`.",
)


@pytest.mark.parametrize("said", PROSE)
async def test_words_around_the_json_count_only_where_they_must_be_expected(wire: str, said: str) -> None:
    script = "text: |\n" + "\n".join("  " + line for line in said.split("\\n"))
    async with WIRES[wire][0](f"{script}\n--- step\n{text(GOOD)}") as (model, server):
        assert await ask_for(model, ASK, Car) == CAR
        assert len(server.requests) == (1 if wire in TOLERANT else 2)


async def test_beside_tools_the_wires_may_have_to_say_it_in_words_so_words_are_expected() -> None:
    with_tools = ModelRequest(ASK.system, ASK.messages, (TOOL,))
    async with opened("gemini", "gemini-2.5-flash")(f"text: Yes: {GOOD}") as (model, server):
        assert await ask_for(model, with_tools, Car) == CAR
        assert "responseSchema" not in server.requests[0].json["generationConfig"]


@pytest.mark.parametrize("name", ["claude-3-5-haiku-latest", "claude-3-haiku"])
async def test_a_tool_that_must_be_called_gives_its_arguments_as_the_answer(name: str) -> None:
    script = (
        f"tool: copydesk_answer {GOOD}\n--- step\ntool: copydesk_answer {BAD}\n--- step\ntool: copydesk_answer {GOOD}"
    )
    async with opened("anthropic", name)(script) as (model, server):
        assert await ask_for(model, ASK, Car) == CAR
        body = server.requests[0].json
        assert body["tool_choice"] == {"type": "tool", "name": "copydesk_answer"}
        assert body["tools"][-1]["input_schema"] == SCHEMA
        assert await ask_for(model, ASK, Car) == CAR
        assert "parts[0].name" in json.dumps(server.requests[2].json)


# --- which JSON is meant ---


def scripted(script: str) -> ScriptedModel:
    return ScriptedModel(Script.parse(script))


async def problem_of(said: str, kind: Any = Car) -> str:
    with pytest.raises(errors.WrongShape) as caught:
        await ask_for(scripted(f"text: |\n  {said}\nloop"), ASK, kind)
    return caught.value.message


class Tree(BaseModel):
    v: int
    kids: list["Tree"] = []


async def test_an_object_inside_a_broken_one_is_not_the_answer() -> None:
    assert "is not JSON" in await problem_of('Here: {"v": 1, "kids": [{"v": 2}, {"v": 3}', Tree)
    assert "is not JSON" in await problem_of('Here: {"v": 1, "kids": [{"v": 2},,]}', Tree)


async def test_two_different_answers_are_none_but_the_same_twice_is_one() -> None:
    assert "2 different JSON objects" in await problem_of('{"v": 1} or {"v": 2}', Tree)
    assert await ask_for(scripted('text: {"v": 1} so {"v": 1.0}'), ASK, Tree) == Tree(v=1)
    assert await ask_for(scripted('text: {"v": 1} {"v": 1}x{'), ASK, Tree) == Tree(v=1)
    assert await ask_for(scripted('text: not {"x": 1} but {"v": 7}'), ASK, Tree) == Tree(v=7)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("[1]", "must be a JSON object, got [1]"),
        ('{"v": NaN}', "NaN is not JSON"),
        ('{"v": 1e999}', "`v`"),
        ('{"v": ' * 400, "is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"kids": ' + "[" * 5_000 + "]" * 5_000 + "}", "nested too deeply"),
    ],
)
async def test_what_is_no_answer(said: str, problem: str) -> None:
    assert problem in await problem_of(said, Tree)


async def test_null_for_what_is_optional_is_left_out() -> None:
    said = '{"name": "x", "seats": 1, "colour": null, "built": null, "parts": null, "kind": null}'
    assert await ask_for(scripted(f"text: {said}"), ASK, Car) == Car(name="x", seats=1)


async def test_what_is_no_object_is_asked_for_as_the_one_property_of_one() -> None:
    model = scripted('text: {"value": ["red", "blue"]}\nloop')
    assert await ask_for(model, ASK, list[Colour]) == [Colour.RED, Colour.BLUE]
    sent = model.requests[0].schema
    assert sent is not None
    assert sent.name == "answer"
    assert (sent.schema["type"], sent.schema["required"]) == ("object", ["value"])
    assert "`value[0]` Input should be 'red' or 'blue'" in await problem_of('{"value": ["green"]}', list[Colour])
    assert "`value` is required" in await problem_of("{}", list[Colour])


async def test_a_type_without_a_schema_says_so_before_anything_is_sent() -> None:
    model = scripted("text: x")
    with pytest.raises(errors.BadSchema, match="No answer can be asked for"):
        await ask_for(model, ASK, Callable[[int], int])  # pyright: ignore[reportArgumentType]
    assert not model.requests


async def test_a_raw_schema_gives_the_object_itself() -> None:
    shape = JsonShape({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    assert await ask_in_shape(scripted('text: {"n": "1"}\n--- step\ntext: {"n": 1, "m": 2}'), ASK, shape) == {
        "n": 1,
        "m": 2,
    }


async def test_the_offline_model_says_that_it_cannot() -> None:
    with pytest.raises(errors.AnswerRefused, match="offline model is a set of rules"):
        await ask_for(OfflineModel(), ASK, Car)


def test_pydantic_is_imported_only_when_a_typed_answer_is_asked_for() -> None:
    imports = "copydesk.models.structured, copydesk.app.compose, copydesk.agent.shaping, copydesk.cli.run"
    code = f"import sys, {imports}; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


# --- any value ---


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
PARTS = st.builds(Part, name=NAMES, price=st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=2))
CARS = st.builds(
    Car,
    name=NAMES,
    seats=st.integers(1, 9),
    colour=st.sampled_from(Colour),
    built=st.none() | st.dates(),
    parts=st.lists(PARTS, max_size=3),
    kind=st.sampled_from(["car", "van"]),
)


@given(CARS)
def test_any_value_comes_back_as_it_was(car: Car) -> None:
    shape = TypedShape(Car)
    assert shape.read(json.loads(car.model_dump_json())) == car
