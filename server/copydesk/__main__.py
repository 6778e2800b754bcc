"""Process entry: argv, logging, exit code. Everything else is behind `app.main`."""

import sys


def main() -> int:
    """Runs the command line and returns the exit code (0 done, 1 error, 2 step limit, 130 interrupted)."""
    from copydesk.app.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
