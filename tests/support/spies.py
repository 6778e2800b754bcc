"""Looks for processes by a mark in their environment, wherever they have gone: other groups, sessions, parents.

Reads /proc, so it sees what was double-forked, stopped or left by its parent. Start with `marked`.
"""

import os
from pathlib import Path
from shlex import quote

MARK = "COPYDESK_SPY"


def marked(mark: str) -> dict[int, str]:
    """The command lines of the live processes whose environment says `COPYDESK_SPY=<mark>`, by process id."""
    wanted = f"{MARK}={mark}".encode()
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it is gone
            continue
        if wanted in environment and int(folder.name) != os.getpid():
            found[int(folder.name)] = command.strip()
    return found


def nasty(mark: str, then: str = "sleep 300") -> str:
    """A command line that starts all that is hard to end, says `up`, and goes on with `then`."""
    script = "\n".join(
        (
            "sleep 300 &",
            "(trap '' TERM INT HUP; while :; do sleep 1; done) &",
            "(setsid sleep 300 >/dev/null 2>&1 </dev/null &)",
            'python3 -c "import os, time',
            "if os.fork() == 0:",
            "    os.setsid()",
            "    if os.fork() == 0:",
            '        [os.close(n) for n in (0, 1, 2)]; time.sleep(300)" &',
            "sleep 300 & kill -STOP $!",
            "sleep 0.1; echo up",
            then,
        )
    )
    return f"exec env {MARK}={mark} bash -c {quote(script)}"


N_NASTY = 6
"""Of them at least are alive once it says `up`."""
