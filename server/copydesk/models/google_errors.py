"""What Google's error details say beyond status and message: quotas, waits, and keys refused with a 400.

`google.rpc` details (googleapis/googleapis `error_details.proto`): `RetryInfo.retryDelay` is a duration ("37.5s"),
`QuotaFailure.violations[].quotaId` names the window ("…PerDayPerProject…"), `ErrorInfo.reason` the cause. Every 429
there speaks of "plan and billing details", whether a minute or a month is used up, so the words alone say nothing.
Pure. Start with `read`.
"""

import re
from typing import Any, Final, Literal, TypeAlias, cast

from copydesk.domain.frozen import frozen

Quota: TypeAlias = Literal["", "wait", "day", "none", "money"]
"""wait: it passes within minutes. day: it comes back tomorrow. none: this plan has none. money: credits are gone."""

_TYPE: Final = "type.googleapis.com/google.rpc."
_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?", re.ASCII)
_RETRY_IN: Final = re.compile(r"retry in (\d[\dhms.]*)", re.IGNORECASE | re.ASCII)
_ZERO: Final = re.compile(r"limit:\s*0(?![\d.])", re.ASCII)
_PER_DAY: Final = re.compile(r"per_?day|daily", re.IGNORECASE)
_MONEY: Final = re.compile(
    r"credits? (are|is|has been|have been) (depleted|exhausted)|prepay|insufficient", re.IGNORECASE
)
_STATUSES: Final = ("RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "UNAVAILABLE")
_PLACE: Final = re.compile(r"location is not supported", re.IGNORECASE)


@frozen
class GoogleError:
    """`wait_s` is None where nothing is said of it."""

    quota: Quota = ""
    wait_s: float | None = None
    bad_key: bool = False
    bad_place: bool = False


def read(error: object) -> GoogleError | None:
    """What an error in Google's shape says; None for anybody else's."""
    fields = _fields(error)
    status = fields.get("status")
    details = [_dict(one) for one in _list(fields.get("details"))]
    details = [one for one in details if str(one.get("@type", "")).startswith(_TYPE)]
    if not details and status not in _STATUSES:
        return None
    message = str(fields.get("message", ""))
    wait_s = next((wait for one in details if (wait := duration_s(one.get("retryDelay"))) is not None), None)
    if wait_s is None and (found := _RETRY_IN.search(message)):
        wait_s = duration_s(found[1].rstrip("."))
    reasons = {one.get("reason") for one in details}
    exhausted = status == "RESOURCE_EXHAUSTED" or fields.get("code") == 429
    return GoogleError(
        _quota(message, details) if exhausted else "",
        wait_s,
        bad_key=bool(reasons & {"API_KEY_INVALID", "ACCESS_TOKEN_EXPIRED"}) or "API key not valid" in message,
        bad_place=bool(_PLACE.search(message)),
    )


def _quota(message: str, details: list[dict[str, Any]]) -> Quota:
    violations = [_dict(one) for detail in details for one in _list(detail.get("violations"))]
    if _ZERO.search(message) or any(str(one.get("quotaValue")) == "0" for one in violations):
        return "none"
    if any(_PER_DAY.search(str(one.get("quotaId", ""))) for one in violations):
        return "day"
    if not violations and _PER_DAY.search(message):
        return "day"
    return "money" if _MONEY.search(message) else "wait"


def duration_s(text: object) -> float | None:
    """`37.5s`, `900ms`, `1h2m3s` → seconds."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) and text else None
    if found is None:
        return None
    hours, minutes, seconds, milliseconds = (float(one) if one else 0.0 for one in found.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def _fields(error: object) -> dict[str, Any]:
    """The innermost error object; Google sends lists of one, too."""
    for _ in range(4):
        listed = _list(error)
        inner = listed[0] if listed else _dict(error).get("error")
        if not isinstance(inner, dict | list):
            break
        error = cast(object, inner)
    return _dict(error)


def _dict(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else []
