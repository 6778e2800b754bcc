"""docker and podman by the command line that they share: which of them answers, and the words that start things.

Pure, apart from asking the engine. Nothing here is kept. Start with `find_engine`; `run_words` says what a container
may do.
"""

import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence

from copydesk.domain.frozen import frozen
from copydesk.processes.confinement import Confinement, Limits
from copydesk.processes.environment import minimal_env
from copydesk.processes.living import may_be_alive
from copydesk.processes.placing import is_below
from copydesk.processes.spawn import Finished, run

LABEL = "copydesk.server"
MEMORY_BYTES, CPUS, N_PROCESSES = 512 * 1024**2, 0.9, 128
TEMP = "/tmp"
_ASK_LIMIT_S = 20.0
_ENGINES = ("docker", "podman")
_ENGINE_ENV = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "CONTAINER_HOST",
    "CONTAINER_CONNECTION",
    "CONTAINERS_CONF",
    "CONTAINERS_STORAGE_CONF",
)
# Of the machine outside: inside these are the image's own, or mean nothing.
_OUTSIDE_ENV = frozenset(
    {"PATH", "HOME", "SHELL", "USER", "LOGNAME", "PWD", "TMPDIR", "TEMP", "TMP"}
    | {"VIRTUAL_ENV", "PYTHONHOME", "LD_LIBRARY_PATH", "LD_PRELOAD"}
)


@frozen
class Engine:
    """A program that answered. `env` is for it alone: no command sees it."""

    program: str
    env: Mapping[str, str]
    is_podman: bool = False
    is_rootless: bool = False
    has_selinux: bool = False
    profile: str = ""
    """A file with the calls that are refused, where the engine's own profile lets user namespaces be made."""

    async def ask(self, *words: str, timeout_s: float = _ASK_LIMIT_S) -> Finished:
        return await run([self.program, *words], cwd="/", env=self.env, timeout_s=timeout_s)


async def find_engine() -> Engine | str:
    """The first whose engine answers; else why none does."""
    env = {**minimal_env(), **{name: os.environ[name] for name in _ENGINE_ENV if name in os.environ}}
    failures: list[str] = []
    for name in _ENGINES:
        program = shutil.which(name, path=env.get("PATH"))
        if program is None:
            failures.append(f"{name} is not installed")
            continue
        found = await _asked(Engine(program, env))
        if isinstance(found, Engine):
            return found
        failures.append(f"{name} does not work: {found}")
    return f"no container engine answers ({'; '.join(failures)}). Install podman, or start Docker"


async def _asked(engine: Engine) -> Engine | str:
    """By what they can answer: podman often stands under docker's name, and Docker's client may talk to podman."""
    version = await engine.ask("version")
    if version.exit_code != 0:
        return first_line(version)
    info = await engine.ask("info", "--format", "{{.Host.Security.Rootless}} {{.Host.Security.SELinuxEnabled}}")
    if info.exit_code == 0:
        rootless, _, selinux = info.stdout.decode(errors="replace").strip().lower().partition(" ")
        return Engine(engine.program, engine.env, True, rootless == "true", selinux == "true")
    info = await engine.ask("info", "--format", "{{.SecurityOptions}}")
    if info.exit_code != 0:
        return first_line(info)
    said = info.stdout.decode(errors="replace").lower()
    return Engine(engine.program, engine.env, False, "name=rootless" in said, "name=selinux" in said)


@frozen
class Shape:
    """All that is fixed for the life of a container. Commands of one shape may follow each other in one container.

    `masks` are the paths that are hidden (True for folders), `guarded` those that are read-only, each with the folder
    or file of ours that stands there. `stamps` tell one file from another that took its place: a mount stays with the
    first, so another needs another container.
    """

    binds: tuple[tuple[str, str], ...]
    masks: tuple[tuple[str, bool], ...]
    guarded: tuple[tuple[str, str], ...]
    stamps: tuple[tuple[int, int], ...]
    network: bool
    limits: Limits
    user: tuple[int, int]


@frozen
class Empty:
    """What stands in the place of what is hidden."""

    file: str
    folder: str


