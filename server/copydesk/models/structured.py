"""Structured answers: a schema goes into the request, a checked value comes out, or a typed error.

Owns what is done with an answer: whether it fits, what the model is told when it does not (once), and what a refusal or
a cut-off answer means. How each provider is told the schema is its wire's. Start with `ask_for`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar, cast

from copydesk.domain import errors
from copydesk.domain.frozen import frozen
from copydesk.domain.json_kinds import shown
from copydesk.domain.messages import Message, Text, Usage
from copydesk.domain.models import SchemaForm, facts_of
from copydesk.domain.ports import Model
from copydesk.domain.stream import (
    Finished,
    FinishReason,
    ModelRequest,
    OutputSchema,
    RefusalDelta,
    TextDelta,
    ToolCallStart,
    UsageReport,
)
from copydesk.models.answer_text import objects_in, whole_json
from copydesk.models.nulls import without_nulls
from copydesk.models.schemas import fits_strict, schema_name
from copydesk.models.shape_rules import refuse_unusable
from copydesk.models.shapes import Misfit, Problem, canonical
from copydesk.models.shapes import problems as problems_of

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

SMALLEST_LARGER = 4_096
TIMES_LARGER = 4
"""How much longer an answer may be that is asked for again because it was cut off."""
MAX_SHOWN = 4_000
"""Characters of a wrong answer that are sent back to the model."""
FORMS_WITH_WORDS = ("words", "json_object")
"""The wires' other forms hold the model to the schema, but for schemas that they cannot say, or beside tools."""
OTHER_MODEL = "Ask again, set another model.name, or ask for something simpler."


class Shape(Protocol[T_co]):
    """What an answer must look like, and what it becomes."""

    @property
    def schema(self) -> OutputSchema: ...

    def read(self, value: dict[str, Any]) -> T_co:
        """Raises `Misfit`."""
        ...


class JsonShape:
    """A shape that was given as JSON Schema; what is read stays the JSON object it is."""

    def __init__(self, schema: object, name: str = "") -> None:
        """Raises `BadSchema` for a schema that could not be checked."""
        usable = refuse_unusable(schema)
        title = name or usable.get("title", "")
        self.schema = OutputSchema(schema_name(title if isinstance(title, str) else ""), usable)

    def read(self, value: dict[str, Any]) -> dict[str, Any]:
        if found := problems_of(self.schema.schema, value):
            raise Misfit(found)
        return value


@frozen
class Try:
    """One answer. `reason` is why it ended."""

    text: str
    reason: FinishReason
    usage: Usage
    refusal: str = ""
    called: tuple[str, ...] = ()


OnTry = Callable[[Try], None]


def ignore_try(_done: Try) -> None:
    """Nobody counts."""


async def ask_for(model: Model, request: ModelRequest, schema_type: type[T], *, on_try: OnTry = ignore_try) -> T:
    """An instance of `schema_type` (a pydantic model, or whatever pydantic has a schema for), made of the answer.

    Raises `WrongShape` and its kinds, and what the model's stream raises. `on_try` is told of each answer as it ended,
    with its usage, also of one that failed.
    """
    from copydesk.models.typed_answers import TypedShape  # pydantic: only who asks pays for it

    return await ask_in_shape(model, request, TypedShape(schema_type), on_try=on_try)


async def ask_in_shape(model: Model, request: ModelRequest, shape: Shape[T], *, on_try: OnTry = ignore_try) -> T:
    """As `ask_for`, for any shape. At most two requests."""
    asked = replace(request, schema=shape.schema)
    facts = facts_of(model)
    reading = Reading(shape, tolerant=_in_words(facts.schema, asked))
    first = await _answer(model, asked, on_try)
    try:
        return reading.read(first)
    except errors.WrongShape as wrong:
        again = second_request(asked, first, wrong, facts.output_limit_tokens)
        if again is None:
            raise
    return reading.read(await _answer(model, again, on_try), again=True)


def _in_words(form: SchemaForm, asked: ModelRequest) -> bool:
    """Whether words around the JSON are to be expected: the model was told the schema in words, or may have been."""
    if form in FORMS_WITH_WORDS or asked.schema is None:
        return True
    return bool(asked.tools) or not fits_strict(asked.schema.schema, "anthropic")


def second_request(asked: ModelRequest, first: Try, wrong: errors.WrongShape, output_limit: int) -> ModelRequest | None:
    """What is sent after an answer that cannot be used; None where another try would come to the same."""
    match wrong:
        case errors.AnswerRefused():
            return None
        case errors.AnswerCutOff() if first.reason == "max_tokens":
            larger = larger_limit(asked.max_output_tokens, first.usage.output, output_limit)
            return replace(asked, max_output_tokens=larger) if larger else None
        case errors.AnswerCutOff():
            return asked
        case _:
            return replace(asked, messages=(*asked.messages, *repair(first.text, wrong)))


def larger_limit(limit: int | None, n_output: int, output_limit: int) -> int | None:
    """A limit that gives the answer more room. Where none was set, the server's own may be below the model's."""
    if limit is None:
        return output_limit if n_output < output_limit else None
    return min(output_limit, max(SMALLEST_LARGER, TIMES_LARGER * limit)) if limit < output_limit else None


