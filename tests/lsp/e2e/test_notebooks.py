"""Notebooks through the whole server: read as cells, edited by cells, and never as text."""

from pathlib import Path
from typing import Any

import pytest

from tests.lsp.e2e.rig import call, desk, edit, steps, until
from tests.support.notebooks import OpenNotebook, notebook_json

ONE, TWO = "import os\nx = 1\n", "print(x)\nx = x + x"
TEXT = notebook_json(ONE, TWO)
GO = ("x + x", "2 * x")


async def test_an_open_notebook_is_edited_by_its_cells(tmp_path: Path) -> None:
    model = steps(call("read_file", path="n.ipynb"), "expect: cell 2 of 2\n" + edit("n.ipynb", *GO), "text: Done.")
    async with desk(tmp_path, model, files={"n.ipynb": TEXT}) as d:
        notebook = OpenNotebook(d.editor, d.uri("n.ipynb"), [ONE, TWO + "  # unsaved"])
        result = await d.run("prompt", text="go")
        assert result["review"]["state"] == "applied", result
        assert [notebook.text(0), notebook.text(1)] == [ONE, "print(x)\nx = 2 * x  # unsaved"]
        assert d.editor.applied[0]["edit"]["documentChanges"][0]["textDocument"] == {
            "uri": notebook.cells[1],
            "version": 1,
        }
        assert (d.root / "n.ipynb").read_text() == TEXT
        assert result["message"].startswith("Done. Not checked: ")
        assert result["message"].endswith(" Changed, not saved: n.ipynb (cell 2).")


async def test_typing_in_a_cell_while_the_turn_runs_is_kept(tmp_path: Path) -> None:
    model = steps(edit("n.ipynb", *GO), "delay: 0.3\ntext: Done.")
    async with desk(tmp_path, model, files={"n.ipynb": TEXT}) as d:
        notebook = OpenNotebook(d.editor, d.uri("n.ipynb"), [ONE, TWO])
        turn = await d.begin("prompt", text="go")
        await until(lambda: model.n_played == 2)
        d.editor.type(notebook.cells[1], 0, 0, "# typed\n")
        notebook.insert(0, "# new cell")
        await d.ended(turn["turn"])
        assert [notebook.text(number) for number in range(3)] == ["# new cell", ONE, "# typed\nprint(x)\nx = 2 * x"]


@pytest.mark.parametrize("what", ["cell removed", "notebook closed"])
async def test_a_cell_that_goes_while_the_turn_runs(tmp_path: Path, what: str) -> None:
    model = steps(edit("n.ipynb", *GO), "delay: 0.3\ntext: Done.", "text: Later.")
    async with desk(tmp_path, model, files={"n.ipynb": TEXT}) as d:
        notebook = OpenNotebook(d.editor, d.uri("n.ipynb"), [ONE, TWO])
        turn = await d.begin("prompt", text="go")
        await until(lambda: model.n_played == 2)
        notebook.remove(1) if what == "cell removed" else notebook.close()
        await d.ended(turn["turn"])
        assert d.editor.applied == []
        assert (d.root / "n.ipynb").read_text() == TEXT
        await d.client.wait_for("window/showMessage", lambda given: "ipynb" in given["message"])


async def test_a_notebook_that_is_not_open_keeps_its_bytes(tmp_path: Path) -> None:
    async with desk(tmp_path, steps(edit("n.ipynb", *GO), "text: Done."), files={"n.ipynb": TEXT}) as d:
        result = await d.run("prompt", text="go")
        assert result["review"]["state"] == "applied", result
        assert d.editor.text(d.uri("n.ipynb")) == notebook_json(ONE, TWO.replace(*GO))


