"""tiktoken's encodings, built from a table's file that was checked, never through tiktoken's own loading.

That would fetch what it does not find. The patterns are what `tiktoken_ext.openai_public` publishes for these tables.
Start with `Encodings.count`.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tiktoken import Encoding

MAX_TABLE_BYTES: Final = 16 * 1024 * 1024
CHUNK_CHARS: Final = 100_000
"""Longer texts are counted in parts, cut at line ends, so that no one call takes long."""

_WORD_END = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
PATTERNS: Final[Mapping[str, str]] = {
    "o200k_base": "|".join(
        (
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + _WORD_END,
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + _WORD_END,
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
    "cl100k_base": "|".join(
        (
            r"'(?i:[sdmt]|ll|ve|re)",
            r"[^\r\n\p{L}\p{N}]?+\p{L}++",
            r"\p{N}{1,3}+",
            r" ?[^\s\p{L}\p{N}]++[\r\n]*+",
            r"\s++$",
            r"\s*[\r\n]",
            r"\s+(?!\S)",
            r"\s",
        )
    ),
}


class WrongTable(Exception):
    """The file cannot be read, or its bytes are not the table's."""


class Encodings:
    """One encoding at a time is kept: each takes tens of megabytes."""

    def __init__(self) -> None:
        self._key: tuple[str, str] = ("", "")
        self._encoding: Encoding | None = None

    def count(self, request: Mapping[str, Any]) -> list[int]:
        """The counts of the request's texts, where nothing in them is special. Raises `WrongTable`."""
        encoding = self._loaded(request["encoding"], request["path"], request["sha256"])
        return [sum(len(encoding.encode_ordinary(part)) for part in _parts(text)) for text in request["texts"]]

    def _loaded(self, name: str, path: str, sha256: str) -> "Encoding":
        if self._encoding is None or self._key != (name, path):
            self._encoding = None  # before the next one is built
            self._encoding = _built(name, Path(path), sha256)
            self._key = (name, path)
        return self._encoding


def _built(name: str, path: Path, sha256: str) -> "Encoding":
    ranks = _ranks(path, sha256)
    from tiktoken import Encoding

    return Encoding(name, pat_str=PATTERNS[name], mergeable_ranks=ranks, special_tokens={})


def _ranks(path: Path, sha256: str) -> dict[bytes, int]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TABLE_BYTES + 1)
    except OSError as error:
        raise WrongTable(f"{path} cannot be read: {error}.") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WrongTable(f"{path} is not the table that it should be.")
    try:
        return {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, data.splitlines())}
    except (ValueError, binascii.Error) as error:
        raise WrongTable(f"{path} is damaged: {error}.") from error


def _parts(text: str) -> Iterator[str]:
    """A text in pieces of bounded size; a cut at a line end changes a count by one token at most."""
    at = 0
    while len(text) - at > CHUNK_CHARS:
        end = text.rfind("\n", at + CHUNK_CHARS // 2, at + CHUNK_CHARS) + 1 or at + CHUNK_CHARS
        yield text[at:end]
        at = end
    yield text[at:]
