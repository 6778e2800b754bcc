"""Searches: what is found, in which order, what is left out, and that the cut is stated."""

import os
import re
import time
from pathlib import Path

import pytest

from copydesk.domain.edits import CreateFile, DeleteFile
from copydesk.domain.errors import MissingFile, ToolFailed
from copydesk.workspace.globs import compile_glob
from copydesk.workspace.patterns import explodes, literal_start
from copydesk.workspace.pending import Pending
from copydesk.workspace.search import Grepped, glob, grep, tree
from copydesk.workspace.uris import to_path, to_uri
from copydesk.workspace.workspace import Workspace

FILES = {
    "src/a.py": "import os\nprint(1)\n",
    "src/b.ts": "let x = 1\r\nprint(2)\r\n",
    "src/deep/c.py": "PRINT\n",
    "src/gen/out.py": "print(3)\n",
    "build/x.py": "print(4)\n",
    ".hidden/h.py": "print(5)\n",
    "node_modules/n.py": "print(6)\n",
    ".git/config": "print(7)\n",
    ".git/info/exclude": "secret.*\n",
    "secret.py": "print(8)\n",
    ".gitignore": "build/\n/node_modules\n",
    "src/.gitignore": "gen\n",
    "bin.py": "print\x00",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "w"
    for age, (name, text) in enumerate(FILES.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "outside.py").write_text("print(9)\n")
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    (root / "loop").symlink_to(root)
    return root


def names(root: Path, uris: tuple[str, ...]) -> list[str]:
    return [os.path.relpath(to_path(uri) or "", root) for uri in uris]


def hits(root: Path, found: Grepped) -> list[tuple[str, int, str]]:
    return [(names(root, (file.uri,))[0], hit.line, hit.text) for file in found.files for hit in file.lines]


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.py", ["a.py", "x/a.py"], ["a.pyc"]),
        ("src/*.py", ["src/a.py"], ["src/x/a.py", "x/src/a.py"]),
        ("src/**/*.{py,ts}", ["src/a.py", "src/x/y/b.ts"], ["src/a.js"]),
        ("**/test_*.py", ["test_a.py", "x/test_a.py"], ["x/atest_a.py"]),
        ("src/**", ["src/a", "src/a/b"], ["src"]),
        ("{a,b{c,d}}.x", ["a.x", "bd.x"], ["b.x", "bcd.x"]),
        ("[!a-c]?.t", ["dx.t"], ["ax.t"]),
        ("a{b", ["a{b"], ["ab"]),
        ("[z", ["[z"], ["z"]),
        ("a[.]b,c", ["a.b,c"], ["axb"]),
    ],
)
def test_glob_patterns(pattern: str, yes: list[str], no: list[str]) -> None:
    matches = compile_glob(pattern)
    assert [path for path in (*yes, *no) if matches(path)] == yes


def test_glob_is_newest_first_without_what_is_ignored(root: Path) -> None:
    workspace = Workspace([to_uri(str(root))])
    found = glob(workspace.snapshot(), workspace, "*.py")
    assert names(root, found.uris)[1:] == ["src/a.py", "src/deep/c.py", ".hidden/h.py", "bin.py"]
    assert names(root, found.uris)[0] == "link.py"
    cut = glob(workspace.snapshot(), workspace, "src/**/*.{py,ts}", limit=2)
    assert (cut.n_total, cut.cut) == (3, "first 2 of 3 files; narrow the pattern")
    assert names(root, cut.uris) == ["src/a.py", "src/b.ts"]


def test_an_ignored_directory_can_be_asked_for(root: Path) -> None:
    workspace = Workspace([to_uri(str(root))])
    found = glob(workspace.snapshot(), workspace, "*.py", to_uri(str(root / "build")))
    assert names(root, found.uris) == ["build/x.py"]


def test_grep_content(root: Path) -> None:
    workspace = Workspace([to_uri(str(root))])
    found = grep(workspace.snapshot(), workspace, r"^print\(\d\)$")
    assert hits(root, found) == [
        (".hidden/h.py", 0, "print(5)"),
        ("src/a.py", 1, "print(1)"),
        ("src/b.ts", 1, "print(2)"),
    ]
    assert (found.n_matches, found.n_files, found.cut) == (3, 3, "")
    around = grep(workspace.snapshot(), workspace, "print", to_uri(str(root / "src" / "a.py")), context=3)
    assert [(line.text, line.is_match) for line in around.files[0].lines] == [("import os", False), ("print(1)", True)]


def test_grep_modes_and_cuts(root: Path) -> None:
    workspace = Workspace([to_uri(str(root))])
    files = grep(workspace.snapshot(), workspace, "print", glob="*.py", mode="files", ignore_case=True)
    assert names(root, tuple(file.uri for file in files.files)) == [".hidden/h.py", "src/a.py", "src/deep/c.py"]
    cut = grep(workspace.snapshot(), workspace, "print", limit=1)
    assert (cut.n_matches, cut.cut) == (3, "first 1 of 3 matches; narrow the pattern")
    count = grep(workspace.snapshot(), workspace, "print|os", mode="count", glob="a.py")
    assert [file.n_matches for file in count.files] == [2]


