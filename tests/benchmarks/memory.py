"""What a process and its children hold, read from /proc. None where there is no /proc. Start with `tree_mib`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB. `rss` is the process alone; `pss` is the process with its children, shared pages divided among their users."""

    rss: float
    pss: float
    n_processes: int


def memory_of(pid: int) -> Memory | None:
    try:
        tree = _tree(pid)
        return Memory(_field(pid, "status", "VmRSS:"), sum(_field(p, "smaps_rollup", "Pss:") for p in tree), len(tree))
    except OSError:
        return None


def _field(pid: int, file: str, name: str) -> float:
    for line in Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            found += _tree(int(child))
    return found
