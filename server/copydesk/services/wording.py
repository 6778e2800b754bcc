"""What a person reads when a call asks: the same words in every face, and the whole of them where they are long.

Owns the words; it decides nothing and knows no protocol. What is shown is what is run: characters that a screen hides
or turns around are written out. Start with `question`.
"""

import unicodedata

from copydesk.domain.frozen import frozen
from copydesk.domain.permissions import OPTION_NAMES, PermissionRequest

MAX_SHOWN = 400
"""Characters of a command in a dialog; the whole is in the document."""
MAX_RULES = 3
MAX_RULE = 120

UNREVIEWED = "What it does there is not reviewed, and Copydesk cannot undo it."

_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


@frozen
class Wording:
    """`asks` is one line, `lines` say why and what "always" means. `whole` is the text of the document; `is_cut`:
    the lines do not show everything exactly as it is.
    """

    asks: str
    lines: tuple[str, ...]
    whole: str
    is_cut: bool

    @property
    def text(self) -> str:
        return "\n".join((self.asks, *self.lines))


def question(request: PermissionRequest) -> Wording:
    what = request.command or request.title
    shown = visible(what)
    cut = _shortened(shown, MAX_SHOWN)
    rules = [_shortened(visible(rule), MAX_RULE) for rule in request.remember[:MAX_RULES]]
    more = f" and {len(request.remember) - MAX_RULES} more" if len(request.remember) > MAX_RULES else ""
    lines = [line for line in (_why(request),) if line]
    if "allow_always" in request.options and rules:
        lines.append(f"“{OPTION_NAMES['allow_always']}” would remember, for this folder: {', '.join(rules)}{more}")
    is_cut = cut != what or bool(more) or any(rule not in request.remember for rule in rules)
    return Wording(f"{_head(request)} {cut}", tuple(lines), whole(request), is_cut)


def _head(request: PermissionRequest) -> str:
    if request.command:
        return f"Copydesk asks to run{' on your real files' if request.in_place else ''}:"
    return "Copydesk asks:"


def _why(request: PermissionRequest) -> str:
    said = (request.asks, request.reason, UNREVIEWED if request.in_place else "")
    reasons = [" ".join(visible(each).split()) for each in said if each.strip()]
    reason = " ".join(dict.fromkeys(reasons))
    if request.level == "safe":
        return reason
    return f"{request.level.capitalize()} risk: {reason}" if reason else f"{request.level.capitalize()} risk."


def whole(request: PermissionRequest) -> str:
    """Everything, exactly, for a document of plain text."""
    parts = [_head(request), "", _indented(visible(request.command or request.title, keep_lines=True)), ""]
    if why := _why(request):
        parts += [why, ""]
    if request.locations:
        parts += ["It touches:", *(f"    {visible(uri)}" for uri in request.locations), ""]
    if request.remember:
        parts += [
            "“Always allow” would remember, for this folder:",
            *(f"    {visible(r)}" for r in request.remember),
            "",
        ]
    return "\n".join(parts)


def visible(text: str, *, keep_lines: bool = False) -> str:
    """The text with what cannot be seen written out: control characters, marks that turn the direction, line ends."""
    return "".join(char if _is_seen(char) or (keep_lines and char == "\n") else _escaped(char) for char in text)


def _is_seen(char: str) -> bool:
    return char == " " or not (unicodedata.category(char) in _HIDDEN or char.isspace())


def _escaped(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_NAMED = {"\n": " ⏎ ", "\t": "\\t", "\r": "\\r", "\x1b": "\\e"}


def _shortened(text: str, limit: int) -> str:
    """Head and tail: what a command does is often said at its end."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]} … {len(text) - head - tail} characters more … {text[-tail:]}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.split("\n"))
