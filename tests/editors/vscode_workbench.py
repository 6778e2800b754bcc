"""VS Code's workbench, served on loopback to a headless Chromium: what is installed, started, and ended.

Knows nothing of Copydesk but its extension's file and the names of its settings. What a person does in a window is in
`vscode.py`. Start with `workbench`: each has data, settings and processes of its own, so that no story sees another's.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
START_LIMIT_S = 30.0
INSTALL_LIMIT_S = 120.0

SETTINGS: dict[str, Any] = {
    # Nothing leaves the machine, and nothing comes up by itself.
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "extensions.autoCheckUpdates": False,
    "extensions.autoUpdate": False,
    "extensions.ignoreRecommendations": True,
    "workbench.enableExperiments": False,
    "workbench.settings.enableNaturalLanguageSearch": False,
    "npm.fetchOnlinePackageInfo": False,
    "chat.disableAIFeatures": True,
    "git.openRepositoryInParentFolders": "never",
    "git.enabled": False,
    # As on a desktop, where a browser's workbench differs.
    "files.autoSave": "off",
    "files.hotExit": "off",
    "window.confirmBeforeClose": "never",
    "security.workspace.trust.enabled": False,
    # What a story types is what stands there.
    "editor.autoIndent": "none",
    "editor.autoClosingBrackets": "never",
    "editor.autoClosingQuotes": "never",
    "editor.quickSuggestions": {"other": "off", "comments": "off", "strings": "off"},
    "editor.wordBasedSuggestions": "off",
    "editor.acceptSuggestionOnEnter": "off",
    # A calm picture.
    "workbench.colorTheme": "Default Dark Modern",
    "workbench.startupEditor": "none",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.tips.enabled": False,
    "workbench.reduceMotion": "on",
    "window.commandCenter": False,
    "window.title": "${activeEditorShort}${separator}${rootName}",
    "editor.minimap.enabled": False,
    "editor.cursorBlinking": "solid",
    "editor.hover.delay": 150,
}


def find_vscode() -> Path | None:
    """The folder that tests/editors/install/vscode.sh filled, by $COPYDESK_VSCODE."""
    found = Path(os.environ.get("COPYDESK_VSCODE") or "/nowhere")
    return found if (found / "node24").exists() and (found / "code" / "node_modules" / "code-server").exists() else None


def find_chromium() -> str | None:
    return os.environ.get("COPYDESK_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def code_server(prefix: Path) -> list[str]:
    return [str(prefix / "node24"), str(prefix / "code" / "node_modules" / "code-server")]


def install(prefix: Path, extensions: Path, vsix: Path) -> None:
    """Puts the packaged extension there, as a person would."""
    extensions.mkdir(parents=True, exist_ok=True)
    command = [*code_server(prefix), "--extensions-dir", str(extensions), "--user-data-dir", str(extensions / ".data")]
    command += ["--config", str(extensions / ".config.yaml"), "--install-extension", str(vsix)]
    done = subprocess.run(
        command, env=quiet_environment(extensions / ".home"), capture_output=True, text=True, timeout=INSTALL_LIMIT_S
    )
    assert done.returncode == 0, f"{vsix.name} was not installed:\n{done.stdout}{done.stderr}"


def pack_probe(folder: Path) -> Path:
    """The companion extension that answers a story's questions, as a .vsix."""
    packed = folder / "probe.vsix"
    manifest = json.loads((HERE / "vscode_probe" / "package.json").read_text(encoding="utf-8"))
    identity = (
        f'<Identity Id="{manifest["name"]}" Version="{manifest["version"]}" Publisher="{manifest["publisher"]}"/>'
    )
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted((HERE / "vscode_probe").iterdir()):
            archive.write(path, f"extension/{path.name}")
        archive.writestr(
            "extension.vsixmanifest",
            '<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">'
            f'<Metadata>{identity}</Metadata><Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/>'
            '</Installation><Assets><Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json"/>'
            "</Assets></PackageManifest>",
        )
    return packed


