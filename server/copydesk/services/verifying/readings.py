"""What a check's output says: how many passed, what failed, and by which name a failure is known again.

Pure. Each reader knows one family of tools; where none fits, the exit code and the lines speak. A failure's `key` has
no line number in it, since edits move lines. Start with `read_output`.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias, cast

from copydesk.domain.evidence import Counts
from copydesk.domain.frozen import frozen

MAX_FAILURES = 2_000
MAX_TEXT = 300


@frozen
class Failure:
    key: str
    text: str


@frozen
class Reading:
    """`is_exact`: the output names what failed; else `failures` are lines that only look like it."""

    exit_code: int
    counts: Counts = Counts()
    failures: tuple[Failure, ...] = ()
    is_exact: bool = True

    @property
    def is_good(self) -> bool:
        return self.exit_code == 0 and not (self.is_exact and self.failures)


Read: TypeAlias = "Callable[[int, str], Reading | None]"
"""None: this output is not of that tool."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def read_output(reader: str, exit_code: int, output: str, root: str = "") -> Reading:
    """`reader` is a name of `READERS`, or empty to try them all. `root` is a path that is left out of the names."""
    plain = _ANSI.sub("", output).replace("\r\n", "\n").replace("\r", "\n")
    plain = plain.replace(root.rstrip("/") + "/", "") if root else plain
    if reader == LISTED:
        return _listed(exit_code, plain)
    for name in (reader,) if reader in READERS else READERS:
        found = READERS[name](exit_code, plain)
        if found is not None and (reader or found.failures or found.counts.passed is not None):
            return found
    return _by_lines(exit_code, plain)


def new_failures(before: Reading | None, after: Reading) -> tuple[Failure, ...]:
    """What fails with the edits and did not without them. `before` None: there was nothing to run."""
    if after.is_good:
        return ()
    fresh = _beyond(after.failures, before.failures if before else ())
    if not after.is_exact and before and before.is_good:
        return fresh or (_by_code(after),)
    if fresh or (before and not before.is_good):
        return fresh
    return () if after.failures else (_by_code(after),)


def _beyond(after: Iterable[Failure], before: Iterable[Failure]) -> tuple[Failure, ...]:
    """A multiset difference; of equal ones, those that did not stand in the same words before."""
    before = tuple(before)
    left = Counter(failure.key for failure in before)
    same = {failure.text for failure in before}
    fresh: list[Failure] = []
    for failure in sorted(after, key=lambda each: each.text not in same):
        if left[failure.key]:
            left[failure.key] -= 1
        else:
            fresh.append(failure)
    return tuple(fresh)


def _by_code(reading: Reading) -> Failure:
    if reading.exit_code < 0:
        return Failure("exit", f"ended by signal {-reading.exit_code}")
    return Failure("exit", f"exit code {reading.exit_code}")


# --- pytest ---

_PYTEST_FAILED = re.compile(r"^(FAILED|ERROR) (\S.*)$", re.MULTILINE)
_PYTEST_SUMMARY = re.compile(
    r"^=*\s*((?:\d+ (?:failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?|rerun)(?:, )?)+|no tests ran)"
    r" in [\d.:]+",
    re.MULTILINE,
)


def _pytest(exit_code: int, output: str) -> Reading | None:
    summaries = _PYTEST_SUMMARY.findall(output)
    _, banner, tail = output.rpartition("short test summary info")
    failures = tuple(_pytest_failures(tail if banner else output if summaries else ""))
    if not summaries and not failures:
        return None
    numbers = {word.rstrip("s"): int(number) for number, word in re.findall(r"(\d+) (\w+)", " ".join(summaries[-1:]))}
    failed = numbers.get("failed", 0) + numbers.get("error", 0)
    counts = Counts(numbers.get("passed", 0) if summaries else None, failed or len(failures))
    if exit_code and not failures:
        return Reading(exit_code, counts)
    return Reading(exit_code, counts, failures)


