"""The meter: what is counted, held, refused and booked, whatever becomes of a request."""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from copydesk.config.settings import Settings
from copydesk.domain import errors
from copydesk.domain.events import CostExpected, CostUpdated, Event
from copydesk.domain.messages import Message, Text, Usage
from copydesk.domain.models import BUILT_IN, ModelFacts, Price
from copydesk.domain.money import Cost
from copydesk.domain.stream import Finished, FinishReason, ModelRequest, StreamEvent, TextDelta, UsageReport
from copydesk.egress.failures import NothingListens
from copydesk.models.retry import TRIES, Retries, RetryPolicy, tried
from copydesk.services.budgets import SPARE_TOKENS, USEFUL_TOKENS
from copydesk.services.metering import MARGIN, Bill, Meter, Metered
from copydesk.services.rough_counter import RoughCounter
from copydesk.store.spending import Spending

PRICE = Price(2.0, 10.0, 0.2, 2.5)
FACTS = ModelFacts("paid", 200_000, 8_000, "tokens", PRICE)
ASK = ModelRequest("Be brief.", (Message("user", (Text("x" * 3_000),)),))
N_INPUT = RoughCounter().count(ASK, "", FACTS)
WORST_INPUT_USD = (int(N_INPUT * MARGIN) + SPARE_TOKENS) * 2.5 / 1e6

Answer = Callable[[ModelRequest], AsyncGenerator[StreamEvent]]


@dataclass
class PaidModel:
    """Answers with what `answer` makes of the request it was really sent."""

    answer: Answer
    facts: ModelFacts = FACTS
    name: str = "paid/one"
    sent: list[ModelRequest] = field(default_factory=list)

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        self.sent.append(request)
        return aclosing(self.answer(request))


def says(text: str = "Hello", usage: Usage | None = None, reason: FinishReason = "end_turn") -> Answer:
    async def answer(request: ModelRequest) -> AsyncGenerator[StreamEvent]:
        yield TextDelta(text)
        if usage is not None:
            yield UsageReport(usage)
        yield Finished(reason)

    return answer


def fails(error: Exception, *first: StreamEvent) -> Answer:
    async def answer(request: ModelRequest) -> AsyncGenerator[StreamEvent]:
        for event in first:
            yield event
        raise error

    return answer


def meter(turn: float | None = None, day: float | None = None, folder: Path | None = None) -> Meter:
    values = {**Settings().values, "budget.perTurnUsd": turn, "budget.perDayUsd": day}
    return Meter(lambda: Settings(values), Spending(folder, lambda: "2026-11-21"))


@dataclass
class Turn:
    """A turn's bill, what it told, and its model."""

    meter: Meter
    answer: Answer = field(default_factory=says)
    facts: ModelFacts = FACTS
    before: Cost = field(default_factory=Cost)
    past: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        self.told: list[Event] = []
        self.bill: Bill = self.meter.turn("s-1", "t-1", self.told.append, self.before, self.past)
        self.model = PaidModel(self.answer, self.facts)

    @property
    def updates(self) -> list[CostUpdated]:
        return [event for event in self.told if isinstance(event, CostUpdated)]

    async def ask(self, request: ModelRequest = ASK) -> list[StreamEvent]:
        return await drained(self.bill.around(self.model), request)


async def drained(model: Metered, request: ModelRequest = ASK) -> list[StreamEvent]:
    async with model.stream(request) as events:
        return [event async for event in events]


# --- what is booked ---------------------------------------------------------------------------------------


async def test_reported_usage_is_booked_and_told() -> None:
    usage = Usage(1_000, 100, cache_read=800, cache_write=50)
    turn = Turn(meter(), says("Hello", usage), before=Cost(1.0))
    events = await turn.ask()
    assert events == [TextDelta("Hello"), UsageReport(usage), Finished("end_turn")]
    usd = (150 * 2.0 + 800 * 0.2 + 50 * 2.5 + 100 * 10.0) / 1e6
    (told,) = turn.updates
    assert told.usd == pytest.approx(usd) == told.turn_usd == told.day_usd
    assert told.session_usd == pytest.approx(1.0 + usd)
    assert (told.context_tokens, told.window_tokens, told.cached_share) == (1_100, 200_000, 0.8)
    assert not told.estimated
    assert turn.bill.cost == Cost(pytest.approx(usd), 0.8, False)
    assert turn.meter.spending.day().spent_usd == pytest.approx(usd)
    assert turn.meter.spending.day().cached_share == 0.8


async def test_the_request_is_counted_and_named() -> None:
    turn = Turn(meter())
    await turn.ask()
    (sent,) = turn.model.sent
    assert sent == replace(ASK, input_tokens=N_INPUT, session="s-1")  # and nothing else: no cap, no limit


