"""URIs: every client's spelling of a file is one file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.workspace.uris import child, normalise, parent, same, to_path, to_uri


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_posix_paths_round_trip(name: str) -> None:
    path = "/w/" + name.rstrip("/")
    expected = path.rstrip("/")
    assert to_path(to_uri(path, windows=False), windows=False) == expected
    assert normalise(to_uri(path, windows=False), windows=False) == to_uri(path, windows=False)


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("C:\\Some Dir\\a#b%.py", "file:///c:/Some%20Dir/a%23b%25.py"),
        ("\\\\Server\\share\\ü.txt", "file://server/share/%C3%BC.txt"),
    ],
)
def test_windows_paths(path: str, uri: str) -> None:
    assert to_uri(path, windows=True) == uri
    assert same(to_uri(to_path(uri, windows=True) or "", windows=True), uri, windows=True)


def test_spellings_of_one_file() -> None:
    assert normalise("file:///c%3A/a%20b.py", windows=True) == normalise("file:///C:/a b.py", windows=True)
    assert same("FILE:///w/caf%c3%a9/", "file://localhost/w/café", windows=False)
    assert not same("file:///w/A", "file:///w/a", windows=False)
    assert normalise("Untitled:Untitled-1") == "untitled:Untitled-1"
    assert to_path("untitled:Untitled-1") is None
    assert to_path("file://elsewhere/x", windows=False) is None


def test_odd_bytes_survive() -> None:
    assert to_uri("/w/\udcff", windows=False) == "file:///w/%FF"
    assert to_path("file:///w/%FF", windows=False) == "/w/\udcff"


def test_parent_and_child() -> None:
    assert child(parent("file:///w/a.py"), "b c") == "file:///w/b%20c"
    assert parent("file:///w") == "file:///"
    assert child("file:///", "w") == "file:///w"
