"""The tries of one request: how often, how long between them, what ends them. No wait takes time here."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import anyio
import pytest

from copydesk.domain import errors
from copydesk.domain.stream import Finished, StreamEvent, TextDelta
from copydesk.models.retry import Retries, RetryPolicy, tried
from tests.support import virtual_time
from tests.support.slept import Slept


class Failing:
    """A request that fails with each of these in turn, then answers. `takes_s`: how long each failure takes."""

    def __init__(self, *failures: errors.ModelError, takes_s: float = 0.0) -> None:
        self._failures = list(failures)
        self._takes_s = takes_s
        self.n = 0

    async def once(self) -> AsyncGenerator[StreamEvent]:
        self.n += 1
        if self._failures:
            await anyio.sleep(self._takes_s)
            raise self._failures.pop(0)
        yield TextDelta("Hello")
        yield Finished("end_turn")


async def run(failing: Failing, policy: RetryPolicy, slept: Slept | None = None) -> str:
    retries = Retries(policy, slept.heard) if slept else Retries(policy)
    return "".join([event.text async for event in tried(failing.once, retries) if isinstance(event, TextDelta)])


def busy(retry_after_s: float | None = None) -> errors.Overloaded:
    return errors.Overloaded("Busy.", advice="Try later.", retry_after_s=retry_after_s)


def timed(policy: RetryPolicy) -> RetryPolicy:
    """With the loop's own, virtual time."""
    return replace(policy, clock=anyio.current_time, chance=lambda: 0.5)


def test_hours_of_outage_are_waited_through_where_it_is_asked_for() -> None:
    async def outage() -> tuple[str, float, list[float]]:
        slept = Slept()
        failing = Failing(*[busy()] * 40)
        said = await run(failing, timed(RetryPolicy().lasting(4 * 3600)), slept)
        return said, anyio.current_time(), [delay_s for _, delay_s, _ in slept.told]

    said, took_s, delays_s = virtual_time.run(outage)
    assert said == "Hello"
    assert 2 * 3600 < took_s < 4 * 3600
    assert delays_s[:5] == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert max(delays_s) == 300.0


def test_the_total_counts_tries_too() -> None:
    async def outage() -> tuple[str, float]:
        failing = Failing(*[busy()] * 99, takes_s=100.0)
        with pytest.raises(errors.Overloaded) as caught:
            await run(failing, timed(RetryPolicy().lasting(180)))
        return str(caught.value), anyio.current_time()

    says, took_s = virtual_time.run(outage)
    assert took_s < 300
    assert "Copydesk tried 2 times in 3 min." in says


@pytest.mark.parametrize(("asked_s", "says"), [(7_500.0, "2 h 5 min"), (86_400.0, "24 h")])
async def test_a_host_that_asks_for_hours_is_named_and_not_waited_for(asked_s: float, says: str) -> None:
    slept = Slept()
    failing = Failing(busy(asked_s))
    with pytest.raises(errors.Overloaded) as caught:
        await run(failing, RetryPolicy(sleep=slept.sleep), slept)
    assert f"The host asks to wait {says}; Copydesk waits at most 3 min (model.retryForS)." in str(caught.value)
    assert (failing.n, slept.delays_s) == (1, [])


async def test_a_host_that_says_it_is_of_no_use_is_believed() -> None:
    failing = Failing(busy(float("inf")))
    with pytest.raises(errors.Overloaded, match="of no use"):
        await run(failing, RetryPolicy().lasting(1e9))
    assert failing.n == 1


async def test_a_host_that_asks_for_no_wait_is_not_hammered() -> None:
    slept = Slept()
    assert await run(Failing(busy(0.0)), RetryPolicy(sleep=slept.sleep, chance=lambda: 0.5)) == "Hello"
    assert slept.delays_s == [0.5]


@pytest.mark.parametrize("chance", [0.0, 0.999])
async def test_jitter_stays_within_its_part_and_below_the_cap(chance: float) -> None:
    slept = Slept()
    failing = Failing(*[busy()] * 4)
    policy = RetryPolicy(sleep=slept.sleep, chance=lambda: chance, first_delay_s=1.0, max_delay_s=4.0)
    await run(failing, policy)
    for delay_s, plain_s in zip(slept.delays_s, [1.0, 2.0, 4.0, 4.0], strict=True):
        assert plain_s * 0.75 <= delay_s <= min(plain_s * 1.25, 4.0)
    assert slept.delays_s[0] != 1.0


async def test_no_time_means_no_second_try() -> None:
    failing = Failing(busy())
    with pytest.raises(errors.Overloaded):
        await run(failing, RetryPolicy().lasting(0))
    assert failing.n == 1


async def test_a_cancel_during_a_wait_ends_it_at_once() -> None:
    with anyio.fail_after(2), anyio.CancelScope() as scope:
        retries = Retries(RetryPolicy(), lambda attempt, delay_s, why: scope.cancel())
        async for _ in tried(Failing(busy(60.0)).once, retries):
            raise AssertionError("nothing was answered")
    assert scope.cancelled_caught
