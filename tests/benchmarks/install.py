"""Puts the peers into `.bench/`: a venv of their own, and npm packages where npm is there. Start with `main`.

Anything that cannot be installed is said and left out; the benchmarks then say that they skip it.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence

from tests.benchmarks.places import BENCH, NODE_BIN, VENV_BIN

PYPI = {"jedi-language-server": "jedi-language-server", "pylsp": "python-lsp-server"}
NPM = {
    "copilot-language-server": "@github/copilot-language-server",
    "codex": "@openai/codex",
    "claude": "@anthropic-ai/claude-code",
}
"""The command that an installed package gives → its name."""
TOKENIZER = "gpt-tokenizer"
LIMIT_S = 120


def main() -> int:
    BENCH.mkdir(exist_ok=True)
    _pypi()
    if shutil.which("npm"):
        _npm()
    else:
        print("benchmarks: no npm here, so the peers that need it are skipped", file=sys.stderr)
    return 0


def _pypi() -> None:
    missing = [package for command, package in PYPI.items() if not (VENV_BIN / command).exists()]
    if missing:
        _run([sys.executable, "-m", "venv", str(VENV_BIN.parent)])
        _run([str(VENV_BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *missing])


def _npm() -> None:
    node = BENCH / "node"
    node.mkdir(exist_ok=True)
    if not (node / "package.json").exists():
        (node / "package.json").write_text(json.dumps({"private": True}), encoding="utf-8")
    missing = [package for command, package in NPM.items() if not (NODE_BIN / command).exists()]
    if not (node / "node_modules" / TOKENIZER).is_dir():
        missing.append(TOKENIZER)
    for package in missing:
        _run(["npm", "install", "--prefix", str(node), "--no-audit", "--no-fund", "--silent", package])


def _run(command: Sequence[str]) -> None:
    print(f"benchmarks: {' '.join(command[-4:])} …", file=sys.stderr)
    try:
        done = subprocess.run(command, timeout=LIMIT_S, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    except subprocess.TimeoutExpired:
        print(f"benchmarks: gave up after {LIMIT_S} s", file=sys.stderr)
        return
    if done.returncode:
        print(f"benchmarks: it failed: {done.stderr.decode(errors='replace')[-300:].strip()}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
