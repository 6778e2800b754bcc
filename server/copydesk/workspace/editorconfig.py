"""The `charset` that `.editorconfig` files give a file: the one declaration that stands outside of it.

Reads the files from the file's folder upwards until one says `root = true`, as editors do; the nearest one that
names a charset for the path wins, and in it the last section. Start with `charset_of`.
"""

import os
import re
import stat

from copydesk.workspace.globs import compile_glob

_NAME = ".editorconfig"
_LIMIT_BYTES = 64 * 1024
_SECTION = re.compile(r"^\s*\[(.+)\]\s*(?:[#;].*)?$")
_PROPERTY = re.compile(r"^\s*([^#;\s=:][^=:]*?)\s*[=:]\s*(.*?)\s*$")
_CODECS = {"latin1": "iso8859-1", "utf-8-bom": "utf-8"}


def charset_of(path: str) -> str | None:
    """The codec named for an absolute path; None where no file names one. Never raises."""
    folder = os.path.dirname(path)
    while True:
        text = _read(os.path.join(folder, _NAME))
        charset, is_root = _charset_in(text, os.path.relpath(path, folder)) if text else (None, False)
        if charset is not None:
            return _CODECS.get(charset, charset) if charset != "unset" else None
        parent = os.path.dirname(folder)
        if is_root or parent == folder:
            return None
        folder = parent


def _charset_in(text: str, path: str) -> tuple[str | None, bool]:
    """What one file says: the charset for a path relative to it, and whether to look no further."""
    charset: str | None = None
    is_root, section = False, ""
    for line in text.splitlines():
        if found := _SECTION.match(line):
            section = found[1]
        elif found := _PROPERTY.match(line):
            key, value = found[1].lower(), found[2].lower()
            is_root = is_root or (not section and key == "root" and value == "true")
            if section and key == "charset" and compile_glob(section)(path.replace(os.sep, "/")):
                charset = value
    return charset, is_root


def _read(path: str) -> str:
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError):
        return ""
    with open(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            return ""
        return file.read(_LIMIT_BYTES).decode("utf-8", "replace").removeprefix("\ufeff")
