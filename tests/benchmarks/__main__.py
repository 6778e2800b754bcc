"""`python -m tests.benchmarks [NAME…]`: measures and prints. 0, or 1 when something there could not be measured."""

import importlib
import os
import platform
import sys
import time
from datetime import UTC, datetime

from tests.benchmarks.places import ROOT
from tests.benchmarks.report import render

NAMES = ("start", "hover", "keystrokes", "actions", "turns", "wires", "cold", "prompt", "tree")
NAMES += ("typing_big", "rebasing", "diffing", "wide_edit", "interleavings", "commands", "shadow")


def main(arguments: list[str]) -> int:
    unknown = [name for name in arguments if name not in NAMES]
    if unknown:
        print(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    sys.path.insert(0, str(ROOT / "server"))
    print(_heading(), flush=True)
    failed = False
    for name in arguments or NAMES:
        begun_s = time.monotonic()
        for table in importlib.import_module(f"tests.benchmarks.{name}").measure():
            print(render(table), flush=True)
            failed = failed or table.failed
        print(f"{name}: {time.monotonic() - begun_s:.0f} s", file=sys.stderr)
    return 1 if failed else 0


def _heading() -> str:
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    machine = (
        f"{os.cpu_count()} cores, {platform.system()}, {platform.python_implementation()} {platform.python_version()}"
    )
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine}{load}. Median (least–most).\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
