"""Where things are, and the environment that what is measured runs in: no keys, a home of its own, our code."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / ".bench"
VENV_BIN = BENCH / "venv" / "bin"
NODE_BIN = BENCH / "node" / "node_modules" / ".bin"


def python_env(env: Mapping[str, str]) -> dict[str, str]:
    return {**env, "PYTHONPATH": f"{ROOT / 'server'}{os.pathsep}{ROOT}"}


@contextmanager
def scratch() -> Iterator[tuple[Path, dict[str, str]]]:
    """An empty folder outside the repository, and an environment whose home and state are in it."""
    with TemporaryDirectory(prefix="copydesk-bench-") as name:
        folder = Path(name).resolve()
        home = folder / "home"
        home.mkdir()
        env = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(home), "LANG": "C.UTF-8", "CODEX_HOME": str(home / "codex"),
            "COPYDESK_STATE_DIR": str(home / "state"), "COPYDESK_CONFIG_DIR": str(home / "config"),
            "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_TELEMETRY": "1",
        }  # fmt: skip
        (home / "codex").mkdir()
        yield folder, python_env(env)
