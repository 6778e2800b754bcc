"""Hovers: facts at once, a model's words only where they are allowed, in time, or at the next hover."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup

from copydesk.config.layers import load
from copydesk.domain.ports import FileHandle, Model
from copydesk.models.scripted import Script, ScriptedModel
from copydesk.services.explain import Explainer, HoverText
from copydesk.services.model_source import Around
from copydesk.text.hashing import content_hash

SOURCE = "def area(w, h):\n    return scale(w) * h\n\n\ndef scale(x):\n    return x * 2\n"
BUDGET_S = 5.0


class Rig:
    def __init__(self, tasks: TaskGroup, script: str, policy: str, *, local: bool = True) -> None:
        self.model = ScriptedModel(Script.parse(script))
        self._settings = load(arguments={"hover.model": policy}, env={}, user_file="").settings
        self._tasks = tasks
        self.explainer = Explainer(self, lambda: self._settings, lambda: None, lambda model: local, self._start)

    async def resolve(
        self, name: str | None = None, *, around: Around = lambda model: model, local: bool = False
    ) -> Model:
        del name, local
        return around(self.model)

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks.start_soon(work)

    async def hover(
        self, text: str = SOURCE, *, line: int = 0, column: int = 5, budget_s: float = BUDGET_S
    ) -> HoverText | None:
        handle = FileHandle("file:///a.py", text, content_hash(text))
        return await self.explainer.hover(handle, line, column, budget_s)


@asynccontextmanager
async def rig(script: str = "text: It multiplies.", policy: str = "auto", *, local: bool = True) -> AsyncIterator[Rig]:
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            yield Rig(tasks, script, policy, local=local)
            tasks.cancel_scope.cancel()


async def test_facts_and_words() -> None:
    async with rig() as r:
        shown = await r.hover()
        assert shown is not None
        assert "area" in shown.facts
        assert "scale" in shown.facts
        assert shown.explanation == "It multiplies."


async def test_nothing_to_say_about_a_blank() -> None:
    async with rig() as r:
        assert await r.hover(line=2, column=0) is None


async def test_the_same_text_asks_once_and_newer_text_asks_again() -> None:
    async with rig("text: words\nloop") as r:
        for _ in range(3):
            await r.hover()
        assert len(r.model.requests) == 1
        await r.hover("# moved down\n" + SOURCE, line=1)
        assert len(r.model.requests) == 1, "the symbol's own text is the same"
        await r.hover(SOURCE.replace("* h", "+ h"))
        assert len(r.model.requests) == 2


@pytest.mark.parametrize(("policy", "local", "asks"), [
    ("off", True, 0), ("cached", True, 0), ("auto", True, 1), ("auto", False, 0), ("always", False, 1),
])  # fmt: skip
async def test_a_model_is_asked_only_where_it_may_be(policy: str, local: bool, asks: int) -> None:
    async with rig(policy=policy, local=local) as r:
        shown = await r.hover()
        assert shown is not None
        assert len(r.model.requests) == asks
        assert shown.explanation == ("It multiplies." if asks else "")


async def test_a_late_answer_is_shown_at_the_next_hover() -> None:
    async with rig("delay: 0.3\ntext: Late.") as r:
        first = await r.hover(budget_s=0.05)
        assert first is not None
        assert (bool(first.facts), first.explanation) == (True, "")
        second = await r.hover()
        assert second is not None
        assert second.explanation == "Late."
        assert len(r.model.requests) == 1


async def test_a_model_that_fails_leaves_the_facts() -> None:
    async with rig("error: overloaded try later") as r:
        shown = await r.hover()
        assert shown is not None
        assert shown.facts
        assert shown.explanation == ""


async def test_only_two_questions_at_a_time() -> None:
    text = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(6))
    async with rig("delay: 30\ntext: never\nloop") as r:
        for n in range(6):
            await r.hover(text, line=4 * n, budget_s=0.01)
        assert len(r.model.requests) == 2
