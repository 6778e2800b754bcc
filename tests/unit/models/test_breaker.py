"""A model that keeps failing is left alone: no bytes at all while its circuit is open, then one probe."""

from dataclasses import replace

import anyio
import pytest

from copydesk.domain import errors
from copydesk.models.breaker import Breaker
from tests.support.model_server import Fault
from tests.support.several_models import BUSY, WRONG_KEY, Clock, Several, say, several

ONE = {"name": "openai/gpt-5", "retry_for_s": 0.0}


async def fail(desk: Several, n: int, kind: type[errors.ModelError] = errors.Overloaded) -> None:
    desk.servers["openai"].faults = [BUSY] * n
    for _ in range(n):
        with pytest.raises(kind):
            await say(await desk.turn())
    desk.servers["openai"].faults = []


async def test_an_open_circuit_sends_nothing_and_says_when_and_what_to_do() -> None:
    async with several("openai", **ONE) as desk:
        await fail(desk, 3)
        assert desk.asked() == {"openai": 3}
        with pytest.raises(errors.CircuitOpen) as caught:
            await say(await desk.turn())
        assert desk.asked() == {"openai": 0}
    text = str(caught.value)
    assert "openai/gpt-5 failed 3 times in a row" in text
    assert "OpenAI answered 503: busy" in text
    assert "tried again in 30 s, at " in text
    assert "copydesk.model.set" in caught.value.advice


async def test_it_opens_for_twice_as_long_each_time_up_to_five_minutes() -> None:
    async with several("openai", **ONE) as desk:
        await fail(desk, 3)
        for period_s in (30, 60, 120, 240, 300, 300):
            desk.clock.now_s += period_s - 1
            with pytest.raises(errors.CircuitOpen):
                await say(await desk.turn())
            desk.clock.now_s += 1
            desk.asked()
            await fail(desk, 1)
            assert desk.asked() == {"openai": 1}


async def test_one_probe_at_a_time_and_its_answer_closes() -> None:
    async with several("openai", script="delay: 0.2\ntext: {0}\nloop", **ONE) as desk:
        await fail(desk, 3)
        desk.clock.now_s += 30
        desk.asked()
        said: list[str] = []

        async def ask() -> None:
            try:
                said.append(await say(await desk.turn()))
            except errors.CircuitOpen as error:
                said.append("tried right now" if "being tried again right now" in str(error) else str(error))

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(ask)
        assert sorted(said) == ["openai", *["tried right now"] * 3]
        assert desk.asked() == {"openai": 1}
        assert await say(await desk.turn()) == "openai"
        await fail(desk, 2)
        assert await say(await desk.turn()) == "openai"


async def test_a_cancelled_probe_lets_the_next_one_in() -> None:
    async with several("openai", **ONE) as desk:
        await fail(desk, 3)
        desk.clock.now_s += 30
        desk.servers["openai"].faults = [Fault("stall")]
        with anyio.move_on_after(0.1):
            await say(await desk.turn())
        assert await say(await desk.turn()) == "openai"
        assert ("openai/gpt-5", 1, "cancelled", 0) in desk.log.short


async def test_cancels_and_refusals_do_not_open_it() -> None:
    async with several("openai", **ONE) as desk:
        for _ in range(4):
            desk.servers["openai"].faults = [Fault("stall")]
            with anyio.move_on_after(0.05):
                await say(await desk.turn())
            await fail(desk, 1)
            desk.servers["openai"].faults = [WRONG_KEY]
            with pytest.raises(errors.AuthRejected):
                await say(await desk.turn())


async def test_streams_that_keep_breaking_open_it_too() -> None:
    async with several("openai", script="chunk: 1\ntext: Hello\nloop", **ONE) as desk:
        for _ in range(3):
            desk.servers["openai"].faults = [Fault("reset", after=4)]
            with pytest.raises(errors.ConnectionLost):
                await say(await desk.turn())
        with pytest.raises(errors.CircuitOpen):
            await say(await desk.turn())


async def test_it_is_the_models_own_at_its_address() -> None:
    async with several("openai", "anthropic", **ONE) as desk:
        await fail(desk, 3)
        assert await say(await desk.turn("openai/gpt-5-mini")) == "openai"
        assert await say(await desk.turn("anthropic/claude-x")) == "anthropic"


@pytest.mark.parametrize("how", ["chosen", "settings"])
async def test_a_person_who_chooses_or_changes_settings_tries_at_once(how: str) -> None:
    async with several("openai", **ONE) as desk:
        await fail(desk, 3)
        desk.models.apply(desk.models.settings)  # the same ones again are no change
        with pytest.raises(errors.CircuitOpen):
            await say(await desk.turn())
        if how == "chosen":
            desk.models.close_circuits()
        else:
            desk.models.apply(replace(desk.models.settings, fallbacks=("openai/gpt-5",)))
        assert await say(await desk.turn()) == "openai"


async def test_with_a_fallback_the_next_model_is_taken_at_once_in_every_turn() -> None:
    async with several("openai", "anthropic", **ONE, fallbacks=("anthropic/claude-x",)) as desk:
        desk.servers["openai"].faults = [BUSY] * 9
        for _ in range(3):
            assert await say(await desk.turn()) == "anthropic"
        assert desk.asked() == {"openai": 3, "anthropic": 3}
        desk.switched.clear()
        assert await say(await desk.turn()) == "anthropic"
        assert desk.asked() == {"openai": 0, "anthropic": 1}
        assert "is left alone for a while" in desk.switched[0][1]


def test_a_request_that_went_out_before_does_not_lengthen_the_wait() -> None:
    clock = Clock()
    breaker = Breaker("m", clock)
    requests = [object() for _ in range(5)]
    for request in requests:
        breaker.admit(request)
    for request in requests:
        breaker.failed(request, "Busy.")
    clock.now_s += 30
    breaker.admit(object())


def test_a_host_that_asks_for_longer_is_left_alone_as_long_up_to_the_limit() -> None:
    clock = Clock()
    breaker = Breaker("m", clock)
    for _ in range(3):
        breaker.failed(object(), "Slow down.", 120.0)
    clock.now_s += 119
    with pytest.raises(errors.CircuitOpen):
        breaker.admit(object())
    clock.now_s += 1
    breaker.admit(object())
