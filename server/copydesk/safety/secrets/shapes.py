"""Known shapes of keys and tokens: what each service gives out, as data, and one look that finds them all.

A row is a kind, how it begins and what follows. Lengths are about half of the real ones, because what is read may have
been cut. Pure; each expression is compiled when its beginning is first met. Start with `shape_spans`.
"""

import re
import string
from collections.abc import Iterator
from functools import cache

from copydesk.domain.frozen import frozen
from copydesk.safety.secrets.judging import looks_random
from copydesk.safety.secrets.views import View

_W = r"[A-Za-z0-9_-]"
_A = r"[A-Za-z0-9]"
_X = r"[0-9a-fA-F]"
_ALNUM = string.ascii_letters + string.digits


@frozen
class Shape:
    """`begins`: words, apart by spaces, of which one begins it; `rest` is a regular expression.

    `random`: only if the rest looks so, because the beginning is a common one. `alone`: not inside other encoded text,
    where chance may write such a beginning.
    """

    kind: str
    begins: str
    rest: str
    random: bool = False
    alone: bool = False


SHAPES: tuple[Shape, ...] = (
    Shape("AWS", "AKIA ASIA ABIA ACCA", r"[A-Z0-9]{16}(?![A-Za-z0-9])", alone=True),
    Shape("AWS", "bedrock-api-key-", rf"{_W}{{20,}}=*"),
    Shape("GITHUB", "ghp_ gho_ ghu_ ghs_ ghr_", rf"{_A}{{20,}}"),
    Shape("GITHUB", "github_pat_", r"[A-Za-z0-9_]{20,}"),
    Shape("GITLAB", "glpat- gldt- glrt- glptt- glcbt- glimt- glsoat- glft- glagent- gloas-", rf"(?:{_W}|\.){{18,}}"),
    Shape("SLACK", "xox", rf"[a-z]-{_W}{{10,}}"),
    Shape("SLACK", "xapp- xwfp-", rf"{_W}{{12,}}"),
    Shape("STRIPE", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_", rf"{_A}{{10,}}"),
    Shape("WEBHOOK", "whsec_", r"[A-Za-z0-9+/=]{16,}"),
    Shape("ANTHROPIC", "sk-ant-", rf"{_W}{{12,}}"),
    Shape("OPENAI", "sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf-", rf"{_W}{{16,}}"),
    Shape("OPENAI", "sk-", rf"{_W}{{16,400}}", random=True),
    Shape("OPENAI", "sess-", rf"{_A}{{24,400}}", random=True),
    Shape("GOOGLE", "AIza", rf"{_W}{{24,}}"),
    Shape("GOOGLE", "ya29.", rf"{_W}{{20,}}"),
    Shape("GOOGLE", "GOCSPX-", rf"{_W}{{16,}}"),
    Shape("GOOGLE", "1//0", rf"{_W}{{30,}}"),
    Shape("JWT", "eyJ", rf"{_W}{{8,}}\.(?:eyJ{_W}{{8,}}(?:\.{_W}*)?|{_W}*\.{_W}{{8,}}(?:\.{_W}*){{0,2}})", alone=True),
    Shape("NPM", "npm_", rf"{_A}{{24,}}"),
    Shape("PYPI", "pypi-", rf"{_W}{{24,400}}", random=True),
    Shape("RUBYGEMS", "rubygems_", r"[0-9a-f]{24,}"),
    Shape("DOCKER", "dckr_pat_ dckr_oat_", rf"{_W}{{16,}}"),
    Shape("NUGET", "oy2", r"[a-z0-9]{43}(?![A-Za-z0-9])", alone=True),
    Shape("CRATES", "cio", r"[A-Za-z0-9]{32}(?![A-Za-z0-9])", random=True, alone=True),
    Shape("SENDGRID", "SG.", rf"{_W}{{10,}}\.{_W}{{10,}}"),
    Shape("TWILIO", "SK AC", r"[0-9a-f]{32}(?![A-Za-z0-9])", alone=True),
    Shape("TELEGRAM", "AA", rf"(?<=\d:AA){_W}{{30,40}}", alone=True),
    Shape("DISCORD", "M N O", rf"{_W}{{22,27}}\.{_W}{{6}}\.{_W}{{24,40}}", random=True, alone=True),
    Shape("HUGGINGFACE", "hf_ api_org_", rf"{_A}{{20,}}"),
    Shape("REPLICATE", "r8_", rf"{_A}{{20,}}"),
    Shape("GROQ", "gsk_", rf"{_A}{{20,}}"),
    Shape("XAI", "xai-", rf"{_W}{{20,400}}", random=True),
    Shape("PERPLEXITY", "pplx-", rf"{_A}{{20,}}"),
    Shape("DATABRICKS", "dapi", r"[0-9a-f]{32}(?:-\d)?(?![A-Za-z0-9])"),
    Shape("DIGITALOCEAN", "doo_v1_ dop_v1_ dor_v1_", r"[0-9a-f]{32,}"),
    Shape("LINEAR", "lin_api_ lin_oauth_", rf"{_A}{{20,}}"),
    Shape("NOTION", "secret_ ntn_", r"[A-Za-z0-9]{40,50}(?![A-Za-z0-9])", random=True),
    Shape("SHOPIFY", "shpat_ shpca_ shppa_ shpss_ shpua_", rf"{_X}{{20,}}"),
    Shape("SQUARE", "sq0atp- sq0csp- sq0idp-", rf"{_W}{{16,}}"),
    Shape("SQUARE", "EAAA", rf"{_W}{{50,400}}", random=True, alone=True),
    Shape("MAILGUN", "key- pubkey-", r"[0-9a-f]{32}(?![A-Za-z0-9])"),
    Shape("BREVO", "xkeysib-", r"[0-9a-f]{32,}(?:-[A-Za-z0-9]{8,})?"),
    Shape("VAULT", "hvs. hvb. hvr.", rf"{_W}{{20,}}"),
    Shape("GRAFANA", "glc_ glsa_", r"[A-Za-z0-9_+/]{24,}={0,2}"),
    Shape("NEWRELIC", "NRAK- NRJS- NRII-", rf"{_A}{{16,}}"),
    Shape("SENTRY", "sntrys_ sntryu_", r"[A-Za-z0-9+/=_]{24,}"),
    Shape("PLANETSCALE", "pscale_tkn_ pscale_pw_ pscale_oauth_", r"[A-Za-z0-9_.=-]{20,}"),
    Shape("SUPABASE", "sbp_ sbs_ sb_secret_", r"[A-Za-z0-9_]{24,400}", random=True),
    Shape("AGE", "AGE-SECRET-KEY-1", r"[A-Z0-9]{30,}"),
    Shape("DOPPLER", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", r"[A-Za-z0-9_.]{20,}"),
    Shape("POSTMAN", "PMAK-", r"[0-9a-f]{20,}(?:-[0-9a-f]+)?"),
    Shape("ATLASSIAN", "ATATT3 ATCTT3 ATBB", r"[A-Za-z0-9_=-]{24,400}", random=True),
    Shape("FIGMA", "figd_ figo_ figu_", rf"{_W}{{20,}}"),
    Shape("AIRTABLE", "pat", rf"{_A}{{14}}\.[0-9a-f]{{32,}}", alone=True),
    Shape("ALIBABA", "LTAI", rf"{_A}{{16,24}}(?![A-Za-z0-9])", random=True, alone=True),
    Shape("TENCENT", "AKID", rf"{_A}{{28,36}}(?![A-Za-z0-9])", random=True, alone=True),
    Shape("NETLIFY", "nfp_ nfc_ nfo_ nfu_", rf"{_A}{{30,}}"),
    Shape("FACEBOOK", "EAA", rf"[A-Z]{_A}{{60,400}}", random=True, alone=True),
    Shape("DYNATRACE", "dt0", r"[a-z]\d\d\.[A-Z0-9]{20,}\.[A-Z0-9]{30,}"),
    Shape("ONEPASSWORD", "ops_eyJ", rf"{_W}{{40,}}"),
    Shape("MAPBOX", "sk.eyJ", rf"{_W}{{20,}}\.{_W}{{10,}}"),
    Shape("FLY", "fm1_ fm2_", r"[A-Za-z0-9+/=_,]{40,400}", random=True),
)
LATE: tuple[tuple[str, str, str], ...] = (
    ("TERRAFORM", ".atlasv1.", rf"{_A}{{10,20}}\.atlasv1\.{_W}{{30,}}"),
    ("AZURE", "Q~", r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{26,40}"),
)
"""Kind, a literal inside, and the whole: where the beginning says nothing. Looked for around the literal."""

_BEFORE = 20
_N_RUN = 15
"""A key is at least so long, without a break."""

_LONG_RUN = 6000
MAX_DOUBTS = 8
"""How often in one run a beginning may turn out to be none, before the rest of the run is passed over."""


@cache
def _by_begin() -> dict[str, list[tuple[str, Shape]]]:
    """The shapes under the first two letters of each beginning."""
    table: dict[str, list[tuple[str, Shape]]] = {}
    for shape in SHAPES:
        for begin in shape.begins.split():
            keys = [begin[:2]] if len(begin) > 1 else [begin + other for other in _ALNUM]
            for key in keys:
                table.setdefault(key, []).append((begin, shape))
    return table


@cache
def _rest(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def shape_spans(view: View) -> Iterator[tuple[int, int]]:
    """Where keys of known shapes stand."""
    for start, end in view.runs(_N_RUN):
        yield from _in_run(view, start, end)
    yield from _late_spans(view)


def _in_run(view: View, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Looks at the beginning of each word in a run without spaces."""
    words, text, table = view.words, view.text, _by_begin()
    at, doubts = start, 0
    if not words.startswith(b"x", at):
        at = words.find(b" x", at, end) + 1 or end
    while at < end and doubts < MAX_DOUBTS:
        stop = 0
        if (key := text[at : at + 2]) in table:
            for begin, shape in table[key]:
                if stop := _matched(view, at, end, begin, shape):
                    if stop > 0:
                        yield at, stop
                        break
                    doubts += 1
        at = words.find(b" x", max(at, stop), end) + 1 or end


def _matched(view: View, at: int, end: int, begin: str, shape: Shape) -> int:
    """Where such a key that begins here ends; 0 where none does, -1 where it only looked like one."""
    text = view.text
    if not text.startswith(begin, at):
        return 0
    if shape.alone and _is_inside(view, at, end):
        return 0
    match = _rest(shape.rest).match(text, at + len(begin), end)
    if match is None:
        return 0
    if not _is_random_enough(shape, match[0]):
        return -1
    stop = _word_end(text, match.end(), end)
    return 0 if shape.alone and shape.random and text[stop : stop + 1] in ("+", "/") else stop


def _goes_on(view: View, at: int) -> bool:
    """Whether the word of a place began before it."""
    return at > 0 and view.words[at - 1] == _X_BYTE


_X_BYTE = ord("x")


def _is_inside(view: View, at: int, end: int) -> bool:
    """Whether a place is in the middle of encoded text: behind `-` or `_`, or a `+` that is not a diff's."""
    before = view.data[max(0, at - 1) : at]
    return before in (b"-", b"_") or end - at > _LONG_RUN or (before == b"+" and _goes_on(view, at - 1))


def _is_random_enough(shape: Shape, rest: str) -> bool:
    if rest.endswith(("EXAMPLE", "EXAMPLEKEY")):  # as AWS writes those of its manuals
        return False
    return looks_random(rest) if shape.random else len(set(rest)) > 5  # not a row of x


def _late_spans(view: View) -> Iterator[tuple[int, int]]:
    """For shapes that are known by their middle."""
    text = view.text
    for _, literal, whole in LATE:
        at = text.find(literal)
        while at >= 0:
            match = _rest(whole).search(text, max(0, at - _BEFORE), at + 200)
            if match and match.start() <= at and not _goes_on(view, match.start()):
                yield match.span()
            at = text.find(literal, at + len(literal))


def _word_end(text: str, at: int, end: int) -> int:
    """Where the word goes on behind a match that stopped at its own limit."""
    match = _WORD.match(text, at, end) if text[at - 1 : at].isalnum() else None
    return match.end() if match else at


_WORD = re.compile(r"[A-Za-z0-9_]*")


def kind_of_value(value: str) -> str:
    """What kind of key a value is, from its shape alone; VALUE where it has none."""
    view = View(value)
    for begin, shape in _by_begin().get(value[:2], ()):
        if _matched(view, 0, len(value), begin, shape) == len(value):
            return shape.kind
    for kind, literal, whole in LATE:
        if literal in value and _rest(whole).fullmatch(value):
            return kind
    return "VALUE"
