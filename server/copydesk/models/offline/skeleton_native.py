"""Which real functions the evaluator may call, and the limits it puts on them.

Owns: the allow-list of pure standard-library names and built-ins, and the guards on size.
Must not know: the syntax tree. Start at `native_attribute` and `call_native`.
"""

from __future__ import annotations

import builtins
import datetime
import decimal
import enum
import fractions
import importlib
import operator
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from copydesk.models.offline.skeleton_objects import Bound, Callee, ClassValue, FuncValue, Obj, Unsupported
from copydesk.models.offline.skeleton_source import words

LIMIT_ITEMS = 20_000
LIMIT_BITS = 20_000

BUILTINS = words(
    """
    abs all any ascii bin bool bytearray bytes callable chr complex dict divmod enumerate filter float
    format frozenset hex int isinstance issubclass iter len list map max min next oct ord pow range repr
    reversed round set slice sorted str sum print tuple zip type getattr hasattr object
    """
)
EVALUATED: Mapping[str, frozenset[str] | None] = {
    "math": None,
    "re": None,
    "string": None,
    "operator": None,
    "itertools": words(
        """
    accumulate chain combinations combinations_with_replacement compress dropwhile filterfalse groupby
    islice pairwise permutations product starmap takewhile zip_longest
    """
    ),
    "functools": frozenset({"reduce", "partial", "cmp_to_key"}),
    "collections": frozenset({"Counter", "OrderedDict", "defaultdict", "deque"}),
    "json": frozenset({"dumps", "loads", "JSONDecodeError"}),
    "textwrap": frozenset({"dedent", "indent", "shorten", "fill", "wrap"}),
    "fractions": frozenset({"Fraction"}),
    "decimal": frozenset({"Decimal", "InvalidOperation", "ROUND_HALF_UP", "ROUND_HALF_EVEN", "ROUND_DOWN", "ROUND_UP"}),
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone", "UTC", "MINYEAR", "MAXYEAR"}),
    "html": frozenset({"escape", "unescape"}),
    "base64": None,
    "binascii": None,
    "hashlib": frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}),
    "struct": frozenset({"pack", "unpack", "calcsize", "error"}),
    "unicodedata": None,
    "copy": frozenset({"copy", "deepcopy"}),
    "bisect": None,
    "heapq": None,
    "keyword": frozenset({"iskeyword", "issoftkeyword"}),
    "posixpath": frozenset({"basename", "dirname", "isabs", "join", "normpath", "split", "splitext", "sep"}),
    "ntpath": frozenset({"basename", "dirname", "isabs", "join", "normpath", "split", "splitext", "splitdrive", "sep"}),
    "shlex": frozenset({"quote"}),
    "fnmatch": frozenset({"fnmatchcase"}),
    "colorsys": None,
    "statistics": frozenset({"mean", "median", "fmean", "StatisticsError"}),
    "urllib.parse": frozenset({"quote", "unquote", "quote_plus", "unquote_plus", "urlencode"}),
}
FORBIDDEN = words(
    """
    now today utcnow fromtimestamp utcfromtimestamp timestamp astimezone ctime strftime purge template
    attrgetter methodcaller encode_basestring main test test1 encode decode
    """
)
# `encode`/`decode` above are base64's file functions; on text and bytes they are ordinary methods.
METHODS_ALLOWED = frozenset({"encode", "decode"})
DATA = (str, bytes, bytearray, bool, int, float, complex, type(None), range, list, tuple, dict, set, frozenset, slice)
EXTRA = (
    re.Pattern, re.Match, datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, decimal.Decimal,
    fractions.Fraction, deque, Counter, OrderedDict, defaultdict, BaseException,
)  # fmt: skip
_OPEN_TYPES: frozenset[type] = frozenset(
    {str, bytes, int, float, dict, bytearray, fractions.Fraction, decimal.Decimal, datetime.date, datetime.datetime}
    | {datetime.timedelta, datetime.timezone}
)
CHANGING = words(
    """
    append extend insert remove pop clear sort reverse update setdefault popitem add discard appendleft
    extendleft popleft rotate difference_update intersection_update symmetric_difference_update subtract
    """
)
_HASHES = frozenset({"hexdigest", "digest"})
_UNORDERED_OK = frozenset(
    {"len", "sorted", "set", "frozenset", "any", "all", "sum", "min", "max", "bool", "isinstance", "type", "callable"}
)
_WIDE = re.compile(r"\d{5,}")
_NESTED_REPEAT = re.compile(r"[+*}]\)?[^|()]*\)[+*{]")


