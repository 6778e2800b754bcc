"""The table of settings, and the frozen object everything reads.

One row a setting: key, type, default, what is allowed, and what a project file may do to it. Loading is in
`layers`; `docs/SETTINGS.md` is checked against this table. Knows no policy: it says what is set, not what it means.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal, TypeAlias, cast

from copydesk.domain.frozen import frozen

Value: TypeAlias = "str | int | float | bool | tuple[str, ...] | None"
Project: TypeAlias = Literal["free", "tighten", "never"]
"""What an untrusted project file may do: set it, only make it stricter, or nothing at all."""


@frozen
class Setting:
    """`allowed` lists the values of a choice, strictest first. `minimum` bounds numbers.

    `adds`: each layer's list joins those below it, so that nobody loses a rule to a setting elsewhere.
    """

    key: str
    kind: Literal["text", "choice", "integer", "number", "flag", "texts"]
    default: Value
    doc: str
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    project: Project = "never"
    optional: bool = False
    adds: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting("model.name", "text", "auto", "The model, `provider/model`; `auto` takes the first that answers."),
    Setting("model.baseUrl", "text", None, "Base URL of an OpenAI-compatible server for `compat/…`.", optional=True),
    Setting(
        "model.api",
        "choice",
        "auto",
        "Which API `openai/…` and `compat/…` speak; `auto`: Responses at OpenAI, elsewhere what is there.",
        allowed=("auto", "chat", "responses"),
    ),
    Setting("model.fallbacks", "texts", (), "Models to try when the first one keeps failing."),
    Setting(
        "model.retryForS",
        "number",
        180.0,
        "Seconds that a model which fails is tried again; hours let a run outlast an outage.",
        minimum=0,
        project="tighten",
    ),
    Setting("model.webhookUrl", "text", None, "Where one message is sent when models keep failing.", optional=True),
    Setting("model.webhookAfter", "integer", 10, "Failed tries in a row before that message.", minimum=1),
    Setting(
        "model.thinking",
        "choice",
        "auto",
        "How much a model reasons before it answers.",
        allowed=("off", "low", "medium", "high", "auto"),
        project="free",
    ),
    Setting(
        "model.maxOutputTokens",
        "integer",
        None,
        "Limit of one answer, in tokens.",
        minimum=1,
        project="tighten",
        optional=True,
    ),
    Setting(
        "permissions.mode",
        "choice",
        "ask",
        "What a turn may do unasked.",
        allowed=("plan", "ask", "acceptEdits", "auto"),
        project="tighten",
    ),
    Setting("permissions.allow", "texts", (), "Rules for what never asks.", adds=True),
    Setting("permissions.ask", "texts", (), "Rules for what always asks.", project="tighten", adds=True),
    Setting("permissions.deny", "texts", (), "Rules for what is always refused.", project="tighten", adds=True),
    Setting(
        "permissions.askTimeoutS",
        "number",
        300.0,
        "How long a question waits for you; no answer counts as no.",
        minimum=0.1,
    ),
    Setting(
        "review.mode",
        "choice",
        None,
        "How edits are offered. Unset: `ask` mode confirms, `acceptEdits` and `auto` apply.",
        allowed=("hunks", "confirm", "apply"),
        project="tighten",
        optional=True,
    ),
    Setting("review.save", "flag", False, "Save what was accepted, where the client can."),
    Setting("verify.commands", "texts", (), "Commands that check an offer."),
    Setting("verify.enabled", "flag", True, "Check offers before they are shown.", project="tighten"),
    Setting(
        "verify.waitS",
        "number",
        60.0,
        "Seconds that an offer waits for its checks; after that it is shown, and its evidence follows.",
        minimum=0,
    ),
    Setting(
        "sandbox.backend",
        "choice",
        "auto",
        "How commands are confined.",
        allowed=("auto", "bubblewrap", "landlock", "container", "process", "off"),
    ),
    Setting("sandbox.network", "choice", "off", "Whether commands reach the network.", allowed=("off", "on")),
    Setting("sandbox.image", "text", None, "Image for the container backend.", optional=True),
    Setting(
        "hover.model",
        "choice",
        "auto",
        "Whether a hover may ask a model; `auto`: only models that run on this machine.",
        allowed=("off", "cached", "auto", "always"),
        project="tighten",
    ),
    Setting("hover.budgetMs", "integer", 800, "How long a hover may wait for an answer.", minimum=0, project="free"),
    Setting("hover.signature", "flag", False, "Show signature and documentation too.", project="free"),
    Setting("budget.maxSteps", "integer", 50, "Most model requests in one turn.", minimum=1, project="tighten"),
    Setting(
        "budget.perTurnUsd",
        "number",
        None,
        "Most money one turn may cost.",
        minimum=0,
        project="tighten",
        optional=True,
    ),
    Setting(
        "budget.perDayUsd", "number", None, "Most money one day may cost.", minimum=0, project="tighten", optional=True
    ),
    Setting(
        "context.instructionFiles",
        "texts",
        ("AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md"),
        "Files whose text the model is given as the project's instructions.",
        project="free",
    ),
    Setting("network.offline", "flag", False, "Close the outbound door.", project="tighten"),
    Setting(
        "trace.level", "choice", "off", "How much is logged.", allowed=("off", "messages", "verbose"), project="free"
    ),
)

BY_KEY: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS}
CLIENT_ONLY = frozenset({"server.command", "server.interpreter", "trace.server", "token", "workspaceTrusted"})
"""Keys a client keeps for itself (or that travel beside settings): known, and not ours to check."""


@frozen
class Settings:
    """What is in force. `sources` says for each key which layer set it ("default" otherwise)."""

    values: Mapping[str, Value] = field(default_factory=lambda: {s.key: s.default for s in SETTINGS})
    sources: Mapping[str, str] = field(default_factory=dict[str, str])

    def text(self, key: str) -> str:
        """A text or choice setting; empty when it is unset."""
        return cast("str", self.values[key] or "")

    def texts(self, key: str) -> tuple[str, ...]:
        return cast("tuple[str, ...]", self.values[key])

    def integer(self, key: str) -> int:
        return cast("int", self.values[key] or 0)

    def number(self, key: str) -> float | None:
        return cast("float | None", self.values[key])

    def flag(self, key: str) -> bool:
        return bool(self.values[key])


def check(setting: Setting, raw: object) -> tuple[Value, str]:
    """The value as its setting's type, and what is wrong with it (empty when nothing is)."""
    if raw is None and setting.optional:
        return None, ""
    value, expected = _CHECKS[setting.kind](setting, raw)
    if value is None:
        return (
            setting.default,
            f"{setting.key} = {raw!r} cannot be used: expected {expected}. It stays {_shown(setting)}.",
        )
    return value, ""


