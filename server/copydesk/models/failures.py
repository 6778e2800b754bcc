"""What a provider says went wrong → our errors, with the next action. Statuses, error objects, web pages.

Pure. Start with `from_status` for an answer that is not 2xx, `from_object` for an error inside a stream.
"""

import json
import re
from collections.abc import Mapping
from html import unescape
from typing import cast
from urllib.parse import urlsplit

from copydesk.domain import errors
from copydesk.domain.frozen import frozen
from copydesk.models import google_errors, waits

LONGEST = 600
_OVERFLOW = re.compile(
    r"context[_ -]?(length|window|size)|maximum context|prompt is too long|input is too long|too many tokens"
    r"|exceeds? the (available|model'?s|maximum).{0,40}(context|token)|input token count.{0,40}exceeds"
    r"|request too large|request_too_large|reduce the length|exceed_context_size|max_model_len"
    r"|input length and .?max_tokens.? exceed|larger than the maximum context",
    re.IGNORECASE,
)
_NO_MONEY = re.compile(r"insufficient[_ ](quota|balance|credit|fund)|credit balance|billing|payment", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"model.{0,80}(not found|not exist|unknown|invalid|no such|not supported|not available)"
    r"|no such model|unknown model|invalid model|model_not_found|not a valid model|try pulling it",
    re.IGNORECASE | re.DOTALL,
)
_RATE = re.compile(r"rate.?limit|too many requests", re.IGNORECASE)
_TRANSIENT_WORDS = re.compile(
    r"overloaded|server_error|internal|unavailable|api_error|timeout|bad gateway", re.IGNORECASE
)
_UNFIT_WORDS = re.compile(r"image|policy|data_residency|usage_not_included|unsupported")
"""Codes of the Responses API for requests that would fail again."""


@frozen
class Origin:
    """Whose answer is decoded, for messages to a person: the provider's title, the model, the key's variable."""

    provider: str
    host: str
    model: str
    key_variable: str = ""


def from_status(status: int, headers: Mapping[str, str], body: bytes, origin: Origin) -> errors.ModelError:
    """The error for an answer with this status; `body` may be cut."""
    error = _from_status(status, headers, body, origin)
    error.status = status
    return error


def _from_status(status: int, headers: Mapping[str, str], body: bytes, origin: Origin) -> errors.ModelError:
    said = _said(body)
    google = _google(body)
    wait_s = waits.asked_s(headers, body, status)
    if wait_s is None and google is not None:
        wait_s = google.wait_s
    head = f"{origin.provider} answered {status}" + (f": {said}" if said else ".")
    if 300 <= status < 400:
        return _redirect(status, headers, origin)
    if (settled := _googles(google, head, wait_s, origin)) is not None:
        return settled
    if status in (401, 403):
        return errors.AuthRejected(head, advice=_key_advice(origin))
    if status == 429 and waits.in_body_s(body.decode("utf-8", "replace")) is not None:
        # Gemini's limits for a minute speak of billing, and Bedrock's of too many tokens; both pass.
        return errors.RateLimited(head, advice=f"Wait, or {_ANOTHER}", retry_after_s=wait_s)
    if status == 402 or (_NO_MONEY.search(said) and status in (400, 429)):
        return _no_credit(head, origin)
    if (status in (400, 413, 422, 429, 500) and _OVERFLOW.search(said)) or status == 413:
        return errors.ContextOverflow(head, advice="Start a new session or compact this one.")
    if status == 429:
        return errors.RateLimited(head, advice=f"Wait, or {_ANOTHER}", retry_after_s=wait_s)
    if status in (408, 504, 524):
        return errors.ModelTimeout(head, advice=f"Try again, or {_ANOTHER}", retry_after_s=wait_s)
    if status in (409, 425) or status >= 500:
        return errors.Overloaded(head, advice=f"Try again later, or {_ANOTHER}", retry_after_s=wait_s)
    if status in (404, 405) or _NO_MODEL.search(said):
        return _unknown(head, origin)
    return errors.BadRequest(head, advice=f"Check the request's settings (model.*), or {_ANOTHER}")


_ANOTHER = "set another model.name."


def from_object(error: object, origin: Origin) -> errors.ModelError:
    """The error for an error object inside a 200: `{"message", "type", "code"}`, or plain text."""
    message, words, code = _parts(error)
    found = _from_words(error, message, words, code, origin)
    found.status = code if code >= 400 else 0
    return found


def _from_words(error: object, message: str, words: str, code: int, origin: Origin) -> errors.ModelError:
    text = f"{message} {words}"
    head = f"{origin.provider} reported an error in the stream: {message or words or 'no reason given'}"
    status = code if code >= 400 else 0
    google = google_errors.read(error)
    if (settled := _googles(google, head, google and google.wait_s, origin)) is not None:
        return settled
    if status in (401, 403) or "authentication" in words or "permission_error" in words:
        return errors.AuthRejected(head, advice=_key_advice(origin))
    if _OVERFLOW.search(text):
        return errors.ContextOverflow(head, advice="Start a new session or compact this one.")
    if _NO_MONEY.search(text) or status == 402:
        return _no_credit(head, origin)
    if status == 429 or _RATE.search(text):
        return errors.RateLimited(head, advice=f"Wait, or {_ANOTHER}", retry_after_s=waits.in_body_s(message))
    if status == 404 or _NO_MODEL.search(text):
        return _unknown(head, origin)
    if status in (408, 504):
        return errors.ModelTimeout(head, advice=f"Try again, or {_ANOTHER}")
    if _UNFIT_WORDS.search(words):
        return errors.BadRequest(head, advice=f"Check what was sent, or {_ANOTHER}")
    if status >= 500 or _TRANSIENT_WORDS.search(text) or not (status or "invalid" in words):
        return errors.Overloaded(head, advice=f"Try again later, or {_ANOTHER}")
    return errors.BadRequest(head, advice=f"Check the request's settings (model.*), or {_ANOTHER}")


