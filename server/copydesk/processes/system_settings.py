"""The part of /etc that programs need to run, copied into one folder of our own: no private key is in it.

One folder is one mount; thirty of them would be a third of what a launch takes, and copying hundreds of files would
be slow. Start with `gather`.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

# To find libraries and alternatives, to name users, hosts and times, to check certificates.
_NAMES = (
    "alternatives", "bash.bashrc", "ca-certificates.conf", "crypto-policies", "debian_version", "fonts", "group",
    "host.conf", "hosts", "inputrc", "java", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias",
    "locale.conf", "localtime", "magic", "mime.types", "networks", "nsswitch.conf", "os-release", "passwd", "perl",
    "pki/ca-trust", "pki/tls/cert.pem", "pki/tls/certs", "pki/tls/openssl.cnf", "profile", "protocols", "python3",
    "redhat-release", "services", "shells", "ssl/cert.pem", "ssl/certs", "ssl/openssl.cnf", "terminfo", "timezone",
    "xml",
)  # fmt: skip
_PREFIXES = ("java-", "python3.")
_MAX_FILES = 400
_MANY = 24
_MAX_FILE_BYTES = 8 * 1024 * 1024
RESOLVER = "resolv.conf"


def gather(into: Path, etc: Path = Path("/etc")) -> tuple[str, ...]:
    """Fills `into`, an empty folder. What cannot be read is left out, as it would be unreadable there too.

    Returns the folders that are too large to be copied (certificates, alternatives): empty ones stand for them, on
    which the real ones are to be mounted.
    """
    into.chmod(0o755)
    room, large = _MAX_FILES, list[str]()
    for name in (*_NAMES, *_more_names(etc)):
        path = etc / name
        if _is_large(path):
            (into / name).mkdir(parents=True)
            large.append(str(path))
            continue
        for found in _below(path):
            room -= 1
            if room < 0:
                return tuple(large)
            _copy(found, into / found.relative_to(etc))
    (into / RESOLVER).touch()  # something to bind the real one on, where the network is allowed
    return tuple(large)


def _is_large(path: Path) -> bool:
    try:
        if path.is_symlink() or not path.is_dir():
            return False
        return len(list(islice(path.rglob("*"), _MANY))) == _MANY
    except OSError:
        return False


def _more_names(etc: Path) -> list[str]:
    try:
        return [name for name in os.listdir(etc) if name.startswith(_PREFIXES)]
    except OSError:
        return []


def _below(path: Path) -> Iterator[Path]:
    if path.is_dir() and not path.is_symlink():
        for folder, _, files in os.walk(path):
            yield from (Path(folder, name) for name in files)
            yield from (each for each in Path(folder).iterdir() if each.is_symlink() and each.is_dir())
    elif os.path.lexists(path):
        yield path


def _copy(path: Path, to: Path) -> None:
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() and _stays(path):
            to.symlink_to(os.readlink(path))
            return
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size <= _MAX_FILE_BYTES:
            shutil.copyfile(path, to)
            to.chmod(0o444)
    except OSError:
        pass


def _stays(link: Path) -> bool:
    """Whether a link leads to what is shown: the system's own folders, or this one."""
    target = os.path.normpath(os.path.join(link.parent, os.readlink(link)))
    return target.startswith(("/usr/", "/etc/", f"{link.parent}/"))