def native_attribute(module: str, name: str) -> object:
    """`module.name` if the allow-list has it (a dotted sub-module gives its name), else `Unsupported`."""
    if module in {"typing", "typing_extensions"} and name == "cast":
        return _cast
    if module == "typing" and name == "TYPE_CHECKING":
        return False
    if module == "os" and name == "fspath":
        return _fspath
    allowed = EVALUATED.get(module, frozenset[str]())
    if name.startswith("_") or name in FORBIDDEN - (METHODS_ALLOWED if module == "operator" else frozenset()):
        raise Unsupported(f"{module}.{name} is not evaluated")
    if module not in EVALUATED or (allowed is not None and name not in allowed):
        raise Unsupported(f"{module}.{name} is not evaluated")
    try:
        return cast("object", getattr(importlib.import_module(module), name))
    except AttributeError as missing:
        raise Unsupported(f"{module} has no {name!r}") from missing


def _cast(kind: object, value: object) -> object:
    return value


def _fspath(path: object) -> object:
    if not isinstance(path, str | bytes):
        raise Unsupported("os.fspath of an object")
    return path


def builtin(name: str) -> object:
    """The built-in `name`: a pure function, a constant or an exception class."""
    value = cast("object", getattr(builtins, name, None))
    if name in BUILTINS or name in {"NotImplemented", "Ellipsis", "True", "False", "None"}:
        return value
    if isinstance(value, type) and issubclass(value, BaseException):
        return value
    raise Unsupported(f"the name {name!r} is not evaluated")


def method_of(value: object, name: str) -> object:
    """A public attribute of a native value; what depends on the clock or the machine is refused."""
    if name.startswith("_") or (name in FORBIDDEN and name not in METHODS_ALLOWED):
        raise Unsupported(f"the attribute {name!r} is not evaluated")
    if isinstance(value, enum.EnumMeta) and name in value.__members__:
        return value.__members__[name]
    if isinstance(value, type):
        if value not in _OPEN_TYPES:
            raise Unsupported(f"{name!r} of a type is not evaluated")
    elif not isinstance(value, (*DATA, *EXTRA)) and name not in _HASHES:
        raise Unsupported(f"{name!r} of {type(value).__name__} is not evaluated")
    return cast("object", getattr(cast("object", value), name))


def unordered(value: object) -> bool:
    """True for a set whose order of iteration differs from one process to the next."""
    return isinstance(value, set | frozenset) and len(cast("set[object]", value)) > 1


