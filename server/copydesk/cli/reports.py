"""`copydesk models` and `copydesk doctor`: what there is, what is missing, and what to do about it."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Literal, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.models.selection import ModelInfo

Level: TypeAlias = Literal["ok", "note", "problem"]
MARKS: dict[Level, str] = {"ok": "✓", "note": "·", "problem": "✗"}


@frozen
class Finding:
    """One line of the doctor: a thing, how it stands, and what to do (empty when nothing is)."""

    level: Level
    subject: str
    text: str
    advice: str = ""


def print_models(infos: Iterable[ModelInfo], chosen: str, problem: str, *, as_json: bool) -> None:
    """Lists every model known of; `chosen` is what `auto` or the setting comes to, `problem` why it comes to none."""
    listed = list(infos)
    if as_json:
        print(json.dumps({"chosen": chosen, "problem": problem, "models": [asdict(info) for info in listed]}))
        return
    width = max((len(info.name) for info in listed), default=0)
    for info in listed:
        mark = "→" if info.name == chosen else ("✓" if info.available else "✗")
        print(f"{mark} {info.name.ljust(width)}  {info.why}")
    print(f"\nA turn would use: {chosen}" if chosen else f"\nNo turn can start: {problem}")


def print_findings(findings: Iterable[Finding], *, as_json: bool) -> int:
    """Prints the doctor's findings; 1 when something is a problem, else 0."""
    listed = list(findings)
    if as_json:
        print(json.dumps([asdict(finding) for finding in listed]))
    else:
        for finding in listed:
            advice = f"\n    {finding.advice}" if finding.advice else ""
            print(f"{MARKS[finding.level]} {finding.subject}: {finding.text}{advice}")
    return 1 if any(finding.level == "problem" for finding in listed) else 0
