"""Namespaces, and a root of the command's own in them. Start with `first_process`."""

# pyright: reportConstantRedefinition=false
from __future__ import annotations

import ctypes
import fcntl
import os
import sys

from .becoming import become, leave_if_orphan
from .kernel import (
    CLONE_NEWNET,
    CLONE_NEWUSER,
    EMPTY,
    IFF_UP,
    MNT_DETACH,
    MOUNT_SETATTR,
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    PIVOT_ROOT,
    PR_SET_PDEATHSIG,
    SIGKILL,
    SIOCGIFFLAGS,
    SIOCSIFFLAGS,
    check,
    code,
    guarded,
    libc,
    mount,
    prctl,
    write,
)

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes longer to import than all else here
    from typing import Any, NoReturn


def enter_namespaces(spec: dict[str, Any]) -> None:
    uid, gid = os.geteuid(), os.getegid()
    check(libc.unshare(ctypes.c_int(spec["namespaces"])), "namespaces")
    if spec["namespaces"] & CLONE_NEWUSER:
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{uid} {uid} 1")
        write("/proc/self/gid_map", f"{gid} {gid} 1")


def first_process(spec: dict[str, Any], watched: int) -> NoReturn:
    """Process 1 of the new namespace: when it ends, the kernel ends all others. It waits for the command only."""
    prctl(PR_SET_PDEATHSIG, SIGKILL)
    leave_if_orphan(watched)
    if spec["namespaces"] & CLONE_NEWNET:
        _raise_loopback()
    _build_root(spec["root"], spec["steps"])
    pid = os.fork()
    if pid == 0:
        guarded(become, spec, -1)
    for stream in (1, 2):
        os.close(stream)
    while True:
        found, status = os.waitpid(-1, 0)
        if found == pid:
            os._exit(code(status))


def _raise_loopback() -> None:
    import _socket  # not at the top: of all the commands only those without a network need it

    probe = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM, 0)
    request = b"lo".ljust(16, b"\0")
    flags = int.from_bytes(fcntl.ioctl(probe.fileno(), SIOCGIFFLAGS, request + bytes(24))[16:18], sys.byteorder)
    fcntl.ioctl(probe.fileno(), SIOCSIFFLAGS, request + (flags | IFF_UP).to_bytes(2, sys.byteorder) + bytes(22))
    probe.close()


def _build_root(root: str, steps: list[tuple[Any, ...]]) -> None:
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m")
    os.close(os.open(root + EMPTY, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o444))
    for step in steps:
        if step[0] in _STEPS:
            _STEPS[step[0]](root, *step[1:])
    os.chdir(root)
    check(libc.syscall(PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    check(libc.umount2(b".", MNT_DETACH), "the old root")
    os.chdir("/")
    for step in steps:
        # Only now do links in these paths lead where they will lead the command.
        if step[0] in _LATE_STEPS:
            _LATE_STEPS[step[0]](*step[1:])
    mount("none", "/", "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def _step_folder(root: str, path: str, mode: int = 0o755) -> None:
    os.makedirs(root + path, exist_ok=True)
    os.chmod(root + path, mode)


def _step_link(root: str, path: str, target: str) -> None:
    os.makedirs(os.path.dirname(root + path), exist_ok=True)
    os.symlink(target, root + path)


def _step_bind(root: str, path: str, source: str, is_writable: bool, has_devices: bool = False) -> None:
    """Missing places are made in our own root only: below a bound folder they would be made in the real one."""
    place = root + path
    if not os.path.lexists(place):
        if os.path.isdir(source):
            os.makedirs(place)
        else:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    mount(source, place, "", MS_BIND | MS_REC)
    flags = MS_NOSUID | (0 if has_devices else MS_NODEV) | (0 if is_writable else MS_RDONLY)
    _remount(place, flags)


def _remount(place: str, flags: int) -> None:
    """With what is mounted below it. Flags that the real mount has cannot be taken away, so all are set anew."""
    attributes = (ctypes.c_uint64 * 4)(flags & (MS_RDONLY | MS_NOSUID | MS_NODEV), 0, 0, 0)
    recursive, no_follow = 0x8000, 0x100
    result = libc.syscall(
        MOUNT_SETATTR, -100, os.fsencode(place), recursive | no_follow, attributes, ctypes.sizeof(attributes)
    )
    check(result, place)


def _step_overlay(root: str, path: str, lowers: list[str], upper: str, work: str) -> None:
    """Each layer is bound to a plain name first: a comma or colon in a path would end it in the options."""
    base = f"{root}/.layers"
    os.makedirs(base)
    names = list[str]()
    for index, layer in enumerate((*lowers, os.path.dirname(upper))):
        names.append(f"{base}/{index}")
        os.mkdir(names[-1])
        mount(layer, names[-1], "", MS_BIND)
    *below, above = names
    options = (
        f"userxattr,index=off,metacopy=off,redirect_dir=nofollow,xino=off,lowerdir={':'.join(below)},"
        f"upperdir={above}/{os.path.basename(upper)},workdir={above}/{os.path.basename(work)}"
    )
    os.makedirs(root + path, exist_ok=True)
    mount("overlay", root + path, "overlay", MS_NOSUID | MS_NODEV, options)
    for name in names:
        check(libc.umount2(os.fsencode(name), MNT_DETACH), name)
        os.rmdir(name)
    os.rmdir(base)


def _step_tmpfs(root: str, path: str, n_bytes: int, mode: str) -> None:
    os.makedirs(root + path, exist_ok=True)
    mount("tmpfs", root + path, "tmpfs", MS_NOSUID | MS_NODEV, f"mode={mode},size={n_bytes}")


def _step_proc(root: str, path: str) -> None:
    os.makedirs(root + path, exist_ok=True)
    mount("proc", root + path, "proc", MS_NOSUID | MS_NODEV)


def _step_terminals(root: str, path: str) -> None:
    os.makedirs(root + path, exist_ok=True)
    mount("devpts", root + path, "devpts", MS_NOSUID, "newinstance,ptmxmode=0666,mode=620")


def _step_hide(path: str) -> None:
    """A folder becomes an empty one, a file an empty file. What is not there needs no hiding."""
    if os.path.isdir(path):
        mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "mode=0555,size=4k")
    elif os.path.exists(path):
        mount(EMPTY, path, "", MS_BIND)
        _remount(path, MS_RDONLY | MS_NOSUID | MS_NODEV)


def _step_protect(path: str) -> None:
    """A mount of its own: it can be neither written nor renamed."""
    if os.path.exists(path):
        mount(path, path, "", MS_BIND | MS_REC)
        _remount(path, MS_RDONLY | MS_NOSUID | MS_NODEV)


def _step_pin(path: str) -> None:
    """A mount of its own, so that it cannot be renamed; written it can be."""
    if os.path.isdir(path):
        mount(path, path, "", MS_BIND | MS_REC)


_STEPS = {
    "folder": _step_folder,
    "link": _step_link,
    "bind": _step_bind,
    "overlay": _step_overlay,
    "tmpfs": _step_tmpfs,
    "proc": _step_proc,
    "terminals": _step_terminals,
}
_LATE_STEPS = {"hide": _step_hide, "pin": _step_pin, "protect": _step_protect}
