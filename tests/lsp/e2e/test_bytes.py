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
        wanted = {"applied"} if is_open else {"applied", "unconfirmed"}
        assert result["review"]["state"] in wanted, result
        assert sample.bom + d.editor.text(uri).encode(sample.codec) == sample.expected
        assert (d.root / sample.path).read_bytes() == sample.data


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
