"""The system calls that a confined command may not make, as a program for the kernel's filter.

Pure: from a policy to bytes, for x86-64 and AArch64. The filter sees numbers and arguments but no memory: it cannot
tell one path from another, so paths are the business of Landlock and of mounts. Start with `build_filter`.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from copydesk.domain.frozen import frozen

Machine: TypeAlias = Literal["x86_64", "aarch64"]

ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
_ERRNO = 0x00050000
EPERM, EACCES, ENOSYS = 1, 13, 38

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16

_ARCHITECTURES: Mapping[Machine, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_SET, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

# (x86-64, AArch64); None: that machine has no such call.
_FORBIDDEN: Mapping[str, tuple[int | None, int | None]] = {
    # what is mounted, and where the root is
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    # other namespaces
    "unshare": (272, 97),
    "setns": (308, 268),
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # the kernel: keys, programs, modules, clocks, names, devices
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "open_by_handle_at": (304, 265),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "syslog": (103, 116),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "ioperm": (173, None),
    "iopl": (172, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "nfsservctl": (180, 42),
    "lookup_dcookie": (212, 18),
    # owners: nothing that is built needs another one
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
}
_MISSING: Mapping[str, tuple[int | None, int | None]] = {
    # Programs that find these missing take an older way, which the filter can see.
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "clone3": (435, 435),
}
_SOCKET, _CLONE, _IOCTL = (41, 198), (56, 220), (16, 29)
_MKNOD, _MKNODAT = (133, None), (259, 33)
_MODES: tuple[tuple[tuple[int | None, int | None], int], ...] = (
    ((90, None), 1),  # chmod
    ((91, 52), 1),  # fchmod
    ((268, 53), 2),  # fchmodat
    ((452, 452), 2),  # fchmodat2
)
_MAKERS = (("mknod", 1), ("mknodat", 2))
_MODE_NAMES = (("chmod", 1), ("fchmod", 1), ("fchmodat", 2))
_NEW_NAMESPACES = 0x7E020000
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX: typing for the person
_KIND, _CHARACTER_DEVICE, _BLOCK_DEVICE = 0o170000, 0o020000, 0o060000
_SET_UID = 0o4000


@frozen
class Filter:
    """What may differ: the address families that `socket` gives, all others are refused."""

    families: frozenset[int] = frozenset()


def build_filter(machine: Machine, policy: Filter) -> bytes:
    """The program, as the kernel takes it. What is not named in it is allowed."""
    index = 0 if machine == "x86_64" else 1
    program = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_JUMP_EQUAL, _ARCHITECTURES[machine], 1, 0),
        _step(_RETURN, KILL),
        _step(_LOAD, _NUMBER_AT),
    ]
    if machine == "x86_64":
        program += [_step(_JUMP_AT_LEAST, _X32_BIT, 0, 1), _step(_RETURN, KILL)]
    for numbers in _FORBIDDEN.values():
        program += _refuse(numbers[index], EPERM)
    for numbers in _MISSING.values():
        program += _refuse(numbers[index], ENOSYS)
    program += _when(_CLONE[index], 0, [_step(_JUMP_SET, _NEW_NAMESPACES, 0, 1), _error(EPERM)])
    program += _when(_IOCTL[index], 1, _unless_none_of(_TERMINAL_INJECTION, EPERM))
    devices = [_step(_AND, _KIND), *_unless_none_of((_CHARACTER_DEVICE, _BLOCK_DEVICE), EPERM)]
    program += _when(_MKNOD[index], 1, devices) + _when(_MKNODAT[index], 2, devices)
    for numbers, argument in _MODES:
        program += _when(numbers[index], argument, [_step(_JUMP_SET, _SET_UID, 0, 1), _error(EPERM)])
    program += _when(_SOCKET[index], 0, _only(sorted(policy.families), EACCES))
    return b"".join([*program, _step(_RETURN, ALLOW)])


def oci_profile(machine: Machine) -> dict[str, object]:
    """The same for an engine that reads profiles, sockets apart: a container has a network of its own, or may use ours.

    The engine knows the numbers, and kills for other architectures than this.
    """
    both = [(tuple(_FORBIDDEN), EPERM), (tuple(_MISSING), ENOSYS)]
    calls: list[dict[str, object]] = [
        {"names": list(names), "action": "SCMP_ACT_ERRNO", "errnoRet": error} for names, error in both
    ]
    bits = [1 << bit for bit in range(32) if _NEW_NAMESPACES & 1 << bit]
    masked = [("clone", 0, bit, bit) for bit in bits] + [("ioctl", 1, 0xFFFFFFFF, one) for one in _TERMINAL_INJECTION]
    masked += [(name, at, _KIND, kind) for name, at in _MAKERS for kind in (_CHARACTER_DEVICE, _BLOCK_DEVICE)]
    masked += [(name, at, _SET_UID, _SET_UID) for name, at in _MODE_NAMES]
    for name, index, mask, value in masked:
        argument = {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}
        calls.append({"names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": EPERM, "args": [argument]})
    architecture = "SCMP_ARCH_X86_64" if machine == "x86_64" else "SCMP_ARCH_AARCH64"
    return {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [architecture], "syscalls": calls}


def _refuse(number: int | None, error: int) -> list[bytes]:
    return [] if number is None else [_step(_JUMP_EQUAL, number, 0, 1), _error(error)]


def _when(number: int | None, argument: int, body: list[bytes]) -> list[bytes]:
    """`body` with the low half of an argument loaded (the kernel reads no more of these); then it is allowed."""
    if number is None:
        return []
    return [
        _step(_JUMP_EQUAL, number, 0, len(body) + 2),
        _step(_LOAD, _ARGUMENTS_AT + 8 * argument),
        *body,
        _step(_RETURN, ALLOW),
    ]


def _unless_none_of(values: Iterable[int], error: int) -> list[bytes]:
    return [step for value in values for step in (_step(_JUMP_EQUAL, value, 0, 1), _error(error))]


def _only(values: Iterable[int], error: int) -> list[bytes]:
    allowed = [step for value in values for step in (_step(_JUMP_EQUAL, value, 0, 1), _step(_RETURN, ALLOW))]
    return [*allowed, _error(error)]


def _error(number: int) -> bytes:
    return _step(_RETURN, _ERRNO | number)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
