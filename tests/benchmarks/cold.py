"""One task from the command line, cold: the process starts, reads, edits, says so and ends. Three model requests."""

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.agents import CLAUDE, CODEX, FLOOR, Agent, cold_agents, was_done
from tests.benchmarks.model import Model, gaps_ms, workspace
from tests.benchmarks.places import scratch
from tests.benchmarks.report import Column, Table

N_RUNS = 7


def measure() -> Iterator[Table]:
    table = Table(
        "`copydesk run` and others on one task, cold (3 requests)",
        (
            Column("wall", target=220),
            Column("ttfr"),
            Column("gap"),
            Column("tail"),
            Column("cpu"),
            Column("rss", "MiB"),
            Column("connections", ""),
        ),
    )
    table.notes.append(
        "ttfr: start → first model request; gap: an answer's end → the next request; tail: last answer → exit; cpu: user and "
        f"system time; rss: the largest process. The target is for {CODEX} 320, {CLAUDE} 740 measured before. {FLOOR} has "
        "two tools, no checks and no records."
    )
    with scratch() as (folder, env):
        agents = cold_agents(table)
        for run in range(N_RUNS + 1):
            for agent in list(agents):
                try:
                    samples = _sample(agent, workspace(folder / "tree"), env)
                except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                    table.skip(agent.name, str(error), failed=True)
                    agents.remove(agent)
                    continue
                if run:
                    table.add(agent.name, **samples)
    yield table


def _sample(agent: Agent, folder: Path, env: dict[str, str]) -> dict[str, float]:
    with Model(agent.script(folder)) as model:
        begun_s = time.perf_counter()
        process = subprocess.Popen(
            agent.command(model.port), cwd=folder, env={**env, **model.environment()},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout
        said = process.stdout.read().decode(errors="replace")
        _, status, used = os.wait4(process.pid, 0)
        ended_s = time.perf_counter()
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        asked = model.times()
    if len(asked) != 3 or not was_done(folder):
        done = "did" if was_done(folder) else "did not do"
        raise RuntimeError(f"it {done} the task, with {len(asked)} requests instead of 3, and said {said[-400:]!r}")
    return {
        "wall": (ended_s - begun_s) * 1000,
        "ttfr": (asked[0].at_s - begun_s) * 1000,
        "gap": statistics.mean(gaps_ms(asked)),
        "tail": (ended_s - asked[-1].done_s) * 1000,
        "cpu": (used.ru_utime + used.ru_stime) * 1000,
        "rss": _mib(used),
        "connections": len({one.connection for one in asked}),
    }


def _mib(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / (1024 if os.uname().sysname == "Linux" else 1024 * 1024)
