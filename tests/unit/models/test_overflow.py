"""A request that is too long: where only the room for the answer is too large, the same goes out once more with less."""

import pytest

from copydesk.domain import errors
from copydesk.domain.messages import Message, Text
from copydesk.domain.stream import ModelRequest
from copydesk.models.catalog import Entry
from copydesk.models.overflow import smaller_output
from tests.support.model_server import Fault
from tests.support.several_models import say, several

ENTRY = Entry("x", 200_000, 64_000)
ASK = ModelRequest("Be brief.", (Message("user", (Text("hi"),)),), max_output_tokens=20_000)
SUM = (
    "input length and `max_tokens` exceed context limit: 188059 + 20000 > 200000, decrease input length or `max_tokens`"
)


def overflow(message: str, status: int = 400) -> Fault:
    return Fault("status", status=status, body=f'{{"error":{{"message":"{message}","type":"x"}}}}'.encode())


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (SUM, 10_941),
        (
            (
                "This model's maximum context length is 16384 tokens. However, you requested 17000 tokens (7000 in the "
                "messages, 10000 in the completion). Please reduce the length of the messages or completion."
            ),
            8_384,
        ),
        (
            (
                "'max_tokens' or 'max_completion_tokens' is too large: 20000. This model's maximum context length is 32768 "
                "tokens and your request has 15000 input tokens (20000 > 32768 - 15000)."
            ),
            16_768,
        ),
        (
            (
                "This model's maximum context length is 128000 tokens. However, you requested 65535 output tokens and your "
                "prompt contains at least 122466 input tokens, for a total of at least 188001 tokens."
            ),
            2_422,
        ),
        (
            (
                "This endpoint's maximum context length is 200000 tokens. However, you requested about 203000 tokens "
                "(183000 of text input, 20000 in the output)."
            ),
            16_000,
        ),
        ("prompt is too long: 213462 tokens > 200000 maximum", None),
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 204308 tokens.",
            None,
        ),
        (
            (
                "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens (112946 in the "
                "messages, 10000 in the completion)."
            ),
            None,
        ),
        ("input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000, decrease", None),
    ],
)
def test_the_hosts_own_numbers_say_whether_less_answer_would_do(message: str, expected: int | None) -> None:
    assert smaller_output(errors.ContextOverflow(message), ASK, ENTRY) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("max_tokens: 20000 > 8192, which is the maximum allowed number of output tokens for claude-x", 8_192),
        ("max_tokens is too large: 50000. This model supports at most 16384 completion tokens, whereas you", 16_384),
        ("a maxOutputTokens value of 100000 but the supported range is from 1 (inclusive) to 8193 (exclusive).", 8_192),
        ("Unsupported parameter: 'max_tokens' is not supported with this model.", None),
        ("temperature: at most 1 output", None),
    ],
)
def test_more_than_the_model_can_answer(message: str, expected: int | None) -> None:
    assert smaller_output(errors.BadRequest(message), ASK, ENTRY) == expected


def test_without_numbers_what_is_known_here_decides() -> None:
    error = errors.ContextOverflow("context_length_exceeded")
    known = ModelRequest("", ASK.messages, max_output_tokens=64_000, input_tokens=150_000)
    assert smaller_output(error, known, ENTRY) == 19_000
    full = ModelRequest("", ASK.messages, max_output_tokens=64_000, input_tokens=199_000)
    assert smaller_output(error, full, ENTRY) is None
    assert smaller_output(error, ASK, ENTRY) is None


@pytest.mark.parametrize(("provider", "name"), [("anthropic", "claude-opus-4-1"), ("openai", "gpt-5")])
async def test_the_same_request_goes_out_once_more_with_a_smaller_limit(provider: str, name: str) -> None:
    async with several(provider, name=f"{provider}/{name}") as desk:
        desk.servers[provider].faults = [overflow(SUM)]
        assert await say(await desk.turn(), ASK) == provider
        first, second = [seen.json for seen in desk.servers[provider].requests]
        field = "max_tokens" if provider == "anthropic" else "max_completion_tokens"
        assert (first.pop(field), second.pop(field)) == (20_000, 10_941)
        assert first == second
    ((attempt, delay_s, why),) = desk.slept.told
    assert (attempt, delay_s) == (1, 0.0)
    assert "Asked once more, for at most 10,941 tokens of answer." in why
    assert [kind for _, _, kind, _ in desk.log.short] == ["ContextOverflow", "answered"]


async def test_once_only() -> None:
    async with several("anthropic", name="anthropic/claude-opus-4-1") as desk:
        desk.servers["anthropic"].faults = [overflow(SUM)] * 3
        with pytest.raises(errors.ContextOverflow) as caught:
            await say(await desk.turn(), ASK)
        assert desk.asked() == {"anthropic": 2}
    assert caught.value.advice
