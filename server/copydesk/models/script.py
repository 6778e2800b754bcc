r"""Scripts for the scripted model: their words as data, and the parser of the form below.

Knows no model and no network. Start with `Script.parse`. `scripted.ScriptedModel` plays what is read here.

A script is a list of steps; each request to the model plays the next one. Steps are separated by a line
`--- step` (words after it are a title). Blank lines and lines that start with `#` say nothing. In a step:

    text: Hello                       says it
    think: hm, first read the file    thinks it
    tool: read_file {"path": "a.py"}  calls a tool with this JSON object
    tool_raw: read_file {"path":      calls a tool with argument text that need not be JSON
    refuse: I will not do that        declines in these words; the step then finishes with `refusal`
    usage: in=1200 out=30 cached=1000 reports tokens (also: written=, reasoning=)
    delay: 0.2                        waits, in seconds
    chunk: 5                          from here on in this step, sends everything in pieces of 5 characters
    error: rate_limited slow down     raises: rate_limited, overloaded, timeout, connection, auth, overflow
    finish: max_tokens                ends so: end_turn, tool_calls, max_tokens, refusal, cut_off
    expect: 3 passed                  the last user or tool message must match this regex, else BadRequest
    loop                              (in the last step) this step repeats for ever

`text`, `think`, `refuse`, `tool` and `tool_raw` take several lines after a `|`, indented by two spaces:

    text: |
      First line.

      Third line. No line end follows the last one.
    tool: write_file |
      {"path": "a.py",
       "content": "x = 1\n"}

Lines play in order. A step that calls a tool finishes with `tool_calls`, others with `end_turn`, unless it says
otherwise. When the script is over the model says so plainly.
"""

import json
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar, cast, get_args

from copydesk.domain import errors
from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Usage
from copydesk.domain.stream import FinishReason

_N = TypeVar("_N", int, float)
FailureKind: TypeAlias = Literal["rate_limited", "overloaded", "timeout", "connection", "auth", "overflow"]
OVER = "The script is over: it has no step for this request."

_ERRORS: dict[FailureKind, type[errors.ModelError]] = {
    "rate_limited": errors.RateLimited,
    "overloaded": errors.Overloaded,
    "timeout": errors.ModelTimeout,
    "connection": errors.ConnectionLost,
    "auth": errors.AuthRejected,
    "overflow": errors.ContextOverflow,
}
_USAGE_FIELDS = frozenset(field.name for field in fields(Usage))
_USAGE_WORDS = {"in": "input", "out": "output", "cached": "cache_read", "written": "cache_write"}
_LINE = re.compile(r"(?P<word>[a-z_]+)(?::(?: (?P<value>.*))?)?$", re.DOTALL)


@frozen
class Say:
    text: str
    chunk: int = 0


@frozen
class Think:
    text: str
    chunk: int = 0


@frozen
class Refuse:
    text: str
    chunk: int = 0


@frozen
class Call:
    """`json` is the argument text exactly as it is sent; it may be broken on purpose."""

    name: str
    json: str
    chunk: int = 0


@frozen
class Report:
    usage: Usage


@frozen
class Wait:
    delay_s: float


@frozen
class Fail:
    kind: FailureKind
    message: str

    def error(self) -> errors.ModelError:
        return _ERRORS[self.kind](self.message, advice="The script says so.")


Action: TypeAlias = Say | Think | Refuse | Call | Report | Wait | Fail


@frozen
class Step:
    """What one request is answered with. `expect` is a regex for the last user or tool message; empty: anything."""

    actions: tuple[Action, ...] = ()
    finish: FinishReason = "end_turn"
    expect: str = ""


@frozen
class Script:
    steps: tuple[Step, ...]
    loops: bool = False

    @classmethod
    def parse(cls, text: str, name: str = "script") -> "Script":
        """Reads the form in the module's docstring. Raises `ConfigError` naming the line."""
        return _Parser(name).parse(text)

    def step(self, index: int) -> Step:
        """The step for the request number `index` (from 0)."""
        if index < len(self.steps):
            return self.steps[index]
        return self.steps[-1] if self.loops and self.steps else Step((Say(OVER),))


