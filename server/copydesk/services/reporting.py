"""What was spent, in words and as the answer of `copydesk.status`: the one place that puts these figures together.

Pure. Start with `spending_report` for a day and a session, `summary` for one turn.
"""

from typing import Any

from copydesk.domain.messages import Usage
from copydesk.domain.money import Cost, dollars, from_cache, to_amount
from copydesk.services.budgets import Caps
from copydesk.store.spending import Day
from copydesk.store.state import SessionState


def summary(usage: Usage, cost: Cost) -> str:
    """One line about a turn: tokens, what the cache served, money. Empty where no model was asked."""
    tokens = ""
    if usage.input or usage.output:
        cached = from_cache(cost.cached_share)
        tokens = f"{usage.input:,} tokens in{f' ({cached})' if cached else ''}, {usage.output:,} out"
    return " · ".join(part for part in (tokens, _money(usage, cost)) if part)


def _money(usage: Usage, cost: Cost) -> str:
    if cost.usd is None:
        return "cost not known: no price for this model" if usage.input or usage.output else ""
    if not cost.usd:
        return "free: runs on this machine"
    return f"{dollars(cost.usd)}{' (partly estimated)' if cost.estimated else ''}"


def spending_report(day: Day, caps: Caps, session: SessionState | None, problem: str = "") -> dict[str, Any]:
    """What `copydesk.status` says of money. `text` is all of it in one line."""
    report: dict[str, Any] = {
        "today": {"cost": to_amount(day.spent_usd), "held": to_amount(day.held_usd), "cachedShare": day.cached_share},
        "session": _session(session),
        "caps": {"perTurnUsd": caps.turn, "perDayUsd": caps.day},
        "text": in_words(day, caps, session),
    }
    return {**report, "problem": problem} if problem else report


def _session(session: SessionState | None) -> dict[str, Any] | None:
    if session is None:
        return None
    return {"cost": to_amount(session.cost.usd), "cachedShare": round(session.billed.cached_share, 4)}


def in_words(day: Day, caps: Caps, session: SessionState | None) -> str:
    """`$0.12 of $5.00 today, $0.031 in this session (87 % from cache)`."""
    of = f" of {dollars(caps.day)}" if caps.day is not None else ""
    held = f" ({dollars(day.held_usd)} more is held)" if day.held_usd else ""
    words = f"{dollars(day.spent_usd)}{of} today{held}"
    if session is None or session.cost.usd is None:
        return words
    cached = from_cache(session.billed.cached_share)
    return f"{words}, {dollars(session.cost.usd)} in this session{f' ({cached})' if cached else ''}"
