"""What was spent, put together in one place; and that a session's part of it outlives its server."""

from copydesk.domain.events import CostUpdated, Event, TurnEnded, TurnStarted
from copydesk.domain.messages import Usage
from copydesk.domain.money import Cost
from copydesk.services.budgets import Caps
from copydesk.services.reporting import spending_report, summary
from copydesk.store.codec import decode, encode
from copydesk.store.spending import Day
from copydesk.store.state import SessionState, apply


def lived(*events: Event) -> SessionState:
    """As it is after the records were read back."""
    state = SessionState()
    for event in events:
        state = apply(state, decode(encode(event)))
    return state


TWO_TURNS = lived(
    TurnStarted("t-1", "prompt", "One", "m", "ask"),
    CostUpdated("t-1", "m", Usage(1_000, 50, 800), 0.01, 0.01, 0.01, 0.01, cached_share=0.8),
    TurnEnded("t-1", "end_turn", "", Usage(1_000, 50, 800), cost=Cost(0.01, 0.8)),
    TurnStarted("t-2", "prompt", "Two", "m", "ask"),
    CostUpdated("t-2", "m", Usage(1_000, 50, 900), 0.02, 0.02, 0.03, 0.03, cached_share=0.9, estimated=True),
    TurnEnded("t-2", "end_turn", "", Usage(1_000, 50, 900), cost=Cost(0.02, 0.9, estimated=True)),
)


def test_a_sessions_cost_is_in_its_records() -> None:
    assert TWO_TURNS.cost == Cost(0.03, 0.85, estimated=True)
    assert TWO_TURNS.turns_usd == (0.01, 0.02)


def test_what_has_no_price_leaves_the_cost_unknown() -> None:
    state = lived(CostUpdated("t-1", "m", Usage(10, 5), None, 0, 0, 0), TurnEnded("t-1", "end_turn", "", Usage()))
    assert state.cost.usd is None
    assert state.turns_usd == ()


def test_the_status_says_all_of_it() -> None:
    report = spending_report(Day("2026-11-21", 0.12, 0.5, 100, 87), Caps(None, 5.0), TWO_TURNS, "disk full")
    assert report == {
        "today": {
            "cost": {"amount": 0.12, "currency": "USD"},
            "held": {"amount": 0.5, "currency": "USD"},
            "cachedShare": 0.87,
        },
        "session": {"cost": {"amount": 0.03, "currency": "USD"}, "cachedShare": 0.85},
        "caps": {"perTurnUsd": None, "perDayUsd": 5.0},
        "text": "$0.12 of $5.00 today ($0.50 more is held), $0.030 in this session (85 % from cache)",
        "problem": "disk full",
    }
    assert spending_report(Day("2026-11-21"), Caps(), None)["text"] == "$0 today"


def test_a_turn_in_one_line() -> None:
    usage = Usage(12_300, 450, 10_701)
    assert summary(usage, Cost(0.0123, 0.87)) == "12,300 tokens in (87 % from cache), 450 out · $0.012"
    assert summary(usage, Cost(0.0, 0.0)) == "12,300 tokens in, 450 out · free: runs on this machine"
    assert summary(usage, Cost(0.5, 0.0, estimated=True)).endswith("450 out · $0.50 (partly estimated)")
    assert summary(usage, Cost()).endswith("cost not known: no price for this model")
    assert summary(Usage(), Cost()) == ""