async def test_a_server_that_reports_nothing_is_estimated() -> None:
    turn = Turn(meter(), says("a" * 300))
    await turn.ask()
    (told,) = turn.updates
    assert told.estimated
    assert told.usage == Usage(N_INPUT, 100)
    assert told.usd == pytest.approx((N_INPUT * 2 + 100 * 10) / 1e6)


@pytest.mark.parametrize("usage", [None, Usage(900, 1)], ids=["nothing", "the input"])
async def test_a_cancelled_answer_is_booked_by_what_came(usage: Usage | None) -> None:
    async def answer(request: ModelRequest) -> AsyncGenerator[StreamEvent]:
        if usage:
            yield UsageReport(usage)
        yield TextDelta("b" * 600)
        await anyio.sleep_forever()

    turn = Turn(meter(day=1.0), answer)
    with anyio.move_on_after(0.05):
        await turn.ask()
    (told,) = turn.updates
    assert told.usage == Usage(usage.input if usage else N_INPUT, 200)
    assert told.estimated
    day = turn.meter.spending.day()
    assert (day.held_usd, day.spent_usd) == (0, pytest.approx(told.usd))


async def test_an_answer_that_was_cut_off_counts_what_came() -> None:
    turn = Turn(meter(), fails(errors.ConnectionLost("broke"), UsageReport(Usage(900, 1)), TextDelta("c" * 30)))
    with pytest.raises(errors.ConnectionLost):
        await turn.ask()
    assert turn.updates[0].usage == Usage(900, 10)
    cut_off = Turn(meter(), says("d" * 60, Usage(900, 2), "cut_off"))
    await cut_off.ask()
    assert cut_off.updates[0].usage == Usage(900, 20)


NOT_BILLED = [errors.AuthRejected("no"), errors.RateLimited("slow"), errors.Overloaded("busy"), NothingListens("none")]


@pytest.mark.parametrize("error", NOT_BILLED, ids=lambda error: type(error).__name__)
async def test_what_was_refused_costs_nothing(error: Exception) -> None:
    turn = Turn(meter(day=1.0), fails(error))
    with pytest.raises(type(error)):
        await turn.ask()
    assert turn.updates == []
    assert turn.meter.spending.day().taken_usd == 0


async def test_no_answer_to_what_was_sent_may_be_billed() -> None:
    turn = Turn(meter(), fails(errors.ModelTimeout("silent")))
    with pytest.raises(errors.ModelTimeout):
        await turn.ask()
    assert turn.updates[0].usage == Usage(N_INPUT, 0)


async def test_each_try_that_may_have_been_billed_is_counted() -> None:
    tries = [
        fails(errors.RateLimited("slow")),
        fails(errors.ModelTimeout("silent")),
        fails(errors.Overloaded("busy"), UsageReport(Usage(900, 0))),
        says("Hello", Usage(901, 5)),
    ]
    turn = Turn(meter(day=1.0), retrying(tries))
    events = await turn.ask()
    assert events[-1] == Finished("end_turn")
    assert [told.usage.input for told in turn.updates] == [N_INPUT, 900, 901]
    assert [told.estimated for told in turn.updates] == [True, False, False]
    day = turn.meter.spending.day()
    assert (day.spent_usd, day.held_usd) == (pytest.approx(turn.bill.spent_usd), 0)


async def test_the_last_failure_of_several_is_booked_once() -> None:
    turn = Turn(meter(), retrying([fails(errors.ModelTimeout("silent")) for _ in range(3)], max_tries=3))
    with pytest.raises(errors.ModelTimeout):
        await turn.ask()
    assert len(turn.updates) == 3


async def test_no_try_follows_that_the_cap_cannot_pay() -> None:
    turn = Turn(meter(turn=WORST_INPUT_USD * 1.2 + 256e-5), retrying([fails(errors.ModelTimeout("silent"))] * 5))
    with pytest.raises(errors.BudgetExceeded, match=r"silent Another try is not made: budget\.perTurnUsd"):
        await turn.ask()
    assert len(turn.updates) == 1
    assert TRIES.get() is None


def retrying(answers: list[Answer], max_tries: int = 5) -> Answer:
    left = list(answers)

    async def no_wait(_delay_s: float) -> None:
        await anyio.lowlevel.checkpoint()

    def answer(request: ModelRequest) -> AsyncGenerator[StreamEvent]:
        return tried(lambda: left.pop(0)(request), Retries(RetryPolicy(max_tries=max_tries, sleep=no_wait)))

    return answer


# --- caps -------------------------------------------------------------------------------------------------


async def test_the_answer_is_cut_to_what_is_left() -> None:
    turn = Turn(meter(turn=WORST_INPUT_USD + 1_000 * 10 / 1e6))
    await turn.ask()
    assert turn.model.sent[0].max_output_tokens in (999, 1_000)


