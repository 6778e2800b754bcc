"""The container backend on a real engine: limits, ends, and that no two workspaces meet.

Where there is no engine they are skipped; `install_engine.sh` brings one up, and COPYDESK_REQUIRE_SANDBOX wants it.
"""

import os
import platform
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from copydesk.domain.errors import ToolFailed
from copydesk.processes import container, container_engine
from copydesk.processes.confinement import Limits, Mount
from copydesk.processes.container import ContainerSandbox
from tests.sandbox.boxes import box_for
from tests.sandbox.ground import Ground, finish, ground, python, run, shell, with_limits

pytestmark = pytest.mark.slow

CANCEL_LIMIT_S = 0.25
IMAGE = os.environ.get("COPYDESK_TEST_IMAGE", "")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Ground]:
    with ground(tmp_path / "one") as made:
        yield made


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Ground]:
    with ground(tmp_path / "two") as made:
        yield made


@pytest.fixture
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ContainerSandbox]:
    """Tried once for all tests; each has containers of its own."""
    state = tmp_path_factory.getbasetemp() / "container-state"
    tried = await box_for("container", state)
    assert isinstance(tried, ContainerSandbox)
    made = ContainerSandbox(tried.engine, IMAGE, str(state))
    try:
        yield made
    finally:
        await made.aclose()


def own_label() -> str:
    return f"label={container_engine.LABEL}={container_engine.owner()}"


async def names(box: ContainerSandbox) -> set[str]:
    listed = await box.engine.ask(
        "ps", "--all", "--format", "{{.Names}}", "--filter", f"label={container_engine.LABEL}"
    )
    assert listed.exit_code == 0, listed
    return set(listed.stdout.decode().split())


async def labels(box: ContainerSandbox) -> str:
    return (await box.engine.ask("ps", "--all", "--format", "{{.Labels}}")).stdout.decode()


async def until(is_so: Callable[[], object]) -> None:
    with anyio.fail_after(20):
        while not is_so():  # noqa: ASYNC110  # the end of another process sets no event of ours
            await anyio.sleep(0.02)


async def test_output_exit_code_folder_and_stdin(box: ContainerSandbox, here: Ground):
    ran = await run(box, here, shell("pwd; cat; cat seen; echo changed > seen; echo bad >&2; exit 3"))
    assert (ran.exit_code, ran.out, ran.err) == (3, f"{here.real}\noriginal\n", "bad\n")
    assert here.in_view(box, "seen").read_text() == "changed\n"
    assert (here.real / "seen").read_text() == "original\n"


async def test_what_it_makes_belongs_to_the_owner_of_the_workspace(box: ContainerSandbox, here: Ground):
    if os.geteuid() != 0:
        pytest.skip("only root can give a workspace to another user")
    for path in [here.folder / "copy", *(here.folder / "copy").rglob("*")]:
        os.chown(path, 1234, 2345, follow_symlinks=False)
    ran = await run(box, here, shell("id -u; id -g; echo x > made"))
    assert ran.out.split() == ["1234", "2345"], ran
    status = here.in_view(box, "made").stat()
    assert (status.st_uid, status.st_gid) == (1234, 2345)


async def test_a_workspace_keeps_its_container_and_shares_it_with_nobody(
    box: ContainerSandbox, here: Ground, other: Ground
):
    before = await names(box)
    async with box.start(shell("echo x > /tmp/mine; echo on; sleep 20"), here.confinement(box)) as child:
        await child.stdout.receive()
        ran = await run(box, other, shell(f"cat /tmp/mine {here.real}/seen; ls /proc | grep -c '^[0-9]'; hostname"))
        assert "original" not in ran.out
        assert len(await names(box) - before) == 2
    first = await run(box, here, shell("hostname"))
    second = await run(box, here, shell("hostname"))
    assert first.out == second.out != ran.out.split()[-1]
    assert len(await names(box) - before) == 2


