"""JSON and lsprotocol types: bytes to plain data to typed parameters, and results back to bytes.

A typed structure is built only when a handler asks for one. Errors name the field as it stands in the JSON.
"""

import functools
import json
import re
from typing import Any, cast

import attrs
import cattrs
from lsprotocol import converters

from copydesk.lsp.handlers import RpcError, invalid_params

PARSE_ERROR = -32700
_SNAKE = re.compile(r"_([a-z])")


@functools.cache
def converter() -> cattrs.Converter:
    made = converters.get_converter()
    for primitive in (int, str, bool):
        made.register_structure_hook(primitive, _exactly)
    return made


def _exactly(value: Any, wanted: type[Any]) -> Any:
    """cattrs would make "5" of 5 and 1 of "1"; a client that sends the wrong type is told so instead."""
    if wanted not in (int, str, bool):  # an enum: cattrs takes it for the primitive it derives from
        return wanted(value)
    if wanted is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise TypeError(f"expected {wanted.__name__}, not {type(value).__name__}")
    return value


def decode(body: bytes) -> Any:
    """The JSON value of a body. Raises `RpcError` -32700."""
    try:
        return json.loads(body.decode("utf-8"))
    except RecursionError:
        raise RpcError(PARSE_ERROR, "The message is nested too deeply") from None
    except ValueError as error:
        raise RpcError(PARSE_ERROR, f"The message is not JSON: {str(error)[:200]}") from None


def encode(message: dict[str, Any]) -> bytes:
    """A whole frame. Raises ValueError or TypeError when the message is not JSON (NaN, a foreign object)."""
    body = _dumps(message, ascii_only=False)
    try:
        data = body.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair: only as an escape does it survive
        data = _dumps(message, ascii_only=True).encode("ascii")
    return b"Content-Length: %d\r\n\r\n%s" % (len(data), data)


def _dumps(message: dict[str, Any], *, ascii_only: bool) -> str:
    return json.dumps(message, default=_plain, separators=(",", ":"), ensure_ascii=ascii_only, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return list(cast("set[Any]", value))
    if attrs.has(cast("type[Any]", type(value))):
        return converter().unstructure(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def structure(params: Any, wanted: type[Any] | None) -> Any:
    """Typed parameters; raw ones when `wanted` is None. Raises `RpcError` -32602 that names the field."""
    if wanted is None:
        return params
    if not isinstance(params, dict):
        raise invalid_params("params: an object is needed")
    try:
        return converter().structure(params, wanted)
    except RecursionError:
        raise invalid_params("params: nested too deeply") from None
    except Exception as error:  # noqa: BLE001  # every way cattrs and the types' validators say "malformed"
        raise invalid_params(_explain(error)) from None


def _explain(error: Exception) -> str:
    try:
        lines = cattrs.transform_error(error, path="params")
    except Exception:  # noqa: BLE001  # an error cattrs cannot render must not hide that the params are wrong
        return f"params: {str(error)[:200]}"
    shown = "; ".join(_SNAKE.sub(lambda found: found[1].upper(), line) for line in lines[:3])
    return f"params: {shown[:400]}"
