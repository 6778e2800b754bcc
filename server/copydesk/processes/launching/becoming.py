"""The last steps before the command, in the one order that works: each says why it stands where it does.

Start with `become`.
"""

# pyright: reportConstantRedefinition=false, reportUnknownMemberType=false
from __future__ import annotations

import _signal  # pyright: ignore[reportMissingImports]  `signal` would import much more
import ctypes
import os
import resource  # all imports stand here: later, nothing of Python may be readable any more
import stat
import sys

from .kernel import (
    CONFINED,
    FAILED,
    LANDLOCK_ADD_RULE,
    LANDLOCK_CREATE_RULESET,
    LANDLOCK_RESTRICT_SELF,
    LANDLOCK_RULE_PATH_BENEATH,
    LAST_CAPABILITY,
    NOT_FOUND,
    PR_CAP_AMBIENT,
    PR_CAP_AMBIENT_CLEAR_ALL,
    PR_CAPBSET_DROP,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    PR_SET_SECCOMP,
    SECCOMP_MODE_FILTER,
    SIGKILL,
    check,
    libc,
    prctl,
)

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes longer to import than all else here
    from typing import Any, NoReturn


def become(spec: dict[str, Any], watched: int) -> NoReturn:
    if watched >= 0:
        prctl(PR_SET_PDEATHSIG, SIGKILL)
        leave_if_orphan(watched)
    os.setsid()
    os.chdir(spec["cwd"])
    _limit(spec["limits"])
    _drop_capabilities()
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    if spec["landlock"]:
        _restrict(*spec["landlock"])
    _unblock_signals()
    # Last of all: the filter would forbid most of the above.
    if spec["filter"]:
        _filter(spec["filter"])
    os.write(1, CONFINED)
    _execute(spec["argv"], spec["env"])


def _execute(argv: list[str], env: dict[str, str]) -> NoReturn:
    """Looks along PATH by itself: `os.execvpe` imports, and nothing of Python can be read by now."""
    why = "not found"
    folders = [""] if "/" in argv[0] else [folder + "/" for folder in env.get("PATH", "").split(":")]
    for folder in folders:
        try:
            os.execve(folder + argv[0], argv, env)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            why = error.strerror
    os.write(2, f"{argv[0]}: {why}\n".encode())
    os._exit(NOT_FOUND)


def _limit(limits: list[tuple[str, int]]) -> None:
    for name, value in limits:
        which = getattr(resource, name)
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def _drop_capabilities() -> None:
    """First what could ever be had again, then what there is. An ordinary user has none of either to lose."""
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for number in range(LAST_CAPABILITY + 1):
        libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    check(libc.capset(header, nothing), "capabilities")


def _restrict(handled: list[int], of_files: int, rules: list[tuple[str, int]]) -> None:
    """`of_files` are the rights that a rule on anything but a folder may have."""
    attributes = (ctypes.c_uint64 * len(handled))(*handled)
    size = ctypes.c_size_t(8 * len(handled))
    ruleset = check(libc.syscall(LANDLOCK_CREATE_RULESET, attributes, size, 0), "Landlock")
    for path, rights in rules:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError, NotADirectoryError):
            continue  # nothing to allow
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            rights &= of_files
        rule = rights.to_bytes(8, sys.byteorder) + fd.to_bytes(4, sys.byteorder)
        check(libc.syscall(LANDLOCK_ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0), path)
        os.close(fd)
    check(libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0), "Landlock")
    os.close(ruleset)


def _unblock_signals() -> None:
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    for number in (1, 2, 3, 13, 15, 25):
        # Python ignores some of them, and what is ignored stays so through exec.
        _signal.signal(number, _signal.SIG_DFL)


def _filter(program: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    prepared = Program(len(program) // 8, program)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(prepared))


def leave_if_orphan(watched: int) -> None:
    """The parent may have died before we asked to be told: then its end of the pipe is closed."""
    os.set_blocking(watched, False)
    try:
        if os.read(watched, 1) == b"":
            os._exit(FAILED)
    except BlockingIOError:
        pass
    os.close(watched)