def _shown(setting: Setting) -> str:
    return "unset" if setting.default is None else repr(setting.default)


def _choice(setting: Setting, raw: object) -> tuple[Value, str]:
    return (raw if isinstance(raw, str) and raw in setting.allowed else None), "one of " + ", ".join(setting.allowed)


def _text(_setting: Setting, raw: object) -> tuple[Value, str]:
    return (raw.strip() if isinstance(raw, str) and raw.strip() else None), "a text that is not empty"


def _integer(setting: Setting, raw: object) -> tuple[Value, str]:
    if isinstance(raw, str) and raw.strip().lstrip("-").isdigit():
        raw = int(raw)
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    fits = isinstance(raw, int) and not isinstance(raw, bool) and raw >= (setting.minimum or 0)
    return (cast("int", raw) if fits else None), f"a whole number ≥ {int(setting.minimum or 0)}"


def _number(setting: Setting, raw: object) -> tuple[Value, str]:
    expected = f"a number ≥ {setting.minimum or 0:g}"
    if isinstance(raw, str):
        try:
            raw = float(raw)
        except ValueError:
            return None, expected
    fits = isinstance(raw, (int, float)) and not isinstance(raw, bool) and raw >= (setting.minimum or 0)
    return (float(cast("float", raw)) if fits else None), expected


def _flag(_setting: Setting, raw: object) -> tuple[Value, str]:
    words = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}
    if isinstance(raw, str):
        raw = words.get(raw.strip().lower())
    return (raw if isinstance(raw, bool) else None), "true or false"


def _texts(_setting: Setting, raw: object) -> tuple[Value, str]:
    if isinstance(raw, str):
        raw = [part.strip() for part in raw.split(",") if part.strip()]
    items = cast("Sequence[Any]", raw) if isinstance(raw, (list, tuple)) else None
    fits = items is not None and all(isinstance(item, str) for item in items)
    return (tuple(cast("Sequence[str]", items)) if fits else None), "a list of texts"


_CHECKS: Mapping[str, Callable[[Setting, object], tuple[Value, str]]] = {
    "text": _text,
    "choice": _choice,
    "integer": _integer,
    "number": _number,
    "flag": _flag,
    "texts": _texts,
}