def _pytest_failures(output: str) -> Iterator[Failure]:
    for _, rest in _PYTEST_FAILED.findall(output):
        found = re.match(r"(?P<id>\S+?::[^\[\n]*?\[.*\])(?: - (?P<why>.*))?$", rest)
        found = found or re.match(r"(?P<id>.*?)(?: - (?P<why>.*))?$", rest)
        if found and not rest.startswith(("file or directory", "not found")):
            yield Failure(found["id"], _short(rest))


# --- linters and type checkers: file, place, message ---

_PLACED = (
    re.compile(r"^\s*(?P<file>[^\s:(][^:(\n]*?[./][^:(\n]*):(?P<line>\d+):(?:\d+:?)? ?-? ?(?P<rest>\S.*)$"),
    re.compile(r"^(?P<file>[^\s(][^(\n]*[./][^(\n]*)\((?P<line>\d+),\d+\): (?P<rest>\S.*)$"),
)
_HARMLESS = re.compile(r"^(?:warning|note|information|info|help)\b", re.IGNORECASE)
_FOUND = re.compile(r"^(?:Found (\d+) errors?|(\d+) errors?, \d+ warnings?)", re.MULTILINE)
_CLEAN = re.compile(r"^(?:Success: no issues|All checks passed|0 errors)", re.MULTILINE)


def _placed(exit_code: int, output: str) -> Reading | None:
    failures = tuple(_placed_lines(output))
    if not failures and not _CLEAN.search(output) and exit_code:
        return None
    found = _FOUND.search(output)
    n_failed = int(found[1] or found[2]) if found else len(failures)
    return Reading(exit_code, Counts(None, n_failed), failures)


def _placed_lines(output: str) -> Iterator[Failure]:
    for line in output.splitlines():
        found = next((match for pattern in _PLACED if (match := pattern.match(line))), None)
        if found and not _HARMLESS.match(found["rest"]):
            rest = re.sub(r"\bline \d+", "line", found["rest"].replace("[*] ", ""))
            yield Failure(f"{found['file']}: {rest}", _short(line.strip()))


# --- formatters: the names of files ---

_UNFORMATTED = re.compile(
    r"^(?:Would reformat: (?P<ruff>.+)|would reformat (?P<black>.+)|\[warn\] (?P<prettier>.+\.\w+)"
    r"|Diff in (?P<rust>.+?)(?: at line \d+|:\d+):|unformatted: .*\n\s*--> (?P<ruff2>.+?):\d+:\d+)\s*$",
    re.MULTILINE,
)
_UNPARSED = re.compile(
    r"^(?:error: (?:Failed to parse|cannot format) |\[error\] )(?P<file>[^\s:]+)[: ].*$", re.MULTILINE
)


def _formatted(exit_code: int, output: str) -> Reading | None:
    names = [next(filter(None, match.groups())) for match in _UNFORMATTED.finditer(output)]
    broken = [match["file"] for match in _UNPARSED.finditer(output)]
    if exit_code and not names and not broken:
        return None
    failures = [Failure(name, f"{name}: formatting") for name in dict.fromkeys(names)]
    failures += [Failure(f"{name} (syntax)", f"{name}: cannot be parsed") for name in dict.fromkeys(broken)]
    return Reading(exit_code, Counts(None, len(failures)), tuple(failures))


def _listed(exit_code: int, output: str) -> Reading:
    """gofmt -l: one file a line, and exit code 0 all the same."""
    names = [line.strip() for line in output.splitlines() if line.strip()]
    failures = tuple(Failure(re.sub(r":\d+:\d+:.*", "", name), f"{name}: formatting") for name in names)
    return Reading(exit_code, Counts(None, len(failures)), failures)


# --- JavaScript's test runners ---

