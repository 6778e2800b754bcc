"""One model made of several: the one that was asked for, then `model.fallbacks`, each with its own name, wire and form.

A model that fails before its output began gives way to the next, which answers for the rest of the turn. Knows no wire:
`Make` gives each candidate when it is needed. Start with `Escalation._events`; `passes_on` says what is passed on.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from copydesk.domain import errors
from copydesk.domain.frozen import frozen
from copydesk.domain.models import ModelFacts, facts_of
from copydesk.domain.ports import Model
from copydesk.domain.stream import ModelRequest, StreamEvent, UsageReport
from copydesk.models.waits import sentence

OnSwitch: TypeAlias = Callable[[str, str], None]
CHARS_A_TOKEN = 3
"""Few, so that a request is rather thought too long for a window than too short."""


@frozen
class Made:
    """A candidate, ready to be asked. `local`: it runs on this machine."""

    model: Model
    local: bool


class Make(Protocol):
    async def __call__(self, name: str, *, patient: bool) -> Made:
        """The model of that name. `patient`: tried for as long as the settings say, since no other one can answer.

        Raises `ModelError` or `ConfigError` when it cannot be had.
        """
        ...


@dataclass(slots=True)
class _Failure:
    name: str
    error: errors.CopydeskError


class Escalation:
    """For one turn. `names` are the candidates in order; `open` finds the first that can be had."""

    def __init__(self, names: tuple[str, ...], make: Make, on_switch: OnSwitch) -> None:
        self._waiting = list(names)
        self._make = make
        self._on_switch = on_switch
        self._failures: list[_Failure] = []
        self._tried: set[str] = set()
        self._again: list[str] = []
        """Names that failed in a way that may pass: worth all the patience where the others failed for good."""
        self._current: Made | None = None
        self._asked_as = ""
        self._patient = False

    @property
    def name(self) -> str:
        return self._now.model.name

    @property
    def facts(self) -> ModelFacts:
        return facts_of(self._now.model)

    @property
    def is_local(self) -> bool:
        return self._now.local

    @property
    def _now(self) -> Made:
        assert self._current is not None, "open comes first"
        return self._current

    async def open(self, *, strict: bool) -> None:
        """Finds the model that begins. `strict`: only the first will do, since a person named it just now."""
        if strict:
            self._asked_as = self._waiting.pop(0)
            self._take(self._asked_as, await self._make(self._asked_as, patient=False), patient=False)
        else:
            await self._advance()

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        return aclosing(self._events(request))

    async def _events(self, request: ModelRequest) -> AsyncGenerator[StreamEvent]:
        while True:
            begun = False
            try:
                async with self._now.model.stream(request) as events:
                    async for event in events:
                        begun = begun or not isinstance(event, UsageReport)
                        yield event
                return
            except errors.ModelError as error:
                if begun or not passes_on(error):
                    raise
                await self._switch(error, request)

    async def _switch(self, error: errors.ModelError, request: ModelRequest) -> None:
        """Goes on to the next candidate; raises when there is none that could do better."""
        failed = self._now
        if isinstance(error, errors.ContextOverflow):
            await self._to_a_larger(error, request)
        else:
            self._failed(failed.model.name, error)
            if isinstance(error, errors.TransientModelError):
                self._again = [] if self._patient else [*self._again, self._asked_as]
            await self._advance()
        if self.name != failed.model.name:
            self._on_switch(self.name, f"{failed.model.name} failed: {error.message}")

    def _failed(self, name: str, error: errors.CopydeskError) -> None:
        self._failures = [each for each in self._failures if each.name != name]
        self._failures.append(_Failure(name, error))

    async def _advance(self) -> None:
        """Makes the next candidate the current one. Raises one error about all when none is left."""
        while self._waiting:
            name = self._waiting.pop(0)
            try:
                made = await self._make(name, patient=not self._waiting)
            except (errors.ModelError, errors.ConfigError) as error:
                self._failed(name, error)
                continue
            if made.model.name not in self._tried:
                self._take(name, made, patient=not self._waiting)
                return
        if self._again:
            name, self._again = self._again[0], []
            self._take(name, await self._make(name, patient=True), patient=True)
            return
        raise self._none_left()

    def _take(self, name: str, made: Made, *, patient: bool) -> None:
        self._asked_as, self._current, self._patient = name, made, patient
        self._tried.add(made.model.name)

    async def _to_a_larger(self, error: errors.ContextOverflow, request: ModelRequest) -> None:
        """To the next candidate whose window is known to hold the request; raises `error` when there is none."""
        window, needed = self.facts.window_tokens, needed_tokens(request)
        for name in tuple(self._waiting):
            patient = name == self._waiting[-1]
            try:
                made = await self._make(name, patient=patient)
            except (errors.ModelError, errors.ConfigError):
                continue
            facts = facts_of(made.model)
            if facts.known and facts.window_tokens > window and needed <= facts.window_tokens:
                self._waiting = self._waiting[self._waiting.index(name) + 1 :]
                self._take(name, made, patient=patient)
                return
        raise error

    def _none_left(self) -> errors.CopydeskError:
        if len(self._failures) == 1:
            return self._failures[0].error
        lines = [
            f"- {each.name}: {sentence(each.error.message)} {each.error.advice}".rstrip() for each in self._failures
        ]
        return errors.NoModelAnswered(
            "None of the models can answer:\n" + "\n".join(lines) + "\n",
            advice="Mend one of them, or add one that works to model.fallbacks (offline needs no key and no network).",
        )


def passes_on(error: errors.ModelError) -> bool:
    """Whether another model may well answer what this one did not.

    What is about the request itself (its content, its price, its shape) would fail there too.
    """
    match error:
        case errors.TransientModelError() | errors.ContextOverflow():
            return True
        case errors.BudgetExceeded() | errors.WrongShape() | errors.NoModelAnswered():
            return False
        case errors.BadRequest():
            return error.another_may
        case _:
            return True


def needed_tokens(request: ModelRequest) -> int:
    """Tokens of a window that the request and an answer are likely to need."""
    answer = request.max_output_tokens or 4_096
    if request.input_tokens:
        return request.input_tokens + answer
    n_chars = len(request.system) + sum(len(str(part)) for message in request.messages for part in message.parts)
    n_chars += sum(len(spec.description) + len(str(spec.parameters)) for spec in request.tools)
    return n_chars // CHARS_A_TOKEN + answer
