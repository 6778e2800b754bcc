"""What a text says of its own encoding, in the ways that languages and editors have for it.

PEP 263 and Emacs coding lines, vim modelines, XML and HTML declarations, CSS `@charset`, gettext headers and LaTeX's
inputenc. Reads bytes that are ASCII in all encodings that can be declared so. Start with `declared_names`.
"""

import re
from collections.abc import Iterator

HEAD_BYTES = 1024
_TAIL_BYTES = 3000
_N_MODELINES = 5

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")
_EMACS = re.compile(rb"-\*-(?:.*?;)?[ \t]*coding[ \t]*:[ \t]*([-\w.]+)[ \t]*(?:;.*?)?-\*-", re.ASCII | re.IGNORECASE)
_EMACS_LOCAL = re.compile(rb"Local Variables:.*?[\r\n][^\r\n]*?\bcoding[ \t]*:[ \t]*([-\w.]+)", re.ASCII | re.DOTALL)
_VIM = re.compile(rb"(?:^|\s)(?:vim?|ex):.*?\b(?:fileencoding|fenc)=([-\w.]+)", re.ASCII)
_XML = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([-\w.]+)[\"']", re.ASCII)
_HTML = re.compile(rb"<meta\s[^>]*?charset\s*=\s*[\"']?\s*([-\w.:]+)", re.ASCII | re.IGNORECASE)
_CSS = re.compile(rb'^@charset "([-\w.]+)";', re.ASCII)
_GETTEXT = re.compile(rb'^"Content-Type:[ \t]*text/plain;[ \t]*charset=([-\w.]+)', re.ASCII | re.MULTILINE)
_LATEX = re.compile(rb"^[^%\r\n]*\\usepackage\[([-\w.]+)\]\{inputenc\}", re.ASCII | re.MULTILINE)

_OTHER_NAMES = {"ansinew": "cp1252", "applemac": "mac-roman", "utf8x": "utf-8", "x-sjis": "cp932"}
_WEB_NAMES = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "x-gbk": "gbk",
    "ks_c_5601-1987": "cp949",
    "windows-31j": "cp932",
}
"""What browsers read where these are written."""


def declared_names(data: bytes) -> Iterator[tuple[str, str]]:
    """The names a text gives its encoding, likeliest first: (codec to try, the name as it is written there)."""
    head = data[:HEAD_BYTES]
    for pattern in (_XML, _CSS):
        if found := pattern.match(head):
            yield from _names(found[1], web=False)
    yield from _coding_lines(head)
    if found := _HTML.search(head):
        yield from _names(found[1], web=True)
    for pattern in (_GETTEXT, _LATEX):
        if found := pattern.search(data[: 4 * HEAD_BYTES]):
            yield from _names(found[1], web=False)
    yield from _modelines(data)


def _names(written: bytes, *, web: bool) -> Iterator[tuple[str, str]]:
    name = written.decode("ascii")
    plain = re.sub(r"-(unix|dos|mac)$", "", name.lower())
    if web and plain in _WEB_NAMES:
        yield _WEB_NAMES[plain], name
    yield _OTHER_NAMES.get(plain, plain), name


def _coding_lines(head: bytes) -> Iterator[tuple[str, str]]:
    lines = re.split(rb"\r\n|\r|\n", head)[:2]
    for line in lines:
        if found := _COOKIE.match(line):
            yield from _names(found[1], web=False)
        if not _BLANK.match(line):
            break
    for line in lines:
        if found := _EMACS.search(line):
            yield from _names(found[1], web=False)


def _modelines(data: bytes) -> Iterator[tuple[str, str]]:
    tail = data[-_TAIL_BYTES:]
    if found := _EMACS_LOCAL.search(tail):
        yield from _names(found[1], web=False)
    first = re.split(rb"\r\n|\r|\n", data[: 4 * HEAD_BYTES])[:_N_MODELINES]
    last = re.split(rb"\r\n|\r|\n", tail)[-_N_MODELINES - 1 :]
    for line in (*first, *last):
        if found := _VIM.search(line):
            yield from _names(found[1], web=False)
