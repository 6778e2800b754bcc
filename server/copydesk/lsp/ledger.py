"""The ledger as a document: what left this machine, newest first, as a table that a person can read.

Owns its words only; the entries are `egress.ledger`'s. Start with `ledger_text`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

NAME = "ledger.md"
MAX_ROWS = 500


class SentRequest(Protocol):
    """What is needed of `egress.ledger.Sent`."""

    @property
    def when(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def n_bytes(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def replaced(self) -> Mapping[str, int]: ...


def ledger_text(sent: Sequence[SentRequest], path: str, problem: str = "") -> str:
    """`path` is the file the entries are kept in, empty when there is none."""
    kept = f" All of them: `{path}`." if path else ""
    head = ["# What left this machine", "", *([problem, ""] if problem else [])]
    if not sent:
        return "\n".join([*head, f"Nothing has been sent.{kept}", ""])
    n_bytes = sum(each.n_bytes for each in sent)
    rows = [
        f"Requests to models, newest first.{kept}",
        f"{len(sent):,} requests, {n_bytes:,} bytes. *Replaced* counts the placeholders of secrets that stood in one.",
        "",
        "| when (UTC) | to | what | bytes | answer | replaced | SHA-256 |",
        "| --- | --- | --- | ---: | ---: | --- | --- |",
        *map(_row, list(reversed(sent))[:MAX_ROWS]),
        "",
    ]
    return "\n".join([*head, *rows])


def _row(sent: SentRequest) -> str:
    replaced = ", ".join(f"{n} {kind}" for kind, n in sorted(sent.replaced.items())) or "–"
    when = sent.when.replace("T", " ").removesuffix("Z")
    cells = (when, sent.host, sent.what, f"{sent.n_bytes:,}", str(sent.status or "none"), replaced, sent.sha256[:16])
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
