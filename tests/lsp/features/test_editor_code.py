"""Asking the editor what its language servers know: how it is asked, how long, how often, and when not any more."""

import logging
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.domain.editor_code import CodeSpot
from copydesk.lsp.arguments import ClientRange
from copydesk.lsp.client import ClientError
from copydesk.lsp.editor_code import MAX_ASKED, MAX_FAILED, METHOD, LspEditorCode
from tests.support import virtual_time
from tests.support.feature_rig import CLIENTS, URI, VSCODE, FeatureRig, rig
from tests.unit.lsp.test_code_reading import Texts, place

TAKES = {**CLIENTS[VSCODE], "experimental": {"copydesk": [METHOD]}}
SPOT = CodeSpot(URI, 2, 5, "  😀 + name\n")


def code(r: FeatureRig, **limits: float) -> LspEditorCode:
    return LspEditorCode(r.client, **limits)


def texts() -> Texts:
    return Texts({URI: "one\ntwo\n  😀 + name\n"})


async def test_how_it_is_asked(tmp_path: Path) -> None:
    async with rig(tmp_path, TAKES) as r:
        r.answers[METHOD] = [place(2, 7, 11, URI)]
        asking = LspEditorCode(r.client, lambda uri: uri.upper())
        [found] = await asking.references(SPOT, texts) or ()
        assert (found.location.line, found.column, found.name) == (2, 6, "name")
        r.answers[METHOD] = None
        assert await asking.definition(SPOT, texts) == ()
        assert await asking.hover(SPOT) == ""
        assert await asking.symbols(URI, texts) == ()
        assert await asking.find_symbols("na", texts) == ()
        assert await asking.problems(URI, texts) == ()
        assert await asking.problems(None, texts) == ()
        at = {"uri": URI.upper(), "position": {"line": 2, "character": 6}}
        assert r.all(METHOD) == [
            {"action": "references", **at},
            {"action": "definition", **at},
            {"action": "hover", **at},
            {"action": "symbols", "uri": URI.upper()},
            {"action": "symbols", "query": "na"},
            {"action": "diagnostics", "uri": URI.upper()},
            {"action": "diagnostics"},
        ]


async def test_a_client_that_does_not_take_it_is_not_asked(tmp_path: Path) -> None:
    async with rig(tmp_path, VSCODE) as r:
        assert not code(r).available
        assert await code(r).hover(SPOT) is None
        assert r.all(METHOD) == []


async def test_an_answer_that_is_late_is_cancelled(tmp_path: Path) -> None:
    async with rig(tmp_path, TAKES) as r:
        r.silent.add(METHOD)
        with anyio.fail_after(1):
            assert await code(r, limit_s=0.05).hover(SPOT) is None
        [asked] = [message for message in r.sent if message.get("method") == METHOD]
        assert r.all("$/cancelRequest") == [{"id": asked["id"]}]


async def test_reading_an_answer_counts_as_waiting_for_it(tmp_path: Path) -> None:
    import time

    def slow() -> Texts:
        time.sleep(0.5)
        return texts()

    async with rig(tmp_path, TAKES) as r:
        r.answers[METHOD] = [place(2, 0, 1, URI)]
        started = anyio.current_time()
        assert await code(r, limit_s=0.05).definition(SPOT, slow) is None
        assert anyio.current_time() - started < 0.4


async def test_who_asks_may_give_up(tmp_path: Path) -> None:
    async with rig(tmp_path, TAKES) as r:
        r.silent.add(METHOD)
        asking = code(r)
        for _ in range(MAX_FAILED + 1):
            with anyio.move_on_after(0.02):
                await asking.hover(SPOT)
        assert len(r.all("$/cancelRequest")) == MAX_FAILED + 1
        assert asking.available, "a turn that was cancelled is no fault of the editor's"


def test_only_some_questions_at_a_time(tmp_path: Path) -> None:
    """The clock is virtual: who waits is out of time just after those that were asked, however busy the machine is."""
    answers: list[Any] = []

    async def ask_many() -> None:
        async with rig(tmp_path, TAKES) as r:
            r.silent.add(METHOD)
            asking = code(r, limit_s=0.3)

            async def ask() -> None:
                answers.append(await asking.hover(SPOT))

            started = anyio.current_time()
            async with anyio.create_task_group() as tasks:
                for _ in range(3 * MAX_ASKED):
                    tasks.start_soon(ask)
                    await anyio.sleep(0.002)
            assert len(answers) == 3 * MAX_ASKED
            assert len(r.all(METHOD)) == MAX_ASKED, "what is too late to be answered is not asked"
            assert anyio.current_time() - started < 0.33, "no one waits longer than the limit"

    virtual_time.run(ask_many)


@pytest.mark.parametrize("wrong", [ClientError("no such method", -32601), ClientError("boom", -32603), "nonsense"])
async def test_after_some_failures_it_is_left_alone_and_that_is_said_once(
    tmp_path: Path, wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(params: Any) -> Any:
        if isinstance(wrong, Exception):
            raise wrong
        return wrong

    async with rig(tmp_path, TAKES) as r:
        r.answers[METHOD] = answer
        asking = code(r, pause_s=0.1)
        for _ in range(MAX_FAILED + 4):
            assert await asking.definition(SPOT, texts) is None
        assert len(r.all(METHOD)) == MAX_FAILED
        assert not asking.available
        await anyio.sleep(0.12)
        assert await asking.definition(SPOT, texts) is None
        assert not asking.available, "one more failure is enough then"
        assert len(r.all(METHOD)) == MAX_FAILED + 1
        warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert len(warnings) == 1
        assert "3 times in a row" in warnings[0]
        assert "definition" in warnings[0]

        await anyio.sleep(0.21)
        r.answers[METHOD] = [place(2, 0, 1, URI)]
        assert await asking.definition(SPOT, texts)
        r.answers[METHOD] = answer
        for _ in range(MAX_FAILED - 1):
            assert await asking.definition(SPOT, texts) is None
        assert asking.available, "failures count anew once it has answered"


async def test_malformed_items_are_logged_and_no_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with rig(tmp_path, TAKES) as r:
        r.answers[METHOD] = [{"uri": 7}, place(2, 7, 11, URI), None]
        asking = code(r)
        for _ in range(MAX_FAILED + 1):
            assert len(await asking.definition(SPOT, texts) or ()) == 1
        warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert len(warnings) == 1
        assert "2 items" in warnings[0]


async def test_the_echo_of_a_question_is_known_by_its_place(tmp_path: Path) -> None:
    here, beside = ClientRange(2, 6, 2, 6), ClientRange(2, 7, 2, 7)
    async with rig(tmp_path, TAKES) as r:
        asking = code(r, limit_s=0.1)
        seen: list[tuple[bool, bool]] = []

        def answer(params: Any) -> Any:
            seen.append((asking.is_echo(URI, here), asking.is_echo(URI, beside)))
            return None

        r.answers[METHOD] = answer
        assert not asking.is_echo(URI, here)
        assert await asking.hover(SPOT) == ""
        assert seen == [(True, False)]
        assert not asking.is_echo(URI, here)
        r.silent.add(METHOD)
        assert await asking.hover(SPOT) is None
        assert asking.is_echo(URI, here), "the editor may still be at it"
