"""Code actions and lenses on pending hunks: where they are offered, what each would do, and that listing is quick."""

import time
from pathlib import Path
from typing import Any

import pytest

from copydesk.domain.review import Hunk
from tests.support.fake_reviews import hunk_of
from tests.support.feature_rig import CLIENTS, HELIX_OLD, URI, VSCODE, FeatureRig, rig

CODE = "one\ntwo\nthree\nfour\nfive\n"
OTHER = "file:///w/src/b.py"
EVERYWHERE = ["Copydesk: Accept all", "Copydesk: Reject all", "Copydesk: Show pending edits"]
IN_FILE = ["Copydesk: Accept all in file", "Copydesk: Reject all in file"]
AT_HUNK = ["Copydesk: Accept hunk", "Copydesk: Reject hunk"]
WHY = "Copydesk: Reject hunk, saying why…"


async def titles(r: FeatureRig, line: int, **more: Any) -> list[str]:
    return [action["title"] for action in await r.list_actions(line, only=["quickfix"], **more)]


def argument(action: dict[str, Any]) -> dict[str, Any]:
    return (action["command"] if isinstance(action["command"], dict) else action)["arguments"][0]


@pytest.mark.parametrize("client", sorted(CLIENTS))
async def test_what_is_offered_on_a_hunk_beside_it_and_elsewhere(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        r.open(CODE)
        r.open("x\n", OTHER)
        assert await titles(r, 1) == []
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        assert await titles(r, 1) == [*AT_HUNK, "Copydesk: Accept line", WHY, *IN_FILE, *EVERYWHERE]
        assert await titles(r, 0) == await titles(r, 2) == [*IN_FILE, *EVERYWHERE]
        assert await titles(r, 0, uri=OTHER) == EVERYWHERE
        assert await titles(r, 0, uri="file:///w/never-opened.py") == EVERYWHERE
        for action in await r.list_actions(1, only=["quickfix"]):
            assert action["kind"] == "quickfix"
            assert not action.get("isPreferred")
            assert action["command"]["command"] in r.commands


@pytest.mark.parametrize(("line", "touches"), [(0, False), (1, True), (2, True), (3, False)])
async def test_an_insertion_is_touched_from_the_lines_before_and_after(
    tmp_path: Path, line: int, touches: bool
) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 2, 2, "x = 1\n\n    y\n"))
        offered = await titles(r, line)
        assert ("Copydesk: Accept hunk" in offered) is touches
        lines = ["Copydesk: Accept line: x = 1", "Copydesk: Accept line: (a blank line)", "Copydesk: Accept line: y"]
        assert [title for title in offered if "line: " in title] == (lines if touches else [])


@pytest.mark.parametrize("text", ["", "one\n", "one"])
async def test_an_insertion_at_the_end_is_touched_from_the_last_line(tmp_path: Path, text: str) -> None:
    async with rig(tmp_path) as r:
        r.open(text)
        n_lines = len(text.splitlines())
        r.reviews.put(hunk_of(text, n_lines, n_lines, "more\n"))
        assert "Copydesk: Accept hunk" in await titles(r, max(n_lines - 1, 0))


async def test_a_selection_takes_what_it_covers_and_not_the_line_it_ends_before(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"), hunk_of(CODE, 3, 4, "FOUR\n"))
        assert "Copydesk: Accept hunk" in await titles(r, 0, end=(3, 0))
        several = await titles(r, 0, end=(3, 1))
        assert several[:2] == ["Copydesk: Accept hunk (line 2: −1 +1)", "Copydesk: Reject hunk (line 2: −1 +1)"]
        assert "Copydesk: Accept hunk (line 4: −1 +1)" in several


async def test_each_line_of_a_hunk_can_be_taken_by_itself(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 3, "TWO\nTHREE\n"))
        for line, number in ((1, 1), (2, 2)):
            action = next(a for a in await r.list_actions(line) if a["title"] == "Copydesk: Accept line")
            assert argument(action) == {"hunk": "h-1", "lines": [number], "of": 2}


