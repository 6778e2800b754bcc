"""Bubblewrap alone: how a launch fails, ends and passes things through."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from copydesk.domain.errors import ToolFailed
from copydesk.processes import bubblewrap, overlay_launch
from copydesk.processes.bubblewrap import Bubblewrap
from copydesk.processes.confinement import Confinement, Mount
from tests.sandbox.boxes import box_for
from tests.sandbox.ground import Ground, processes, run, shell, until

ODD_NAMES = (
    "plain",
    "with space",
    "a,b",
    "a:b",
    "back\\slash",
    'quo"te',
    "new\nline",
    "tab\tbed",
    "é ü",
    "[x].*^$",
    "-o",
)


@pytest.fixture
async def box(state: Path) -> Bubblewrap:
    found = await box_for("bubblewrap", state)
    assert isinstance(found, Bubblewrap)
    if found.placing != "overlay":
        pytest.skip(found.why)
    return found


def _path_with(folder: Path, script: str) -> dict[str, str]:
    """An environment of the launch in which `mount` is this script."""
    folder.mkdir()
    (folder / "mount").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "mount").chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "LC_ALL": "C"}


@pytest.mark.parametrize("script", ["exit 1", "exit 0", 'shift 5; exec /usr/bin/mount -t tmpfs none "$3"'])
async def test_a_mount_that_fails_never_runs_the_command(
    script: str, box: Bubblewrap, here: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = here.folder / "marker"
    asked = replace(here.confinement(box), writable=(str(here.folder / "other"),))
    attack = shell(f"echo ran > seen; echo ran > '{here.folder}/other/marker'")
    await run(box, here, attack, asked)
    marker = here.folder / "other" / "marker"
    assert marker.exists(), "the control: where mounts work it does run"
    marker.unlink()
    monkeypatch.setattr(bubblewrap, "_ENV", _path_with(tmp_path / "bin", script))
    with pytest.raises(ToolFailed, match="not run"):
        await run(box, here, attack, asked)
    assert not marker.exists()
    assert (here.real / "seen").read_text() == "original\n"


async def test_an_upper_folder_that_cannot_be_used_never_runs_the_command(box: Bubblewrap, here: Ground) -> None:
    real = str(here.real)
    mount = Mount(real, lowers=(real,), upper=str(here.folder / "nowhere"), work=str(here.folder / "work"))
    with pytest.raises(ToolFailed, match="not run"):
        await run(box, here, shell("echo ran"), Confinement((mount,), cwd=real))


async def test_a_folder_that_is_not_there_is_said(box: Bubblewrap, here: Ground) -> None:
    gone = replace(here.confinement(box), cwd=str(here.real / "gone"))
    with pytest.raises(ToolFailed, match="gone"):
        await run(box, here, shell("echo ran"), gone)


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_paths_with_odd_names_work(name: str, box: Bubblewrap, here: Ground) -> None:
    real, upper, work, masked = (here.folder / name / each for each in ("real", "upper", "work", "real/hidden"))
    for folder in (real, upper, work):
        folder.mkdir(parents=True)
    (real / "seen").write_text("original\n")
    masked.write_text("secret")
    mount = Mount(str(real), lowers=(str(real),), upper=str(upper), work=str(work))
    asked = Confinement((mount,), cwd=str(real), hidden=(str(masked),), read_only=(str(real / "seen"),))
    ran = await run(box, here, shell("cat seen hidden; echo x > new; echo x > seen || pwd"), asked)
    assert ran.out == f"original\n{real}\n", ran
    assert (upper / "new").read_text() == "x\n"
    assert not (real / "new").exists()


async def test_layers_are_seen_the_topmost_first(box: Bubblewrap, here: Ground) -> None:
    middle = here.folder / "middle"
    middle.mkdir()
    (middle / "seen").write_text("middle\n")
    (here.folder / "upper" / "new").write_text("upper\n")
    mount = replace(here.mount(box), lowers=(str(middle), str(here.real)))
    ran = await run(box, here, shell("cat seen new sub/deep"), Confinement((mount,), cwd=str(here.real)))
    assert ran.out == "middle\nupper\noriginal\n"


async def test_a_workspace_in_a_workspace_has_its_own_view(box: Bubblewrap, here: Ground) -> None:
    inner = str(here.real / "sub")
    for name in ("upper2", "work2"):
        (here.folder / name).mkdir()
    second = Mount(inner, lowers=(inner,), upper=str(here.folder / "upper2"), work=str(here.folder / "work2"))
    asked = Confinement((here.mount(box), second), cwd=inner)
    ran = await run(box, here, shell("cat deep ../seen; echo x > deep; echo x > ../seen"), asked)
    assert (ran.out, ran.err) == ("original\noriginal\n", "")
    assert (here.folder / "upper2" / "deep").exists()
    assert (here.folder / "upper" / "seen").exists()
    assert not (here.folder / "upper" / "sub").exists()


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("nosuch", 127)])
async def test_exit_codes_pass_through(script: str, code: int, box: Bubblewrap, here: Ground) -> None:
    assert (await run(box, here, shell(script))).exit_code == code


async def test_the_environment_is_the_whole_one(box: Bubblewrap, here: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    asked = replace(here.confinement(box), env={"PATH": "/usr/bin:/bin", "MARK": "a b\nc", "HOME": str(here.home)})
    ran = await run(box, here, shell("env; cat; ls -A ~; echo x > ~/x && cat ~/x"), asked)
    assert "MARK=a b\nc" in ran.out
    assert "API_KEY" not in ran.out
    assert ran.out.endswith("\nx\n"), "stdin is at its end, and the home is empty and may be written"
    assert not (here.home / "x").exists()


async def test_the_environment_is_in_no_process_list(box: Bubblewrap, here: Ground) -> None:
    asked = replace(here.confinement(box), env={"PATH": "/usr/bin:/bin", "MARK": "in-no-list"})
    async with box.start(["sleep", here.nap], asked):
        listed = [word for _, words in processes() for word in words]
        assert here.nap in listed
        assert not any("in-no-list" in word for word in listed)


async def test_leaving_the_block_ends_everything_at_once(box: Bubblewrap, here: Ground) -> None:
    script = f"trap '' TERM; setsid sleep {here.nap} & sleep {here.nap} & sleep {here.nap}"
    async with box.start(shell(script), here.confinement(box)):
        await until(lambda: len(here.sleepers()) == 3)
        began = time.monotonic()
    assert here.sleepers() == []
    assert time.monotonic() - began < 1.0


async def test_a_cancelled_command_is_gone(box: Bubblewrap, here: Ground) -> None:
    with anyio.move_on_after(0.5):
        async with box.start(["sleep", here.nap], here.confinement(box)) as child:
            await child.wait()
    assert here.sleepers() == []
    assert list((box.state / overlay_launch.SCRATCH).glob(f"{os.getpid()}-?*")) == [box.etc]


async def test_a_cancelled_launch_leaves_nothing(box: Bubblewrap, here: Ground) -> None:
    for delay_s in (0.0, 0.005, 0.01, 0.02, 0.03):
        with anyio.move_on_after(delay_s):
            async with box.start(["sleep", here.nap], here.confinement(box)) as child:
                await child.wait()
    await until(lambda: not here.sleepers())
    assert list((box.state / overlay_launch.SCRATCH).glob(f"{os.getpid()}-?*")) == [box.etc]


def _server(script: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)


async def test_a_server_that_is_killed_leaves_no_process(box: Bubblewrap, here: Ground) -> None:
    """SIGKILL gives it no chance to clean up: the kernel has to."""
    script = textwrap.dedent(
        f"""
        import anyio
        from copydesk.processes import bubblewrap
        from copydesk.processes.confinement import Confinement, Mount
        async def main():
            box = await bubblewrap.attempt({str(here.folder / "other")!r})
            real = {str(here.real)!r}
            asked = Confinement((Mount(real, tree=real),), cwd=real, read_only=(real + "/.mcp.json",))
            async with box.start(["sh", "-c", "setsid sleep {here.nap} & sleep {here.nap}"], asked):
                print("started", flush=True)
                await anyio.sleep(60)
        anyio.run(main)
        """
    )
    server = _server(script)
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"started\n"
        await until(lambda: len(here.sleepers()) == 2)
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        assert server.stdout is not None
        server.stdout.close()
    await until(lambda: not here.sleepers())
    assert (here.real / ".mcp.json").exists(), "for nobody was there to take it away"
    left = here.folder / "other" / overlay_launch.SCRATCH
    assert any(left.iterdir())
    overlay_launch.sweep(here.folder / "other")
    assert not any(left.iterdir())
    assert not (here.real / ".mcp.json").exists()


async def test_temp_is_limited_and_nothing_of_it_stays(box: Bubblewrap, here: Ground) -> None:
    asked = here.confinement(box)
    small = replace(asked, limits=replace(asked.limits, temp_bytes=1024 * 1024))
    for folder in ("/tmp", "/dev/shm", "$HOME"):
        ran = await run(box, here, shell(f'head -c 2000000 /dev/zero > "{folder}/big"'), small)
        assert "No space" in ran.err, (folder, ran)
    ran = await run(box, here, shell("echo x > /dev/x; echo x > /x; echo x > /run/x; echo x > /var/x"), small)
    assert ran.err.count("Read-only") == 4, ran
