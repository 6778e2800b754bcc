"""Money as people read it, and as it goes over a wire: US dollars, the same words in every place that shows them.

Pure. Start with `dollars`.
"""

from typing import Any

from copydesk.domain.frozen import frozen

CURRENCY = "USD"
_SMALLEST_SHOWN = 0.0001


@frozen
class Cost:
    """What some requests came to. `usd` is None where no price is known; `estimated` where a usage was not reported."""

    usd: float | None = None
    cached_share: float = 0.0
    estimated: bool = False


def dollars(usd: float) -> str:
    """`$0.0042` below a cent, `$0.042` below ten, `$4.20` above."""
    if usd <= 0:
        return "$0"
    if usd < _SMALLEST_SHOWN:
        return "< $0.0001"
    if usd < 0.00995:
        return f"${usd:.4f}"
    return f"${usd:.3f}" if usd < 0.0995 else f"${usd:,.2f}"


def from_cache(share: float) -> str:
    """`87 % from cache`; empty where nothing was. Never 100 % while something was not, nor 0 % while something was."""
    if share <= 0:
        return ""
    percent = 100 if share >= 1 else min(99, max(1, round(100 * share)))
    return f"{percent} % from cache"


def to_amount(usd: float | None) -> dict[str, Any] | None:
    """The Agent Client Protocol's form of an amount; None where no price is known."""
    return None if usd is None else {"amount": round(usd, 9), "currency": CURRENCY}
