"""How many tokens a text is, estimated: its shapes, each with its cost. Quick, and never far off.

Owns what costs were looked up before. Knows no messages. Start with `estimate`.
"""

from copydesk.models.tokens.costs import Measured, cost_of
from copydesk.models.tokens.families import Family
from copydesk.models.tokens.pieces import shapes

_MAX_KNOWN = 20_000

_known: dict[tuple[Measured, bool], dict[str, float]] = {}
"""Shape → tokens."""


def estimate(text: str, family: Family) -> float:
    """Tokens of a text by itself. Linear in its length up to a bound, then by samples."""
    if not text:
        return 0.0
    known = _known.setdefault((family.measured, family.digits_each), {})
    if len(known) > _MAX_KNOWN:
        known.clear()
    counted, share = shapes(text)
    total = 0.0
    for shape, count in counted.items():
        cost = known.get(shape)
        if cost is None:
            cost = known[shape] = cost_of(shape, family.measured, digits_each=family.digits_each)
        total += count * cost
    return total / share * family.factor
