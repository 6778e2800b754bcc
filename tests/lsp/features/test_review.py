"""The review commands, the diff document, and what is said when a turn leaves hunks to decide."""

import json
import re
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.domain import events
from copydesk.domain.errors import CopydeskError, StaleEdit
from copydesk.domain.events import FileReview
from copydesk.domain.messages import Usage
from copydesk.domain.review import Choice, Decided
from copydesk.lsp.handlers import RpcError
from copydesk.lsp.proposed_uris import key_of, proposed_uri
from tests.support.fake_reviews import hunk_of
from tests.support.feature_rig import CLIENTS, EGLOT, HELIX_OLD, NVIM_012, URI, VSCODE, FeatureRig, rig

CODE = "one\ntwo\nthree\nfour\nfive\n"
OTHER = "file:///w/src/b.py"
INVALID, FAILED = -32602, -32803
SHOW, ACCEPT, REJECT = (f"copydesk.review.{verb}" for verb in ("show", "accept", "reject"))


def waiting(result: dict[str, Any]) -> list[str]:
    return [hunk["hunk"] for file in result["pending"] for hunk in file["hunks"]]


async def refused(r: FeatureRig, name: str, argument: Any) -> RpcError:
    with pytest.raises(RpcError) as caught:
        await r.command(name, argument)
    return caught.value


def two(r: FeatureRig) -> None:
    """Two hunks of one turn, and one of a newer turn in another file."""
    r.open(CODE)
    r.disk[OTHER] = CODE
    r.reviews.put(
        hunk_of(CODE, 1, 2, "TWO\n"),
        hunk_of(CODE, 3, 3, "more\n"),
        hunk_of(CODE, 0, 1, "ONE\n", uri=OTHER, id="h-b", turn="t-2"),
    )


# --- results ---


async def test_show_lists_everything_that_waits(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        result = await r.command(SHOW)
        assert json.loads(json.dumps(result)) == result
        assert result["pending"][0] == {
            "session": "s-1",
            "turn": "t-1",
            "uri": URI,
            "path": "src/a.py",
            "proposed": proposed_uri("s-1", URI),
            "evidence": [],
            "hunks": [
                {
                    "hunk": "h-1",
                    "kind": "change",
                    "range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 3}},
                    "proposedRange": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 3}},
                    "before": "two\n",
                    "after": "TWO\n",
                    "lines": [{"number": 1, "line": 1, "before": "two", "after": "TWO"}],
                    "held": False,
                },
                {
                    "hunk": "h-3",
                    "kind": "change",
                    "range": {"start": {"line": 3, "character": 0}, "end": {"line": 3, "character": 0}},
                    "proposedRange": {"start": {"line": 3, "character": 0}, "end": {"line": 3, "character": 4}},
                    "before": "",
                    "after": "more\n",
                    "lines": [{"number": 1, "line": 3, "before": None, "after": "more"}],
                    "held": False,
                },
            ],
        }
        assert waiting(result) == ["h-1", "h-3", "h-b"]
        assert result["document"] == "copydesk:/review/t-2.diff"
        assert result["files"] == []


