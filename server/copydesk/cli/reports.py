"""`copydesk models` and `copydesk doctor`: what there is, what is missing, and what to do about it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.money import Cost
from copydesk.models.listing import ModelInfo, info_to_json
from copydesk.services.certifying import (
    Certificate,
    Check,
    certificate_to_json,
    check_line,
    cost_words,
    verdict,
)
from copydesk.services.model_tables import models_table

if TYPE_CHECKING:
    from copydesk.models.tokens.fetching import Fetched

Level: TypeAlias = Literal["ok", "note", "problem"]
MARKS: dict[Level, str] = {"ok": "✓", "note": "·", "problem": "✗"}


@frozen
class Finding:
    """One line of the doctor: a thing, how it stands, and what to do (empty when nothing is)."""

    level: Level
    subject: str
    text: str
    advice: str = ""


def print_models(infos: Iterable[ModelInfo], chosen: str, problems: Sequence[str], *, as_json: bool) -> None:
    """Lists every model known of; `chosen` is what `auto` or the setting comes to, `problems` why it comes to none,
    and what is wrong with the person's own entries."""
    listed = list(infos)
    if as_json:
        models = [info_to_json(info) for info in listed]
        print(json.dumps({"chosen": chosen, "problem": " ".join(problems), "models": models}, ensure_ascii=False))
        return
    for line in models_table(listed, chosen):
        print(line)
    print(f"\nA turn would use: {chosen}" if chosen else "\nNo turn can start.")
    for problem in problems:
        print(f"✗ {problem}")


def print_check(check: Check) -> None:
    """One thing that was tried, as soon as it is known."""
    print(check_line(check), flush=True)


def ignore_check(check: Check) -> None:
    """It is printed with the rest."""


def print_certificate(certificate: Certificate, cost: Cost, *, as_json: bool) -> None:
    """The end of a certification; as JSON all of it."""
    if as_json:
        print(json.dumps(certificate_to_json(certificate, cost), ensure_ascii=False))
    else:
        print(f"\n{verdict(certificate, cost_words(certificate, cost))}")


def print_fetched(fetched: Iterable["Fetched"], *, as_json: bool) -> None:
    """Says which of tiktoken's tables are there now, where, and how large they are."""
    listed = list(fetched)
    if as_json:
        print(json.dumps({"tokenizers": [{**asdict(one), "path": str(one.path)} for one in listed]}))
        return
    for one in listed:
        how = "was there already" if one.was_there else "fetched and checked"
        print(f"✓ {one.name}  {one.n_bytes / 1e6:.1f} MB, {how}: {one.path}")
    print("\nOpenAI's models are counted exactly from now on.")


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
