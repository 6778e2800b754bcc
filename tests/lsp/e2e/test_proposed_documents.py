"""A native diff editor on the real server: the file beside the file as it is proposed, decided there hunk by hunk."""

from pathlib import Path
from typing import Any

import anyio

from tests.lsp.e2e.rig import Desk, call, desk, edit, steps, until
from tests.support.diff_view import DiffView

CODE = "".join(f"line {n}\n" for n in range(1, 31))
ALL = (
    CODE.replace("line 3\n", "LINE 3\n")
    .replace("line 10\n", "line 10\nten and a half\nten and three quarters\n")
    .replace("line 20\nline 21\n", "")
)
HUNKS = {"review": {"mode": "hunks"}}


def changes() -> Any:
    return steps(
        call("read_file", path="a.py"),
        edit("a.py", "line 3\n", "LINE 3\n"),
        edit("a.py", "line 10\n", "line 10\nten and a half\nten and three quarters\n"),
        edit("a.py", "line 20\nline 21\n", ""),
        "text: Done.",
    )


async def proposed(d: Desk, **argument: Any) -> tuple[dict[str, Any], DiffView]:
    """After a turn: the one file that waits, and a diff editor on it."""
    result = await d.run("prompt", text="go", **argument)
    [file] = result["review"]["hunksPending"]
    view = DiffView(d.client, file["proposed"])
    await view.open()
    return file, view


async def test_the_text_the_places_and_the_decisions(tmp_path: Path) -> None:
    async with desk(tmp_path, changes(), files={"src/a.py": CODE, "a.py": CODE}, settings=HUNKS) as d:
        uri = d.open("a.py")
        file, view = await proposed(d)
        assert view.uri.startswith(f"copydesk:/proposed/{file['session']}/")
        assert view.uri.endswith("/a.py")
        assert view.text == ALL
        places = [(hunk["proposedRange"]["start"]["line"], hunk["proposedRange"]["end"]) for hunk in file["hunks"]]
        assert places == [
            (2, {"line": 2, "character": 6}),
            (10, {"line": 11, "character": 22}),
            (21, {"line": 21, "character": 0}),
        ]
        assert [(line, title) for line, title, _ in await view.lenses()] == [
            (0, "Accept all in file (3)"),
            (2, "Accept hunk"),
            (2, "Reject hunk"),
            (10, "Accept hunk"),
            (10, "Reject hunk"),
            (21, "Accept hunk"),
            (21, "Reject hunk"),
        ]
        assert list(await view.actions(11))[:3] == ["Accept hunk", "Reject hunk", "Accept line"]
        assert "Accept hunk" in await view.actions(20)
        assert "Accept hunk" not in await view.actions(15)

        await view.choose(11, "Accept line")
        one = CODE.replace("line 10\n", "line 10\nten and three quarters\n")
        assert d.editor.text(uri) == one
        await view.click(2, "Reject hunk")
        await view.until(ALL.replace("LINE 3\n", "line 3\n"))
        await view.click(21, "Accept hunk")
        await view.until(ALL.replace("LINE 3\n", "line 3\n"))
        result = await view.choose(0, "Accept all in file")
        assert result["pending"] == []
        await view.until(d.editor.text(uri))
        assert view.text == ALL.replace("LINE 3\n", "line 3\n")
        assert await view.lenses() == []
        assert list(await view.actions(10)) == []
        assert view.n_lens_refreshes >= 3


async def test_accepting_never_shows_less_than_what_waits(tmp_path: Path) -> None:
    """While a hunk is on its way to the editor, the others do not vanish from the diff and come back."""
    async with desk(tmp_path, changes(), files={"a.py": CODE}, settings=HUNKS) as d:
        uri = d.open("a.py")
        _, view = await proposed(d)
        seen: list[str] = []
        d.client.answers["workspace/applyEdit"] = d.client.hold
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(view.click, 2, "Accept hunk")
            sent = await d.client.wait_for("workspace/applyEdit")
            d.editor.type(uri, 0, 0, "typed\n")
            await anyio.sleep(0.5)
            seen.append(await view.fetch())
            del d.client.answers["workspace/applyEdit"]
            await d.client.release("workspace/applyEdit", {"applied": False, "failureReason": "stale"})
            assert sent
        for text in seen:
            assert "ten and a half\n" in text
        await view.until("typed\n" + ALL, 10)


async def test_typing_moves_the_places_and_an_older_text_keeps_its_own(tmp_path: Path) -> None:
    async with desk(tmp_path, changes(), files={"a.py": CODE}, settings=HUNKS) as d:
        uri = d.open("a.py")
        _, view = await proposed(d)
        d.editor.type(uri, 0, 0, "typed 👩‍👧\n")
        assert await view.catch_up() == f"typed 👩‍👧\n{ALL}"
        assert (11, "Accept hunk") in [(line, title) for line, title, _ in await view.lenses()]

        view.behind = True
        d.editor.type(uri, 0, 0, "again\n")
        await anyio.sleep(0.5)
        assert (11, "Accept hunk") in [(line, title) for line, title, _ in await view.lenses()]
        assert "Accept hunk" in await view.actions(11)
        d.editor.replace_all(view.uri, "a text that nobody was given\n")
        assert await view.lenses() == []
        assert "Accept hunk" not in await view.actions(0)


