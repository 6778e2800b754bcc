"""The attacks, one table. Each says which promise (`Hold`) it breaks when it succeeds; "" is one that all must keep.

`script` prints "tried" once it has what it needs, and then attacks. `succeeded` looks from outside where it can.
`prefix` is put before the unguarded run alone, where a user may not do this by himself (a user namespace gives him
what a root would have). `needs` says what the unguarded run cannot do without.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from copydesk.domain.sandboxes import Hold
from tests.sandbox.ground import CANARY, Ground, Ran, python, shell

Succeeded = Callable[[Ground, Ran], bool]
Needs = Literal["", "root", "user"]
_AS_NAMESPACE_ROOT = ("unshare", "-U", "-r", "-m", "--")


@dataclass(frozen=True)
class Attack:
    name: str
    hold: Hold | Literal[""]
    argv: tuple[str, ...]
    succeeded: Succeeded
    prefix: tuple[str, ...] = ()
    needs: Needs = ""

    def __str__(self) -> str:
        return self.name


class _More(TypedDict, total=False):
    prefix: tuple[str, ...]
    needs: Needs


def _sh(name: str, hold: Hold | Literal[""], script: str, succeeded: Succeeded, **more: Unpack[_More]) -> Attack:
    return Attack(name, hold, tuple(shell(f"echo tried\n{script}")), succeeded, **more)


def _py(name: str, hold: Hold | Literal[""], script: str, succeeded: Succeeded, **more: Unpack[_More]) -> Attack:
    head = "import ctypes, os, signal, socket, struct, sys, time\nE = os.environ\nprint('tried', flush=True)\n"
    return Attack(name, hold, tuple(python(head + script)), succeeded, **more)


# --- what counts as success ------------------------------------------------------------------------------


def _says(word: str) -> Succeeded:
    return lambda _, ran: word in ran.out.split()


def _made(name: str) -> Succeeded:
    return lambda ground, _: (ground.folder / name).exists()


def _gone(name: str) -> Succeeded:
    return lambda ground, _: not (ground.folder / name).exists()


def _changed(name: str) -> Succeeded:
    return lambda ground, _: (ground.folder / name).read_text() != "original\n"


def _mode(name: str, mode: int) -> Succeeded:
    return lambda ground, _: (ground.folder / name).stat().st_mode & 0o777 == mode


def _leaked(_: Ground, ran: Ran) -> bool:
    return CANARY in ran.out


def _heard(kind: str) -> Succeeded:
    return lambda ground, _: kind in ground.heard


def _is_dead(ground: Ground, _: Ran) -> bool:
    status = Path(f"/proc/{ground.victim}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] in "ZX"


def _left(ground: Ground, _: Ran) -> bool:
    return bool(ground.sleepers())


# --- the table -------------------------------------------------------------------------------------------

_WRITES = (
    _sh("write a new file outside", "write_outside", 'echo x > "$OUTSIDE/made"', _made("outside/made")),
    _sh("append to a file outside", "write_outside", 'echo x >> "$OUTSIDE/file"', _changed("outside/file")),
    _sh("write in the home", "write_outside", 'echo x >> "$TRUE_HOME/.profile"', _changed("home/.profile")),
    _sh("write by a new link", "write_outside", 'ln -s "$OUTSIDE" l; echo x > l/file', _changed("outside/file")),
    _sh("write by a link that is there", "write_outside", "echo x > link/file", _changed("outside/file")),
    _sh("write by a hard link", "write_outside", 'ln "$OUTSIDE/file" l; echo x > l', _changed("outside/file")),
    _sh("delete outside", "write_outside", 'rm -f "$OUTSIDE/file"', _gone("outside/file")),
    _sh("move something outside", "write_outside", 'mv "$OUTSIDE/file" "$OUTSIDE/made"', _made("outside/made")),
    _sh("make a folder outside", "write_outside", 'mkdir "$OUTSIDE/made"', _made("outside/made")),
    _sh("chmod outside", "write_outside", 'chmod 777 "$OUTSIDE/secret"', _mode("outside/secret", 0o777)),
    _sh("chmod by a link", "write_outside", "chmod 777 link/secret", _mode("outside/secret", 0o777)),
    _sh(
        "set times outside",
        "write_outside",
        'touch -d 2001-01-01 "$OUTSIDE/file"',
        lambda ground, _: (ground.outside / "file").stat().st_mtime < 1e9,
    ),
    _py(
        "set attributes outside",
        "write_outside",
        "os.setxattr(E['OUTSIDE'] + '/file', 'user.copydesk', b'x')",
        lambda ground, _: "user.copydesk" in os.listxattr(ground.outside / "file"),
    ),
    _sh(
        "give a file outside away",
        "write_outside",
        'chown 12345 "$OUTSIDE/file"',
        lambda ground, _: (ground.outside / "file").stat().st_uid == 12345,
        needs="root",
    ),
    _sh("write to /dev/shm", "write_outside", 'echo x > "/dev/shm/$MARK"', lambda g, _: _taken("/dev/shm", g)),
    _sh("write to /tmp", "write_outside", 'echo x > "/tmp/$MARK"', lambda g, _: _taken("/tmp", g)),
    _sh("write to /etc", "write_outside", 'echo x > "/etc/$MARK"', lambda g, _: _taken("/etc", g), needs="root"),
    _sh("write to /usr", "write_outside", 'echo x > "/usr/$MARK"', lambda g, _: _taken("/usr", g), needs="root"),
    _py(
        "swap a folder for a link while writing",
        "write_outside",
        """
