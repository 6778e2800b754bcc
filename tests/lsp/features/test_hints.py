"""Hint diagnostics: what they say, when they are published, and that files without hunks hear nothing."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.domain.errors import UnreadableFile
from copydesk.domain.messages import LineRange
from tests.support.fake_reviews import hunk_of
from tests.support.feature_rig import CLIENTS, HELIX_OLD, URI, VSCODE, FeatureRig, rig

CODE = "one\ntwo\nthree\nfour\nfive\n"
PUBLISH = "textDocument/publishDiagnostics"


def told(r: FeatureRig, uri: str = URI) -> list[dict[str, Any]]:
    return [params for params in r.all(PUBLISH) if params["uri"] == uri]


async def first_hints(r: FeatureRig, uri: str = URI) -> list[dict[str, Any]]:
    await r.until(lambda: told(r, uri))
    return told(r, uri)[-1]["diagnostics"]


def type_at(r: FeatureRig, line: int, text: str, uri: str = URI) -> None:
    opened = r.overlay.get(uri)
    assert opened
    r.overlay.change(uri, opened.version + 1, [(LineRange(line, 0, line, 0), text)])


async def test_a_hint_says_what_would_change_and_where(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 3, "TWO\n\nTHREE\n"))
        assert await first_hints(r) == [
            {
                "range": {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 5}},
                "severity": 4,
                "source": "copydesk",
                "code": "pending",
                "message": "Pending: −2 +3: TWO",
                "data": {"hunk": "h-1", "turn": "t-1"},
            }
        ]


@pytest.mark.parametrize(
    ("hunk", "message"),
    [
        (hunk_of(CODE, 2, 2, "x = 1\n"), "Pending: +1: x = 1"),
        (hunk_of(CODE, 1, 3, ""), "Pending: −2"),
        (hunk_of(CODE, 1, 2, "TWO\n", held=True), "Pending: held back by what you typed, −1 +1: TWO"),
        (hunk_of("", 0, 0, "a\nb\n", kind="create", lines=()), "Pending: new file +2: a"),
        (hunk_of(CODE, 0, 5, "", kind="delete", lines=()), "Pending: delete this file −5"),
        (hunk_of(CODE, 1, 2, "x" * 100 + "\n"), f"Pending: −1 +1: {'x' * 59}…"),
    ],
)
async def test_the_words_of_a_hint(tmp_path: Path, hunk: Any, message: str) -> None:
    async with rig(tmp_path) as r:
        r.reviews.put(hunk)
        assert [hint["message"] for hint in await first_hints(r)] == [message]


@pytest.mark.parametrize("client", sorted(CLIENTS))
async def test_columns_are_in_the_clients_encoding(tmp_path: Path, client: str) -> None:
    text = "größe = '😀'\r\nlast 👩‍👧"
    async with rig(tmp_path, client) as r:
        r.open(text)
        r.reviews.put(hunk_of(text, 0, 1, "x\r\n"), hunk_of(text, 1, 2, "y"))
        ends = [hint["range"]["end"] for hint in await first_hints(r)]
        widths = {"utf-8": (16, 16), "utf-16": (12, 10), "utf-32": (11, 8)}[r.client.encoding]
        assert ends == [{"line": 0, "character": widths[0]}, {"line": 1, "character": widths[1]}]


async def test_files_without_hunks_hear_nothing(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.open("x\n", "file:///w/src/b.py")
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n", uri="file:///w/src/c.py"))
        type_at(r, 0, "a")
        r.overlay.close("file:///w/src/b.py")
        await first_hints(r, "file:///w/src/c.py")
        assert {params["uri"] for params in r.all(PUBLISH)} == {"file:///w/src/c.py"}


async def test_nothing_is_told_twice(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        hunks = (hunk_of(CODE, 1, 2, "TWO\n"), hunk_of("", 0, 0, "x\n", uri="file:///w/src/b.py", kind="create"))
        r.reviews.put(*hunks)
        await first_hints(r)
        for _ in range(3):
            r.reviews.put(*hunks)
            await anyio.lowlevel.checkpoint()
        r.reviews.put(hunks[1])
        await r.until(lambda: told(r)[-1]["diagnostics"] == [])
        assert len(told(r)) == 2
        assert len(told(r, "file:///w/src/b.py")) == 1


async def test_hints_follow_what_is_typed(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        await first_hints(r)
        n_refreshed = r.reviews.n_refreshed
        for _ in range(10):
            type_at(r, 0, "new\n")
            await anyio.sleep(0.01)
        await r.until(lambda: told(r)[-1]["diagnostics"][0]["range"]["start"]["line"] == 11)
        assert len(told(r)) == 2
        assert r.reviews.n_refreshed == n_refreshed + 1


async def test_a_decision_shows_at_once_while_the_person_types(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"), hunk_of(CODE, 3, 4, "FOUR\n"))
        await first_hints(r)
        type_at(r, 0, "new\n")
        r.reviews.put(hunk_of("new\n" + CODE, 4, 5, "FOUR\n"))
        with anyio.fail_after(5):
            while len(told(r)[-1]["diagnostics"]) != 1:
                await anyio.sleep(0.05)
                type_at(r, 5, "x")  # never a pause: what waits for one would not come
        assert told(r)[-1]["diagnostics"][0]["range"]["start"]["line"] == 4


@pytest.mark.parametrize("client", [HELIX_OLD, VSCODE])
async def test_versions_only_where_the_client_takes_them(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        r.open(CODE, version=7)
        closed = "file:///w/src/closed.py"
        r.disk[closed] = CODE
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"), hunk_of(CODE, 1, 2, "TWO\n", uri=closed))
        await first_hints(r)
        assert told(r)[0].get("version") == (7 if client == HELIX_OLD else None)
        assert "version" not in told(r, closed)[0]
        type_at(r, 4, "x")
        if client == HELIX_OLD:  # it drops what is for another version
            await r.until(lambda: told(r)[-1]["version"] == 8)


async def test_a_file_that_is_closed_and_opened_again(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.disk[URI] = CODE
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        await first_hints(r)
        r.overlay.close(URI)
        assert told(r)[-1]["diagnostics"] == []
        await r.until(lambda: len(told(r)[-1]["diagnostics"]) == 1)
        r.open(CODE)  # some clients forget what they were told of a file that was not open
        n_told = len(told(r))
        await r.until(lambda: len(told(r)) > n_told)
        assert len(told(r)[-1]["diagnostics"]) == 1


async def test_the_uri_is_as_the_client_spells_it(tmp_path: Path) -> None:
    spelled = "file:///w/src/a%2Eb.py"
    canonical = "file:///w/src/a.b.py"
    async with rig(tmp_path) as r:
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n", uri=canonical))
        await first_hints(r, canonical)
        r.open(CODE, spelled)
        await first_hints(r, spelled)
        assert told(r, canonical)[-1]["diagnostics"] == []


async def test_hints_of_a_move_are_on_the_file_that_is_there(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 0, 5, CODE, kind="move", lines=(), uri="file:///w/new.py", moved_from=URI))
        assert (await first_hints(r))[0]["message"].startswith("Pending: move this file")


async def test_hints_are_taken_back_when_the_server_stops(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        await first_hints(r)
        await r.features.stop()
        assert told(r)[-1]["diagnostics"] == []
        n_told = len(r.all(PUBLISH))
        r.reviews.put(hunk_of(CODE, 3, 4, "FOUR\n"))
        type_at(r, 0, "x")
        await anyio.sleep(0.25)
        assert len(r.all(PUBLISH)) == n_told


async def test_what_an_earlier_server_left_is_shown_from_the_start(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.reviews.waiting.append(hunk_of(CODE, 1, 2, "TWO\n"))  # before `run` has had its turn
        assert len(await first_hints(r)) == 1


async def test_a_file_that_cannot_be_read_now_does_not_end_the_hints(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        await first_hints(r)
        r.reviews.unreadable = UnreadableFile("no permission")
        type_at(r, 0, "x")
        n_refreshed = r.reviews.n_refreshed
        await r.until(lambda: r.reviews.n_refreshed > n_refreshed)
        r.reviews.put()
        await r.until(lambda: told(r)[-1]["diagnostics"] == [])