async def test_what_an_argument_names(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        assert waiting(await r.command(SHOW, {"turn": "t-1"})) == ["h-1", "h-3"]
        assert waiting(await r.command(SHOW, {"uri": OTHER})) == ["h-b"]
        assert waiting(await r.command(SHOW, {"hunk": "h-3"})) == ["h-3"]
        assert waiting(await r.command(SHOW, {"session": "s-1"})) == ["h-1", "h-3", "h-b"]
        assert (await r.command(SHOW, {"turn": "t-1"}))["document"] == "copydesk:/review/t-1.diff"


@pytest.mark.parametrize("name", [ACCEPT, REJECT])
@pytest.mark.parametrize(
    ("argument", "choice", "left"),
    [
        (None, Choice(turn="t-2"), ["h-1", "h-3"]),
        ({}, Choice(turn="t-2"), ["h-1", "h-3"]),
        ({"all": True}, Choice(), []),
        ({"turn": "t-1"}, Choice(turn="t-1"), ["h-b"]),
        ({"uri": URI}, Choice(uri=URI), ["h-b"]),
        ({"uri": "file:///w/src/%61.py"}, Choice(uri=URI), ["h-b"]),
        ({"hunk": "h-3"}, Choice(hunk="h-3"), ["h-1", "h-b"]),
        ({"hunk": "h-1", "lines": [1], "of": 1}, Choice(hunk="h-1", lines=(1,)), ["h-3", "h-b"]),
        ({"session": "s-1"}, Choice(session="s-1"), []),
    ],
)
async def test_a_decision(tmp_path: Path, name: str, argument: Any, choice: Choice, left: list[str]) -> None:
    async with rig(tmp_path) as r:
        two(r)
        result = await r.command(name, *([] if argument is None else [argument]))
        decided = r.reviews.accepted if name == ACCEPT else [each for each, _ in r.reviews.rejected]
        assert decided == [choice]
        assert waiting(result) == left
        assert result["settled"] is True
        assert {file["state"] for file in result["files"]} == {"applied" if name == ACCEPT else "discarded"}
        assert r.shown() == []


async def test_the_newest_turn_is_the_one_that_started_last(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        r.host.emit("s-1", events.TurnStarted("t-2", "prompt", "", "offline", "ask"))
        r.host.emit("s-1", events.TurnStarted("t-1", "prompt", "", "offline", "ask"))
        await r.command(ACCEPT)
        assert r.reviews.accepted == [Choice(turn="t-1")]


async def test_lines_of_a_hunk(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 3, "A\nB\nC\n"))
        result = await r.command(ACCEPT, {"hunk": "h-1", "lines": [3, 1], "of": 3})
        assert r.reviews.accepted == [Choice(hunk="h-1", lines=(3, 1))]
        assert len(result["pending"][0]["hunks"][0]["lines"]) == 1


# --- wrong arguments, second clicks ---


@pytest.mark.parametrize(
    ("argument", "code", "words"),
    [
        ({"lines": [1]}, INVALID, "'hunk'"),
        ({"hunk": "h-1", "lines": []}, INVALID, "list of numbers"),
        ({"hunk": "h-1", "lines": 1}, INVALID, "list of numbers"),
        ({"hunk": "h-1", "lines": ["1"]}, INVALID, "list of numbers"),
        ({"hunk": "h-1", "lines": [True]}, INVALID, "list of numbers"),
        ({"hunk": "h-1", "lines": [0]}, INVALID, "from 1"),
        ({"hunk": "h-1", "lines": [2]}, INVALID, "no line 2; it has 1 to 1"),
        ({"hunk": 3}, INVALID, "'hunk' must be a string"),
        ({"all": "yes"}, INVALID, "'all' must be true or false"),
        ({"hunk": "h-99"}, FAILED, "no hunk 'h-99'"),
        ({"turn": "t-99"}, FAILED, "no turn 't-99'"),
        ({"hunk": "h-1", "uri": OTHER}, FAILED, "src/a.py"),
        ({"hunk": "h-1", "turn": "t-2"}, FAILED, "turn 't-1'"),
        ("h-1", INVALID, "takes one object"),
    ],
)
@pytest.mark.parametrize("name", [ACCEPT, REJECT])
async def test_wrong_arguments_are_refused(tmp_path: Path, name: str, argument: Any, code: int, words: str) -> None:
    async with rig(tmp_path) as r:
        two(r)
        error = await refused(r, name, argument)
        assert (error.code, words in error.message) == (code, True), error.message
        assert waiting(await r.command(SHOW)) == ["h-1", "h-3", "h-b"]


async def test_lines_of_a_whole_file_are_refused(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.reviews.put(hunk_of("", 0, 0, "x\n", kind="create", lines=(), uri=OTHER))
        assert "whole file" in (await refused(r, ACCEPT, {"hunk": "h-0", "lines": [1]})).message


@pytest.mark.parametrize("argument", [{"hunk": "h-1"}, {"uri": URI}, {"turn": "t-1"}, {"all": True}, {}])
@pytest.mark.parametrize("name", [SHOW, ACCEPT, REJECT])
async def test_a_second_click_is_no_error(tmp_path: Path, name: str, argument: Any) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        await r.command(ACCEPT, {"hunk": "h-1"})
        result = await r.command(name, argument)
        assert waiting(result) == []
        assert [level for level, _ in r.shown()] == [3]
        assert r.shown()[0][1] in ("That hunk was decided already.", "Nothing waits for a decision.")


async def test_a_second_click_on_a_line_takes_no_other_line(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 1, "a\nb\nc\n"))
        actions = [a for a in await r.list_actions(1) if "line: " in a["title"]]
        first = actions[0]["command"]["arguments"][0]
        await r.command(ACCEPT, first)
        result = await r.command(ACCEPT, first)
        assert [line["after"] for line in result["pending"][0]["hunks"][0]["lines"]] == ["b", "c"]
        assert len(r.reviews.accepted) == 1
        assert "decided meanwhile" in r.shown()[-1][1]


async def test_two_clicks_while_the_first_lands_are_one(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        r.reviews.gate = anyio.Event()
        results: list[Any] = []

        async def click() -> None:
            results.append(await r.command(ACCEPT, {"hunk": "h-1"}))

        r.tasks.start_soon(click)
        r.tasks.start_soon(click)
        await anyio.wait_all_tasks_blocked()
        r.reviews.gate.set()
        await r.until(lambda: len(results) == 2)
        assert r.reviews.accepted == [Choice(hunk="h-1")]
        assert results[0] == results[1]
        assert r.shown() == []


async def test_a_hunk_that_another_decision_took_meanwhile(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        r.reviews.gate = anyio.Event()
        results: list[Any] = []

        async def click(argument: Any) -> None:
            results.append(await r.command(ACCEPT, argument))

        r.tasks.start_soon(click, {"all": True})
        r.tasks.start_soon(click, {"hunk": "h-1"})
        await anyio.wait_all_tasks_blocked()
        r.reviews.gate.set()
        await r.until(lambda: len(results) == 2)
        assert [waiting(result) for result in results] == [[], []]


# --- how soon the answer comes ---


@pytest.mark.parametrize("name", ["Eglot", "emacs"])
async def test_emacs_is_answered_before_anything_is_sent(tmp_path: Path, name: str) -> None:
    async with rig(tmp_path, EGLOT) as r:
        r.client.name = name
        two(r)
        with anyio.fail_after(0.2):
            result = await r.command(ACCEPT, {"hunk": "h-1"})
        assert r.reviews.accepted == []
        assert (result["settled"], waiting(result)) == (False, ["h-1", "h-3", "h-b"])
        await r.until(lambda: r.reviews.accepted == [Choice(hunk="h-1")])
        assert waiting(await r.command(ACCEPT, {"hunk": "h-3", "wait": True})) == ["h-b"]


async def test_wait_false_answers_at_once_and_others_wait(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        result = await r.command(ACCEPT, {"hunk": "h-1", "wait": False})
        assert result["settled"] is False
        await r.until(lambda: r.reviews.accepted)
        assert (await r.command(ACCEPT, {"hunk": "h-3"}))["settled"] is True


async def test_what_does_not_land_is_said(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)

        async def land(hunks: Any) -> tuple[FileReview, ...]:
            return (FileReview(URI, "refused", 1, "the editor refused the edit and gave no reason"),)

        r.reviews.land = land
        result = await r.command(ACCEPT, {"hunk": "h-1"})
        assert result["files"][0]["state"] == "refused"
        assert r.shown() == [(2, "src/a.py: refused (the editor refused the edit and gave no reason).")]


async def test_an_error_is_the_answer_or_a_message_but_not_both(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        r.reviews.fail = StaleEdit("src/a.py was deleted.", advice="Reject the hunk.")
        error = await refused(r, ACCEPT, {"hunk": "h-1"})
        assert (error.code, error.message) == (FAILED, "src/a.py was deleted. Reject the hunk.")
        assert r.shown() == []
        await r.command(ACCEPT, {"hunk": "h-1", "wait": False})
        await r.until(lambda: r.shown() == [(2, "src/a.py was deleted. Reject the hunk.")])
        assert (await refused(r, ACCEPT, {"hunk": "h-1"})).code == FAILED  # it can be tried again


async def test_cancelling_the_request_does_not_stop_the_decision(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        r.reviews.gate = anyio.Event()
        with anyio.move_on_after(0.05):
            await r.command(ACCEPT, {"hunk": "h-1"})
        r.reviews.gate.set()
        await r.until(lambda: r.reviews.accepted == [Choice(hunk="h-1")])


# --- reasons ---


async def test_a_reason_goes_with_the_rejection(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        await r.command(REJECT, {"hunk": "h-1", "reason": "too clever"})
        assert r.reviews.rejected == [(Choice(hunk="h-1"), "too clever")]


async def test_a_reason_is_not_said_back_to_who_gave_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)

        async def reject(choice: Choice, reason: str = "") -> Decided:
            return Decided((FileReview(URI, "discarded", 1, reason),), ())

        r.reviews.reject = reject
        result = await r.command(REJECT, {"hunk": "h-1", "reason": "too clever"})
        assert result["files"][0]["note"] == "too clever"
        assert r.shown() == []


async def test_saying_why_opens_a_prompt_document(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        action = next(a for a in await r.list_actions(1) if a["title"] == "Copydesk: Reject hunk, saying why…")
        result = await r.command(REJECT, action["command"]["arguments"][0])
        assert r.reviews.rejected == []
        assert waiting(result) == ["h-1", "h-3", "h-b"]
        path = anyio.Path(result["document"].removeprefix("file://"))
        text = await path.read_text(encoding="utf-8")
        assert "src/a.py:2" in text
        r.open(f"{text}the name was fine\n", result["document"])
        await r.command("copydesk.send", {"uri": result["document"]})
        assert r.reviews.rejected == [(Choice(hunk="h-1"), "the name was fine")]


# --- the diff document ---


async def content(r: FeatureRig, uri: str) -> str:
    return (await r.call("workspace/textDocumentContent", {"uri": uri}))["text"]


@pytest.mark.parametrize("client", sorted(CLIENTS))
async def test_the_diff_is_opened_and_kept_true(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        two(r)
        uri = (await r.command(SHOW, {"hunk": "h-3"}))["document"]
        serves = client == VSCODE
        assert uri.startswith("copydesk:/review/t-1" if serves else "file:///")

        async def text() -> str:
            return await content(r, uri) if serves else await anyio.Path(uri.removeprefix("file://")).read_text("utf-8")

        lines = (await text()).splitlines()
        assert lines[1:3] == ["--- a/src/a.py", "+++ b/src/a.py"]
        assert {"-two", "+TWO", "+more"} <= set(lines)
        if client != HELIX_OLD:  # it has no showDocument
            shown = r.all("window/showDocument")
            assert len(shown) == 1
            assert shown[0]["takeFocus"] is True
            assert lines[shown[0]["selection"]["start"]["line"]] == "+more"
        await r.command(ACCEPT, {"hunk": "h-1"})
        await anyio.wait_all_tasks_blocked()
        if serves:
            await r.until(lambda: r.all("workspace/textDocumentContent/refresh") == [{"uri": uri}])
        assert "+TWO" not in await text()
        await r.command(ACCEPT, {"turn": "t-1"})
        await anyio.wait_all_tasks_blocked()
        assert await text() == "# Nothing of this turn waits any more.\n"
        assert len(r.all("window/showDocument")) == (0 if client == HELIX_OLD else 1)  # no window is opened again


async def test_actions_on_the_lines_of_the_diff(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.disk[OTHER] = other = "alpha\nbeta\n"
        r.reviews.put(
            hunk_of(CODE, 1, 3, "A\nB\nC\n"),
            hunk_of(CODE, 4, 4, "more\n"),
            hunk_of(other, 0, 1, "", uri=OTHER, id="h-b"),
        )
        uri = (await r.command(SHOW))["document"]
        lines = (await content(r, uri)).splitlines()
        at_line: dict[str, Any] = {}
        for number, line in enumerate(lines):
            offered = await r.list_actions(number, uri=uri)
            at_line[line] = {a["title"].removeprefix("Copydesk: "): a["command"]["arguments"][0] for a in offered}
        assert at_line["-two"]["Accept line"] == {"hunk": "h-1", "lines": [1], "of": 3}
        assert at_line["+A"]["Accept line"] == {"hunk": "h-1", "lines": [1], "of": 3}
        assert at_line["+C"]["Accept line"] == {"hunk": "h-1", "lines": [3], "of": 3}
        assert at_line["+more"]["Accept hunk"] == {"hunk": "h-4"}
        assert at_line["-alpha"]["Reject hunk"] == {"hunk": "h-b"}
        assert at_line["-alpha"]["Accept all in file"] == {"uri": OTHER}
        assert "Accept hunk" not in at_line[" four"]
        assert at_line[" four"]["Accept all in file"] == {"uri": URI}
        assert "Accept all in file" not in at_line[lines[0]]
        assert at_line[lines[0]]["Accept all"] == {"all": True}


async def test_the_diff_is_no_place_to_work_at(tmp_path: Path) -> None:
    async with rig(tmp_path, NVIM_012) as r:
        two(r)
        await r.list_actions(1)
        uri = (await r.command(SHOW))["document"]
        text = await anyio.Path(uri.removeprefix("file://")).read_text("utf-8")
        r.open(text, uri, "diff")
        listed = await r.list_actions(0, end=(3, 0), uri=uri)
        assert {action["kind"] for action in listed} == {"quickfix"}
        await r.command("copydesk.explain")
        assert r.host.requests[0].task.uri == URI


async def test_what_waits_can_be_listed_without_opening_or_saying_anything(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        assert await r.command(SHOW, {"open": False}) == {
            "pending": [], "files": [], "settled": True, "document": None
        }  # fmt: skip
        two(r)
        assert waiting(await r.command(SHOW, {"open": False})) == ["h-1", "h-3", "h-b"]
        assert waiting(await r.command(SHOW, {"open": False, "uri": OTHER})) == ["h-b"]
        assert waiting(await r.command(SHOW, {"open": False, "uri": "file:///w/src/none.py"})) == []
        assert (r.all("window/showDocument"), r.shown()) == ([], [])


async def test_a_file_that_an_editor_has_read_is_shown_anew_under_another_name(tmp_path: Path) -> None:
    async with rig(tmp_path, NVIM_012) as r:
        two(r)
        first = (await r.command(SHOW, {"turn": "t-1"}))["document"]
        assert (await r.command(SHOW, {"turn": "t-1"}))["document"] == first
        await r.command(ACCEPT, {"hunk": "h-1"})
        second = (await r.command(SHOW, {"turn": "t-1"}))["document"]
        assert second != first
        assert "+TWO" not in await anyio.Path(second.removeprefix("file://")).read_text("utf-8")


async def test_an_old_text_of_the_diff_never_names_another_hunk(tmp_path: Path) -> None:
    async with rig(tmp_path, NVIM_012) as r:
        two(r)
        uri = (await r.command(SHOW, {"turn": "t-1"}))["document"]
        old = await anyio.Path(uri.removeprefix("file://")).read_text("utf-8")
        r.open(old, uri, "diff")
        at = old.splitlines().index("+more")
        await r.command(ACCEPT, {"hunk": "h-1"})
        await anyio.wait_all_tasks_blocked()
        accept = next(a for a in await r.list_actions(at, uri=uri) if a["title"] == "Copydesk: Accept hunk")
        assert accept["command"]["arguments"] == [{"hunk": "h-3"}]
        gone = old.splitlines().index("+TWO")
        assert not [a for a in await r.list_actions(gone, uri=uri) if "hunk" in a["title"]]
        r.open(f"typed\n{old}", uri, "diff")
        assert not [a for a in await r.list_actions(at + 1, uri=uri) if "hunk" in a["title"]]


# --- at the end of a turn ---


def end(r: FeatureRig, message: str = "Done.", review: Any = "pending") -> None:
    r.host.emit("s-1", events.TurnEnded("t-1", "end_turn", message, Usage(), review))


@pytest.mark.parametrize("client", sorted(CLIENTS))
async def test_what_waits_is_said_in_one_short_message(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        two(r)
        end(r)
        await r.until(lambda: r.shown())
        await anyio.wait_all_tasks_blocked()
        [(level, text)] = r.shown()
        assert level == 3
        assert text.startswith("Done. 2 hunks in src/a.py wait for you: decide by code action there, ")
        assert len(text.splitlines()) == 1
        assert r.all("window/showDocument") == []  # the hints are there to see


async def test_the_diff_opens_by_itself_where_a_file_is_not_open(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        r.reviews.put(*r.reviews.waiting, hunk_of("", 0, 0, "x\n", uri=OTHER, kind="create", lines=(), id="h-c"))
        end(r)
        await r.until(lambda: r.all("window/showDocument"))
        assert r.all("window/showDocument") == [{"uri": "copydesk:/review/t-1.diff", "takeFocus": False}]
        assert "3 hunks in src/a.py, src/b.py wait" in r.shown()[0][1]


async def test_no_document_takes_the_place_of_the_one_that_is_typed_in(tmp_path: Path) -> None:
    """VS Code shows it in front, focus or not: what is typed then goes nowhere."""
    async with rig(tmp_path) as r:
        two(r)
        r.reviews.put(*r.reviews.waiting, hunk_of("", 0, 0, "x\n", uri=OTHER, kind="create", lines=(), id="h-c"))
        r.type(0, 0, "typed")
        r.answers["window/showMessageRequest"] = lambda params: params["actions"][0]
        end(r)
        await r.until(lambda: r.all("window/showDocument"))
        [asked] = r.all("window/showMessageRequest")
        assert "3 hunks in src/a.py, src/b.py wait" in asked["message"]
        assert asked["actions"] == [{"title": "Show"}]
        assert r.all("window/showDocument") == [{"uri": "copydesk:/review/t-1.diff", "takeFocus": True}]
        assert r.shown() == []


async def test_a_long_answer_waits_for_a_click_of_who_types(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open("a = 1\n")
        r.type(0, 0, "typed")
        r.answers["window/showMessageRequest"] = None
        end(r, "\n".join(f"line {n}" for n in range(10)), review="none")
        await r.until(lambda: r.all("window/showMessageRequest"))
        await anyio.wait_all_tasks_blocked()
        assert r.all("window/showMessageRequest")[0]["message"] == "line 0"
        assert r.all("window/showDocument") == []


@pytest.mark.parametrize("name", ["Neovim", "Eglot", "emacs"])
async def test_who_keeps_the_keys_where_they_are_is_shown_the_document(tmp_path: Path, name: str) -> None:
    async with rig(tmp_path) as r:
        r.client.name = name
        r.open("a = 1\n")
        r.type(0, 0, "typed")
        end(r, "\n".join(f"line {n}" for n in range(10)), review="none")
        await r.until(lambda: r.all("window/showDocument"))
        assert r.all("window/showMessageRequest") == []


async def test_a_long_answer_is_a_document_and_what_waits_a_message(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        end(r, "\n".join(f"line {n}" for n in range(10)))
        await r.until(lambda: r.shown() and r.all("window/showDocument"))
        assert [shown["uri"] for shown in r.all("window/showDocument")] == ["copydesk:/turn/t-1.md"]
        assert len(r.shown()) == 1


async def test_where_a_long_answer_is_a_message_too_what_waits_comes_last(tmp_path: Path) -> None:
    """Helix before 25.07 shows no document, and of two messages the last."""
    async with rig(tmp_path, HELIX_OLD) as r:
        r.client.name = "helix"
        two(r)
        end(r, "\n".join(f"line {n}" for n in range(10)))
        await r.until(lambda: len(r.shown()) == 2)
        assert "The whole text is in" in r.shown()[0][1]
        assert "wait for you" in r.shown()[1][1]
        assert not any("\n" in text for _, text in r.shown()), "it has one line for them"


async def test_nothing_is_said_of_what_does_not_wait(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        end(r, review="applied")
        await r.until(lambda: r.shown())
        assert r.shown() == [(3, "Done.")]


async def test_clients_that_take_updates_get_the_hunks_and_no_message(tmp_path: Path) -> None:
    capabilities = {**CLIENTS[VSCODE], "experimental": {"copydesk": ["copydesk/session/update"]}}
    async with rig(tmp_path, capabilities) as r:
        two(r)
        r.host.emit("s-1", events.ReviewUpdated("t-1", "pending", (FileReview(URI, "pending", 2),)))
        end(r)
        await r.until(lambda: len(r.all("copydesk/session/update")) == 2)
        review = r.all("copydesk/session/update")[0]["update"]
        assert (review["sessionUpdate"], review["state"]) == ("review", "pending")
        assert waiting({"pending": review["hunksPending"]}) == ["h-1", "h-3"]
        assert r.shown() == []


async def test_a_turn_that_was_waited_for_names_its_hunks(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        two(r)
        results: list[Any] = []

        async def run() -> None:
            results.append(await r.command("copydesk.prompt", {"text": "go", "wait": True}))

        r.tasks.start_soon(run)
        await r.until(lambda: r.host.turns)
        r.host.end("t-1", "Done.", review="pending")
        await r.until(lambda: results)
        assert waiting({"pending": results[0]["review"]["hunksPending"]}) == ["h-1", "h-3"]


async def test_without_a_service_nothing_waits(tmp_path: Path) -> None:
    from copydesk.lsp.pending import NoReviews

    reviews = NoReviews()
    assert (reviews.hunks(), await reviews.refresh(), reviews.diff(())) == ((), (), "")
    for decide in (reviews.accept, reviews.reject):
        with pytest.raises(CopydeskError):
            await decide(Choice(hunk="h-1"))


# --- the page ---


def documented(heading: str) -> list[Any]:
    """The JSON examples below a heading of docs/PROTOCOL.md."""
    page = (Path(__file__).parents[3] / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
    text = page.split(f"\n{heading}\n")[1].split("\n## ")[0].split("\n### ")[0]
    return [json.loads(body) for body in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]


async def test_the_examples_on_the_protocol_page_are_what_happens(tmp_path: Path) -> None:
    command, answer = documented("### Review commands")
    [hint] = documented("## Review in a stock client")
    ids = {"session": "s-4257332582", "turn": "t-58fba831", "uri": "file:///w/a.py"}
    code = "\n" * 6 + "    return x\n"
    async with rig(tmp_path) as r:
        r.open(code, ids["uri"])
        r.reviews.put(hunk_of(code, 6, 7, "    y = 2 * x\n    return y\n", id="h-3f9c1e07", **ids))
        shown = await r.command(SHOW)
        said = json.dumps(answer).replace("file:///p/", "file:///w/")
        assert shown == json.loads(said.replace(key_of("file:///p/a.py"), key_of(ids["uri"])))
        told = await r.until(lambda: r.all("textDocument/publishDiagnostics"))
        assert told[0]["diagnostics"] == [hint]
        result = await r.command(command["command"], *command["arguments"])
        assert r.reviews.accepted == [Choice(hunk="h-3f9c1e07", lines=(2,))]
        assert set(result) == set(answer) - {"document"}