def call_native(callee: Callee, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
    """Call a real, allowed function within the limits; an exception it raises comes out as it is."""
    name = getattr(callee, "__name__", "")
    receiver = cast("object", getattr(callee, "__self__", None))
    values = [*args, *kwargs.values()]
    _check_order(str(name), receiver, values)
    _check_sizes(str(name), receiver, values)
    _check_text(str(name), receiver, values)
    return callee(*args, **kwargs)


def _check_order(name: str, receiver: object, values: Sequence[object]) -> None:
    own = isinstance(receiver, set | frozenset | dict)
    if name == "pop" and unordered(receiver):
        raise Unsupported("takes any element of a set")
    if name in _UNORDERED_OK or own:
        return
    if any(unordered(value) for value in values) and name not in {"append", "copy", "deepcopy", "isdisjoint"}:
        raise Unsupported("depends on the order of a set")


def _check_sizes(name: str, receiver: object, values: Sequence[object]) -> None:
    for value in values:
        if (
            isinstance(value, int)
            and abs(value) > LIMIT_ITEMS
            and (name in _SIZED or isinstance(receiver, str | bytes))
        ):
            raise Unsupported("too large for the evaluator")
        if isinstance(value, decimal.Decimal) and value.is_finite() and abs(value.adjusted()) > 400:
            raise Unsupported("too large for the evaluator")
        if isinstance(value, str) and name == "Decimal" and len(value) > 60:
            raise Unsupported("too large for the evaluator")
    if name in {"pow", "ldexp"} and len(values) >= 2:
        check_power(values[0], values[1])
    if name in {"mul", "lshift"} and len(values) == 2:
        check_product(values[0], values[1], name == "lshift")
    many = any(
        isinstance(v, str | bytes | list | tuple | range) and len(cast("Sequence[object]", v)) > 7 for v in values
    )
    if many and name in {"permutations", "combinations", "product", "combinations_with_replacement"}:
        raise Unsupported("too many combinations")


_SIZED = words(
    """
    range bytes bytearray factorial comb perm center ljust rjust zfill expandtabs to_bytes isqrt round
    lcm
    """
)


def _check_text(name: str, receiver: object, values: Sequence[object]) -> None:
    texts = [v for v in (*values, receiver) if isinstance(v, str)]
    if name in {"format", "format_map"} and any("__" in t or _WIDE.search(t) for t in texts):
        raise Unsupported("a wide or private format")
    pattern = cast("object", cast("re.Pattern[str]", receiver).pattern) if isinstance(receiver, re.Pattern) else None
    if name in {"compile", "match", "search", "fullmatch", "sub", "split", "findall", "finditer", "subn"}:
        for text in (*texts, pattern):
            if isinstance(text, str) and (_NESTED_REPEAT.search(text) or len(text) > 2000):
                raise Unsupported("a pattern that may take long")


def check_power(base: object, exponent: object) -> None:
    if isinstance(exponent, int | float) and abs(exponent) > 1000:
        raise Unsupported("too large for the evaluator")
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > LIMIT_BITS:
        raise Unsupported("too large for the evaluator")


def check_product(left: object, right: object, shift: bool = False) -> None:
    if shift and isinstance(right, int) and right > LIMIT_BITS:
        raise Unsupported("too large for the evaluator")
    for many, count in ((left, right), (right, left)):
        if isinstance(many, int) and many.bit_length() > LIMIT_BITS:
            raise Unsupported("too large for the evaluator")
        n = len(cast("Sequence[object]", many)) if isinstance(many, str | bytes | bytearray | list | tuple) else 0
        if isinstance(count, int) and n * count > LIMIT_ITEMS:
            raise Unsupported("too large for the evaluator")


def binary(symbol: str, left: object, right: object) -> object:
    """One arithmetic operation within the limits."""
    if symbol == "Pow":
        check_power(left, right)
    if symbol in {"Mult", "LShift"}:
        check_product(left, right, symbol == "LShift")
    if symbol == "Mod" and isinstance(left, str | bytes):
        if _WIDE.search(left if isinstance(left, str) else left.decode("latin-1")):
            raise Unsupported("a wide format")
        if any(unordered(v) for v in (cast("tuple[object, ...]", right) if isinstance(right, tuple) else (right,))):
            raise Unsupported("depends on the order of a set")
    return _BINARY[symbol](left, right)


_OPERATORS = cast("Mapping[str, Callable[..., object]]", vars(operator))
_BINARY: Mapping[str, Callable[..., object]] = {
    symbol: _OPERATORS[name]
    for symbol, name in (
        ("Add", "add"), ("Sub", "sub"), ("Mult", "mul"), ("Div", "truediv"), ("FloorDiv", "floordiv"), ("Mod", "mod"),
        ("Pow", "pow"), ("LShift", "lshift"), ("RShift", "rshift"), ("BitAnd", "and_"), ("BitOr", "or_"),
        ("BitXor", "xor"), ("MatMult", "matmul"),
    )
}  # fmt: skip
IN_PLACE: Mapping[str, Callable[..., object]] = {
    symbol: _OPERATORS[name]
    for symbol, name in (("Add", "iadd"), ("BitOr", "ior"), ("BitAnd", "iand"), ("Sub", "isub"))
}


def items_of(value: object, step: Callable[[], None]) -> Iterator[object]:
    """Iterate within the limits; a set of several elements has no order that a test could rely on."""
    if unordered(value):
        raise Unsupported("depends on the order of a set")
    if isinstance(value, FuncValue | Bound | ClassValue):
        if isinstance(value, ClassValue) and value.kind == "enum":
            yield from value.members.values()
            return
        raise TypeError("not iterable")
    iterator: Iterator[object] = iter(value) if isinstance(value, Obj) else iter(cast("Sequence[object]", value))
    for n, item in enumerate(iterator):
        step()
        if n > LIMIT_ITEMS:
            raise Unsupported("too many items")
        yield item
