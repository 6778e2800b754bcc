"""What the rest of the program uses: the `Secrets` of this user, with all that is known of them so far.

A text is looked through for values that are known (from the environment, from secret files, from what was found
before) and for what looks like one (`finding`). Each becomes its placeholder, and is known from then on: a password
that a configuration file gave away by its name is found in a diff or an error without it. Values stay in memory only.
Safe to call from any thread. Start with `Redactor`.
"""

import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, cast

from copydesk.domain.secrets import Redacted
from copydesk.safety.secrets.finding import Span, find_spans, merged
from copydesk.safety.secrets.judging import MIN_CHARS, is_plain, is_secret_name, looks_random
from copydesk.safety.secrets.known import KnownValues
from copydesk.safety.secrets.pictures import is_picture
from copydesk.safety.secrets.placeholders import Placeholders, kind_of
from copydesk.safety.secrets.shapes import kind_of_value
from copydesk.safety.secrets.views import View

MAX_REMEMBERED = 20_000
"""Placeholders whose value is remembered; older ones are found again by looking into the file."""
MAX_ENCODED = 1_000
MAX_ENCODED_CHARS = 256
"""While so few are known, what was found by its look is known in its encodings too, unless it is long."""
_CACHE_CHARS = 8_000_000
_CACHED_FROM = 200
"""Shorter texts are remembered only when there is nothing in them."""
_MAX_CLEAN = 8_192


def never_hidden(path: str) -> bool:
    del path
    return False


