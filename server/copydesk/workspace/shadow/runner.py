"""Runs commands on the text of a view, in whatever sandbox works here. Satisfies `domain.shadows.Shadow`.

Each command gets trees of its own; the real ones are only read, but by a command that is asked for in place. What is
kept between commands is what git ignores. Start with `ShadowRunner.run`.
"""

import os
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import anyio
from anyio import to_thread

from copydesk.domain.commands import Command, Harvest
from copydesk.domain.errors import ToolFailed
from copydesk.domain.ports import FileSource
from copydesk.domain.sandboxes import SandboxReport
from copydesk.processes.confinement import Confinement, Limits, Mount, Placing, Sandbox
from copydesk.workspace.ignore import Ignore
from copydesk.workspace.shadow.blobs import BLOBS, Blobs
from copydesk.workspace.shadow.caches import Cache
from copydesk.workspace.shadow.copies import Copies
from copydesk.workspace.shadow.git_settings import put_tamed
from copydesk.workspace.shadow.harvesting import Harvesting
from copydesk.workspace.shadow.overlays import Overlay
from copydesk.workspace.shadow.places import Place, Places
from copydesk.workspace.shadow.protected import PROTECTED
from copydesk.workspace.shadow.puts import Put, Putting
from copydesk.workspace.shadow.running import Running
from copydesk.workspace.shadow.secret_files import SecretFiles
from copydesk.workspace.shadow.state import ShadowState
from copydesk.workspace.shadow.surroundings import surroundings
from copydesk.workspace.shadow.times import Times
from copydesk.workspace.shadow.trees import Tree, Wanted
from copydesk.workspace.workspace import Workspace


class Chosen(Protocol):
    """As `processes.sandboxes.choose` answers."""

    @property
    def report(self) -> SandboxReport: ...

    @property
    def sandbox(self) -> Sandbox | None:
        """None where the report refuses."""
        ...


