"""Sandboxes for tests of the shadow: they put the trees where they belong, and confine nothing else.

`OverlaySandbox` mounts the layers over the real folder, in a mount namespace (and a user namespace where we are no
superuser); `TreeSandbox` runs in the copies, or binds them over the real folders.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from copydesk.domain.sandboxes import BackendName, Hold, SandboxReport
from copydesk.processes.confinement import Confinement, Mount, Placing, Sandbox
from copydesk.processes.sandboxes import Chosen
from copydesk.processes.spawn import Child, start

_OPTIONS = "index=off,metacopy=off,xino=off,redirect_dir=nofollow,userxattr"


def source(sandbox: Sandbox):
    async def choose() -> Chosen:
        return Chosen(SandboxReport(sandbox.name, holds=sandbox.holds), sandbox)

    return choose


def can_mount() -> bool:
    found = subprocess.run(["unshare", *_flags(), "true"], capture_output=True, check=False) if _unshare() else None
    return found is not None and found.returncode == 0


def _unshare() -> str | None:
    return shutil.which("unshare")


def _flags() -> list[str]:
    return ["-m", "--propagation", "private"] if os.geteuid() == 0 else ["-U", "-r", "-m", "--propagation", "private"]


@dataclass(slots=True)
class OverlaySandbox:
    name: BackendName = "bubblewrap"
    holds: frozenset[Hold] = frozenset({"same_path", "shadow"})
    placing: Placing = "overlay"
    seen: list[Confinement] = field(default_factory=list)

    @asynccontextmanager
    async def start(self, argv: Sequence[str], confinement: Confinement) -> AsyncGenerator[Child]:
        self.seen.append(confinement)
        lines = ["set -eu", *(_mounting(mount) for mount in confinement.mounts)]
        lines.append(f"cd {shlex.quote(confinement.cwd)}")
        lines.append(f"exec {shlex.join(argv)}")
        async with start(["unshare", *_flags(), "sh", "-c", "\n".join(lines)], env=confinement.env) as child:
            yield child

    async def aclose(self) -> None: ...


def _mounting(mount: Mount) -> str:
    if mount.tree:
        bind = f"mount --bind {shlex.quote(mount.tree)} {shlex.quote(mount.path)}"
        return bind if mount.tree != mount.path else ":"
    for path in (*mount.lowers, mount.upper, mount.work):
        assert not set(path) & set(",:\\"), path
    layers = f"lowerdir={':'.join(mount.lowers)},upperdir={mount.upper},workdir={mount.work}"
    path = shlex.quote(mount.path)
    return f"mount -t overlay -o {shlex.quote(f'{_OPTIONS},{layers}')} overlay {path}"


@dataclass(slots=True)
class TreeSandbox:
    """`placing` "bind" mounts the copy over the real folder; "none" runs in it where it is."""

    placing: Placing = "none"
    name: BackendName = "process"
    holds: frozenset[Hold] = frozenset()
    seen: list[Confinement] = field(default_factory=list)

    @asynccontextmanager
    async def start(self, argv: Sequence[str], confinement: Confinement) -> AsyncGenerator[Child]:
        self.seen.append(confinement)
        if self.placing == "none":
            async with start(argv, cwd=confinement.cwd, env=confinement.env) as child:
                yield child
            return
        lines = ["set -eu", *(_mounting(mount) for mount in confinement.mounts)]
        lines += [f"cd {shlex.quote(confinement.cwd)}", f"exec {shlex.join(argv)}"]
        async with start(["unshare", *_flags(), "sh", "-c", "\n".join(lines)], env=confinement.env) as child:
            yield child

    async def aclose(self) -> None: ...


NEEDS_MOUNTS = pytest.mark.skipif(not can_mount(), reason="nothing can be mounted here")
SANDBOXES = (
    pytest.param(TreeSandbox, id="copies"),
    pytest.param(OverlaySandbox, id="layers", marks=NEEDS_MOUNTS),
)
"""Both ways to place a tree, as the parameters of a test."""
