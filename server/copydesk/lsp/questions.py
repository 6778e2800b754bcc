"""Questions with choices: by the client's own dialog, else as code actions.

Owns the questions that wait; it knows nothing of what a choice means. Start with `Questions.choose`.
Helix before 25.07 has no `window/showMessageRequest`, and vim-lsp one whose answer never comes. There the question is a
message, and each of its choices is a code action wherever the person is, until one is chosen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, cast

import anyio

from copydesk.lsp import clients
from copydesk.lsp.answers import as_plain
from copydesk.lsp.client import ClientError

if TYPE_CHECKING:
    from copydesk.lsp.answers import Answers
    from copydesk.lsp.client import Client

_INFO = 3
METHOD_NOT_FOUND = -32601


@dataclass(slots=True)
class Waiting:
    """One question that is offered as code actions. `number` names it in their arguments."""

    number: int
    text: str
    choices: tuple[str, ...]
    chosen: str | None = None
    answered: anyio.Event = field(default_factory=anyio.Event)


class Questions:
    def __init__(self, client: "Client", answers: "Answers") -> None:
        self._client = client
        self._answers = answers
        self._numbers = count(1)
        self._waiting: dict[int, Waiting] = {}
        self._has_dialog = True
        self.is_typing: Callable[[], bool] = lambda: False
        """Whether somebody has typed a moment ago."""

    async def choose(
        self, text: str, choices: tuple[str, ...], *, clean: Callable[[str], str] = as_plain, about: str = ""
    ) -> str | None:
        """The choice; None when the dialog was closed without one. Waits without a limit.

        `clean` takes out of the text what a client could make live. `about`: what the code actions of the choices say
        of the question, in a few words. Raises `ClientError` when the client is gone: that is no answer.
        """
        silent = clients.never_answers(self._client.name) or (self._takes_keys and self.is_typing())
        if self._has_dialog and not silent:
            params = {"type": _INFO, "message": clean(text), "actions": [{"title": choice} for choice in choices]}
            try:
                reply = await self._client.request("window/showMessageRequest", params, timeout_s=None)
                choice = _title(reply, choices)
                if choice is not None or not self._takes_keys:
                    return choice
                return await self._choose_by_action(text, choices, clean, about)
            except ClientError as error:
                if error.code is None:
                    raise
                if error.code != METHOD_NOT_FOUND:
                    return None
            self._has_dialog = False
        return await self._choose_by_action(text, choices, clean, about)

    @property
    def _takes_keys(self) -> bool:
        return clients.dialog_takes_keys(self._client.name)

    async def _choose_by_action(
        self, text: str, choices: tuple[str, ...], clean: Callable[[str], str], about: str
    ) -> str | None:
        question = Waiting(next(self._numbers), about or text, choices)
        self._waiting[question.number] = question
        self._answers.message("info", f"{text.rstrip()} Choose by code action: {', '.join(choices)}.", clean)
        try:
            await question.answered.wait()
        finally:
            del self._waiting[question.number]
        return question.chosen

    def waiting(self) -> Sequence[Waiting]:
        """The questions that code actions answer, the newest first."""
        return tuple(reversed(self._waiting.values()))

    def answer(self, number: int | None, choice: str) -> bool:
        """Answers the question of that number, else the newest. False when there is none with such a choice."""
        fitting = (each for each in self.waiting() if number in (None, each.number) and choice in each.choices)
        question = next(fitting, None)
        if question is None:
            return False
        question.chosen = choice
        question.answered.set()
        return True


def _title(reply: object, choices: Sequence[str]) -> str | None:
    title = cast("dict[str, Any]", reply).get("title") if isinstance(reply, dict) else None
    return title if isinstance(title, str) and title in choices else None
