"""Pending edits: how proposals fold, what a view shows, and what typing does to them."""

from pathlib import Path

import pytest

from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, MoveFile, Origin
from copydesk.domain.errors import FileExists, MissingFile, StaleEdit
from copydesk.domain.messages import LineRange
from copydesk.text.edits import Edit, apply
from copydesk.workspace.pending import Held, Pending, PendingFile
from copydesk.workspace.snapshot import Snapshot
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace


class Case:
    """A workspace with a.txt and b.txt, and one session's pending edits."""

    def __init__(self, root: Path) -> None:
        (root / "a.txt").write_text("one\ntwo\nthree\n")
        (root / "b.txt").write_text("bee\n")
        (root / "bin").write_bytes(b"\x00")
        self.root = root
        self.workspace = Workspace([to_uri(str(root))])
        self.pending = Pending()

    def uri(self, name: str) -> str:
        return to_uri(str(self.root / name))

    def view(self) -> Snapshot:
        return self.workspace.snapshot(self.pending)

    def text(self, name: str) -> str:
        return self.view().read(self.uri(name)).text

    def change(self, name: str, *spans: Edit, turn: str = "") -> ChangeText:
        return ChangeText(self.view().read(self.uri(name)).base, spans, Origin(turn=turn))

    def propose(self, *edits: ChangeText | CreateFile | DeleteFile | MoveFile) -> None:
        self.pending.propose(edits, self.view())

    def delete(self, name: str) -> None:
        self.propose(DeleteFile(self.view().read(self.uri(name)).base))

    def move(self, source: str, target: str, overwrite: bool = False) -> None:
        self.propose(MoveFile(self.view().read(self.uri(source)).base, self.uri(target), overwrite))

    def create(self, name: str, text: str, overwrite: bool = False) -> None:
        self.propose(CreateFile(self.uri(name), text, overwrite))

    def kinds(self) -> dict[str, str]:
        return {Path(uri).name: file.kind for uri, file in self.pending.files().items()}

    def file(self, name: str) -> PendingFile:
        return self.pending.files()[self.uri(name)]

    def names(self) -> list[str]:
        return [entry.name for entry in self.view().children(to_uri(str(self.root)))]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_edits_of_one_file_become_one_change(case: Case) -> None:
    case.propose(case.change("a.txt", Edit(0, 3, "ONE"), turn="t1"))
    before = case.view()
    case.propose(case.change("a.txt", Edit(4, 7, "TWO"), Edit(0, 0, "# "), turn="t2"))
    assert case.text("a.txt") == "# ONE\nTWO\nthree\n"
    assert before.read(case.uri("a.txt")).text == "ONE\ntwo\nthree\n"
    file = case.file("a.txt")
    assert file.base
    assert apply(file.base.text, file.edits) == file.text
    assert [origin.turn for origin in file.origins] == ["t1", "t2"]
    assert (case.root / "a.txt").read_text() == "one\ntwo\nthree\n"


def test_all_or_nothing(case: Case) -> None:
    with pytest.raises(FileExists, match=r"b\.txt"):
        case.propose(CreateFile(case.uri("new"), "x"), CreateFile(case.uri("b.txt"), "y"))
    assert case.pending.files() == {}


def test_typing_elsewhere_is_rebased_and_typing_there_is_held(case: Case) -> None:
    case.propose(case.change("a.txt", Edit(0, 3, "ONE"), Edit(8, 13, "THREE")))
    uri = case.uri("a.txt")
    case.workspace.overlay.open(uri, "text", 1, "one\ntwo\nthree\n")
    case.workspace.overlay.change(uri, 2, [(LineRange(1, 0, 1, 3), "2222")])
    assert case.text("a.txt") == "ONE\n2222\nTHREE\n"
    assert case.file("a.txt").held == ()
    case.workspace.overlay.change(uri, 3, [(LineRange(2, 0, 2, 5), "drei")])
    assert case.text("a.txt") == "ONE\n2222\ndrei\n"
    held = Held(9, 13, "three", "THREE")
    assert case.file("a.txt").held == (held,)
    file = case.pending.rebase(case.workspace.snapshot())[uri]
    assert (file.text, file.edits, file.held) == ("ONE\n2222\ndrei\n", (Edit(0, 3, "ONE"),), (held,))
    assert file.base
    assert file.base.version == 3


@pytest.mark.parametrize("newer", ["one\nxtwo\nthree\n", "one\ntwox\nthree\n", "one\ntwo\nx\nthree\n"])
def test_a_key_beside_it_that_nobody_saw_does_not_meet_it(case: Case, newer: str) -> None:
    """Typed while no server ran, or by another program: the text tells as much as a change would."""
    case.propose(case.change("a.txt", Edit(4, 7, "TWO")))
    (case.root / "a.txt").write_text(newer)
    assert case.text("a.txt") == newer.replace("two", "TWO")


