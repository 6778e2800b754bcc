"""A file as it is proposed: its name, its bounds, and what is offered on texts that are known."""

from pathlib import Path

import pytest

from copydesk.lsp.client import ClientError
from copydesk.lsp.proposed import MAX_DOCUMENTS, MAX_TEXTS
from copydesk.lsp.proposed_uris import key_of, proposed_uri, read_proposed_uri
from tests.support.fake_reviews import hunk_of
from tests.support.feature_rig import URI, FeatureRig, rig

CODE = "one\ntwo\nthree\nfour\nfive\n"
REFRESH = "workspace/textDocumentContent/refresh"
VIEW = proposed_uri("s-1", URI)


async def content(r: FeatureRig, uri: str = VIEW) -> str:
    return (await r.call("workspace/textDocumentContent", {"uri": uri}))["text"]


async def lenses(r: FeatureRig, uri: str = VIEW) -> list[tuple[int, str]]:
    listed = await r.call("textDocument/codeLens", {"textDocument": {"uri": uri}})
    return [(lens["range"]["start"]["line"], lens["command"]["title"]) for lens in listed]


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("file:///w/src/a.py", "a.py"),
        ("file:///w/b%23c%20d.py", "b%23c%20d.py"),
        ("file:///w/%C3%A9t%C3%A9.ts", "%C3%A9t%C3%A9.ts"),
        ("untitled:Untitled-1", "Untitled-1"),
        ("vscode-notebook-cell:/w/n.ipynb#W1", "n.ipynb"),
    ],
)
def test_the_name_of_the_file_is_last(uri: str, name: str) -> None:
    made = proposed_uri("s-1", uri)
    assert made.rpartition("/")[2] == name
    assert read_proposed_uri(made) == read_proposed_uri(made.replace(":/", ":///")) == ("s-1", key_of(uri))


def test_no_two_files_share_a_document() -> None:
    uris = ["file:///w/a.py", "file:///v/a.py", "file:///w/x/a.py", "file://host/w/a.py", "untitled:a.py"]
    assert len({proposed_uri("s-1", uri) for uri in uris}) == len(uris)
    assert proposed_uri("s-1", uris[0]) != proposed_uri("s-2", uris[0])
    assert read_proposed_uri("copydesk:/review/t-1.diff") is None
    assert read_proposed_uri("file:///proposed/s-1/00/a.py") is None


async def test_two_sessions_show_each_their_own(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        other = hunk_of(CODE, 3, 4, "FOUR\n", session="s-2", turn="t-2")
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"), other)
        assert await content(r) == CODE.replace("two", "TWO")
        theirs = proposed_uri("s-2", URI)
        assert await content(r, theirs) == CODE.replace("four", "FOUR")
        assert (3, "Accept hunk") in await lenses(r, theirs)
        assert (3, "Accept hunk") not in await lenses(r)
        offered = await r.list_actions(3, uri=theirs, only=["quickfix"])
        accept = next(each for each in offered if each["title"] == "Copydesk: Accept all in file")
        assert accept["command"]["arguments"] == [{"uri": URI, "session": "s-2"}]


async def test_a_client_may_change_line_ends_but_nothing_else(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE.replace("\n", "\r\n"))
        r.reviews.put(hunk_of(CODE.replace("\n", "\r\n"), 1, 2, "TWO\n"))
        given = await content(r)
        for shown in (given, given.replace("\r\n", "\n"), given.replace("\r\n", "\n").rstrip("\n")):
            r.open(shown, VIEW)
            assert (1, "Accept hunk") in await lenses(r)
        r.open(given + "more", VIEW)
        assert await lenses(r) == []


async def test_a_slow_client_is_told_once_of_many_changes(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        await content(r)
        r.silent.add(REFRESH)
        for n in range(5):
            r.reviews.put(hunk_of(CODE, 1, 2, f"TWO {n}\n"))
            await r.features.proposed.update()
        await r.until(lambda: newest_hint(r).endswith("TWO 4"))  # which does not wait for it
        assert r.all(REFRESH) == [{"uri": VIEW}]


def newest_hint(r: FeatureRig) -> str:
    told = r.all("textDocument/publishDiagnostics")
    return told[-1]["diagnostics"][0]["message"] if told else ""


async def test_a_client_that_refuses_to_refresh_is_no_trouble(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        await content(r)
        r.answers[REFRESH] = lambda _: ClientError("no", -32601)
        for n, after in enumerate(("2\n", "zwei\n"), 1):
            r.reviews.put(hunk_of(CODE, 1, 2, after))
            await r.until(lambda n=n: len(r.all(REFRESH)) == n)
        assert await content(r) == CODE.replace("two", "zwei")


async def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        files = [f"file:///w/src/f{n}.py" for n in range(MAX_DOCUMENTS + 5)]
        for uri in files:
            r.disk[uri] = CODE
        r.reviews.put(*[hunk_of(CODE, 1, 2, "TWO\n", uri=uri, id=f"h{n}") for n, uri in enumerate(files)])
        proposed = r.features.proposed
        for uri in files:
            await content(r, proposed_uri("s-1", uri))
        assert proposed.shown(proposed_uri("s-1", files[0]), None) is None
        assert proposed.shown(proposed_uri("s-1", files[-1]), None) is not None
        assert not proposed.follows(files[0])
        first = await content(r, proposed_uri("s-1", files[0]))
        for n in range(MAX_TEXTS):
            r.disk[files[0]] = f"{n}\n{CODE}"
            await content(r, proposed_uri("s-1", files[0]))
        assert proposed.shown(proposed_uri("s-1", files[0]), first) is None


async def test_no_command_works_at_a_place_in_it(tmp_path: Path) -> None:
    """A person who reads a proposal and asks for something from the palette means the file they were in."""
    async with rig(tmp_path) as r:
        r.open(CODE)
        r.reviews.put(hunk_of(CODE, 1, 2, "TWO\n"))
        await r.list_actions(2)
        r.open(await content(r), VIEW)
        await r.list_actions(0, uri=VIEW)
        await r.call("textDocument/hover", {"textDocument": {"uri": VIEW}, "position": {"line": 0, "character": 0}})
        assert r.features.places.last is not None
        assert (r.features.places.last.uri, r.features.places.last.range.start_line) == (URI, 2)


@pytest.mark.parametrize(("line", "means"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (5, 5)])
async def test_a_command_at_a_place_in_it_works_on_the_file(tmp_path: Path, line: int, means: int) -> None:
    """Its text is nothing to edit: who asks for something in the diff means the file, there."""
    code = "one\ntwo\nthree\nfour\nfive\nsix\n"
    async with rig(tmp_path) as r:
        r.open(code)
        r.reviews.put(hunk_of(code, 1, 2, "TWO\nand\n"), hunk_of(code, 4, 5, ""))
        r.open(await content(r), VIEW)
        at = {"start": {"line": line, "character": 1}, "end": {"line": line, "character": 1}}
        await r.command("copydesk.explain", {"uri": VIEW, "range": at})
        task = r.host.requests[-1].task
        assert (task.uri, task.range.start_line, task.range.start_column) == (URI, means, 1)
