"""Evidence as clients see it: the runs of an update, of a turn's answer and of what waits, in one shape.

Owns that shape; it decides nothing. Start with `runs_to_json`.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

from copydesk.domain.evidence import CheckRun, Counts, Evidence

JsonObject: TypeAlias = dict[str, Any]

MAX_FAILURES = 50


def evidence_to_json(evidence: Evidence) -> JsonObject:
    """The `evidence` update, without its name."""
    from copydesk.services.verifying.words import entries

    files = [{"uri": uri, "hash": hash} for uri, hash in evidence.files]
    found: JsonObject = {"state": evidence.state, "runs": runs_to_json(entries(evidence)), "files": files}
    return {**found, "why": evidence.why} if evidence.why else found


def runs_to_json(runs: Iterable[CheckRun]) -> list[JsonObject]:
    return [_run(run) for run in runs]


def _run(run: CheckRun) -> JsonObject:
    return {
        "id": run.id,
        "command": run.command,
        "state": run.state,
        "exitCode": run.exit_code,
        "durationMs": round(1000 * run.duration_s),
        "before": _counts(run.before),
        "after": _counts(run.after),
        "failures": list(run.failures[:MAX_FAILURES]),
        "output": run.output,
        "textHash": run.text_hash,
        "backend": run.backend,
        "why": run.why,
        "stale": run.stale,
        "text": _line(run),
    }


def _line(run: CheckRun) -> str:
    from copydesk.services.verifying.words import line_of

    return line_of(run)


def _counts(counts: Counts) -> JsonObject:
    return {"passed": counts.passed, "failed": counts.failed}
