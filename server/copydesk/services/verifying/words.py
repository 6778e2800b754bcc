"""Evidence in words: one line for the person, the message the model gets when its edits broke something. Pure.

Start with `summary`.
"""

from collections.abc import Iterable

from copydesk.domain.evidence import CheckRun, Counts, Evidence

TURNED_OFF = "verify.enabled is off"
"""Stands in what is recorded; nobody who chose it needs to be told at each turn."""
MAX_NAMED = 3
MAX_TOLD = 6
MAX_NAMES_TOLD = 20
MAX_OUTPUT_TOLD = 3_000
MAX_COMMAND = 24

_WITH_VERBS = ("ruff", "npm", "cargo", "go", "yarn", "pnpm", "make", "uv", "poetry", "bun", "node", "dotnet")


def summary(evidence: Evidence) -> str:
    """For the end message: what was run and what it came to, in one or two sentences. Every run by its id."""
    if not evidence.runs:
        return f"Not checked: {evidence.why.rstrip('.')}."
    parts = [
        _listed("NEW FAILURES", (_failing(run) for run in evidence.runs if run.state == "new_failures")),
        _listed("Checked", (_passing(run) for run in evidence.runs if run.state == "passed")),
        _listed("Failing", (_passing(run) for run in evidence.runs if run.state == "known_failures")),
        _listed("Still running", (f"{named(run)} ({run.id})" for run in evidence.runs if run.state == "running")),
        *_unchecked(run for run in evidence.runs if run.state == "not_checked"),
    ]
    if any(run.stale for run in evidence.runs):
        parts.append("This was for another text than what stands there now.")
    return " ".join(part for part in parts if part)


def line_of(run: CheckRun) -> str:
    """One run in one line, for hovers and lists."""
    match run.state:
        case "new_failures":
            words = _failing(run)
        case "running":
            words = f"{named(run)} is running ({run.id})"
        case "not_checked":
            words = f"{named(run)} not checked: {run.why}" if run.command else f"Not checked: {run.why}"
        case _:
            words = _passing(run)
    return f"{words}, for another text" if run.stale else words


def entries(evidence: Evidence) -> tuple[CheckRun, ...]:
    """Its runs; where there are none, one entry that says why."""
    return evidence.runs or (CheckRun("", evidence.turn, "", "not_checked", why=evidence.why),)


def failures_message(evidence: Evidence, n_left: int) -> str:
    """What the model is told when its edits add failures."""
    tries = "Only this try is left" if n_left == 1 else f"{n_left} tries are left"
    lines = [
        "<checks>",
        "Your edits were checked, with and without them. These failures are new: they come from your edits.",
        f"Fix them. If one is meant to be so, say plainly why it stays. {tries} before the person sees it.",
    ]
    for run in [run for run in evidence.runs if run.state == "new_failures"][:MAX_TOLD]:
        lines.append(f"\n{run.id}: `{run.command}` {_exit(run)}, before → after: {arrow(run)}")
        lines += [f"- {name}" for name in run.failures[:MAX_NAMES_TOLD]]
        if len(run.failures) > MAX_NAMES_TOLD:
            lines.append(f"- and {len(run.failures) - MAX_NAMES_TOLD} more")
        if run.output.strip():
            lines.append(f"The end of its output:\n{run.output.strip()[-MAX_OUTPUT_TOLD:]}")
    return "\n".join([*lines, "</checks>"])


def named(run: CheckRun) -> str:
    """The tool of a run, or its command where that is short; the whole is in the record."""
    command = run.command.partition(" && ")[2] if run.command.startswith("cd ") else run.command
    words = [word for word in command.split() if not _is_assignment(word)]
    if len(words) > 2 and words[1] == "-m":
        words = words[2:]
    if words:
        words[0] = words[0].rpartition("/")[2]
    n_words = 2 if len(words) > 1 and words[0] in _WITH_VERBS and words[1].isalpha() else 1
    short = " ".join(words)
    return f"`{short}`" if len(short) <= MAX_COMMAND else f"`{' '.join(words[:n_words])}`"


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isupper() and name.isidentifier()


def arrow(run: CheckRun) -> str:
    """Counts before → after: "12 passed → 11 passed, 1 failed"."""
    before, after = counted(run.before), counted(run.after)
    return f"{before or '?'} → {after or '?'}"


def counted(counts: Counts) -> str:
    words: list[str] = []
    if counts.passed is not None:
        words.append(f"{counts.passed} passed")
    if counts.failed is not None and (counts.failed or counts.passed is None):
        words.append(f"{counts.failed} failed" if counts.passed is not None else f"{counts.failed} found")
    return ", ".join(words)


def _passing(run: CheckRun) -> str:
    numbers = arrow(run) if counted(run.after) else _exit(run)
    known = ", failing as before" if run.state == "known_failures" else ""
    why = f" ({run.why})" if run.why else ""
    return f"{named(run)} {numbers}{known}, {took(run)}{why} ({run.id})"


def _failing(run: CheckRun) -> str:
    more = len(run.failures) - MAX_NAMED
    names = "; ".join(run.failures[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{named(run)} {arrow(run)}, {_exit(run)}, {took(run)} ({run.id}): {names}"


def _exit(run: CheckRun) -> str:
    return "did not end" if run.exit_code is None else f"exit {run.exit_code}"


def took(run: CheckRun) -> str:
    return f"{run.duration_s:.1f} s" if run.duration_s < 100 else f"{run.duration_s:.0f} s"


def _listed(title: str, words: Iterable[str]) -> str:
    listed = list(words)
    return f"{title}: {'; '.join(listed)}." if listed else ""


def _unchecked(runs: Iterable[CheckRun]) -> list[str]:
    by_why: dict[str, list[str]] = {}
    for run in runs:
        by_why.setdefault(run.why, []).append(named(run))
    return [f"Not checked: {', '.join(names)}: {why.rstrip('.')}." for why, names in by_why.items()]
