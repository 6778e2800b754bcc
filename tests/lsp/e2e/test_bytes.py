"""The corpus of encodings through the whole server: what the editor saves differs from the file in the edit alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.services.landing import LandingLimits
from tests.lsp.e2e.rig import Desk, desk, edit, steps
from tests.support.byte_corpus import SAMPLES, Sample

EDITORS = ("vscode", "helix", "emacs", "vscode", "nvim-0.12")
CASES = [(name, EDITORS[number % len(EDITORS)]) for number, name in enumerate(sorted(SAMPLES)) if number % 2]


FAST = LandingLimits(open_s=0.3)


def reader(d: Desk, sample: Sample) -> Callable[[str], str]:
    """How the fake editor reads a file: in the encoding that its person set, without the mark."""

    def read(uri: str) -> str:
        path = d.editor._path(uri)
        return path.read_bytes().removeprefix(sample.bom).decode(sample.codec) if path.exists() else ""

    return read


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "not open"])
@pytest.mark.parametrize(("name", "editor"), CASES)
async def test_what_is_saved(tmp_path: Path, name: str, editor: str, is_open: bool) -> None:
    sample = SAMPLES[name]
    files = {sample.path: sample.data, **sample.beside}
    model = steps(edit(sample.path, sample.old, sample.new), "text: Done.")
    async with desk(tmp_path, model, editor=editor, files=files, limits=FAST) as d:
        d.editor._disk = reader(d, sample)
        uri = d.open(sample.path) if is_open else d.uri(sample.path)
        result = await d.run("prompt", text="go")
        sent = is_open or bool(sample.bom) or sample.codec == "utf-8"
        wanted = {"applied"} if is_open else {"applied", "unconfirmed"} if sent else {"draft"}
        assert result["review"]["state"] in wanted, result
        if sent:
            assert sample.bom + d.editor.text(uri).encode(sample.codec) == sample.expected
        else:
            assert sample.path in result["message"]
            assert "open it there in that encoding" in result["message"]
            assert d.editor.applied == []
        assert (d.root / sample.path).read_bytes() == sample.data


@pytest.mark.parametrize("text", ["# coding: latin-1\n# café\nvalue = 1\n", "# coding: cp932\nx = '表'; value = 1\n"])
async def test_a_file_that_the_editor_would_misread_waits_until_it_is_open(tmp_path: Path, text: str) -> None:
    """VS Code reads it as UTF-8: the columns are others, and saving would lose what it could not read."""
    codec = text.split()[2]
    model = steps(edit("a.py", "value = 1", "value = 2"), "text: Done.", "text: Done too.")
    async with desk(tmp_path, model, files={"a.py": text.encode(codec)}) as d:
        d.editor._disk = lambda uri: d.editor._path(uri).read_bytes().decode("utf-8", "replace")
        result = await d.run("prompt", text="go")
        assert (result["review"]["state"], d.editor.applied) == ("draft", []), result
        uri = d.open("a.py", text)
        again = await d.run("prompt", text="again")
        assert again["review"]["state"] == "applied", again
        assert d.editor.text(uri) == text.replace("value = 1", "value = 2")


async def test_bytes_that_the_editor_cannot_show_are_not_lost(tmp_path: Path) -> None:
    """VS Code shows U+FFFD for them, and saving the buffer would write that."""
    data = b"caf\xe9 = 1\nvalue = 1\n"
    model = steps(edit("a.txt", "value = 1", "value = 2"), "expect: (?s)a.txt.*U\\+FFFD\ntext: No.")
    async with desk(tmp_path, model, files={"a.txt": data}, limits=FAST) as d:
        uri = d.open("a.txt", data.decode("utf-8", "replace"))
        assert (await d.run("prompt", text="go"))["message"] == "No."
        assert d.editor.applied == []
        assert d.editor.text(uri) == data.decode("utf-8", "replace")


async def test_a_buffer_in_an_encoding_that_only_the_editor_knows(tmp_path: Path) -> None:
    data = "café\nvalue = 1\n".encode("latin-1")
    model = steps(edit("a.txt", "value = 1", "value = 2"), "text: Done.")
    async with desk(tmp_path, model, files={"a.txt": data}, limits=FAST) as d:
        uri = d.open("a.txt", data.decode("latin-1"))
        result = await d.run("prompt", text="go")
        assert result["review"]["state"] == "applied", result
        assert d.editor.text(uri).encode("latin-1") == data.replace(b"1", b"2")
