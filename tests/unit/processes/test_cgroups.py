"""Control groups: what is asked of systemd, and what is done by hand."""

import os
from pathlib import Path

import anyio
import pytest

from copydesk.domain.errors import ToolFailed
from copydesk.processes import cgroups
from copydesk.processes.cgroups import Cgroups
from copydesk.processes.confinement import Limits

MIB = 1024 * 1024


async def test_systemd_is_given_the_limits_as_properties() -> None:
    groups = Cgroups(systemd=("systemd-run", "--user", "--scope"))
    async with groups.group(Limits(512 * MIB, 0.9, 128)) as group:
        assert group.prefix == (
            *("systemd-run", "--user", "--scope", "-p", f"MemoryMax={512 * MIB}", "-p", "MemorySwapMax=0"),
            *("-p", "CPUQuota=90%", "-p", "TasksMax=128", "--"),
        )
        assert group.files == ()


@pytest.mark.parametrize(
    ("is_v2", "expected"),
    [
        (True, {"memory.max": str(64 * MIB), "memory.swap.max": "0", "cpu.max": "50000 100000", "pids.max": "9"}),
        (
            False,
            {
                "memory.limit_in_bytes": str(64 * MIB),
                "cpu.cfs_period_us": "100000",
                "cpu.cfs_quota_us": "50000",
                "pids.max": "9",
            },
        ),
    ],
)
async def test_a_group_by_hand_has_the_limits(is_v2: bool, expected: dict[str, str], tmp_path: Path) -> None:
    groups = Cgroups(dict.fromkeys(("memory", "cpu", "pids"), str(tmp_path)), is_v2=is_v2)
    async with groups.group(Limits(64 * MIB, 0.5, 9)) as group:
        (folder,) = [Path(each) for each in group.folders]
        said = await anyio.to_thread.run_sync(lambda: {path.name: path.read_text() for path in folder.iterdir()})
        assert expected.items() <= said.items()
        assert group.files == (str(folder / "cgroup.procs"),)
        # A real folder of the kernel's can be removed with its files in it.
        await anyio.to_thread.run_sync(lambda: [path.unlink() for path in folder.iterdir()])
    assert not await anyio.Path(folder).exists()


async def test_a_limit_that_cannot_be_set_is_an_error(tmp_path: Path) -> None:
    groups = Cgroups({"memory": str(tmp_path / "gone")})
    with pytest.raises(ToolFailed, match="limits"):
        async with groups.group(Limits(64 * MIB, None, None)):
            pass


async def test_without_a_limit_there_is_no_group(tmp_path: Path) -> None:
    groups = Cgroups({"memory": str(tmp_path)})
    async with groups.group(Limits(None, None, None)) as group:
        assert (group.files, group.folders, group.prefix) == ((), (), ())


def test_groups_of_servers_that_are_gone_are_taken_away(tmp_path: Path) -> None:
    here, gone, other = (tmp_path / name for name in (f"copydesk-{os.getpid()}-1", "copydesk-4194999-1", "other-1-1"))
    for folder in (here, gone, other):
        folder.mkdir()
    cgroups.sweep([str(tmp_path)])
    assert [here.exists(), gone.exists(), other.exists()] == [True, False, True]
