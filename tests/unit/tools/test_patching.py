"""`apply_patch` over the real chain, and what models are told of text that went stale."""

from pathlib import Path

import pytest

from copydesk.domain.errors import CopydeskError, ToolFailed
from copydesk.services.reads import Reads
from copydesk.tools.editing import edit_file
from copydesk.tools.patching import apply_patch
from copydesk.tools.reading import read_file
from tests.support.memory import ROOT, MemoryFiles, MemoryWork, call
from tests.unit.contracts.chains import MakeWork, makers

FILES = {"a.py": "a = 1\nb = 2\n", "src/b.py": "x = 1\r\ny = 2\r\n", "dead.py": "pass\n"}
PATCH = """*** Begin Patch
*** Update File: a.py
*** Move to: lib/a.py
@@
 a = 1
-b = 2
+b = 3
*** Update File: src/b.py
@@
-y = 2
+y = 3
*** Add File: new.py
+n = 1
*** Delete File: dead.py
*** End Patch
"""


@pytest.fixture(params=["memory", "disk", "open", "pending"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeWork:
    return makers(tmp_path)[request.param]


async def test_one_patch_over_all_kinds_of_parts(make: MakeWork):
    work = make(FILES)
    output = await call(apply_patch(), work, patch=PATCH)
    assert output.content == (
        "Moved a.py to lib/a.py.\n"
        "Patched lib/a.py (1 hunk, line 2).\n"
        "Patched src/b.py (1 hunk, line 2).\n"
        "Created new.py (1 line).\n"
        "Deleted dead.py (1 line)."
    )
    texts = {path: work.files.read(work.resolve(path)).text for path in ("lib/a.py", "src/b.py", "new.py")}
    assert texts == {"lib/a.py": "a = 1\nb = 3\n", "src/b.py": "x = 1\r\ny = 3\r\n", "new.py": "n = 1\n"}
    assert not any(work.files.exists(work.resolve(path)) for path in ("a.py", "dead.py"))


async def test_one_part_that_fails_fails_all(make: MakeWork):
    work = make(FILES)
    with pytest.raises(ToolFailed, match="1 of 4 parts"):
        await call(apply_patch(), work, patch=PATCH.replace("-y = 2", "-y = 22"))
    assert {path: work.files.read(work.resolve(path)).text for path in FILES} == FILES
    assert not work.files.exists(work.resolve("new.py"))


async def test_a_patch_of_one_file_shows_its_place():
    work = MemoryWork({"a.py": "a = 1\nb = 2\nc = 3\n"})
    output = await call(apply_patch(), work, patch="*** Update File: a.py\n-b = 2\n+b = 3\n")
    assert output.content == "Patched a.py (1 hunk, line 2).\n1→a = 1\n2→b = 3\n3→c = 3"


async def test_a_character_the_encoding_lacks_is_refused():
    work = MemoryWork({"a.txt": "price\n"})
    work.files = MemoryFiles(work.files.texts, {f"{ROOT}/a.txt": "latin-1"})
    with pytest.raises(ToolFailed, match="latin-1"):
        await call(apply_patch(), work, patch="*** Update File: a.txt\n-price\n+price in €\n")


def test_the_title_names_the_files():
    prepared = apply_patch().prepare({"patch": PATCH}, MemoryWork(FILES))
    assert prepared.title == "Patch a.py, src/b.py, new.py and 1 more"
    assert [one.uri.removeprefix(f"{ROOT}/") for one in prepared.locations] == [
        "a.py",
        "lib/a.py",
        "src/b.py",
        "new.py",
        "dead.py",
    ]


# --- stale text ------------------------------------------------------------------------------------------

BEFORE = "".join(f"line {n}\n" for n in range(1, 21))


async def refusal(work: MemoryWork, old: str) -> str:
    with pytest.raises(CopydeskError) as caught:
        await call(edit_file(), work, path="a.txt", old_text=old, new_text="x")
    return str(caught.value)


def typed(work: MemoryWork, old: str, new: str) -> None:
    uri = f"{ROOT}/a.txt"
    work.files = MemoryFiles({**work.files.texts, uri: work.files.texts[uri].replace(old, new)})


async def test_what_changed_since_the_model_read_it_is_said():
    work = MemoryWork({"a.txt": BEFORE})
    await call(read_file(), work, path="a.txt")
    typed(work, "line 12\nline 13\n", "line twelve\nline thirteen\n")
    said = await refusal(work, "line 11\nline 12\nline 13\nline 14\n")
    assert "Since you read it, lines 12–13 changed." in said
    assert "> 12→line twelve" in said
    assert "Line 12 differs; old_text has: 'line 12'" in said


async def test_what_changed_elsewhere_is_shown_with_its_text():
    work = MemoryWork({"a.txt": BEFORE})
    await call(read_file(), work, path="a.txt")
    typed(work, "line 2\n", "line two\n")
    assert "Since you read it, line 2 changed (now: 2→line two)." in await refusal(work, "line 19\nline 21\n")


async def test_lines_that_were_taken_away():
    work = MemoryWork({"a.txt": BEFORE})
    await call(read_file(), work, path="a.txt")
    typed(work, "line 12\n", "")
    assert "Since you read it, lines after 11 (taken away) changed." in await refusal(work, "line 12\n")


async def test_the_models_own_edits_are_no_news():
    work = MemoryWork({"a.txt": BEFORE})
    await call(read_file(), work, path="a.txt")
    typed(work, "line 2\n", "line two\n")
    await call(edit_file(), work, path="a.txt", old_text="line 5\n", new_text="line five\n")
    await call(apply_patch(), work, patch="*** Update File: a.txt\n-line 6\n+line six\n")
    said = await refusal(work, "line 19\nline 21\n")
    assert "Since you read it, line 2 changed" in said


async def test_a_file_that_was_never_read():
    work = MemoryWork({"a.txt": BEFORE})
    said = await refusal(work, "line 21\n")
    assert "Since you read it" not in said
    assert "You have not read this file in this session" in said


async def test_a_patch_says_it_too():
    work = MemoryWork({"a.txt": BEFORE})
    await call(read_file(), work, path="a.txt")
    typed(work, "line 12\n", "line twelve\n")
    with pytest.raises(ToolFailed, match="Since you read it, line 12 changed"):
        await call(apply_patch(), work, patch="*** Update File: a.txt\n-line 12\n+x\n")


def test_what_was_read_is_kept_in_bounds():
    reads = Reads(max_files=2, max_chars=10)
    for uri, text in (("a", "aaa"), ("b", "bbb"), ("c", "ccc")):
        reads.note(uri, text)
    assert [reads.get(uri) for uri in "abc"] == [None, "bbb", "ccc"]
    reads.note("b", "b" * 8)
    assert [reads.get(uri) for uri in "bc"] == ["b" * 8, None]
    reads.note("d", "d" * 11)
    assert [reads.get(uri) for uri in "bd"] == [None, None]
