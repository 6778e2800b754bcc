"""Where a person's programs really live: interpreters, compilers and package stores outside the system's own folders.

Found by resolving PATH and the project's virtual environment, links followed. Only the folders that programs need are
named, never a home and never a file with keys. Reads the disk, runs nothing. Start with `widened`.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace

from copydesk.domain.frozen import frozen
from copydesk.processes.confinement import Confinement

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
_MAX_PROGRAMS = 2000
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
_VENVS = (".venv", "venv", "env")
_OF_A_PREFIX = ("lib", "lib64", "libexec", "share", "include")
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
        for each in _of_path(folder, home):
            add(each)
    for root in roots:
        for each in _of_project(root, environ):
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
    yield _prefix_of(os.path.realpath(folder), home)
    try:
        with os.scandir(folder) as entries:
            links = [entry.path for _, entry in zip(range(_MAX_PROGRAMS), entries, strict=False) if entry.is_symlink()]
    except OSError:
        return
    for folder in {os.path.dirname(os.path.realpath(link)) for link in links}:
        yield folder
        yield _prefix_of(folder, home)


def _of_project(root: str, environ: Mapping[str, str]) -> Iterator[str]:
    """The virtual environments of a folder, and the interpreters that they were made from."""
    venvs = [os.path.join(root, name) for name in _VENVS]
    for venv in [*venvs, environ.get("VIRTUAL_ENV", "")]:
        if not os.path.isabs(venv) or not os.path.isfile(os.path.join(venv, "pyvenv.cfg")):
            continue
        yield venv
        python = os.path.join(venv, "bin", "python")
        link = python
        for _ in range(8):  # each step may lead through another folder that has to be there
            if not os.path.islink(link):
                break
            link = os.path.normpath(os.path.join(os.path.dirname(link), os.readlink(link)))
            yield os.path.dirname(os.path.dirname(link))
        yield os.path.dirname(os.path.dirname(os.path.realpath(python)))
        yield from _home_of(venv)


def _home_of(venv: str) -> Iterator[str]:
    try:
        with open(os.path.join(venv, "pyvenv.cfg"), encoding="utf-8", errors="replace") as config:
            lines = config.read(_MAX_CONFIG_BYTES).splitlines()
    except OSError:
        return
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() == "home" and os.path.isabs(value.strip()):
            yield os.path.dirname(os.path.normpath(value.strip()))


def _prefix_of(folder: str, home: str) -> str:
    """The installation that a folder of programs belongs to: `X` of `X/bin` where X looks like one, else the folder."""
    for store in _STORE_ROOTS:
        if folder.startswith(store + "/"):
            return store
    prefix = os.path.dirname(folder)
    looks_like_one = os.path.basename(folder) in ("bin", "sbin", "Scripts") and any(
        os.path.isdir(os.path.join(prefix, name)) for name in _OF_A_PREFIX
    )
    own = (os.path.join(home, ".local"), home)
    return prefix if looks_like_one and prefix not in own else folder


def _outermost(names: Mapping[str, None]) -> tuple[str, ...]:
    kept: list[str] = []
    for name in sorted(names, key=lambda each: each.count("/")):
        if not _within_any(name, kept):
            kept.append(name)
    return tuple(kept)


def _above(path: str) -> Iterator[str]:
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent


def _within_any(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)