async def test_a_hunk_that_is_held_back_can_only_be_rejected(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n", held=True))
        assert await titles(r, 1) == ["Copydesk: Reject hunk", WHY, *IN_FILE[1:], *EVERYWHERE[1:]]


@pytest.mark.parametrize("kind", ["delete", "move"])
async def test_what_happens_to_a_whole_file_is_offered_on_all_its_lines(tmp_path: Path, kind: str) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        moved = {"uri": OTHER, "moved_from": URI} if kind == "move" else {}
        r.reviews.put(hunk_of(CODE, 0, 5, "" if kind == "delete" else CODE, kind=kind, lines=(), **moved))
        for line in (0, 4):
            assert await titles(r, line) == [*AT_HUNK, WHY, *IN_FILE, *EVERYWHERE]
        accept = next(a for a in await r.list_actions(0) if a["title"] == "Copydesk: Accept all in file")
        await r.command("copydesk.review.accept", argument(accept))
        assert r.reviews.hunks() == ()


async def test_actions_answer_to_our_hints_and_no_fix_is_offered_for_them(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        hint = (await r.until(lambda: r.all("textDocument/publishDiagnostics")))[0]["diagnostics"][0]
        listed = await r.list_actions(1, diagnostics=[hint])
        assert not [action for action in listed if action["title"].startswith("Copydesk: Fix")]
        assert listed[0]["diagnostics"] == [hint]
        assert listed[0]["isPreferred"] is False
        without_data = {key: value for key, value in hint.items() if key != "data"}
        assert (await r.list_actions(1, diagnostics=[without_data]))[0]["diagnostics"] == [without_data]


async def test_our_hints_are_no_problems_to_fix(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        at = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 3}}
        hint = {"range": at, "message": "Pending", "source": "copydesk", "code": "pending", "severity": 4}
        other = {"range": at, "message": "undefined name", "source": "ruff", "severity": 1}
        await r.list_actions(1, diagnostics=[hint, other])
        await r.command("copydesk.fix")
        await r.command("copydesk.fix", {"uri": URI, "range": at, "diagnostics": [hint, other]})
        for request in r.host.requests:
            assert [problem.message for problem in request.task.problems] == ["undefined name"]


async def test_kinds_that_were_not_asked_for_are_not_listed(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        assert all("unk" not in action["title"] for action in await r.list_actions(1, only=["refactor"]))


async def test_a_client_without_literals_gets_commands(tmp_path: Path) -> None:
    async with rig(tmp_path, {}) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        action = next(a for a in await r.list_actions(1) if a["title"] == "Copydesk: Accept hunk")
        assert (action["command"], argument(action)) == ("copydesk.review.accept", {"hunk": "h-1"})


def many(n: int) -> tuple[str, list[Hunk]]:
    code = "".join(f"line {number}\n" for number in range(n * 4))
    return code, [hunk_of(code, at, at + 2, f"a {at}\nb\nc\n") for at in range(0, n * 4, 4)]


async def test_listing_is_quick_with_many_hunks(tmp_path: Path) -> None:
    code, hunks = many(300)
    async with rig(tmp_path) as r:
        r.open(code)
        r.reviews.put(*hunks)
        n_refreshed = r.reviews.n_refreshed
        times: list[float] = []
        for line in (0, 600, 1197):
            for _ in range(5):
                start = time.perf_counter()
                await r.list_actions(line, only=["quickfix"])
                times.append(time.perf_counter() - start)
        assert sorted(times)[len(times) // 2] < 0.005
        assert r.reviews.n_refreshed == n_refreshed  # nothing is worked out while listing


# --- lenses ---


async def lenses(r: FeatureRig, uri: str = URI) -> list[tuple[int, str, str, dict[str, Any]]]:
    answer = await r.call("textDocument/codeLens", {"textDocument": {"uri": uri}})
    return [
        (lens["range"]["start"]["line"], lens["command"]["title"], lens["command"]["command"], argument(lens))
        for lens in answer
    ]


async def test_lenses_stand_on_each_hunk_and_at_the_top(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        assert await lenses(r) == []
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"), hunk_of(CODE, 3, 4, "FOUR\n", held=True))
        assert await lenses(r) == [
            (0, "Accept all in file (1)", "copydesk.review.accept", {"uri": URI}),
            (1, "Accept hunk", "copydesk.review.accept", {"hunk": "h-1"}),
            (1, "Reject hunk", "copydesk.review.reject", {"hunk": "h-1"}),
            (1, "Show", "copydesk.review.show", {"hunk": "h-1"}),
            (3, "Reject hunk (held back by what you typed)", "copydesk.review.reject", {"hunk": "h-3"}),
            (3, "Show", "copydesk.review.show", {"hunk": "h-3"}),
        ]
        assert await lenses(r, OTHER) == []


async def test_lenses_stand_on_the_hunks_of_the_diff(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"), hunk_of(CODE, 3, 4, "FOUR\n", held=True))
        uri = (await r.command("copydesk.review.show"))["document"]
        text = (await r.call("workspace/textDocumentContent", {"uri": uri}))["text"]
        line = text.splitlines().index("-two")
        found = await lenses(r, uri)
        assert found[0] == (0, "Accept all (1)", "copydesk.review.accept", {"turn": "t-1"})
        assert found[1:3] == [
            (line, "Accept hunk", "copydesk.review.accept", {"hunk": "h-1"}),
            (line, "Reject hunk", "copydesk.review.reject", {"hunk": "h-1"}),
        ]
        r.open("some other text\n", uri)
        assert await lenses(r, uri) == [], "which line is of which hunk is not known"


async def test_all_is_not_offered_where_nothing_of_it_can_be_accepted(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 3, 4, "FOUR\n", held=True))
        assert not [title for title in await titles(r, 0) if "Accept" in title]
        assert not [title for _, title, _, _ in await lenses(r) if "Accept" in title]


async def test_lenses_are_refreshed_where_the_client_can(tmp_path: Path) -> None:
    for client in (VSCODE, HELIX_OLD):
        async with rig(tmp_path, client) as r:
            r.open(CODE)
            r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
            await r.until(lambda r=r: r.all("textDocument/publishDiagnostics"))
            if client == VSCODE:
                await r.until(lambda r=r: r.all("workspace/codeLens/refresh") == [None])
            else:
                assert r.all("workspace/codeLens/refresh") == []
