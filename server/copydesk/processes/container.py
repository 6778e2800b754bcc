"""The container backend: a warm container for each workspace, and in it one command at a time, by docker or podman.

A container's first process is a shell of ours that listens to us: told to end, it kills everything else in there, and
when we are gone it ends by itself, and the engine takes the container away. What a container shows is fixed when it
is started, so a command whose view is another one gets another container. Start with `attempt`.
"""

import hashlib
import json
import os
import platform
import secrets
import stat
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread

from copydesk.domain.errors import ToolFailed
from copydesk.domain.sandboxes import BackendName, Hold
from copydesk.processes import container_engine as engines
from copydesk.processes.confinement import Confinement, Placing
from copydesk.processes.container_engine import Empty, Engine, Shape
from copydesk.processes.devcontainer import is_image
from copydesk.processes.held_names import hold, is_in_place, let_go
from copydesk.processes.placing import is_below
from copydesk.processes.seccomp import Machine, oci_profile
from copydesk.processes.spawn import KILL_GRACE_S, Child, start
from copydesk.processes.trial import try_out

MAX_IDLE = 4
_READY_LIMIT_S = 60.0
_ANSWER_LIMIT_S = 0.5
_EMPTY_LIMIT_S = 3.0
_REMOVE_LIMIT_S = 20.0
_BEGUN = b"+"

# The first process. It ends what is there before it forks itself: a full house would not let it.
KEEPER = """
echo ready
while read -r word token; do
  kill -9 -1 2> /dev/null
  n=0
  while [ $n -lt 30 ]; do
    (:)
    set -- /proc/[0-9]*
    [ $# -le 1 ] && break
    n=$((n + 1))
  done
  echo "ended $token $#"
done
"""
_WRAPPER = """
ulimit -c 0
[ -z "$1" ] || ulimit -f "$1" || exit 125
shift
printf +
exec "$@"
"""


async def attempt(state_dir: str, image: str | None = None) -> "ContainerSandbox | str":
    """With what is there: nothing is downloaded. `image` is the setting's, or that of the project's dev container."""
    if not image:
        return "no image is named: set `sandbox.image`, or name one in .devcontainer/devcontainer.json"
    if not is_image(image):
        return f"{image!r} is no name of an image (`sandbox.image`)"
    engine = await engines.find_engine()
    if isinstance(engine, str):
        return engine
    found = await engine.ask("image", "inspect", "--format", "{{.Id}}", image)
    if found.exit_code != 0:
        program = os.path.basename(engine.program)
        return f"there is no image {image!r} here, and nothing is downloaded unasked: run `{program} pull {image}`"
    await reap(engine)
    box, holds = await _tried(engine, image, state_dir)
    machine = platform.machine()
    if "privileges" not in holds and not isinstance(holds, str) and machine in ("x86_64", "aarch64"):
        # The engine lets user namespaces be made, as podman's own profile does: so ours.
        profile = await anyio.to_thread.run_sync(_write_profile, state_dir, machine)
        stricter, more = await _tried(replace(engine, profile=profile), image, state_dir)
        if not isinstance(more, str) and more > holds:
            box, stricter, holds = stricter, box, more
        await stricter.aclose()
    if isinstance(holds, str):
        await box.aclose()
        return f"a container of {image!r} was tried and does not work: {holds}"
    box.holds = holds
    return box


async def _tried(engine: Engine, image: str, state_dir: str) -> "tuple[ContainerSandbox, frozenset[Hold] | str]":
    box = ContainerSandbox(engine, image, state_dir)
    return box, await try_out(box, state_dir)


async def reap(engine: Engine) -> None:
    """Takes away the containers of servers that are gone."""
    listed = await engine.ask("ps", "--all", "--quiet", "--filter", f"label={engines.LABEL}")
    numbers = listed.stdout.decode(errors="replace").split()
    template = '{{index .Config.Labels "' + engines.LABEL + '"}}'
    for number in numbers:
        label = await engine.ask("inspect", "--format", template, number)
        if label.exit_code == 0 and engines.is_orphan(label.stdout.decode(errors="replace")):
            await engine.ask("rm", "--force", number)


