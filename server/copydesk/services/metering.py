"""The meter: what requests cost, and caps that cannot be overspent. Put around each model that may answer.

Before a request it counts the input, holds the most the request can cost and shortens the answer until the caps hold;
after it, however it ended, it books what the provider reported, else an estimate from what was streamed. One `Meter` a
core, one `Bill` a turn, one `Metered` a model. Knows no wire and no protocol. Start with `Metered.stream`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from types import TracebackType

from copydesk.config.settings import Settings
from copydesk.domain.errors import BudgetExceeded, ConnectionLost, ModelError, ModelTimeout, TransientModelError
from copydesk.domain.events import CostExpected, CostUpdated, Event
from copydesk.domain.messages import Usage
from copydesk.domain.models import BUILT_IN, ModelFacts, Price, facts_of
from copydesk.domain.money import Cost
from copydesk.domain.ports import Model, TokenCounter
from copydesk.domain.stream import (
    Finished,
    ModelRequest,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    UsageReport,
)
from copydesk.egress.failures import Unsent
from copydesk.models.retry import TRIES
from copydesk.services import budgets
from copydesk.services.budgets import PER_DAY, PER_TURN, Caps, Purse, Size
from copydesk.services.expecting import expected
from copydesk.services.rough_counter import RoughCounter
from copydesk.store.spending import Day, Hold, Spending, SpendingError

MARGIN = 1.25
"""How much more than its estimate an input may be; more where a provider has shown that it can be."""
MAX_MARGIN = 8.0


class Meter:
    """What all sessions of a core share: the day's money, the counting, and how far the counting can be wrong."""

    def __init__(
        self,
        settings: Callable[[], Settings] = Settings,
        spending: Spending | None = None,
        counter: TokenCounter | None = None,
    ) -> None:
        self.settings = settings
        self.spending = spending or Spending()
        self.counter = counter or RoughCounter()
        self._margins: dict[str, float] = {}

    def caps(self) -> Caps:
        return budgets.caps_of(self.settings())

    def margin(self, model: str) -> float:
        return self._margins.get(model, MARGIN)

    def learn(self, request: ModelRequest, model: str, facts: ModelFacts, n_input: int) -> None:
        """A provider told the truth about an input: the next estimates are better, and safer where one was too low."""
        self.counter.learn(request, model, facts, n_input)
        if request.input_tokens and n_input > budgets.worst_input(request.input_tokens, self.margin(model)):
            self._margins[model] = min(MAX_MARGIN, 1.1 * n_input / request.input_tokens)

    def turn(
        self,
        session: str,
        turn: str,
        emit: Callable[[Event], None],
        before: Cost | None = None,
        turns_usd: tuple[float, ...] = (),
    ) -> "Bill":
        """The bill of one turn. `before` is what its session has cost so far, `turns_usd` what its last turns did."""
        return Bill(self, session, turn, emit, before or Cost(), turns_usd)

    def beside(self) -> "Bill":
        """The bill of what is asked beside turns, such as explanations: only the day's cap watches it."""
        return Bill(self)


