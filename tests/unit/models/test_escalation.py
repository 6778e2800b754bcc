"""Fallbacks over real sockets: what stands on the wire of each model, when the next one is asked, and when never."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from copydesk.domain import errors
from copydesk.domain.messages import Message, Text, Thinking
from copydesk.domain.models import facts_of
from copydesk.domain.ports import Model
from copydesk.domain.stream import ModelRequest, StreamEvent
from copydesk.models.catalog import entry
from copydesk.models.escalation import needed_tokens
from copydesk.models.selection import is_local
from tests.support.model_server import Fault
from tests.support.several_models import ASK, BUSY, WRONG_KEY, say, several

BOTH = {"name": "openai/gpt-5", "fallbacks": ("anthropic/claude-sonnet-5",)}


async def test_the_fallbacks_own_name_wire_and_form_stand_in_the_second_request() -> None:
    """The reference systems only switched a name in memory: the request still carried the first one."""
    async with several("openai", "anthropic", **BOTH) as desk:
        desk.servers["openai"].faults = [BUSY] * 9
        model = await desk.turn()
        assert (model.name, facts_of(model).family) == ("openai/gpt-5", entry("openai/gpt-5").family)
        thought = Message("assistant", (Thinking("hm", "sig", source="openai"), Text("so")))
        request = ModelRequest(
            "Be brief.",
            (*ASK.messages, thought, Message("user", (Text("go"),))),
            max_output_tokens=2048,
            thinking="low",
        )
        assert await say(model, request) == "anthropic"
        first = [seen.json for seen in desk.servers["openai"].requests]
        (second,) = desk.servers["anthropic"].requests
        assert [body["model"] for body in first] == ["gpt-5"] * 3
        assert (first[0]["max_completion_tokens"], first[0]["reasoning_effort"]) == (2048, "low")
        assert second.path == "/v1/messages"
        assert second.headers["x-api-key"] == "sk-anthropic"
        assert (second.json["model"], second.json["max_tokens"]) == ("claude-sonnet-5", 2048)
        assert "reasoning_effort" not in second.json
        assert second.json["output_config"] == {"effort": "low"}
        assert b"sig" not in second.body
        assert (model.name, facts_of(model).family) == (
            "anthropic/claude-sonnet-5",
            entry("anthropic/claude-sonnet-5").family,
        )
    assert [name for name, _ in desk.switched] == ["anthropic/claude-sonnet-5"]
    assert desk.switched[0][1].startswith("openai/gpt-5 failed: OpenAI answered 503: busy. Copydesk tried 3 times")


async def test_the_switch_holds_for_the_turn_and_not_for_the_next() -> None:
    async with several("openai", "anthropic", **BOTH) as desk:
        desk.servers["openai"].faults = [BUSY] * 3
        model = await desk.turn()
        assert [await say(model), await say(model)] == ["anthropic", "anthropic"]
        assert desk.asked() == {"openai": 3, "anthropic": 2}
        assert await say(await desk.turn()) == "openai"
        assert len(desk.switched) == 1


@pytest.mark.parametrize(
    "fault",
    [
        WRONG_KEY,
        Fault("status", status=404, body=b'{"error":{"message":"The model does not exist"}}'),
        Fault("status", status=402, body=b'{"error":{"message":"Insufficient Balance"}}'),
        Fault("status", status=429, body=b'{"error":{"code":"insufficient_quota","message":"You exceeded"}}'),
        Fault("status", status=429, headers={"retry-after": "3600"}),
        Fault("status", status=302, headers={"location": "https://elsewhere.example/"}),
        Fault("body", body=b"<html><title>Sign in</title></html>"),
    ],
    ids=["key", "model", "credit", "quota", "hours", "redirect", "page"],
)
async def test_what_no_second_try_helps_goes_to_the_next_model_at_once(fault: Fault) -> None:
    async with several("openai", "anthropic", **BOTH) as desk:
        desk.servers["openai"].faults = [fault]
        assert await say(await desk.turn()) == "anthropic"
        assert desk.asked() == {"openai": 1, "anthropic": 1}
        assert desk.slept.delays_s == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("status", status=400, body=b'{"error":{"message":"messages.0: bad image"}}'), errors.BadRequest),
        (Fault("status", status=422, body=b'{"detail":[{"msg":"field required"}]}'), errors.BadRequest),
        (Fault("status", status=400, body=b'{"error":{"code":"context_length_exceeded"}}'), errors.ContextOverflow),
    ],
)
async def test_what_is_wrong_with_the_request_goes_to_nobody_else(fault: Fault, kind: type[errors.ModelError]) -> None:
    async with several("openai", "deepseek", name="openai/gpt-5", fallbacks=("deepseek/chat",)) as desk:
        desk.servers["openai"].faults = [fault]
        with pytest.raises(kind) as caught:
            await say(await desk.turn())
        assert type(caught.value) is kind
        assert desk.asked() == {"openai": 1, "deepseek": 0}


@pytest.mark.parametrize("kind", ["reset", "stall", "error_event"])
async def test_never_once_output_has_begun(kind: str) -> None:
    """No doubled text: what was shown stays, and nobody else begins from the start."""
    async with several("openai", "anthropic", script="chunk: 1\ntext: Hello from {0}\nloop", **BOTH) as desk:
        payload = {"error": {"message": "overloaded", "type": "server_error"}}
        desk.servers["openai"].faults = [Fault(kind, after=4, payload=payload)]  # pyright: ignore[reportArgumentType]
        events: list[StreamEvent] = []
        with pytest.raises(errors.TransientModelError):
            await say(await desk.turn(), into=events)
        assert desk.asked() == {"openai": 1, "anthropic": 0}
        assert "".join(getattr(event, "text", "") for event in events) in "Hello from openai"
        assert events


async def test_a_fallback_without_a_key_is_passed_over_and_named_only_when_all_fail() -> None:
    names = {"name": "openai/gpt-5", "fallbacks": ("gemini/pro", "nobody/x", "anthropic/claude-x")}
    async with several("openai", "anthropic", **names) as desk:
        desk.servers["openai"].faults = [WRONG_KEY] * 2
        assert await say(await desk.turn()) == "anthropic"
        assert "GEMINI_API_KEY" not in str(desk.switched)
        desk.servers["anthropic"].faults = [WRONG_KEY]
        with pytest.raises(errors.NoModelAnswered) as caught:
            await say(await desk.turn())
    text = str(caught.value)
    assert text.splitlines()[0] == "None of the models can answer:"
    for line in (
        "- openai/gpt-5: OpenAI answered 401",
        "- gemini/pro: Gemini needs a key",
        "- nobody/x: ",
        "- anthropic",
    ):
        assert line in text
    assert "GEMINI_API_KEY" in text
    assert caught.value.advice


async def test_the_last_one_is_tried_with_all_patience() -> None:
    async with several("openai", "anthropic", **BOTH) as desk:
        for server in desk.servers.values():
            server.faults = [BUSY] * 9
        with pytest.raises(errors.NoModelAnswered):
            await say(await desk.turn())
        assert desk.asked() == {"openai": 3, "anthropic": 5}


async def test_a_fallback_that_is_of_no_use_takes_no_patience_away() -> None:
    """With a wrong key in the fallback the first model is tried no less than without one."""
    async with several("openai", "anthropic", **BOTH) as desk:
        desk.servers["openai"].faults = [BUSY] * 7
        desk.servers["anthropic"].faults = [WRONG_KEY]
        assert await say(await desk.turn()) == "openai"
        assert desk.asked() == {"openai": 8, "anthropic": 1}


async def test_fallbacks_hold_for_a_model_that_is_named_for_a_turn() -> None:
    async with several("openai", "anthropic", "deepseek", **BOTH) as desk:
        desk.servers["deepseek"].faults = [WRONG_KEY]
        model = await desk.turn("deepseek/chat")
        assert model.name == "deepseek/chat"
        assert await say(model) == "anthropic"


async def test_a_name_that_a_person_gives_must_be_usable_itself() -> None:
    async with several("anthropic", **BOTH) as desk:
        with pytest.raises(errors.MissingKey):
            await desk.turn("openai/gpt-5")
        with pytest.raises(errors.UnknownModel):
            await desk.turn("nobody/x")
        assert (await desk.turn()).name == "anthropic/claude-sonnet-5"


async def test_an_overflow_goes_to_a_model_that_is_known_to_hold_it() -> None:
    names = {"name": "openai/gpt-4o", "fallbacks": ("deepseek/chat", "anthropic/claude-sonnet-5")}
    overflow = Fault("status", status=400, body=b'{"error":{"code":"context_length_exceeded","message":"too long"}}')
    async with several("openai", "anthropic", "deepseek", **names) as desk:
        desk.servers["openai"].faults = [overflow] * 2
        long = ModelRequest("", (Message("user", (Text("x"),)),), input_tokens=150_000)
        assert await say(await desk.turn(), long) == "anthropic"
        longer = ModelRequest("", (Message("user", (Text("x"),)),), input_tokens=2_000_000)
        with pytest.raises(errors.ContextOverflow):
            await say(await desk.turn(), longer)
        assert desk.asked() == {"openai": 2, "anthropic": 1, "deepseek": 0}


def test_what_a_request_needs_is_rather_thought_too_much() -> None:
    request = ModelRequest("x" * 300, (Message("user", (Text("y" * 300),)),), max_output_tokens=100)
    assert 300 <= needed_tokens(request) < 400


async def test_the_meter_is_put_around_each_candidate_and_its_no_is_final() -> None:
    class Metered:
        def __init__(self, model: Model) -> None:
            self._model = model
            self.name = model.name
            self.facts = facts_of(model)

        def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
            asked.append(self.name)
            if len(asked) == limit:
                raise errors.BudgetExceeded("Too dear.", advice="Raise budget.perTurnUsd.")
            return self._model.stream(request)

    asked: list[str] = []
    limit = 3
    async with several("openai", "anthropic", **BOTH) as desk:
        desk.servers["openai"].faults = [WRONG_KEY]
        model = await desk.models.resolve(around=Metered)
        assert await say(model) == "anthropic"
        assert asked == ["openai/gpt-5", "anthropic/claude-sonnet-5"]
        with pytest.raises(errors.BudgetExceeded):
            await say(model)


async def test_a_hover_never_leaves_this_machine_by_a_fallback() -> None:
    """`local`: nobody else is asked, also when the model of this machine fails."""
    names = {"name": "ollama/qwen3", "fallbacks": ("gemini/pro",)}
    async with several("openai", env={"GEMINI_API_KEY": "k"}, **names) as desk:
        model = await desk.models.resolve(local=True)
        assert is_local(model)
        with pytest.raises(errors.NoModelAnswered, match="'gemini/pro' is not on this machine"):
            await say(model)
        assert [sent.host for sent in desk.door.ledger.entries] == ["127.0.0.1"] * len(desk.door.ledger.entries)
        assert await say(await desk.models.resolve("openai/gpt-5", local=True)) == "openai"


async def test_offline_as_the_last_fallback_answers_without_a_network() -> None:
    async with several("openai", name="openai/gpt-5", fallbacks=("offline",)) as desk:
        desk.servers["openai"].faults = [BUSY] * 3
        assert await say(await desk.turn()) == "offline"
