"""What the stories in VS Code start from: the packaged extension, installed once; a browser; a window for each story.

Where VS Code's workbench, Chromium or its driver are missing, a story is skipped with the reason, or fails where editors
are required: see `requirements.py`. The stories of a heavy editor are played one after the other, on one worker: VS Code
with its browser takes both cores of a small machine, and two of them at once would measure each other.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.editors import story, vscode_workbench
from tests.editors.requirements import editor_or_skip

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.editors.vscode import Window

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent

HEAVY = {"vscode": "test_vscode"}
"""A queue, and how the names of its files start."""


class Installed(NamedTuple):
    prefix: Path
    extensions: Path
    """With the packaged extension and the companion that answers questions."""
    chromium: str


@pytest.fixture(scope="session")
def vsix() -> Path:
    """The packaged extension: $COPYDESK_VSIX, else what `make vsix` makes of this tree."""
    if given := os.environ.get("COPYDESK_VSIX"):
        return Path(given)
    if not (ROOT / "vscode-extension" / "package.json").exists() or not shutil.which("npm"):
        return editor_or_skip("npm, which packages the VS Code extension (or COPYDESK_VSIX)", None)
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / ".packing").open("w") as lock:  # one at a time, of all that test at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(["make", "-s", "vsix"], cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"`make vsix` failed:\n{done.stdout}{done.stderr}"
        (packed,) = (ROOT / "vscode-extension").glob("copydesk-*.vsix")
        return packed


@pytest.fixture(scope="session")
def vscode(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Installed:
    prefix = editor_or_skip("VS Code's workbench (COPYDESK_VSCODE)", vscode_workbench.find_vscode())
    chromium = editor_or_skip("Chromium (COPYDESK_CHROMIUM, or chromium on PATH)", vscode_workbench.find_chromium())
    editor_or_skip("Playwright (the dependency group `editors`)", importlib.util.find_spec("playwright"))
    folder = tmp_path_factory.mktemp("vscode")
    vscode_workbench.install(prefix, folder / "extensions", vscode_workbench.pack_probe(folder))
    vscode_workbench.install(prefix, folder / "extensions", request.getfixturevalue("vsix"))
    return Installed(prefix, folder / "extensions", chromium)


# For a module, not for the session: its driver has an event loop in this thread, which other modules have too.
@pytest.fixture(scope="module")
def browser(vscode: Installed) -> Iterator["Browser"]:
    from tests.editors.vscode import browser

    with browser(vscode.chromium) as started:
        yield started


WINDOWS: pytest.StashKey[list["Window"]] = pytest.StashKey()
Start = Callable[..., "Window"]


@pytest.fixture
def start(vscode: Installed, browser: "Browser", tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    """A window on the story's project, in a workbench of its own. Keywords are those of `workbench`, and `folder`."""
    from tests.editors.vscode import window

    windows = request.node.stash.setdefault(WINDOWS, [])
    with ExitStack() as stack:

        def begin(folder: Path | None = None, bench: Any = None, **keywords: Any) -> "Window":
            if bench is None:
                held = vscode_workbench.workbench(vscode.prefix, vscode.extensions, tmp_path / "vscode", **keywords)
                bench = stack.enter_context(held)
            here = window(browser, bench, folder or story.project(tmp_path), tmp_path)
            windows.append(stack.enter_context(here))
            windows[-1].visit()
            return windows[-1]

        yield begin


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Under `--dist loadgroup`, one queue for each heavy editor; every other story goes to whoever is free.

    The mark `xdist_group` would do, if xdist 3.8 still found where pytest 9.2 keeps a test's id.
    """
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class ByEditor(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            name = nodeid.split("::")[0].rsplit("/", 1)[-1]
            return next((group for group, start in HEAVY.items() if name.startswith(start)), nodeid)

    return ByEditor(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A failed story says where its windows' pictures and logs are, and what they showed."""
    report = yield
    if report.when == "call" and report.failed:
        for number, window in enumerate(item.stash.get(WINDOWS, [])):
            report.sections.append((f"VS Code, window {number + 1}", window.remains(f"failed-{number + 1}")))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What stories measured, whether they asserted it or not."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties if report.when == "call" else ():
            if name == "measured":
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {value}")


@pytest.fixture(autouse=True)
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stories are about editors: what checks say of an edit has its own tests, and its own pace."""
    monkeypatch.setenv("COPYDESK_VERIFY_ENABLED", "false")
