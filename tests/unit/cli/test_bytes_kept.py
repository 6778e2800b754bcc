"""`copydesk run --apply` over the corpus of encodings: not one byte outside the edited ranges changes."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.app.compose import compose
from copydesk.cli.disk_editor import DiskEditor
from copydesk.domain.messages import Task
from copydesk.models.scripted import Script, ScriptedModel
from copydesk.services.turns import PromptRequest, TurnOutcome
from copydesk.text.edits import apply
from copydesk.text.encodings import UnencodableError, decode, spliced
from copydesk.text.lines import line_end
from copydesk.workspace.uris import to_uri
from tests.lsp.e2e.rig import call, edit, write
from tests.support.byte_corpus import NEW, OLD, SAMPLES, Sample

pytestmark = pytest.mark.anyio


async def run(tmp_path: Path, *script: str) -> TurnOutcome:
    """One turn as the command line makes it."""
    root = tmp_path / "work"
    core = compose(
        roots=(to_uri(str(root)),),
        editor=lambda workspace: DiskEditor(lambda: workspace, lambda level, text: None),
        arguments={"review.mode": "apply"},
        state=tmp_path / "state",
        model=ScriptedModel(Script.parse("\n--- step\n".join(script))),
    )
    async with core.running():
        return await core.host.prompt(PromptRequest(Task("prompt", "go"), mode="auto")).wait()


def put(tmp_path: Path, sample: Sample) -> Path:
    write(tmp_path / "work", {sample.path: sample.data, **sample.beside})
    return tmp_path / "work" / sample.path


@pytest.mark.parametrize("name", SAMPLES)
async def test_a_replaced_word(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    path = put(tmp_path, sample)
    outcome = await run(tmp_path, edit(sample.path, sample.old, sample.new), "text: Done.")
    assert outcome.review is not None
    assert outcome.review.state == "applied", outcome
    assert path.read_bytes() == sample.expected


@pytest.mark.parametrize("name", [name for name in SAMPLES if "long line" not in name])
async def test_new_lines_take_the_line_end_of_the_file(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    path = put(tmp_path, sample)
    outcome = await run(tmp_path, edit(sample.path, OLD, f"{NEW}\nadded = 1\nmore"), "text: Done.")
    assert outcome.review is not None
    assert outcome.review.state == "applied", outcome
    end = line_end(sample.text)
    wanted = Sample("", "", sample.data, sample.codec, sample.text, sample.bom, new=f"{NEW}{end}added = 1{end}more")
    assert path.read_bytes() == wanted.expected


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
async def test_text_added_at_the_end(tmp_path: Path, bom: bytes, end: str) -> None:
    write(tmp_path / "work", {"a.txt": bom + f"one{end or chr(10)}last{end}".encode()})
    before = (tmp_path / "work" / "a.txt").read_bytes()
    outcome = await run(tmp_path, edit("a.txt", "last", "last\nadded"), "text: Done.")
    assert outcome.review is not None
    assert outcome.review.state == "applied"
    added = f"last{end or chr(10)}added".encode()
    assert (tmp_path / "work" / "a.txt").read_bytes() == before.replace(b"last", added)


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
async def test_an_empty_file_is_filled_in_its_own_encoding(tmp_path: Path, data: bytes) -> None:
    write(tmp_path / "work", {"a.txt": data})
    text = "größe\nend\n"
    await run(tmp_path, call("write_file", path="a.txt", content=text, overwrite=True), "text: Done.")
    codec = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(data, "utf-8")
    assert (tmp_path / "work" / "a.txt").read_bytes() == data + text.encode(codec)


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "a stray byte in UTF-8": (b"caf\xe9 caf\xc3\xa9\n" + OLD.encode(), NEW, r"0xE9 in line 1.*UTF-8"),
    "a half pair": (OLD.encode() + b"\xed\xa0\x80", NEW, "UTF-8"),
    "overlong": (OLD.encode() + b"\xc0\xaf", NEW, "UTF-8"),
    "nul": (OLD.encode() + b"\x00", NEW, "NUL"),
    "utf-16 without a mark": (OLD.encode("utf-16-le"), NEW, "byte order mark"),
    "half a unit": (b"\xff\xfe" + OLD.encode("utf-16-le") + b"x", NEW, "utf-16-le"),
    "utf-7": (b"# coding: utf-7\n# \xff\n" + OLD.encode(), NEW, "UTF-8"),
    "an unknown cookie": (b"# coding: klingon\n# \xe9\n" + OLD.encode(), NEW, "UTF-8"),
    "euro in latin-1": ("# coding: latin-1\n# é\n".encode("latin-1") + OLD.encode(), "€", r"U\+20AC"),
    "yen in shift-jis": ("# coding: shift_jis\n# 表\n".encode("shift_jis") + OLD.encode(), "¥1", r"U\+00A5"),
    "accent in koi8-r": (b"# coding: koi8-r\n" + OLD.encode(), "é", r"U\+00E9"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_kept_is_refused_by_name(tmp_path: Path, name: str) -> None:
    data, new, words = REFUSED[name]
    write(tmp_path / "work", {"a.py": data})
    expected = f"expect: (?s)a\\.py.*{words}|{words}.*a\\.py"
    outcome = await run(tmp_path, edit("a.py", OLD, new), f"{expected}\ntext: No.")
    assert (outcome.message, outcome.stop_reason) == ("No.", "end_turn"), outcome
    assert (tmp_path / "work" / "a.py").read_bytes() == data


# --- random edits ---

_ENCODINGS = ("utf-8", "utf-16-le", "utf-32-be", "cp1252", "shift_jis", "euc_jp", "gb18030", "big5", "koi8-r")


@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_random_edits_touch_no_other_byte(name: str, data: st.DataObject) -> None:
    sample = SAMPLES[name]
    if sample.codec == "iso2022_jp" or len(sample.text) > 1000:
        return
    cuts = sorted(data.draw(st.sets(st.integers(0, len(sample.text)), max_size=6)))
    news = st.text("aé\r\n 日я", max_size=4)
    edits = [(start, end, data.draw(news)) for start, end in zip(cuts[::2], cuts[1::2], strict=False)]
    decoded = decode(sample.data) if not sample.beside else None
    if decoded is None:
        return
    try:
        after = spliced(sample.data, decoded, edits)
    except UnencodableError:
        return
    assert after == by_hand(sample, edits)
    assert after.removeprefix(sample.bom).decode(sample.codec) == apply(sample.text, edits)


def by_hand(sample: Sample, edits: Sequence[tuple[int, int, str]]) -> bytes:
    """The same on the bytes, for encodings in which each character stands for itself."""
    result = sample.data
    for start, end, new in reversed(edits):
        at = len(sample.bom) + len(sample.text[:start].encode(sample.codec))
        stop = at + len(sample.text[start:end].encode(sample.codec))
        result = result[:at] + new.encode(sample.codec) + result[stop:]
    return result


@given(st.lists(st.sampled_from(["ab", "日本", "\n", "カナ", "x"]), max_size=12), st.data())
def test_an_encoding_with_state_is_kept_or_refused(words: list[str], data: st.DataObject) -> None:
    text = "# coding: iso-2022-jp\n" + "".join(words)
    raw = text.encode("iso2022_jp")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    new = data.draw(st.sampled_from(["", "y", "文", "y\n文"]))
    try:
        after = spliced(raw, decode(raw), [(start, end, new)])
    except UnencodableError:
        return
    assert after.decode("iso2022_jp") == text[:start] + new + text[end:]
    assert after == raw or after.startswith(text[:start].encode("iso2022_jp"))