def quiet_environment(home: Path) -> dict[str, str]:
    """Ours, without what the workbench or an editor around us would take as its own."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VSCODE_", "COPYDESK_", "CODE_SERVER", "XDG_", "PYTHON"))
        and not name.endswith(("_API_KEY", "_BASE_URL"))
    }
    return {**kept, "HOME": str(home), "EXTENSIONS_GALLERY": "{}", "LC_ALL": "C.UTF-8"}


class Workbench:
    """A running code-server: its address, its folders, and what its processes are."""

    def __init__(self, process: "subprocess.Popen[bytes]", address: str, data: Path, chat: bool) -> None:
        self.process = process
        self.address = address
        self.data = data
        self.chat = chat

    @property
    def log(self) -> str:
        """All that the workbench, its extension hosts and their extensions have logged."""
        found = sorted((self.data / "logs").rglob("*.log")) if (self.data / "logs").exists() else []
        return "\n".join(f"--- {path.name}\n{path.read_text(encoding='utf-8', errors='replace')}" for path in found)

    def ask(self, folder: str, question: str, argument: str = "") -> Any:
        """What the companion extension of the window on that folder answers."""
        with closing(_Socket(self.data / "probe" / f"{folder}.sock")) as connection:
            connection.request("GET", f"/{question}/{quote(argument, safe='')}")
            got = json.loads(connection.getresponse().read())
        assert "error" not in got, f"{question}: {got['error']}"
        return got["answer"]

    def servers(self) -> list[int]:
        """The process ids of Copydesk's language servers that this workbench has started."""
        below = descendants(self.process.pid)
        return [pid for pid in below if is_server(pid) and parent_of(pid) not in _servers_of(below)]

    def settings(self, name: str, value: Any) -> None:
        """Changes the person's settings, while the workbench runs too."""
        path = self.data / "User" / "settings.json"
        held = json.loads(path.read_text(encoding="utf-8"))
        held[name] = value
        path.write_text(json.dumps(held, indent=2), encoding="utf-8")


class _Socket(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


# --- processes, as Linux tells of them ---


def descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(parent_of(int(entry.name)), []).append(int(entry.name))
    found, frontier = [], [pid]
    while frontier:
        frontier = [child for one in frontier for child in children.get(one, [])]
        found += frontier
    return found


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return 0


def command_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def is_server(pid: int) -> bool:
    command = command_of(pid)
    return "serve" in command and any(Path(part).name == "copydesk" for part in command)


def _servers_of(pids: list[int]) -> set[int]:
    return {pid for pid in pids if is_server(pid)}


def memory_mb(pid: int) -> dict[str, float]:
    """What a process and all below it hold, in MB: `rss`, and `pss`, in which shared pages count once."""
    total = {"rss": 0.0, "pss": 0.0}
    for one in [pid, *descendants(pid)]:
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        for key in total:
            found = re.search(rf"^{key}:\s+(\d+) kB", rollup, re.IGNORECASE | re.MULTILINE)
            total[key] += int(found[1]) / 1024 if found else 0.0
    return total


# --- start and end ---


@contextmanager
def workbench(
    prefix: Path,
    extensions: Path,
    data: Path,
    *,
    settings: dict[str, Any] | None = None,
    machine: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    own_server: bool = True,
) -> Iterator[Workbench]:
    """A workbench with those extensions, the person's settings, and those of the machine.

    `own_server`: with this tree's server, else with what the extension finds by itself.
    """
    (data / "User").mkdir(parents=True)
    (data / "Machine").mkdir()
    (data / "probe").mkdir()
    held = {**SETTINGS, **(settings or {})}
    (data / "User" / "settings.json").write_text(json.dumps(held, indent=2), encoding="utf-8")
    command = {"copydesk.server.command": [sys.executable, "-m", "copydesk", "serve"]} if own_server else {}
    (data / "Machine" / "settings.json").write_text(json.dumps({**command, **(machine or {})}), encoding="utf-8")
    known = {"COPYDESK_PROBE": str(data / "probe")}
    known |= {"COPYDESK_STATE_DIR": str(data / "state"), "COPYDESK_CONFIG_DIR": str(data / "config")}
    known |= {"PYTHONPATH": str(ROOT / "server")} if own_server else {}
    command = [*code_server(prefix), "--auth", "none", "--bind-addr", "127.0.0.1:0", "--disable-telemetry"]
    command += ["--disable-update-check", "--disable-getting-started-override", "--disable-proxy"]
    command += [
        "--config",
        str(data / "config.yaml"),
        "--user-data-dir",
        str(data),
        "--extensions-dir",
        str(extensions),
    ]
    with (data / "code-server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env={**quiet_environment(data / "home"), **known, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield Workbench(process, _address(process, data / "code-server.log"), data, not held["chat.disableAIFeatures"])
    finally:
        _end(process)


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    end = time.monotonic() + START_LIMIT_S
    while not (found := re.search(r"HTTP server listening on (http://127\.0\.0\.1:\d+)", log.read_text())):
        assert process.poll() is None, f"code-server ended: {log.read_text()}"
        assert time.monotonic() < end, f"code-server has no address after {START_LIMIT_S} s: {log.read_text()}"
        time.sleep(0.05)
    return found[1]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The workbench, its extension hosts and their servers, also those that outlive it."""
    below = descendants(process.pid)
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    end = time.monotonic() + 5
    while time.monotonic() < end and any(Path(f"/proc/{pid}").exists() for pid in below):
        time.sleep(0.05)
    for pid in below:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
