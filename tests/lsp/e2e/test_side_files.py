"""What a command makes that is no text, over the wire: shown beside the hunks, written on accept, taken back by undo."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.e2e.rig import Desk, call, desk, steps

LINE = r"printf '\0new' > x.bin; chmod +x run.sh; ln -s run.sh link; sed -i s/one/1/ a.txt"
FILES = {"a.txt": "one\n", "run.sh": "echo\n", "x.bin": b"\0old"}
ALLOWED: Any = {"permissions": {"allow": ["Bash(*)"], "mode": "auto"}, "verify": {"enabled": False}}
SCRIPT = (call("shell", command=LINE), "text: Done.")


def seen(d: Desk) -> tuple[bytes, bool, str | None]:
    link = d.root / "link"
    is_executable = bool((d.root / "run.sh").stat().st_mode & stat.S_IXUSR)
    return (d.root / "x.bin").read_bytes(), is_executable, os.readlink(link) if link.is_symlink() else None


BEFORE, AFTER = (b"\0old", False, None), (b"\0new", True, "run.sh")


async def test_they_wait_are_accepted_and_are_undone(tmp_path: Path) -> None:
    settings = {**ALLOWED, "review": {"mode": "hunks"}}
    async with desk(tmp_path, steps(*SCRIPT), files=FILES, settings=settings) as d:
        uri = d.open("a.txt")
        result = await d.run("prompt", 30, text="go", uri=uri)
        assert result["review"]["state"] == "pending"
        assert seen(d) == BEFORE
        shown = await d.client.command("copydesk.review.show", {"open": False})
        words = {file["path"]: [hunk["after"] for hunk in file["hunks"]] for file in shown["pending"]}
        assert words == {
            "a.txt": ["1\n"],
            "x.bin": ["not text, 4 bytes\n"],
            "run.sh": ["made executable\n"],
            "link": ["link to run.sh\n"],
        }
        answer = await d.client.command("copydesk.review.accept", {"wait": True})
        assert {file["uri"]: file["state"] for file in answer["files"]} == {d.uri(name): "applied" for name in words}
        assert answer["pending"] == []
        assert d.editor.text(uri) == "1\n"
        assert seen(d) == AFTER
        undone = await d.client.command("copydesk.undo", {"wait": True})
        assert {file["path"] for file in undone["undone"]} == set(words)
        assert seen(d) == BEFORE
        assert d.editor.text(uri) == "one\n"
        await d.client.command("copydesk.undo", {"wait": True, "turn": result["turn"]})
        assert seen(d) == AFTER


async def test_they_are_rejected(tmp_path: Path) -> None:
    settings = {**ALLOWED, "review": {"mode": "hunks"}}
    async with desk(tmp_path, steps(*SCRIPT), files=FILES, settings=settings) as d:
        await d.run("prompt", 30, text="go")
        answer = await d.client.command("copydesk.review.reject", {"wait": True})
        assert (answer["pending"], {file["state"] for file in answer["files"]}) == ([], {"discarded"})
        assert seen(d) == BEFORE


@pytest.mark.parametrize("text", ["", "; true"])
async def test_where_edits_are_applied_at_once_so_are_they(tmp_path: Path, text: str) -> None:
    line = LINE if text else LINE.rpartition(";")[0]  # with and without an edit of text beside them
    settings = {**ALLOWED, "review": {"mode": "apply"}}
    script = (call("shell", command=line), "text: Done.")
    async with desk(tmp_path, steps(*script), files=FILES, settings=settings) as d:
        d.open("a.txt")
        result = await d.run("prompt", 30, text="go")
        assert result["review"]["state"] == "applied"
        assert seen(d) == AFTER


async def test_they_outlive_the_server(tmp_path: Path) -> None:
    settings = {**ALLOWED, "review": {"mode": "hunks"}}
    async with desk(tmp_path, steps(*SCRIPT), files=FILES, settings=settings) as d:
        await d.run("prompt", 30, text="go")
    async with desk(tmp_path, steps("text: Nothing."), files={}, settings=settings) as d:
        d.open("a.txt")
        answer = await d.client.command("copydesk.review.accept", {"all": True, "wait": True})
        assert {file["state"] for file in answer["files"]} == {"applied"}
        assert seen(d) == AFTER