async def test_a_cap_far_away_still_limits_the_answer() -> None:
    turn = Turn(meter(turn=100))
    await turn.ask()
    assert turn.model.sent[0].max_output_tokens == FACTS.output_limit_tokens
    small = Turn(meter(turn=100))
    await small.ask(replace(ASK, max_output_tokens=100))
    assert small.model.sent[0].max_output_tokens == 100


async def test_too_little_left_sends_nothing() -> None:
    turn = Turn(meter(turn=WORST_INPUT_USD + (USEFUL_TOKENS - 2) * 10 / 1e6))
    with pytest.raises(errors.BudgetExceeded) as caught:
        await turn.ask()
    assert turn.model.sent == []
    assert turn.bill.held_usd == 0
    words = str(caught.value)
    assert "budget.perTurnUsd is $0.0058: this turn has spent $0" in words
    assert "could cost $0.0059" in words
    assert f"about {int(N_INPUT * MARGIN) + SPARE_TOKENS:,} tokens in, 256 out" in words
    assert "Raise budget.perTurnUsd" in words


async def test_the_day_is_shared_by_turns() -> None:
    meter_ = meter(day=3 * (WORST_INPUT_USD + 300 * 10 / 1e6))
    first = Turn(meter_, says("x", Usage(N_INPUT, 300)))
    await first.ask(replace(ASK, max_output_tokens=300))
    await Turn(meter_, says("x", Usage(N_INPUT, 300))).ask(replace(ASK, max_output_tokens=300))
    assert meter_.spending.day().spent_usd == pytest.approx(2 * (N_INPUT * 2 + 3_000) / 1e6)
    third = Turn(meter_)
    await third.ask()
    (limit,) = [request.max_output_tokens for request in third.model.sent]
    assert limit is not None
    assert 256 <= limit < 1_000


async def test_what_runs_is_held_and_says_so() -> None:
    gate = anyio.Event()

    async def slow(request: ModelRequest) -> AsyncGenerator[StreamEvent]:
        await gate.wait()
        yield UsageReport(Usage(100, 10))
        yield Finished("end_turn")

    meter_ = meter(day=0.1)
    async with anyio.create_task_group() as group:
        group.start_soon(Turn(meter_, slow).ask)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(errors.BudgetExceeded, match=r"\$0 is spent today and \$0\.08\d is held for requests"):
            await Turn(meter_, facts=replace(FACTS, output_limit_tokens=100_000)).ask(
                replace(ASK, messages=ASK.messages * 10)
            )
        gate.set()
    assert meter_.spending.day().held_usd == 0


@pytest.mark.parametrize("cap", [{"turn": 1.0}, {"day": 1.0}], ids=str)
async def test_no_price_and_a_cap_is_refused(cap: dict[str, float]) -> None:
    turn = Turn(meter(**cap), facts=replace(FACTS, billing="unknown", price=None))
    with pytest.raises(errors.BudgetExceeded, match=r"no price is known for 'paid/one'.*models\.toml"):
        await turn.ask()
    assert turn.model.sent == []


@pytest.mark.parametrize(("billing", "usd"), [("free", 0.0), ("elsewhere", None)])
async def test_what_is_not_billed_here_passes_any_cap(billing: str, usd: float | None) -> None:
    turn = Turn(meter(turn=0.0, day=0.0), says("x", Usage(10, 1)), replace(FACTS, billing=billing, price=None))
    await turn.ask()
    assert turn.updates[0].usd == usd
    assert turn.bill.cost.usd == usd
    assert turn.model.sent[0].max_output_tokens is None


async def test_a_cap_of_nothing_refuses_what_costs() -> None:
    with pytest.raises(errors.BudgetExceeded):
        await Turn(meter(turn=0.0)).ask()


async def test_explanations_count_for_the_day_alone() -> None:
    meter_ = meter(turn=0.0, day=1.0)
    model = meter_.beside().around(PaidModel(says("x", Usage(1_000, 100))))
    await drained(model, replace(ASK, max_output_tokens=300))
    assert meter_.spending.day().spent_usd == pytest.approx(0.003)


async def test_a_day_that_cannot_be_read_is_no_leave_to_spend(tmp_path: Path) -> None:
    (tmp_path / "spending").write_text("a file where a folder belongs")
    with pytest.raises(errors.BudgetExceeded, match=r"budget\.perDayUsd cannot be kept: .*spending"):
        await Turn(meter(day=1.0, folder=tmp_path / "spending")).ask()
    uncapped = Turn(meter(folder=tmp_path / "spending"), says("x", Usage(1_000, 100)))
    await uncapped.ask()
    assert uncapped.bill.spent_usd == pytest.approx(0.003)
    assert "cannot be written" in uncapped.meter.spending.problem


