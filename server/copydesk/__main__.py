"""Process entry: argv in, exit code out. Everything else is behind `app.main`."""

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line and ends the process (0 done, 1 error, 2 step limit, 130 interrupted).

    Ends without the interpreter's teardown, which would only free what the system frees anyway (50–95 ms).
    """
    argv = sys.argv[1:]
    _open_streams()
    if argv in (["serve"], ["serve", "--stdio"]):  # what editors start: no argument parser stands in its way
        from copydesk.app.serve import serve

        serve(None)
    from copydesk.app.main import run

    code = run(argv)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # nobody reads any more
            code = code or 1
    os._exit(code)


def _open_streams() -> None:
    """Makes the standard streams usable: closed ones lead nowhere, and no character ends the process.

    A closed descriptor would be given to the next file opened. Diffs and names hold what a terminal's encoding may
    not have, and an exception in `print` would lose the whole answer.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            if os.open(os.devnull, os.O_RDWR) != descriptor:
                continue
            setattr(sys, name, open(descriptor, "w" if descriptor else "r", encoding="utf-8", closefd=False))  # noqa: SIM115  for good
        elif name == "stdout" and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
