"""Where a person's programs really live: interpreters, compilers and package stores outside the system's own folders.

Found by resolving PATH and the project's virtual environment, links followed. Only the folders that programs need are
named, never a home and never a file with keys. What a project says of itself (its links, its `pyvenv.cfg`) is believed
only where an installation really is: a repository may have been written to read a home with. Reads the disk, runs
nothing. Start with `widened`.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace

from copydesk.domain.frozen import frozen
from copydesk.processes.confinement import Confinement

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
_MAX_PROGRAMS = 2000
_MAX_ALONE = 8
_MAX_LINKS = 8
_KEPT_S = 20.0
_MAX_CONFIG_BYTES = 65536

# Below a home: what is there is shown, read-only. Each is a store of programs or packages, and holds no settings.
_STORES = (
    ".asdf/installs", ".asdf/shims", ".bun/bin", ".bun/install/cache", ".cargo/bin", ".cargo/git", ".cargo/registry",
    ".deno/bin", ".local/lib", ".local/share/fnm", ".local/share/mise/installs", ".local/share/mise/shims",
    ".local/share/pipx/venvs", ".local/share/pnpm", ".local/share/uv/python", ".local/share/uv/tools",
    ".m2/repository", ".nvm/versions", ".opam", ".pyenv", ".rbenv", ".rustup/toolchains", ".rustup/settings.toml",
    ".sdkman/candidates", ".volta/bin", ".volta/tools", ".yarn/berry/cache", "go/bin", "go/pkg/mod",
)  # fmt: skip
# Programs and settings of some find their stores by these; the value is shown as far as the table says.
_HOMES: Mapping[str, tuple[str, ...]] = {
    "CARGO_HOME": ("bin", "git", "registry"),
    "RUSTUP_HOME": ("toolchains", "settings.toml"),
    "PYENV_ROOT": (".",),
    "NVM_DIR": ("versions",),
    "ASDF_DATA_DIR": ("installs", "shims"),
    "GOPATH": ("bin", "pkg/mod"),
    "GOMODCACHE": (".",),
    "GOROOT": (".",),
    "JAVA_HOME": (".",),
    "CONDA_PREFIX": (".",),
    "VOLTA_HOME": ("bin", "tools"),
}
_SHIMMING = ("pyenv", "rbenv")
_VENVS = (".venv", "venv", "env")
_OF_A_PREFIX = ("bin", "sbin", "lib", "lib32", "lib64", "libexec", "share", "include", "ssl")
"""What an installation is made of. The rest of its folder may be anything: some install into a project, or a home."""
_STORE_ROOTS = ("/nix/store", "/gnu/store", "/snap", os.path.join("/home", "linuxbrew", ".linuxbrew"), "/opt/homebrew")
# Files with keys that some keep beside their programs.
_KEYS = (
    ".cargo/credentials", ".cargo/credentials.toml", ".npmrc", ".yarnrc.yml", ".yarnrc", ".pypirc", ".netrc",
    ".m2/settings.xml", ".m2/settings-security.xml", ".gem/credentials", ".docker/config.json",
)  # fmt: skip


@frozen
class Toolchains:
    """`readable` are folders and files outside the system's; `hidden` is masked in them; `env` leads to them."""

    readable: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])


def widened(confinement: Confinement) -> Confinement:
    """The same with the tool chains in sight. What the confinement names itself comes first."""
    roots = tuple(mount.path for mount in confinement.mounts)
    found = _kept(confinement.env.get("PATH", ""), roots)
    return replace(
        confinement,
        readable=tuple(dict.fromkeys((*confinement.readable, *found.readable))),
        hidden=tuple(dict.fromkeys((*confinement.hidden, *found.hidden))),
        env={**found.env, **confinement.env},
    )


_found: dict[tuple[str, tuple[str, ...]], tuple[float, Toolchains]] = {}


def _kept(path: str, roots: tuple[str, ...]) -> Toolchains:
    """Looked for again after a while: somebody may install something."""
    now = time.monotonic()
    at, found = _found.get((path, roots), (0.0, None))
    if found is None or now - at > _KEPT_S:
        found = find(path, roots, os.environ, os.path.expanduser("~"))
        _found.clear()
        _found[path, roots] = (now, found)
    return found


def find(path: str, roots: tuple[str, ...], environ: Mapping[str, str], home: str) -> Toolchains:
    """`roots` are the workspace's folders; what is in them is seen anyway."""
    home = os.path.realpath(home)
    too_wide = {"/", home, *_above(home), *(each for root in roots for each in (root, *_above(root)))}
    names: dict[str, None] = {}

    def add(candidate: str) -> None:
        real = os.path.realpath(candidate)
        for each in (candidate, real):
            is_seen = _within_any(each, (*_SYSTEM, *roots))
            if os.path.isabs(each) and each not in too_wide and not is_seen and os.path.exists(each):
                names[os.path.normpath(each)] = None

    for store in _STORES:
        add(os.path.join(home, store))
    env = dict(_named(environ, add))
    for folder in dict.fromkeys(path.split(os.pathsep)):
        for each in () if _passes_through(folder, roots) else _of_path(folder, home):
            add(each)
    for root in roots:
        for each in _of_project(root, environ, home):
            add(each)
    readable = _outermost(names)
    keys = (os.path.join(home, key) for key in _KEYS)
    hidden = tuple(key for key in keys if _within_any(key, readable) and os.path.lexists(key))
    return Toolchains(readable, hidden, env)


