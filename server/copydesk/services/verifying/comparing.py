"""With and without: what of a check's failures the edits brought, and what was there or comes and goes by itself.

Pure, but for the runs it asks for again. Start with `Comparison.judge`.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from copydesk.domain.evidence import CheckState
from copydesk.services.verifying.readings import Failure, Reading, new_failures
from copydesk.services.verifying.running import Ran

ROUNDS = 1
"""How often both sides are run once more before a new failure counts."""
QUICK_S = 1.5
QUICK_ROUNDS = 2
"""Where a run takes less than `QUICK_S`: a test that fails every other time would else be blamed too often."""

Again = Callable[[], Awaitable[Ran]]


@dataclass(slots=True)
class Comparison:
    """`before` None: without the edits there is nothing to run."""

    before: Ran | None
    after: Ran
    state: CheckState = "passed"
    failures: tuple[Failure, ...] = ()
    why: str = ""
    flaky: dict[str, None] = field(default_factory=dict[str, None])

    async def judge(self, again_before: Again, again_after: Again) -> None:
        """Decides the state. What looks new is run again on both sides."""
        if self.after.why:
            self.state, self.why = "not_checked", self.after.why
        elif self.after.timed_out:
            await self._judge_endless(again_after)
        else:
            await self._judge_failures(again_before, again_after)

    async def _judge_endless(self, again_after: Again) -> None:
        took = f"it did not end within {self.after.duration_s:.0f} s"
        if self.before is None or self.before.timed_out or self.before.why:
            self.state, self.why = "not_checked", took
            return
        again = await again_after()
        if again.timed_out:
            self.state = "new_failures"
            self.failures = (
                Failure("time", f"{took}; without the edits it took {max(self.before.duration_s, 0.1):.1f} s"),
            )
            return
        self.after = again
        self.state, self.why = (
            "known_failures" if not again.is_good else "passed",
            "flaky: it ended only at the second try",
        )

    async def _judge_failures(self, again_before: Again, again_after: Again) -> None:
        after, before = self.after.reading, self.before.reading if self.before else None
        assert after is not None
        if after.is_good:
            return
        if self.before is not None and before is None:
            self.state, self.failures = "not_checked", after.failures
            reason = self.before.why or "it did not end"
            self.why = f"it fails with the edits, and without them it could not be run ({reason})"
            return
        fresh = _told(new_failures(before, after), before, after)
        n_rounds = QUICK_ROUNDS if fresh and self._is_quick() else ROUNDS
        for _ in range(n_rounds):
            if not fresh:
                break
            fresh = await self._still_new(fresh, again_before, again_after)
        self.failures = fresh
        self.state = "new_failures" if fresh else "known_failures"
        if not fresh and before is not None and _says_nothing(before) and _says_nothing(after):
            said = f": {before.failures[0].text}" if before.failures else ""
            self.state = "not_checked"
            self.why = (
                f"it fails in the same way without the edits, so it tells nothing (exit {before.exit_code}{said})"
            )
        if self.flaky:
            names = list(self.flaky)
            self.why = f"flaky, not counted: {', '.join(names[:5])}" + (
                f" and {len(names) - 5} more" if names[5:] else ""
            )

    def _is_quick(self) -> bool:
        return max(self.after.duration_s, self.before.duration_s if self.before else 0.0) < QUICK_S

    async def _still_new(
        self, fresh: tuple[Failure, ...], again_before: Again, again_after: Again
    ) -> tuple[Failure, ...]:
        after = (await again_after()).reading
        if after is None:  # it did not end this time, or could not start: that clears nothing
            return fresh
        before = (await again_before()).reading if self.before is not None else None
        failed = Counter(each.key for each in (*new_failures(before, after),))
        kept = tuple(each for each in fresh if failed[each.key] or (each.key == "exit" and not after.is_good))
        for each in fresh:
            if each not in kept:
                self.flaky[each.key] = None
        return kept


def _says_nothing(reading: Reading) -> bool:
    """It failed before it came to its work, or keeps to itself what failed: that compares with nothing."""
    counts = reading.counts
    is_silent = not reading.failures or not reading.is_exact
    return not reading.is_good and is_silent and counts.passed is None and counts.failed is None


def _told(fresh: tuple[Failure, ...], before: Reading | None, after: Reading) -> tuple[Failure, ...]:
    """An exit code alone, in words where its meaning is known."""
    had_tests = before is not None and bool(before.counts.passed)
    if after.exit_code == 5 and had_tests and [each.key for each in fresh] == ["exit"]:
        return (Failure("exit", "no test is found any more"),)
    return fresh