class Bill:
    """What is asked under one name: a turn's requests, one after another or at once, whichever models answer."""

    def __init__(
        self,
        meter: Meter,
        session: str = "",
        turn: str = "",
        emit: Callable[[Event], None] | None = None,
        before: Cost = Cost(),  # noqa: B008  it is frozen
        turns_usd: tuple[float, ...] = (),
    ) -> None:
        self.meter = meter
        self.session = session
        self.usage = Usage()
        self.spent_usd = 0.0
        self.held_usd = 0.0
        self._turn = turn
        self._emit = emit
        self._before = before
        self._turns_usd = turns_usd
        self._is_priced = False
        self._is_estimated = False
        self._is_first = True

    @property
    def cost(self) -> Cost:
        usd = self.spent_usd if self._is_priced else None
        return Cost(usd, self.usage.cached_share, self._is_estimated)

    def around(self, model: Model) -> "Metered":
        return Metered(model, self)

    # --- before a request ---

    async def open(self, model: Model, request: ModelRequest) -> "Request":
        """Counts, checks and holds. Raises `BudgetExceeded`, and then nothing is held."""
        facts, name = facts_of(model), model.name
        n_input = self.meter.counter.count(request, name, facts)
        request = replace(request, input_tokens=n_input, session=request.session or self.session)
        if facts_price(facts) is not None:
            await self.meter.spending.catch_up()
        opened = Request(self, name, facts, request, self.meter.spending.opened())
        caps = self.meter.caps()
        if caps.is_set and facts.billing not in ("free", "elsewhere"):
            await self._hold(opened, caps)
        self._expect(opened)
        return opened

    async def _hold(self, opened: "Request", caps: Caps) -> None:
        if facts_price(opened.facts) is None:
            budgets.refuse_unpriced(opened.name, caps)
        if caps.day is None:
            opened.take(self._fitted(opened, caps, None))
            return
        try:
            hold = await self.meter.spending.hold(
                lambda day: self._fitted(opened, caps, day).usd, {"model": opened.name, "session": self.session}
            )
        except SpendingError as error:
            raise BudgetExceeded(f"{PER_DAY} cannot be kept: {error.message}", advice=error.advice) from error
        opened.take(opened.size, hold)

    def _fitted(self, opened: "Request", caps: Caps, day: Day | None) -> Size:
        facts, request = opened.facts, opened.request
        price = facts_price(facts)
        assert price is not None
        n_input = budgets.worst_input(request.input_tokens, self.meter.margin(opened.name))
        n_asked = budgets.asked_output(request.max_output_tokens, facts)
        opened.size = budgets.fitted(opened.name, n_input, n_asked, price, self._purses(caps, day))
        return opened.size

    def _purses(self, caps: Caps, day: Day | None) -> list[Purse]:
        purses: list[Purse] = []
        if caps.turn is not None and self._turn:
            purses.append(Purse(PER_TURN, caps.turn, self.spent_usd, self.held_usd))
        if caps.day is not None and day is not None:
            purses.append(Purse(PER_DAY, caps.day, day.spent_usd, day.held_usd))
        return purses

    def _expect(self, opened: "Request") -> None:
        if not self._is_first:
            return
        self._is_first = False
        if self._emit is not None and opened.facts.billing != "free":
            price, n_input = facts_price(opened.facts), opened.request.input_tokens
            low, high = expected(n_input, price, self._before.cached_share, self._turns_usd) if price else (None, None)
            self._emit(CostExpected(self._turn, opened.name, n_input, low, high))

    # --- after one ---

    def check(self, opened: "Request", why: str) -> None:
        """Another try may cost as much again as the one that failed: raises `BudgetExceeded` where that is too much."""
        if opened.size is None:
            return
        caps = self.meter.caps()
        day = self.meter.spending.day() if caps.day is not None else None
        if empty := budgets.fits(0.0, self._purses(caps, day)):
            budgets.refuse_again(opened.name, opened.size.usd, empty, why)

    def book(self, opened: "Request", usage: Usage | None, *, is_estimated: bool, is_open: bool) -> None:
        """Takes in what one try has cost, None where it cost nothing. `is_open`: its hold stays, for another one."""
        if usage is None:
            self.meter.spending.spend(opened.hold, 0.0, {}, is_open=is_open)
            return
        usd = usd_of(opened.facts, usage)
        note = {"model": opened.name, "session": self.session, "input": usage.input, "cached": usage.cache_read}
        note |= {"output": usage.output, **({"estimated": True} if is_estimated else {})}
        self.meter.spending.spend(opened.hold, usd or 0.0, note, is_open=is_open)
        self.usage = self.usage + usage
        self.spent_usd += usd or 0.0
        self._is_priced = self._is_priced or usd is not None
        self._is_estimated = self._is_estimated or is_estimated
        if self._emit is not None:
            self._emit(self._updated(opened, usage, usd, is_estimated=is_estimated))

    def _updated(self, opened: "Request", usage: Usage, usd: float | None, *, is_estimated: bool) -> CostUpdated:
        return CostUpdated(
            self._turn,
            opened.name,
            usage,
            usd,
            self.spent_usd,
            (self._before.usd or 0.0) + self.spent_usd,
            (self.meter.spending.day() if usd else self.meter.spending.known()).spent_usd,
            usage.input + usage.output,
            opened.facts.window_tokens,
            self.usage.cached_share,
            is_estimated,
            self.usage,
        )


