"""Caps of money: what a request may cost at most, how far its answer is cut for that, what is said when it is no use.

Pure. Knows no ledger and no model; `metering` asks it. Start with `fitted`.
"""

from math import floor
from typing import Final, NoReturn

from copydesk.config.settings import Settings
from copydesk.domain.errors import BudgetExceeded
from copydesk.domain.frozen import frozen
from copydesk.domain.models import PER, ModelFacts, Price
from copydesk.domain.money import dollars

PER_TURN: Final = "budget.perTurnUsd"
PER_DAY: Final = "budget.perDayUsd"

USEFUL_TOKENS: Final = 256
"""An answer that must be shorter is of no use: the request is not sent."""
OUTPUT_TOKENS: Final = 32_000
"""Most that one answer may be under a cap when nobody set a limit: what is held for it keeps others waiting."""
SPARE_TOKENS: Final = 64
"""Added to every estimate of an input: what providers wrap a conversation in."""
_CENT_PARTS: Final = 1e-9
"""Differences below this are arithmetic, not money."""


@frozen
class Caps:
    """Dollars; None: no cap."""

    turn: float | None = None
    day: float | None = None

    @property
    def is_set(self) -> bool:
        return self.turn is not None or self.day is not None


def caps_of(settings: Settings) -> Caps:
    return Caps(settings.number(PER_TURN), settings.number(PER_DAY))


@frozen
class Purse:
    """One cap as it stands: its setting, the cap, what is spent, and what requests that still run may cost."""

    key: str
    cap: float
    spent: float
    held: float

    @property
    def left(self) -> float:
        return self.cap - self.spent - self.held


@frozen
class Size:
    """A request as it is to be paid: what its input costs at most, and what it costs with the longest answer."""

    input_usd: float
    output_tokens: int
    usd: float


def worst_input(n_tokens: int, margin: float) -> int:
    return int(n_tokens * margin) + SPARE_TOKENS


def input_usd(n_tokens: int, price: Price) -> float:
    """As if no cache served anything, and one took in all of it."""
    at = price.at(n_tokens)
    return n_tokens * max(at.input, at.cache_write) / PER


def asked_output(max_output_tokens: int | None, facts: ModelFacts) -> int:
    return max(1, min(max_output_tokens or OUTPUT_TOKENS, facts.output_limit_tokens))


def sized(n_input: int, n_output: int, price: Price) -> Size:
    usd = input_usd(n_input, price)
    return Size(usd, n_output, usd + n_output * price.at(n_input).output / PER)


def fitted(name: str, n_input: int, n_asked: int, price: Price, purses: list[Purse]) -> Size:
    """The request with as long an answer as every purse can pay. Raises `BudgetExceeded` where that is no use."""
    base = input_usd(n_input, price)
    n_output = n_asked
    for purse in purses:
        n_fits = _affordable(purse.left - base, price.at(n_input).output, n_asked)
        if n_fits < min(USEFUL_TOKENS, n_asked):
            _refuse(name, n_input, n_asked, price, purse)
        n_output = min(n_output, n_fits)
    return sized(n_input, n_output, price)


def fits(usd: float, purses: list[Purse]) -> Purse | None:
    """The first purse that cannot pay so much more."""
    return next((purse for purse in purses if usd > purse.left + _CENT_PARTS), None)


def _affordable(usd: float, output_price: float, n_asked: int) -> int:
    if usd < -_CENT_PARTS:
        return -1
    if output_price <= 0:
        return n_asked
    return floor(max(0.0, usd) * PER / output_price)


def _refuse(name: str, n_input: int, n_asked: int, price: Price, purse: Purse) -> NoReturn:
    least = sized(n_input, min(USEFUL_TOKENS, n_asked), price)
    raise BudgetExceeded(
        f"{_head(purse)}, and the next request to {name} could cost {dollars(least.usd)} even with a short answer "
        f"(about {n_input:,} tokens in, {least.output_tokens} out). It was not sent.",
        advice=_advice(purse),
    )


def refuse_again(name: str, usd: float, purse: Purse, why: str) -> NoReturn:
    """A failed try may have cost something, so that another one is too much."""
    raise BudgetExceeded(
        f"{why} Another try is not made: {_head(purse)}, and it could cost {dollars(usd)} at {name}.",
        advice=_advice(purse),
    )


def _head(purse: Purse) -> str:
    is_turn = purse.key == PER_TURN
    spent = f"this turn has spent {dollars(purse.spent)}" if is_turn else f"{dollars(purse.spent)} is spent today"
    held = f" and {dollars(purse.held)} is held for requests that have not ended" if purse.held > _CENT_PARTS else ""
    return f"{purse.key} is {dollars(purse.cap)}: {spent}{held}"


def _advice(purse: Purse) -> str:
    if purse.key == PER_DAY:
        return f"Raise {PER_DAY}, set a cheaper or a local model.name, or go on tomorrow."
    return f"Raise {PER_TURN}, ask for less in one turn, or set a cheaper or a local model.name."


def refuse_unpriced(name: str, caps: Caps) -> NoReturn:
    key = PER_TURN if caps.turn is not None else PER_DAY
    raise BudgetExceeded(
        f"{key} is set, and no price is known for {name!r}, so nobody could say whether it holds. Nothing was sent.",
        advice=(
            f'Give it in models.toml beside your config.toml (a table ["{name}"] with input_price and output_price, in '
            f"US dollars for a million tokens), set a model.name whose price is known, or unset {key}."
        ),
    )
