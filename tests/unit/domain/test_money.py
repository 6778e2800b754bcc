"""Money in words and on the wire."""

import pytest

from copydesk.domain.money import dollars, from_cache, to_amount


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (0, "$0"),
        (-1e-12, "$0"),
        (0.00001, "< $0.0001"),
        (0.0042, "$0.0042"),
        (0.00994, "$0.0099"),
        (0.00996, "$0.010"),
        (0.0123, "$0.012"),
        (0.0996, "$0.10"),
        (0.5, "$0.50"),
        (4.2, "$4.20"),
        (1234.5, "$1,234.50"),
    ],
)
def test_dollars(usd: float, words: str) -> None:
    assert dollars(usd) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, ""),
        (0.0001, "1 % from cache"),
        (0.874, "87 % from cache"),
        (0.9999, "99 % from cache"),
        (1, "100 % from cache"),
    ],
)
def test_the_share_of_the_cache(share: float, words: str) -> None:
    assert from_cache(share) == words


def test_amounts() -> None:
    assert to_amount(0.0042) == {"amount": 0.0042, "currency": "USD"}
    assert to_amount(None) is None
