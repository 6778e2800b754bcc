"""How much a model is to reason: the person's level, made smaller as the window fills.

The level changes in two steps only, since on most wires a new one costs the prompt cache. Pure; the wires put what
comes out into their own form. Start with `steered` for levels, `budget_tokens` for numbers.
"""

from typing import Final, Literal, TypeAlias

from copydesk.domain.stream import ModelRequest

Level: TypeAlias = Literal["low", "medium", "high"]

FULL: Final = 0.70
"""Above this share of the window a level is one lower and a budget half."""
VERY_FULL: Final = 0.85
SMALLEST: Final[Level] = "low"
BUDGETS: Final[dict[Level, int]] = {"low": 2_048, "medium": 8_192, "high": 16_384}
LAST_BUDGET: Final = 2_000
"""Most tokens of reasoning in a window that is very full."""

_LOWER: Final[dict[Level, Level]] = {"high": "medium", "medium": "low", "low": "low"}


def fill(request: ModelRequest, window_tokens: int) -> float:
    """How full the window is, 0 to 1; 0 where the request's size is not known."""
    return min(1.0, request.input_tokens / window_tokens) if window_tokens else 0.0


def steered(level: Level, filled: float) -> Level:
    """The level to ask for when the window is `filled` (0 to 1)."""
    if filled > VERY_FULL:
        return SMALLEST
    return _LOWER[level] if filled > FULL else level


def budget_tokens(level: Level, filled: float, output_limit: int) -> int:
    """Tokens of reasoning; never more than half of the answer's limit."""
    budget = BUDGETS[level]
    if filled > VERY_FULL:
        budget = min(budget, LAST_BUDGET)
    elif filled > FULL:
        budget //= 2
    return min(budget, output_limit // 2)
