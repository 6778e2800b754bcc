"""What a person is shown in a stock client: short answers, long answers, errors, hovers."""

import os
import stat
from pathlib import Path

import anyio
import pytest

from copydesk.domain.messages import LineRange
from copydesk.lsp.answers import is_short
from copydesk.lsp.handlers import RpcError
from tests.support.feature_rig import (
    CLIENTS,
    EGLOT,
    HELIX_OLD,
    NVIM_010,
    NVIM_012,
    URI,
    VSCODE,
    FeatureRig,
    Hovered,
    rig,
)

LONG = "# foo\n\nOne.\n\nTwo ![x](http://evil/p.png).\n\nThree.\n"


async def end_with(r: FeatureRig, message: str, **how: str) -> str:
    r.open("def foo(): ...\n")
    turn = (await r.command("copydesk.explain", {"uri": URI}))["turn"]
    r.host.end(turn, message, **how)  # type: ignore[arg-type]
    return turn


@pytest.mark.parametrize("client", sorted(CLIENTS))
async def test_a_short_answer_is_a_message(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        await end_with(r, "It adds.\nList[int] <T> in, int out.\nSee [here](command:x).")
        assert await r.until(r.shown) == [(3, "It adds.\nList[int] <T> in, int out.\nSee here.")]
        assert r.all("window/showDocument") == []


async def test_a_long_answer_is_a_virtual_document(tmp_path: Path) -> None:
    async with rig(tmp_path, VSCODE) as r:
        turn = await end_with(r, LONG)
        (shown,) = await r.until(lambda: r.all("window/showDocument"))
        assert shown == {"uri": f"copydesk:/turn/{turn}.md", "takeFocus": False}
        content = await r.call("workspace/textDocumentContent", {"uri": shown["uri"]})
        assert content["text"].startswith("# foo")
        assert "evil" not in content["text"]
        spelled = await r.call("workspace/textDocumentContent", {"uri": f"copydesk:///turn/{turn}.md"})
        assert spelled == content
        assert "no longer kept" in (await r.call("workspace/textDocumentContent", {"uri": "copydesk:/x"}))["text"]
        with pytest.raises(RpcError, match=r"needs \{uri\}"):
            await r.call("workspace/textDocumentContent", None)


@pytest.mark.parametrize("client", [NVIM_010, NVIM_012, EGLOT])
async def test_or_a_read_only_file(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        await end_with(r, LONG)
        (shown,) = await r.until(lambda: r.all("window/showDocument"))
        path = anyio.Path(shown["uri"].removeprefix("file://"))
        assert str(path).startswith(str(tmp_path))
        assert "Three." in await path.read_text()
        if os.name == "posix":
            assert stat.S_IMODE((await path.stat()).st_mode) == 0o400
        await r.voice.answers.open("turn/t-1.md", "again")
        assert await path.read_text() == "again"


async def test_old_files_go(tmp_path: Path) -> None:
    async with rig(tmp_path, NVIM_010) as r:
        first = anyio.Path((await r.voice.answers.open("turn/a.md", LONG)).removeprefix("file://"))
        os.utime(first, (1, 1))
        second = anyio.Path((await r.voice.answers.open("turn/b.md", LONG)).removeprefix("file://"))
        assert (await first.exists(), await second.exists()) == (False, True)


async def test_or_a_message_with_the_path(tmp_path: Path) -> None:
    async with rig(tmp_path, HELIX_OLD) as r:
        await end_with(r, LONG)
        ((_, text),) = await r.until(r.shown)
        assert "foo" in text
        assert await anyio.Path(text.split(" is in ")[1]).exists()


async def test_a_client_that_fails_to_show_gets_the_path(tmp_path: Path) -> None:
    async with rig(tmp_path, VSCODE) as r:
        r.answers["window/showDocument"] = {"success": False}
        await end_with(r, LONG)
        ((_, text),) = await r.until(r.shown)
        assert str(tmp_path) in text


async def test_an_error_is_a_message_of_type_error(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        await end_with(r, "", stop_reason="error", error="No key. Set OPENAI_API_KEY.")
        assert await r.until(r.shown) == [(1, "No key. Set OPENAI_API_KEY.")]


# --- hover ------------------------------------------------------------------------------------------------


async def hover(r: FeatureRig, line: int = 0, character: int = 5) -> dict[str, object] | None:
    place = {"textDocument": {"uri": URI}, "position": {"line": line, "character": character}}
    return await r.call("textDocument/hover", place)


@pytest.mark.parametrize("client", sorted(CLIENTS))
async def test_hover_has_facts_then_explanation_in_the_clients_format(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        r.open("größe = '😀'; foo = 1\n")
        r.hovered = Hovered("**foo** is called by `bar`", "Says <img src=x>hi", LineRange(0, 13, 0, 16))
        answer = await hover(r)
        assert answer is not None
        if client == EGLOT:
            assert answer["contents"] == {"kind": "plaintext", "value": "foo is called by bar\n\n---\n\nSays hi"}
        else:
            value = "**foo** is called by `bar`\n\n---\n\nSays hi"
            assert answer["contents"] == {"kind": "markdown", "value": value}
        start = {"utf-8": 18, "utf-16": 14, "utf-32": 13}[r.client.encoding]
        assert answer["range"] == {
            "start": {"line": 0, "character": start},
            "end": {"line": 0, "character": start + 3},
        }


async def test_hover_is_null_where_there_is_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        assert await hover(r) is None
        r.open("x = 1\n")
        assert await hover(r) is None
        r.hovered = Hovered("  ")
        assert await hover(r, 900, 2) is None


async def test_a_hover_that_takes_too_long_is_null(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:

        async def never(*args: object) -> None:
            await anyio.sleep_forever()

        r.open("x = 1\n")
        object.__setattr__(r.features.hover, "_explain", never)
        with anyio.fail_after(2):
            assert await hover(r) is None


@pytest.mark.parametrize("params", [None, {}, [], {"textDocument": {"uri": 1}}, {"textDocument": {"uri": "x"}}])
async def test_a_malformed_hover_is_refused(tmp_path: Path, params: object) -> None:
    async with rig(tmp_path) as r:
        for method in ("textDocument/hover", "textDocument/codeAction"):
            with pytest.raises(RpcError) as caught:
                await r.call(method, params)
            assert caught.value.code == -32602


def test_blank_lines_do_not_make_an_answer_long() -> None:
    assert is_short("Done.\n\nChanged, not saved: a.py.\n\nb.py: made.")
    assert not is_short("one\ntwo\nthree\nfour")
