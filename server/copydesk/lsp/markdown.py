"""Model text made safe to show as Markdown: no images, no raw HTML, no links that run something.

Owns the cleaning only; it knows no LSP type and no model. Start with `sanitise`.

A renderer may disagree with a cleaner about where code begins, and whatever the cleaner took for code would come
through live. So nothing is guessed: a fence is either recognised and written back in a form that every renderer
reads the same way (indentation, closing line), or its characters are escaped; inline code is trusted only where
each line balances by itself.
"""

import html
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

SAFE_SCHEMES = frozenset({"http", "https", "mailto"})

_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})([^\n]*)$")
_HIDDEN_FENCE = re.compile(r"^([\s>*+\-\d.)]*)(`{3,}|~{3,})")
_INFO = re.compile(r"[\w+#.-]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MARKS = re.compile(r"[<`~!\[\]()]")
MAX_NESTED_TAGS = 20
MAX_ROUNDS = 8
MAX_URL = 1_000
_ELEMENTS = (
    "a abbr address area article aside audio b base bdi bdo blockquote body br button canvas caption center cite code "
    "col colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset figcaption figure font footer "
    "form frame frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link main "
    "map mark marquee math menu meta meter nav noscript object ol optgroup option output p param picture pre progress "
    "q rp rt ruby s samp script section select slot small source span strike strong style sub summary sup svg table "
    "tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr"
).replace(" ", "|")
_TAG = re.compile(rf"</?(?:{_ELEMENTS})(?:[\s/](?:[^<>\"']|\"[^\"]*\"|'[^']*')*)?>", re.IGNORECASE)
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}):([^\s<>]*)>")
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*):")
_TITLE = r"(?:\"[^\"]*\"|'[^']*'|\([^()]*\))"
_DEFINITION = re.compile(rf"^( {{0,3}})\[([^\[\]\\]+)\]:[ \t]+<?(\S+?)>?(?:[ \t]+{_TITLE})?[ \t]*$")
_CONTAINED_DEFINITION = re.compile(r"^[\s>*+\-\d.)]*\[[^\[\]]+\]:[ \t]*(\S+).*$")
_BACKTICKS = re.compile(r"`+")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def sanitise(text: str) -> str:
    """Markdown that shows the same words but loads, runs and hides nothing. Fenced code is kept verbatim.

    Taking something out can put what follows at the start of its line, where it means something else; so the text is
    cleaned until cleaning changes nothing.
    """
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    for _ in range(MAX_ROUNDS):
        cleaned = "".join(_render(block) for block in _blocks(text.split("\n")))[:-1]
        if cleaned == text:
            return text
        text = cleaned
    return _inert(text)


def _inert(text: str) -> str:
    """Without any character that could begin something; for text that was built to resist."""
    return _MARKS.sub(lambda found: "&lt;" if found.group() == "<" else f"\\{found.group()}", text.replace("\\", ""))


def is_safe_url(url: str) -> bool:
    """Whether following `url` cannot run anything: http, https, mailto, or relative with no host."""
    plain = _plain_url(url)
    if plain.startswith(("//", "\\")):
        return False
    scheme = _SCHEME.match(plain)
    return scheme.group(1) in SAFE_SCHEMES if scheme else ":" not in plain.split("/", 1)[0]


# --- blocks ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Block:
    """Lines that are either all prose (no `fence`) or one fenced block without its fence lines."""

    lines: list[str] = field(default_factory=list[str])
    fence: str = ""
    indent: int = 0
    info: str = ""
    gap: bool = False

    def closes(self, line: str) -> bool:
        found = _FENCE.match(line)
        if not found or found.group(3).strip() or found.group(2)[0] != self.fence[0]:
            return False
        # A top-level closing fence is indented by three at most; in a list its depth cannot be known from here,
        # so any is taken and written back where the opening stood.
        return len(found.group(2)) >= len(self.fence) and (self.indent > 0 or _indent(line) <= 3)

    def leaves(self, line: str) -> bool:
        """An indented fence may stand in a list item, which ends with the first line to its left."""
        return bool(line.strip()) and _indent(line) < self.indent


def _blocks(lines: list[str]) -> list[_Block]:
    blocks = [_Block()]
    for line in lines:
        current = blocks[-1]
        if current.fence and current.closes(line):
            blocks.append(_Block())
            continue
        if current.fence and not current.leaves(line):
            current.lines.append(line)
            continue
        if current.fence:
            blocks.append(_Block())
        opened = _opened(line, blocks[-1].lines)
        if opened:
            blocks.append(opened)
        else:
            blocks[-1].lines.append(_unhide(line))
    return blocks


def _opened(line: str, before: list[str]) -> _Block | None:
    found = _FENCE.match(line)
    if not found or (found.group(2)[0] == "`" and "`" in found.group(3)):
        return None
    indent = _indent(line)
    # Indented by four, after prose, it would be a continuation of that paragraph and no code at all.
    gap = indent >= 4 and bool(before) and bool(before[-1].strip())
    info = _INFO.match(found.group(3).strip())
    return _Block(fence=found.group(2), indent=indent, info=info.group() if info else "", gap=gap)


def _unhide(line: str) -> str:
    """Escapes a fence that stands behind list or quote marks, where its end could not be known."""
    return _HIDDEN_FENCE.sub(lambda m: m.group(1) + "".join("\\" + char for char in m.group(2)), line)


def _indent(line: str) -> int:
    return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip(" "))


def _render(block: _Block) -> str:
    if not block.fence:
        return _prose("".join(line + "\n" for line in block.lines))
    margin = " " * block.indent
    body = "".join(line.expandtabs(4) + "\n" if block.indent else line + "\n" for line in block.lines)
    gap = "\n" if block.gap else ""
    return f"{gap}{margin}{block.fence}{block.info}\n{body}{margin}{block.fence}\n"


# --- prose -----------------------------------------------------------------------------------------------


def _prose(text: str) -> str:
    text = _without_html(text) if "<" in text else text
    if not any(mark in text for mark in ("<", "](", "![", "]:", "\\")):
        return text
    text = "".join(_definition(line) for line in _LINE.findall(text)) if "]:" in text else text
    return _Inline(text, trust_code=_is_balanced(text)).cleaned()


def _without_html(text: str) -> str:
    """HTML comments and known elements go, outside inline code."""
    trust = _is_balanced(text)
    parts = _split_code(text) if trust else [(text, False)]
    return "".join(part if is_code else _strip_tags(part) for part, is_code in parts)


def _strip_tags(text: str) -> str:
    """Taking one element out may join another together, so again until none is left. What then is left is escaped."""
    for _ in range(MAX_NESTED_TAGS):
        shorter = _TAG.sub("", _strip_comments(text))
        if shorter == text:
            break
        text = shorter
    return text


def _strip_comments(text: str) -> str:
    kept, at = "", 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept, at = kept + text[at:start], end + 3
    return kept + text[at:]


def _is_balanced(text: str) -> bool:
    """Whether each line's backticks pair up within the line, so that no block boundary can change what is code."""
    return all("`" not in line or _code_spans(line) is not None for line in text.split("\n"))


def _code_spans(line: str) -> list[tuple[int, int]] | None:
    """The inline code of one line as (start, end); None where a run has no partner or a table could cut it."""
    spans: list[tuple[int, int]] = []
    runs = [(m.start(), m.end()) for m in _BACKTICKS.finditer(line)]
    while runs:
        start, end = runs.pop(0)
        if _is_escaped(line, start):
            return None
        partner = next((i for i, run in enumerate(runs) if run[1] - run[0] == end - start), None)
        if partner is None:
            return None
        close = runs[partner][1]
        if "|" in line[start:close]:
            return None
        spans.append((start, close))
        runs = runs[partner + 1 :]
    return spans


def _is_escaped(line: str, at: int) -> bool:
    before = line[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _split_code(text: str) -> list[tuple[str, bool]]:
    parts: list[tuple[str, bool]] = []
    prose = ""
    for line in _LINE.findall(text):
        at = 0
        for start, end in _code_spans(line) or []:
            parts += [(prose + line[at:start], False), (line[start:end], True)]
            prose, at = "", end
        prose += line[at:]
    return [*parts, (prose, False)]


def _definition(line: str) -> str:
    """A link definition stays only when it is plain and safe; anything else of that shape goes."""
    bare = line.rstrip("\n")
    plain = _DEFINITION.match(bare)
    if plain and is_safe_url(plain.group(3)):
        return f"{plain.group(1)}[{plain.group(2)}]: {_quoted(plain.group(3))}\n"
    contained = _CONTAINED_DEFINITION.match(bare)
    if contained and not is_safe_url(contained.group(1).strip("<>")):
        return "\n"
    return line.replace("]:", "]\\:")


class _Inline:
    """One pass over prose, left to right, that writes back only what it understands."""

    def __init__(self, text: str, *, trust_code: bool) -> None:
        self.text = text
        self.trust_code = trust_code
        self.out: list[str] = []
        self.opened: list[tuple[int, bool]] = []

    def cleaned(self) -> str:
        at = 0
        while at < len(self.text):
            at = self._step(at)
        return "".join(self.out)

    def _step(self, at: int) -> int:
        match self.text[at]:
            case "\\":
                return self._escape(at)
            case "`":
                return self._code(at)
            case "!" if self.text.startswith("![", at):
                return self._open(at, 2, is_image=True)
            case "[":
                return self._open(at, 1, is_image=False)
            case "]" if self.text.startswith("](", at):
                return self._link(at)
            case "<":
                return self._angle(at)
            case "]":
                if self.opened:
                    self.opened.pop()
                self.out.append("]")
                return at + 1
            case char:
                self.out.append(char)
                return at + 1

    def _escape(self, at: int) -> int:
        pair = self.text[at : at + 2]
        self.out.append("&lt;" if pair == "\\<" else pair)
        return at + 2

    def _code(self, at: int) -> int:
        run = _BACKTICKS.match(self.text, at)
        width = len(run.group()) if run else 1
        if not self.trust_code:
            self.out.append(self.text[at : at + width])
            return at + width
        end = re.compile(rf"(?<!`)`{{{width}}}(?!`)").search(self.text, at + width)
        stop = end.end() if end else at + width
        self.out.append(self.text[at:stop])
        return stop

    def _open(self, at: int, width: int, *, is_image: bool) -> int:
        self.opened.append((len(self.out), is_image))
        self.out.append("[")
        return at + width

    def _link(self, at: int) -> int:
        """`](`: the destination is judged by itself, so that nesting cannot hide it."""
        mark, is_image = self.opened.pop() if self.opened else (None, False)
        target = None if mark is None else _destination(self.text, at + 2)
        if mark is None or target is None:
            self.out.append("]\\(")
            return at + 2
        url, end = target
        if is_image or not is_safe_url(url):
            self.out[mark] = ""
            return end
        self.out.append(f"]({_quoted(url)})")
        return end

    def _angle(self, at: int) -> int:
        link = _AUTOLINK.match(self.text, at)
        if link and link.group(1).lower() in SAFE_SCHEMES:
            self.out.append(_quoted(f"{link.group(1)}:{link.group(2)}"))
            return link.end()
        if link:
            return link.end()
        following = self.text[at + 1 : at + 2]
        self.out.append("&lt;" if following.isalpha() or following in tuple("/!?") else "<")
        return at + 1


def _destination(text: str, at: int) -> tuple[str, int] | None:
    """The URL of an inline link whose `(` ends at `at`, and where its `)` ends; None when it is not one."""
    while at < len(text) and text[at] in " \t\n":
        at += 1
    bracketed = re.compile(r"<((?:\\.|[^<>\n\\])*)>").match(text, at)
    if bracketed:
        return _after_title(text, bracketed.end(), bracketed.group(1))
    depth, start = 0, at
    while at < len(text) and not text[at].isspace():
        if at - start > MAX_URL:
            return None
        if text[at] == "\\":
            at += 1
        elif text[at] == "(":
            depth += 1
        elif text[at] == ")":
            if depth == 0:
                break
            depth -= 1
        at += 1
    return _after_title(text, at, text[start:at])


def _after_title(text: str, at: int, url: str) -> tuple[str, int] | None:
    end = re.compile(rf"(?:\s+{_TITLE})?\s*\)").match(text, at)
    return (url, end.end()) if end else None


# --- URLs ------------------------------------------------------------------------------------------------


def _plain_url(url: str) -> str:
    """What a renderer may make of `url`: escapes, entities, percent signs and stray white space resolved."""
    for _ in range(4):
        decoded = unquote(html.unescape(_ESCAPED.sub(r"\1", url)))
        if decoded == url:
            break
        url = decoded
    return "".join(char for char in url if char.isprintable() and not char.isspace()).lower()


def _quoted(url: str) -> str:
    """The URL in characters that end neither a link nor its title."""
    return quote(html.unescape(_ESCAPED.sub(r"\1", url)), safe="%/:?#@!$&*+,;=~-._")
