"""The overlay: versions, epochs, deltas, frozen views, and waiting for the next text."""

import anyio
import pytest

from copydesk.domain.messages import LineRange
from copydesk.text.edits import apply
from copydesk.workspace.overlay import LOG_LENGTH, Overlay

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


def test_changes_apply_in_order_and_are_known_as_edits() -> None:
    overlay = opened()
    assert overlay.change(URI, 2, [(at(0, 3), "!"), (LineRange(0, 0, 1, 0), ""), (at(9, 9), "end")])
    assert overlay.change(URI, 3, [(None, "TWO\nend\n")])
    assert text_of(overlay) == "TWO\nend\n"
    for version, text in ((1, "one\ntwo\n"), (2, "two\nend"), (3, "TWO\nend\n")):
        edits = overlay.edits_since(URI, 1, version)
        assert edits is not None
        assert apply(text, edits) == "TWO\nend\n"


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
    assert overlay.edits_since(URI, 1, 1) is None
    assert overlay.edits_since(URI, 2, 1) == ()


def test_what_is_not_open_is_ignored() -> None:
    overlay = Overlay()
    assert not overlay.change(URI, 2, [(None, "x")])
    assert not overlay.close(URI)
    assert not overlay.saved(URI)
    assert overlay.all() == ()


def test_the_log_is_bounded() -> None:
    overlay = opened("")
    for version in range(2, LOG_LENGTH + 12):
        overlay.change(URI, version, [(at(0, 0), "x")])
    assert overlay.edits_since(URI, 1, 1) is None
    edits = overlay.edits_since(URI, 1, 12)
    assert edits is not None
    assert apply("x" * 11, edits) == text_of(overlay)


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
        document = await overlay.wait_change(URI, 2, 5)
        found.append(document.version if document else -1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        overlay.change(URI, 2, [(at(0, 0), "x")])
        await anyio.wait_all_tasks_blocked()
        assert found == []
        overlay.change(URI, 3, [(at(0, 0), "x")])
    assert found == [3, 3]


async def test_waiting_ends() -> None:
    overlay = opened()
    assert await overlay.wait_change(URI, 1, 0.001) is None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(overlay.wait_change, URI, 1, 60)
        await anyio.wait_all_tasks_blocked()
        overlay.close(URI)


async def test_waiting_for_a_document_to_open() -> None:
    overlay = Overlay()
    async with anyio.create_task_group() as tasks:

        async def open_it() -> None:
            overlay.open(URI, "python", 0, "")

        tasks.start_soon(open_it)
        document = await overlay.wait_change(URI, 5, 5)
    assert document
    assert document.epoch == 1


@pytest.mark.parametrize("text", ["a\r\nb", "a\rb\n"])
def test_full_text_changes_are_small_edits(text: str) -> None:
    overlay = opened(text)
    overlay.change(URI, 2, [(None, text + "c")])
    edits = overlay.edits_since(URI, 1, 1)
    assert edits is not None
    assert apply(text, edits) == text + "c"
