"""What a person or a client wrote as the one argument of a command, checked field by field.

Owns the shapes of command arguments; it knows no client and no document. Start with `TurnArguments.parse`.
A wrong field is an error that names it and what is expected; an unknown one is ignored and noted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from copydesk.domain.permissions import MODES, Mode

Fields: TypeAlias = Mapping[str, Any]

PLACE_KEYS = ("uri", "range", "diagnostics")
TURN_KEYS = (
    *PLACE_KEYS,
    "text",
    "instruction",
    "session",
    "mode",
    "model",
    "queue",
    "wait",
    "comment",
    "subject",
    "schema",
    "images",
)


class ArgumentError(ValueError):
    """The argument does not fit; the message says what the command takes."""


@dataclass(frozen=True, slots=True)
class ClientRange:
    """A range as the client counts: columns in its own position encoding."""

    start_line: int
    start_units: int
    end_line: int
    end_units: int

    @property
    def is_empty(self) -> bool:
        return (self.start_line, self.start_units) == (self.end_line, self.end_units)


@dataclass(frozen=True, slots=True)
class TurnArguments:
    """`text` is `text` or `instruction`; `subject` what the place is called, for titles.

    `diagnostics` is None when the argument says nothing of them.
    """

    text: str = ""
    uri: str | None = None
    range: ClientRange | None = None
    diagnostics: tuple[Fields, ...] | None = None
    session: str | None = None
    mode: Mode | None = None
    model: str | None = None
    queue: bool = False
    wait: bool = False
    comment: bool = False
    subject: str = ""
    images: tuple[str, ...] = ()
    schema: Fields | None = None
    unknown: tuple[str, ...] = ()

    @classmethod
    def parse(cls, command: str, arguments: Sequence[object] | None) -> "TurnArguments":
        fields = Reader(command, arguments, TURN_KEYS)
        return cls(
            text=fields.text("text") or fields.text("instruction") or "",
            uri=fields.text("uri"),
            range=fields.range("range"),
            diagnostics=fields.objects("diagnostics"),
            session=fields.text("session"),
            mode=fields.mode("mode"),
            model=fields.text("model"),
            queue=fields.flag("queue"),
            wait=fields.flag("wait"),
            comment=fields.flag("comment"),
            subject=fields.text("subject") or "",
            images=fields.texts("images"),
            schema=fields.object("schema"),
            unknown=fields.unknown,
        )


class Reader:
    """Reads typed fields from the argument object. No argument, `[]` and `[null]` are an empty object."""

    def __init__(self, command: str, arguments: Sequence[object] | None, keys: Sequence[str]) -> None:
        self.command = command
        self.keys = tuple(keys)
        self.fields = self._object(arguments)
        self.unknown = tuple(key for key in self.fields if key not in self.keys)

    def _object(self, arguments: Sequence[object] | None) -> Fields:
        given = arguments[0] if arguments else None
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            raise ArgumentError(f"{self.command} takes one object{self._keys()}, not {_kind(given)}.")
        return {str(key): value for key, value in cast("Mapping[object, object]", given).items()}

    def _keys(self) -> str:
        return f" with any of {', '.join(self.keys)}" if self.keys else ""

    def _wrong(self, key: str, expected: str, value: object) -> ArgumentError:
        return ArgumentError(f"{self.command}: {key!r} must be {expected}, not {_kind(value)}.")

    def text(self, key: str) -> str | None:
        value = self.fields.get(key)
        if value is None or isinstance(value, str):
            return value or None
        raise self._wrong(key, "a string", value)

    def flag(self, key: str) -> bool:
        value = self.fields.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._wrong(key, "true or false", value)

    def mode(self, key: str) -> Mode | None:
        value = self.text(key)
        known: Mode | None = next((mode for mode in MODES if mode == value), None)
        if value is not None and known is None:
            raise ArgumentError(f"{self.command}: {value!r} is not a mode; choose one of {', '.join(MODES)}.")
        return known

    def object(self, key: str) -> Fields | None:
        value = self.fields.get(key)
        if value is None or isinstance(value, Mapping):
            return cast("Fields | None", value)
        raise self._wrong(key, "an object", value)

    def objects(self, key: str) -> tuple[Fields, ...] | None:
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise self._wrong(key, "a list of objects", value)
        items = cast("Sequence[object]", value)
        return tuple(cast("Fields", item) for item in items if isinstance(item, Mapping))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; one alone counts as a list of it."""
        value = self.fields.get(key)
        items = [value] if isinstance(value, str) else value
        if items is None:
            return ()
        if not isinstance(items, list | tuple) or not all(
            isinstance(item, str) for item in cast("list[object]", items)
        ):
            raise self._wrong(key, "a list of strings", value)
        return tuple(cast("list[str]", items))

    def range(self, key: str) -> ClientRange | None:
        value = self.fields.get(key)
        if value is None:
            return None
        found = read_range(value)
        if found is None:
            expected = "{start: {line, character}, end: {line, character}}, counted from 0"
            raise ArgumentError(f"{self.command}: {key!r} must be {expected}.")
        return found


def read_range(value: object) -> ClientRange | None:
    """LSP's JSON range, the ends put in order; None when it is not one."""
    fields = as_fields(value)
    start = _position(fields.get("start"))
    end = _position(fields.get("end", fields.get("start")))
    if start is None or end is None:
        return None
    return ClientRange(*min(start, end), *max(start, end))


def as_fields(value: object) -> Fields:
    """A JSON object; anything else counts as an empty one."""
    return cast("Fields", value) if isinstance(value, Mapping) else {}


def _position(value: object) -> tuple[int, int] | None:
    fields = as_fields(value)
    line, character = fields.get("line"), fields.get("character", 0)
    if not _is_count(line) or not _is_count(character):
        return None
    return cast("int", line), cast("int", character)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _kind(value: object) -> str:
    match value:
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
        case _:
            return type(value).__name__
