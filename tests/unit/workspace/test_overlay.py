"""The overlay: versions, epochs, frozen views, and waiting for the next text."""

import anyio

from copydesk.domain.messages import LineRange
from copydesk.workspace.overlay import Overlay

URI = "file:///w/a.py"


def at(line: int, column: int) -> LineRange:
    return LineRange(line, column, line, column)


def opened(text: str = "one\ntwo\n") -> Overlay:
    overlay = Overlay()
    overlay.open(URI, "python", 1, text)
    return overlay


def text_of(overlay: Overlay) -> str:
    document = overlay.get(URI)
    assert document
    return document.document.text


def test_changes_apply_in_order() -> None:
    overlay = opened()
    assert overlay.change(URI, 2, [(at(0, 3), "!"), (LineRange(0, 0, 1, 0), ""), (at(9, 9), "end")])
    assert overlay.change(URI, 3, [(None, "TWO\nend\n")])
    assert text_of(overlay) == "TWO\nend\n"


def test_a_frozen_view_stays() -> None:
    overlay = opened()
    view = overlay.freeze()
    assert overlay.freeze() is view
    overlay.change(URI, 2, [(at(0, 0), "x")])
    overlay.open("file:///w/b", "text", 1, "")
    assert view["file:///w/a.py"].document.text == "one\ntwo\n"
    assert list(view) == [URI]
    assert overlay.freeze()["file:///w/%61.py"].version == 2


def test_closing_and_reopening_is_a_new_epoch() -> None:
    overlay = opened()
    overlay.change(URI, 2, [(at(0, 0), "x")])
    assert overlay.close(URI)
    assert overlay.get(URI) is None
    reopened = overlay.open(URI, "python", 1, "other")
    assert reopened.epoch == 2


def test_what_is_not_open_is_ignored() -> None:
    overlay = Overlay()
    assert not overlay.change(URI, 2, [(None, "x")])
    assert not overlay.close(URI)
    assert not overlay.saved(URI)
    assert overlay.all() == ()


def test_when_somebody_typed_last() -> None:
    now = [5.0]
    overlay = Overlay(lambda: now[0])
    opened = overlay.open(URI, "python", 1, "one\n")
    assert opened.typed_s < 0, "opening is not typing"
    overlay.change(URI, 2, [(at(0, 0), "x")])
    typed = overlay.get(URI)
    assert typed is not None
    assert typed.typed_s == 5
    now[0] = 9
    overlay.change(URI, 3, [(at(0, 0), "y")])
    overlay.was_ours(typed, 0)  # no longer the newest
    ours = overlay.get(URI)
    assert ours is not None
    assert ours.typed_s == 9
    overlay.was_ours(ours, typed.typed_s)
    assert overlay.freeze()[URI].typed_s == 5


def test_unsaved_and_predicted() -> None:
    overlay = opened()
    overlay.change(URI, 2, [(at(0, 0), "x")])
    overlay.predict("file:///w/b", "soon")
    overlay.predict(URI, "never: it is open")
    assert [document.unsaved for document in overlay.all()] == [True]
    assert overlay.freeze().predicted == {"file:///w/b": ("soon", "")}
    overlay.saved(URI)
    overlay.open("file:///w/b", "text", 1, "now")
    assert not any(document.unsaved for document in overlay.all())
    assert not overlay.freeze().predicted


async def test_waiting_for_a_change() -> None:
    overlay = opened()
    found: list[int] = []

    async def wait() -> None:
        document = await overlay.wait_change(URI, overlay.get(URI), 5)
        found.append(document.version if document else -1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert found == []
        overlay.change(URI, 1, [(at(0, 0), "a change that keeps its version")])
    assert found == [1, 1]


async def test_waiting_ends() -> None:
    overlay = opened()
    assert await overlay.wait_change(URI, overlay.get(URI), 0.001) is overlay.get(URI)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(overlay.wait_change, URI, overlay.get(URI), 60)
        await anyio.wait_all_tasks_blocked()
        overlay.close(URI)


async def test_waiting_for_a_document_to_open() -> None:
    overlay = Overlay()
    async with anyio.create_task_group() as tasks:

        async def open_it() -> None:
            overlay.open(URI, "python", 0, "")

        tasks.start_soon(open_it)
        assert await overlay.wait_change(URI, None, 5)
    assert overlay.freeze()[URI].epoch == 1
