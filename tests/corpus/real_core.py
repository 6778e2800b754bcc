"""The offline model's jobs through the real core: host, tools, analyser, ruff, and edits landing in an editor.

`RealDesk` plays one job on a copy of a real file. `python -m tests.corpus.real_core N` runs N files and prints the
figures. What must hold of a result stands in `real_checks`; the jobs in `real_jobs`.
"""

import shutil
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from copydesk.app.compose import Core, compose
from copydesk.domain.messages import LineRange, Task, Verb
from copydesk.models.offline.model import OfflineModel
from copydesk.services.turns import PromptRequest, TurnOutcome
from copydesk.workspace.uris import to_path, to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.buffer_editor import BufferEditor

TURN_LIMIT_S = 120


@dataclass
class Played:
    """One turn and the texts after it, by file name within the job's folder."""

    outcome: TurnOutcome
    texts: dict[str, str]
    seconds: float

    @property
    def said(self) -> str:
        return self.outcome.message


@dataclass
class RealDesk:
    """A core over one empty folder. Every job gets a folder of its own in it, gone when the job is done."""

    core: Core
    editor: BufferEditor
    root: Path
    n_jobs: int = 0

    async def play(
        self, files: dict[str, str], verb: Verb, text: str = "", *, on: str = "subject.py", at: LineRange | None = None
    ) -> Played:
        """Opens `files` (name → text) and runs one task on the first of them."""
        self.n_jobs += 1
        folder = self.root / f"job{self.n_jobs}"
        folder.mkdir()
        uris = {name: to_uri(str(folder / name)) for name in files}
        for name, content in files.items():
            (folder / name).write_bytes(content.encode("utf-8"))
            self.editor.open(uris[name], content)
        task = Task(verb, text, uris[on], f"{folder.name}/{on}", "python", at)
        began = time.perf_counter()
        with anyio.fail_after(TURN_LIMIT_S):
            outcome = await self.core.host.prompt(PromptRequest(task, mode="auto")).wait()
        took = time.perf_counter() - began
        texts = self._texts(folder)
        self._clear()
        return Played(outcome, texts, took)

    def _texts(self, folder: Path) -> dict[str, str]:
        found: dict[str, str] = {}
        for opened in self.core.workspace.overlay.all():
            path = Path(to_path(opened.uri) or "")
            name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
            found[name] = opened.document.text
        return found

    def _clear(self) -> None:
        for opened in self.core.workspace.overlay.all():
            self.core.workspace.overlay.close(opened.uri)
        for entry in self.root.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        self.editor.changes.clear()


def _folders(name: str) -> tuple[Path, Path]:
    root, state = Path(name, "work").resolve(), Path(name, "state")
    root.mkdir()
    return root, state


@asynccontextmanager
async def real_desk() -> AsyncGenerator[RealDesk]:
    """The core as `copydesk serve` builds it, with the offline model and an editor in memory."""
    with TemporaryDirectory() as name:
        root, state = _folders(name)
        workspace = Workspace((to_uri(str(root)),))
        editor = BufferEditor(workspace)
        core = compose(
            roots=(to_uri(str(root)),), editor=lambda _: editor, state=state, workspace=workspace,
            arguments={"review.mode": "apply", "budget.maxSteps": 100}, model=OfflineModel(),
        )  # fmt: skip
        async with core.running():
            yield RealDesk(core, editor, root)


@dataclass
class Figures:
    """What a run gave: jobs by kind, how many changed something, what failed, and how long turns took."""

    n: Counter[str] = field(default_factory=Counter[str])
    n_changed: Counter[str] = field(default_factory=Counter[str])
    failures: list[str] = field(default_factory=list[str])
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    annotated: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """(path of the original, text before, text after)."""
    renamed: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    skeletons: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """(module name, test file's text)."""

    def note(self, kind: str, played: Played, *, changed: bool) -> None:
        self.n[kind] += 1
        self.n_changed[kind] += changed
        self.seconds.setdefault(kind, []).append(played.seconds)

    def report(self) -> str:
        rows: list[str] = []
        for kind, n in sorted(self.n.items()):
            times = sorted(self.seconds[kind])
            middle, last = times[len(times) // 2], times[-1]
            rows.append(
                f"{kind:18} {n:4} jobs, {self.n_changed[kind]:4} changed something; "
                f"median {middle * 1000:.0f} ms, slowest {last * 1000:.0f} ms"
            )
        return "\n".join([*rows, f"{self.n.total()} jobs, {len(self.failures)} failures"])


def main() -> None:
    from tests.corpus.real_jobs import run_files
    from tests.corpus.sources import sample

    n, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 11
    figures = anyio.run(run_files, sample(n, seed))
    print("\n".join(figures.failures))
    print(figures.report())


if __name__ == "__main__":
    main()
