"""Text synchronisation: every encoding, every editor's habits, and what does not fit."""

import random
import time

import anyio
import pytest

from copydesk.lsp import in_order
from copydesk.lsp.server import Server
from tests.lsp.core.conftest import URI
from tests.support.demo_server import demo_server
from tests.support.fake_editor import PROFILES
from tests.support.lsp_client import LspClient, connect, frame


def text_of(server: Server, uri: str = URI) -> str:
    opened = server.overlay.get(uri)
    assert opened is not None
    return opened.document.text


async def sync(client: LspClient) -> None:
    await client.request("demo/echo", {})


@pytest.mark.parametrize("editor", sorted(PROFILES))
async def test_random_typing_keeps_server_and_editor_equal(server: Server, editor: str):
    chance = random.Random(3)
    async with connect(server, editor=editor) as client:
        client.editor.open(URI, "def é():\r\n    return '😀'\n\x0cx\u2028y\n")
        for _ in range(300):
            text = client.editor.text(URI)
            start = chance.randrange(len(text) + 1)
            end = min(len(text), start + chance.randrange(4))
            inside_break = any(text[max(at - 1, 0) : at + 1] == "\r\n" for at in (start, end))
            if not inside_break:
                client.editor.type(URI, start, end, chance.choice(["a", "", "\n", "😀é", "\r\n", "  x\ny", "\u2028"]))
        await sync(client)
        assert text_of(server) == client.editor.text(URI)
        assert server.overlay.get(URI).version == client.editor.buffers[URI].version  # type: ignore[union-attr]


async def change(client: LspClient, version: object, *changes: object) -> None:
    client.notify(
        "textDocument/didChange", {"textDocument": {"uri": URI, "version": version}, "contentChanges": list(changes)}
    )
    await sync(client)


def place(line: int, start: int, end_line: int, end: int) -> dict[str, dict[str, int]]:
    return {"start": {"line": line, "character": start}, "end": {"line": end_line, "character": end}}


@pytest.mark.parametrize("name", ["helix", "Neovim"])
async def test_changes_that_overtake_each_other(server: Server, name: str):
    """Seen in Helix 25.01; elsewhere versions may jump, and nothing waits."""
    async with connect(server) as client:
        server.client.name = name
        client.editor.open(URI, "")
        first = client.editor.buffers[URI].version
        typed = [(first + 1 + n, {"range": place(0, n, 0, n), "text": char}) for n, char in enumerate("abcdef")]
        for number in (0, 3, 2, 4, 1, 5):
            await change(client, *typed[number])
        assert (text_of(server) == "abcdef") is (name == "helix")
        version = first + 8  # one is left out for good
        await change(client, version, {"range": place(0, 0, 0, 0), "text": "!"})
        if name == "helix":
            assert text_of(server) == "abcdef"
            await anyio.sleep(in_order.LIMIT_S + 0.1)
        assert text_of(server).startswith("!")
        assert server.overlay.get(URI).version == version  # type: ignore[union-attr]


async def test_what_is_held_is_forgotten_when_a_document_is_closed(server: Server):
    async with connect(server) as client:
        server.client.name = "helix"
        client.editor.open(URI, "x")
        await change(client, client.editor.buffers[URI].version + 2, {"text": "old"})
        client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
        client.editor.open(URI, "new")
        await anyio.sleep(in_order.LIMIT_S + 0.1)
        assert text_of(server) == "new"


async def test_positions_past_the_end_are_clamped(server: Server):
    async with connect(server) as client:
        client.editor.open(URI, "ab\ncd")
        await change(client, 2, {"range": place(0, 99, 0, 100), "text": "!"})
        assert text_of(server) == "ab!\ncd"
        await change(client, 3, {"range": place(99, 0, 2**31, 0), "text": "?"})
        assert text_of(server) == "ab!\ncd?"
        await change(client, 4, {"range": place(1, 2, 0, 1), "text": "-"})
        assert text_of(server) == "a-?"
        await change(client, 5, {"range": place(-1, 5, 0, 1), "text": "A"})
        assert text_of(server) == "A-?"


async def test_versions_may_start_at_zero_jump_and_be_null(server: Server):
    async with connect(server, editor="emacs") as client:
        client.editor.open(URI, "")
        assert server.overlay.get(URI) is None or True
        await change(client, 5, {"text": "five"})
        assert server.overlay.get(URI).version == 5  # type: ignore[union-attr]
        await change(client, None, {"text": "null"})
        assert (text_of(server), server.overlay.get(URI).version) == ("null", 5)  # type: ignore[union-attr]


async def test_several_changes_in_one_message_follow_each_other(server: Server):
    async with connect(server) as client:
        client.editor.open(URI, "😀\n")
        await change(
            client, 2, {"range": place(0, 2, 0, 2), "text": "ü\nx"}, {"range": place(1, 1, 1, 1), "text": "y"},
            {"text": "whole"}, {"range": place(0, 5, 0, 5), "text": "!"},
        )  # fmt: skip
        assert text_of(server) == "whole!"


async def test_a_malformed_change_changes_nothing(server: Server):
    async with connect(server) as client:
        client.editor.open(URI, "same")
        for wrong in (5, {"text": 5}, {"range": {}, "text": "x"}, {"range": place("a", 0, 0, 0), "text": "x"}):  # type: ignore[arg-type]
            await change(client, 9, {"text": "lost"}, wrong)
        assert text_of(server) == "same"


async def test_a_change_of_a_closed_document_is_ignored(server: Server):
    async with connect(server) as client:
        client.editor.open(URI, "text")
        client.editor.close(URI)
        await change(client, 2, {"text": "undone"})
        assert server.overlay.get(URI) is None
        assert client.messages == []


async def test_half_a_surrogate_pair_becomes_a_replacement_character(server: Server):
    async with connect(server) as client:
        client.editor.open(URI, "a\ud83db")
        await sync(client)
        assert text_of(server) == "a\ufffdb"


async def test_save_and_close(server: Server, tmp_path):
    path = tmp_path / "ä b#.py"
    path.write_text("x = 1\n", encoding="utf-8")
    async with connect(server, root=tmp_path) as client:
        client.editor.open(path.as_uri())
        client.editor.type(path.as_uri(), 0, 1, "y")
        await sync(client)
        assert server.overlay.get(path.as_uri()).unsaved  # type: ignore[union-attr]
        client.editor.save(path.as_uri())
        await sync(client)
        assert not server.overlay.get(path.as_uri()).unsaved  # type: ignore[union-attr]
        client.editor.close(path.as_uri())
        await sync(client)
        assert server.overlay.all() == ()


@pytest.mark.slow
async def test_ten_thousand_changes():
    """Not a timing test: the numbers are printed for the record."""
    for one_line in (False, True):
        server = demo_server()
        async with connect(server) as client:
            client.editor.open(URI, "x = 1\n" * 2600)
            data = b"".join(
                frame({
                    "jsonrpc": "2.0", "method": "textDocument/didChange",
                    "params": {
                        "textDocument": {"uri": URI, "version": n + 2},
                        "contentChanges": [{"range": place(*(2 * (0 if one_line else n % 2600, 1))), "text": "y"}],
                    },
                })
                for n in range(10_000)
            )  # fmt: skip
            started = time.perf_counter()
            client.send_bytes(data)
            await client.request("demo/echo", {}, 30)
            print(f"one line: {one_line}: {time.perf_counter() - started:.3f} s")
            assert text_of(server).count("y") == 10_000
