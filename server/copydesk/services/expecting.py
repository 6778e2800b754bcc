"""What a turn is likely to cost, said before its first request: a guess, and shown as one.

Pure. Start with `expected`.
"""

from copydesk.domain.models import PER, Price

SHORT_TOKENS = 150
"""A short answer."""
STEPS = 8
"""Requests of a turn in a session that has had none."""
STEP_TOKENS = 400
"""What a model says in one step, and ..."""
GROWTH_TOKENS = 1_500
"""... by how much each step's input is longer than the one before."""


def expected(n_input: int, price: Price, cached_share: float, turns_usd: tuple[float, ...]) -> tuple[float, float]:
    """From one request answered shortly to the dearest of the session's last turns; USD."""
    price = price.at(n_input)
    once = n_input * (cached_share * price.cache_read + (1 - cached_share) * price.input) / PER
    low = once + SHORT_TOKENS * price.output / PER
    return low, max(low, max(turns_usd) if turns_usd else _usual_turn(n_input, price))


def _usual_turn(n_input: int, price: Price) -> float:
    """The first request is fresh; later ones find what was sent before in the cache, where there is one."""
    again = min(price.cache_read, price.input) if price.cache_read else price.input
    later = sum(n_input + step * GROWTH_TOKENS for step in range(STEPS - 1))
    fresh = n_input + (STEPS - 1) * GROWTH_TOKENS
    whole = fresh * max(price.input, price.cache_write) + later * again + STEPS * STEP_TOKENS * price.output
    return whole / PER
