"""Running git so that a repository cannot make it run anything of its own.

A repository names programs in many places of its configuration: filters, hooks, fsmonitor, pagers, diff and merge
drivers, signing. All are off until the folder is trusted; pagers, prompts and editors always. git itself is found on
the absolute folders of PATH that lie outside the workspace: a file named `git` in a folder is never run.
Start with `Git.open`.
"""

import os
import shutil
from collections.abc import Callable, Sequence

from copydesk.domain.errors import ToolFailed
from copydesk.domain.frozen import frozen
from copydesk.processes.environment import minimal_env
from copydesk.processes.spawn import Finished, run

READ_LIMIT_S = 30.0
WRITE_LIMIT_S = 120.0
LIMIT_BYTES = 20_000_000
_NO_HOOKS = "/dev/null" if os.name != "nt" else "NUL"

ALWAYS = (
    ("core.pager", "cat"),
    ("core.editor", "true"),
    ("color.ui", "false"),
    ("core.quotePath", "false"),
    ("log.showSignature", "false"),
    ("safe.bareRepository", "explicit"),
    ("submodule.recurse", "false"),
    ("advice.detachedHead", "false"),
)
"""Nobody is there to page, edit or be asked."""

UNTRUSTED = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", _NO_HOOKS),
    ("core.sshCommand", "false"),
    ("core.gitProxy", "false"),
    ("core.alternateRefsCommand", "true"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("gpg.program", "false"),
    ("gpg.ssh.program", "false"),
    ("gpg.x509.program", "false"),
    ("gpg.ssh.defaultKeyCommand", "false"),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("trailer.separators", ":"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)
"""What would run a program that the repository names."""

_DRIVERS = r"^(filter|diff|merge|trailer|gpg|mergetool|difftool|hook)\..+\."
_OFF = {
    "clean": "",
    "smudge": "",
    "process": "",
    "required": "false",
    "command": "",
    "textconv": "",
    "cachetextconv": "false",
    "driver": "false",
    "cmd": "",
    "program": "false",
    "event": "",
    "enabled": "false",
}
"""The keys of a named driver that hold a program, and what switches each off. The empty text runs nothing."""


@frozen
class Repository:
    """A repository and how to speak to it. `top` and `root` are paths with their links resolved; `prefix` leads from
    `top` to `root` ("" or ends with "/"). `filters` are the names of content filters that the configuration defines.
    """

    program: str
    root: str
    top: str
    prefix: str
    options: tuple[str, ...]
    trusted: bool
    filters: frozenset[str] = frozenset()


class Git:
    """git for the folders of one workspace. `roots` gives their paths, `trusted` says whether one may run its own."""

    def __init__(self, roots: Callable[[], Sequence[str]], trusted: Callable[[str], bool]) -> None:
        self._roots = roots
        self._trusted = trusted

    async def open(self, root: str) -> Repository:
        """The repository that a folder belongs to. Raises `ToolFailed` when there is none, or git is missing."""
        program, real, trusted = self._program(), resolved(root), self._trusted(root)
        options = _options((*ALWAYS, *(() if trusted else UNTRUSTED)))
        bare = Repository(program, real, real, "", options, trusted)
        found = await self.run(bare, "rev-parse", "--show-toplevel", "--show-prefix", check=False)
        if found.exit_code:
            raise _no_repository(root, found.stderr)
        top, _, prefix = found.stdout.decode(errors="surrogateescape").partition("\n")
        _check_place(root, real, top)
        drivers = await self._drivers(bare)
        filters = frozenset(key[7:].rpartition(".")[0] for key in drivers if key.startswith("filter."))
        off = () if trusted else _options([(key, _OFF[key.rpartition(".")[2]]) for key in drivers])
        return Repository(program, real, resolved(top), prefix.rstrip("\n"), (*options, *off), trusted, filters)

    async def run(
        self,
        repository: Repository,
        *arguments: str,
        at_top: bool = False,
        stdin: bytes = b"",
        check: bool = True,
        timeout_s: float = READ_LIMIT_S,
    ) -> Finished:
        """One git command in the folder (or `at_top`). With `check`, a failure is a `ToolFailed` in git's words."""
        done = await run(
            [repository.program, "--no-pager", *repository.options, *arguments],
            cwd=repository.top if at_top else repository.root,
            stdin=stdin,
            timeout_s=timeout_s,
            env=self._env(),
            limit_bytes=LIMIT_BYTES,
        )
        if done.timed_out:
            raise ToolFailed(f"git {arguments[0]} took longer than {timeout_s:g} s and was stopped.")
        if check and done.exit_code:
            raise ToolFailed(f"git {arguments[0]} failed: {said(done)}")
        return done

    async def _drivers(self, repository: Repository) -> list[str]:
        """Every key of a named driver that holds a program. Reading the configuration runs nothing."""
        found = await self.run(repository, "config", "--null", "--name-only", "--get-regexp", _DRIVERS, check=False)
        keys = {key for key in found.stdout.decode(errors="surrogateescape").split("\0") if key}
        # A name with "=" or a line break cannot be given on the command line, so it could not be switched off.
        if bad := next((key for key in keys if "=" in key or "\n" in key), None):
            raise ToolFailed(
                f"The repository's configuration has a key that cannot be made safe: {bad!r}.",
                advice="Ask the person to look at .git/config.",
            )
        return sorted(key for key in keys if key.rpartition(".")[2].lower() in _OFF)

    def _program(self) -> str:
        found = shutil.which("git", path=self._search_path())
        if found is None:
            raise ToolFailed("There is no program 'git' on PATH.", advice="Go on without it, and say so at the end.")
        return found

    def _search_path(self) -> str:
        """PATH without relative folders and without those of the workspace."""
        inside = [os.path.realpath(root) + os.sep for root in self._roots()]
        folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(folder)]
        return os.pathsep.join(
            folder for folder in folders if not f"{os.path.realpath(folder)}{os.sep}".startswith(tuple(inside))
        )

    def _env(self) -> dict[str, str]:
        return minimal_env(
            {
                "PATH": self._search_path(),
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_OPTIONAL_LOCKS": "0",
                "GIT_NO_LAZY_FETCH": "1",
                "GIT_EDITOR": "true",
                "GIT_SEQUENCE_EDITOR": "true",
                "GIT_PAGER": "cat",
                "LC_ALL": "C.UTF-8",
            }
        )


