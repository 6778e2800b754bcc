"""The day's money: one file that several processes change, that a kill cannot spoil, and that begins anew at midnight."""

import json
import os
import random
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from copydesk.store.spending import Day, Spending, SpendingError

DAY = "2026-11-21"


def spending(folder: Path | None) -> Spending:
    return Spending(folder, lambda: DAY)


def taking(usd: float, cap: float = 1e9):
    def most(day: Day) -> float:
        if day.taken_usd + usd > cap:
            raise ValueError(f"{day.taken_usd} is taken")
        return usd

    return most


@pytest.fixture(params=["memory", "file"])
def one(request: pytest.FixtureRequest, tmp_path: Path) -> Spending:
    return spending(tmp_path / "state" / "spending" if request.param == "file" else None)


async def test_held_then_spent(one: Spending) -> None:
    assert one.day() == Day(DAY)
    hold = await one.hold(taking(0.5), {"model": "paid/one"})
    assert one.day() == Day(DAY, 0.0, 0.5)
    one.spend(hold, 0.1, {"input": 10, "cached": 4}, is_open=True)
    assert one.day() == Day(DAY, 0.1, 0.5, 10, 4)
    one.spend(hold, 0.2, {"input": 10})
    assert one.day() == Day(DAY, pytest.approx(0.3), 0.0, 20, 4)


async def test_what_is_refused_holds_nothing(one: Spending) -> None:
    await one.hold(taking(0.5), {})
    with pytest.raises(ValueError, match=r"0\.5 is taken"):
        await one.hold(taking(0.6, cap=1.0), {})
    assert one.day().held_usd == 0.5


async def test_without_a_cap_only_what_was_spent_is_written(tmp_path: Path) -> None:
    one = spending(tmp_path)
    one.spend(one.opened(), 0.25, {"model": "paid/one"})
    one.spend(one.opened(), 0.0, {})
    path = tmp_path / f"{DAY}.jsonl"
    (line,) = [json.loads(line) for line in path.read_text().splitlines() if line]
    assert (line["is"], line["usd"], line["model"]) == ("spent", 0.25, "paid/one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_servers_see_each_other(tmp_path: Path) -> None:
    one, other = spending(tmp_path), spending(tmp_path)
    hold = await one.hold(taking(0.5), {})
    assert other.day().held_usd == 0.5
    one.spend(hold, 0.4, {})
    assert other.day() == one.day() == Day(DAY, 0.4)


async def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    one = spending(tmp_path)
    one.spend(one.opened(), 0.25, {})
    path = tmp_path / f"{DAY}.jsonl"
    with path.open("ab") as file:
        file.write(
            b'\xff\xfe\n[1]\nnull\n{"is": "spent", "id": "", "usd": NaN}\n{"is": "spent", "id": "", "usd": -4}\n'
        )
        file.write(b'{"is": "spent", "id": "x", "us')  # killed in the middle
    one.spend(one.opened(), 0.5, {})
    assert one.day().spent_usd == spending(tmp_path).day().spent_usd == 0.75


async def test_the_day_of_the_sending_counts() -> None:
    today = DAY
    one = Spending(None, lambda: today)
    hold, free = await one.hold(taking(0.5), {}), one.opened()
    today = "2026-11-22"
    assert one.day() == Day(today)
    one.spend(hold, 0.4, {})
    one.spend(free, 0.1, {})
    assert one.day() == Day(today)
    today = DAY
    assert one.day() == Day(DAY, 0.5)


async def test_a_file_that_was_taken_away_begins_anew(tmp_path: Path) -> None:
    one = spending(tmp_path)
    one.spend(one.opened(), 0.25, {})
    assert one.day().spent_usd == 0.25
    (tmp_path / f"{DAY}.jsonl").unlink()
    assert one.day().spent_usd == 0
    one.spend(one.opened(), 0.5, {})
    assert one.day().spent_usd == 0.5


async def test_a_big_day_is_read_beside_the_event_loop(tmp_path: Path) -> None:
    line = json.dumps({"is": "spent", "id": "", "usd": 0.001, "model": "m" * 100}) + "\n"
    (tmp_path / f"{DAY}.jsonl").write_text(line * 5_000)
    one = spending(tmp_path)
    await one.catch_up()
    assert one.known().spent_usd == pytest.approx(5)
    assert one.day().spent_usd == pytest.approx(5)


async def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "spending").write_text("")
    one = spending(tmp_path / "spending")
    with pytest.raises(SpendingError, match="spending cannot be used"):
        await one.hold(taking(0.5), {})
    one.spend(one.opened(), 0.5, {})
    assert "cannot be written" in one.problem
    assert one.known().spent_usd == 0.5


def test_old_days_go(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"2025-{1 + number // 28:02}-{1 + number % 28:02}.jsonl").write_text("")
    spending(tmp_path).tidy()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(left) == 90
    assert left[0] == "2025-01-11.jsonl"


# --- processes --------------------------------------------------------------------------------------------

SPENDER = """
import anyio, random, sys
from pathlib import Path
from copydesk.store.spending import Spending

async def main(folder, seed, cap):
    one, chance = Spending(Path(folder), lambda: "2026-11-21"), random.Random(int(seed))
    def most(day):
        usd = chance.uniform(0.001, 0.02)
        if day.taken_usd + usd > float(cap):
            raise ValueError
        return usd
    print("ready", flush=True)
    sys.stdin.readline()
    refused = 0
    while refused < 5:
        try:
            hold = await one.hold(most, {})
        except ValueError:
            refused += 1
            continue
        print("held", flush=True)
        await anyio.sleep(chance.random() / 500)
        one.spend(hold, hold.usd * chance.random(), {})

anyio.run(main, *sys.argv[1:])
"""


def spender(folder: Path, seed: int, cap: float) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SPENDER, str(folder), str(seed), str(cap)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"
    return started


def go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


def test_processes_share_one_cap(tmp_path: Path) -> None:
    running = [spender(tmp_path, seed, 0.5) for seed in range(3)]
    for each in running:
        go(each)
    held = [each.communicate(timeout=60)[0].count(b"held") for each in running]
    assert [each.returncode for each in running] == [0, 0, 0]
    assert all(held), "they did not run at the same time"
    day = spending(tmp_path).day()
    assert day.held_usd == 0
    assert 0.4 < day.spent_usd <= 0.5


def test_a_process_that_is_killed_leaves_its_hold(tmp_path: Path) -> None:
    """What it sent may have been billed: until the day is over nobody else may have that money."""
    killed = spender(tmp_path, random.randrange(1_000), 100)
    go(killed)
    assert killed.stdout is not None
    assert killed.stdin is not None
    for _ in range(20):
        assert killed.stdout.readline()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    killed.stdin.close()
    lines = [json.loads(line) for path in tmp_path.glob("*.jsonl") for line in path.read_text().splitlines() if line]
    ended = {line["id"] for line in lines if line["is"] == "spent"}
    open_usd = sum(line["usd"] for line in lines if line["is"] == "hold" and line["id"] not in ended)
    day = spending(tmp_path).day()
    assert day.held_usd == pytest.approx(open_usd)
    other = spender(tmp_path, 1, day.taken_usd + 0.05)  # the lock died with its holder
    assert other.communicate(b"\n", timeout=60)[0].count(b"held")
    assert other.returncode == 0
