"""How long a host asks to wait before the next try, in all the forms that hosts say it in; and times in words.

Pure. Start with `asked_s`. The forms: `retry-after-ms` (OpenAI, Azure), `retry-after` in seconds or as an HTTP date
(RFC 9110, 10.2.3), `x-should-retry` (OpenAI, Anthropic; their own clients obey it), and for a rate limit, where none of
these is there: the reset of a budget whose `…-remaining` is 0 (`anthropic-ratelimit-*-reset` are RFC 3339 times,
`x-ratelimit-reset-*` durations such as `6m0s`), Google's `RetryInfo.retryDelay` in the body, or the message's words
("Please try again in 1.2s", "Please retry in 58.9s").
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

NEVER_S = float("inf")
"""The host says that trying again is of no use."""
EPOCH_S = 1_000_000_000
"""A larger number of seconds is a time since 1970, as OpenRouter says it, in seconds or milliseconds."""

_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000_001, "µs": 0.000_001}
_PART = r"\d+(?:\.\d+)?(?:ms|us|µs|[dhms])"
_DURATION = re.compile(rf"(?:{_PART})+")
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|[dhms])")
_GOOGLE = re.compile(r'"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"')
_SAID = re.compile(
    rf"(?:try again|retry) (?:in|after) (?:about )?((?:{_PART})+|\d+(?:\.\d+)? ?(?:seconds?|minutes?))", re.I
)
_RESETS = ("anthropic-ratelimit-", "x-ratelimit-")


def asked_s(
    headers: Mapping[str, str], body: bytes = b"", status: int = 0, now: datetime | None = None
) -> float | None:
    """What the host asks for, in seconds; None when it says nothing of it, `NEVER_S` when it asks not to try again."""
    now = now or datetime.now(UTC)
    if headers.get("x-should-retry", "").strip().lower() == "false":
        return NEVER_S
    said = retry_after_s(headers, now)
    if said is not None or status not in (429, 529, 503):
        return said
    resets = list(_used_up(headers, now)) if status == 429 else []
    return max(resets) if resets else in_body_s(body.decode("utf-8", "replace"))


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """`retry-after-ms`, or `retry-after` in seconds or as an HTTP date."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        due = parsedate_to_datetime(text)
        due = due if due.tzinfo else due.replace(tzinfo=UTC)
        return max(0.0, (due - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return _duration_s(text)


def in_body_s(text: str) -> float | None:
    """What an error's own words ask for."""
    if found := _GOOGLE.search(text):
        return float(found[1])
    if found := _SAID.search(text):
        words = found[1].lower()
        if words.endswith(("second", "seconds")):
            return float(words.split("s")[0])
        if words.endswith(("minute", "minutes")):
            return float(words.split("m")[0]) * 60
        return _duration_s(words)
    return None


def in_words(seconds: float) -> str:
    """A time as a person says it: `0.5 s`, `90 s`, `15 min`, `2 h 5 min`, `3 d`."""
    if seconds < 10:
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + " s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(hours / 24)} d"


def sentence(text: str) -> str:
    """`text`, ended so that another sentence can follow: hosts often leave the point out."""
    text = text.rstrip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _used_up(headers: Mapping[str, str], now: datetime) -> Iterator[float]:
    """When what is used up comes back. Other budgets say when they are *full* again: far too long."""
    for name, value in headers.items():
        lowered = name.lower()
        if not lowered.startswith(_RESETS):
            continue
        # Anthropic: …-tokens-remaining, …-tokens-reset; OpenAI: x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens.
        if "remaining" in lowered and value.strip() == "0":
            reset_s = _reset_s(headers.get(lowered.replace("remaining", "reset"), "").strip(), now)
            if reset_s is not None:
                yield reset_s


def _reset_s(text: str, now: datetime) -> float | None:
    number = _number(text)
    if number is not None:
        if number < EPOCH_S:
            return number
        return max(0.0, (number / 1000 if number >= EPOCH_S * 1000 else number) - now.timestamp())
    try:
        due = datetime.fromisoformat(text)
    except ValueError:
        return _duration_s(text)
    return max(0.0, ((due if due.tzinfo else due.replace(tzinfo=UTC)) - now).total_seconds())


def _duration_s(text: str) -> float | None:
    """`1m30.5s`, `20ms`: Go's durations."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PIECE.findall(text))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
