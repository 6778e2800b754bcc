"""Is this a secret's name; is this value one? Judgement about single words, without their surroundings.

Two questions are asked of a value. `is_plain`: an ordinary word, path, number or address, which is nobody's secret
whatever its variable is called. `looks_random`: so unlike words that a name which speaks of secrets is proof enough.
Pure; start there.
"""

import re
from functools import lru_cache

from copydesk.safety.secrets.placeholders import PLACEHOLDER

MIN_CHARS = 8
"""A shorter value is never replaced: it would be found in everything."""

MAX_CHARS = 4096
"""Longer lines are not one value."""

_NAME = re.compile(
    r"(?:^|[_.\-])(?:api_?keys?|access_?keys?|secret_?keys?|private_?keys?|signing_?keys?|encryption_?keys?|auth_?keys?"
    r"|master_?keys?|account_?keys?|deploy_?keys?|ssh_?keys?|token|tokens|secrets?|passw(?:or)?ds?|passwd|pwd"
    r"|passphrase|pass|credentials?|creds?|auth|authorization|jwt|cookie|webhook|dsn|salt|pin|otp|bearer|sas|(?:gh|ado|bot|github|gitlab|azure|devops|personal)_pat)"
    r"(?:[_.\-]?(?:value|base64|b64|hex|raw|prod|production|staging|dev|test|live|\d+))*$"
)
_PART = re.compile(r"secret|passw(?:or)?d|passwd|passphrase|api_?key|apikey|access_?key|private_?key|auth_?token|token")
_KEY = re.compile(r"[a-z0-9][_.\-]keys?(?:[_.\-]?\d+)?$")
"""A key of something; alone, the word has other meanings."""
_NOT_NAME = re.compile(
    r"public_?key|pub_?key|(?:primary|foreign|cache|sort|partition|gpg|hot|accel|group|row|index|lookup|map|dict|emit|crc|shift|ctrl|alt|meta|routing|idempotency)_?keys?\d*$|keymap|keyboard|keyring|ssh_auth_sock|xauthority|token_?(?:type|url|uri)"
    r"|(?:_|^)(?:file|path|dir|url|uri|endpoint|host|name|id|type|backend|algorithm|algo|ttl|expiry|expires|length"
    r"|limit|count|max|min|header|prefix|field|class|enabled|required|verify|user|username|email|askpass)$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_COMMON = frozenset(
    """password passwd changeme changeit secret supersecret postgres postgresql localhost development production
    staging testing undefined disabled enabled required optional username anonymous administrator placeholder
    redacted example default unlimited insecure-dev-key dev-secret-key password1 password123 admin123 test1234
    12345678 123456789 1234567890 00000000 11111111 qwertyuiop abc12345 letmein1 testpass testpassword""".split()  # noqa: SIM905
)
_TEMPLATE = re.compile(
    r"\$\{|\$\(|\{\{|\}\}|<[\w .-]+>|%\(|%s|\{\w*\}|\.\.\.|…|^\$\w+$|^%\w+%$|^\*+$"
    r"|^(.)\1+$|^#[0-9a-f]{3,8}$",
    re.IGNORECASE,
)
_DUMMY = re.compile(
    r"(?:^|[-_ .])(?:your|my|insert|replace|change|dummy|fake|example|sample|placeholder|todo|xxx+|redacted)"
    r"(?:[-_ .]|$)|EXAMPLE(?:KEY)?$|01234567|abcdefgh",
    re.IGNORECASE,
)
"""Words of manuals; a value that looks random beside them is one all the same."""
_PATH = re.compile(r"(?:\.{0,2}|~)?/[^\s]*|[\w.+-]+(?:/[\w.+-]+)+", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*:)?//[^\s@]*|[a-z]:[\\/].*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?::\d+)?(?:/[^\s]*)?|\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?"
    r"|localhost(?::\d+)?(?:/[^\s]*)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?[\d.,:_/ TZ+-]{1,40}|v?\d+(?:\.\d+)+(?:[-+.]\w+)*|0x[0-9a-fA-F]{1,8}")
_SCREAMING = re.compile(r"_?[A-Z]+(?:_[A-Z]+)+_?")
_RECORD = re.compile(r"ev-[0-9a-f]{8}")
"""The id of a recorded run, which stands behind words such as `pass:` in every answer about one."""
_WORDS = re.compile(r"[A-Za-z]{2,}(?:[-_. /][A-Za-z]{2,}){0,2}[-_.]?\d{0,2}")