async def test_two_commands_of_one_workspace_at_a_time_do_not_meet(box: ContainerSandbox, here: Ground):
    async with box.start(shell("echo on; sleep 20"), here.confinement(box)) as child:
        await child.stdout.receive()
        ran = await run(box, here, shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '"))
        assert "sleep 20" not in ran.out
        assert child.exit_code is None  # the end of the one is not the end of the other


async def test_memory_of_the_tree(box: ContainerSandbox, here: Ground):
    asked = replace(here.confinement(box), limits=Limits())
    hog = "import os, time\n{}x = bytearray({} * 1024 * 1024); print('got it', flush=True); time.sleep(1)"
    assert "got it" in (await run(box, here, python(hog.format("", 300)), asked)).out
    assert "got it" not in (await run(box, here, python(hog.format("", 600)), asked)).out
    two = await run(box, here, python(hog.format("os.fork()\n", 350)), asked)
    assert two.out.count("got it") < 2
    more = with_limits(asked, memory_bytes=1024**3)  # the limits of each call hold
    assert "got it" in (await run(box, here, python(hog.format("", 600)), more)).out


async def test_number_of_processes(box: ContainerSandbox, here: Ground):
    asked = replace(here.confinement(box), limits=Limits())
    code = """
import os, time
n = 0
try:
    for n in range(400):
        if os.fork() == 0:
            time.sleep(9); os._exit(0)
except OSError:
    pass
print("forks", n, flush=True)
"""
    ran = await run(box, here, python(code), asked)
    assert 50 < int(ran.out.split()[1]) < container_engine.N_PROCESSES
    few = await run(box, here, python(code), with_limits(asked, n_processes=20))
    assert int(few.out.split()[1]) < 20


async def test_processor_time(box: ContainerSandbox, here: Ground):
    """How much of it a loop gets in two seconds."""
    code = "import time\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass\nprint(time.process_time())"
    slow = await run(box, here, python(code), with_limits(here.confinement(box), cpus=0.1))
    assert float(slow.out) < 0.35
    assert float((await run(box, here, python(code), with_limits(here.confinement(box), cpus=2))).out) > float(slow.out)


async def test_size_of_files(box: ContainerSandbox, here: Ground):
    asked = with_limits(here.confinement(box), file_bytes=1_024_000, temp_bytes=8 * 1024**2)
    ran = await run(box, here, shell("head -c 2000000 /dev/zero > big; wc -c < big"), asked)
    assert ran.out.split() == ["1024000"]
    ran = await run(
        box,
        here,
        shell("for n in $(seq 20); do head -c 1000000 /dev/zero > /tmp/$n; done; df -k /tmp | tail -1"),
        asked,
    )
    assert int(ran.out.split()[2]) <= 8 * 1024


@pytest.mark.parametrize(
    "script",
    [
        'echo on; sleep "$NAP"',
        'setsid sh -c \'sleep "$NAP" & sleep "$NAP"\' & echo on; sleep "$NAP"',
        'bomb() { bomb | bomb & }; (sleep "$NAP" &); echo on; bomb; sleep 9',
        'trap "" TERM INT HUP; (sleep "$NAP" &); echo on; while :; do sleep 1; done',
    ],
    ids=["sleeping", "sessions", "fork bomb", "ignoring"],
)
async def test_cancelling_leaves_nothing_within_the_limit(box: ContainerSandbox, here: Ground, script: str):
    async with box.start(shell(script), here.confinement(box)) as child:
        await child.stdout.receive()
        await until(here.sleepers)  # else the test would prove nothing
        begun = time.monotonic()
        await child.kill()
        took_s = time.monotonic() - begun
        assert here.sleepers() == []
    assert took_s < CANCEL_LIMIT_S * (4 if os.environ.get("PYTEST_XDIST_WORKER") else 1)
    assert (await run(box, here, shell("echo again"))).out == "again\n"


async def test_what_is_in_the_background_ends_with_the_command(box: ContainerSandbox, here: Ground):
    async with box.start(shell('(setsid sleep "$NAP" &) > /dev/null 2>&1; echo out'), here.confinement(box)) as child:
        assert (await finish(child)).out == "out\n"
        await until(here.sleepers)
    assert here.sleepers() == []


async def test_leaving_the_block_by_a_cancelled_scope_ends_it(box: ContainerSandbox, here: Ground):
    with anyio.move_on_after(3):
        async with box.start(shell('sleep "$NAP"'), here.confinement(box)):
            await until(here.sleepers)
            await anyio.sleep(60)
    assert here.sleepers() == []


async def test_the_keeper_can_be_robbed_of_its_orders_and_all_ends_still(box: ContainerSandbox, here: Ground):
    """A command may read what we say to the first process; then the container goes as a whole."""
    thief = 'echo on; (while :; do head -c 1 /proc/1/fd/0 > /dev/null; done) & (sleep "$NAP" &); sleep 60'
    async with box.start(shell(thief), here.confinement(box)) as child:
        await child.stdout.receive()
        await until(here.sleepers)
        await anyio.sleep(0.3)
    assert here.sleepers() == []
    assert (await run(box, here, shell("echo again"))).out == "again\n"


async def test_hidden_and_protected_files(box: ContainerSandbox, here: Ground):
    real = str(here.real)
    for root in (here.real, here.folder / "copy"):
        (root / "keys").mkdir()
        (root / "keys" / "one").write_text("canary-4f1d9c")
    script = """
        cat .env keys/*; mv .env x; mv keys x; echo x > keys/two
        echo x > .git/hooks/post-commit; mv .git aside; mkdir .vscode; echo x > .vscode/tasks.json; echo x > .mcp.json
        echo changed > seen; echo done
    """
    guards = {
        "hidden": (f"{real}/.env", f"{real}/keys", f"{real}/nothing"),
        "read_only": (f"{real}/.git", f"{real}/.vscode", f"{real}/.mcp.json"),
    }
    copied = await run(box, here, shell(script), replace(here.confinement(box), hidden=guards["hidden"]))
    assert "done" in copied.out
    assert "canary" not in copied.out
    in_place = await run(box, here, shell(script), replace(here.confinement(box, in_place=True), **guards))
    assert "done" in in_place.out
    assert "canary" not in in_place.out
    assert os.listdir(here.real / ".git" / "hooks") == []
    assert not {".vscode", ".mcp.json", "aside", "x"} & {path.name for path in here.real.iterdir()}
    assert (here.real / "seen").read_text() == "changed\n"


async def test_a_secret_that_is_replaced_is_hidden_again(box: ContainerSandbox, here: Ground):
    """A mount stays with the file that was there; an editor puts another one in its place."""
    asked = replace(here.confinement(box), hidden=(f"{here.real}/.env",))
    assert (await run(box, here, shell("cat .env"), asked)).out == ""
    newer = here.folder / "copy" / ".env.new"
    newer.write_text("canary-4f1d9c")
    newer.rename(here.folder / "copy" / ".env")
    assert (await run(box, here, shell("cat .env"), asked)).out == ""
    assert (await run(box, here, shell("cat .env"))).out == "canary-4f1d9c"  # it could have been read


async def test_what_the_person_has_is_not_in_it(box: ContainerSandbox, here: Ground):
    asked = replace(
        here.confinement(box), env={"PATH": "/nowhere", "HOME": "/home/me", "KEPT": "a b\nc", "XDG_DATA_HOME": "/x"}
    )
    ran = await run(box, here, shell('echo "$KEPT"; echo "$PATH" "$HOME" "$XDG_DATA_HOME"'), asked)
    assert ran.out.startswith("a b\nc\n")
    assert not {"/nowhere", "/home/me", "/x"} & set(ran.out.split())


async def test_a_folder_that_is_written_beside_the_workspace(box: ContainerSandbox, here: Ground):
    cache = here.folder / "cache"
    cache.mkdir()
    asked = replace(here.confinement(box), writable=(str(cache),))
    await run(box, here, shell(f"echo x > {cache}/made; echo x > {here.outside}/made"), asked)
    assert (cache / "made").exists()
    assert not (here.outside / "made").exists()


async def test_odd_paths(box: ContainerSandbox, tmp_path: Path):
    with ground(tmp_path / "a, b=c 'd\"") as made:
        assert (await run(box, made, shell("cat seen; pwd"))).out == f"original\n{made.real}\n"


async def test_an_overlay_is_refused(box: ContainerSandbox, here: Ground):
    mount = Mount(str(here.real), lowers=(str(here.real),), upper="/x", work="/y")
    with pytest.raises(ToolFailed, match="shows copies"):
        await run(box, here, shell("true"), replace(here.confinement(box), mounts=(mount,)))


async def test_a_folder_that_is_not_there_stops_the_command(box: ContainerSandbox, here: Ground):
    with pytest.raises(ToolFailed, match="not started"):
        await run(box, here, shell("echo ran"), replace(here.confinement(box), cwd="/no/such/folder"))


async def test_closing_takes_all_containers_away(box: ContainerSandbox, here: Ground, other: Ground):
    before = await names(box)
    await run(box, here, shell("true"))
    await run(box, other, shell("true"))
    assert len(await names(box) - before) == 2
    await box.aclose()
    assert await names(box) <= before


SERVER = """
import os, sys, anyio
from copydesk.processes import container_engine
from copydesk.processes.confinement import Confinement, Mount
from copydesk.processes.container import ContainerSandbox
state, tree, nap, image = sys.argv[1:]

async def main():
    engine = await container_engine.find_engine()
    box = ContainerSandbox(engine, image, state)
    asked = Confinement((Mount(tree, tree=tree),), cwd=tree, env={"NAP": nap})
    async with box.start(["sh", "-c", 'setsid sleep "$NAP" & echo ready; sleep "$NAP"'], asked) as child:
        print((await child.stdout.receive()).decode(), flush=True)
        await anyio.sleep(60)

anyio.run(main)
"""


async def test_when_the_server_is_killed_its_container_goes(box: ContainerSandbox, here: Ground, tmp_path: Path):
    argv = [sys.executable, "-c", SERVER, str(tmp_path), str(here.folder / "copy"), here.nap, IMAGE]
    server = subprocess.Popen(  # noqa: ASYNC220
        argv, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert server.stdout is not None
    assert server.stdout.readline().strip() == b"ready"
    await until(here.sleepers)
    assert f"{platform.node()}:{server.pid}" in await labels(box)
    server.kill()
    server.wait()
    server.stdout.close()
    await until(lambda: not here.sleepers())
    with anyio.fail_after(20):
        while f"{platform.node()}:{server.pid}" in await labels(box):  # noqa: ASYNC110
            await anyio.sleep(0.2)


async def test_containers_of_dead_servers_are_taken_away(box: ContainerSandbox):
    gone = subprocess.Popen(["true"])  # noqa: ASYNC220
    gone.wait()
    owners = {
        "dead": f"{platform.node()}:{gone.pid}",
        "alive": f"{platform.node()}:{os.getpid()}",
        "far": "elsewhere:1",
    }
    made = {name: f"copydesk-test-{name}-{os.getpid()}" for name in owners}
    try:
        for name, owner in owners.items():
            label = f"{container_engine.LABEL}={owner}"
            words = ["run", "--detach", "--stop-signal", "KILL", "--label", label, "--name", made[name], IMAGE]
            ran = await box.engine.ask(*words, "sleep", "60")
            assert ran.exit_code == 0, ran
        await container.reap(box.engine)
        listed = await box.engine.ask("ps", "--all", "--format", "{{.Names}}")
        assert set(made.values()) & set(listed.stdout.decode().split()) == {made["alive"], made["far"]}
    finally:
        for name in made.values():
            await box.engine.ask("rm", "--force", name)


async def test_what_is_missing_is_named(box: ContainerSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert box.engine.program
    assert "sandbox.image" in str(await container.attempt(str(tmp_path), None))
    assert "no name of an image" in str(await container.attempt(str(tmp_path), "--privileged"))
    missing = await container.attempt(str(tmp_path), "copydesk-no-such-image:9")
    assert "pull copydesk-no-such-image:9" in str(missing)
    monkeypatch.setenv("PATH", str(tmp_path))
    none = await container.attempt(str(tmp_path), IMAGE)
    assert "podman is not installed" in str(none)


def test_the_script_of_the_keeper_is_plain_shell():
    """dash, bash and busybox all have to understand it: images have any of them."""
    for shell_name in ("dash", "bash"):
        subprocess.run([shell_name, "-n", "-c", textwrap.dedent(container.KEEPER)], check=True)