def load(path: str) -> Script:
    """Reads a script file. Blocks on the disk. Raises `ConfigError`."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        advice = "Give the path of a script file after `scripted:`."
        raise errors.ConfigError(f"The script {path!r} cannot be read: {exc}.", advice=advice) from exc
    return Script.parse(text, path)


class _Parser:
    """Line by line; `_chunk`, `_finish` and the rest are of the step being read."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._line = 0
        self._steps: list[Step] = []
        self._loops_at: int | None = None
        self._begin()

    def _begin(self) -> None:
        self._actions: list[Action] = []
        self._finish: FinishReason | None = None
        self._expect = ""
        self._chunk = 0
        self._filled = False

    def parse(self, text: str) -> Script:
        lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
        at = 0
        while at < len(lines):
            self._line = at + 1
            line, at = lines[at], at + 1
            if line.startswith("--- step") or line.strip() == "---":
                self._end_step()
            elif line.strip() and not line.startswith("#"):
                block, at = _block(lines, at) if line.rstrip().endswith("|") else (None, at)
                self._read(line, block)
        self._end_step()
        return Script(tuple(self._steps), self._loops_at is not None)

    def _end_step(self) -> None:
        if self._filled:
            if self._loops_at is not None and self._loops_at < len(self._steps):
                raise self._wrong("a step follows the one with `loop`, which belongs in the last")
            self._steps.append(Step(tuple(self._actions), self._finish or self._natural_finish(), self._expect))
        self._begin()

    def _natural_finish(self) -> FinishReason:
        if any(isinstance(action, Refuse) for action in self._actions):
            return "refusal"
        return "tool_calls" if any(isinstance(action, Call) for action in self._actions) else "end_turn"

    def _read(self, line: str, block: str | None) -> None:
        found = _LINE.match(line)
        if found is None:
            raise self._wrong(f"{line!r} is not `word: value`")
        self._filled = True
        word, value = found["word"], found["value"] or ""
        reader = _READERS.get(word)
        if reader is None:
            raise self._wrong(f"{word!r} is not a word of scripts; they are: {', '.join(_READERS)}")
        reader(self, value, block)

    def _wrong(self, why: str) -> errors.ConfigError:
        return errors.ConfigError(
            f"Line {self._line} of the script {self._name!r}: {why}.",
            advice="The form is in copydesk/models/script.py.",
        )

    def read_text(self, value: str, block: str | None) -> None:
        self._actions.append(Say(_whole(value, block), self._chunk))

    def read_think(self, value: str, block: str | None) -> None:
        self._actions.append(Think(_whole(value, block), self._chunk))

    def read_refuse(self, value: str, block: str | None) -> None:
        self._actions.append(Refuse(_whole(value, block), self._chunk))

    def read_tool(self, value: str, block: str | None) -> None:
        name, arguments = self._call(value, block)
        try:
            parsed: object = json.loads(arguments or "{}")
        except ValueError as exc:
            raise self._wrong(f"the arguments of {name!r} are not JSON ({exc}); broken ones go in `tool_raw`") from exc
        if not isinstance(parsed, dict):
            raise self._wrong(f"the arguments of {name!r} are not a JSON object; others go in `tool_raw`")
        self._actions.append(Call(name, arguments or "{}", self._chunk))

    def read_tool_raw(self, value: str, block: str | None) -> None:
        name, arguments = self._call(value, block)
        self._actions.append(Call(name, arguments, self._chunk))

    def _call(self, value: str, block: str | None) -> tuple[str, str]:
        name, _, arguments = value.partition(" ")
        if not name:
            raise self._wrong("a call needs the name of a tool")
        if block is not None and arguments.strip() == "|":
            return name, block
        return name, arguments.strip()

    def read_usage(self, value: str, _block: str | None) -> None:
        counts: dict[str, int] = {}
        for pair in value.split():
            key, _, number = pair.partition("=")
            field = _USAGE_WORDS.get(key, key)
            if field not in _USAGE_FIELDS or not number.isdecimal():
                raise self._wrong(f"{pair!r} is not one of in=, out=, cached=, written=, reasoning= and a number")
            counts[field] = int(number)
        self._actions.append(Report(Usage(**counts)))

    def read_delay(self, value: str, _block: str | None) -> None:
        self._actions.append(Wait(self._number(value, float)))

    def read_chunk(self, value: str, _block: str | None) -> None:
        self._chunk = self._number(value, int)

    def _number(self, value: str, kind: Callable[[str], _N]) -> _N:
        try:
            number = kind(value)
        except ValueError as exc:
            raise self._wrong(f"{value!r} is not a number") from exc
        if not 0 <= number < 1e9:
            raise self._wrong(f"{value!r} is out of range")
        return number

    def read_error(self, value: str, _block: str | None) -> None:
        kind, _, message = value.partition(" ")
        if kind not in get_args(FailureKind):
            raise self._wrong(f"{kind!r} is not an error; they are: {', '.join(get_args(FailureKind))}")
        self._actions.append(Fail(cast(FailureKind, kind), message or f"The script's {kind} error."))

    def read_finish(self, value: str, _block: str | None) -> None:
        if value not in get_args(FinishReason):
            raise self._wrong(f"{value!r} is not a finish; they are: {', '.join(get_args(FinishReason))}")
        self._finish = cast(FinishReason, value)

    def read_expect(self, value: str, _block: str | None) -> None:
        try:
            re.compile(value)
        except re.error as exc:
            raise self._wrong(f"{value!r} is not a regular expression: {exc}") from exc
        self._expect = value

    def read_loop(self, _value: str, _block: str | None) -> None:
        self._loops_at = len(self._steps)


def _block(lines: list[str], at: int) -> tuple[str, int]:
    """The lines from `at` on that are indented by two spaces, without the indent, and where the rest begins."""
    taken: list[str] = []
    while at < len(lines) and (lines[at].startswith("  ") or not lines[at].strip()):
        taken.append(lines[at][2:])
        at += 1
    while taken and not taken[-1]:
        taken.pop()
    return "\n".join(taken), at


def _whole(value: str, block: str | None) -> str:
    return block if block is not None and value.strip() == "|" else value


_READERS: dict[str, Callable[[_Parser, str, str | None], None]] = {
    "text": _Parser.read_text,
    "think": _Parser.read_think,
    "tool": _Parser.read_tool,
    "tool_raw": _Parser.read_tool_raw,
    "refuse": _Parser.read_refuse,
    "usage": _Parser.read_usage,
    "delay": _Parser.read_delay,
    "chunk": _Parser.read_chunk,
    "error": _Parser.read_error,
    "finish": _Parser.read_finish,
    "expect": _Parser.read_expect,
    "loop": _Parser.read_loop,
}
