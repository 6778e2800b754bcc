"""Runs the checks that an offer calls for, with and without its edits, and says what came of it as `Evidence`.

One check runs at a time in the whole server: a machine has other things to do. Knows no session, no face and no model.
Start with `Verifier.judge`.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import anyio
from anyio import to_thread

from copydesk.config.settings import Settings
from copydesk.domain.evidence import CheckRun, Counts, Evidence
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileSource
from copydesk.domain.sandboxes import SandboxReport
from copydesk.domain.shadows import Shadow
from copydesk.services.verifying.baselines import Baselines, key_of, stamp
from copydesk.services.verifying.checks import Check
from copydesk.services.verifying.comparing import Comparison
from copydesk.services.verifying.consent import Consent
from copydesk.services.verifying.detection import Folder, Tests, detect, interpreter, relative
from copydesk.services.verifying.judged import Judged, files_of, is_document
from copydesk.services.verifying.running import Ran, Runs
from copydesk.services.verifying.words import TURNED_OFF
from copydesk.workspace.uris import to_path
from copydesk.workspace.walking import Walked, Walker, never
from copydesk.workspace.workspace import Workspace

LIMIT_S = 600.0
"""How long one run of a check may take."""
MIN_LIMIT_S = 30.0
SLOWER = 5
"""How many times longer than without the edits a run may take before it counts as one that does not end."""

NOTHING_FOUND = "no checks were found for these files (verify.commands)"
ONLY_DOCUMENTS = "only documentation changed, so no tests were run"


@frozen
class _Plan:
    checks: tuple[Check, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    why: str = ""


Publish = Callable[[Evidence], None]


class Verifier:
    """Keep one for a server: it remembers what was found without the edits."""

    def __init__(
        self, workspace: Workspace, shadow: Shadow, settings: Callable[[], Settings], consent: Consent
    ) -> None:
        self._workspace = workspace
        self._shadow = shadow
        self._settings = settings
        self._consent = consent
        self._runs = Runs(shadow)
        self._baselines = Baselines()
        self._one = anyio.Lock()

    @property
    def wait_s(self) -> float:
        return self._settings().number("verify.waitS") or 0.0

    async def judge(self, judged: Judged, publish: Publish) -> Evidence:
        """Runs all that there is to run; `publish` is told how it stands after each step, the last one excepted."""
        if not self._settings().flag("verify.enabled"):
            return Evidence(judged.turn, files=await to_thread.run_sync(files_of, judged.after), why=TURNED_OFF)
        plan = await to_thread.run_sync(self._plan, judged)
        if not plan.checks:
            return Evidence(judged.turn, files=plan.files, why=plan.why)
        report = await self._shadow.report()
        if report.refused:
            return Evidence(judged.turn, files=plan.files, why=report.refused)
        runs = await self._allowed(judged, plan.checks, report)
        evidence = Evidence(judged.turn, tuple(run for _, run in runs), plan.files)
        if any(run.state == "running" for _, run in runs):
            evidence = await self._all(judged, evidence, runs, publish)
        return evidence

    async def _allowed(
        self, judged: Judged, checks: Sequence[Check], report: SandboxReport
    ) -> list[tuple[Check, CheckRun]]:
        """Each check with its record, which says already where it may not run."""
        found: list[tuple[Check, CheckRun]] = []
        for root in dict.fromkeys(check.root for check in checks):
            for group in _by_origin(check for check in checks if check.root == root):
                why = await self._consent.refusal(judged.session, root, group, report)
                for check in group:
                    reason = why or await to_thread.run_sync(self._misplaced, judged, check, report)
                    found.append((check, _record(judged, check, reason)))
        return found

    def _misplaced(self, judged: Judged, check: Check, report: SandboxReport) -> str:
        """Why a run elsewhere than at the real path would judge another text."""
        from copydesk.services.verifying.editable import imports_itself

        path = to_path(check.root)
        if "same_path" in report.holds or path is None or check.kind not in ("tests", "types", "command"):
            return ""
        folder = self._folder(judged, check.root)
        own = interpreter(folder, check.folder)
        program = f"{path}/{check.folder}/{own}" if own else ""
        mark = imports_itself(path, program)
        if not mark:
            return ""
        return (
            f"the project imports itself from its real folder ({mark}), and the sandbox here ({report.backend}) "
            "cannot show the edits at that path"
        )

    async def _all(
        self, judged: Judged, evidence: Evidence, runs: Sequence[tuple[Check, CheckRun]], publish: Publish
    ) -> Evidence:
        publish(evidence)
        stamps = await to_thread.run_sync(self._stamps, judged)
        for check, record in runs:
            if record.state != "running":
                continue
            done = await self._one_check(judged, check, record, stamps)
            done = replace(done, text_hash=stamps[1])
            left = (done if run.id == record.id else run for run in evidence.runs)
            evidence = replace(evidence, runs=tuple(left))
            if any(run.state == "running" for run in evidence.runs):
                publish(evidence)
        return evidence

    async def _one_check(self, judged: Judged, check: Check, record: CheckRun, stamps: tuple[str, str]) -> CheckRun:
        if check.with_edits is None:
            return replace(record, state="not_checked", why="none of the files is left to check")
        arguments = check.with_edits
        before = await self._without(judged, check, stamps[0])
        limit_s = _limit_s(before)
        after = await self._run(check, judged.after, arguments, limit_s)
        comparison = Comparison(before, after)

        async def again_before() -> Ran:
            return await self._run(check, judged.after.below, check.without or (), LIMIT_S)

        async def again_after() -> Ran:
            return await self._run(check, judged.after, arguments, limit_s)

        await comparison.judge(again_before, again_after)
        return self._recorded(judged, check, record, comparison)

    async def _without(self, judged: Judged, check: Check, stamp: str) -> Ran | None:
        if check.without is None:
            return None
        key = key_of(stamp, check, check.without)
        known = self._baselines.get(key)
        if known is None:
            known = await self._run(check, judged.after.below, check.without, LIMIT_S)
            self._baselines.put(key, known)
        return known

    async def _run(self, check: Check, view: FileSource, arguments: tuple[str, ...], limit_s: float) -> Ran:
        async with self._one:
            return await self._runs.run(check, view, arguments, limit_s)

    def _recorded(self, judged: Judged, check: Check, record: CheckRun, found: Comparison) -> CheckRun:
        ran, before = found.after, found.before
        reading = ran.reading
        why = "; ".join(part for part in (found.why, check.note) if part)
        return replace(
            record,
            command=ran.command or record.command,
            state=found.state,
            exit_code=reading.exit_code if reading else None,
            duration_s=round(ran.duration_s, 3),
            before=before.reading.counts if before and before.reading else Counts(),
            after=reading.counts if reading else Counts(),
            failures=tuple(each.text for each in found.failures),
            output="" if found.state == "passed" else ran.output,
            backend=ran.backend,
            why=why,
        )

    # --- planning ---

    def _plan(self, judged: Judged) -> _Plan:
        """Blocks on the disk."""
        files = files_of(judged.after)
        checks: list[Check] = []
        changed: list[str] = []
        for root in self._workspace.roots:
            folder = self._folder(judged, root)
            changed += folder.changed
            if folder.changed:
                checks += self._checks(judged, folder)
        if checks:
            return _Plan(tuple(checks), files)
        only_documents = bool(changed) and all(is_document(path) for path in changed)
        return _Plan((), files, ONLY_DOCUMENTS if only_documents else NOTHING_FOUND)

    def _checks(self, judged: Judged, folder: Folder) -> Iterable[Check]:
        if all(is_document(path) for path in folder.changed):
            return ()
        commands = self._settings().texts("verify.commands")
        if commands:
            return tuple(Check(text, "command", folder.root, (text,), is_set=True) for text in commands)
        return detect(folder, lambda folder, at, files: self._tests(judged, folder, at, files))

    def _tests(self, judged: Judged, folder: Folder, at: str, files: Sequence[str]) -> Tests:
        from copydesk.services.verifying.imports import find_tests

        prefix = f"{at}/" if at else ""
        paths = (
            each.relative for each in self._walk(judged.after, folder.root) if not each.is_dir and not each.is_link
        )
        return find_tests((path[len(prefix) :] for path in paths if path.startswith(prefix)), folder, at, files)

    def _folder(self, judged: Judged, root: str) -> Folder:
        import os

        base = to_path(root) or ""
        paths = (relative(root, uri) for uri in judged.touched)
        changed = tuple(path for path in paths if path)
        return Folder(
            root, judged.after, judged.after.below, changed, lambda path: os.path.lexists(os.path.join(base, path))
        )

    def _walk(self, view: FileSource, root: str) -> Iterable[Walked]:
        return Walker(view, self._workspace, never).walk(to_path(root) or "")

    def _stamps(self, judged: Judged) -> tuple[str, str]:
        """Of the text without the edits, and with them; empty for folders that are too large."""

        def of(view: FileSource) -> str:
            parts = [stamp(view, root, self._walk(view, root)) for root in self._workspace.roots]
            return "" if not all(parts) else parts[0] if len(parts) == 1 else ".".join(parts)

        return of(judged.after.below), of(judged.after)


def _record(judged: Judged, check: Check, why: str) -> CheckRun:
    from copydesk.services.verifying.detection import command_line

    command = command_line(check, 0, check.with_edits or ())
    return CheckRun(f"ev-{secrets.token_hex(4)}", judged.turn, command, "not_checked" if why else "running", why=why)


def _by_origin(checks: Iterable[Check]) -> list[list[Check]]:
    listed = list(checks)
    groups = ([check for check in listed if check.is_set], [check for check in listed if not check.is_set])
    return [group for group in groups if group]


def _limit_s(before: Ran | None) -> float:
    if before is None or before.timed_out or before.why:
        return LIMIT_S
    return min(LIMIT_S, max(MIN_LIMIT_S, SLOWER * before.duration_s))
