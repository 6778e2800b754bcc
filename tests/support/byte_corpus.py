"""Files in every encoding, line end and marking that a text may have, made in code, each with an edit to make.

`expected` is worked out on the bytes alone, with Python's codecs and not with the code under test.
"""

import codecs
from dataclasses import dataclass, field
from itertools import cycle

OLD, NEW = "value = 1", "value = 22"
LINE_ENDS = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}
_MIXED = ("\r\n", "\n", "\r\n", "\r", "\r\n")


@dataclass(frozen=True)
class Sample:
    """`text` is what the bytes say, without the BOM. `new` replaces `old`, which occurs once."""

    name: str
    path: str
    data: bytes
    codec: str
    text: str
    bom: bytes = b""
    old: str = OLD
    new: str = NEW
    beside: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Other files of the folder."""

    @property
    def expected(self) -> bytes:
        """The bytes after the edit: those before and after the replaced text are the file's own."""
        at = len(self.bom) + len(self.text[: self.text.index(self.old)].encode(self.codec))
        end = at + len(self.old.encode(self.codec))
        return self.data[:at] + self.new.encode(self.codec) + self.data[end:]

    @property
    def text_after(self) -> str:
        return self.text.replace(self.old, self.new)


LATIN = "größe café ñ"
EURO = "größe café ž œ"
GREEK, RUSSIAN, JAPANESE = "αβγ δοκιμή", "русский текст", "日本語の文字 カナ 表示"
CHINESE, TAIWANESE, KOREAN, HEBREW = "中文文字 测试", "中文文字 測試", "한국어 문자", "עברית"
TURKISH, POLISH, THAI = "ışğ ÇÖ", "zażółć gęślą jaźń", "ภาษาไทย"

