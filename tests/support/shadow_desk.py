"""A workspace on a real disk with a shadow over it: commands are run, and what comes of them is looked at."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from copydesk.domain.commands import Command, Harvest
from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, MoveFile
from copydesk.domain.ports import FileSource
from copydesk.processes.confinement import Sandbox
from copydesk.workspace.pending import Pending
from copydesk.workspace.shadow.runner import ShadowRunner
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.plain_sandbox import OverlaySandbox, source


@dataclass(slots=True)
class Ran:
    exit_code: int
    out: str
    err: str
    harvest: Harvest


def never_secret(path: str) -> bool:
    del path
    return False


@dataclass
class Desk:
    """`pending` takes what commands propose, so that the next command sees it."""

    folder: Path
    sandbox: Sandbox = field(default_factory=OverlaySandbox)
    is_secret: Callable[[str], bool] = never_secret
    roots: tuple[str, ...] = ("ws",)
    trusted: bool = True

    def __post_init__(self) -> None:
        for root in self.roots:
            (self.folder / root).mkdir(parents=True, exist_ok=True)
        self.ws = self.folder / self.roots[0]
        self.workspace = Workspace([to_uri(str(self.folder / root)) for root in self.roots])
        self.pending = Pending()
        self.runner = self.new_runner()

    def new_runner(self) -> ShadowRunner:
        return ShadowRunner(
            self.workspace,
            source(self.sandbox),
            self.folder / "state",
            is_secret=lambda path: self.is_secret(path),
            trusted=lambda: self.trusted,
        )

    # --- files ---

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.ws / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def uri(self, name: str) -> str:
        return to_uri(str(self.ws / name))

    def open(self, name: str, text: str) -> None:
        self.workspace.overlay.open(self.uri(name), "text", 1, text)

    def view(self) -> FileSource:
        return self.workspace.snapshot(self.pending)

    def state(self) -> dict[str, tuple[bytes | str, int, int, int]]:
        """The tree as a person could tell it from another: bytes, modes, times, inode numbers."""
        return tree_state(self.ws)

    # --- commands ---

    async def run(self, text: str, *, propose: bool = True, view: FileSource | None = None, **options: object) -> Ran:
        view = view or self.view()
        command = Command(text, **options)  # pyright: ignore[reportArgumentType]
        out: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        async with self.runner.run(command, view) as running:
            async for output in running.output():
                out[output.stream] += output.data
            code = await running.wait()
            harvest = await running.harvest()
        if propose:
            self.pending.propose(harvest.edits, view)
            self.pending.propose_side_files(harvest.side_files)
        return Ran(code, out["stdout"].decode("utf-8", "replace"), out["stderr"].decode("utf-8", "replace"), harvest)

    def said(self, harvest: Harvest) -> list[str]:
        """The harvest in short, sorted: `+ a`, `~ a`, `- a`, `a > b`, and side files by their kind."""
        found: list[str] = []
        for edit in harvest.edits:
            name = self.name(edit.uri)
            match edit:
                case ChangeText():
                    found.append(f"~ {name}")
                case CreateFile():
                    found.append(f"+ {name}")
                case DeleteFile():
                    found.append(f"- {name}")
                case MoveFile():
                    found.append(f"{name} > {self.name(edit.destination)}")
        found += [f"{side.kind} {self.name(side.uri)}" for side in harvest.side_files]
        return sorted(found)

    def name(self, uri: str) -> str:
        return self.workspace.display(uri)


def tree_state(folder: Path) -> dict[str, tuple[bytes | str, int, int, int]]:
    found: dict[str, tuple[bytes | str, int, int, int]] = {}
    for base, folders, files in os.walk(folder):
        for name in [".", *folders, *files]:
            path = os.path.join(base, name)
            info = os.lstat(path)
            if os.path.islink(path):
                content: bytes | str = os.readlink(path)
            else:
                content = b"" if os.path.isdir(path) else Path(path).read_bytes()
            found[os.path.relpath(path, folder)] = (content, info.st_mode, info.st_mtime_ns, info.st_ino)
    return found
