"""Says in one sentence what a Python lacks to run Copydesk. Kept to syntax that an old Python understands too."""

import sys

ADVICE = "Name another one: make PYTHON=python3.12 ..."


def complaint():
    """What is missing, with what to do; empty when nothing is."""
    version = "%d.%d.%d" % sys.version_info[:3]
    if sys.version_info < (3, 11):
        return "Copydesk needs Python 3.11 or newer; %s is %s. %s" % (sys.executable, version, ADVICE)
    try:
        import ensurepip
        import venv
    except ImportError:
        package = "python%d.%d-venv" % sys.version_info[:2]
        return "%s has no venv module. On Debian and Ubuntu: sudo apt install %s. %s" % (
            sys.executable,
            package,
            ADVICE,
        )
    del ensurepip, venv
    return ""


if __name__ == "__main__":
    sys.exit(complaint() or 0)