_COOKIE = "# -*- coding: {} -*-"
_DECLARED: tuple[tuple[str, str, str, str, str], ...] = (
    ("cookie latin-1", "a.py", _COOKIE.format("latin-1"), "latin-1", LATIN),
    ("cookie after shebang", "a.py", "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :", "cp1252", "“größe” €"),
    ("cookie unix suffix", "a.py", _COOKIE.format("iso-8859-15-unix"), "iso8859-15", "50 € ž"),
    ("cookie shift-jis", "a.py", _COOKIE.format("shift_jis"), "shift_jis", JAPANESE),
    ("cookie cp932 under shift-jis", "a.py", _COOKIE.format("shift_jis"), "cp932", "①髙﨑 表示"),
    ("cookie euc-jp", "a.rb", _COOKIE.format("euc-jp"), "euc_jp", JAPANESE),
    ("cookie iso-2022-jp", "a.py", _COOKIE.format("iso-2022-jp"), "iso2022_jp", JAPANESE),
    ("cookie gbk", "a.py", _COOKIE.format("gbk"), "gbk", CHINESE),
    ("cookie gb18030", "a.py", _COOKIE.format("gb18030"), "gb18030", CHINESE + " 😀𠀀"),
    ("cookie big5", "a.py", _COOKIE.format("big5"), "big5", TAIWANESE + " 功許蓋"),
    ("cookie euc-kr", "a.py", _COOKIE.format("euc-kr"), "euc_kr", KOREAN),
    ("cookie cp949 under euc-kr", "a.py", _COOKIE.format("euc-kr"), "cp949", "똠방각하 한국어"),
    ("cookie koi8-r", "a.py", _COOKIE.format("koi8-r"), "koi8-r", RUSSIAN),
    ("cookie cp1251", "a.py", _COOKIE.format("windows-1251"), "cp1251", RUSSIAN),
    ("cookie iso-8859-2", "a.py", _COOKIE.format("iso-8859-2"), "iso8859-2", POLISH),
    ("cookie iso-8859-5", "a.py", _COOKIE.format("iso-8859-5"), "iso8859-5", RUSSIAN),
    ("cookie iso-8859-7", "a.py", _COOKIE.format("iso-8859-7"), "iso8859-7", GREEK),
    ("cookie iso-8859-8", "a.py", _COOKIE.format("iso-8859-8"), "iso8859-8", HEBREW),
    ("cookie iso-8859-9", "a.py", _COOKIE.format("iso-8859-9"), "iso8859-9", TURKISH),
    ("cookie tis-620", "a.py", _COOKIE.format("tis-620"), "tis-620", THAI),
    ("cookie mac-roman", "a.py", _COOKIE.format("mac-roman"), "mac-roman", "größe café ∑"),
    ("cookie cp437", "a.py", _COOKIE.format("cp437"), "cp437", "größe ╔═╗"),
    ("cookie utf-8", "a.py", _COOKIE.format("utf-8"), "utf-8", LATIN + JAPANESE + "😀"),
    ("xml", "a.xml", '<?xml version="1.0" encoding="ISO-8859-15"?>', "iso8859-15", "50 € ž"),
    ("html meta", "a.html", '<!doctype html><meta charset="windows-1251">', "cp1251", RUSSIAN),
    ("html meta latin1 is cp1252", "a.html", '<html><meta charset=ISO-8859-1">', "cp1252", "“größe” €"),
    ("html http-equiv", "a.htm", '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">', "gb2312",
     CHINESE),
    ("css", "a.css", '@charset "iso-8859-1";', "latin-1", LATIN),
    ("emacs in C", "a.c", "/* -*- mode: c; coding: euc-jp -*- */", "euc_jp", JAPANESE),
    ("emacs in lisp", "a.el", ";; -*- coding: latin-1; lexical-binding: t -*-", "latin-1", LATIN),
    ("vim in C", "a.c", "// vim: fenc=cp1250", "cp1250", POLISH),
    ("gettext", "de.po", 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=ISO-8859-1\\n"', "latin-1", LATIN),
    ("latex", "a.tex", "\\documentclass{article}\n\\usepackage[latin1]{inputenc}", "latin-1", LATIN),
)  # fmt: skip


def _lines(head: str, words: str) -> list[str]:
    return [*head.split("\n"), f"# {words}", "", f"{OLD}  # {words}", f"other = '{words}'", "last"]


def _joined(lines: list[str], ends: tuple[str, ...], *, ends_last: bool) -> str:
    text = "".join(line + end for line, end in zip(lines, cycle(ends), strict=False))
    return text if ends_last else text.rstrip("\r\n")


def _declared() -> list[Sample]:
    kinds = cycle([*LINE_ENDS.items(), ("mixed", "")])
    made: list[Sample] = []
    for number, (name, path, head, codec, words) in enumerate(_DECLARED):
        kind, end = next(kinds)
        text = _joined(_lines(head, words), (end,) if end else _MIXED, ends_last=number % 3 != 0)
        made.append(Sample(f"{name}, {kind}", path, text.encode(codec), codec, text))
    return made


_MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


def _unicode() -> list[Sample]:
    made: list[Sample] = []
    for kind, ends in {**{name: (end,) for name, end in LINE_ENDS.items()}, "mixed": _MIXED}.items():
        for ends_last in (True, False):
            text = _joined(_lines("# head", f"{LATIN} {JAPANESE} 😀 e\u0301"), ends, ends_last=ends_last)
            tail = "" if ends_last else ", no last newline"
            made.append(Sample(f"utf-8, {kind}{tail}", "a.txt", text.encode(), "utf-8", text))
            for codec, bom in _MARKED.items():
                name = f"{codec} with BOM, {kind}{tail}"
                made.append(Sample(name, "a.txt", bom + text.encode(codec), codec, text, bom))
    return made


def _odd() -> list[Sample]:
    texts = {
        "form feed, NEL and U+2028": f"\x0c\n{OLD}\x85x\u2028y\u2029\x0b\x1c\x1d\x1e\nend",
        "lone CR between LFs": f"a\rb\n{OLD}\r\n\r\r\nend\n",
        "BOM in the middle": f"a\ufeffb\n{OLD} \ufeff\nend\n",
        "non-characters": f"\ufffe\uffff \U0010ffff\n{OLD}\ue000\n",
        "replacement characters of its own": f"\ufffd\ufffd\n{OLD} \ufffd\n",
        "only the edited text": OLD,
        "trailing blanks": f"a  \t\n\t{OLD}\t \n\n\n\n",
        "one long line": f"{'é' * 20_000}{OLD}{'😀' * 10_000}",
        "bidirectional and joined": f"\u202e{OLD}\u202c 👨\u200d👩\u200d👧 e\u0301\u0323\n",
    }
    made = [Sample(name, "odd.txt", text.encode(), "utf-8", text) for name, text in texts.items()]
    text = f"a\r\n{OLD}\r\nb"
    return [
        *made,
        Sample("two BOMs", "a.txt", codecs.BOM_UTF8 * 2 + text.encode(), "utf-8", "\ufeff" + text, codecs.BOM_UTF8),
        Sample("a wrong cookie over UTF-8", "a.py", f"# coding: ascii\n# ü\n{OLD}\n".encode(), "utf-8",
               f"# coding: ascii\n# ü\n{OLD}\n"),
    ]  # fmt: skip


def _beside() -> list[Sample]:
    """Encodings that only `.editorconfig` names."""
    made: list[Sample] = []
    for charset, codec in (("latin1", "latin-1"), ("utf-16le", "utf-16-le"), ("utf-16be", "utf-16-be")):
        text = f"größe\r\n{OLD}\r\nend"
        config = f"root = true\n[*.{{txt,md}}]\ncharset = {charset}\n".encode()
        made.append(
            Sample(f"editorconfig {charset}", "b/a.txt", text.encode(codec), codec, text,
                   beside={".editorconfig": config})
        )  # fmt: skip
    xml = f'<?xml version="1.0" encoding="UTF-16"?>\n<a>{OLD} größe</a>'
    made.append(Sample("xml in UTF-16 without a BOM", "a.xml", xml.encode("utf-16-le"), "utf-16-le", xml))
    return made


SAMPLES: dict[str, Sample] = {sample.name: sample for sample in [*_declared(), *_unicode(), *_odd(), *_beside()]}