def run_words(engine: Engine, shape: Shape, *, image: str, name: str, empty: Empty) -> list[str]:
    """The words after the engine's own name, up to the program of the container."""
    limits = shape.limits
    memory = str(MEMORY_BYTES if limits.memory_bytes in (None, Limits().memory_bytes) else limits.memory_bytes)
    count = N_PROCESSES if limits.n_processes in (None, Limits().n_processes) else limits.n_processes
    words = ["run", "--rm", "--interactive", "--pull", "never", "--name", name, "--label", f"{LABEL}={owner()}"]
    words += ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    words += ["--memory", memory, "--memory-swap", memory, "--cpus", f"{limits.cpus or CPUS:g}"]
    words += ["--pids-limit", str(count), "--user", _user(engine, shape.user), "--workdir", "/", "--entrypoint", "sh"]
    words += ["--stop-signal", "KILL"]  # the keeper hears no other, and podman would wait for ten seconds
    words += [] if shape.network else ["--network", "none"]
    words += ["--userns", "keep-id"] if engine.is_podman and engine.is_rootless else []
    words += ["--security-opt", "label=disable"] if engine.has_selinux else []
    words += ["--security-opt", f"seccomp={engine.profile}"] if engine.profile else []
    words += ["--tmpfs", f"{TEMP}:rw,exec,nosuid,nodev,mode=1777,size={limits.temp_bytes}"]
    for path, source in shape.binds:
        words += ["--mount", _mount("bind", source, path)]
    for path, source in shape.guarded:
        words += ["--mount", _mount("bind", source, path, "readonly")]
    for path, is_folder in shape.masks:
        # No tmpfs for a folder: podman fills it with what it should hide.
        words += ["--mount", _mount("bind", empty.folder if is_folder else empty.file, path, "readonly")]
    return [*words, image]


def exec_words(name: str, asked: Confinement, wrapper: str, argv: Sequence[str]) -> list[str]:
    words = ["exec", "--workdir", asked.cwd]
    for variable, value in sorted(inside_env(asked).items()):
        words += ["--env", f"{variable}={value}"]
    blocks = "" if asked.limits.file_bytes is None else str(asked.limits.file_bytes // 512)
    return [*words, name, "sh", "-c", wrapper, "sh", blocks, *argv]


def inside_env(asked: Confinement) -> dict[str, str]:
    """Without what belongs to the machine outside. The image has its own PATH."""
    kept = {
        name: value
        for name, value in asked.env.items()
        if name not in _OUTSIDE_ENV and (not name.startswith("XDG_") or is_below(value, asked.writable))
    }
    return {**kept, "HOME": TEMP, "TMPDIR": TEMP}


def owner() -> str:
    """Of a container: this server, on this machine."""
    return f"{platform.node()}:{os.getpid()}"


def is_orphan(label: str) -> bool:
    """Whether the server that made a container is gone. Those of other machines are not ours to judge."""
    node, _, pid = label.strip().rpartition(":")
    return node == platform.node() and pid.isdigit() and not may_be_alive(int(pid))


def first_line(done: Finished) -> str:
    """What went wrong, as the engine says it."""
    if done.timed_out:
        return "it did not answer"
    return said_by(done.stderr or done.stdout) or f"exit code {done.exit_code}"


def said_by(errors: bytes) -> str:
    """The last line that says something: Docker ends with where its help is."""
    lines = [line.strip() for line in errors.decode(errors="replace").splitlines()]
    lines = [line for line in lines if line and not (line.startswith(("Run '", "See '")) and "--help" in line)]
    return lines[-1][:300] if lines else ""


def _user(engine: Engine, user: tuple[int, int]) -> str:
    """The files' owner. To a rootless Docker that is its root, whom it maps to the person."""
    uid, gid = (0, 0) if engine.is_rootless and not engine.is_podman else user
    return f"{uid}:{gid}"


def _mount(kind: str, source: str, target: str, *options: str) -> str:
    """As the engines read it: comma-separated values, quoted where a path needs it."""
    return ",".join(_quoted([f"type={kind}", f"source={source}", f"target={target}", *options]))


def _quoted(fields: Sequence[str]) -> Iterator[str]:
    for field in fields:
        yield '"' + field.replace('"', '""') + '"' if any(mark in field for mark in ',"\n') else field
