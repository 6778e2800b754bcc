"""Commands in the shadow of a workspace of 100,000 files: what one costs over the bare command, and reading it back."""

import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import anyio

from copydesk.domain.commands import Command
from copydesk.processes import sandboxes
from copydesk.safety.paths import is_secret
from copydesk.workspace.shadow.runner import ShadowRunner
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.benchmarks.places import scratch
from tests.benchmarks.report import US, Column, Table

N_FOLDERS = 1_000
N_RUNS = 15
SIZES = (1_000, 100_000)
CHANGES = {
    "changed": "find d0 -name '*.py' | head -1000 | xargs sed -i 's/return x/return  y/'",
    "made": "mkdir new; for n in $(seq 1000); do echo $n > new/$n.txt; done",
    "deleted": "find d1 -name '*.py' | head -1000 | xargs rm",
}


def measure() -> Iterator[Table]:
    running = Table("A command in the shadow, over the bare one", tuple(Column(f"files_{n}", target=25) for n in SIZES))
    running.notes.append(
        "`bash -c true` in the best sandbox that works here, from the call to the end of its output and back, less the "
        "same with no sandbox. copy: `cp -r` of the tree, for comparison."
    )
    reading = Table("Reading back 1,000 changes", tuple(Column(name, target=50) for name in CHANGES))
    reading.notes.append("From the end of the command to the planned edits; `copydesk, CPU`: of that, the processor's.")
    with scratch() as (folder, _):
        for n_files in SIZES:
            tree = generate(folder / f"tree-{n_files}", n_files)
            anyio.run(_measure, tree, folder / "state", n_files, running, reading)
        yield running
        yield reading


def generate(root: Path, n_files: int) -> Path:
    for number in range(n_files):
        path = root / f"d{number % N_FOLDERS % 10}" / f"e{number % N_FOLDERS}" / f"f{number // N_FOLDERS}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"def f{number}(x):\n    return x + {number}\n" * 4)
    return root


async def _measure(tree: Path, state: Path, n_files: int, running: Table, reading: Table) -> None:
    workspace = Workspace([to_uri(str(tree))])
    runner = ShadowRunner(
        workspace,
        lambda: sandboxes.choose("auto", image=None, state=state),
        state,
        is_secret=is_secret,
        trusted=lambda: False,
    )
    report = await runner.report()
    if report.refused:
        running.skip(US, report.refused, failed=True)
        return
    await _one(runner, workspace, "true")  # the first looks for secrets
    for _ in range(N_RUNS):
        bare = statistics.median(_bare() for _ in range(3))
        running.add(
            f"{US} ({report.backend})", **{f"files_{n_files}": (await _one(runner, workspace, "true"))[0] - bare}
        )
    if n_files == SIZES[-1]:
        for name, line in CHANGES.items():
            for _ in range(5):
                _, wall, cpu = await _one(runner, workspace, line)
                reading.add(US, **{name: wall})
                reading.add(f"{US}, CPU", **{name: cpu})
    _others(tree, n_files, running)
    await runner.aclose()


async def _one(runner: ShadowRunner, workspace: Workspace, line: str) -> tuple[float, float, float]:
    """Milliseconds of the run, of reading it back, and of the processor's part in that."""
    begun = time.perf_counter()
    async with runner.run(Command(line), workspace.snapshot()) as command:
        async for _ in command.output():
            pass
        assert await command.wait() == 0
        ended, used = time.perf_counter(), time.process_time()
        await command.harvest()
        wall, cpu = time.perf_counter() - ended, time.process_time() - used
    return 1000 * (ended - begun), 1000 * wall, 1000 * cpu


def _bare() -> float:
    begun = time.perf_counter()
    subprocess.run(["bash", "-c", "true"], check=True)
    return 1000 * (time.perf_counter() - begun)


def _others(tree: Path, n_files: int, running: Table) -> None:
    begun = time.perf_counter()
    subprocess.run(["cp", "-r", str(tree), f"{tree}-copy"], check=True)
    running.add("copy", **{f"files_{n_files}": 1000 * (time.perf_counter() - begun)})
    shutil.rmtree(f"{tree}-copy")