class ShadowRunner:
    """`is_secret` judges absolute paths; `rules` changes with what it says. `trusted`: whether the folders are.

    `network`: whether every command may reach it.
    """

    def __init__(
        self,
        workspace: Workspace,
        sandbox_source: Callable[[], Awaitable[Chosen]],
        state: Path,
        *,
        is_secret: Callable[[str], bool],
        trusted: Callable[[], bool],
        rules: Callable[[], object] = lambda: None,
        network: Callable[[], bool] = lambda: False,
        limits: Limits = Limits(),  # noqa: B008  immutable
    ) -> None:
        self.blobs = Blobs(state / BLOBS)
        self._workspace = workspace
        self._sandbox_source = sandbox_source
        self._is_secret = is_secret
        self._trusted = trusted
        self._rules = rules
        self._network = network
        self._limits = limits
        self._state = ShadowState(state, lambda: [place.path for place in self._places().all])
        self._times = Times()
        self._known_places: tuple[tuple[str, ...], Places] | None = None
        self._caches: dict[str, Cache] = {}
        self._copies: dict[str, Copies] = {}
        self._ignores: dict[str, Ignore] = {}
        self._secrets: dict[str, SecretFiles] = {}
        self._preparing = anyio.Lock()

    async def report(self) -> SandboxReport:
        return (await self._sandbox_source()).report

    @asynccontextmanager
    async def run(self, command: Command, view: FileSource) -> AsyncGenerator[Running]:
        sandbox = await self._sandbox()
        trees: list[Tree] = []
        try:
            async with self._preparing:
                confinement = await to_thread.run_sync(self._prepare, command, view, sandbox, trees)
            async with sandbox.start(shell_line(command.text), confinement) as child:
                await child.stdin.aclose()
                yield Running(child, trees, lambda: self._read_back(command, trees))
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(_drop_all, trees)

    async def aclose(self) -> None:
        """Takes away everything but the kept bytes."""
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(self._state.drop)

    async def _sandbox(self) -> Sandbox:
        chosen = await self._sandbox_source()
        if chosen.sandbox is None:
            why = chosen.report.refused or chosen.report.why or "there is no sandbox here."
            raise ToolFailed(f"The command was not run: {why}", advice="See copydesk.doctor, or sandbox.backend.")
        return chosen.sandbox

    # --- before ---

    def _prepare(self, command: Command, view: FileSource, sandbox: Sandbox, trees: list[Tree]) -> Confinement:
        places = self._places()
        if not places.all:
            raise ToolFailed("The command was not run: no folder of the workspace is there.", advice="Open a folder.")
        try:
            if command.in_place:
                return self._in_place(command, places)
            return self._in_shadow(command, view, sandbox.placing, trees, places)
        except OSError as error:
            where = f" ({error.filename!r})" if error.filename else ""
            raise ToolFailed(
                f"The command was not run: its view of the files could not be made{where}: {error.strerror or error}."
            ) from error

    def _in_shadow(
        self, command: Command, view: FileSource, placing: Placing, trees: list[Tree], places: Places
    ) -> Confinement:
        secrets = {place.path: self._secrets_of(place, command, places) for place in places.all}

        def keeps(place: Place) -> bool:
            return placing != "overlay" or not self._cache_of(place).is_empty

        puts = Putting(places, self._times, self.blobs, self._workspace.display).of(view, secrets, keeps)
        if not self._trusted():
            put_tamed(puts, places)
        wanted = Wanted(view, puts.found)
        for place in places.all:
            trees.append(self._tree(place, places, placing, wanted))
        cwd = self._cwd(command, places)
        self._check_cwd(command, cwd, places, puts.found)
        mounts = tuple(tree.mount for tree in trees)
        return self._confinement(command, places, mounts, _as_mounted(cwd, trees))

    def _tree(self, place: Place, places: Places, placing: Placing, wanted: Wanted) -> Tree:
        if placing != "overlay":
            return self._copies_of(place, places).take(wanted, at_real_path=placing == "bind")
        tree = Overlay(place, places, self._state, self._cache_of(place), self._ignore_of(place), wanted)
        try:
            tree.make()
        except BaseException:
            tree.drop()
            raise
        return tree

    def _in_place(self, command: Command, places: Places) -> Confinement:
        mounts = tuple(Mount(place.path, tree=place.path) for place in places.all)
        hidden = tuple(
            place.at(relative) for place in places.all for relative in self._secrets_of(place, command, places)
        )
        roots = [*(place.path for place in places.all), *(p.at(nested) for p in places.all for nested in p.nested)]
        read_only = tuple(os.path.join(root, name) for root in roots for name in sorted(PROTECTED))
        cwd = self._cwd(command, places)
        self._check_cwd(command, cwd, places, {})
        return self._confinement(command, places, mounts, cwd, hidden, read_only)

    def _confinement(
        self,
        command: Command,
        places: Places,
        mounts: tuple[Mount, ...],
        cwd: str,
        hidden: tuple[str, ...] = (),
        read_only: tuple[str, ...] = (),
    ) -> Confinement:
        cache = self._state.fixed("cache")
        env = surroundings([place.path for place in places.all], cache, self._trusted, keeps_temp=False)
        env["PWD"] = cwd
        return Confinement(
            mounts,
            cwd,
            hidden=hidden,
            read_only=read_only,
            readable=_repositories_above(places),
            writable=(cache,),
            network=command.network or self._network(),
            env=env,
            limits=self._limits,
        )

    def _cwd(self, command: Command, places: Places) -> str:
        if not command.cwd:
            return places.all[0].path
        found = places.locate(command.cwd)
        if found is None:
            raise ToolFailed(
                f"The command was not run: {self._workspace.display(command.cwd)!r} is not a folder of the workspace."
            )
        return found[0].at(found[1])

    def _check_cwd(self, command: Command, cwd: str, places: Places, puts: Mapping[str, Mapping[str, Put]]) -> None:
        if os.path.isdir(cwd):
            return
        found = places.find(cwd)
        if found is not None:
            made = puts.get(found[0].path, {})
            if any(put.kind != "gone" and name.startswith(found[1] + "/") for name, put in made.items()):
                return
        shown = self._workspace.display(command.cwd) if command.cwd else cwd
        raise ToolFailed(f"The command was not run: there is no folder {shown!r}.", advice="Find it with list_dir.")

    def _secrets_of(self, place: Place, command: Command, places: Places) -> list[str]:
        readable = {found for uri in command.readable if (found := places.locate(uri)) is not None}
        found = self._secrets.setdefault(place.path, SecretFiles(place.path, self._is_secret, self._rules)).find()
        return [relative for relative in found if (place, relative) not in readable]

    # --- after ---

    def _read_back(self, command: Command, trees: Sequence[Tree]) -> Harvest:
        if command.in_place:
            return Harvest()
        harvesting = Harvesting(self.blobs, self._times, self._is_secret, self._workspace.display)
        for tree in trees:
            tree.harvest(harvesting, keeps_edits=not command.check)
        if command.check:
            return Harvest()
        return harvesting.harvest([note for tree in trees for note in tree.notes])

    # --- what is kept ---

    def _places(self) -> Places:
        roots = self._workspace.roots
        if self._known_places is None or self._known_places[0] != roots:
            self._known_places = (roots, Places(roots))
        return self._known_places[1]

    def _cache_of(self, place: Place) -> Cache:
        if place.path not in self._caches:
            self._caches[place.path] = Cache(place.path, self._state.new("ignored"))
        return self._caches[place.path]

    def _copies_of(self, place: Place, places: Places) -> Copies:
        if place.path not in self._copies:
            ignore = self._ignore_of(place)
            self._copies[place.path] = Copies(place, places, ignore, lambda: self._state.new("copy"))
        return self._copies[place.path]

    def _ignore_of(self, place: Place) -> Ignore:
        return self._ignores.setdefault(place.path, Ignore(place.path))


def shell_line(text: str) -> list[str]:
    """How a shell is told to run a command line: bash where there is one."""
    if os.name == "nt" and shutil.which("bash") is None:
        return ["cmd.exe", "/d", "/s", "/c", text]
    bash = "/bin/bash" if os.path.exists("/bin/bash") else shutil.which("bash")
    return [bash or "/bin/sh", "-c", text]


def _repositories_above(places: Places) -> tuple[str, ...]:
    """The `.git` of a repository that the workspace is only a folder of, so that git finds it; nothing beside it."""
    found: list[str] = []
    for place in places.all:
        folder = place.path
        while not os.path.lexists(os.path.join(folder, ".git")) and os.path.dirname(folder) != folder:
            folder = os.path.dirname(folder)
        git = os.path.join(folder, ".git")
        if folder != place.path and os.path.isdir(git):
            found.append(git)
    return tuple(found)


def _as_mounted(cwd: str, trees: Sequence[Tree]) -> str:
    """Where a folder of a real tree is for the command."""
    for tree in trees:
        relative = os.path.relpath(cwd, tree.place.path)
        if relative == ".":
            return tree.mount.path
        if not relative.startswith(".."):
            return os.path.join(tree.mount.path, relative)
    return cwd


def _drop_all(trees: Sequence[Tree]) -> None:
    for tree in trees:
        tree.drop()
