"""How long hosts ask to wait, in each of the forms they say it in."""

from datetime import UTC, datetime

import pytest

from copydesk.domain import errors
from copydesk.models import failures, waits

NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)
ORIGIN = failures.Origin("Gemini", "h", "m", "GEMINI_API_KEY")
QUOTA = (
    b'{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. '
    b'Please retry in 58.934310785s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":'
    b'"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"58s"}]}}'
)


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"retry-after": "7"}, b"", 7.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:00 GMT"}, b"", 60.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:00 GMT", "retry-after-ms": "250"}, b"", 0.25),
        ({"retry-after": "1m30s"}, b"", 90.0),
        ({"x-should-retry": "false", "retry-after": "1"}, b"", waits.NEVER_S),
        ({"x-should-retry": "true"}, b"", None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, b"", 360.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20ms"}, b"", 0.02),
        ({"x-ratelimit-remaining-tokens": "149984", "x-ratelimit-reset-tokens": "6m0s"}, b"", None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str((int(NOW.timestamp()) + 9) * 1000)}, b"", 9.0),
        (
            {
                "anthropic-ratelimit-tokens-remaining": "0",
                "anthropic-ratelimit-tokens-reset": "2026-10-21T07:28:40Z",
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-10-21T07:28:20Z",
            },
            b"",
            40.0,
        ),
        ({}, QUOTA, 58.0),
        ({}, b'{"error":{"message":"Rate limit reached. Please try again in 1.25s. Visit"}}', 1.25),
        ({}, b'{"error":{"message":"Please try again in 6m0s."}}', 360.0),
        ({}, b"Please retry after 30 seconds.", 30.0),
        ({"retry-after": "soon"}, b"", None),
        ({"x-ratelimit-remaining-tokens": "0"}, b"", None),
    ],
)
def test_what_a_rate_limit_asks_for(headers: dict[str, str], body: bytes, expected: float | None) -> None:
    found = waits.asked_s(headers, body, 429, NOW)
    assert found == (expected if expected is None else pytest.approx(expected, abs=0.001))


def test_a_reset_is_only_for_rate_limits() -> None:
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}
    assert waits.asked_s(headers, b"try again in 9s", 500, NOW) is None


def test_a_quota_of_a_minute_is_no_empty_account() -> None:
    error = failures.from_status(429, {}, QUOTA, ORIGIN)
    assert type(error) is errors.RateLimited
    assert (error.retry_after_s, error.status) == (58.0, 429)
    spent = failures.from_status(
        429, {}, QUOTA.replace(b"Please retry in 58.934310785s.", b"").split(b',"det')[0], ORIGIN
    )
    assert type(spent) is errors.BadRequest
    assert spent.another_may


def test_an_error_in_the_stream_may_say_when() -> None:
    error = failures.from_object({"message": "Rate limit. Try again in 11s", "type": "tokens", "code": "429"}, ORIGIN)
    assert isinstance(error, errors.RateLimited)
    assert (error.retry_after_s, error.status) == (11.0, 429)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.5, "0.5 s"), (7, "7 s"), (90, "90 s"), (180, "3 min"), (7_500, "2 h 5 min"), (86_400, "24 h"), (3e5, "3 d")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert waits.in_words(seconds) == words
