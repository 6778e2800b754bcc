"""One command that tries, under bubblewrap, what it must not be able to: what it could not do is held here.

Start with `tried`.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from copydesk.domain.errors import ToolFailed
from copydesk.domain.frozen import frozen
from copydesk.domain.sandboxes import HOLDS, Hold
from copydesk.processes.confinement import Confinement, Limits, Mount, Sandbox
from copydesk.processes.spawn import Child

TRIAL_LIMIT_S = 10.0
_CHUNK_BYTES = 65536
_N_PROCESSES = 24
_SEEN = "as it was"
_NAMES = ("real", "copy", "upper", "work", "outside")

# $1: a file outside. Then what /proc/self/ns says outside of processes and of the network.
_SCRIPT = r"""
[ "$(cat seen)" = "as it was" ] && echo changed > seen && echo same_path
[ "$(cat "$1")" = "as it was" ] || echo read_outside
echo changed > "$1"
{ echo x > /etc/copydesk-trial || echo x > /usr/copydesk-trial || echo x > /copydesk-trial; } || echo write_outside
[ "$(readlink /proc/self/ns/pid)" != "$2" ] && echo processes && echo children_die
[ "$(readlink /proc/self/ns/net)" != "$3" ] && echo network && echo local_sockets
grep -q '^CapEff:.0*$' /proc/self/status && grep -q '^NoNewPrivs:.1$' /proc/self/status && \
  ! unshare -U true && echo privileges
(n=0; while [ $n -lt 40 ]; do sleep 9 & n=$((n + 1)); done) > /dev/null || echo process_count
echo end
"""


@frozen
class _Ground:
    """A small workspace, and a file outside it."""

    mount: Mount
    outside: str


async def tried(sandbox: Sandbox, state_dir: str) -> frozenset[Hold] | str:
    """What was held, or what kept a command from running at all."""
    opening = _ground(sandbox.placing == "overlay", state_dir)
    ground = await anyio.to_thread.run_sync(opening.__enter__)
    try:
        confinement = Confinement(
            mounts=(ground.mount,),
            cwd=ground.mount.path,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C"},
            limits=Limits(n_processes=_N_PROCESSES),
        )
        spaces = [os.readlink(f"/proc/self/ns/{name}") for name in ("pid", "net")]
        argv = ["/bin/sh", "-c", f"exec 2> /dev/null\n{_SCRIPT}", "trial", ground.outside, *spaces]
        with anyio.move_on_after(TRIAL_LIMIT_S):
            async with sandbox.start(argv, confinement) as child:
                words = (await _written(child)).split()
                return _judged(ground, words)
        return f"a trial of it took longer than {TRIAL_LIMIT_S:.0f} s."
    except ToolFailed as error:
        return error.message
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(opening.__exit__, None, None, None)


def _judged(ground: _Ground, words: list[str]) -> frozenset[Hold] | str:
    if "end" not in words:
        return "a trial of it did not come to its end."
    held: set[Hold] = {hold for hold in HOLDS if hold in words}
    if Path(ground.mount.path, "seen").read_text() == _SEEN and "same_path" in words:
        held.add("shadow")
    if Path(ground.outside).read_text() != _SEEN:
        held.discard("write_outside")
    return frozenset(held)


async def _written(child: Child) -> str:
    said = b""
    try:
        while len(said) < _CHUNK_BYTES:
            said += await child.stdout.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    return said.decode(errors="replace")


@contextmanager
def _ground(is_overlay: bool, state_dir: str) -> Generator[_Ground]:
    folder = os.path.realpath(tempfile.mkdtemp(prefix="trial-", dir=state_dir))
    try:
        real, copy, upper, work, outside = (os.path.join(folder, name) for name in _NAMES)
        for each in (real, copy, upper, work):
            os.mkdir(each)
        for each in (os.path.join(real, "seen"), os.path.join(copy, "seen"), outside):
            Path(each).write_text(_SEEN)
        mount = Mount(real, lowers=(real,), upper=upper, work=work) if is_overlay else Mount(real, tree=copy)
        yield _Ground(mount, outside)
    finally:
        shutil.rmtree(folder, onerror=_retry_open)


def _retry_open(_function: object, path: str, _error: object) -> None:
    """The kernel makes a folder in `work` that not even its owner may read."""
    try:
        os.chmod(path, 0o700)
        os.rmdir(path)
    except OSError:
        pass
