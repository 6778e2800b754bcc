"""Facts about one symbol, as data, and as the Markdown of a hover. Pure. Start with `Facts`."""

from dataclasses import dataclass
from typing import Literal

MAX_LISTED = 8


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in the file: the dotted name of what it is in, and its 0-based line."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about one symbol. Lists are whole and in order; `to_markdown` cuts them.

    `kind`: function, method, class, import, parameter, variable, constant or field (other languages: theirs).
    `complexity` is McCabe's number, 0 when it does not apply. `line` is where it is defined, 0-based.
    """

    kind: str
    name: str
    line: int
    signature: str = ""
    documentation: str = ""
    callers: tuple[Mention, ...] = ()
    calls: tuple[str, ...] = ()
    raises: tuple[str, ...] = ()
    complexity: int = 0
    n_lines: int = 0
    decorators: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    subclasses: tuple[Mention, ...] = ()
    methods: tuple[str, ...] = ()
    origin: str = ""
    assigned: tuple[int, ...] = ()
    n_uses: int | None = None

    def to_markdown(self, *, signature: bool = False) -> str:
        """A short list for a hover; lines are shown 1-based. `signature` adds the head and the documentation."""
        parts = [self._head(signature), *(f"- {line}" for line in self._lines())]
        text = "\n".join(part for part in parts if part)
        return f"{text}\n\n{_escaped(self.documentation)}" if signature and self.documentation else text

    def _head(self, signature: bool) -> str:
        traits = "".join(f"{trait} " for trait in self.traits)
        title = f"**{traits}{self.kind}** `{self.name}`"
        return f"```python\n{self.signature}\n```\n{title}" if signature and self.signature else title

    def _lines(self) -> list[str]:
        rows = (
            ("From", f"`{self.origin}`" if self.origin else ""),
            ("Decorators", _code(tuple(f"@{one}" for one in self.decorators))),
            ("Bases", _code(self.bases)),
            ("Subclasses here", _mentions(self.subclasses)),
            ("Methods", _code(self.methods)),
            ("Called by", self._callers()),
            ("Calls", _code(self.calls)),
            ("Raises", _listed([one if one.startswith("re-raises") else f"`{one}`" for one in self.raises])),
            ("Assigned on", _assigned(self.assigned)),
            ("Used", f"{_times(self.n_uses)} in this file" if self.n_uses is not None else ""),
            ("Complexity", self._complexity()),
        )
        return [f"{label}: {value}" for label, value in rows if value]

    def _callers(self) -> str:
        if self.callers:
            return _mentions(self.callers)
        return "nothing in this file" if self.complexity else ""

    def _complexity(self) -> str:
        size = f"{self.n_lines} line{'s' if self.n_lines != 1 else ''}" if self.n_lines else ""
        if not self.complexity:
            return ""
        return f"{self.complexity} ({complexity_word(self.complexity)}), {size}"


def complexity_word(complexity: int) -> Literal["simple", "moderate", "complex"]:
    if complexity <= 5:
        return "simple"
    return "moderate" if complexity <= 10 else "complex"


def _code(names: tuple[str, ...]) -> str:
    return _listed([f"`{name}`" for name in names])


def _mentions(mentions: tuple[Mention, ...]) -> str:
    return _listed([f"`{one.name}` (line {one.line + 1})" for one in mentions])


def _listed(items: list[str]) -> str:
    more = len(items) - MAX_LISTED
    return ", ".join(items[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def _assigned(lines: tuple[int, ...]) -> str:
    if not lines:
        return ""
    return f"line{'s' if len(lines) > 1 else ''} " + _listed([str(line + 1) for line in lines])


def _times(n: int | None) -> str:
    return {0: "nowhere else", 1: "once", 2: "twice"}.get(n or 0, f"{n} times")


def _escaped(text: str) -> str:
    """Documentation is a stranger's text: no HTML, no images, no links that run commands."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("![", "!\\[").replace("](", "]\\(")