def repair(text: str, wrong: errors.WrongShape) -> tuple[Message, ...]:
    """The wrong answer, and what is wrong with it."""
    listed = "\n".join(f"- {_placed(place, words)}" for place, words in wrong.problems) or f"- {wrong.message}"
    words = (
        f"This answer cannot be used:\n{listed}\n"
        "Send the whole answer again, corrected: one JSON object that fits the schema, and nothing else."
    )
    shown = text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]} …"
    said = (Message("assistant", (Text(shown),)),) if shown.strip() else ()
    return (*said, Message("user", (Text(words),)))


async def _answer(model: Model, request: ModelRequest, on_try: OnTry) -> Try:
    """One whole answer; reasoning is left out."""
    said: list[str] = []
    refused: list[str] = []
    called: list[str] = []
    reason: FinishReason = "cut_off"
    usage = Usage()
    try:
        async with model.stream(request) as events:
            async for event in events:
                match event:
                    case TextDelta(text):
                        said.append(text)
                    case RefusalDelta(text):
                        refused.append(text)
                    case ToolCallStart(name=name):
                        called.append(name)
                    case UsageReport(usage):
                        pass
                    case Finished(reason):
                        pass
                    case _:
                        pass
    finally:
        done = Try("".join(said), reason, usage, "".join(refused), tuple(called))
        on_try(done)
    return done


# --- reading ------------------------------------------------------------------------------------------------


class Reading(Generic[T]):
    """`tolerant`: words and fences around the JSON are passed over, as such models cannot be kept from them."""

    def __init__(self, shape: Shape[T], *, tolerant: bool) -> None:
        self._shape = shape
        self._tolerant = tolerant

    def read(self, answer: Try, *, again: bool = False) -> T:
        """The value. Raises `WrongShape` or one of its kinds. `again`: it was the second try."""
        text = answer.text
        if answer.reason == "refusal" or (answer.refusal and not text.strip()):
            raise _refused((answer.refusal or text).strip())
        if not text.strip():
            raise _empty(answer)
        if answer.reason in ("max_tokens", "cut_off"):
            return self._cut(answer)
        try:
            return self._found(text) if self._tolerant else self._value(_as_object(whole_json(text)))
        except ValueError as error:
            found: tuple[Problem, ...] = (("", f"is not JSON: {error}"),)
        except Misfit as misfit:
            found = misfit.problems
        raise wrong_shape(text, found, again=again)

    def _found(self, text: str) -> T:
        """The one object that fits, wherever it stands. Raises ValueError where there is none at all."""
        misfit: Misfit | None = None
        for place in objects_in(text):
            fitting: dict[str, T] = {}
            for each in place:
                try:
                    fitting.setdefault(canonical(each), self._value(each))
                except Misfit as error:
                    misfit = error
            if len(fitting) == 1:
                return next(iter(fitting.values()))
            if fitting:
                raise Misfit((("", f"has {len(fitting)} different JSON objects that fit; send one"),))
        if misfit is not None:
            raise misfit
        return self._value(_as_object(whole_json(text)))

    def fits(self, text: str) -> T | None:
        """The value of a text that is nothing but JSON, or a fence around it, and fits; else None."""
        try:
            return self._value(_as_object(whole_json(text, fenced=True)))
        except (ValueError, Misfit):
            return None

    def misfit(self, text: str) -> errors.WrongShape | None:
        """What is wrong with a text that is JSON, so that it can only have been meant as the answer; else None."""
        try:
            self._value(_as_object(whole_json(text, fenced=True)))
        except ValueError:
            return None
        except Misfit as misfit:
            return wrong_shape(text, misfit.problems, again=False)
        return None

    def _cut(self, answer: Try) -> T:
        """An answer that broke off can still be whole: its object was closed, only the end was not said."""
        try:
            return self._value(_as_object(whole_json(answer.text)))
        except (ValueError, Misfit):
            raise _broken_off(answer) from None

    def _value(self, value: dict[str, Any]) -> T:
        return self._shape.read(cast("dict[str, Any]", without_nulls(self._shape.schema.schema, value)))


def _as_object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Misfit((("", f"must be a JSON object, got {shown(value)}"),))
    return cast("dict[str, Any]", value)


# --- errors -------------------------------------------------------------------------------------------------


def wrong_shape(text: str, found: tuple[Problem, ...], *, again: bool) -> errors.WrongShape:
    listed = "; ".join(_placed(place, words) for place, words in found)
    also = ", also when it was asked again" if again else ""
    return errors.WrongShape(
        f"The model's answer does not fit the schema{also}: {listed}.", advice=OTHER_MODEL, answer=text, problems=found
    )


def _placed(place: str, words: str) -> str:
    return f"`{place}` {words}" if place else f"the answer {words}"


def _refused(words: str) -> errors.AnswerRefused:
    said = f": {words}" if words else "."
    end = "" if said[-1] in ".!?" else "."
    return errors.AnswerRefused(f"The model declined to answer{said}{end}", advice=OTHER_MODEL, answer=words)


def _empty(answer: Try) -> errors.AnswerEmpty:
    called = f" It called {', '.join(answer.called)} instead." if answer.called else ""
    return errors.AnswerEmpty(f"The model gave an empty answer where JSON was asked for.{called}", advice=OTHER_MODEL)


def _broken_off(answer: Try) -> errors.AnswerCutOff:
    limit = answer.reason == "max_tokens"
    why = "reached the output limit" if limit else "broke off"
    advice = "Ask for less, or set a larger model.maxOutputTokens." if limit else OTHER_MODEL
    return errors.AnswerCutOff(
        f"The model's answer {why} before its JSON was whole.", advice=advice, answer=answer.text
    )
