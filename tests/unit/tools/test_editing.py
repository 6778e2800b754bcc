"""`edit_file` and `write_file`: what is matched, what is kept, what is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.edits import ChangeText, CreateFile
from copydesk.domain.errors import CopydeskError, FileExists, InvalidArguments, PermissionDenied, ToolFailed
from copydesk.text.edits import apply
from copydesk.text.endings import rewritten
from copydesk.text.lines import with_line_ends
from copydesk.tools.editing import edit_file, write_file
from tests.support.memory import ROOT, MemoryFiles, MemoryWork, call

EDIT, WRITE = edit_file(), write_file()


async def edited(text: str, old: str, new: str, **more: object) -> tuple[str, str]:
    """(the text after, what the model is told)"""
    work = MemoryWork({"a.py": text})
    output = await call(EDIT, work, path="a.py", old_text=old, new_text=new, **more)
    return work.text("a.py"), output.content


async def refused(text: str, old: str, new: str, **more: object) -> str:
    work = MemoryWork({"a.py": text})
    with pytest.raises(CopydeskError) as caught:
        await call(EDIT, work, path="a.py", old_text=old, new_text=new, **more)
    assert (work.text("a.py"), work.proposed) == (text, [])
    return str(caught.value)


async def test_an_exact_match_is_replaced_and_shown_in_its_place():
    text, said = await edited("a = 1\nb = 2\nc = 3\nd = 4\n", "b = 2\n", "b = 20\nbb = 21\n")
    assert text == "a = 1\nb = 20\nbb = 21\nc = 3\nd = 4\n"
    assert said == "Edited a.py (1 place, lines 2–3).\n1→a = 1\n2→b = 20\n3→bb = 21\n4→c = 3\n5→d = 4"


async def test_what_is_proposed_is_small_and_based_on_what_was_read():
    work = MemoryWork({"a.py": "def f(a, b):\n    return a\n"})
    base = work.files.read(f"{ROOT}/a.py").base
    await call(
        EDIT, work, path="a.py", old_text="def f(a, b):\n    return a\n", new_text="def f(a, b):\n    return b\n"
    )
    assert work.proposed == [ChangeText(base, ((24, 25, "b"),))]


async def test_the_next_call_sees_the_edit():
    work = MemoryWork({"a.py": "x = 1\n"})
    await call(EDIT, work, path="a.py", old_text="x = 1", new_text="x = 2")
    await call(EDIT, work, path="a.py", old_text="x = 2", new_text="x = 3")
    assert work.text("a.py") == "x = 3\n"


CRLF = "one\r\ntwo\r\nthree\r\n"


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("one\ntwo\n", "one\n1.5\ntwo\n", "one\r\n1.5\r\ntwo\r\nthree\r\n"),
        ("one\r\ntwo\r\n", "one\n1.5\ntwo\n", "one\r\n1.5\r\ntwo\r\nthree\r\n"),
        ("one\r\ntwo\r\n", "one\r\n1.5\r\ntwo\r\n", "one\r\n1.5\r\ntwo\r\nthree\r\n"),
        ("two", "2\nzwei", "one\r\n2\r\nzwei\r\nthree\r\n"),
        ("two\n", "", "one\r\nthree\r\n"),
    ],
)
async def test_line_ends_follow_the_file(old: str, new: str, wanted: str):
    assert (await edited(CRLF, old, new))[0] == wanted


async def test_a_mixed_file_keeps_the_ends_it_has():
    text, _ = await edited("a\r\nb\nc\r\nd\r\n", "b\nc\n", "b\nC\n")
    assert text == "a\r\nb\nC\r\nd\r\n"


async def test_spaces_at_line_ends_are_forgiven_and_said():
    text, said = await edited("a = 1  \nb = 2\n", "a = 1\nb = 2\n", "a = 1\nb = 3\n")
    assert text in ("a = 1  \nb = 3\n", "a = 1\nb = 3\n")
    assert "Matched ignoring spaces at line ends" in said


async def test_shifted_indentation_is_forgiven_and_the_new_text_follows():
    text, said = await edited(
        "class A:\n    def f(self):\n        return 1\n",
        "def f(self):\n    return 1\n",
        "def f(self):\n    # why\n    return 2\n",
    )
    assert text == "class A:\n    def f(self):\n        # why\n        return 2\n"
    assert "other indentation" in said


async def test_uneven_indentation_is_not_forgiven():
    assert "is not in 'a.py'" in await refused("    def f():\n  return 1\n", "def f():\n    return 1\n", "x\n")


async def test_no_match_shows_the_nearest_lines():
    said = await refused("import os\n\ndef total(items):\n    return sum(items)\n", "def totals(items):\n", "x")
    assert "`old_text` is not in 'a.py' as the file is now" in said
    assert "3→def total(items):" in said
    assert "You have not read this file" in said


async def test_two_matches_show_all_their_lines():
    said = await refused("x = 1\ny = 2\nx = 1\n", "x = 1", "x = 2")
    assert "occurs 2 times in 'a.py'" in said
    assert "1→x = 1\n3→x = 1" in said
    assert "replace_all" in said


async def test_two_loose_matches_are_ambiguous_too():
    assert "occurs 2 times" in await refused("  f(1)\n    f(1)\n", "\tf(1)\n", "\tf(2)\n")


async def test_replace_all():
    text, said = await edited("x = 1\ny = x\nz = x\n", "x", "w", replace_all=True)
    assert text == "w = 1\ny = w\nz = w\n"
    assert said.startswith("Edited a.py (3 places, lines 1–3).")


async def test_replace_all_names_the_lines_and_shows_the_first():
    text, said = await edited("x\n" + "-\n" * 20 + "x\n", "x", "yy", replace_all=True)
    assert text == "yy\n" + "-\n" * 20 + "yy\n"
    assert said == "Edited a.py (2 places, lines 1, 22).\n1→yy\n2→-\n3→-"


async def test_deleting_the_whole_text():
    assert (await edited("only\n", "only\n", ""))[0] == ""


async def test_at_most_twelve_lines_are_shown():
    _, said = await edited("a\n" * 5 + "HERE\n" + "b\n" * 5, "HERE", "\n".join(f"n{n}" for n in range(100)))
    assert len(said.split("\n")) == 13
    assert "(1 place, lines 6–105)" in said


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [("", "x", "write_file"), ("a", "a", "the same"), ("1\n", "1\r\n", "line ends")],
)
async def test_calls_that_say_nothing(old: str, new: str, words: str):
    assert words in await refused("1\na\n", old, new)


async def test_an_empty_file_names_write_file():
    assert "write_file" in await refused("", "x", "y")


async def test_a_character_the_encoding_lacks_is_refused():
    work = MemoryWork({"a.txt": "price\n"})
    work.files = MemoryFiles(work.files.texts, {f"{ROOT}/a.txt": "latin-1"})
    with pytest.raises(ToolFailed, match=r"'€' \(U\+20AC\).*latin-1"):
        await call(EDIT, work, path="a.txt", old_text="price", new_text="price €")
    await call(EDIT, work, path="a.txt", old_text="price", new_text="prix é")
    assert work.text("a.txt") == "prix é\n"


async def test_a_big_file_is_edited_too():
    text, said = await edited("x = 1\n" * 40_000 + "y = 1\n", "y = 1", "y = 2")
    assert text.endswith("x = 1\ny = 2\n")
    assert "line 40001" in said


async def test_a_secret_file_is_not_changed():
    work = MemoryWork({".env": "KEY=1\n"})
    with pytest.raises(PermissionDenied):
        await call(EDIT, work, path=".env", old_text="KEY=1", new_text="KEY=2")
    with pytest.raises(PermissionDenied):
        await call(WRITE, work, path=".env", content="KEY=2", overwrite=True)


# --- write_file ------------------------------------------------------------------------------------------


async def test_a_new_file_in_a_new_folder():
    work = MemoryWork({})
    output = await call(WRITE, work, path="src/new/a.py", content="x = 1\ny = 2\n")
    assert output.content == "Created src/new/a.py (2 lines)."
    assert work.proposed == [CreateFile(f"{ROOT}/src/new/a.py", "x = 1\ny = 2\n")]


async def test_an_existing_file_is_not_overwritten_unasked():
    work = MemoryWork({"a.py": "x = 1\n"})
    with pytest.raises(FileExists, match=r"'a.py' exists already \(1 line\).*overwrite=true"):
        await call(WRITE, work, path="a.py", content="y")
    assert work.proposed == []


async def test_a_directory_is_not_a_file():
    with pytest.raises(ToolFailed, match="is a directory"):
        await call(WRITE, MemoryWork({"src/a.py": ""}), path="src", content="y", overwrite=True)


async def test_overwriting_proposes_only_what_differs():
    work = MemoryWork({"a.py": "a = 1\r\nb = 2\r\nc = 3\r\n"})
    base = work.files.read(f"{ROOT}/a.py").base
    output = await call(WRITE, work, path="a.py", content="a = 1\nb = 9\nc = 3\n", overwrite=True)
    assert work.text("a.py") == "a = 1\r\nb = 9\r\nc = 3\r\n"
    assert work.proposed == [ChangeText(base, ((11, 12, "9"),))]
    assert output.content == "Overwrote a.py (3 lines now; 1 place changed, line 2)."


async def test_overwriting_with_the_same_text_changes_nothing():
    work = MemoryWork({"a.py": "a\r\nb\r\n"})
    output = await call(WRITE, work, path="a.py", content="a\nb\n", overwrite=True)
    assert "nothing changed" in output.content
    assert work.proposed == []


async def test_a_byte_order_mark_is_not_text():
    work = MemoryWork({})
    await call(WRITE, work, path="a.py", content="\ufeffx = 1\n")
    assert work.text("a.py") == "x = 1\n"


lines = st.lists(st.tuples(st.sampled_from(["", "a", "bb", "c c"]), st.sampled_from(["\n", "\r\n", "\r"])), max_size=6)


@given(lines, lines, st.sampled_from(["", "tail"]))
def test_rewriting_gives_the_new_words_and_keeps_the_ends_of_lines_that_stay(
    before: list[tuple[str, str]], after: list[tuple[str, str]], tail: str
):
    old = "".join(a + b for a, b in before)
    new = "".join(a + b for a, b in after) + tail
    result = apply(old, rewritten(old, new))
    assert with_line_ends(result, "\n") == with_line_ends(new, "\n")
    assert rewritten(old, with_line_ends(old, "\n")) == ()


def test_calls_are_checked_before_anything_happens():
    with pytest.raises(InvalidArguments, match="write_file"):
        EDIT.prepare({"path": "a.py", "old_text": "", "new_text": "x"}, MemoryWork({}))


@pytest.mark.parametrize("path", [".git/config", ".git/hooks/pre-commit", "lib/.GIT/config", ".hg/hgrc"])
async def test_version_control_is_not_written(path: str):
    work = MemoryWork({".git/config": "[core]\n"})
    with pytest.raises(PermissionDenied, match="version control"):
        await call(WRITE, work, path=path, content="[core]\n", overwrite=True)
    with pytest.raises(PermissionDenied, match="version control"):
        await call(EDIT, work, path=path, old_text="[core]", new_text="[alias]")
    assert work.proposed == []
