"""How a job ends: the words for the person, and whether it edited. With the few phrases that jobs share."""

from collections.abc import Sequence
from dataclasses import dataclass

from copydesk.models.offline.targets import Target


@dataclass(frozen=True, slots=True)
class Outcome:
    text: str
    edited: bool = False


def listed(items: Sequence[str], limit: int = 12) -> str:
    """A list in words, cut to `limit` items with the number of those left out."""
    shown = list(items[:limit])
    rest = len(items) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def only_python(target: Target, what: str) -> str:
    """Why a job that needs a Python tree cannot be done on this file."""
    problem = target.module
    line = getattr(problem, "line", -1)
    if line < 0:
        return f"The offline model can {what} only in Python; `{target.path}` needs a language model."
    message = getattr(problem, "message", "")
    return f"`{target.path}` does not parse ({message}, line {line + 1}), so nothing was changed. Fix that first."