class Request:
    """One request on its way, and the events of its answer. `close` books it, however it ended.

    It hears of its tries (`models.retry.Tries`), since a try that failed may have cost something.
    """

    def __init__(self, bill: Bill, name: str, facts: ModelFacts, request: ModelRequest, hold: Hold) -> None:
        self.name = name
        self.facts = facts
        self.request = request
        self.hold = hold
        self.size: Size | None = None
        self._bill = bill
        self._usage: Usage | None = None
        self._pieces: list[str] = []
        self._is_whole = False
        self._is_out = True
        self._why = ""

    def take(self, size: Size | None, hold: Hold | None = None) -> None:
        """From now on the money is held, and the answer is no longer than it can pay."""
        assert size is not None
        self.size, self.hold = size, hold or self.hold
        self._bill.held_usd += size.usd
        if self.request.max_output_tokens != size.output_tokens:
            self.request = replace(self.request, max_output_tokens=size.output_tokens)

    def __aiter__(self) -> "Request":
        return self

    async def __anext__(self) -> StreamEvent:
        event = await self._next()
        if isinstance(event, (TextDelta, ThinkingDelta, RefusalDelta)):
            self._pieces.append(event.text)
        elif isinstance(event, ToolCallDelta):
            self._pieces.append(event.json)
        elif isinstance(event, UsageReport):
            self._usage = event.usage
        elif isinstance(event, Finished):
            self._is_whole = event.reason != "cut_off"
        return event

    def over(self, events: AsyncIterator[StreamEvent]) -> "Request":
        """The events of the answer, as they come."""
        self._next = events.__anext__
        return self

    def failed(self, error: TransientModelError) -> None:
        """One try is over."""
        usage, is_estimated = self._tried(error)
        self._is_out = False
        self._bill.book(self, usage, is_estimated=is_estimated, is_open=True)
        self._usage = None
        self._pieces.clear()
        self._why = error.message

    def again(self) -> None:
        """Another try follows. Raises `BudgetExceeded` where there must be none."""
        self._bill.check(self, self._why)
        self._is_out = True

    def close(self, error: BaseException | None) -> None:
        """Books the last try and lets go of what was held."""
        usage, is_estimated = self._tried(error) if self._is_out else (None, False)
        if self.size is not None:
            self._bill.held_usd -= self.size.usd
        self._bill.book(self, usage, is_estimated=is_estimated, is_open=False)
        if self._usage is not None and self._usage.input and not is_estimated:
            self._bill.meter.learn(self.request, self.name, self.facts, self._usage.input)

    def _tried(self, error: BaseException | None) -> tuple[Usage | None, bool]:
        """What one try has used, and whether that is an estimate."""
        told = self._usage if self._usage is not None and (self._usage.input or self._usage.output) else None
        if told is not None and self._is_whole:
            return told, False
        if self.facts.family == BUILT_IN.family:
            return told or Usage(), False
        if told is None and not self._pieces and _costs_nothing(error):
            return None, False
        n_output = self._count("".join(self._pieces))
        if told is None:
            return Usage(self.request.input_tokens, n_output), True
        return replace(told, output=max(told.output, n_output)), n_output > told.output

    def _count(self, text: str) -> int:
        return self._bill.meter.counter.count_text(text, self.name, self.facts) if text else 0


class Metered:
    """A model whose requests are counted, kept within the caps, and booked."""

    def __init__(self, inner: Model, bill: Bill) -> None:
        self.inner = inner
        self._bill = bill

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def facts(self) -> ModelFacts:
        return facts_of(self.inner)

    @property
    def is_local(self) -> bool:
        return getattr(self.inner, "is_local", True)  # what says nothing of it is built in

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        return _Stream(self.inner, self._bill, request)


class _Stream:
    """One request from its check to its booking."""

    def __init__(self, model: Model, bill: Bill, request: ModelRequest) -> None:
        self._model = model
        self._bill = bill
        self._asked = request

    async def __aenter__(self) -> AsyncIterator[StreamEvent]:
        self._opened = await self._bill.open(self._model, self._asked)
        self._before = TRIES.get()
        TRIES.set(self._opened)
        try:
            self._inner = self._model.stream(self._opened.request)
            return self._opened.over(await self._inner.__aenter__())
        except BaseException as error:
            self._close(error)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        try:
            return await self._inner.__aexit__(kind, error, trace)
        except BaseException as other:
            error = other
            raise
        finally:
            self._close(error)

    def _close(self, error: BaseException | None) -> None:
        TRIES.set(self._before)
        self._opened.close(error)


def facts_price(facts: ModelFacts) -> Price | None:
    """The price that holds; None where nothing is paid here, or nobody knows what."""
    return facts.price if facts.billing in ("tokens", "unknown") else None


def usd_of(facts: ModelFacts, usage: Usage) -> float | None:
    """What a usage costs; None where no price is known or another account is billed."""
    if facts.billing == "free":
        return 0.0
    price = facts_price(facts)
    return price.usd(usage) if price else None


def _costs_nothing(error: BaseException | None) -> bool:
    """Whether a try that said nothing was refused, or never seen: no provider bills that."""
    if not isinstance(error, ModelError):
        return False  # it answered nothing, or it was stopped
    return isinstance(error, Unsent) or not isinstance(error, (ModelTimeout, ConnectionLost))
