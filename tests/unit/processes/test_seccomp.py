"""The system-call filter: the program is run by a small machine of our own, and by the kernel where that can be."""

import struct

import pytest

from copydesk.processes.seccomp import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    ALLOW,
    EACCES,
    ENOSYS,
    EPERM,
    KILL,
    Filter,
    Machine,
    build_filter,
)

X86, ARM = 0xC000003E, 0xC00000B7
REFUSED = 0x00050000
NOTHING = Filter()
INTERNET = Filter(frozenset({AF_INET, AF_INET6}))


def judge(program: bytes, number: int, *arguments: int, architecture: int = X86) -> int:
    """What the kernel would answer: `struct seccomp_data` through classic BPF."""
    data = struct.pack("=IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    value, at = 0, 0
    while True:
        code, if_true, if_false, constant = steps[at]
        at += 1
        match code:
            case 0x20:
                (value,) = struct.unpack_from("=I", data, constant)
            case 0x54:
                value &= constant
            case 0x15:
                at += if_true if value == constant else if_false
            case 0x35:
                at += if_true if value >= constant else if_false
            case 0x45:
                at += if_true if value & constant else if_false
            case 0x06:
                return constant
            case _:
                raise AssertionError(f"unknown step {code:#x}")


def refused(error: int) -> int:
    return REFUSED | error


def test_ordinary_calls_are_allowed():
    program = build_filter("x86_64", NOTHING)
    for number in (
        0,
        1,
        2,
        9,
        39,
        57,
        59,
        257,
        280,
    ):  # read, write, open, mmap, getpid, fork, execve, openat, utimensat
        assert judge(program, number) == ALLOW
    arm = build_filter("aarch64", NOTHING)
    for number in (63, 64, 56, 222, 221):
        assert judge(arm, number, architecture=ARM) == ALLOW


@pytest.mark.parametrize(
    ("machine", "architecture", "numbers"),
    [
        ("x86_64", X86, [165, 166, 155, 161, 272, 308, 101, 310, 311, 250, 321, 428, 429, 442, 92, 93, 94, 260, 175]),
        ("aarch64", ARM, [40, 39, 41, 51, 97, 268, 117, 270, 271, 219, 280, 428, 429, 442, 55, 54, 105]),
    ],
)
def test_what_reaches_out_of_the_sandbox_is_refused(machine: Machine, architecture: int, numbers: list[int]):
    program = build_filter(machine, INTERNET)
    assert [judge(program, number, architecture=architecture) for number in numbers] == [refused(EPERM)] * len(numbers)


def test_calls_with_arguments_out_of_sight_are_said_to_be_missing():
    program = build_filter("x86_64", INTERNET)
    assert [judge(program, number) for number in (425, 426, 427, 435)] == [refused(ENOSYS)] * 4


def test_other_architectures_are_killed():
    program = build_filter("x86_64", NOTHING)
    assert judge(program, 11, architecture=0x40000003) == KILL  # i386: other numbers for the same calls
    assert judge(program, 0x40000000 | 41) == KILL  # x32
    assert judge(program, 0x40000000 | 520) == KILL
    assert judge(build_filter("aarch64", NOTHING), 41, architecture=X86) == KILL


@pytest.mark.parametrize(
    ("machine", "architecture", "socket", "pair"), [("x86_64", X86, 41, 53), ("aarch64", ARM, 198, 199)]
)
def test_sockets_by_their_family(machine: Machine, architecture: int, socket: int, pair: int):
    def asked(policy: Filter, *arguments: int) -> int:
        return judge(build_filter(machine, policy), socket, *arguments, architecture=architecture)

    for family in range(50):
        assert asked(NOTHING, family, 1, 0) == refused(EACCES)
        expected = ALLOW if family in (AF_INET, AF_INET6) else refused(EACCES)
        assert asked(INTERNET, family, 2, 0) == expected
    # The kernel takes the low half only: bits above it change nothing.
    assert asked(INTERNET, 0xFFFFFFFF_00000000 | AF_UNIX) == refused(EACCES)
    assert judge(build_filter(machine, NOTHING), pair, AF_UNIX, 1, architecture=architecture) == ALLOW


@pytest.mark.parametrize("flag", [0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x08000000, 0x04000000, 0x02000000])
def test_no_process_begins_in_a_namespace_of_its_own(flag: int):
    program = build_filter("x86_64", NOTHING)
    assert judge(program, 56, flag | 17) == refused(EPERM)
    assert judge(program, 56, 0x01200011) == ALLOW  # what fork of the C library asks for
    assert judge(program, 56, 0x003D0F00) == ALLOW  # and pthread_create


def test_devices_set_uid_and_typing_for_the_person():
    program = build_filter("x86_64", NOTHING)
    assert judge(program, 133, 0, 0o020666, 0x103) == refused(EPERM)
    assert judge(program, 259, 0, 0, 0o060666, 0x103) == refused(EPERM)
    assert judge(program, 259, 0, 0, 0o010666, 0) == ALLOW  # a FIFO
    assert judge(program, 133, 0, 0o100644, 0) == ALLOW
    for number, at in ((90, 1), (91, 1), (268, 2), (452, 2)):
        assert judge(program, number, *[0] * at, 0o4755) == refused(EPERM)
        assert judge(program, number, *[0] * at, 0o755) == ALLOW
    assert judge(program, 16, 0, 0x5412) == refused(EPERM)
    assert judge(program, 16, 0, 0xFFFFFFFF_00005412) == refused(EPERM)
    assert judge(program, 16, 0, 0x5401) == ALLOW


def test_the_program_is_one_that_the_kernel_takes():
    """At most 4,096 steps, each jump forward and inside, and the last one answers."""
    for machine in ("x86_64", "aarch64"):
        program = build_filter(machine, INTERNET)
        steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
        assert len(program) % 8 == 0
        assert len(steps) < 4096
        assert steps[-1][0] == 0x06
        for at, (code, if_true, if_false, _) in enumerate(steps):
            if code in (0x15, 0x35, 0x45):
                assert at + 1 + max(if_true, if_false) < len(steps)
