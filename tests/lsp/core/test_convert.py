"""Positions in three encodings, and one workspace edit for six editors and for clients that say little."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from copydesk.domain.messages import LineRange
from copydesk.domain.ports import FileEdit, WorkspaceChange
from copydesk.lsp import wire
from copydesk.lsp.convert import (
    UnsupportedFileOperations,
    from_lsp_position,
    from_lsp_range,
    to_lsp_line_range,
    to_lsp_position,
    to_lsp_workspace_edit,
)
from copydesk.text.documents import Document
from copydesk.text.positions import Encoding
from tests.support.lsp_client import captured_capabilities

ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
EDIT = FileEdit("file:///a.py", 0, "a😀b\n", ((2, 3, "X"),))


def typed(raw: dict[str, Any]) -> types.ClientCapabilities:
    return wire.structure(raw, types.ClientCapabilities)


def as_json(edit: types.WorkspaceEdit) -> dict[str, Any]:
    return wire.decode(wire.encode({"edit": edit}).partition(b"\r\n\r\n")[2])["edit"]


@given(st.text(alphabet="ab é😀\n\r\u2028\x0c", max_size=30), st.data(), st.sampled_from(ENCODINGS))
def test_positions_there_and_back(text: str, data: st.DataObject, encoding: Encoding):
    document = Document.of(text)
    offset = data.draw(st.integers(0, len(text)))
    line, column = document.position_at(offset)
    assert from_lsp_position(document, to_lsp_position(document, offset, encoding), encoding) == (line, column)


def test_columns_of_each_encoding():
    document = Document.of("é😀x\n")
    assert [to_lsp_position(document, 2, encoding).character for encoding in ENCODINGS] == [6, 3, 2]
    place = LineRange(0, 1, 0, 3)
    for encoding in ENCODINGS:
        assert from_lsp_range(document, to_lsp_line_range(document, place, encoding), encoding) == place


def test_ranges_from_json_are_clamped_swapped_and_checked():
    document = Document.of("ab\ncd")
    raw = {"start": {"line": 9, "character": 0}, "end": {"line": 0, "character": 1}}
    assert from_lsp_range(document, raw, "utf-16") == LineRange(0, 1, 1, 2)
    wrong: Any
    for wrong in ({}, {"start": 1, "end": 2}, {"start": {"line": "x"}, "end": {}}, None, 5):
        with pytest.raises(ValueError, match=r"range|position"):
            from_lsp_range(document, wrong, "utf-16")


@pytest.mark.parametrize("editor", ["vscode", "nvim-0.10", "nvim-0.12", "helix", "helix-25.01", "emacs"])
def test_every_editor_gets_versioned_document_changes(editor: str):
    change = WorkspaceChange("x", edits=(EDIT,), creates=(("file:///n.py", "new\n"),))
    sent = as_json(to_lsp_workspace_edit(change, typed(captured_capabilities(editor)), "utf-16"))
    create = {"kind": "create", "uri": "file:///n.py", "options": {"overwrite": False, "ignoreIfExists": True}}
    start = {"line": 0, "character": 0}
    insert = {
        "textDocument": {"uri": "file:///n.py", "version": None},
        "edits": [{"range": {"start": start, "end": start}, "newText": "new\n"}],
    }
    text = {
        "textDocument": {"uri": "file:///a.py", "version": 0},
        "edits": [
            {"range": {"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 4}}, "newText": "X"}
        ],
    }
    assert sent == {"documentChanges": [insert, text] if editor == "emacs" else [create, insert, text]}


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"workspace": {"workspaceEdit": {}}},
        {"workspace": {"applyEdit": True}},
        {"workspace": {"workspaceEdit": {"documentChanges": False}}},
    ],
)
def test_a_client_that_says_nothing_of_workspace_edits_gets_plain_changes(raw: dict[str, Any]):
    change = WorkspaceChange("x", edits=(EDIT,), creates=(("file:///n.py", "new\n"),))
    sent = as_json(to_lsp_workspace_edit(change, typed(raw), "utf-16"))
    assert set(sent) == {"changes"}
    assert set(sent["changes"]) == {"file:///a.py", "file:///n.py"}


def test_moves_and_deletes_need_the_client():
    change = WorkspaceChange("x", moves=(("file:///a", "file:///b"),), deletes=("file:///c",))
    sent = as_json(to_lsp_workspace_edit(change, typed(captured_capabilities("helix")), "utf-16"))
    assert [each["kind"] for each in sent["documentChanges"]] == ["rename", "delete"]
    for raw in (captured_capabilities("emacs"), {}):
        with pytest.raises(UnsupportedFileOperations, match="file:///a") as unsupported:
            to_lsp_workspace_edit(change, typed(raw), "utf-16")
        assert (unsupported.value.moves, unsupported.value.deletes) == (change.moves, change.deletes)


def test_overwriting_is_said_and_else_never_done():
    change = WorkspaceChange("x", creates=(("file:///n.py", ""),), overwrite=frozenset({"file:///n.py"}))
    sent = as_json(to_lsp_workspace_edit(change, typed(captured_capabilities("vscode")), "utf-16"))
    assert sent["documentChanges"] == [
        {"kind": "create", "uri": "file:///n.py", "options": {"overwrite": True, "ignoreIfExists": False}}
    ]


@pytest.mark.parametrize(
    ("editor", "annotated"), [("vscode", True), ("nvim-0.12", True), ("nvim-0.10", False), ("emacs", False)]
)
def test_annotations_only_where_they_are_known(editor: str, annotated: bool):
    note = types.ChangeAnnotation("Copydesk", needs_confirmation=True)
    sent = as_json(
        to_lsp_workspace_edit(WorkspaceChange("x", edits=(EDIT,)), typed(captured_capabilities(editor)), "utf-16", note)
    )
    assert ("changeAnnotations" in sent) is annotated
    assert ("annotationId" in sent["documentChanges"][0]["edits"][0]) is annotated


def test_uris_are_sent_as_the_editor_spells_them():
    spelled = {"file:///a.py": "file:///A%3A.py"}
    change = WorkspaceChange("x", edits=(EDIT,))
    edit = to_lsp_workspace_edit(
        change, typed(captured_capabilities("vscode")), "utf-16", spell=lambda uri: spelled.get(uri, uri)
    )
    assert as_json(edit)["documentChanges"][0]["textDocument"]["uri"] == "file:///A%3A.py"
