"""`read_file`: pages, numbers, and what is said where something is cut or not there."""

import threading
import time

import pytest

from copydesk.domain.errors import InvalidArguments, MissingFile, OutsideWorkspace, PermissionDenied, ToolFailed
from copydesk.domain.ports import FileHandle
from copydesk.tools.reading import LINE_CHARS, read_file
from tests.support.memory import MemoryFiles, MemoryWork, call

READ = read_file()


async def read(text: str, **arguments: object) -> str:
    return (await call(READ, MemoryWork({"a.py": text}), path="a.py", **arguments)).content


async def test_a_whole_file():
    assert await read("one\ntwo\n") == "a.py (2 lines)\n1→one\n2→two"


async def test_no_last_line_break_and_other_breaks():
    assert await read("one\r\ntwo\rthree") == "a.py (3 lines)\n1→one\n2→two\n3→three"


async def test_form_feeds_and_other_spaces_do_not_end_a_line():
    assert await read("a\x0cb\u2028c\x85d\n") == "a.py (1 line)\n1→a\x0cb\u2028c\x85d"


async def test_numbers_are_aligned():
    rows = (await read("x\n" * 12)).split("\n")
    assert (rows[1], rows[10]) == (" 1→x", "10→x")


async def test_a_page_says_what_it_is_and_where_the_next_begins():
    work = MemoryWork({"a.py": "".join(f"l{n}\n" for n in range(1, 11))})
    output = await call(READ, work, path="a.py", offset=3, limit=2)
    assert output.content == "a.py lines 3–4 of 10\n3→l3\n4→l4\n(more: continue with offset=5)"
    assert output.details["next_offset"] == 5


async def test_the_last_page_has_no_next():
    assert await read("a\nb\nc\n", offset=3) == "a.py lines 3–3 of 3\n3→c"


async def test_pages_join_to_the_whole_file():
    lines = [f"line {n} " + "x" * (n % 90) for n in range(4_000)]
    work = MemoryWork({"a.py": "\n".join(lines) + "\n"})
    got: list[str] = []
    offset: object = 1
    while offset:
        output = await call(READ, work, path="a.py", offset=offset)
        assert len(output.content) < 62_000
        got += [row.partition("→")[2] for row in output.content.split("\n") if "→" in row]
        offset = output.details.get("next_offset")
    assert got == lines


async def test_an_empty_file():
    assert await read("") == "a.py is an empty file."


async def test_long_lines_are_cut_and_said():
    shown = await read("short\n" + "y" * (LINE_CHARS + 5) + "\n")
    assert "y… (+5 characters)" in shown
    assert shown.endswith("(1 line longer than 2,000 characters cut at …)")


async def test_one_line_over_the_page_is_still_shown():
    assert "… (+998,000 characters)" in await read("z" * 1_000_000)


async def test_past_the_end():
    with pytest.raises(InvalidArguments, match=r"`offset` 9 is past the end: 'a.py' has 2 lines"):
        await read("a\nb\n", offset=9)


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("src", ToolFailed, r"'src' is a directory; it holds app.py.*list_dir"),
        ("src/ap.py", MissingFile, r"Did you mean 'src/app.py'"),
        ("nowhere/at/all.rs", MissingFile, "glob or list_dir"),
        ("../x", OutsideWorkspace, "outside"),
        (".env", PermissionDenied, "secrets"),
        ("src/../.env", PermissionDenied, "secrets"),
    ],
)
async def test_what_cannot_be_read(path: str, error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        await call(READ, MemoryWork({"src/app.py": "x", ".env": "KEY=1"}), path=path)


async def test_a_link_to_a_secret_is_one(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("links")
    (folder / ".env").write_text("KEY=1", encoding="utf-8")
    (folder / "notes.txt").symlink_to(folder / ".env")

    class LinkedWork(MemoryWork):
        def resolve(self, path: str) -> str:
            return (folder / path).as_uri()

    with pytest.raises(PermissionDenied, match="notes"):
        await call(READ, LinkedWork({}), path="notes.txt")


class WatchedFiles(MemoryFiles):
    """Tells on which thread it was read."""

    def read(self, uri: str) -> FileHandle:
        seen.append(threading.current_thread())
        return super().read(uri)


class ColdFiles(WatchedFiles):
    def held_uris(self) -> frozenset[str]:
        return frozenset()


seen: list[threading.Thread] = []


@pytest.mark.parametrize(("kind", "hops"), [(WatchedFiles, False), (ColdFiles, True)])
async def test_only_what_is_not_in_memory_is_read_in_a_worker(kind: type[MemoryFiles], hops: bool):
    work = MemoryWork({"a.py": "x\n"})
    work.files = kind(work.files.texts)
    seen.clear()
    await call(READ, work, path="a.py")
    assert [thread is not threading.current_thread() for thread in seen] == [hops]


async def test_an_open_file_is_read_fast():
    work = MemoryWork({"a.py": "value = compute(1, 2)\n" * 100})
    best = 1.0
    for _ in range(20):
        start = time.perf_counter()
        await READ.execute({"path": "a.py"}, work)
        best = min(best, time.perf_counter() - start)
    assert best < 0.005  # measured 0.1 ms; the wide margin is for loaded machines
