"""Neovim's remote procedure calls over its socket: as much of msgpack-rpc as the stories need.

Knows nothing of the stories. One connection for one editor: a process for each call (`nvim --remote-expr`) takes longer
than what it asks. Start with `Rpc.call`.
"""

import socket
import struct
from pathlib import Path
from typing import Any

Value = Any


class RpcError(Exception):
    """Neovim answered an error."""


class Rpc:
    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._last_id = 0
        self._data = b""

    def call(self, method: str, *arguments: Value, limit_s: float) -> Value:
        """The result. Raises `TimeoutError`, and `RpcError` with Neovim's words."""
        self._last_id += 1
        self._socket.settimeout(limit_s)
        self._socket.sendall(pack([0, self._last_id, method, list(arguments)]))
        while True:
            kind, *rest = self._message()
            if kind == 1 and rest[0] == self._last_id:
                _, error, result = rest
                if error is not None:
                    raise RpcError(str(error))
                return result

    def _message(self) -> list[Value]:
        while True:
            try:
                message, end = unpack(self._data, 0)
            except (IndexError, struct.error):
                data = self._socket.recv(1 << 16)
                if not data:
                    raise RpcError("Neovim has ended") from None
                self._data += data
                continue
            self._data = self._data[end:]
            return message

    def close(self) -> None:
        self._socket.close()


def pack(value: Value) -> bytes:
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return b"\xd3" + struct.pack(">q", value)
        case str():
            data = value.encode()
            return b"\xdb" + struct.pack(">I", len(data)) + data
        case list():
            return b"\xdd" + struct.pack(">I", len(value)) + b"".join(pack(each) for each in value)
        case dict():
            pairs = b"".join(pack(key) + pack(each) for key, each in value.items())
            return b"\xdf" + struct.pack(">I", len(value)) + pairs
        case _:
            raise TypeError(f"{type(value).__name__} is not sent")


_SIZED = {0xC4: "B", 0xC5: ">H", 0xC6: ">I", 0xD9: "B", 0xDA: ">H", 0xDB: ">I"}
_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: "B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: "b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_CONTAINERS = {0xDC: ">H", 0xDD: ">I", 0xDE: ">H", 0xDF: ">I"}
_PLAIN = {0xC0: None, 0xC2: False, 0xC3: True}


def unpack(data: bytes, at: int) -> tuple[Value, int]:
    """The value that begins there and where it ends. Raises `IndexError` or `struct.error` when data is missing."""
    head = data[at]
    at += 1
    if head < 0x80:
        return head, at
    if head >= 0xE0:
        return head - 0x100, at
    if head < 0xA0:
        return _container(data, at, head & 0x0F, is_map=head < 0x90)
    if head < 0xC0:
        return _text(data, at, head & 0x1F)
    if head in _PLAIN:
        return _PLAIN[head], at
    form = _SIZED.get(head) or _NUMBERS.get(head) or _CONTAINERS.get(head)
    if form is None:
        raise ValueError(f"0x{head:02x} is not read")
    (number,) = struct.unpack_from(form, data, at)
    at += struct.calcsize(form)
    if head in _SIZED:
        return _text(data, at, number)
    if head in _CONTAINERS:
        return _container(data, at, number, is_map=head >= 0xDE)
    return number, at


def _text(data: bytes, at: int, size: int) -> tuple[str, int]:
    if at + size > len(data):
        raise IndexError
    return data[at : at + size].decode("utf-8", "replace"), at + size


def _container(data: bytes, at: int, size: int, *, is_map: bool) -> tuple[Value, int]:
    items: list[Value] = []
    for _ in range(size * 2 if is_map else size):
        item, at = unpack(data, at)
        items.append(item)
    return (dict(zip(items[::2], items[1::2], strict=True)) if is_map else items), at