def _named(environ: Mapping[str, str], add: Callable[[str], None]) -> Iterator[tuple[str, str]]:
    for name, parts in _HOMES.items():
        value = environ.get(name, "")
        if os.path.isabs(value) and os.path.isdir(value):
            for part in parts:
                add(os.path.normpath(os.path.join(value, part)))
            yield name, value


def _of_path(folder: str, home: str) -> Iterator[str]:
    """A folder of PATH, and where the programs in it come from."""
    if not os.path.isabs(folder) or _within_any(folder, _SYSTEM) or not os.path.isdir(folder):
        return
    yield folder
    yield from _of_programs(folder, home)
    yield from _of_shims(folder)
    try:
        with os.scandir(folder) as entries:
            links = [entry.path for _, entry in zip(range(_MAX_PROGRAMS), entries, strict=False) if entry.is_symlink()]
    except OSError:
        return
    alone: list[str] = []
    for program in dict.fromkeys(map(os.path.realpath, links)):
        found = list(_of_programs(os.path.dirname(program), home))
        yield from found
        if not found and os.path.isfile(program):
            alone.append(program)  # a program in a folder that may hold anything: nothing else of it is shown
    yield from alone[:_MAX_ALONE]


def _of_shims(folder: str) -> Iterator[str]:
    """pyenv and rbenv, wherever they are: what stands in their `shims` starts programs of theirs."""
    above = os.path.dirname(folder)
    is_shims = os.path.basename(folder) == "shims" and os.path.basename(above).lstrip(".") in _SHIMMING
    if is_shims and os.path.isdir(os.path.join(above, "versions")) and os.path.isdir(os.path.join(above, "libexec")):
        yield above


def _of_project(root: str, environ: Mapping[str, str], home: str) -> Iterator[str]:
    """The interpreters that virtual environments were made from. One in the workspace is not taken at its word."""
    for venv in [*(os.path.join(root, name) for name in _VENVS), environ.get("VIRTUAL_ENV", "")]:
        if not os.path.isabs(venv) or not os.path.isfile(os.path.join(venv, "pyvenv.cfg")):
            continue
        python = os.path.join(venv, "bin", "python")
        folders = [os.path.dirname(os.path.realpath(python)), *_home_of(venv)]
        for _ in range(_MAX_LINKS):  # each link on the way leads through a folder that has to be there as well
            if not os.path.islink(python):
                break
            python = os.path.normpath(os.path.join(os.path.dirname(python), os.readlink(python)))
            folders.append(os.path.dirname(python))
        for folder in folders:
            if _is_python(os.path.dirname(os.path.realpath(folder))):
                yield from _parts(os.path.dirname(folder))
                yield from _of_programs(os.path.realpath(folder), home)
    active = environ.get("VIRTUAL_ENV", "")
    if os.path.isabs(active) and os.path.isfile(os.path.join(active, "pyvenv.cfg")):
        yield active


def _home_of(venv: str) -> Iterator[str]:
    try:
        with open(os.path.join(venv, "pyvenv.cfg"), encoding="utf-8", errors="replace") as config:
            lines = config.read(_MAX_CONFIG_BYTES).splitlines()
    except OSError:
        return
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() == "home" and os.path.isabs(value.strip()):
            yield os.path.normpath(value.strip())


def _of_programs(folder: str, home: str) -> Iterator[str]:
    """The installation that a folder of programs belongs to; nothing where it does not look like one."""
    for store in _STORE_ROOTS:
        if folder.startswith(store + "/"):
            yield store
            return
    prefix = os.path.dirname(folder)
    own = (home, os.path.join(home, ".local"))
    if os.path.basename(folder) not in ("bin", "sbin") or prefix in own:
        return
    if _is_go(prefix) or _is_java(prefix):
        yield prefix
    elif os.path.isdir(os.path.join(prefix, "lib")) or os.path.isdir(os.path.join(prefix, "libexec")):
        yield from _parts(prefix)


def _parts(prefix: str) -> Iterator[str]:
    for name in _OF_A_PREFIX:
        part = os.path.join(prefix, name)
        if os.path.isdir(part):
            yield part


def _is_python(prefix: str) -> bool:
    try:
        names = os.listdir(os.path.join(prefix, "lib"))
    except OSError:
        return False
    return any(name.startswith("python3") and os.path.isfile(f"{prefix}/lib/{name}/os.py") for name in names)


def _is_go(prefix: str) -> bool:
    return os.path.isfile(os.path.join(prefix, "VERSION")) and os.path.isdir(os.path.join(prefix, "src", "runtime"))


def _is_java(prefix: str) -> bool:
    return os.path.isfile(os.path.join(prefix, "release")) and os.path.isfile(os.path.join(prefix, "lib", "modules"))


def _outermost(names: Mapping[str, None]) -> tuple[str, ...]:
    kept: list[str] = []
    for name in sorted(names, key=lambda each: each.count("/")):
        if not _within_any(name, kept):
            kept.append(name)
    return tuple(kept)


def _passes_through(path: str, roots: Iterable[str]) -> bool:
    """Whether a link of a project could have a say in where the path leads."""
    return any(_within_any(os.path.realpath(each), roots) for each in (path, *_above(path)))


def _above(path: str) -> Iterator[str]:
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent


def _within_any(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)
