"""The judge of commands: what one command of the corpus costs, what the first costs, and the largest texts there may be."""

import subprocess
import sys
import time
from collections.abc import Iterator

from tests.benchmarks.places import ROOT
from tests.benchmarks.report import US, Column, Table, percentile

N_ROUNDS = 5
_FIRST = (
    "import time; t = time.perf_counter()\n"
    "from copydesk.safety.risks import judge_command\n"
    "judge_command('git status', cwd='/p', roots=('/p',), home='/h')\n"
    "print((time.perf_counter() - t) * 1000)"
)


def measure() -> Iterator[Table]:
    from tests.corpus_commands.test_corpus_commands import FILES, corpus
    from tests.unit.safety.test_commands_fuzz import LARGE

    each = Table("Judging a command", (Column("median", target=1.0), Column("p95"), Column("most")))
    commands = [expected.command for name in FILES for expected in corpus(name)]
    for _ in range(N_ROUNDS):
        times = [_time_ms(command) for command in commands]
        each.add(US, median=percentile(times, 0.5), p95=percentile(times, 0.95), most=max(times))
    each.notes.append(f"{len(commands)} commands of tests/corpus_commands; the thread's own time.")
    yield each
    large = Table(
        "Judging 10 kB made to be slow, and the first command", (Column("slowest", target=50.0), Column("first"))
    )
    for _ in range(N_ROUNDS):
        slowest = max(_time_ms(text) for text in LARGE.values())
        large.add(US, slowest=slowest, first=_first_ms())
    large.notes.append("first: a fresh process loads the grammar and the tables, and judges `git status`.")
    yield large


def _time_ms(text: str) -> float:
    from copydesk.safety.risks import judge_command

    started = time.thread_time()
    judge_command(text, cwd="/project", roots=("/project",), home="/home/me")
    return (time.thread_time() - started) * 1000


def _first_ms() -> float:
    done = subprocess.run(
        [sys.executable, "-c", _FIRST],
        env={"PYTHONPATH": str(ROOT / "server")},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)
