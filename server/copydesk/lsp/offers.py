"""One code action before a client's abilities are known, and the words and kinds they all share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from copydesk.lsp.arguments import Fields

JsonObject: TypeAlias = dict[str, Any]

QUICK_FIX = "quickfix"
MAX_MESSAGE = 60


@dataclass(frozen=True, slots=True)
class Offer:
    """`diagnostics`: those of the client's that the action answers to."""

    title: str
    kind: str
    command: str
    argument: JsonObject
    diagnostics: tuple[Fields, ...] = ()


def is_wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Kinds are prefixes by dots: "refactor" asks for "refactor.rewrite.x"; the empty kind for all."""
    return not only or any(not asked or kind == asked or kind.startswith(f"{asked}.") for asked in only)


def shortened(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1].rstrip() + "…"