def test_an_edit_planned_before_typing(case: Case) -> None:
    uri = case.uri("a.txt")
    case.workspace.overlay.open(uri, "text", 1, "one\ntwo\nthree\n")
    planned = case.view()
    edit = ChangeText(planned.read(uri).base, (Edit(0, 3, "ONE"),))
    case.propose(case.change("a.txt", Edit(4, 7, "TWO")))
    case.pending.propose([edit], planned)
    assert case.text("a.txt") == "ONE\nTWO\nthree\n"
    with pytest.raises(StaleEdit, match=r"a\.txt"):
        case.pending.propose([edit], case.view())
    with pytest.raises(StaleEdit, match="where the edit would go"):
        case.pending.propose([ChangeText(planned.read(uri).base, (Edit(0, 2, "x"),))], planned)


def test_create_then_edit_then_delete(case: Case) -> None:
    case.create("sub/new.txt", "new\n")
    case.propose(case.change("sub/new.txt", Edit(0, 3, "NEW")))
    assert case.kinds() == {"new.txt": "create"}
    assert case.text("sub/new.txt") == "NEW\n"
    assert case.names() == ["a.txt", "b.txt", "bin", "sub"]
    assert case.view().exists(case.uri("sub"))
    case.delete("sub/new.txt")
    assert case.pending.files() == {}


def test_delete_then_create_is_a_change(case: Case) -> None:
    case.delete("a.txt")
    assert case.names() == ["b.txt", "bin"]
    assert not case.view().exists(case.uri("a.txt"))
    assert case.view().changed() == {case.uri("a.txt"): None}
    with pytest.raises(MissingFile):
        case.text("a.txt")
    case.create("a.txt", "one\n2\nthree\n")
    assert case.kinds() == {"a.txt": "change"}
    assert case.file("a.txt").edits == (Edit(4, 7, "2"),)


def test_create_over_a_file(case: Case) -> None:
    with pytest.raises(FileExists):
        case.create("b.txt", "x")
    case.create("b.txt", "bees\n", overwrite=True)
    assert (case.kinds(), case.text("b.txt")) == ({"b.txt": "change"}, "bees\n")
    case.create("bin", "text", overwrite=True)
    assert (case.file("bin").kind, case.file("bin").overwrite) == ("create", True)


def test_move_then_edit_then_back(case: Case) -> None:
    case.move("a.txt", "c.txt")
    case.propose(case.change("c.txt", Edit(0, 3, "ONE")))
    file = case.file("c.txt")
    assert (file.kind, file.moved_from, file.edits) == ("move", case.uri("a.txt"), (Edit(0, 3, "ONE"),))
    assert case.names() == ["b.txt", "bin", "c.txt"]
    assert set(case.view().changed()) == {case.uri("a.txt"), case.uri("c.txt")}
    case.move("c.txt", "d.txt")
    assert case.file("d.txt").moved_from == case.uri("a.txt")
    case.move("d.txt", "a.txt")
    assert (case.kinds(), case.text("a.txt")) == ({"a.txt": "change"}, "ONE\ntwo\nthree\n")


def test_edit_then_move_then_delete(case: Case) -> None:
    case.propose(case.change("a.txt", Edit(0, 3, "ONE")))
    case.move("a.txt", "c.txt")
    assert case.text("c.txt") == "ONE\ntwo\nthree\n"
    case.delete("c.txt")
    assert case.kinds() == {"a.txt": "delete"}


def test_moves_over_and_out_of_the_way(case: Case) -> None:
    with pytest.raises(FileExists):
        case.move("a.txt", "b.txt")
    case.move("a.txt", "b.txt", overwrite=True)
    assert (case.kinds(), case.file("b.txt").overwrite) == ({"b.txt": "move"}, True)
    case.create("a.txt", "fresh\n")
    assert case.kinds() == {"b.txt": "create", "a.txt": "change"}
    assert (case.text("a.txt"), case.text("b.txt")) == ("fresh\n", "one\ntwo\nthree\n")


def test_moving_what_is_typed_on(case: Case) -> None:
    case.move("a.txt", "c.txt")
    case.propose(case.change("c.txt", Edit(0, 3, "ONE")))
    case.workspace.overlay.open(case.uri("a.txt"), "text", 1, "one\ntwo\nthree\nfour\n")
    assert case.text("c.txt") == "ONE\ntwo\nthree\nfour\n"


def test_binary_files_can_be_moved_and_deleted(case: Case) -> None:
    from copydesk.domain.edits import Base

    case.propose(MoveFile(Base(case.uri("bin"), ""), case.uri("bin2")))
    assert "bin2" in case.names()
    case.propose(DeleteFile(Base(case.uri("bin2"), "")))
    assert case.kinds() == {"bin": "delete"}


def test_discard(case: Case) -> None:
    case.create("x", "")
    case.move("a.txt", "c.txt")
    case.pending.discard(case.uri("a.txt"))
    assert case.kinds() == {"x": "create"}
    case.pending.discard()
    assert case.pending.files() == {}


def test_the_base_disappears(case: Case) -> None:
    case.propose(case.change("a.txt", Edit(0, 3, "ONE")))
    (case.root / "a.txt").unlink()
    file = case.pending.rebase(case.workspace.snapshot())[case.uri("a.txt")]
    assert file.held == (Held(0, 3, "one", "ONE"),)
    with pytest.raises(MissingFile):
        case.text("a.txt")
