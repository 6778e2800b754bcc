"""The arguments of a tool call: the text a model wrote → a JSON object, or the reason why it is none.

Text that is not quite JSON is repaired only where it can mean one thing alone, and never where an end is missing:
half an argument must never run. What is repaired, each because models and servers do send it:

- a line end or tab inside a string, written as itself and not as `\\n`;
- the whole object inside a Markdown fence;
- one comma too many before a closing bracket;
- the object as a JSON string of an object (encoded twice);
- `{}` first and the real object behind it, or the same object twice (servers that send a call's beginning again);
- a Python dict of plain strings, numbers, lists, True, False and None.

Pure. Start with `read_arguments`.
"""

import ast
import io
import json
import re
import tokenize
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any, Final, NoReturn, cast

from copydesk.domain.frozen import frozen

_NO_ARGUMENTS: Final = ("", "null")
_JSON_NAMES: Final = {str: "a string", int: "a number", float: "a number", bool: "true or false", list: "an array"}
_FENCE: Final = r"\s*(`{3,})(?:json5?|JSON)?[ \t]*\r?\n(?P<inside>.*)\r?\n[ \t]*\1\s*"
_ESCAPE: Final = r"""\\(?:['"\\nrtbf]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})"""
_PYTHON_STRING: Final = rf"""'(?:[^'\\\r\n]|{_ESCAPE})*'|"(?:[^"\\\r\n]|{_ESCAPE})*\""""
"""A string that Python and JSON read alike: no prefix, no octal or hexadecimal escapes, no halves of a character."""
_NUMBER: Final = r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_PUNCTUATION: Final = frozenset("{}[]:,-")
LONGEST_PYTHON: Final = 20_000
"""Longer text is not tried as Python, whose parser is slow and wants much memory."""


@frozen
class Arguments:
    """`problem` is set when nothing can be run. `text` is `values` as JSON, fit to be sent back to any server."""

    values: dict[str, Any]
    text: str = ""
    problem: str = ""


class _Ambiguous(ValueError):
    """The text could mean several things."""


def read_arguments(raw: str) -> Arguments:
    """The object that `raw` says, for certain. Raises nothing."""
    if raw.strip() in _NO_ARGUMENTS:
        return Arguments({})
    try:
        value: object = _JSON.decode(raw)
    except RecursionError:
        return _broken("it is nested too deeply")
    except ValueError as error:
        return _repaired(raw) or _broken(str(error))
    if isinstance(value, dict):
        return Arguments(cast("dict[str, Any]", value), raw)
    inner = _object(value, _JSON.decode) if isinstance(value, str) else None
    if inner is not None:
        return _made(inner)
    found = next((name for kind, name in _JSON_NAMES.items() if type(value) is kind), "null")
    return Arguments({}, problem=f"the arguments must be a JSON object, not {found}; it was not run.")


def _broken(why: str) -> Arguments:
    return Arguments({}, problem=f"the arguments are not valid JSON ({why}); it was not run.")


def _made(values: dict[str, Any]) -> Arguments:
    return Arguments(values, json.dumps(values, ensure_ascii=False, separators=(",", ":")))


def _repaired(raw: str) -> Arguments | None:
    """What `raw` certainly means although it is not JSON."""
    fenced = re.fullmatch(_FENCE, raw, re.DOTALL)
    text = fenced["inside"] if fenced else raw
    for read in (_LOOSE.decode, _twice, _without_comma, _python):
        values = _object(text, read)
        if values is not None:
            return _made(values)
    return None


def _object(text: str, read: Callable[[str], object]) -> dict[str, Any] | None:
    try:
        value = read(text)
    except (ValueError, RecursionError, MemoryError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _refuse_constant(name: str) -> NoReturn:
    raise _Ambiguous(f"{name} is no JSON value")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs) and any(repr(values[name]) != repr(value) for name, value in pairs):
        raise _Ambiguous(f"{_first_doubled(name for name, _ in pairs)!r} is given twice, with different values")
    return values


def _first_doubled(names: Iterable[str]) -> str:
    seen: set[str] = set()
    return next(name for name in names if name in seen or seen.add(name))


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _refuse_constant(text)


_JSON = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_pairs)
"""JSON as the standard has it: no NaN, no name twice with different values."""
_LOOSE = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_pairs, strict=False)
"""The same, where strings may hold line ends and other control characters as they are."""


def _twice(text: str) -> object:
    """`{}` and then an object, or one object two times."""
    first, end = _LOOSE.raw_decode(text.strip())
    behind = text.strip()[end:].strip()
    second, end = _LOOSE.raw_decode(behind)
    if behind[end:] or repr(first) not in ("{}", repr(second)):
        raise _Ambiguous("more than one value")
    return second


def _without_comma(text: str) -> object:
    try:
        return _LOOSE.decode(text)
    except json.JSONDecodeError as error:
        at = len(text[: error.pos + 1].rstrip(" \t\r\n]}")) - 1
        if not text[at:].startswith(",") or text[at + 1 :].lstrip()[:1] not in ("}", "]"):
            raise
        return _LOOSE.decode(text[:at] + text[at + 1 :])


def _python(text: str) -> object:
    """A dict as Python writes it, of strings, numbers, lists, dicts, True, False and None."""
    text = text.strip()
    if len(text) > LONGEST_PYTHON or not text.startswith("{"):
        raise _Ambiguous("no dict")
    try:
        _check_tokens(text)
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, tokenize.TokenError) as error:
        raise _Ambiguous("no dict") from error
    return _plain(tree.body)


def _check_tokens(text: str) -> None:
    """Refuses what Python and JSON would read differently, and strings that Python would join."""
    before, last = 0, ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        match token.type:
            case tokenize.STRING:
                fits = before != tokenize.STRING and re.fullmatch(_PYTHON_STRING, token.string)
            case tokenize.NUMBER:
                fits = re.fullmatch(_NUMBER, token.string)
            case tokenize.NAME:
                fits = token.string in ("True", "False", "None")
            case tokenize.OP:
                fits = token.string in _PUNCTUATION and not (last == "," and token.string in "}]")
            case tokenize.NL | tokenize.NEWLINE | tokenize.ENDMARKER:
                fits = True
            case _:
                fits = False
        if not fits:
            raise _Ambiguous(f"{token.string!r} in a dict")
        if token.type != tokenize.NL:
            before, last = token.type, token.string


def _plain(node: ast.expr) -> object:
    """The value of a literal that JSON has too."""
    match node:
        case ast.Constant(value=float() as number) if not isfinite(number):
            raise _Ambiguous("a number without end")
        case ast.Constant(value=str() | int() | float() | None):
            return cast("object", node.value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if not isinstance(
            number, bool
        ):
            return -cast("float", _plain(ast.Constant(number)))
        case ast.List(elts=elements):
            return [_plain(element) for element in elements]
        case ast.Dict(keys=keys, values=values):
            names = [key.value if isinstance(key, ast.Constant) else None for key in keys]
            if not all(isinstance(name, str) for name in names):
                raise _Ambiguous("a key that is no string")
            return _pairs([(str(name), _plain(value)) for name, value in zip(names, values, strict=True)])
        case _:
            raise _Ambiguous("more than plain values")
