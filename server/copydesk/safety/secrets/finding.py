"""Where secret values stand in a text, by their look and their surroundings: known shapes, names they are assigned to,
URLs with a password, headers that carry one, private keys.

Only the value is marked, never its name or quotes, and never more than one line: so the text keeps its lines, and an
edit beside a value can be placed. Every expression is tried only at the few places where a cheap look found something,
and each is bounded: the time is linear in the text, whatever it holds. Pure. Start with `find_spans`.
"""

import re
import string
from collections.abc import Iterator
from functools import cache
from typing import TypeAlias

from copydesk.safety.secrets.judging import MAX_CHARS, MIN_CHARS, is_plain, is_secret_name, looks_random, randomness
from copydesk.safety.secrets.shapes import shape_spans
from copydesk.safety.secrets.views import View

Span: TypeAlias = tuple[int, int]

_KEYWORDS = (b"key", b"token", b"secret", b"pass", b"pwd", b"cred", b"auth", b"bearer ", b"_pat")


@cache
def _assigned() -> re.Pattern[str]:
    """From the name: `NAME = "value"`, `NAME: value`, `"NAME", "value"`, `--name value`, `<name>value<`.

    `loose` is what stands unquoted, up to a space.
    """
    return re.compile(
        r"""(?P<name>[A-Za-z0-9_.\-]{1,80}+)
        (?:
          (?:\\?["'`])?[\])]{0,2}[ \t]{0,8}
            (?:(?::[ \t]{0,4}|[ \t])[A-Za-z_][\w\[\]|.]{0,30}[ \t]{0,4})?(?P<sign>:=|=>|={1,3}|:|,)[ \t]{0,8}
          | (?<=[a-z])[ \t]{1,4}(?=[^\s=:({]{8})
          | >
        )
        (?:[rbfuRBFU@$]{0,2}(?P<quote>\\?["'`]{1,3})
             (?:(?:Bearer|Basic|Token)[ ])?(?P<quoted>[^"'`\r\n\\]{8,4096}|(?:[^"'`\r\n\\]|\\[^nrt]){8,512})
          | (?:(?:Bearer|Basic|Token)[ ])?(?P<loose>[^\s"'`,;<>(){}\[\]\\]{8,4096})(?![(\[{]))""",
        re.VERBOSE,
    )


_NAME_CHARS = string.ascii_letters + string.digits + "_.-"
_SCHEME = re.compile(r"(?:[Bb]earer|BEARER|[Tt]oken)[ \t]{1,4}(?P<value>[A-Za-z0-9._~+/=:-]{12,4096})")
_URL = re.compile(
    r"://(?P<user>[^\s/:@\"'<>`]{0,128}):(?P<value>[^\s@\"'<>`/]{4,512}|[^\s@\"'<>`]{4,512})@(?=[\w\[.-])"
)
_USER_URL = re.compile(r"://(?P<value>[A-Za-z0-9_.~%-]{16,400})@(?=[\w\[.-])")
_QUERY = re.compile(
    r"AccountKey=(?P<value>[A-Za-z0-9+/=%]{30,})|SharedAccess(?:Key|Signature)=(?P<v2>[^\s;\"'<>]{20,400})"
)
_HOOK = re.compile(r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<value>[A-Za-z0-9_/-]{20,200})"
                   r"|discord(?:app)?\.com/api/webhooks/\d{5,30}/(?P<v2>[A-Za-z0-9_-]{30,100})"
                   r"|webhook\.office\.com/webhookb2/(?P<v3>[A-Za-z0-9_@/-]{30,300})")  # fmt: skip
_TELEGRAM = re.compile(r"\d{6,12}:(?=AA)")
_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9 ]{0,30} )?PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_END = re.compile(r"-----END (?:[A-Z0-9 ]{0,30} )?PRIVATE KEY(?: BLOCK)?-----|Private-MAC:.*")
_BODY = re.compile(r"[A-Za-z0-9+/=]{16,}")
_KEY_LINES = 400
"""A private key is not longer than this."""


def find_spans(view: View) -> list[Span]:
    """The secret values in a text, in order; none overlaps another."""
    text = view.text
    return merged([*shape_spans(view), *_assignments(text, view.lowered), *_urls(text), *_private_keys(text)])


