"""Process entry: argv in, exit code out. Everything else is behind `app.main`."""

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line and ends the process (0 done, 1 error, 2 step limit, 130 interrupted).

    Ends without the interpreter's teardown, which would only free what the system frees anyway (50–95 ms).
    """
    argv = sys.argv[1:]
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


if __name__ == "__main__":
    main()