async def test_what_typing_met_is_not_in_it_and_can_be_rejected_there(tmp_path: Path) -> None:
    async with desk(tmp_path, changes(), files={"a.py": CODE}, settings=HUNKS) as d:
        uri = d.open("a.py")
        _, view = await proposed(d)
        at = CODE.index("line 3\n")
        d.editor.type(uri, at, at + 6, "mine")
        await view.until(ALL.replace("LINE 3\n", "mine\n"))
        assert [title for line, title, _ in await view.lenses() if line == 2] == [
            "Reject hunk (held back by what you typed)"
        ]
        await view.click(2, "Reject hunk (held back by what you typed)")
        await until(lambda: len(d.host.reviews.hunks()) == 2)


async def test_new_deleted_and_moved_files(tmp_path: Path) -> None:
    model = steps(
        call("write_file", path="new.py", content="fresh = 1\n"),
        call("delete_file", path="old.py"),
        call("move_file", source="here.py", destination="there.txt"),
        "text: Done.",
    )
    files = {"old.py": "old = 1\n", "here.py": "here = 1\n"}
    async with desk(tmp_path, model, files=files, settings=HUNKS) as d:
        result = await d.run("prompt", text="go")
        listed = {file["path"]: file for file in result["review"]["hunksPending"]}
        views = {path: DiffView(d.client, file["proposed"]) for path, file in listed.items()}
        texts = {path: await view.fetch() for path, view in views.items()}
        assert texts == {"new.py": "fresh = 1\n", "old.py": "", "there.txt": "here = 1\n"}
        assert len({file["proposed"] for file in listed.values()}) == 3
        assert listed["there.txt"]["proposed"].endswith("/there.txt")
        assert [title for _, title, _ in await views["old.py"].lenses()] == [
            "Accept all in file (1)",
            "Accept hunk",
            "Reject hunk",
        ]
        for path in ("new.py", "old.py", "there.txt"):
            await d.client.command("copydesk.review.reject", {"uri": d.uri(path), "wait": True})
        texts = {path: await view.fetch() for path, view in views.items()}
        assert texts == {"new.py": "", "old.py": "old = 1\n", "there.txt": "here = 1\n"}


async def test_a_diff_left_open_follows_its_file(tmp_path: Path) -> None:
    async with desk(tmp_path, changes(), files={"a.py": CODE}, settings=HUNKS) as d:
        uri = d.open("a.py")
        _, view = await proposed(d)
        await d.client.command("copydesk.review.accept", {"all": True, "wait": True})
        await view.until(d.editor.text(uri))
        d.editor.type(uri, 0, 0, "more\n")
        await view.until(f"more\n{ALL}")
        d.editor.close(view.uri)
        n_told = len([method for method, _ in d.client.requests if method.endswith("Content/refresh")])
        d.editor.type(uri, 0, 0, "unseen\n")
        await anyio.sleep(0.4)
        assert len([method for method, _ in d.client.requests if method.endswith("Content/refresh")]) == n_told


async def test_an_agent_does_not_see_it_as_a_file(tmp_path: Path) -> None:
    model = steps(edit("a.py", "x = 1\n", "x = undefined_name\n"), "text: Done.")
    async with desk(tmp_path, model, files={"a.py": "x = 1\n"}, settings=HUNKS) as d:
        d.open("a.py")
        _, view = await proposed(d)
        await until(lambda: view.uri in d.server.overlay.freeze())
        snapshot = d.assemblies[0].workspace.snapshot()
        assert list(snapshot.changed()) == []


async def test_other_editors_get_no_such_names(tmp_path: Path) -> None:
    async with desk(tmp_path, changes(), editor="nvim-0.12", files={"a.py": CODE}, settings=HUNKS) as d:
        d.open("a.py")
        result = await d.run("prompt", text="go")
        [file] = result["review"]["hunksPending"]
        assert "proposed" not in file
        assert not any("proposedRange" in hunk for hunk in file["hunks"])


async def test_a_name_that_is_not_known(tmp_path: Path) -> None:
    async with desk(tmp_path, files={"a.py": CODE}) as d:
        view = DiffView(d.client, "copydesk:///proposed/s-1/00ff/a.py")
        assert "is not known any more" in await view.fetch()
        assert await view.lenses() == []
        uri = d.open("a.py")
        from copydesk.lsp.proposed_uris import proposed_uri

        again = DiffView(d.client, proposed_uri("s-of-an-earlier-server", uri).replace("copydesk:/", "copydesk:///"))
        assert await again.fetch() == CODE