class ContainerSandbox:
    """A `Sandbox`."""

    name: BackendName = "container"
    placing: Placing = "bind"

    def __init__(self, engine: Engine, image: str, state_dir: str) -> None:
        self.engine, self._image, self._state_dir = engine, image, state_dir
        self._idle: list[_Container] = []
        self.holds: frozenset[Hold] = frozenset()
        self.why = f"In containers of {image!r}, by {os.path.basename(engine.program)}."

    @asynccontextmanager
    async def start(self, argv: Sequence[str], confinement: Confinement) -> AsyncGenerator[Child]:
        made = await anyio.to_thread.run_sync(hold, confinement)
        try:
            shape = await anyio.to_thread.run_sync(shape_of, confinement)
            container = await self._take(shape)
            try:
                async with container.started(argv, confinement) as child:
                    yield child
            finally:
                with anyio.CancelScope(shield=True):
                    # The names that are held go, and the guards on them with them: no other command meets that.
                    await (container.remove() if is_in_place(confinement) else self._give_back(container))
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(let_go, made)

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            idle, self._idle = self._idle, []
            for container in idle:
                await container.remove()

    async def _take(self, shape: Shape) -> "_Container":
        for container in self._idle:
            if container.shape == shape and container.is_alive:
                self._idle.remove(container)
                return container
        empty = await anyio.to_thread.run_sync(_make_empty, self._state_dir)
        container = _Container(self.engine, shape, self._image, empty)
        await container.open()
        return container

    async def _give_back(self, container: "_Container") -> None:
        if not await container.is_empty():
            await container.remove()
            return
        self._idle.append(container)
        gone = [one for one in self._idle if not one.is_current()]
        for one in [*gone, *[one for one in self._idle if one not in gone][:-MAX_IDLE]]:
            self._idle.remove(one)
            await one.remove()


class _Confined(Child):
    """The engine's client. What it started lives in the container, and is ended there."""

    container: "_Container | None" = None

    async def kill(self, grace_s: float = KILL_GRACE_S) -> None:
        with anyio.CancelScope(shield=True):
            if self.container is not None and self.exit_code is None:
                await self.container.end()
            await super().kill(grace_s)


class _Container:
    """One container, from `open` to `remove`. Its keeper answers one question at a time."""

    def __init__(self, engine: Engine, shape: Shape, image: str, empty: Empty) -> None:
        self.engine, self.shape, self._image, self._empty = engine, shape, image, empty
        place = hashlib.sha256(shape.binds[0][0].encode() if shape.binds else b"").hexdigest()[:12]
        self._name = f"copydesk-{place}-{secrets.token_hex(6)}"
        self._asking = anyio.Lock()
        self._keeper: Child | None = None
        self._leave: AbstractAsyncContextManager[Child] | None = None
        self._said = b""

    @property
    def is_alive(self) -> bool:
        return self._keeper is not None and self._keeper.exit_code is None

    def is_current(self) -> bool:
        """Whether what it shows is still there."""
        return self.is_alive and all(os.path.exists(source) for _, source in self.shape.binds)

    async def open(self) -> None:
        words = engines.run_words(self.engine, self.shape, image=self._image, name=self._name, empty=self._empty)
        # podman leaves a file in the folder it was started in when memory runs out.
        folder = os.path.dirname(self._empty.file)
        opened = start([self.engine.program, *words, "-c", KEEPER], env=self.engine.env, cwd=folder)
        self._leave, self._keeper = opened, await opened.__aenter__()
        try:
            with anyio.fail_after(_READY_LIMIT_S):
                said = await self._line()
        except TimeoutError:
            said = ""
        except BaseException:
            await self.remove()
            raise
        if said != "ready":
            why = await _errors(self._keeper) or f"it was not ready within {_READY_LIMIT_S:g} s"
            await self.remove()
            raise ToolFailed(f"The command was not started, for its container was not: {why}.")

    @asynccontextmanager
    async def started(self, argv: Sequence[str], asked: Confinement) -> AsyncGenerator[Child]:
        words = engines.exec_words(self._name, asked, _WRAPPER, argv)
        command = [self.engine.program, *words]
        async with start(
            command, env=self.engine.env, cwd=os.path.dirname(self._empty.file), child_type=_Confined
        ) as child:
            if isinstance(child, _Confined):
                child.container = self
            await child.stdin.aclose()
            await _begun(child)
            yield child

    async def end(self) -> None:
        """Kills whatever runs in it; what is being killed may still be giving back its memory."""
        with anyio.CancelScope(shield=True):
            if not await self._told():
                await self.remove()

    async def is_empty(self) -> bool:
        """Kills whatever runs in it, and says whether nothing is left of it, so that another command may come."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(_EMPTY_LIMIT_S):
            while n_left := await self._told():
                if n_left == 1:
                    return True
        return False

    async def remove(self) -> None:
        with anyio.CancelScope(shield=True):
            if self._leave is not None:
                leave, self._leave = self._leave, None
                await self.engine.ask("rm", "--force", self._name, timeout_s=_REMOVE_LIMIT_S)
                await leave.__aexit__(None, None, None)

    async def _told(self) -> int:
        """How many processes were left a moment after the keeper killed all, itself included; 0: it does not answer."""
        token, said = secrets.token_hex(8), ""
        if self._keeper is None or not self.is_alive:
            return 0
        async with self._asking:
            with anyio.move_on_after(_ANSWER_LIMIT_S):
                try:
                    await self._keeper.stdin.send(f"end {token}\n".encode())
                    while not (said := await self._line()).startswith(f"ended {token} ") and said:
                        pass
                except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
                    said = ""
        number = said.rpartition(" ")[2]
        return int(number) if number.isdigit() else 0

    async def _line(self) -> str:
        """Empty at the end of what it says."""
        assert self._keeper is not None
        while b"\n" not in self._said:
            try:
                self._said += await self._keeper.stdout.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return ""
        line, _, self._said = self._said.partition(b"\n")
        return line.decode(errors="replace").strip()


async def _begun(child: Child) -> None:
    """Returns when the command itself begins. Raises `ToolFailed` with the engine's words when it does not."""
    said = b""
    with anyio.move_on_after(_READY_LIMIT_S):
        try:
            said = await child.stdout.receive(1)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
    if said != _BEGUN:
        why = await _errors(child) or "the engine did not say why"
        raise ToolFailed(f"The command was not started in its container: {why}.")


