"""The values in files of secrets: what stands behind a name that speaks of secrets, and whatever looks random.

Reads the disk, so it blocks: for a worker thread. Start with `news`, or `file_values` for a text.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator

from copydesk.safety.secrets.finding import find_spans
from copydesk.safety.secrets.judging import is_plain, is_secret_name, looks_random
from copydesk.safety.secrets.views import View

MAX_FILE_BYTES = 1024 * 1024
MAX_FILE_VALUES = 500

_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+|set[ \t]+|-[ \t]+)?["']?(?P<name>[A-Za-z_/][\w./:@-]{0,120}?)["']?"""
    r"""[ \t]*(?:[:=]|[ \t])[ \t]*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|\S.*?)[ \t]*,?[ \t]*$""",
    re.MULTILINE,
)
_TOKEN = re.compile(r"[^\s\"'`,;(){}\[\]<>]{8,4096}")
_BLOCK = re.compile(r"[A-Za-z0-9+/=_-]{24,}")


def news(paths: Iterable[str], seen: dict[str, tuple[int, int, int]]) -> Iterator[str]:
    """The values of files that are new or have changed since they were last read, which `seen` keeps."""
    for path in paths:
        if text := _text(path, seen):
            yield from file_values(text)


def _text(path: str, seen: dict[str, tuple[int, int, int]]) -> str:
    try:
        found = os.stat(path)
        mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE_BYTES or seen.get(path) == mark:
            return ""
        seen[path] = mark
        with open(path, "rb") as file:
            return file.read(MAX_FILE_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def file_values(text: str) -> list[str]:
    """The secret values in the text of such a file, of whatever format it is.

    What stands behind a name that speaks of secrets is one unless it is an ordinary word; anything else if it looks
    random, a URL's password included.
    """
    found = [text[start:end] for start, end in find_spans(View(text))]
    for match in _LINE.finditer(text):
        value = _unquoted(match["value"])
        if is_plain(value):
            continue
        if is_secret_name(match["name"]) or looks_random(value):
            found += [value, *_without_comment(value)]
    found += [token for token in _TOKEN.findall(text) if looks_random(token.strip("=:"))]
    found += [block for block in _BLOCK.findall(text) if looks_random(block, 24)]
    return list(dict.fromkeys(each for each in found if not is_plain(each)))[:MAX_FILE_VALUES]


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] else value


def _without_comment(value: str) -> list[str]:
    """`abc # note` is `abc` to some programs, and all of it to others."""
    bare = re.split(r"[ \t]+[#;]", value, maxsplit=1)[0].strip()
    return [bare] if bare != value and not is_plain(bare) else []
