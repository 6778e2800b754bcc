"""What a server refuses to be sent, learnt from its own words: it is left out, and the request is sent once more.

Servers that speak one wire take different parts of it: a field that most know is an error for some. Their words are
from real answers: OpenAI ("Unsupported parameter: 'max_tokens' …"), vLLM and NVIDIA ("Extra inputs are not permitted"
with the field's place), Groq ("property 'reasoning_content' is unsupported", "`reasoning_effort` must be one of …"),
xAI ("does not support parameter reasoningEffort"), LM Studio ("'response_format.type' must be 'json_schema'"), Ollama
("does not support thinking"), Mistral ("Unexpected role 'user' after role 'tool'"), Anthropic ("The block is bound to a
different conversation"). Only what nobody misses is ever left out; the tools and the messages are not.
Pure apart from what it remembers. Start with `Refusals.learn`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias, cast

from copydesk.models.catalog import Entry, SchemaForm

# Words in `Entry.refuses` that are no field's name.
LONG_IDS: Final = "ids that are not nine letters and digits"
USER_AFTER_TOOL: Final = "a user's message behind a tool's"
NEIGHBOURS: Final = "two messages of one role in a row"
NULL_CONTENT: Final = "an answer without text"
REASONING_BACK: Final = "earlier reasoning in the history"
SYSTEM_ROLE: Final = "the system role"
SIGNED_THINKING: Final = "earlier signed reasoning"
BETAS: Final = "beta features"
MARKS: Final = "cache marks"

_REFUSES: Final = r"(unsupported|not supported|not permitted|unknown|not allowed|forbidden)"
_HABITS: tuple[tuple[str, str], ...] = (
    (r"with a length of 9", LONG_IDS),
    (r"unexpected role 'user' after role 'tool'", USER_AFTER_TOOL),
    (r"roles? must alternate|must alternate between|alternate user/assistant", NEIGHBOURS),
    (r"system role (is )?not supported|system role.{0,20}unsupported", SYSTEM_ROLE),
    (r"bound to a different conversation|invalid `?signature`? in `?thinking", SIGNED_THINKING),
    (r"thinking`?.{0,80}blocks?.{0,80}cannot be modified", SIGNED_THINKING),
    (
        rf"(property|field|parameter|messages).{{0,60}}reasoning(_content|_details)?\b.{{0,60}}{_REFUSES}",
        REASONING_BACK,
    ),
    (r"\bcontent\b.{0,60}(should be a valid string|must be a string|\bnull\b|\bnone(type)?\b)", NULL_CONTENT),
    (r"anthropic-beta|beta (flag|header)", BETAS),
    (r"cache_control", MARKS),
)
"""What a message says → what it is about. Compiled when something is refused: few servers do."""

_OPTIONAL: dict[str, tuple[str, ...]] = {
    "stream_options": ("streamoptions", "includeusage"),
    "reasoning_effort": ("reasoningeffort", "thinking"),
    "reasoning": ("reasoning",),
    "thinking": ("thinking",),
    "chat_template_kwargs": ("chattemplatekwargs", "enablethinking", "thinking"),
    "prompt_cache_key": ("promptcachekey",),
    "cache_control": ("cachecontrol",),
    "parallel_tool_calls": ("paralleltoolcalls",),
    "output_config": ("outputconfig", "effort"),
    "tool_choice": ("toolchoice", "forcedtool", "forcestool"),
    "response_format": ("responseformat", "jsonschema", "jsonobject", "structuredoutput"),
}
"""A field that may be left out → what a message that refuses it says, without case, spaces and signs."""
_REFUSED: Final = (
    r"unsupported|not supported|unknown|unrecogni[sz]ed|extra (inputs|fields)|extra_forbidden|not permitted|not allowed"
    r"|unexpected|does(n't| not) support|not compatible|cannot|can't|invalid|must be|should be|not implemented"
    r"|deprecated|no longer|not available"
)
_UNKNOWN: Final = r"unsupported|not supported|unknown|unrecogni|extra|not permitted"
_LIMITS: Final = ("max_tokens", "max_completion_tokens")

Place: TypeAlias = tuple[str, str]
"""A server's address and a model's name."""
Changes: TypeAlias = dict[str, Any]
"""Fields of `Entry`, with what they are to be."""


class Refusals:
    """By server and model, what was refused so far. One for all models of a process."""

    def __init__(self) -> None:
        self._known: dict[Place, Changes] = {}
        self._of_session: set[tuple[Place, str]] = set()

    def applied(self, place: Place, entry: Entry, session: str = "") -> Entry:
        """The entry, without what the server at `place` refuses."""
        if (known := self._known.get(place)) is not None:
            entry = _changed(entry, known)
        if (place, session) in self._of_session:
            entry = _changed(entry, {"refuses": frozenset({SIGNED_THINKING})})
        return entry

    def learn(self, place: Place, entry: Entry, said: str, sent: Mapping[str, Any], session: str = "") -> str:
        """Takes in what was `said` of the body `sent`, made with `entry`.

        Gives what `applied` leaves out from now on; empty when there is nothing more to leave out.
        """
        said = said.replace("invalid_request_error", "")  # stands in every refusal, whatever it is about
        found = _limit(said, sent, entry) or _habit(said, sent, entry) or _field(said, sent, entry)
        if found is None:
            return ""
        what, changes = found
        if what == SIGNED_THINKING:
            self._of_session.add((place, session))  # because of what became of this history: others are as they were
        else:
            self._known[place] = _merged(self._known.get(place, {}), changes)
        return what

    def learn_habit(self, place: Place, entry: Entry, said: str, sent: Mapping[str, Any]) -> str:
        """The same for errors that may pass (a 500): only words that can mean nothing else are believed."""
        found = _habit(said, sent, entry)
        if found is None or found[0] not in (NEIGHBOURS, SYSTEM_ROLE, USER_AFTER_TOOL, LONG_IDS):
            return ""
        self._known[place] = _merged(self._known.get(place, {}), found[1])
        return found[0]


def _changed(entry: Entry, changes: Changes) -> Entry:
    return replace(entry, **(changes | {"refuses": entry.refuses | changes.get("refuses", frozenset())}))


def _merged(known: Changes, changes: Changes) -> Changes:
    return known | changes | {"refuses": known.get("refuses", frozenset()) | changes["refuses"]}


_Found: TypeAlias = "tuple[str, Changes] | None"


def _limit(said: str, sent: Mapping[str, Any], entry: Entry) -> _Found:
    """Either name of the output limit may be the one that is not known."""
    field = entry.max_tokens_field
    is_named = field in sent and field in _LIMITS and re.search(rf"\b{field}\b", said)
    if not is_named or not re.search(_UNKNOWN, said, re.IGNORECASE):
        return None
    other = _LIMITS[1 - _LIMITS.index(field)]
    if other in entry.refuses:
        return f"the field {field}", {"refuses": frozenset({field})}
    return f"the field {field} (it is {other} there)", {"refuses": frozenset({field}), "max_tokens_field": other}


def _habit(said: str, sent: Mapping[str, Any], entry: Entry) -> _Found:
    for pattern, habit in _HABITS:
        found = habit not in entry.refuses and re.search(pattern, said, re.IGNORECASE | re.DOTALL)
        if found and _is_in(habit, sent):
            return habit, {"refuses": frozenset({habit})}
    return None


def _is_in(habit: str, sent: Mapping[str, Any]) -> bool:
    """Whether leaving it out would change the body."""
    messages = [cast("dict[str, Any]", one) for one in sent.get("messages", ()) if isinstance(one, dict)]
    match habit:
        case _ if habit == REASONING_BACK:
            return any("reasoning_content" in one or "reasoning_details" in one for one in messages)
        case _ if habit == NULL_CONTENT:
            return any(one.get("content", "") is None for one in messages)
        case _ if habit == SYSTEM_ROLE:
            return any(one.get("role") == "system" for one in messages)
        case _ if habit == SIGNED_THINKING:
            return any('"thinking' in json.dumps(one) or "reasoning_details" in one for one in messages)
        case _ if habit == MARKS:
            return "cache_control" not in sent and "cache_control" in json.dumps(sent)
        case _:
            return True


def _field(said: str, sent: Mapping[str, Any], entry: Entry) -> _Found:
    if not re.search(_REFUSED, said, re.IGNORECASE):
        return None
    squeezed = re.sub(r"[^a-z0-9]", "", said.lower())
    for name, words in _OPTIONAL.items():
        if name in sent and name not in entry.refuses and any(word in squeezed for word in words):
            return _without(name, said, sent, entry)
    return None


def _without(name: str, said: str, sent: Mapping[str, Any], entry: Entry) -> _Found:
    is_schema = name in ("response_format", "tool_choice") or (name == "output_config" and "format" in sent[name])
    if not is_schema:
        return f"the field {name}", {"refuses": frozenset({name})}
    form = _next_form(entry, said)
    changes = {"schema": form, "refuses": frozenset({entry.schema})}
    return f"the schema as {entry.schema} (it is asked for as {form})", changes


def _next_form(entry: Entry, said: str) -> SchemaForm:
    """The form to ask for instead; whoever asked checks the answer whatever it was."""
    other: dict[SchemaForm, SchemaForm] = {"json_object": "json_schema", "json_schema": "json_object"}
    form = other.get(entry.schema, "words")
    return form if form in said and form not in entry.refuses else "words"
