"""Every way to stop, in every phase of a turn: it is over at once, no process is left, nothing is streamed after, the
draft is kept. Of many, 99 in a hundred are over within 250 ms.

The processes are the worst there are: they ignore SIGTERM, are stopped, daemonised, in other sessions.
"""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cancel.rounds import END, LIMIT_S, PHASES, ROUND_LIMIT_S, STAY, Round, Seen, in_phase, phases, server
from tests.support.spies import N_NASTY, marked, nasty

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="spies on processes through /proc")

QUICK = [("tool", how) for how in STAY] + [(phase, "command") for phase in PHASES if phase != "tool"]
QUICK_END = [("two commands", how) for how in END]
REST = [(phase, how) for phase in PHASES for how in STAY if (phase, how) not in QUICK]
REST_END = [(phase, how) for phase in PHASES for how in END if (phase, how) not in QUICK_END]


async def stops(tmp_path: Path, phase: str, how: str) -> None:
    async with in_phase(tmp_path, phase) as round:
        seen = await round.stop(how)
    assert seen.orphans == []
    assert seen.late == []
    assert seen.ends == [("cancelled", "draft")]
    assert seen.took_s < ROUND_LIMIT_S


async def ends(tmp_path: Path, phase: str, how: str) -> None:
    async with in_phase(tmp_path, phase) as round:
        seen = await round.end(how)
    assert seen.orphans == []
    assert seen.late == []
    assert seen.ends == ([("cancelled", "draft")] if how != "kill" else [])
    assert seen.took_s < ROUND_LIMIT_S


@pytest.mark.parametrize(("phase", "how"), QUICK)
async def test_a_stopped_turn(tmp_path: Path, phase: str, how: str) -> None:
    await stops(tmp_path, phase, how)


@pytest.mark.parametrize(("phase", "how"), QUICK_END)
async def test_a_server_that_ends(tmp_path: Path, phase: str, how: str) -> None:
    await ends(tmp_path, phase, how)


@pytest.mark.slow
@pytest.mark.parametrize(("phase", "how"), REST)
async def test_every_stopped_turn(tmp_path: Path, phase: str, how: str) -> None:
    await stops(tmp_path, phase, how)


@pytest.mark.slow
@pytest.mark.parametrize(("phase", "how"), REST_END)
async def test_every_server_that_ends(tmp_path: Path, phase: str, how: str) -> None:
    await ends(tmp_path, phase, how)


def test_the_spies_see_what_is_left(tmp_path: Path) -> None:
    """The control: without anything that ends them, they are all found."""
    mark = f"control-{tmp_path.name}"
    with subprocess.Popen(["bash", "-c", nasty(mark, "true")], stdout=-1, stderr=-3, start_new_session=True) as shell:
        assert shell.stdout
        assert shell.stdout.readline() == b"up\n"
        shell.kill()
        left = marked(mark)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert len(left) >= N_NASTY - 1, left


N_ROUNDS = 5
"""Of each phase and way, on one server: over a hundred cancels."""


@pytest.mark.slow
async def test_a_hundred_cancels_on_one_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = [(phase, how, f"{tmp_path.name}-{n}-{phase.replace(' ', '')}-{how}")
            for n in range(N_ROUNDS) for phase in PHASES if phase != "verification" for how in STAY]  # fmt: skip
    script = "\n--- step\n".join(step for phase, _, mark in plan for step in phases(mark)[phase])
    parent = subprocess.Popen(["sleep", "900"])  # noqa: ASYNC220
    found: list[tuple[float, str, Seen]] = []
    async with server(tmp_path / "one", script, parent) as client:
        for phase, how, mark in plan:
            each = Round(client, tmp_path / "one", phase, mark, parent)
            await each.begin()
            seen = await each.stop(how)
            found.append((seen.took_s, f"{phase} by {how}", seen))
            client.forget()
        client.answers.clear()
        await client.shut_down()
    parent.kill()
    parent.wait()
    times = sorted(found, key=lambda one: one[0])
    with capsys.disabled():
        p50, p99 = times[len(times) // 2], times[-1 - len(times) // 100]
        print(f"\n{len(times)} cancels: p50 {p50[0] * 1000:.0f} ms, p99 {p99[0] * 1000:.0f} ms ({p99[1]})")
    assert [what for _, what, seen in found if seen.orphans or seen.late] == []
    assert [what for _, what, seen in found if seen.ends[0][0] != "cancelled"] == []
    assert len(times) >= 100
    assert times[-1 - len(times) // 100][0] < LIMIT_S