_QUOTAS: dict[google_errors.Quota, str] = {
    "day": "The day's quota is used up; Google renews it at midnight, Pacific time. Until then, ",
    "none": "This key's plan has no quota for this model. Enable billing in Google AI Studio, or ",
    "money": "The account's credit is used up. Add some in Google AI Studio, or ",
}


def _google(body: bytes) -> google_errors.GoogleError | None:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return google_errors.read(parsed)


def _googles(
    found: google_errors.GoogleError | None, head: str, wait_s: float | None, origin: Origin
) -> errors.ModelError | None:
    """What Google's details settle; the rest is read from status and words, as everybody's."""
    if found is None:
        return None
    if found.bad_key:
        return errors.AuthRejected(head, advice=_key_advice(origin))
    if found.bad_place:
        return _elsewhere(head, f"Use it from a country that Google serves, or {_ANOTHER}")
    if found.quota == "wait":
        return errors.RateLimited(head, advice=f"Wait, or {_ANOTHER}", retry_after_s=wait_s)
    if found.quota:
        return _elsewhere(head, _QUOTAS[found.quota] + _ANOTHER)
    return None


def not_a_stream(body: bytes, content_type: str, origin: Origin) -> errors.BadStream:
    """A 200 whose body is no model's answer: a web page, most often."""
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("<"):
        what = f"a web page ({_title(text)})" if _title(text) else "a web page"
    else:
        what = f"{content_type or 'something'} that is no model's answer ({_cut(text, 120)!r})"
    return errors.BadStream(
        f"{origin.provider} at {origin.host!r} sent {what} instead of a model's stream.",
        advice="Check model.baseUrl or the provider's …_BASE_URL variable: it should end with the API's path (/v1).",
    )


def broken_json(data: str, origin: Origin) -> errors.BadStream:
    return errors.BadStream(
        f"{origin.provider} at {origin.host!r} sent an event that is not a JSON object: {_cut(data, 120)!r}.",
        advice="Check the base URL; if it is right, update the model server.",
    )


def _redirect(status: int, headers: Mapping[str, str], origin: Origin) -> errors.BadRequest:
    location = headers.get("location", "")
    try:
        target = urlsplit(location).hostname or origin.host
    except ValueError:
        target = location
    error = errors.BadRequest(
        f"{origin.provider} at {origin.host!r} answered {status}, a redirect to {target!r}, which is not followed.",
        advice="If you trust that host, make it the base URL.",
    )
    error.another_may = True
    return error


def _no_credit(head: str, origin: Origin) -> errors.BadRequest:
    return _elsewhere(head, f"Check the account's credit at {origin.host!r}, or {_ANOTHER}")


def _elsewhere(head: str, advice: str) -> errors.BadRequest:
    """It is about the account or the address, not the request: another model may answer it."""
    error = errors.BadRequest(head, advice=advice)
    error.another_may = True
    return error


def _unknown(head: str, origin: Origin) -> errors.UnknownModel:
    advice = f"Check the name {origin.model!r} and the base URL; `copydesk models` lists what is served."
    if origin.provider == "Ollama":
        advice = f"Run `ollama pull {origin.model}`, or pick one that `ollama list` names."
    return errors.UnknownModel(head, advice=advice)


def _key_advice(origin: Origin) -> str:
    variable = origin.key_variable or "the provider's key variable"
    return f'Check the key in {variable}. The offline model needs no key: set model.name to "offline".'


def _said(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("<"):
        return _title(text) or "a web page"
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        return _cut(text, LONGEST)
    message, words, _ = _parts(parsed)
    return _cut(f"{message} ({words})" if message and words else message or words or text, LONGEST)


def _parts(error: object) -> tuple[str, str, int]:
    """Message, the words that classify (type, code, status), and a numeric code, from any provider's shape."""
    if isinstance(error, list) and error:
        error = cast(list[object], error)[0]
    if isinstance(error, str):
        return error, "", 0
    if not isinstance(error, dict):
        return "", "", 0
    fields = cast(dict[str, object], error)
    if fields.get("error"):
        return _parts(fields["error"])
    message = next((value for key in ("message", "detail", "msg") if (value := fields.get(key))), "")
    words = [str(value) for key in ("type", "code", "status") if (value := fields.get(key)) and value != "error"]
    code = next((int(word) for word in words if word.isdecimal() and len(word) == 3), 0)
    return (message if isinstance(message, str) else json.dumps(message)), ", ".join(words), code


def _title(page: str) -> str:
    found = re.search(r"<title[^>]*>(.*?)</title>", page[:20_000], re.IGNORECASE | re.DOTALL)
    return _cut(" ".join(unescape(found[1]).split()), 120) if found else ""


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"