import threading
os.mkdir('swapped'); os.symlink(E['OUTSIDE'], 'other'); end = time.monotonic() + 1.0
def swap():
    libc = ctypes.CDLL(None)
    while time.monotonic() < end:
        libc.renameat2(-100, b'swapped', -100, b'other', 2)
threading.Thread(target=swap).start()
while time.monotonic() < end:
    try: open('swapped/made', 'w').close()
    except OSError: pass
""",
        _made("outside/made"),
    ),
    _sh(
        "write through the roots of processes",
        "write_outside",
        'for pid in self 1 2 $PPID $VICTIM; do echo x > "/proc/$pid/root$OUTSIDE/made"; done 2> /dev/null',
        _made("outside/made"),
    ),
    _py(
        "write through open files",
        "write_outside",
        """
for fd in [int(each) for each in os.listdir('/proc/self/fd')]:
    for path in ('', '..', '../..', '../../..', '../outside'):
        try: os.close(os.open(os.path.join(path, 'made'), os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        except OSError: pass
fd = os.open('/', os.O_RDONLY)
try: os.close(os.open(E['OUTSIDE'][1:] + '/made', os.O_CREAT | os.O_WRONLY, dir_fd=fd))
except OSError: pass
""",
        _made("outside/made"),
    ),
    _sh("write to the real tree", "shadow", "echo x > seen", _changed("real/seen")),
    _sh("write deep in the real tree", "shadow", "echo x >> sub/deep", _changed("real/sub/deep")),
    _sh("delete in the real tree", "shadow", "rm -rf sub", _gone("real/sub/deep")),
    _sh("move in the real tree", "shadow", "mv sub moved", _gone("real/sub/deep")),
    _sh("a hook in the real tree", "shadow", "echo x > .git/hooks/post-commit", _made("real/.git/hooks/post-commit")),
    _sh("chmod in the real tree", "shadow", "chmod 777 seen", _mode("real/seen", 0o777)),
    _sh(
        "write to the real tree through the roots of processes",
        "shadow",
        'for pid in 1 2 $VICTIM; do echo x > "/proc/$pid/root$OUTSIDE/../real/seen"; done 2> /dev/null\n'
        'echo x > "/proc/$VICTIM/cwd/seen"',
        _changed("real/seen"),
    ),
    _sh(
        "take the view away and write below",
        "privileges",
        'umount -l "$WORKSPACE" && echo broken',
        _says("broken"),
        prefix=("unshare", "-U", "-r", "-m", "sh", "-c", 'mount --bind "$WORKSPACE" "$WORKSPACE"; exec "$@"', "sh"),
    ),
)


def _taken(folder: str, ground: Ground) -> bool:
    path = Path(folder, ground.env["MARK"])
    is_there = path.exists()
    path.unlink(missing_ok=True)
    return is_there


_READS = (
    _sh("read a key of the home", "read_outside", 'cat "$TRUE_HOME/.ssh/id"', _leaked),
    _sh("read another project", "read_outside", 'cat "$OTHER/code"', _leaked),
    _sh("read by a link that is there", "read_outside", "cat link/secret", _leaked),
    _sh("read by a hard link", "read_outside", 'ln "$OUTSIDE/secret" l; cat l', _leaked),
    _sh("read by going up", "read_outside", 'cd "$WORKSPACE"; cat ../outside/secret', _leaked),
    _sh("read by the root of a process", "read_outside", 'cat "/proc/$VICTIM/root$OUTSIDE/secret"', _leaked),
    _sh(
        "read by the folder of a process",
        "read_outside",
        'for cwd in /proc/[0-9]*/cwd; do cat "$cwd/../outside/secret"; done 2> /dev/null',
        _leaked,
    ),
    _sh("read a key of another process", "processes", 'cat "/proc/$VICTIM/environ"', _leaked),
    _sh(
        "look for a key in all processes",
        "processes",
        "cat /proc/[0-9]*/environ 2> /dev/null",
        _leaked,
    ),
)

_NETWORK = (
    _py("TCP to this machine", "network", "socket.create_connection(('127.0.0.1', int(E['TCP'])), 2)", _heard("tcp")),
    _py(
        "UDP to this machine",
        "network",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', int(E['UDP'])))",
        _heard("udp"),
    ),
    _sh(
        "share our network",
        "network",
        "readlink /proc/self/ns/net",
        lambda _, ran: os.readlink("/proc/self/ns/net") in ran.out,
    ),
    _py(
        "a socket outside",
        "local_sockets",
        "os.chdir(E['OUTSIDE']); socket.socket(socket.AF_UNIX).connect('sock')",
        _heard("path"),
    ),
    _py(
        "a socket by a link of the workspace",
        "local_sockets",
        "socket.socket(socket.AF_UNIX).connect('link/sock')",
        _heard("path"),
    ),
    _py(
        "a socket of the workspace", "local_sockets", "socket.socket(socket.AF_UNIX).connect('sock')", _heard("inside")
    ),
    _py(
        "an abstract socket",
        "local_sockets",
        "socket.socket(socket.AF_UNIX).connect(chr(0) + E['ABSTRACT'])",
        _heard("abstract"),
    ),
)


_PTRACE = "libc = ctypes.CDLL(None, use_errno=True)\n"

_PROCESSES = (
    _sh("kill a process", "processes", 'kill -9 "$VICTIM"', _is_dead),
    _sh("see a process", "processes", 'grep -q sleep "/proc/$VICTIM/comm" && echo broken', _says("broken")),
    _py(
        "hold a process by ptrace",
        "processes",
        _PTRACE + "if libc.ptrace(0x4206, int(E['VICTIM']), 0, 0) == 0: print('broken')",
        _says("broken"),
    ),
    _py(
        "a file of a process by its number",
        "processes",
        "fd = os.pidfd_open(int(E['VICTIM'])); signal.pidfd_send_signal(fd, signal.SIGKILL)",
        _is_dead,
    ),
    _sh("stay in the background", "children_die", 'sleep "$NAP" > /dev/null 2>&1 &', _left),
    _sh("stay with nohup", "children_die", 'nohup sleep "$NAP" > /dev/null 2>&1 < /dev/null &', _left),
    _sh("stay in a session of its own", "children_die", 'setsid -f sleep "$NAP" > /dev/null 2>&1 < /dev/null', _left),
    _py(
        "stay by forking twice",
        "children_die",
        """
if os.fork() == 0:
    os.setsid()
    for number in range(1, 40): signal.signal(number, signal.SIG_IGN) if number not in (9, 19, 32, 33) else None
    if os.fork() == 0:
        for fd in range(64):
            try: os.close(fd)
            except OSError: pass
        os.execvp('sleep', ['sleep', E['NAP']])
    os._exit(0)
time.sleep(0.2)
""",
        _left,
    ),
)

_PRIVILEGES = (
    _sh(
        "mount something",
        "privileges",
        "mkdir -p m; mount -t tmpfs none m && echo broken",
        _says("broken"),
        prefix=_AS_NAMESPACE_ROOT,
    ),
    _sh(
        "bind a folder",
        "privileges",
        "mkdir -p m; mount --bind sub m && echo broken",
        _says("broken"),
        prefix=_AS_NAMESPACE_ROOT,
    ),
    _sh("a user namespace", "privileges", "unshare -U true && echo broken", _says("broken")),
    _sh("a user namespace with its own root", "privileges", "unshare -U -r -m true && echo broken", _says("broken")),
    _py(
        "a user namespace by clone",
        "privileges",
        "pid = ctypes.CDLL(None).syscall(56 if os.uname().machine == 'x86_64' else 220, 0x10000000 | 17, 0, 0, 0, 0)\n"
        "if pid == 0: os._exit(0)\nif pid > 0: print('broken')",
        _says("broken"),
    ),
    _sh("change the root", "privileges", "chroot / true && echo broken", _says("broken"), prefix=_AS_NAMESPACE_ROOT),
    _sh("make a device", "privileges", "mknod d c 1 3 && echo broken", _says("broken"), needs="root"),
    _sh(
        "gain by a setuid program",
        "privileges",
        "grep -q '^NoNewPrivs:.0' /proc/self/status && echo broken",
        _says("broken"),
    ),
    _py("set the host's name", "privileges", "socket.sethostname('x'); print('broken')", _says("broken"), needs="root"),
    _py(
        "the terminal",
        "privileges",
        "os.open('/dev/tty', os.O_RDWR); print('broken')",
        _says("broken"),
        prefix=("python3", "-c", "import pty, sys; pty.spawn(sys.argv[1:])"),
    ),
)

ATTACKS: tuple[Attack, ...] = (*_WRITES, *_READS, *_NETWORK, *_PROCESSES, *_PRIVILEGES)
