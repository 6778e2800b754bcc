"""The ground on which attacks are made: a workspace, and around it what a command must not reach.

One attack has one ground. `run` attacks under a sandbox, `run_bare` without one; both give what was written.
"""

import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio

from copydesk.processes.confinement import Confinement, Limits, Mount, Sandbox
from copydesk.processes.spawn import Child

CANARY = "canary-4f1d9c"
TRIED = "tried"
RUN_LIMIT_S = 30.0


@dataclass(frozen=True)
class Ran:
    exit_code: int
    out: str
    err: str

    @property
    def was_tried(self) -> bool:
        """An attack says this itself, once it has what it needs: a missing program is not a pass."""
        return TRIED in self.out.split()


@dataclass
class Ground:
    """`folder` holds `real` (the workspace), `copy` (of it), `outside`, `home`, and the layers of an overlay.

    `heard` fills with what reaches our ports and sockets from the attack.
    """

    folder: Path
    victim: int
    nap: str
    heard: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)

    @property
    def real(self) -> Path:
        return self.folder / "real"

    @property
    def outside(self) -> Path:
        return self.folder / "outside"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def mount(self, sandbox: Sandbox) -> Mount:
        real = str(self.real)
        if sandbox.placing != "overlay":
            return Mount(real, tree=str(self.folder / "copy"))
        return Mount(real, lowers=(real,), upper=str(self.folder / "upper"), work=str(self.folder / "work"))

    def confinement(self, sandbox: Sandbox, *, in_place: bool = False) -> Confinement:
        mount = Mount(str(self.real), tree=str(self.real)) if in_place else self.mount(sandbox)
        at = mount.tree if sandbox.placing == "none" else str(self.real)
        env = {**self.env, "WORKSPACE": at}
        return Confinement((mount,), cwd=at, env=env, limits=Limits(n_processes=None, memory_bytes=None))

    def sleepers(self) -> list[int]:
        """Processes of the attack that are still there: each sleeps for a time that nobody else does."""
        return [pid for pid, words in processes() if words[:2] == ["sleep", self.nap]]

    def in_view(self, sandbox: Sandbox, name: str) -> Path:
        """Where a file of the view can be read from outside."""
        return self.folder / ("upper" if sandbox.placing == "overlay" else "copy") / name


@contextmanager
def ground(tmp_path: Path) -> Generator[Ground]:
    folder = tmp_path / "ground"
    with ExitStack() as stack:
        _make_files(folder)
        victim = stack.enter_context(_victim(folder / "real"))
        made = Ground(folder, victim.pid, f"7{uuid.uuid4().int % 10**7:07d}.5")
        made.env = _environment(made)
        stack.enter_context(_listeners(made))
        try:
            yield made
        finally:
            for pid in made.sleepers():
                os.kill(pid, signal.SIGKILL)
            for path in folder.rglob("work"):
                path.chmod(0o700)


def _make_files(folder: Path) -> None:
    for name in ("real/sub", "real/.git/hooks", "outside/folder", "home/.ssh", "upper", "work", "other"):
        (folder / name).mkdir(parents=True)
    files = {
        "real/seen": "original\n",
        "real/sub/deep": "original\n",
        "real/.env": f"KEY={CANARY}\n",
        "real/.git/config": "[core]\n",
        "outside/secret": f"{CANARY}\n",
        "outside/file": "original\n",
        "home/.ssh/id": f"{CANARY}\n",
        "home/.profile": "original\n",
        "other/code": f"{CANARY}\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    for name in ("outside/secret", "home/.ssh/id"):
        (folder / name).chmod(0o600)
    (folder / "real" / "link").symlink_to(folder / "outside")
    shutil.copytree(folder / "real", folder / "copy", symlinks=True)


def _environment(made: Ground) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "LC_ALL": "C.UTF-8",
        "HOME": str(made.home),
        "TRUE_HOME": str(made.home),
        "OUTSIDE": str(made.outside),
        "OTHER": str(made.folder / "other"),
        "VICTIM": str(made.victim),
        "NAP": made.nap,
        "MARK": made.nap.replace(".", "-"),
        "ABSTRACT": f"copydesk-{made.nap}",
    }


