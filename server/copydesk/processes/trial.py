"""Trying a sandbox out before it is believed: a command in it that attacks, beside a view that it may write.

Each answer is looked up from outside where that can be done, and a hold is named only if the attack was made and has
failed. The attacks need a shell and the commonest programs only, so that any container has them. Start with `try_out`.
"""

import os
import secrets
import shutil
import signal
import tempfile
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread

from copydesk.domain.errors import ToolFailed
from copydesk.domain.sandboxes import Hold
from copydesk.processes.confinement import Confinement, Limits, Mount, Sandbox
from copydesk.processes.spawn import Child

_TRIAL_LIMIT_S = 30.0
_SCRIPT = """
echo begun
cd "$WORKSPACE" && echo "at $(pwd -P)"
cat seen; echo changed > seen && echo wrote
[ "$(cat seen)" = changed ] && echo kept
cat "$OUTSIDE/secret"
echo x > "$OUTSIDE/made"
chmod 777 "$OUTSIDE/secret"
grep -e NoNewPrivs -e CapEff -e CapBnd -e Seccomp: /proc/self/status
echo "devices $(grep -c : /proc/net/dev) $(grep -c ' lo:' /proc/net/dev)"
echo "server $(tr '\\0' ' ' < "/proc/$SERVER/cmdline")"
for name in memory/memory.limit_in_bytes memory.max; do echo "memory $(cat /sys/fs/cgroup/$name)"; done
for name in cpu/cpu.cfs_quota_us cpu.max; do echo "cpu $(cat /sys/fs/cgroup/$name)"; done
for name in pids/pids.max pids.max; do echo "processes $(cat /sys/fs/cgroup/$name)"; done
unshare -U true && echo namespaced
(sleep "$NAP" > /dev/null 2>&1 < /dev/null &)
echo done
"""


async def try_out(box: Sandbox, state_dir: str, *, refuses_sockets: bool = False) -> frozenset[Hold] | str:
    """What was seen to hold, or why nothing runs in it. `refuses_sockets`: if it filters calls at all, then these."""
    folder = await anyio.to_thread.run_sync(_prepare, state_dir)
    nap = f"3{secrets.randbelow(10**6):06d}.5"
    try:
        said = await _run(box, folder, nap)
        if isinstance(said, str):
            return said
        return await anyio.to_thread.run_sync(_judge, folder, said, nap, refuses_sockets)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(_clean, folder)


def _prepare(state_dir: str) -> Path:
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="trial-", dir=state_dir)))
    for name in ("real", "copy", "upper", "work", "outside"):
        (folder / name).mkdir()
    for name in ("real", "copy"):
        (folder / name / "seen").write_text("original\n")
    secret = folder / "outside" / "secret"
    secret.write_text("canary\n")
    secret.chmod(0o600)
    return folder


def _clean(folder: Path) -> None:
    # The kernel makes a folder in `work` that not even its owner may read.
    for path in (folder / "work").glob("*"):
        path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


async def _run(box: Sandbox, folder: Path, nap: str) -> list[str] | str:
    real, copy = str(folder / "real"), str(folder / "copy")
    mount = Mount(real, tree=copy)
    if box.placing == "overlay":
        mount = Mount(real, lowers=(real,), upper=str(folder / "upper"), work=str(folder / "work"))
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "WORKSPACE": copy if box.placing == "none" else real,
        "OUTSIDE": str(folder / "outside"),
        "SERVER": str(os.getpid()),
        "NAP": nap,
    }
    asked = Confinement((mount,), cwd=env["WORKSPACE"], env=env, limits=Limits())
    out, err = bytearray(), bytearray()
    try:
        with anyio.fail_after(_TRIAL_LIMIT_S):
            async with box.start(["sh", "-c", _SCRIPT], asked) as child, anyio.create_task_group() as tasks:
                tasks.start_soon(_drain, child, "stdout", out)
                tasks.start_soon(_drain, child, "stderr", err)
                await child.wait()
                await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.deadline = anyio.current_time() + 0.25
    except ToolFailed as error:
        return error.message
    except TimeoutError:
        return f"a command in it did not end within {_TRIAL_LIMIT_S:g} s."
    lines = [line.rstrip() for line in out.decode(errors="replace").split("\n")]
    if not {"begun", "original", "wrote", "kept", "done"} <= set(lines):
        said = err.decode(errors="replace").strip().split("\n")
        return f"a shell in it cannot work on its files: {said[0]}"
    return lines


async def _drain(child: Child, stream: str, into: bytearray) -> None:
    source = child.stdout if stream == "stdout" else child.stderr
    try:
        while len(into) < 100_000:
            into += await source.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass


def _judge(folder: Path, lines: list[str], nap: str, refuses_sockets: bool) -> frozenset[Hold]:
    """What the shell says counts against it only: for each hold the file system or the kernel is asked too."""
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    secret = folder / "outside" / "secret"
    is_untouched = not (folder / "outside" / "made").exists() and secret.stat().st_mode & 0o777 == 0o600
    is_real_same = (folder / "real" / "seen").read_text() == "original\n"
    has_own_network = "devices 1 1" in lines
    is_powerless = (
        "namespaced" not in lines and status.get("NoNewPrivs") == "1" and int(status.get("CapEff", "1"), 16) == 0
    )
    is_filtered = refuses_sockets and status.get("Seccomp") == "2"
    found: dict[Hold, bool] = {
        "write_outside": is_untouched,
        "read_outside": "canary" not in lines,
        "network": has_own_network or is_filtered,
        "local_sockets": has_own_network or is_filtered,
        "processes": not _sees_us(lines),
        "children_die": not end_sleepers(nap),
        "privileges": is_powerless,
        "memory": _has_limit(lines, "memory", Limits().memory_bytes),
        "cpu": _has_limit(lines, "cpu", None),
        "process_count": _has_limit(lines, "processes", Limits().n_processes),
        "same_path": f"at {folder / 'real'}" in lines,
        "shadow": is_real_same and is_untouched,
    }
    return frozenset(hold for hold, holds in found.items() if holds)


def _sees_us(lines: list[str]) -> bool:
    ours = Path(f"/proc/{os.getpid()}/cmdline")
    if not ours.exists():
        return False
    return f"server {ours.read_bytes().replace(bytes(1), b' ').decode(errors='replace')}".strip() in lines


def _has_limit(lines: list[str], name: str, at_most: int | None) -> bool:
    """Whether a control group that is seen from inside says a number."""
    said = [line.split()[1] for line in lines if line.startswith(f"{name} ") and len(line.split()) > 1]
    return any(value.isdigit() and (at_most is None or int(value) <= at_most) for value in said)


def end_sleepers(nap: str) -> list[int]:
    """The processes that sleep for exactly `nap`, which nobody else does. They are ended."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if nap.encode() in words and words[0].endswith(b"sleep"):
            found.append(int(entry.parent.name))
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return found
