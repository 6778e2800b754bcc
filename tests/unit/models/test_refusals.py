"""What real servers refuse, in their own words: left out, asked once more, and remembered; nothing else is."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from copydesk.domain import errors
from copydesk.domain.messages import Message, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.stream import Finished, ModelRequest, OutputSchema, StreamEvent, TextDelta
from copydesk.domain.tools import ToolSpec
from copydesk.egress.door import Door, Limits
from copydesk.models import catalog
from copydesk.models.catalog import Entry, entry
from copydesk.models.providers import PROVIDERS
from copydesk.models.refusals import Refusals
from copydesk.models.remote import Endpoint, RemoteModel
from copydesk.models.retry import RetryPolicy
from copydesk.models.routes import Learnt
from copydesk.models.script import Script
from tests.support.model_server import Fault, ModelServer
from tests.support.slept import Slept

HELLO = Script.parse("text: Hello\nloop")
TOOLS = (ToolSpec("read", "Reads.", {"type": "object"}, "read", "read"),)
CALL = ToolCall("toolu_01", "read", {}, "{}")
TALK = (
    Message("user", (Text("go"),)),
    Message("assistant", (Thinking("hm", "sig", source="anthropic"), CALL)),
    Message("tool", (ToolResult("toolu_01", "read", "text"),)),
    Message("user", (Text("and"),)),
    Message("user", (Text("then"),)),
)
SCHEMA = OutputSchema("x", {"type": "object", "properties": {}, "additionalProperties": False})
EFFORT = replace(entry("compat/m"), thinking="effort", schema="json_object")


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door(limits=Limits(connect_s=2, first_byte_s=2, between_bytes_s=2)) as door:
        yield door


def model(
    server: ModelServer, door: Door, known: Entry = EFFORT, learnt: Learnt | None = None, provider: str = "compat"
) -> RemoteModel:
    slept = Slept()
    return RemoteModel(
        f"{provider}/m",
        "m",
        Endpoint(PROVIDERS[provider], f"{server.url}/v1"),
        door,
        known,
        on_retry=slept.heard,
        retry=RetryPolicy(sleep=slept.sleep, max_tries=2),
        learnt=learnt,
    )


def refusal(body: Any, status: int = 400) -> Fault:
    return Fault("status", status=status, body=json.dumps(body).encode())


async def ask(model: RemoteModel, **fields: Any) -> list[StreamEvent]:
    fields = {"messages": TALK, "tools": TOOLS, "thinking": "high"} | fields
    async with model.stream(ModelRequest("sys", **fields)) as events:
        return [event async for event in events if isinstance(event, TextDelta | Finished)]


SAID = [TextDelta("Hello"), Finished("end_turn")]

# The words are from the servers' own answers, as people reported them.
OPENAI_LIMIT = {
    "error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
        "Use 'max_completion_tokens' instead.",
        "type": "invalid_request_error",
        "param": "max_tokens",
        "code": "unsupported_parameter",
    }
}
GATEWAY = {
    "error": {
        "message": "Unknown parameter: 'stream_options'. (request id: 20240806214436917505976hvsFC5y2)",
        "type": "invalid_request_error",
        "param": "stream_options",
        "code": "unknown_parameter",
    }
}
NVIDIA = {
    "error": "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted'}]"
}
VLLM = {
    "object": "error",
    "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'chat_template_kwargs'), 'msg': 'Extra inputs …'}]",
    "type": "BadRequestError",
    "code": 400,
}
XAI = {
    "code": "invalid-argument",
    "error": "Model grok-4.20-0309-reasoning does not support parameter reasoningEffort.",
}
GROQ = {"error": {"message": "`reasoning_effort` must be one of `none` or `default`", "type": "invalid_request_error"}}
OLLAMA = {"error": {"message": '"gemma3" does not support thinking', "type": "api_error", "param": None, "code": None}}
LM_STUDIO = {"error": "'response_format.type' must be 'json_schema' or 'text'"}
GROQ_BACK = {
    "error": {
        "message": "'messages.2' : for 'role:assistant' the following must be satisfied"
        "[('messages.2' : property 'reasoning_content' is unsupported)]",
        "type": "invalid_request_error",
    }
}
MISTRAL_ID = {
    "object": "error",
    "message": "Tool call id was toolu_01 but must be a-z, A-Z, 0-9, with a length of 9.",
    "type": "invalid_request_error",
    "param": None,
}
MISTRAL_ORDER = {
    "object": "error",
    "message": "Unexpected role 'user' after role 'tool'",
    "type": "invalid_request_message_order",
    "param": None,
    "code": "3230",
}
TEMPLATE = {
    "error": {
        "code": 500,
        "message": "After the optional system message, conversation roles must alternate user and assistant roles except "
        "for tool calls and results.",
        "type": "server_error",
    }
}
GEMMA = {"error": {"code": 500, "message": "System role not supported", "type": "server_error"}}
NULL = {
    "detail": [{"type": "string_type", "loc": ["body", "messages", 2, "content"], "msg": "content must be a string"}]
}

HAS_THINKING = replace(EFFORT, thinking="template")
ECHOES = replace(EFFORT, echo_reasoning=True)


@pytest.mark.parametrize(
    ("said", "status", "known", "gone", "there"),
    [
        (OPENAI_LIMIT, 400, EFFORT, '"max_tokens"', '"max_completion_tokens":64'),
        (GATEWAY, 400, EFFORT, "stream_options", "reasoning_effort"),
        (NVIDIA, 422, EFFORT, "stream_options", "reasoning_effort"),
        (VLLM, 400, HAS_THINKING, "chat_template_kwargs", "stream_options"),
        (XAI, 400, EFFORT, "reasoning_effort", "stream_options"),
        (GROQ, 400, EFFORT, "reasoning_effort", "stream_options"),
        (OLLAMA, 400, EFFORT, "reasoning_effort", "stream_options"),
        (GROQ_BACK, 400, ECHOES, "reasoning_content", "reasoning_effort"),
        (MISTRAL_ID, 400, EFFORT, "toolu_01", "tool_call_id"),
        (MISTRAL_ORDER, 400, EFFORT, "\x00", '{"role":"assistant","content":"OK."},{"role":"user"'),
        (TEMPLATE, 500, EFFORT, '"content":"then"', "and\\n\\nthen"),
        (TEMPLATE, 400, EFFORT, '"content":"then"', "and\\n\\nthen"),
        (GEMMA, 500, EFFORT, '"system"', "sys\\n\\ngo"),
        (NULL, 422, EFFORT, '"content":null', '"content":""'),
    ],
)  # fmt: skip
async def test_what_is_refused_is_left_out_once_and_for_all(
    door: Door, said: Any, status: int, known: Entry, gone: str, there: str
) -> None:
    learnt = Learnt()
    async with ModelServer(HELLO) as server:
        server.faults = [refusal(said, status)]
        first = model(server, door, known, learnt)
        assert await ask(first, max_output_tokens=64) == SAID
        assert await ask(model(server, door, known, learnt), max_output_tokens=64) == SAID
        bodies = [seen.body.decode() for seen in server.requests]
    assert len(bodies) == 3, "one refused, one without, and the next goes without at once"
    assert gone == "\x00" or gone in bodies[0]
    assert there not in bodies[0] or there.strip('"') in ("stream_options", "reasoning_effort", "tool_call_id")
    for body in bodies[1:]:
        assert gone not in body
        assert there in body
    assert bodies[1] == bodies[2]
    assert json.loads(bodies[1])["tools"], "tools are never left out"


async def test_a_schema_that_is_refused_is_asked_for_in_another_form(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [refusal(LM_STUDIO), refusal({"error": "response_format is not supported"})]
        assert await ask(model(server, door), schema=SCHEMA) == SAID
        first, second, third = (seen.json for seen in server.requests)
    assert first["response_format"] == {"type": "json_object"}
    assert second["response_format"]["type"] == "json_schema"
    assert "response_format" not in third
    assert "JSON Schema" in third["messages"][0]["content"], "then in words"


async def test_several_refusals_one_after_another(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [refusal(GATEWAY), refusal(XAI), refusal(MISTRAL_ORDER), refusal(OPENAI_LIMIT)]
        assert await ask(model(server, door), max_output_tokens=64) == SAID
        assert len(server.requests) == 5


async def test_a_server_that_refuses_without_end_is_given_up(door: Door) -> None:
    """Whatever it says, each part is left out at most once, and then its refusal is told."""
    everything = {"error": " ".join(str(each) for each in (OPENAI_LIMIT, GATEWAY, XAI, LM_STUDIO, MISTRAL_ID, NULL))}
    async with ModelServer(HELLO) as server:
        server.faults = [refusal(everything) for _ in range(40)]
        with pytest.raises(errors.PermanentModelError):
            await ask(model(server, door), max_output_tokens=64, schema=SCHEMA)
        assert len(server.requests) < 15


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"error": {"message": "Invalid value for temperature"}}, 400),
        ({"error": {"message": "stream_options were fine, but the prompt is bad"}}, 400),
        ({"error": {"message": "tools are not supported by this model"}}, 400),
        (GATEWAY, 401),
        (GATEWAY, 403),
        ({"error": {"message": "This model's maximum context length is 4096 tokens", "type": "x"}}, 400),
    ],
)
async def test_other_errors_are_told_at_once(door: Door, said: Any, status: int) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [refusal(said, status)]
        with pytest.raises(errors.ModelError):
            await ask(model(server, door))
        assert len(server.requests) == 1


async def test_one_models_refusal_is_not_anothers(door: Door) -> None:
    learnt = Learnt()
    async with ModelServer(HELLO) as one, ModelServer(HELLO) as two:
        one.faults = [refusal(GATEWAY)]
        await ask(model(one, door, learnt=learnt))
        await ask(model(two, door, learnt=learnt))
        assert "stream_options" not in one.requests[-1].json
        assert "stream_options" in two.requests[-1].json


# --- Anthropic ---

BOUND = {
    "type": "error",
    "error": {
        "type": "invalid_request_error",
        "message": "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different "
        'conversation. Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to "drop_block".',
    },
}
CLAUDE = catalog.entry("anthropic/claude-sonnet-5-5")


async def test_thinking_that_no_longer_fits_its_history_is_left_out_for_that_session(door: Door) -> None:
    learnt = Learnt()
    async with ModelServer(HELLO) as server:
        server.faults = [refusal(BOUND)]
        for session in ("s-1", "s-1", "s-2"):
            assert await ask(model(server, door, CLAUDE, learnt, "anthropic"), session=session) == SAID
        bodies = [seen.body.decode() for seen in server.requests]
    assert ['"sig"' in body for body in bodies] == [True, False, False, True]
    assert all('"thinking":{"type":"adaptive"' in body for body in bodies), "it goes on thinking"


async def test_claude_behind_a_gateway_that_knows_less(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [
            refusal({"error": {"message": "output_config: Extra inputs are not permitted"}}),
            refusal({"error": {"message": "tools.0.cache_control: Extra inputs are not permitted"}}),
            refusal({"error": {"message": "thinking: Input tag 'adaptive' found using 'type' does not match any of the "
                               "expected tags: 'disabled', 'enabled'. Invalid."}}),
        ]  # fmt: skip
        assert await ask(model(server, door, CLAUDE, provider="anthropic")) == SAID
        body = server.requests[-1].json
    assert len(server.requests) == 4
    assert {"output_config", "thinking"}.isdisjoint(body)
    assert "cache_control" not in json.dumps(body)


async def test_betas_that_a_gateway_refuses(door: Door) -> None:
    budget = catalog.entry("anthropic/claude-sonnet-4-5")
    async with ModelServer(HELLO) as server:
        server.faults = [refusal({"message": "invalid beta flag"})]
        assert await ask(model(server, door, budget, provider="anthropic")) == SAID
        first, second = server.requests
    assert first.headers["anthropic-beta"] == "interleaved-thinking-2025-05-14"
    assert "anthropic-beta" not in second.headers


async def test_a_forced_tool_that_is_refused_becomes_words(door: Door) -> None:
    known = replace(catalog.entry("anthropic/claude-3-haiku"), schema="tool")
    async with ModelServer(HELLO) as server:
        server.faults = [refusal({"error": {"message": "tool_choice forces tool use is not supported on this model"}})]
        assert await ask(model(server, door, known, provider="anthropic"), schema=SCHEMA, tools=()) == SAID
        first, second = (seen.json for seen in server.requests)
    assert first["tool_choice"]["type"] == "tool"
    assert {"tool_choice", "tools"}.isdisjoint(second)
    assert "JSON Schema" in second["system"][0]["text"]


# --- who is told of the session ---


async def test_only_openais_own_host_is_told_the_session(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        await ask(model(server, door), session="s-1")
        await ask(model(server, door, entry("openai/gpt-5.1"), provider="openai"), session="s-1")
        assert "s-1" not in "".join(seen.body.decode() for seen in server.requests)


def test_nothing_known_costs_nothing() -> None:
    known = EFFORT
    assert Refusals().applied(("http://h", "m"), known) is known