@contextmanager
def _victim(cwd: Path) -> Generator[subprocess.Popen[bytes]]:
    """A process of the same user with a key in its environment, as the server is."""
    process = subprocess.Popen(["sleep", "600"], cwd=cwd, env={"API_KEY": CANARY, "PATH": "/usr/bin:/bin"})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _listeners(made: Ground) -> Generator[None]:
    """One thread that hears whatever is opened or sent to our ports and sockets, by kind."""
    selector = selectors.DefaultSelector()
    stop, stopped = socket.socketpair()
    selector.register(stopped, selectors.EVENT_READ, "")
    socks = [_listener(made, kind) for kind in ("tcp", "udp", "path", "abstract", "inside")]
    for kind, sock in socks:
        selector.register(sock, selectors.EVENT_READ, kind)
    thread = threading.Thread(target=_listen, args=(selector, made))
    thread.start()
    try:
        yield
    finally:
        stop.send(b"x")
        thread.join()
        selector.close()
        for sock in (stop, stopped, *(sock for _, sock in socks)):
            sock.close()


def _listener(made: Ground, kind: str) -> tuple[str, socket.socket]:
    is_inet = kind in ("tcp", "udp")
    shape = socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM
    sock = socket.socket(socket.AF_INET if is_inet else socket.AF_UNIX, shape)
    if is_inet:
        sock.bind(("127.0.0.1", 0))
        made.env[kind.upper()] = str(sock.getsockname()[1])
    elif kind == "abstract":
        sock.bind("\0" + made.env["ABSTRACT"])
    else:
        _bind_short(sock, made.outside / "sock" if kind == "path" else made.real / "sock")
    if kind != "udp":
        sock.listen(4)
    return kind, sock


def _bind_short(sock: socket.socket, path: Path) -> None:
    """The name of a socket is 107 bytes at the most, and tests run in deep folders."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        sock.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def _listen(selector: selectors.BaseSelector, made: Ground) -> None:
    while True:
        for key, _ in selector.select():
            sock, kind = key.fileobj, key.data
            if not kind:
                return
            assert isinstance(sock, socket.socket)
            if kind == "udp":
                sock.recvfrom(100)
            else:
                sock.accept()[0].close()
            made.heard.append(kind)


def processes() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        yield int(entry.name), words


async def until(is_so: Callable[[], bool], limit_s: float = 5.0) -> None:
    with anyio.fail_after(limit_s):
        while not is_so():  # noqa: ASYNC110 - what other processes do sets no event of ours
            await anyio.sleep(0.02)


# --- running ---------------------------------------------------------------------------------------------


async def run(sandbox: Sandbox, made: Ground, argv: list[str], confinement: Confinement | None = None) -> Ran:
    asked = confinement or made.confinement(sandbox)
    async with sandbox.start(argv, asked) as child:
        return await finish(child)


async def finish(child: Child) -> Ran:
    out, err, exit_code = bytearray(), bytearray(), 0
    with anyio.fail_after(RUN_LIMIT_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_drain, child, "stdout", out)
            tasks.start_soon(_drain, child, "stderr", err)
            exit_code = await child.wait()
            tasks.cancel_scope.deadline = anyio.current_time() + 0.3
    return Ran(exit_code, out.decode(errors="replace"), err.decode(errors="replace"))


async def _drain(child: Child, name: str, into: bytearray) -> None:
    stream = child.stdout if name == "stdout" else child.stderr
    try:
        while True:
            into += await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass


def run_bare(made: Ground, argv: list[str], extra: Mapping[str, str] | None = None) -> Ran:
    """The same without any guard. What it leaves in the background stays."""
    env = {**made.env, "WORKSPACE": str(made.real), **(extra or {})}
    out, err = made.folder / "out", made.folder / "err"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        done = subprocess.run(
            argv,
            cwd=made.real,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=to_out,
            stderr=to_err,
            timeout=RUN_LIMIT_S,
            check=False,
            start_new_session=True,
        )
    time.sleep(0.1)  # what was sent is heard by another thread
    return Ran(done.returncode, out.read_text(errors="replace"), err.read_text(errors="replace"))


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def python(script: str) -> list[str]:
    return [_system_python(), "-I", "-S", "-c", script]


def _system_python() -> str:
    """One that every sandbox shows: our own lives in a virtual environment."""
    return shutil.which("python3", path="/usr/bin:/bin") or sys.executable


def with_limits(confinement: Confinement, **limits: Any) -> Confinement:
    return replace(confinement, limits=replace(confinement.limits, **limits))