async def test_an_estimate_that_was_wrong_is_booked_truly_and_learnt_from() -> None:
    usage = Usage(4 * N_INPUT, 100)
    turn = Turn(meter(turn=WORST_INPUT_USD + 0.0026), says("x", usage))
    await turn.ask()
    assert turn.bill.spent_usd == pytest.approx(PRICE.usd(usage))
    assert turn.meter.margin("paid/one") == pytest.approx(4.4)
    with pytest.raises(errors.BudgetExceeded, match="this turn has spent"):
        await turn.ask()


# --- what is expected -------------------------------------------------------------------------------------


async def test_a_turn_says_first_what_it_may_come_to() -> None:
    turn = Turn(meter(), past=(0.03, 0.01))
    await turn.ask()
    await turn.ask()
    (expected,) = [event for event in turn.told if isinstance(event, CostExpected)]
    assert turn.told[0] == expected
    assert expected.input_tokens == N_INPUT
    assert expected.low_usd == pytest.approx((N_INPUT * 2 + 150 * 10) / 1e6)
    assert expected.high_usd == 0.03
    fresh = Turn(meter())
    await fresh.ask()
    assert isinstance(first := fresh.told[0], CostExpected)
    assert first.low_usd is not None
    assert first.high_usd is not None
    assert first.low_usd < first.high_usd < 40 * first.low_usd


async def test_nothing_is_expected_of_what_is_free() -> None:
    turn = Turn(meter(), facts=BUILT_IN)
    await turn.ask()
    assert [type(event) for event in turn.told] == [CostUpdated]


# --- never more than the cap ------------------------------------------------------------------------------


class Contracted:
    """A provider that keeps its word: no more output than was asked for, an input as large as was counted or less."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    async def answer(self, request: ModelRequest) -> AsyncGenerator[StreamEvent]:
        pick = self.chance.random
        await anyio.sleep(pick() / 1_000)
        if pick() < 0.2:
            raise self.chance.choice([errors.ModelTimeout("t"), errors.ConnectionLost("c"), errors.RateLimited("r")])
        assert request.max_output_tokens is not None
        n_input = int(request.input_tokens * (0.5 + 0.75 * pick()))
        n_output = int(request.max_output_tokens * (pick() if pick() < 0.7 else 1))
        read = int(n_input * pick())
        usage = Usage(n_input, n_output, read, int((n_input - read) * pick()))
        if pick() < 0.5:
            yield UsageReport(replace(usage, output=min(1, n_output)))
        yield TextDelta("w" * (n_output // 2))
        await anyio.sleep(pick() / 500)
        if pick() < 0.1:
            raise errors.ConnectionLost("mid-stream")
        if pick() < 0.9:
            yield UsageReport(usage)
        yield Finished("end_turn")


@pytest.mark.parametrize("seed", range(12))
async def test_no_sequence_of_requests_costs_more_than_the_caps(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    price = Price(chance.uniform(0.1, 5), chance.uniform(0.5, 75), chance.uniform(0, 1), chance.uniform(0, 6))
    facts = ModelFacts("paid", 200_000, chance.choice([1_000, 30_000]), "tokens", price)
    caps = {"turn": chance.uniform(0.001, 0.3), "day": chance.uniform(0.005, 1.0)}
    meters = [meter(**caps, folder=tmp_path) for _ in range(2)]  # two servers
    bills: list[Bill] = []
    n_refused = 0

    async def turn(meter_: Meter) -> None:
        nonlocal n_refused
        bill = meter_.turn("s", "t", lambda event: None)
        bills.append(bill)
        model = bill.around(PaidModel(retrying_one(Contracted(chance)), facts))
        for _ in range(12):
            request = replace(ASK, messages=ASK.messages * chance.randint(1, 20))
            with anyio.move_on_after(0.002 if chance.random() < 0.2 else 10):
                try:
                    await drained(model, request)
                except errors.BudgetExceeded:
                    n_refused += 1
                except errors.ModelError:
                    pass

    async with anyio.create_task_group() as group:
        for index in range(6):
            group.start_soon(turn, meters[index % 2])
    day = meters[0].spending.day()
    assert day == meters[1].spending.day()
    assert day.held_usd == pytest.approx(0, abs=1e-9)
    assert 0 < day.spent_usd <= caps["day"] + 1e-9
    assert day.spent_usd == pytest.approx(sum(bill.spent_usd for bill in bills))
    assert all(bill.spent_usd <= caps["turn"] + 1e-9 for bill in bills)
    assert n_refused, "the caps were never met: the test says nothing"


def retrying_one(provider: Contracted) -> Answer:
    async def no_wait(_delay_s: float) -> None:
        await anyio.lowlevel.checkpoint()

    def answer(request: ModelRequest) -> AsyncGenerator[StreamEvent]:
        return tried(lambda: provider.answer(request), Retries(RetryPolicy(max_tries=3, sleep=no_wait)))

    return answer