def test_unsaved_and_pending_text_is_searched(root: Path) -> None:
    workspace = Workspace([to_uri(str(root))])
    workspace.overlay.open(to_uri(str(root / "src" / "a.py")), "python", 1, "typed = 1\n")
    pending = Pending()
    snapshot = workspace.snapshot()
    gone = snapshot.read(to_uri(str(root / "src" / "deep" / "c.py"))).base
    pending.propose([CreateFile(to_uri(str(root / "new" / "n.py")), "typed = 2\n"), DeleteFile(gone)], snapshot)
    snapshot = workspace.snapshot(pending)
    found = grep(snapshot, workspace, "typed|PRINT")
    assert hits(root, found) == [("new/n.py", 0, "typed = 2"), ("src/a.py", 0, "typed = 1")]
    assert names(root, glob(snapshot, workspace, "*.py").uris)[:2] == ["new/n.py", "src/a.py"]
    assert "  new/\n    n.py" in tree(snapshot, workspace).text
    assert "c.py" not in tree(snapshot, workspace).text
    assert hits(root, grep(snapshot, workspace, "typed", to_uri(str(root / "new")))) == [("new/n.py", 0, "typed = 2")]


def test_long_lines_are_cut_around_the_match(root: Path) -> None:
    (root / "long.txt").write_text("x" * 5000 + "needle" + "y" * 5000)
    workspace = Workspace([to_uri(str(root))])
    (hit,) = grep(workspace.snapshot(), workspace, "needle").files[0].lines
    assert "needle" in hit.text
    assert "10,006 characters" in hit.text
    assert len(hit.text) < 460


def test_very_long_lines_are_searched_in_part_and_it_is_said(root: Path) -> None:
    (root / "long.txt").write_text("x" * 20_000 + "needle\n")
    workspace = Workspace([to_uri(str(root))])
    assert grep(workspace.snapshot(), workspace, "needle").n_matches == 1
    found = grep(workspace.snapshot(), workspace, "ne+dle")
    assert (found.n_matches, found.cut) == (0, "1 long lines were searched only in their first 10,000 characters")


def test_tree(root: Path) -> None:
    workspace = Workspace([to_uri(str(root))])
    found = tree(workspace.snapshot(), workspace, depth=2)
    assert found.text.splitlines() == [
        "./", "  .gitignore", "  .hidden/", "    h.py", "  bin.py", "  link.py", "  loop", "  src/", "    .gitignore",
        "    a.py", "    b.ts", "    deep/",
    ]  # fmt: skip
    cut = tree(workspace.snapshot(), workspace, to_uri(str(root / "src")), limit=2)
    assert (cut.text, cut.cut) == ("src/\n  .gitignore\n  a.py", "first 2 of 5 entries; narrow the pattern")


def test_bad_patterns_and_places(root: Path) -> None:
    workspace = Workspace([to_uri(str(root))])
    with pytest.raises(ToolFailed, match=r"'a\(b'.*position 1"):
        grep(workspace.snapshot(), workspace, "a(b")
    with pytest.raises(ToolFailed, match="take forever"):
        grep(workspace.snapshot(), workspace, "(a+)+$")
    with pytest.raises(MissingFile):
        glob(workspace.snapshot(), workspace, "*", to_uri(str(root / "none")))
    with pytest.raises(ToolFailed, match="no workspace folder"):
        glob(Workspace().snapshot(), Workspace(), "*")


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a*)*", "(\\w+\\s*)*:", "((a+))+b", "(\\w|\\d)*x", "(?:.*,)*.*x", "([a-z]+)*1"]
)
def test_exploding_patterns(pattern: str) -> None:
    assert explodes(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(\w+\.)+\w+",
        r"def (\w+)\(",
        "(foo|bar)*",
        r"(?:[^,]*,)+",
        r"\(a+\)+",
        "[(a+)+]",
        "((a+)-)*x",
        r"(\s*#.*)?$",
        "(ab)+",
    ],
)
def test_harmless_patterns(pattern: str) -> None:
    assert not explodes(pattern)


@pytest.mark.parametrize(
    ("pattern", "start"),
    [("^def \\w+", "def "), ("abc?d", "ab"), ("a|b", ""), ("(?i)abc", ""), (r"\.x", ""), ("ab{2}", "a")],
)
def test_what_every_match_begins_with(pattern: str, start: str) -> None:
    assert literal_start(re.compile(pattern)) == start


def test_a_search_stops_when_told(root: Path) -> None:
    workspace = Workspace([to_uri(str(root))])
    found = grep(workspace.snapshot(), workspace, "print", should_stop=lambda: True)
    assert (found.files, found.cut) == ((), "stopped before the end")
    assert "stopped after" in grep(workspace.snapshot(), workspace, "print", limit_s=0).cut


@pytest.mark.slow
def test_a_big_tree_does_not_stall(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("".join(f"*.ign{i}\n" for i in range(40)))
    for directory in range(200):
        (tmp_path / f"d{directory}").mkdir()
        for number in range(500):
            (tmp_path / f"d{directory}" / f"f{number}.txt").touch()
    workspace = Workspace([to_uri(str(tmp_path))])
    start = time.perf_counter()
    found = glob(workspace.snapshot(), workspace, "f1.txt")
    assert found.n_total == 200
    assert time.perf_counter() - start < 20
