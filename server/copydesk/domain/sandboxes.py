"""What a sandbox promises, in words that a person and a test can check.

Each `Hold` is one promise; a backend names those it keeps on this machine, found by trying. What is not in the list
is not held, and is said so in `copydesk.status` and the doctor.
"""

from typing import Literal, TypeAlias, get_args

from copydesk.domain.frozen import frozen

BackendName: TypeAlias = Literal["bubblewrap", "landlock", "container", "process", "off"]

Hold: TypeAlias = Literal[
    "write_outside",
    "read_outside",
    "network",
    "local_sockets",
    "processes",
    "children_die",
    "privileges",
    "memory",
    "cpu",
    "process_count",
    "same_path",
    "shadow",
]
"""write_outside: nothing outside the view is written, chmod included. read_outside: homes, keys, other projects cannot
be read. network: no TCP, UDP or DNS, loopback included. local_sockets: no UNIX socket of the host (docker, agents).
processes: other processes are neither seen nor signalled. children_die: what goes to the background dies too.
privileges: no mount, setuid, mknod, chroot. memory, cpu, process_count: limits of the whole tree. same_path: the view
stands at the real tree's own path. shadow: the real tree is out of reach of writes.
"""

HOLDS: tuple[Hold, ...] = get_args(Hold)


@frozen
class SandboxReport:
    """`wanted` is the setting. `why` says in one sentence why this one, and what a better one would need.

    `refused` is a sentence when the wanted backend cannot be had: then no command runs (never a silent fall-back).
    """

    backend: BackendName
    wanted: str = "auto"
    holds: frozenset[Hold] = frozenset()
    why: str = ""
    refused: str = ""

    @property
    def is_working(self) -> bool:
        """Whether commands may run in it without asking: it confines writes, reads and the network."""
        needed: frozenset[Hold] = frozenset({"write_outside", "read_outside", "network", "shadow"})
        return not self.refused and needed <= self.holds

    @property
    def lacks(self) -> tuple[Hold, ...]:
        return tuple(hold for hold in HOLDS if hold not in self.holds)