async def _errors(child: Child) -> str:
    found = b""
    with anyio.move_on_after(1):
        try:
            while len(found) < 4000:
                found += await child.stderr.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
    return engines.said_by(found)


def shape_of(asked: Confinement) -> Shape:
    """What a container has to be for this. Raises `ToolFailed` for what no container can be."""
    if not asked.mounts or any(not mount.tree for mount in asked.mounts):
        raise ToolFailed("A container shows copies, and the command's view is none.", advice="This is a defect.")
    trees = [(mount.path, os.path.realpath(mount.tree)) for mount in asked.mounts]
    binds = [*trees, *((path, path) for path in asked.writable)]
    masks: list[tuple[str, bool]] = []
    guarded: list[tuple[str, str]] = []
    stamps: list[tuple[int, int]] = []
    for paths, is_mask in ((asked.read_only, False), (asked.hidden, True)):
        for path in paths:
            source = _source(path, trees)
            status = _status(source) if source else None
            if source is None or status is None:
                continue  # neither shown nor there
            stamps.append((status.st_dev, status.st_ino))
            if is_mask:
                masks.append((path, stat.S_ISDIR(status.st_mode)))
            else:
                guarded.append((path, source))
                binds += [pin for pin in _pins(path, source, trees) if pin not in binds]
    stamps += [(pinned.st_dev, pinned.st_ino) for _, source in binds[1:] if (pinned := _status(source))]
    owner = os.stat(trees[0][1])
    user = (owner.st_uid, owner.st_gid)
    return Shape(tuple(binds), tuple(masks), tuple(guarded), tuple(stamps), asked.network, asked.limits, user)


def _source(path: str, trees: list[tuple[str, str]]) -> str | None:
    for target, tree in trees:
        if is_below(path, [target]) and path != target:
            return tree + path[len(target.rstrip("/")) :]
    return None


def _pins(path: str, source: str, trees: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The folders above what is read-only, each with its source: one that is mounted cannot be moved aside."""
    tops = {target for target, _ in trees}
    path, source = os.path.dirname(path), os.path.dirname(source)
    while path not in tops and path != os.path.dirname(path):
        yield path, source
        path, source = os.path.dirname(path), os.path.dirname(source)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _write_profile(state_dir: str, machine: Machine) -> str:
    path = os.path.join(state_dir, "seccomp.json")
    Path(path).write_text(json.dumps(oci_profile(machine)))
    return path


def _make_empty(state_dir: str) -> Empty:
    """Checked each time: it is what a command sees instead of a secret."""
    empty = Empty(os.path.join(state_dir, "empty-file"), os.path.join(state_dir, "empty-folder"))
    os.close(os.open(empty.file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o444))
    os.makedirs(empty.folder, mode=0o755, exist_ok=True)
    if os.listdir(empty.folder):
        raise ToolFailed(f"{empty.folder!r} must be empty.", advice="Delete what is in it.")
    return empty
