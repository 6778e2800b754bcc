"""Limits of one process, as the kernel keeps them for it and for each that it starts.

They are no limits of the tree: ten processes may have ten times as much. Pure. Start with `limits_for`.
"""

from copydesk.processes.confinement import Limits


def limits_for(limits: Limits) -> list[tuple[str, int]]:
    """Names of the `resource` module with their values.

    Memory is what is written (data), not what is reserved: engines with garbage collection reserve many times what they
    use. No core is dumped: it would hold whatever the process had read.
    """
    found = [("RLIMIT_CORE", 0)]
    if limits.memory_bytes is not None:
        found.append(("RLIMIT_DATA", limits.memory_bytes))
    if limits.file_bytes is not None:
        found.append(("RLIMIT_FSIZE", limits.file_bytes))
    if limits.n_processes is not None:
        found.append(("RLIMIT_NPROC", limits.n_processes))
    return found
