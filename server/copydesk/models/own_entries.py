"""What the person says of models in their own `models.toml`, laid over what the catalog and the servers say.

Owns that file's grammar: a table for a name or a glob, a key for each fact. What cannot be used is a sentence that
names file, table and key; the rest holds. Never a project's file. Start with `OwnEntries.over`.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final, TypeAlias, cast, get_args

from copydesk.domain.models import Price, SchemaForm
from copydesk.models.catalog import Entry, ThinkingForm
from copydesk.models.providers import PROVIDERS

LIMIT_BYTES: Final = 1024 * 1024
TOKENIZERS: Final = ("o200k_base", "cl100k_base", "o200k_harmony")
TOKEN_FIELDS: Final = ("max_tokens", "max_completion_tokens")
PROVIDER_NAMES: Final = (*PROVIDERS, "editor")

_Check: TypeAlias = Callable[[object], bool]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_price(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _one_of(*allowed: str) -> tuple[_Check, str]:
    return lambda value: value in allowed, "one of " + ", ".join(allowed)


_COUNT = (_is_count, "a whole number of tokens, 1 or more")
_PRICE = (_is_price, "US dollars for a million tokens, 0 or more")
_FLAG = (_is_flag, "true or false")
KEYS: Final[Mapping[str, tuple[_Check, str]]] = {
    "window": _COUNT,
    "output": _COUNT,
    "input_price": _PRICE,
    "output_price": _PRICE,
    "cache_read_price": _PRICE,
    "cache_write_price": _PRICE,
    "tools": _FLAG,
    "images": _FLAG,
    "thinking": _one_of(*cast("tuple[str, ...]", get_args(ThinkingForm))),
    "schema": _one_of(*cast("tuple[str, ...]", get_args(SchemaForm))),
    "tokenizer": _one_of(*TOKENIZERS),
    "cache_marks": _FLAG,
    "echo_reasoning": _FLAG,
    "max_tokens_field": _one_of(*TOKEN_FIELDS),
    "effort_off": (_is_text, "a text that is not empty"),
}
_PRICES: Final = ("input_price", "output_price", "cache_read_price", "cache_write_price")
_FIELDS: Final = {"window": "window_tokens", "output": "output_limit_tokens"}


class OwnEntries:
    """The file as it is now: it is looked at again whenever somebody asks, and read when it has changed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._tables: tuple[tuple[str, dict[str, Any]], ...] = ()
        self._problems: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What of the file cannot be used."""
        self._look()
        return self._problems

    def over(self, entry: Entry, name: str) -> Entry:
        """`entry` with what the file says of `provider/model`; the longest pattern has the last word."""
        self._look()
        lowered = name.lower()
        for pattern, facts in self._tables:
            if pattern == lowered or fnmatchcase(lowered, pattern):
                entry = _laid(entry, facts)
        return entry

    def _look(self) -> None:
        try:
            found = os.stat(self.path)
            seen = (found.st_mtime_ns, found.st_size)
        except OSError:
            seen = (0, -1)
        if seen != self._seen:
            self._seen = seen
            problems: list[str] = []
            tables = parse(_read(self.path, problems) if seen[1] >= 0 else {}, self.path, problems)
            self._tables = tuple(sorted(tables.items(), key=lambda item: (not _is_glob(item[0]), len(item[0]))))
            self._problems = tuple(problems)


def _is_glob(pattern: str) -> bool:
    return any(char in pattern for char in "*?[")


def _read(path: str, problems: list[str]) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            text = file.read(LIMIT_BYTES + 1)
        if len(text) > LIMIT_BYTES:
            problems.append(f"{path} is larger than {LIMIT_BYTES:,} bytes; it is ignored.")
            return {}
        return tomllib.loads(text.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path} cannot be read ({error}); its models are ignored.")
        return {}


def parse(raw: Mapping[str, Any], path: str, problems: list[str]) -> dict[str, dict[str, Any]]:
    """The usable facts of each table, by its pattern in lower case; a sentence for each that is not."""
    tables: dict[str, dict[str, Any]] = {}
    for pattern, table in raw.items():
        provider, slash, model = pattern.partition("/")
        if not isinstance(table, dict):
            problems.append(f'In {path}: {pattern!r} is outside a table. Begin with a line such as ["compat/qwen*"].')
        elif not slash or not model or (not _is_glob(provider) and provider.lower() not in PROVIDER_NAMES):
            known = ", ".join(PROVIDER_NAMES)
            problems.append(
                f'In {path}: ["{pattern}"] names no model: write provider/model, the provider one of {known}.'
            )
        else:
            tables[pattern.lower()] = _facts(cast("dict[str, Any]", table), f'In {path}: ["{pattern}"]', problems)
    return tables


def _facts(table: dict[str, Any], where: str, problems: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for key, value in table.items():
        if key not in KEYS:
            problems.append(f"{where} has no key {key!r}.{_nearest(key)}")
            continue
        fits, expected = KEYS[key]
        if fits(value):
            facts[key] = value
        else:
            problems.append(f"{where} {key} = {value!r} cannot be used: expected {expected}.")
    given = [key for key in _PRICES if key in table]
    if given and not {"input_price", "output_price"} <= set(given):
        problems.append(f"{where} needs both input_price and output_price; {', '.join(given)} alone is ignored.")
    if not {"input_price", "output_price"} <= set(facts):
        facts = {key: value for key, value in facts.items() if key not in _PRICES}
    return facts


def _nearest(key: str) -> str:
    import difflib

    near = difflib.get_close_matches(key, KEYS, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" It takes {', '.join(KEYS)}."


def _laid(entry: Entry, facts: Mapping[str, Any]) -> Entry:
    changed = {_FIELDS.get(key, key): value for key, value in facts.items() if key not in _PRICES}
    if "input_price" in facts:
        fresh = float(facts["input_price"])
        read, write = facts.get("cache_read_price", fresh), facts.get("cache_write_price", fresh)
        changed["price"] = Price(fresh, float(facts["output_price"]), float(read), float(write))
        changed["source"] = "user"
    if "window" in facts:
        changed |= {"known": True, "source": "user"}
        changed.setdefault("output_limit_tokens", min(entry.output_limit_tokens, int(facts["window"]) // 2))
    return replace(entry, **changed)
