"""Review in a stock client, through each editor's habits: from the hint to the text on the screen."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.domain.events import FileReview, TurnEnded
from copydesk.domain.messages import Usage
from copydesk.domain.ports import FileEdit, WorkspaceChange
from copydesk.domain.review import Hunk
from copydesk.lsp.commands import Sources
from copydesk.lsp.features import FeatureParts, Features
from copydesk.lsp.server import Server
from copydesk.lsp.voice import Voice
from copydesk.workspace.overlay import Overlay
from tests.support import consent
from tests.support.fake_editor import PROFILES
from tests.support.fake_host import FakeHost
from tests.support.fake_reviews import FakeReviews, hunk_of
from tests.support.lsp_client import LspClient, connect

CODE = "first 😀\r\nsecond\r\nthird\r\nlast"
EDITORS = sorted(PROFILES)
PUBLISH = "textDocument/publishDiagnostics"


class Wired:
    """A served client with hunks whose acceptance is a real `workspace/applyEdit`."""

    def __init__(self, client: LspClient, server: Server, voice: Voice, reviews: FakeReviews, host: FakeHost) -> None:
        self.client, self.server, self.voice, self.reviews, self.host = client, server, voice, reviews, host
        assert client.root
        self.uri = (client.root / "a.py").as_uri()
        reviews.land = self.land

    async def land(self, hunks: tuple[Hunk, ...]) -> tuple[FileReview, ...]:
        opened = self.server.overlay.get(self.uri)
        assert opened
        text, document = opened.document.text, opened.document
        spans = tuple(
            (document.offset_at(hunk.start_line, 0), document.offset_at(hunk.end_line, 0), hunk.after)
            for hunk in sorted(hunks, key=lambda hunk: hunk.start_line)
        )
        change = WorkspaceChange("Copydesk", (FileEdit(self.uri, opened.version, text, spans),))
        reply = await self.voice.editor.apply(change, confirm=False)
        return (FileReview(self.uri, "applied" if reply.applied else "refused", len(hunks), reply.reason),)

    def hints(self) -> list[dict[str, Any]]:
        told = [params for method, params in self.client.notifications if method == PUBLISH]
        return told[-1]["diagnostics"] if told else []

    async def actions(self, line: int) -> dict[str, dict[str, Any]]:
        place = {"line": line, "character": 0}
        here = [hint for hint in self.hints() if hint["range"]["start"]["line"] <= line <= hint["range"]["end"]["line"]]
        params = {
            "textDocument": {"uri": self.uri},
            "range": {"start": place, "end": place},
            "context": {"diagnostics": here},
        }
        listed = await self.client.request("textDocument/codeAction", params)
        return {action["title"].removeprefix("Copydesk: "): action for action in listed}

    async def choose(self, line: int, title: str) -> Any:
        action = (await self.actions(line))[title]
        command = action["command"]
        return await self.client.command(command["command"], command["arguments"][0])


@asynccontextmanager
async def wired(tmp_path: Path, editor: str, text: str = CODE) -> AsyncIterator[Wired]:
    async def nothing(*_: object) -> Any:
        return None

    server, host = Server(Overlay()), FakeHost()

    def now(uri: str) -> str:
        opened = server.overlay.get(uri)
        return opened.document.text if opened else ""

    reviews = FakeReviews(texts=now)
    voice = Voice(server.client, tmp_path / "state", lambda uri: uri.rpartition("/")[2])
    sources = Sources(nothing, nothing, nothing, nothing, nothing, lambda uri: uri.rpartition("/")[2])
    parts = FeatureParts(
        sources, lambda uri: "", lambda *_: None, nothing, lambda: 0.1, lambda: False, reviews, server.overlay,
        consent.permissions(tmp_path, voice), consent.trust(tmp_path, voice), consent.roots,
    )  # fmt: skip
    features = Features(voice, host, parts, server.spawn)
    features.register(server.handlers, server.commands)
    server.on_initialized.append(features.run)
    server.on_shutdown.append(features.stop)
    root = tmp_path / "w"
    root.mkdir()
    async with connect(server, editor=editor, root=root) as client:
        client.editor.open((root / "a.py").as_uri(), text)
        yield Wired(client, server, voice, reviews, host)


@pytest.mark.parametrize("editor", EDITORS)
async def test_from_a_hint_to_the_text(tmp_path: Path, editor: str) -> None:
    async with wired(tmp_path, editor) as w:
        w.reviews.put(
            hunk_of(CODE, 0, 1, "FIRST 😀\r\n", uri=w.uri), hunk_of(CODE, 2, 2, "new\r\n", uri=w.uri, id="h-new")
        )
        told = await w.client.wait_for(PUBLISH)
        width = {"utf-8": 10, "utf-16": 8, "utf-32": 7}[w.client.editor.encoding]
        assert told["diagnostics"][0]["range"]["end"] == {"line": 0, "character": width}
        result = await w.choose(0, "Accept hunk")
        await w.client.wait_for("workspace/applyEdit")
        await w.client.wait_for(PUBLISH, lambda params: len(params["diagnostics"]) == 1)
        assert w.client.editor.text(w.uri) == CODE.replace("first", "FIRST")
        assert result["settled"] is ("emacs" not in editor)
        await w.choose(1, "Reject hunk")
        await w.client.wait_for(PUBLISH, lambda params: not params["diagnostics"])
        assert w.client.editor.text(w.uri) == CODE.replace("first", "FIRST")
        assert w.client.messages == []


@pytest.mark.parametrize("editor", EDITORS)
async def test_hints_follow_typing_and_the_action_still_fits(tmp_path: Path, editor: str) -> None:
    async with wired(tmp_path, editor) as w:
        w.reviews.put(hunk_of(CODE, 1, 2, "SECOND\r\n", uri=w.uri))
        await w.client.wait_for(PUBLISH)
        w.client.editor.type(w.uri, 0, 0, "typed 👩‍👧\r\n")
        moved = await w.client.wait_for(
            PUBLISH, lambda params: params["diagnostics"] and params["diagnostics"][0]["range"]["start"]["line"] == 2
        )
        assert moved.get("version") == (w.client.editor.buffers[w.uri].version if "helix" in editor else None)
        assert "Accept hunk" in await w.actions(2)
        await w.choose(2, "Accept hunk")
        await w.client.wait_for(PUBLISH, lambda params: not params["diagnostics"])
        assert w.client.editor.text(w.uri) == "typed 👩‍👧\r\n" + CODE.replace("second", "SECOND")


@pytest.mark.parametrize("editor", ["emacs"])
async def test_emacs_has_its_answer_before_the_edit(tmp_path: Path, editor: str) -> None:
    async with wired(tmp_path, editor) as w:
        w.reviews.put(hunk_of(CODE, 1, 2, "SECOND\r\n", uri=w.uri))
        await w.client.wait_for(PUBLISH)
        started = time.monotonic()
        await w.choose(1, "Accept hunk")
        assert time.monotonic() - started < 1
        assert not [each for each in w.client.requests if each[0] == "workspace/applyEdit"]
        await w.client.wait_for("workspace/applyEdit")


@pytest.mark.parametrize("editor", EDITORS)
async def test_at_the_end_of_a_turn(tmp_path: Path, editor: str) -> None:
    async with wired(tmp_path, editor) as w:
        other = w.uri.replace("a.py", "new.py")
        w.reviews.put(
            hunk_of(CODE, 1, 2, "SECOND\r\n", uri=w.uri),
            hunk_of("", 0, 0, "x = 1\n", uri=other, id="h-n", kind="create", lines=()),
        )
        w.host.emit("s-1", TurnEnded("t-1", "end_turn", "Done.", Usage(), "pending"))
        said = await w.client.wait_for("window/showMessage")
        assert "2 hunks in a.py, new.py wait for you" in said["message"]
        assert len(said["message"].splitlines()) <= 3
        if "helix" in editor:  # it goes to what it shows: what is being typed would end up there
            await w.client.request("codeAction/resolve", {})
            assert w.client.shown == []
        else:
            shown = await w.client.wait_for("window/showDocument")
            assert shown["takeFocus"] is False


@pytest.mark.parametrize("editor", EDITORS)
async def test_hints_end_with_the_server(tmp_path: Path, editor: str) -> None:
    async with wired(tmp_path, editor) as w:
        w.reviews.put(hunk_of(CODE, 1, 2, "SECOND\r\n", uri=w.uri))
        await w.client.wait_for(PUBLISH)
        client = w.client
    told = [params for method, params in client.notifications if method == PUBLISH]
    assert told[-1]["diagnostics"] == []


@pytest.mark.parametrize("editor", EDITORS)
async def test_a_file_without_hunks_hears_nothing(tmp_path: Path, editor: str) -> None:
    async with wired(tmp_path, editor) as w:
        w.client.editor.type(w.uri, 0, 0, "x")
        lenses = await w.client.request("textDocument/codeLens", {"textDocument": {"uri": w.uri}})
        await anyio.sleep(0.25)
        assert lenses == []
        assert not [params for method, params in w.client.notifications if method == PUBLISH]


async def test_lenses_are_advertised(tmp_path: Path) -> None:
    async with wired(tmp_path, "vscode") as w:
        said = w.client.initialize_result["capabilities"]
        assert said["codeLensProvider"] == {"resolveProvider": False}
        assert {f"copydesk.review.{verb}" for verb in ("show", "accept", "reject")} <= set(
            said["executeCommandProvider"]["commands"]
        )


async def test_a_keystroke_costs_no_more_than_a_look(tmp_path: Path) -> None:
    """Marking what was typed must not work anything out."""
    code = "".join(f"line {n}\n" for n in range(2_000))
    async with wired(tmp_path, "vscode", code) as w:
        w.reviews.put(*(hunk_of(code, at, at + 1, "new\n", uri=w.uri) for at in range(0, 2_000, 4)))
        await w.client.wait_for(PUBLISH)
        n_refreshed = w.reviews.n_refreshed
        opened = w.server.overlay.get(w.uri)
        assert opened
        [listener] = w.server.overlay.listeners
        times: list[float] = []
        for _ in range(200):
            start = time.perf_counter()
            listener(w.uri)
            times.append(time.perf_counter() - start)
        assert sorted(times)[100] < 0.0001
        assert w.reviews.n_refreshed == n_refreshed
