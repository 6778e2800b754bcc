"""Evidence: recorded runs that judge an offer. A claim names a record by its id, or it is not made."""

from typing import Literal, TypeAlias

from copydesk.domain.frozen import frozen

CheckState: TypeAlias = Literal["passed", "new_failures", "known_failures", "not_checked", "running"]
"""passed: nothing failed with the edits. known_failures: what failed, failed without the edits too. not_checked: it
could not be run, and `why` says so.
"""


_WORST_FIRST: tuple[CheckState, ...] = ("new_failures", "running", "not_checked", "known_failures", "passed")


@frozen
class Counts:
    """Of one run: what a test runner or checker reported. None where its output does not tell."""

    passed: int | None = None
    failed: int | None = None


@frozen
class CheckRun:
    """One check, with and without the edits. `id` is "ev-…" and is what a claim names.

    `text_hash` is of the whole text it judged; `command` as it was run; `failures` are the names of new failures
    (test ids, `file:line: message`), `output` the end of what the failing run wrote.
    """

    id: str
    turn: str
    command: str
    state: CheckState
    exit_code: int | None = None
    duration_s: float = 0.0
    before: Counts = Counts()
    after: Counts = Counts()
    failures: tuple[str, ...] = ()
    output: str = ""
    text_hash: str = ""
    backend: str = ""
    why: str = ""
    stale: bool = False
    """It judged another text than what stands there now: newer typing, or a partial accept."""


@frozen
class Evidence:
    """What was run for one offer. `files` are (uri, content hash) of the text that was judged."""

    turn: str
    runs: tuple[CheckRun, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    why: str = ""

    @property
    def state(self) -> CheckState:
        """The worst of its runs."""
        by_state = sorted(self.runs, key=lambda run: _WORST_FIRST.index(run.state))
        return by_state[0].state if by_state else "not_checked"