@lru_cache(4096)
def is_secret_name(name: str) -> bool:
    """Whether a variable or key of this name usually holds a secret (`GITHUB_TOKEN`, `db.password`, `apiKey`)."""
    plain = _CAMEL.sub("_", name.strip()).lower()
    if _NOT_NAME.search(plain):
        return False
    return any(kind.search(plain) for kind in (_NAME, _PART, _KEY))


def is_plain(value: str) -> bool:
    """Whether this is an ordinary word, address, number or template: nothing that one would have to hide."""
    if not MIN_CHARS <= len(value) <= MAX_CHARS or value.lower() in _COMMON or PLACEHOLDER.search(value):
        return True
    if _TEMPLATE.search(value) or _ADDRESS.fullmatch(value):
        return True
    if (_PATH.fullmatch(value) or _DUMMY.search(value)) and randomness(value) <= 0:
        return True
    if _NUMBER.fullmatch(value) and not (value.isdigit() and len(value) > 12):
        return True
    if value.isalpha() and (value.islower() or value.isupper() or value.istitle()) and len(value) <= 14:
        return True
    if _SCREAMING.fullmatch(value) or _RECORD.fullmatch(value):
        return True
    return len(value) < 24 and _WORDS.fullmatch(value) is not None and randomness(value) < -2


def looks_random(value: str, min_chars: int = 16) -> bool:
    """Whether it has the look of a key: letters, digits and cases as no word has them."""
    if not min_chars <= len(value) <= MAX_CHARS or not value.isascii() or is_plain(value):
        return False
    if _HEX.fullmatch(value):
        return any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    n_alnum = sum(map(str.isalnum, value))
    return n_alnum >= 0.7 * len(value) and len(set(value)) > 5 and randomness(value) > 0


_HEX = re.compile(r"[0-9a-f]{16,}|[0-9A-F]{16,}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


# --- how words are made ----------------------------------------------------------------------------------

_LETTERS = """
26762360504877060878543452 84547321772843740764811261
82548318507743932658611040 74569533823643740665632140
64775552312768355887254740 74547731900733830756601140
62439356702657540776622041 82339312802453840658511050
55766560102769851677350405 72349221513222742292725120
73559452811535442475635030 73469831802732740366631050
96349211712574770264531230 72787682614435740478551020
45671450426679570866656310 82448325603732860867621060
12321221300743123454932101 83659351705555840677542050
52639326705533663379634150 72548427802443750766523260
56557550700778370878110200 93529320800253540253132420
82547336804437840874225100 64748713600463481349251450
54646463612767591587436122 82329313811442631343711154
"""
"""How often one letter follows another in words, names and paths of programs, against chance: a row for each first
letter, a digit for each second one. 6 is as often as by chance; a step is a factor of about two. Counted over 300,000
words of Python and TypeScript sources.
"""
_ROWS = {chr(97 + n): row for n, row in enumerate(_LETTERS.split())}
_PAIRS = {a + b: int(row[ord(b) - 97]) * 6 / 9 - 4 for a, row in _ROWS.items() for b in _ROWS}
_KINDS = {
    "ll": 0.72, "lu": -2.37, "ld": -3.1, "ul": 0.0, "uu": 0.15, "ud": -1.7, "dl": -0.57, "du": -1.2, "dd": 0.4,
}  # fmt: skip
"""The same for kinds of characters (lower, upper, digit) one behind the other; a sign ends a word."""


@lru_cache(4096)
def randomness(value: str) -> float:
    """Above zero: more like chance than like words, by how its letters and kinds of characters follow each other."""
    kinds = value.translate(_TO_KIND)
    told = sum(_KINDS.get(kinds[n : n + 2], 0.0) for n in range(len(kinds) - 1))
    lower = value.lower()
    told += sum(_PAIRS.get(lower[n : n + 2], 0.0) for n in range(len(lower) - 1))
    return -told


_TO_KIND = str.maketrans(
    {char: "l" if char.islower() else "u" if char.isupper() else "d" if char.isdigit() else "-"
     for char in map(chr, range(128))}
)  # fmt: skip
