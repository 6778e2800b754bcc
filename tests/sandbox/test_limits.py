"""Limits of the whole tree: each is broken first where there is none."""

import os
from pathlib import Path

import pytest

from copydesk.domain.sandboxes import Hold
from copydesk.processes.confinement import Sandbox
from tests.sandbox.boxes import BACKENDS, box_for
from tests.sandbox.ground import Ground, python, run, run_bare, with_limits

MIB = 1024 * 1024
LIMIT_BYTES = 240 * MIB
N_PROCESSES = 24

# Three processes, none of which is over the limit by itself.
HOG = python(
    """
import os, time
print('tried', flush=True)
for _ in range(3):
    if os.fork() == 0:
        kept = bytearray(150 * 1024 * 1024)
        for at in range(0, len(kept), 4096): kept[at] = 1
        time.sleep(1)
        os.write(1, b'grown\\n')
        os._exit(0)
for _ in range(3): os.wait()
"""
)
FORKS = python(
    """
import os, time
print('tried', flush=True)
n = 0
try:
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(5); os._exit(0)
        n += 1
except OSError: pass
print('forked', n, flush=True)
"""
)
BURN = python(
    """
import os, time
print('tried', flush=True)
end = time.monotonic() + 2.0
child = os.fork()
while time.monotonic() < end: pass
if not child: os._exit(0)
os.wait()
times = os.times()
print('burnt', times.user + times.children_user)
"""
)


async def _box(backend: str, state: Path, hold: Hold) -> Sandbox:
    box = await box_for(backend, state)
    if hold not in box.holds:
        pytest.skip(f"{backend} says that it does not hold {hold} here")
    return box


def _number(out: str, word: str) -> float:
    return float(out.split(word)[1].split()[0])


@pytest.mark.slow
def test_without_a_limit_all_of_them_are_passed(here: Ground) -> None:
    assert run_bare(here, HOG).out.count("grown") == 3
    assert _number(run_bare(here, FORKS).out, "forked") == 200
    assert _number(run_bare(here, BURN).out, "burnt") > 0.25, "in two seconds, however busy the machine is"


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
async def test_memory_is_limited_over_all_processes(backend: str, here: Ground, state: Path) -> None:
    box = await _box(backend, state, "memory")
    ran = await run(box, here, HOG, with_limits(here.confinement(box), memory_bytes=LIMIT_BYTES))
    assert "tried" in ran.out, ran
    assert 3 - ran.out.count("grown") > 0, ran
    free = await run(box, here, HOG, with_limits(here.confinement(box), memory_bytes=4 * LIMIT_BYTES))
    assert free.out.count("grown") == 3, free


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
async def test_processes_are_counted_over_the_tree(backend: str, here: Ground, state: Path) -> None:
    box = await _box(backend, state, "process_count")
    ran = await run(box, here, FORKS, with_limits(here.confinement(box), n_processes=N_PROCESSES))
    assert 0 < _number(ran.out, "forked") <= N_PROCESSES, ran


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
async def test_cpu_is_limited_over_the_tree(backend: str, here: Ground, state: Path) -> None:
    box = await _box(backend, state, "cpu")
    ran = await run(box, here, BURN, with_limits(here.confinement(box), cpus=0.05))
    assert _number(ran.out, "burnt") < 0.2, ran


@pytest.mark.skipif(os.geteuid() != 0, reason="a user's groups are systemd's to give")
async def test_no_group_is_left_behind(here: Ground, state: Path) -> None:
    box = await box_for("bubblewrap", state)
    await run(box, here, FORKS, with_limits(here.confinement(box), n_processes=N_PROCESSES, memory_bytes=LIMIT_BYTES))
    assert _groups() == []


def _groups() -> list[Path]:
    return list(Path("/sys/fs/cgroup").rglob(f"copydesk-{os.getpid()}-*"))
