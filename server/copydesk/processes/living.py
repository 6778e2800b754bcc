"""Whether the process that left something behind may still want it.

Knows nothing of what was left. Start with `may_be_alive`.
"""

import os


def may_be_alive(pid: int) -> bool:
    """False only where the system says that there is no such process."""
    if os.name == "nt":
        return True  # asking would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass  # not ours, or no number of a process
    return True
