"""The last resort: limits of each process, in a copy, and a plain word that it holds nothing."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from copydesk.domain.errors import ToolFailed
from copydesk.domain.sandboxes import SandboxReport
from copydesk.processes import limited
from copydesk.processes.confinement import Confinement, Limits, Mount
from copydesk.processes.limited import LimitedSandbox
from copydesk.processes.placing import moved, placed, with_temp
from copydesk.processes.rlimits import limits_for

posix = pytest.mark.skipif(sys.platform == "win32", reason="shells and limits of POSIX")


@pytest.fixture
def asked(tmp_path: Path) -> Confinement:
    for name in ("real", "copy/sub", "state"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "copy" / "file").write_text("copy")
    real = str(tmp_path / "real")
    env = {"PATH": os.environ["PATH"], "HOME": "/home/me", "PWD": real, "VIRTUAL_ENV": f"{real}/.venv"}
    return Confinement((Mount(real, tree=str(tmp_path / "copy")),), cwd=f"{real}/sub", env=env)


async def output(box: LimitedSandbox, asked: Confinement, script: str) -> str:
    async with box.start(["sh", "-c", script], asked) as child:
        out = b""
        try:
            while True:
                out += await child.stdout.receive()
        except anyio.EndOfStream:
            return out.decode()


async def test_it_holds_nothing_so_every_command_asks(tmp_path: Path):
    box = await limited.attempt(str(tmp_path))
    assert (box.name, box.placing, box.holds) == ("process", "none", frozenset())
    assert not SandboxReport(box.name, holds=box.holds).is_working


@posix
async def test_it_runs_in_the_copy(tmp_path: Path, asked: Confinement):
    box = await limited.attempt(str(tmp_path / "state"))
    script = 'pwd; cat ../file; cat; echo "$VIRTUAL_ENV"; echo x > "$TMPDIR/x"; echo x > "$HOME/y"; echo new > ../file'
    out = await output(box, asked, script)
    assert out == f"{tmp_path}/copy/sub\ncopy{tmp_path}/copy/.venv\n"
    assert (tmp_path / "copy" / "file").read_text() == "new\n"
    assert list((tmp_path / "real").iterdir()) == []
    assert list((tmp_path / "state").iterdir()) == []  # the folder for temporary files went with the command


@posix
@pytest.mark.parametrize("has_prlimit", [True, False])
async def test_limits_bind(has_prlimit: bool, tmp_path: Path, asked: Confinement):
    box = await limited.attempt(str(tmp_path))
    if not has_prlimit:
        box = LimitedSandbox(str(tmp_path), prlimit=None, shell="/bin/sh")
    elif sys.platform != "linux":
        pytest.skip("prlimit is a program of Linux")
    small = replace(asked, limits=Limits(file_bytes=1024 * 1024))
    script = "head -c 3000000 /dev/zero > big; wc -c < big; ulimit -c"
    assert (await output(box, small, script)).split() == ["1048576", "0"]
    free = replace(asked, limits=Limits(None, None, None, None))
    assert (await output(box, free, script)).split() == ["3000000", "0"]


def test_where_there_is_neither_prlimit_nor_a_shell_nothing_stands_before_the_program(asked: Confinement):
    assert LimitedSandbox("/state", prlimit=None, shell=None).prefix(asked) == []  # Windows


def test_the_words_for_limits(asked: Confinement):
    small = replace(asked, limits=Limits(memory_bytes=1024**3, n_processes=5, file_bytes=1024))
    by_program = LimitedSandbox("/state", prlimit="/usr/bin/prlimit", shell="/bin/sh").prefix(small)
    assert by_program == ["/usr/bin/prlimit", "--core=0", "--data=1073741824", "--fsize=1024", "--nproc=5", "--"]
    by_shell = LimitedSandbox("/state", prlimit=None, shell="/bin/sh").prefix(small)
    assert by_shell[0:2] == ["/bin/sh", "-c"]
    for said in ("ulimit -c 0 ", "ulimit -d 1048576 ", "ulimit -f 2 ", "ulimit -u 5 ", 'exec "$@"'):
        assert said in by_shell[2]


def test_no_limit_of_ours_is_no_limit():
    assert limits_for(Limits(None, None, None, None)) == [("RLIMIT_CORE", 0)]


def test_paths_of_the_workspace_lead_to_the_copy():
    mounts = (Mount("/ws", tree="/copy"),)
    assert [moved(path, mounts) for path in ("/ws", "/ws/a", "/wsx", "/other")] == [
        "/copy",
        "/copy/a",
        "/wsx",
        "/other",
    ]


def test_what_only_a_mount_could_keep_is_refused(tmp_path: Path, asked: Confinement):
    overlay = replace(asked, mounts=(Mount("/ws", lowers=("/ws",), upper="/u", work="/w"),))
    with pytest.raises(ToolFailed, match="overlay"):
        placed(overlay, "/temp")
    real = str(tmp_path / "real")
    in_place = replace(asked, mounts=(Mount(real, tree=real),), read_only=(f"{real}/.git",))
    with pytest.raises(ToolFailed, match="cannot be kept off"):
        placed(in_place, "/temp")
    with pytest.raises(ToolFailed, match="must not be read"):
        placed(replace(asked, hidden=(f"{real}/file",)), "/temp")
    assert placed(replace(asked, hidden=(f"{real}/missing",)), "/temp").env["TMPDIR"] == "/temp"


def test_a_home_that_is_no_place_of_its_own():
    def home(value: str) -> str:
        return with_temp(Confinement((), cwd="/", env={"HOME": value})).env["HOME"]

    assert home("/home/me") == "/home/me"
    assert {home(value) for value in ("", "/", "relative", "/usr/games", "/proc/1")} == {"/tmp/home"}