def merged(spans: list[Span]) -> list[Span]:
    """Sorted, and joined where they overlap."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start < out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


# --- names -----------------------------------------------------------------------------------------------


def _assignments(text: str, lowered: bytes) -> Iterator[Span]:
    """Each name is looked at once, however many keywords it has."""
    expression = _assigned()
    places = {at for word in _KEYWORDS for at in _places(lowered, word)}
    done = -1
    for at in sorted(places):
        if at < done:
            continue
        scheme = _SCHEME.match(text, at) if lowered.startswith((b"bearer ", b"token "), at) else None
        if scheme and _is_header(scheme["value"]):
            yield scheme.span("value")
            continue
        start = at - _before(text, at)
        match = expression.match(text, start)
        if match and _is_secret(match):
            group = "quoted" if match["quoted"] else "loose"
            yield match.span(group)
            done = match.end()
        elif match:
            done = match.end("name")


def _places(data: bytes, word: bytes) -> Iterator[int]:
    at = data.find(word)
    while at >= 0:
        yield at
        at = data.find(word, at + len(word))


def _before(text: str, at: int) -> int:
    """How much of a name stands before an offset."""
    chunk = text[max(0, at - 60) : at]
    return len(chunk) - len(chunk.rstrip(_NAME_CHARS))


def _is_header(value: str) -> bool:
    return looks_random(value.rstrip("="), 12) and not value.endswith(":")


def _is_secret(match: re.Match[str]) -> bool:
    name = match["name"].strip(".-")
    value = match["quoted"] or match["loose"].rstrip(".:")
    if not MIN_CHARS <= len(value) <= MAX_CHARS or not is_secret_name(name):
        return False
    if name.lower() in _WORDS and not match["quoted"]:
        return False  # prose: "The tests did not pass: test-2f251ea3"
    if match["sign"] == "," and not (
        match["quoted"] and _CALL.search(match.string, max(0, match.start() - 3), match.start())
    ):
        return False  # not `getenv("API_KEY", "…")` but one of a list
    if len(value) < 16:
        return _is_password(value) and (match["quoted"] is not None or not _is_code(value))
    return _is_key(match, value)


def _is_key(match: re.Match[str], value: str) -> bool:
    if match["quoted"]:
        return looks_random(value) or _is_passphrase(match["name"], value)
    return looks_random(value) and not _is_code(value)


_WORDS = frozenset({"pass", "auth", "credential", "credentials", "bearer", "cookie"})
"""Names that are words of sentences too."""
_CALL = re.compile(r"\(\\?[\"'`]$")
_CODE = re.compile(r"^[!&|~]\w|[?]\.|^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$|->|::|&&|\|\|")
_SURE = 6.0
"""Of what could be a name in code, so much more must speak for chance: it is as 400 to 1."""


def _is_code(value: str) -> bool:
    """Whether this may be what stands after a name in code without quotes: another name."""
    return _CODE.search(value) is not None or (value.isidentifier() and randomness(value) < _SURE)


def _is_password(value: str) -> bool:
    """Short values must look random; less so where three kinds of characters are mixed, as people are told to."""
    if is_plain(value) or " " in value or not value.isascii():
        return False
    kinds = sum(any(map(kind, value)) for kind in (str.isdigit, str.islower, str.isupper)) + (not value.isalnum())
    return randomness(value) > (-3 if kinds >= 3 else 0)


def _is_passphrase(name: str, value: str) -> bool:
    """Several kinds of characters, with a password's name: `Correct-Horse-7-Battery!`."""
    if " " in value or not value.isascii() or is_plain(value) or not _PASSWORD.search(name):
        return False
    has_sign = any(char in "!@#$%^&*+=?~" for char in value)
    return has_sign and any(map(str.isdigit, value)) and any(map(str.isalpha, value))


_PASSWORD = re.compile(r"passw|passphrase|pwd|secret", re.IGNORECASE)


# --- URLs and private keys -------------------------------------------------------------------------------


def _urls(text: str) -> Iterator[Span]:
    at = text.find("://")
    while at >= 0:
        match = _URL.match(text, at) or _USER_URL.match(text, at)
        if match and not is_harmless_password(match["value"]) and (match.re is _URL or looks_random(match["value"])):
            yield match.span("value")
        at = text.find("://", at + 3)
    for literal, expression in (
        ("AccountKey=", _QUERY), ("SharedAccess", _QUERY), ("hooks.slack.com/", _HOOK), ("/api/webhooks/", _HOOK),
        ("webhook.office.com", _HOOK), (":AA", _TELEGRAM),
    ):  # fmt: skip
        yield from _near(text, literal, expression)


def _near(text: str, literal: str, expression: re.Pattern[str]) -> Iterator[Span]:
    if expression is _TELEGRAM:
        return  # its shape finds it behind the colon
    at = text.find(literal)
    while at >= 0:
        if match := expression.search(text, max(0, at - 16), at + 700):
            name = match.lastgroup
            if name and not is_plain(match[name]):
                yield match.span(name)
        at = text.find(literal, at + len(literal))


def is_harmless_password(value: str) -> bool:
    """In URLs, short and ordinary ones stand in every manual: `user:pass@`, `postgres:postgres@`."""
    return len(value) < MIN_CHARS or is_plain(value)


def _private_keys(text: str) -> Iterator[Span]:
    """Each line of a key by itself, so that the text keeps its lines."""
    if "PRIVATE KEY" not in text and "PuTTY-User-Key-File" not in text:
        return
    begin = _BEGIN.search(text)
    while begin:
        after = _BEGIN.search(text, begin.end())
        limit = min(after.start() if after else len(text), begin.end() + _KEY_LINES * 100)
        end = _END.search(text, begin.end(), limit)  # not beyond the next key: each part of the text is read once
        for body in _BODY.finditer(text, begin.end(), end.start() if end else limit):
            yield body.span()
        begin = after
