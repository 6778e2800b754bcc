"""What is known of models, as lines for people: the table of `copydesk models`, and one model's facts in a line.

Plain text, the same in a terminal and in a document. Start with `models_table`.
"""

from collections.abc import Sequence
from typing import Final

from copydesk.domain.models import ModelFacts, Price
from copydesk.models.listing import ModelInfo

HEADINGS: Final = ("", "model", "window", "$ in/out per M", "tools", "images", "thinking", "")
SOURCES: Final = {"server": "", "user": " (yours)", "catalog": "", "default": " (assumed)"}
THINKING: Final = {
    "none": "no switch",
    "instruction": "by words",
    "effort": "effort",
    "deepseek": "effort",
    "openrouter": "effort",
    "template": "on or off",
    "anthropic_budget": "budget",
    "anthropic_adaptive": "effort",
    "gemini_budget": "budget",
    "gemini_level": "level",
}


def models_table(infos: Sequence[ModelInfo], chosen: str) -> list[str]:
    """A line for each model under one of headings; what to know of one stands below it."""
    rows = [HEADINGS, *(_row(info, chosen) for info in infos)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    lines: list[str] = []
    for at, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        cells[2] = row[2].rjust(widths[2])
        lines.append("  ".join([*cells, row[-1]]).rstrip())
        lines += [f"     ! {note}" for note in (infos[at - 1].notes if at else ())]
    return lines


def _row(info: ModelInfo, chosen: str) -> tuple[str, ...]:
    mark = "→" if info.name == chosen else ("✓" if info.available else "✗")
    facts = info.facts
    if facts is None:
        return (mark, info.name, "", "", "", "", "", info.why)
    window = f"{facts.window_tokens:,}{SOURCES.get(facts.source, '')}"
    return (
        mark,
        info.name,
        window,
        price_words(facts),
        _yes(facts.tools),
        _yes(facts.images),
        THINKING.get(info.thinking, info.thinking),
        info.why,
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def price_words(facts: ModelFacts) -> str:
    """What the model costs, short."""
    match facts.billing:
        case "free":
            return "free"
        case "elsewhere":
            return "the editor's"
        case "tokens" if facts.price is not None:
            return f"{_dollars(facts.price)}"
        case _:
            return "unknown"


def _dollars(price: Price) -> str:
    dearer = f" (from {price.long_above // 1000}k: {price.long.input:g}/{price.long.output:g})" if price.long else ""
    return f"{price.input:g}/{price.output:g}{dearer}"