_TAP = re.compile(
    r"^(?P<indent>\s*)(?P<not>not )?ok\b(?: \d+)?(?: -)? ?(?P<name>[^#\n]*)(?P<directive>#.*)?$", re.MULTILINE
)
_EXCUSED = re.compile("# (?:" + "TO" + "DO|SKIP)")
_TAP_NUMBERS = re.compile(r"^(?:# |ℹ )(pass|fail|cancelled) (\d+)$", re.MULTILINE)
_SPEC = re.compile(r"^(?P<indent>\s*)(?:✖|✗|✕|×) (?P<name>\S.*?)(?: ?\(?\d+(?:\.\d+)?\s*ms\)?)?$", re.MULTILINE)
_JEST_NUMBERS = re.compile(r"^\s*Tests:?\s+(?=\d)(?P<all>.*)$", re.MULTILINE)
_JEST_FAILED = re.compile(r"^\s*● (?P<name>\S.*)$", re.MULTILINE)
_VITEST_FAILED = re.compile(r"^\s*FAIL\s+(?P<name>\S.*)$", re.MULTILINE)
_SUITE_FAILED = re.compile(r"^FAIL\s+(?P<name>\S+\.[cm]?[jt]sx?)", re.MULTILINE)


def _tap(exit_code: int, output: str) -> Reading | None:
    points = list(_TAP.finditer(output)) if "TAP version" in output or re.search(r"^1\.\.\d+", output, re.M) else []
    numbers = {word: int(number) for word, number in _TAP_NUMBERS.findall(output)}
    if points:
        bad = [point for point in points if point["not"] and not _EXCUSED.match(point["directive"] or "")]
        names = [point["name"].strip() for point in bad]
        passed = numbers.get("pass", sum(1 for point in points if not point["not"]))
    elif numbers:
        names = _spec_names(output)
        passed = numbers.get("pass", 0)
    else:
        return None
    failed = numbers.get("fail", len(names)) + numbers.get("cancelled", 0)
    return Reading(exit_code, Counts(passed, failed), _named(names))


def _spec_names(output: str) -> list[str]:
    """node's spec reporter tells each failure twice: in its place, and in a list at the end."""
    places = output.partition("failing tests:")[0]
    return [match["name"].strip() for match in _SPEC.finditer(places)]


def _jest(exit_code: int, output: str) -> Reading | None:
    summary = list(_JEST_NUMBERS.finditer(output))
    if not summary and not _SUITE_FAILED.search(output):
        return None
    numbers = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", summary[-1]["all"] if summary else "")}
    names = [match["name"].strip() for match in _VITEST_FAILED.finditer(output) if " > " in match["name"]]
    names = names or [match["name"].strip() for match in _JEST_FAILED.finditer(output)]
    suites = [match["name"] for match in _SUITE_FAILED.finditer(output)] if not names else []
    return Reading(
        exit_code, Counts(numbers.get("passed", 0), numbers.get("failed", 0)), _named(dict.fromkeys([*names, *suites]))
    )


def _named(names: Iterable[str]) -> tuple[Failure, ...]:
    return tuple(Failure(name, _short(name)) for name in names if name)


# --- cargo and go ---

_CARGO_FAILED = re.compile(r"^test (?P<name>\S.*?) \.\.\. FAILED$", re.MULTILINE)
_CARGO_NUMBERS = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed;", re.MULTILINE)
_RUSTC = re.compile(
    r"^error(?:\[(?P<code>E\d+)\])?: (?P<message>.+)\n\s*--> (?P<file>[^:\n]+):(?P<line>\d+)", re.MULTILINE
)
_RUSTC_SHORT = re.compile(
    r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):\d+: error(?:\[(?P<code>E\d+)\])?: (?P<message>.+)$", re.MULTILINE
)


def _cargo(exit_code: int, output: str) -> Reading | None:
    errors = [*_RUSTC.finditer(output), *_RUSTC_SHORT.finditer(output)]
    failures = dict.fromkeys(
        Failure(
            f"{each['file']}: {each['code'] or ''} {each['message']}",
            _short(f"{each['file']}:{each['line']}: {each['message']}"),
        )
        for each in errors
    )
    numbers = _CARGO_NUMBERS.findall(output)
    tests = [match["name"] for match in _CARGO_FAILED.finditer(output)]
    if not failures and not numbers and not tests and (exit_code or "Finished" not in output):
        return None
    passed = sum(int(number) for number, _ in numbers) if numbers else None
    failed = sum(int(number) for _, number in numbers) + len(failures)
    return Reading(exit_code, Counts(passed, failed), (*failures, *_named(tests)))


