"""Whether a model can do the work: a few small real requests, and for each that fails what to do about it.

Owns what is asked and how it is judged. The model is used as a turn uses it: through its own wire, with the meter
around it, so that caps and the offline switch hold. Start with `certify`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from anyio.lowlevel import checkpoint

from copydesk.agent.streaming import Assembly
from copydesk.domain import errors
from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Message, Text, ToolCall, ToolResult
from copydesk.domain.models import ModelFacts, facts_of
from copydesk.domain.money import Cost, dollars, to_amount
from copydesk.domain.ports import Model
from copydesk.domain.stream import ModelRequest, TextDelta
from copydesk.domain.tools import ToolSpec
from copydesk.models.knowledge import no_tools, wider
from copydesk.models.structured import JsonShape, ask_in_shape
from copydesk.models.windows import SMALL, Kind

Key: TypeAlias = Literal["text", "tools", "results", "parallel", "schema", "window"]

TITLES: Final[Mapping[Key, str]] = {
    "text": "streams text",
    "tools": "calls a tool with exact arguments",
    "results": "uses the tool's result",
    "parallel": "calls two tools at once",
    "schema": "answers in a JSON schema",
    "window": "has room to work in",
}
NEEDED: Final = ("text", "tools", "results")
"""Without these no turn gets anywhere."""
ANSWER_TOKENS: Final = 4_096
"""Room for one answer: models that reason first need most of it."""
SYSTEM: Final = "A program is testing whether you can work with it. Do exactly what is asked, and nothing else."
LINE: Final = "Grüße, 世界 ✓"
PLACE: Final = {"path": "src/naïve café/übung.py", "line": 42}
NOTE: Final = "Größe prüfen – 日本語 “quoted” \\ done"
CODE_WORD: Final = "KESTREL-7419"
CITIES: Final = ("Zürich", "Kraków")
_SAVE = ToolSpec(
    "save_note",
    "Saves a note about a place in a file, and returns a code word.",
    {
        "type": "object",
        "properties": {
            "place": {
                "type": "object",
                "properties": {"path": {"type": "string"}, "line": {"type": "integer"}},
                "required": ["path", "line"],
                "additionalProperties": False,
            },
            "note": {"type": "string"},
        },
        "required": ["place", "note"],
        "additionalProperties": False,
    },
    "other",
    "read",
)
_WEATHER = ToolSpec(
    "weather",
    "The weather in one city now.",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "other",
    "read",
)
_SHAPE = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "letters": {"type": "integer"}},
    "required": ["city", "letters"],
    "additionalProperties": False,
}
_HOPELESS = (
    errors.AuthRejected,
    errors.MissingKey,
    errors.UnknownModel,
    errors.Offline,
    errors.BudgetExceeded,
    errors.ConnectionLost,
    errors.ModelTimeout,
)
"""After these no other request goes better."""


@frozen
class Check:
    """One thing that was tried. `ok` is None when it was not; `advice` says what to do when it is not True."""

    key: Key
    ok: bool | None
    text: str
    advice: str = ""

    @property
    def title(self) -> str:
        return TITLES[self.key]


@frozen
class Certificate:
    """What came of it. `works`: a turn with tools can be done."""

    model: str
    works: bool
    checks: tuple[Check, ...]
    facts: ModelFacts


Tell: TypeAlias = Callable[[Check], None]
Refresh: TypeAlias = Callable[[], Awaitable[None]]


async def certify(model: Model, kind: Callable[[], Kind], tell: Tell, refresh: Refresh = checkpoint) -> Certificate:
    """Tries one thing after another and tells each as it is known. `kind` is the server's, for the advice.

    `refresh` has the server asked again once the model is loaded: only then some know their window.
    """
    return await _Certifier(model, kind, tell).run(refresh)


class _Certifier:
    def __init__(self, model: Model, kind: Callable[[], Kind], tell: Tell) -> None:
        self._model = model
        self._kind = kind
        self._tell = tell
        self._checks: list[Check] = []
        self._is_over = False

    async def run(self, refresh: Refresh) -> Certificate:
        await self._try("text", self._text)
        await self._try("tools", self._tools)
        await self._try("parallel", self._parallel)
        await self._try("schema", self._schema)
        await refresh()
        self._take(self._window())
        passed = {check.key for check in self._checks if check.ok}
        works = all(key in passed for key in NEEDED)
        return Certificate(self._model.name, works, tuple(self._checks), facts_of(self._model))

    async def _try(self, key: Key, work: "Callable[[], Any]") -> None:
        if self._is_over:
            self._not_tried(key)
            return
        try:
            await work()
        except errors.ModelError as error:
            self._is_over = isinstance(error, _HOPELESS)
            self._take(Check(key, False, error.message, self._advice(key, error)))
            if key == "tools":
                self._not_tried("results")

    def _not_tried(self, key: Key) -> None:
        self._take(Check(key, None, "not tried"))
        if key == "tools":
            self._not_tried("results")

    def _take(self, check: Check) -> None:
        self._checks.append(check)
        self._tell(check)

    def _advice(self, key: Key, error: errors.ModelError) -> str:
        if key in ("tools", "parallel") and not isinstance(error, _HOPELESS):
            return no_tools(self._kind())
        return error.advice

    async def _ask(self, messages: tuple[Message, ...], *tools: ToolSpec) -> tuple[Message, int]:
        """The answer, and in how many pieces its text came."""
        assembly, n_pieces = Assembly(), 0
        async with self._model.stream(self._request(messages, *tools)) as events:
            async for event in events:
                n_pieces += isinstance(event, TextDelta)
                assembly.feed(event)
        message = assembly.message()
        if not message.text and assembly.refusal:
            message = Message("assistant", (*message.parts, Text("".join(assembly.refusal))))
        return message, n_pieces

    def _request(self, messages: tuple[Message, ...], *tools: ToolSpec) -> ModelRequest:
        limit = min(ANSWER_TOKENS, facts_of(self._model).output_limit_tokens)
        return ModelRequest(SYSTEM, messages, tools, max_output_tokens=limit)

    # --- what is tried ---

    async def _text(self) -> None:
        answer, n_pieces = await self._ask(_said(f"Answer with exactly this line: {LINE}"))
        if LINE not in answer.text:
            self._take(Check("text", False, f"it was to say {LINE!r} and said {_short(answer.text)}", _OTHER))
            return
        pieces = f"in {n_pieces} pieces" if n_pieces > 1 else "in one piece: nothing is shown before it is whole"
        self._take(Check("text", True, pieces))

    async def _tools(self) -> None:
        """The call, and then what the model makes of its result."""
        wanted = {"place": PLACE, "note": NOTE}
        asked = _said(
            f"Call save_note once, with place.path = {PLACE['path']}, place.line = {PLACE['line']} and note = {NOTE} "
            "(all of it, exactly as it stands here). When it has answered, tell me the code word that it returned."
        )
        answer, _ = await self._ask(asked, _SAVE)
        call = next((call for call in answer.calls if call.name == _SAVE.name), None)
        if call is None or call.problem or dict(call.arguments) != wanted:
            self._take(Check("tools", False, *self._no_call(answer, call, wanted)))
            self._take(Check("results", None, "not tried"))
            return
        self._take(Check("tools", True, "nested, with every character as it was"))
        results = tuple(ToolResult(one.id, one.name, f"Saved. The code word is {CODE_WORD}.") for one in answer.calls)
        try:
            closing, _ = await self._ask((*asked, answer, Message("tool", results)), _SAVE)
        except errors.ModelError as error:
            self._is_over = isinstance(error, _HOPELESS)
            self._take(Check("results", False, error.message, error.advice))
            return
        knows = CODE_WORD in closing.text
        said = "" if knows else f"it did not name the code word and said {_short(closing.text)}"
        self._take(Check("results", knows, said or "it named what the tool returned", "" if knows else _OTHER))

    def _no_call(self, answer: Message, call: ToolCall | None, wanted: dict[str, Any]) -> tuple[str, str]:
        if call is not None and call.problem:
            return f"its arguments cannot be used: {call.problem}", _OTHER
        if call is not None:
            return f"it was to pass {_short(str(wanted))} and passed {_short(str(dict(call.arguments)))}", _OTHER
        if _SAVE.name in answer.text:
            text = f"it wrote the call as text, which its server did not read: {_short(answer.text)}"
            return text, no_tools(self._kind())
        if not facts_of(self._model).tools:
            return "its server says that it takes no tools", no_tools(self._kind())
        return f"it called no tool and said {_short(answer.text)}", no_tools(self._kind())

    async def _parallel(self) -> None:
        text = f"Call weather for {CITIES[0]} and for {CITIES[1]}: both calls in this one answer, before any result."
        answer, _ = await self._ask(_said(text), _WEATHER)
        cities = [call.arguments.get("city") for call in answer.calls if not call.problem]
        if sorted(map(str, cities)) == sorted(CITIES):
            self._take(Check("parallel", True, "two calls in one answer, not mixed up"))
            return
        text = (
            f"it made {len(answer.calls)} call{'' if len(answer.calls) == 1 else 's'} of the two: {_short(str(cities))}"
        )
        self._take(Check("parallel", False, text, "Turns take more steps without it; they work."))

    async def _schema(self) -> None:
        asked = _said("The capital of France as `city`, and how many letters its name has as `letters`, as JSON.")
        try:
            value = await ask_in_shape(self._model, self._request(asked), JsonShape(_SHAPE, "capital"))
        except errors.WrongShape as error:
            self._take(Check("schema", False, error.message, error.advice))
            return
        form = {"json_schema": "as its own field", "tool": "as a tool", "json_object": "in JSON mode"}
        how = form.get(facts_of(self._model).schema, "by words")
        self._take(Check("schema", True, f"{how}: {_short(str(value))}"))

    def _window(self) -> Check:
        facts = facts_of(self._model)
        sure = {"default": ", which is only assumed", "server": ", as its server says"}.get(facts.source, "")
        text = f"{facts.window_tokens:,} tokens{sure}"
        if facts.window_tokens < SMALL:
            return Check("window", False, text, wider(self._kind()))
        return Check("window", True, text)


_OTHER = "Take another model, or a larger one: this one does not do what it is told."


def _said(text: str) -> tuple[Message, ...]:
    return (Message("user", (Text(text),)),)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 120 else line[:119] + "…") if line else "nothing"


def certificate_to_json(certificate: Certificate, cost: Cost) -> dict[str, Any]:
    """As clients get it."""
    from copydesk.models.listing import facts_to_json

    return {
        "model": certificate.model,
        "works": certificate.works,
        "checks": [
            {"key": check.key, "title": check.title, "ok": check.ok, "text": check.text, "advice": check.advice}
            for check in certificate.checks
        ],
        "facts": facts_to_json(certificate.facts),
        "cost": to_amount(cost.usd),
        "verdict": verdict(certificate, cost_words(certificate, cost)),
    }


MARKS: Final = {True: "✓", False: "✗", None: "·"}


def check_line(check: Check) -> str:
    """For people: one line, and what to do below it."""
    advice = f"\n    {check.advice}" if check.advice and not check.ok else ""
    return f"{MARKS[check.ok]} {check.title}: {check.text}{advice}"


def cost_words(certificate: Certificate, cost: Cost) -> str:
    """What it cost, or why nobody can say."""
    if cost.usd == 0:
        return "nothing"
    if cost.usd is not None:
        return f"{'about ' if cost.estimated else ''}{dollars(cost.usd)}"
    return "nothing" if certificate.facts.billing == "free" else "what your provider asks (its price is not known)"


def verdict(certificate: Certificate, cost: str) -> str:
    """The last line: whether it can be relied on, and what the check cost."""
    name = certificate.model
    if certificate.works:
        failed = [check.title for check in certificate.checks if not check.ok]
        but = f" But not: {', '.join(failed)}." if failed else ""
        return f"{name} can do the work.{but} The check cost {cost}."
    return f"{name} cannot be relied on for work with tools. The check cost {cost}."
