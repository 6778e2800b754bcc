"""Who wrote what, kept on disk: whole or not at all, private, small, and readable after anything."""

import logging
import os
import stat
from itertools import count
from pathlib import Path

import pytest

from copydesk.store.authored import AuthoredFile, AuthoredText, AuthoredTurn
from copydesk.store.authorship import MAX_AGE_S, MAX_BYTES, ORPHAN_AGE_S, AuthorshipStore, key_of
from copydesk.text.edits import Edit
from copydesk.text.pieces import Pieces, written

URI = "file:///w/a.py"


def made(text: str = "one two\n") -> AuthoredText:
    ids = count(1)
    pieces = written(Pieces(), text, [Edit(0, 3, "1\ud800")], "t-1", lambda: f"p{next(ids)}")
    return AuthoredText(URI, "1\ud800" + text[3:], pieces, {"t-1": (5, 7)})


def turn(id: str = "t-1") -> AuthoredTurn:
    files = (AuthoredFile(URI, "move", "file:///w/b.py", ("p1",), "latin-1"),)
    return AuthoredTurn(
        id, "s-1", "Fix", "m", "ask", "2026-01-31T00:00:00Z", 7, "undone", "", "", files, ("12 passed",)
    )


def test_what_is_put_is_read(tmp_path: Path) -> None:
    store = AuthorshipStore(tmp_path / "made" / "later")
    assert (store.turn("t-1"), store.text(URI), store.turns(), store.keys()) == (None, None, {}, frozenset())
    assert store.put_turn(turn())
    assert store.put_text(made())
    assert AuthorshipStore(tmp_path / "made" / "later").turns() == {"t-1": turn()}
    assert store.text(URI) == made()
    assert store.keys() == {key_of(URI)}
    store.forget_text(URI)
    assert store.text(URI) is None


@pytest.mark.skipif(os.name == "nt", reason="modes are another thing there")
def test_only_the_person_can_read_it(tmp_path: Path) -> None:
    store = AuthorshipStore(tmp_path / "a")
    store.put_turn(turn())
    store.put_text(made())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b'{"v": 1}', b'{"turn": "t", "files": 3, "order": "x"}'])
def test_what_is_damaged_is_passed_over_and_said(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = AuthorshipStore(tmp_path)
    store.put_turn(turn())
    store.put_turn(turn("t-2"))
    store.put_text(made())
    next(path for path in sorted((tmp_path / "turns").iterdir())).write_bytes(damage)
    next((tmp_path / "files").iterdir()).write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        assert len(store.turns()) == 1
        assert store.text(URI) is None
    assert "passed over" in caplog.text


@pytest.mark.parametrize("kept", [None, b"", b"junk"])
def test_a_text_that_is_missing_or_damaged(tmp_path: Path, kept: bytes | None) -> None:
    store = AuthorshipStore(tmp_path)
    store.put_text(made())
    (path,) = (tmp_path / "texts").iterdir()
    path.unlink()
    if kept is not None:
        path.write_bytes(kept)
    assert store.text(URI) is None


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a").write_text("a file")
    store = AuthorshipStore(tmp_path / "a")
    with caplog.at_level(logging.WARNING):
        assert not store.put_turn(turn())
        assert not store.put_text(made())
    assert len(caplog.records) == 1
    assert store.tidy() == 0


def test_old_things_go(tmp_path: Path) -> None:
    now = [1_000_000_000.0]
    store = AuthorshipStore(tmp_path, lambda: now[0])
    store.put_turn(turn())
    store.put_text(made())
    (tmp_path / "texts" / ".half.z.abc").write_bytes(b"half")
    for path in tmp_path.rglob("*"):
        os.utime(path, (now[0], now[0]))
    now[0] += ORPHAN_AGE_S + 1
    assert store.tidy() == 1
    assert store.text(URI) == made()
    now[0] += MAX_AGE_S
    assert store.tidy() == 3
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_oldest_go_when_there_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copydesk.store.authorship.MAX_BYTES", 1000)
    assert MAX_BYTES > 1000
    now = 1_000_000_000.0
    store = AuthorshipStore(tmp_path, lambda: now)
    for number in range(10):
        store.put_turn(turn(f"t-{number}"))
        (path,) = [path for path in (tmp_path / "turns").iterdir() if path.stat().st_mtime > now + 1000]
        os.utime(path, (now - 100 + number, now - 100 + number))
    store.tidy()
    left = store.turns()
    assert 0 < len(left) < 10
    assert "t-9" in left
    assert "t-0" not in left