_GO_FAILED = re.compile(r"^\s*--- FAIL: (?P<name>\S+)", re.MULTILINE)
_GO_ERROR = re.compile(r"^(?:\./)?(?P<file>[^\s:]+\.go):(?P<line>\d+):(?:\d+:)? (?P<message>.+)$", re.MULTILINE)
_GO_PACKAGE = re.compile(r"^(?P<state>ok|FAIL|---|\?)\s+(?P<name>\S+)", re.MULTILINE)


def _go(exit_code: int, output: str) -> Reading | None:
    if '"Action":' in output:
        return _go_json(exit_code, output)
    names = [match["name"] for match in _GO_FAILED.finditer(output)]
    errors = [
        Failure(f"{each['file']}: {each['message']}", _short(each[0]))
        for each in _GO_ERROR.finditer(output)
        if not names
    ]
    if not names and not errors and not _GO_PACKAGE.search(output):
        return None
    return Reading(exit_code, Counts(None, len(names) + len(errors)), (*errors, *_named(names)))


def _go_json(exit_code: int, output: str) -> Reading:
    """`go test -json`: an event a line, and what the build said in between."""
    tests: dict[str, str] = {}
    said: list[str] = []
    for line in output.splitlines():
        event = _event(line)
        action, package, test = event.get("Action", ""), event.get("Package", ""), event.get("Test", "")
        if not event or action in ("output", "build-output"):
            said.append(event.get("Output", line).rstrip("\n"))
        elif action in ("pass", "fail") and test:
            tests[f"{package}.{test}"] = action
        elif action in ("fail", "build-fail"):
            tests.setdefault(package or event.get("ImportPath", ""), "broken")
    failed = [name for name, action in tests.items() if action == "fail"]
    broken = [name for name, action in tests.items() if action == "broken"]
    broken = [name for name in broken if not any(test.startswith(f"{name}.") for test in failed)]
    errors = [
        Failure(f"{each['file']}: {each['message']}", _short(each[0])) for each in _GO_ERROR.finditer("\n".join(said))
    ]
    errors = errors if broken else []
    passed = sum(action == "pass" for action in tests.values())
    failures = (*errors, *_named(failed), *(() if errors else _named(broken)))
    return Reading(exit_code, Counts(passed, len(failures)), failures)


def _event(line: str) -> dict[str, str]:
    """The texts of one event; empty for a line that is none."""
    try:
        value = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return {}
    found = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    return {name: each for name, each in found.items() if isinstance(each, str)}


# --- anything else ---

_SUSPECT = re.compile(r"error|fail|panic|exception|traceback|not ok|✗|✖|✕", re.IGNORECASE)
_VOLATILE = re.compile(
    r"0x[0-9a-f]+|\b\d+(?:\.\d+)?(?=\s*(?:ms|s|sec|seconds?|µs)\b)|\d{2}:\d{2}:\d{2}|:\d+(?::\d+)?\b"
)


def _by_lines(exit_code: int, output: str) -> Reading:
    if exit_code == 0:
        return Reading(0, is_exact=False)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    suspect = [line for line in lines if _SUSPECT.search(line)] or lines[-5:]
    failures = tuple(Failure(_VOLATILE.sub("#", line), _short(line)) for line in suspect[-MAX_FAILURES:])
    return Reading(exit_code, failures=failures, is_exact=False)


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


READERS: Mapping[str, Read] = {
    "pytest": _pytest,
    "cargo": _cargo,
    "go": _go,
    "tap": _tap,
    "jest": _jest,
    "placed": _placed,
    "format": _formatted,
}
LISTED = "listed"
"""Only by name: any output at all is a failure there."""
