"""Which of the editor's own models there are, which the person allows, and which one a name means.

Asks the editor through its port, within a limit, and remembers the answer for some seconds; knows no LSP.
Start with `EditorOffers.named`.
"""

import time
from collections.abc import Callable

import anyio

from copydesk.domain import errors
from copydesk.domain.frozen import frozen
from copydesk.domain.models import ModelFacts
from copydesk.domain.ports import EditorModels, OfferedModel
from copydesk.models.editor import EditorModel, facts_of_offer, offline_error
from copydesk.models.retry import ORDINARY, Trying

AUTO_LIMIT_S = 2.0
"""How long `auto` waits for the list: the editor may be starting what has its models."""
NAMED_LIMIT_S = 10.0
TTL_S = 10.0
N_NAMED = 8
"""Ids that an error names."""
ELSE = 'set model.name to another model ("offline" needs no key and no network)'
HOW = "VS Code: 'Copydesk: Use the Editor's Language Models…'"
"""How a person allows them."""
NO_NAME = "editor/…"
"""Stands in a list for models that there are not."""
WHO_DOES = "VS Code with the Copydesk extension does"
NONE = "The editor has no language models."
SIGN_IN = "Sign in to a provider of them in the editor (VS Code: GitHub Copilot, for one)"


@frozen
class Offer:
    """One line for a list of models: `why` says what it takes to use it."""

    name: str
    available: bool
    why: str
    facts: ModelFacts | None = None


class EditorOffers:
    """The models of one editor; of none where there is no editor, as on the command line."""

    def __init__(
        self, editor: EditorModels | None, offline: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._editor = editor
        self._offline = offline
        self._clock = clock
        self._known: tuple[OfferedModel, ...] = ()
        self._failed: errors.ModelError | None = None
        self._due_s: float | None = None

    async def named(self, name: str, trying: Trying = ORDINARY) -> EditorModel:
        """The model of `editor/ID`, or the one that `editor/auto` takes. Raises `ModelError`."""
        editor, wanted = self._reachable(name), name.partition("/")[2].strip()
        models = await self._list(editor, NAMED_LIMIT_S)
        if wanted == "auto":
            found = _first_allowed(models)
        else:
            found = _find(models, wanted) or _find(await self._list(editor, NAMED_LIMIT_S, fresh=True), wanted)
        if found is None:
            raise _not_there(wanted, self._known)
        return self._made(editor, found, trying)

    async def for_auto(self, trying: Trying = ORDINARY) -> EditorModel | None:
        """The one that `auto` takes when nothing else answers; None when the person allows none."""
        if self._editor is None or self._offline():
            return None
        try:
            found = _first_allowed(await self._list(self._editor, AUTO_LIMIT_S))
        except errors.ModelError:
            return None
        return self._made(self._editor, found, trying) if found else None

    async def offers(self) -> list[Offer]:
        """What a person is told of the editor's models; nothing where there is no editor.

        Asked anew: a person who looks has often just allowed one.
        """
        if self._editor is None:
            return []
        if not self._editor.available:
            return [Offer(NO_NAME, False, f"This editor does not let Copydesk ask its language models; {WHO_DOES}.")]
        try:
            models = await self._list(self._reachable(NO_NAME), NAMED_LIMIT_S, fresh=True)
        except errors.ModelError as exc:
            return [Offer(NO_NAME, False, exc.message)]
        found = [Offer(f"editor/{model.id}", model.allowed, _why(model), facts_of_offer(model)) for model in models]
        return found or [Offer(NO_NAME, False, f"{NONE} {SIGN_IN}.")]

    def _reachable(self, name: str) -> EditorModels:
        if self._editor is None:
            raise errors.UnknownModel(
                f"{name!r} is a model of an editor's, and no editor is connected here.",
                advice=f"Use it from the editor, or {ELSE}.",
            )
        if not self._editor.available:
            raise errors.UnknownModel(
                f"{name!r} cannot be reached: this editor does not let Copydesk ask its language models.",
                advice=f"{WHO_DOES}; elsewhere {ELSE}.",
            )
        if self._offline():
            raise offline_error(name)
        return self._editor

    def _made(self, editor: EditorModels, offered: OfferedModel, trying: Trying) -> EditorModel:
        watch = trying.watch(f"editor/{offered.id}", "editor")
        return EditorModel(
            offered, editor, offline=self._offline, retry=trying.policy, on_retry=trying.on_retry, watch=watch
        )

    async def _list(self, editor: EditorModels, limit_s: float, *, fresh: bool = False) -> tuple[OfferedModel, ...]:
        """The editor's models; remembered for `TTL_S`, and so is a failure."""
        if fresh or self._due_s is None or self._clock() > self._due_s:
            self._known, self._failed = await _asked(editor, limit_s)
            self._due_s = self._clock() + TTL_S
        if self._failed:
            raise self._failed
        return self._known


async def _asked(editor: EditorModels, limit_s: float) -> tuple[tuple[OfferedModel, ...], errors.ModelError | None]:
    try:
        with anyio.fail_after(limit_s):
            return await editor.list(), None
    except TimeoutError:
        text = f"The editor did not say within {limit_s:g} s which language models it has."
        return (), errors.ModelTimeout(text, advice="Try again when it has started all that it starts.")
    except errors.ModelError as exc:
        return (), exc


def _first_allowed(models: tuple[OfferedModel, ...]) -> OfferedModel | None:
    """Rather one that can call tools: without them a turn can only talk."""
    allowed = [model for model in models if model.allowed]
    return next((model for model in allowed if model.tools), allowed[0] if allowed else None)


def _find(models: tuple[OfferedModel, ...], wanted: str) -> OfferedModel | None:
    return next((model for model in models if model.id == wanted), None)


def _why(model: OfferedModel) -> str:
    title = "" if model.title == model.id else f"{model.title}. "
    talks = "" if model.tools else " It calls no tools: it can only talk."
    if model.allowed:
        return f"{title}The editor's, allowed for Copydesk.{talks}"
    return f"{title}The editor's; you have not allowed it for Copydesk yet ({HOW}).{talks}"


def _not_there(wanted: str, models: tuple[OfferedModel, ...]) -> errors.ModelError:
    names = ", ".join(f"editor/{model.id}" for model in models[:N_NAMED]) + (" …" if len(models) > N_NAMED else "")
    if not models:
        return errors.UnknownModel(NONE, advice=f"{SIGN_IN}, or {ELSE}.")
    if wanted == "auto":
        return errors.PermanentModelError(
            f"None of the editor's models is allowed for Copydesk yet: {names}.",
            advice=f"Allow them in the editor ({HOW}), or {ELSE}.",
        )
    return errors.UnknownModel(
        f"The editor has no model {wanted!r}; it has {names}.", advice=f"Name one of these, or {ELSE}."
    )