async def test_a_notebook_opened_while_the_turn_runs_is_not_edited_as_text(tmp_path: Path) -> None:
    model = steps(edit("n.ipynb", *GO), "delay: 0.3\ntext: Done.")
    async with desk(tmp_path, model, files={"n.ipynb": TEXT}) as d:
        turn = await d.begin("prompt", text="go")
        await until(lambda: model.n_played == 2)
        notebook = OpenNotebook(d.editor, d.uri("n.ipynb"), [ONE, TWO])
        await d.ended(turn["turn"])
        assert d.editor.applied == []
        assert [notebook.text(0), notebook.text(1)] == [ONE, TWO]
        await d.client.wait_for("window/showMessage", lambda given: "open as a notebook" in given["message"])


REFUSED = {
    "its json": edit("n.ipynb", '"nbformat": 4', '"nbformat": 5'),
    "a heading": edit("n.ipynb", "# %% cell 2 of 2", "# %% cell 3 of 3"),
    "all of it": call("write_file", path="n.ipynb", content=TEXT.replace("1", "2"), overwrite=True),
    "not json": call("write_file", path="m.ipynb", content="x = 1\n"),
    "broken": edit("broken.ipynb", "x", "y"),
}


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "not open"])
@pytest.mark.parametrize("what", REFUSED)
async def test_no_notebook_is_edited_as_text(tmp_path: Path, what: str, is_open: bool) -> None:
    model = steps(REFUSED[what], "expect: (?i)ipynb\ntext: No.")
    async with desk(tmp_path, model, files={"n.ipynb": TEXT, "broken.ipynb": '{"x": 1'}) as d:
        notebook = OpenNotebook(d.editor, d.uri("n.ipynb"), [ONE, TWO]) if is_open else None
        result = await d.run("prompt", text="go")
        assert (result["message"], result["review"]["state"]) == ("No.", "none"), result
        assert d.editor.applied == []
        assert (d.root / "n.ipynb").read_text() == TEXT
        assert notebook is None or [notebook.text(0), notebook.text(1)] == [ONE, TWO]


async def test_a_new_notebook_and_a_deleted_one(tmp_path: Path) -> None:
    new = notebook_json("y = 2\n")
    model = steps(
        call("write_file", path="m.ipynb", content=new), edit("m.ipynb", "y = 2", "y = 3"),
        call("delete_file", path="n.ipynb"), "text: Done.",
    )  # fmt: skip
    async with desk(tmp_path, model, files={"n.ipynb": TEXT}) as d:
        result = await d.run("prompt", text="go")
        assert result["review"]["state"] == "applied", result
        assert d.editor.text(d.uri("m.ipynb")) == notebook_json("y = 3\n")
        assert not (d.root / "n.ipynb").exists()


async def test_cells_synced_as_plain_documents_are_the_notebook_too(tmp_path: Path) -> None:
    model = steps(edit("n.ipynb", *GO), "text: Done.")
    async with desk(tmp_path, model, files={"n.ipynb": TEXT}) as d:
        cell = f"vscode-notebook-cell:{d.uri('n.ipynb').removeprefix('file://')}#W0sZmlsZQ%3D%3D"
        d.editor.open(cell, TWO)
        result = await d.run("prompt", text="go")
        assert result["review"]["state"] == "applied", result
        assert d.editor.text(cell) == TWO.replace(*GO)


@pytest.mark.parametrize(
    "params",
    [
        None,
        [],
        {"notebookDocument": 1},
        {"notebookDocument": {"uri": 1}},
        {"notebookDocument": {"uri": "file:///n.ipynb", "cells": [{}]}},
        {"notebookDocument": {"uri": "file:///n.ipynb"}, "change": {"cells": {"structure": {"array": {"start": -1}}}}},
        {"notebookDocument": {"uri": "file:///n.ipynb"}, "change": {"cells": {"textContent": [{}]}}},
        {"notebookDocument": {"uri": "file:///never.ipynb"}, "cellTextDocuments": [{"uri": "x:never"}]},
    ],
)
async def test_malformed_notebook_messages_end_nothing(tmp_path: Path, params: Any) -> None:
    async with desk(tmp_path, steps("text: Fine.")) as d:
        for method in ("didOpen", "didChange", "didSave", "didClose"):
            d.client.notify(f"notebookDocument/{method}", params)
        assert (await d.run("prompt", text="go"))["message"] == "Fine."