def resolved(path: str) -> str:
    """The path with its links followed: a few lookups on the disk, which git does too."""
    return os.path.realpath(path)


def said(done: Finished) -> str:
    """git's own words about a failure, without its label and hints."""
    lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    kept = [line for line in lines if not line.startswith("hint:")]
    return "\n".join(kept).removeprefix("fatal: ").removeprefix("error: ") or f"exit code {done.exit_code}"


def _options(pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(word for key, value in pairs for word in ("-c", f"{key}={value}"))


def _no_repository(root: str, stderr: bytes) -> ToolFailed:
    words = stderr.decode(errors="replace").strip().removeprefix("fatal: ")
    if "not a git repository" in words:
        return ToolFailed(f"{root!r} is not in a git repository.", advice="Go on without git, or ask the person.")
    if "dubious ownership" in words:
        advice = "The person can allow it with: git config --global --add safe.directory FOLDER."
        return ToolFailed(f"git does not trust {root!r}: it belongs to another user.", advice=advice)
    return ToolFailed(f"git cannot read the repository of {root!r}: {words}")


def _check_place(root: str, real: str, top: str) -> None:
    """`core.worktree` may point anywhere: a repository that does not hold the folder is not the folder's."""
    real_top = os.path.realpath(top)
    if real != real_top and not real.startswith(real_top.rstrip(os.sep) + os.sep):
        raise ToolFailed(
            f"The repository of {root!r} says that its files are in {top!r}, which is elsewhere.",
            advice="Ask the person about core.worktree in .git/config.",
        )