class Redactor:
    """Implements `domain.secrets.Secrets`. `hidden` says of a path whether tools keep away from that file."""

    def __init__(
        self,
        key: Callable[[], bytes],
        hidden: Callable[[str], bool] = never_hidden,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Key and environment are read at the first use."""
        self._key = key
        self._hidden = hidden
        self._environment = environment
        self._known = KnownValues()
        self._values: OrderedDict[str, str] = OrderedDict()
        self._done: OrderedDict[str, str] = OrderedDict()
        self._done_chars = 0
        self._clean: set[str] = set()
        self._lock = threading.RLock()

    @cached_property
    def _placeholders(self) -> Placeholders:
        return Placeholders(self._key())

    # --- Secrets ---

    def hides(self, path: str) -> bool:
        return self._hidden(path)

    def redact(self, text: str) -> str:
        if len(text) < MIN_CHARS:
            return text
        with self._lock:
            if len(text) < _CACHED_FROM:
                return self._redacted_short(text)
            if (done := self._done.get(text)) is None:
                done = self._redacted(text)
                self._remember(text, done)
            return done

    def restore(self, text: str, held: str) -> str:
        found = [match[0] for match in self._placeholders.found(text)]
        if not found:
            return text
        with self._lock:
            values = {word: self._values[word] for word in found if self._values.get(word, "\0") in held}
            if len(values) < len(set(found)):
                values |= self._values_in(held)
        for word in dict.fromkeys(found):
            text = text.replace(word, values.get(word, word))
        return text

    def placeholders(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(match[0] for match in self._placeholders.found(text)))

    # --- what is known ---

    def learn(self, values: Iterable[str]) -> None:
        """Takes values that are secret wherever they stand, in the usual encodings too."""
        with self._lock:
            if self._known.add(_searchable(values)):
                self._forget_done()

    def learn_environment(self, environment: Mapping[str, str]) -> None:
        """The values of variables whose names speak of secrets."""
        self.learn(value for name, value in environment.items() for value in environment_values(name, value))

    # --- the door ---

    def redact_body(self, body: bytes) -> Redacted:
        """A body as it may leave, and how many placeholders of each kind stand in it.

        JSON is read and its strings are looked at, so that no escape hides a value; where nothing is found the bytes
        stay as they are. What is not JSON is looked at as text.
        """
        text = body.decode("utf-8", "surrogateescape")
        try:
            data: Any = json.loads(text) if text[:1] in ("{", "[", '"') else None
        except ValueError:
            data = None
        if data is None:
            clean = self.redact(text)
        elif self._is_known_clean(data):
            clean = text
        else:
            made = self.redact_value(data)
            clean = text if made == data else json.dumps(made, ensure_ascii=False, separators=(",", ":"))
        kinds = Counter(kind_of(match[0]) for match in self._placeholders.found(clean))
        return Redacted(clean.encode("utf-8", "surrogateescape") if clean != text else body, dict(kinds))

    def redact_value(self, value: Any, name: str = "") -> Any:
        """Plain data with every string in it redacted; keys too. `name`: the key it stands under."""
        match value:
            case str():
                return self._redact_named(value, name)
            case Mapping():
                pairs = cast("Mapping[Any, Any]", value).items()
                return {self.redact_value(key): self.redact_value(item, str(key)) for key, item in pairs}
            case list() | tuple():
                return [self.redact_value(item, name) for item in cast("list[Any]", value)]
            case _:
                return value

    def _is_known_clean(self, data: Any) -> bool:
        """Whether every string in it was looked at before, as most of a request was for the one before it."""
        with self._lock:
            waiting: list[Any] = [data]
            while waiting:
                value = waiting.pop()
                if isinstance(value, dict):
                    fields = cast("dict[str, Any]", value)
                    if any(_may_be_named_secret(name, item) for name, item in fields.items()):
                        return False
                    waiting += fields
                    waiting += fields.values()
                elif isinstance(value, list):
                    waiting += cast("list[Any]", value)
                elif isinstance(value, str) and not self._was_clean(value):
                    return False
        return True

    def _was_clean(self, text: str) -> bool:
        return len(text) < MIN_CHARS or text in self._clean or self._done.get(text) == text

    def _redact_named(self, value: str, name: str) -> str:
        if name and _may_be_named_secret(name, value) and looks_random(value):
            self._learn_found([value])
        return self.redact(value)

    # --- inside ---

    def _redacted_short(self, text: str) -> str:
        """The names and descriptions of the tools are in every request, and most words come more than once."""
        if text in self._clean:
            return text
        done = self._redacted(text)
        if done == text:
            if len(self._clean) >= _MAX_CLEAN:
                self._clean.clear()  # cheaper than to take out the oldest: what is in use is soon here again
            self._clean.add(text)
        return done

    def _redacted(self, text: str) -> str:
        if (environment := self._environment) is not None:
            self._environment = None
            self.learn_environment(environment)
        spans = self._spans(text)
        if not spans:
            return text
        pieces: list[str] = []
        done = 0
        for start, end in spans:
            value = text[start:end]
            word = self._placeholders.of(value, kind_of_value(value))
            self._values[word] = value
            self._values.move_to_end(word)
            pieces += (text[done:start], word)
            done = end
        while len(self._values) > MAX_REMEMBERED:
            self._values.popitem(last=False)
        return "".join((*pieces, text[done:]))

    def _spans(self, text: str) -> list[Span]:
        """What is found by its look is learnt first, so that it is found wherever else it stands in the text."""
        view = View(text)
        found = [] if is_picture(text) else find_spans(view)
        self._learn_found(text[start:end] for start, end in found)
        spans = merged([*found, *self._known.find(view)])
        ours = [match.span() for match in self._placeholders.found(text)]
        return [span for span in _split_at_breaks(text, spans) if not _meets(span, ours)]

    def _learn_found(self, values: Iterable[str]) -> None:
        """In encodings too, as long as they are short and few: of what is only guessed, a text may be full."""
        found = dict.fromkeys(_searchable(values))
        n_left = MAX_ENCODED - len(self._known)
        short = [value for value in found if len(value) <= MAX_ENCODED_CHARS][: max(n_left, 0)]
        is_new = self._known.add(short)
        if self._known.add(found, encoded=False) or is_new:
            self._forget_done()

    def _values_in(self, held: str) -> dict[str, str]:
        values = (held[start:end] for start, end in self._spans(held))
        return {self._placeholders.of(value, kind_of_value(value)): value for value in values}

    def _remember(self, text: str, done: str) -> None:
        self._done[text] = done
        self._done_chars += len(text)
        if done != text:
            self._done[done] = done
            self._done_chars += len(done)
        while self._done_chars > _CACHE_CHARS and self._done:
            old, _ = self._done.popitem(last=False)
            self._done_chars -= len(old)

    def _forget_done(self) -> None:
        """More is known now: what was clean before may not be."""
        self._clean.clear()
        self._done.clear()
        self._done_chars = 0


def _searchable(values: Iterable[str]) -> list[str]:
    """Those that may be looked for everywhere: neither short nor ordinary nor of a few letters only."""
    return [value for value in values if not is_plain(value) and len(set(value)) > 3]


def _split_at_breaks(text: str, spans: Iterable[Span]) -> list[Span]:
    """No value goes over a line's end, so that the text keeps its lines."""
    out: list[Span] = []
    for start, end in spans:
        if "\n" not in text[start:end] and "\r" not in text[start:end]:
            out.append((start, end))
            continue
        at = start
        for line in text[start:end].splitlines(keepends=True):
            bare = line.rstrip("\r\n")
            if len(bare.strip()) >= MIN_CHARS // 2:
                out.append((at, at + len(bare)))
            at += len(line)
    return out


def _meets(span: Span, others: Iterable[Span]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in others)


def environment_values(name: str, value: str) -> list[str]:
    """The secret parts of one variable: all of it where its name says so, else the password of a URL in it."""
    value = value.strip()
    found = [value[start:end] for start, end in find_spans(View(value))]
    if is_secret_name(name) and not is_plain(value):
        found += [value, *(line.strip() for line in value.splitlines() if "\n" in value and not is_plain(line.strip()))]
    return found


def _may_be_named_secret(name: str, value: object) -> bool:
    if isinstance(value, str):
        return 16 <= len(value) <= 512 and bool(name) and is_secret_name(name)
    return isinstance(value, list) and is_secret_name(name)
