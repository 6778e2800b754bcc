"""Planted secrets: values of every shape that keys have, seeded, and the lines that give them away.

No value is written down anywhere: each is made of pieces when it is asked for. Start with `canaries`.
"""

import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ALNUM = string.ascii_letters + string.digits
WORD = ALNUM + "_-"
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
LOWER = string.ascii_lowercase + string.digits
BASE32 = string.ascii_uppercase + "234567"


@dataclass(frozen=True)
class Canary:
    """`value` must not leave. `line` is a line of a file that holds it. `alone`: known by its own shape."""

    kind: str
    value: str
    line: str
    alone: bool


class _Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def of(self, letters: str, n: int) -> str:
        return "".join(self.random.choice(letters) for _ in range(n))


Make = Callable[[_Maker], str]

SHAPES: dict[str, Make] = {
    "aws": lambda m: "AK" + "IA" + m.of(UPPER, 16),
    "github": lambda m: "gh" + m.random.choice("pousr") + "_" + m.of(ALNUM, 36),
    "github fine-grained": lambda m: "github" + "_pat_" + m.of(ALNUM, 22) + "_" + m.of(ALNUM, 59),
    "gitlab": lambda m: "gl" + "pat-" + m.of(WORD, 20),
    "slack": lambda m: "xox" + "b-" + m.of(string.digits, 12) + "-" + m.of(string.digits, 12) + "-" + m.of(ALNUM, 24),
    "stripe": lambda m: "sk_" + "live_" + m.of(ALNUM, 24),
    "openai": lambda m: "sk" + "-" + m.of(ALNUM, 48),
    "openai project": lambda m: "sk" + "-proj-" + m.of(WORD, 64),
    "anthropic": lambda m: "sk" + "-ant-api03-" + m.of(WORD, 93) + "AA",
    "google": lambda m: "AI" + "za" + m.of(WORD, 35),
    "jwt": lambda m: "ey" + "J" + m.of(WORD, 33) + ".ey" + "J" + m.of(WORD, 80) + "." + m.of(WORD, 43),
    "npm": lambda m: "np" + "m_" + m.of(ALNUM, 36),
    "pypi": lambda m: "py" + "pi-AgEIcHlwaS5vcmc" + m.of(WORD, 150),
    "sendgrid": lambda m: "S" + "G." + m.of(WORD, 22) + "." + m.of(WORD, 43),
    "twilio": lambda m: "S" + "K" + m.of(HEX, 32),
    "discord": lambda m: m.random.choice("MNO") + m.of(ALNUM, 23) + "." + m.of(WORD, 6) + "." + m.of(WORD, 38),
    "hugging face": lambda m: "h" + "f_" + m.of(ALNUM, 34),
    "azure": lambda m: m.of(ALNUM, 3) + "8" + "Q~" + m.of(ALNUM, 34),
    "digitalocean": lambda m: "dop" + "_v1_" + m.of(HEX, 64),
    "docker": lambda m: "dckr" + "_pat_" + m.of(ALNUM, 27),
}
"""Known by themselves, wherever they stand."""

LINES: dict[str, tuple[str, Make]] = {
    "assignment": ('API_TOKEN = "{}"', lambda m: m.of(ALNUM, 32)),
    "hexadecimal": ("secret_key: {}", lambda m: m.of(HEX, 40)),
    "json": ('  "clientSecret": "{}",', lambda m: m.of(WORD[:-1], 32)),
    "aws secret": ("aws_secret_access_key = {}", lambda m: m.of(ALNUM, 40)),
    "bearer": ("curl -H 'Authorization: Bearer {}' https://api.internal/", lambda m: m.of(ALNUM, 40)),
    "uuid": ("HEROKU_API_KEY={}", lambda m: "-".join(m.of(HEX, n) for n in (8, 4, 4, 4, 12))),
    "connection": ("postgresql://app:{}@db.internal:5432/app", lambda m: m.of(ALNUM, 20)),
    "url": ("git clone https://bot:{}@git.internal/x.git", lambda m: m.of(ALNUM, 24)),
    "typed": ('const apiKey: string = "{}";', lambda m: m.of(ALNUM, 32)),
    "php": ("define('DB_PASSWORD', '{}');", lambda m: m.of(ALNUM, 24)),
    "getenv": ('os.getenv("API_KEY", "{}")', lambda m: m.of(ALNUM, 32)),
    "base32": ('OTP_SECRET="{}"', lambda m: m.of(BASE32, 32)),
    "npmrc": ("//registry.internal/:_authToken={}", lambda m: m.of(LOWER, 36)),
    "storage key": (
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={};EndpointSuffix=core.internal",
        lambda m: m.of(ALNUM + "+/", 86) + "==",
    ),
    "telegram": ("bot = 1234567890:{}", lambda m: "A" + "A" + m.of(WORD, 33)),
}
"""Known by the name or place that they stand at."""


def canaries(n: int, seed: int = 5) -> Iterator[Canary]:
    """`n` of them, every kind in turn; the same for the same seed."""
    maker = _Maker(seed)
    kinds = [*SHAPES, *LINES]
    for number in range(n):
        kind = kinds[number % len(kinds)]
        if kind in SHAPES:
            value = SHAPES[kind](maker)
            yield Canary(kind, value, f"call({value!r})  # no {number}", alone=True)
        else:
            form, make = LINES[kind]
            value = make(maker)
            yield Canary(kind, value, form.format(value), alone=False)


def plain_values(n: int, seed: int = 6) -> list[str]:
    """For environments and `.env` files, where the name alone says what they are."""
    maker = _Maker(seed)
    return [maker.of(ALNUM, maker.random.randint(12, 48)) for _ in range(n)]


def key_block(seed: int = 7) -> str:
    """A private key, as a file has it."""
    maker = _Maker(seed)
    body = "\n".join(maker.of(ALNUM + "+/", 64) for _ in range(24))
    head = "PRIVATE " + "KEY-----"
    return f"-----BEGIN {head}\n{body}\n{maker.of(ALNUM, 40)}==\n-----END {head}\n"
