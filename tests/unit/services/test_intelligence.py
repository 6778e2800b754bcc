"""Two who know about code, as one: when the editor is asked, how its answers are moved and joined, and what is jailed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.domain.editor_code import CodeSpot
from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile
from copydesk.domain.errors import ToolFailed
from copydesk.domain.messages import LineRange, Problem
from copydesk.domain.ports import Found, Symbol
from copydesk.domain.tools import Location
from copydesk.services.intelligence import WiderIntel
from copydesk.tools.intelligence import code_intel, definitions, diagnostics
from copydesk.workspace.uris import to_uri
from tests.support.analyser import TinyIntel
from tests.support.memory import call
from tests.unit.contracts.chains import ChainWork, on_disk

A = "def area(r):\n    return r\n\n\nx = area(1)\n"
B = "import a\n\ny = a.area(2)\n"
TS = "function area(r) {}\narea(1)\n"


class FakeCode:
    """An editor that answers what it is told, a moment later. `asked` are the questions."""

    def __init__(self) -> None:
        self.available = True
        self.asked: list[tuple[Any, ...]] = []
        self.found: tuple[Found, ...] | None = None
        self.said: str | None = None
        self.named: tuple[Symbol, ...] | None = None
        self.wrong: tuple[Problem, ...] | None = None
        self.meanwhile: Callable[[], None] = lambda: None
        self.read: list[tuple[str, str | None]] = []
        self.reads: tuple[str, ...] = ()

    async def _answer(self, answer: Any, now: Any, *asked: object) -> Any:
        self.asked.append(asked)
        await anyio.lowlevel.checkpoint()
        self.meanwhile()
        if now and self.reads:
            texts = now()
            self.read = [(uri, texts.read(texts.resolve(uri))) for uri in self.reads]
        return answer

    async def definition(self, spot: CodeSpot, now: Any) -> Any:
        return await self._answer(self.found, now, "definition", spot)

    async def references(self, spot: CodeSpot, now: Any) -> Any:
        return await self._answer(self.found, now, "references", spot)

    async def hover(self, spot: CodeSpot) -> Any:
        return await self._answer(self.said, None, "hover", spot)

    async def symbols(self, uri: str, now: Any) -> Any:
        return await self._answer(self.named, now, "symbols", uri)

    async def find_symbols(self, query: str, now: Any) -> Any:
        return await self._answer(self.named, now, "find", query)

    async def problems(self, uri: str | None, now: Any) -> Any:
        return await self._answer(self.wrong, now, "problems", uri)


class Own(TinyIntel):
    """Knows what it is told of definitions; `fails` instead."""

    found: tuple[Found, ...] = ()
    said = "area(r)\n\nOf a circle."
    fails = False

    async def definition(self, files: Any, uri: str, line: int, column: int) -> tuple[Found, ...]:
        if self.fails:
            raise ToolFailed("Nothing is known about the language.")
        return self.found

    async def references(self, files: Any, uri: str, line: int, column: int) -> tuple[Found, ...]:
        return await self.definition(files, uri, line, column)

    async def hover(self, files: Any, uri: str, line: int, column: int) -> str:
        return self.said


class Desk:
    def __init__(self, work: ChainWork, root: Path) -> None:
        self.work, self.root = work, root
        self.own, self.editor = Own(), FakeCode()
        self.code = WiderIntel(self.own, self.editor, work.workspace)
        work.workspace.overlay.open(self.uri("a.py"), "python", 1, A)

    def uri(self, name: str) -> str:
        return to_uri(str(self.root / name))

    def at(self, name: str, line: int, column: int, word: str = "area", text: str = "here") -> Found:
        return Found(Location(self.uri(name), line), column, word, text)

    def type(self, text: str) -> None:
        opened = self.work.workspace.overlay.get(self.uri("a.py"))
        assert opened
        self.work.workspace.overlay.change(opened.uri, opened.version + 1, [(LineRange(0, 0, 0, 0), text)])

    def propose(self, name: str, old: str, new: str) -> None:
        handle = self.work.files.read(self.uri(name))
        at = handle.text.index(old)
        self.work.propose(ChangeText(handle.base, ((at, at + len(old), new),)))

    async def places(self, action: str = "definition", name: str = "a.py") -> list[tuple[str, int, int]]:
        ask = self.code.definition if action == "definition" else self.code.references
        found = await ask(self.work.files, self.uri(name), 0, 4)
        return [(one.location.uri.rpartition("/")[2], one.location.line or 0, one.column) for one in found]

    async def said(self, tool: Any, **arguments: object) -> list[str]:
        return (await call(tool(self.code), self.work, **arguments)).content.split("\n")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = tmp_path / "w"
    root.mkdir()
    work = on_disk(root, {"a.py": A, "b.py": B, "c.ts": TS, ".env": "KEY=hush\n"})
    return Desk(work, root)


# --- when it is asked ---


async def test_it_is_asked_about_the_text_it_has(desk: Desk) -> None:
    desk.editor.found = (desk.at("b.py", 2, 6),)
    assert await desk.places() == [("b.py", 2, 6)]
    [(_, spot)] = desk.editor.asked
    assert spot == CodeSpot(desk.uri("a.py"), 0, 4, "def area(r):\n")


@pytest.mark.parametrize("how", ["pending", "gone on", "unavailable", "snapshot"])
async def test_it_is_not_asked_about_another_text(desk: Desk, how: str) -> None:
    desk.editor.found, desk.own.found = (desk.at("b.py", 2, 6),), (desk.at("a.py", 0, 4),)
    desk.editor.wrong, desk.editor.said, desk.editor.named = (), "theirs", ()
    files = desk.work.files
    files.read(desk.uri("b.py"))
    name = "a.py"
    match how:
        case "pending":
            desk.propose("a.py", "return r", "return 2 * r")
            files = desk.work.files
        case "gone on":
            desk.type("# more\n")
        case "unavailable":
            desk.editor.available = False
        case _:
            (desk.root / "b.py").write_text("changed since\n")
            name = "b.py"
    found = await desk.code.definition(files, desk.uri(name), 0, 4)
    assert found == desk.own.found
    assert await desk.code.hover(files, desk.uri(name), 0, 4) == desk.own.said
    await desk.code.problems(files, desk.uri(name))
    await desk.code.outline(files, desk.uri(name))
    assert desk.editor.asked == []


async def test_what_was_asked_before_somebody_typed_is_not_believed(desk: Desk) -> None:
    desk.editor.found, desk.own.found = (desk.at("b.py", 2, 6),), (desk.at("a.py", 0, 4),)
    desk.editor.meanwhile = lambda: desk.type("# more\n")
    assert await desk.places() == [("a.py", 0, 4)]


# --- two answers ---


@pytest.mark.parametrize("theirs", [None, ()])
async def test_ours_is_never_lost(desk: Desk, theirs: Any) -> None:
    desk.own.found = (desk.at("a.py", 0, 4),)
    desk.editor.found = desk.editor.said = desk.editor.named = desk.editor.wrong = theirs
    assert await desk.places() == [("a.py", 0, 4)]
    assert await desk.code.hover(desk.work.files, desk.uri("a.py"), 0, 4) == desk.own.said
    assert [one.name for one in await desk.code.outline(desk.work.files, desk.uri("a.py"))] == ["area"]


async def test_for_python_both_without_repeats(desk: Desk) -> None:
    desk.own.found = (desk.at("a.py", 0, 4), desk.at("b.py", 2, 6))
    desk.editor.found = (desk.at("b.py", 2, 6), desk.at("b.py", 2, 0), desk.at("a.py", 0, 0))
    assert await desk.places("references") == [("a.py", 0, 4), ("b.py", 2, 6), ("b.py", 2, 0), ("a.py", 0, 0)]
    assert await desk.places("definition") == [("a.py", 0, 4), ("b.py", 2, 6)], "one for each line"
    desk.editor.said = "(function) def area(r) -> float\nOf  a circle."
    told = await desk.code.hover(desk.work.files, desk.uri("a.py"), 0, 4)
    assert told == "area(r)\n\nOf a circle.\n\n(function) def area(r) -> float"


async def test_of_other_languages_the_editor_knows_more(desk: Desk) -> None:
    desk.own.found = (desk.at("c.ts", 0, 9, text="[by name only] area"),)
    desk.editor.found, desk.editor.said = (desk.at("c.ts", 1, 0),), "function area(r: number): void"
    assert await desk.places("references", "c.ts") == [("c.ts", 1, 0)]
    assert await desk.code.hover(desk.work.files, desk.uri("c.ts"), 0, 9) == desk.editor.said
    desk.editor.found = ()
    assert await desk.places("references", "c.ts") == [("c.ts", 0, 9)]


async def test_what_only_the_caller_sees_is_added_to_it(desk: Desk) -> None:
    new = desk.uri("new.ts")
    desk.work.propose(CreateFile(new, "area(2)\n"))
    desk.own.found = (desk.at("c.ts", 0, 9), desk.at("new.ts", 0, 0))
    desk.editor.found = (desk.at("c.ts", 1, 0),)
    assert await desk.places("references", "c.ts") == [("c.ts", 1, 0), ("new.ts", 0, 0)]


async def test_a_language_we_cannot_read_is_left_to_the_editor(desk: Desk) -> None:
    desk.own.fails = True
    with pytest.raises(ToolFailed):
        await desk.places()
    desk.editor.found = (desk.at("b.py", 2, 6),)
    assert await desk.places() == [("b.py", 2, 6)]


async def test_outlines_take_definitions_but_no_locals(desk: Desk) -> None:
    def symbol(name: str, kind: str, line: int) -> Symbol:
        return Symbol(name, kind, desk.uri("a.py"), line, 4, LineRange(line, 0, line, 9))

    desk.editor.named = (symbol("area", "function", 0), symbol("r", "variable", 0), symbol("made", "class", 3))
    assert await desk.said(definitions, path="a.py") == [
        "a.py (2 definitions)",
        "1–2 function area",
        "4 class made",
    ]
    (desk.root / "n.txt").write_text("# Title\n")
    desk.editor.named = (Symbol("Title", "string", desk.uri("n.txt"), 0, 2, LineRange(0, 0, 0, 7)),)
    assert await desk.said(definitions, path="n.txt") == ["n.txt (1 definition)", "1 string Title"]


async def test_symbols_of_the_workspace(desk: Desk) -> None:
    def symbol(name: str, file: str, line: int) -> Symbol:
        return Symbol(name, "function", desk.uri(file), line, 0, LineRange(line, 0, line, 9))

    desk.editor.named = (
        symbol("area_of", "b.py", 0),
        symbol("area", "c.ts", 0),
        symbol("re", "b.py", 0),
        symbol("area", "b.py", 2),
    )
    rows = await desk.said(code_intel, action="symbols", query="area")
    assert rows == ["3 symbols", "c.ts:1:1 function area", "b.py:3:1 function area", "b.py:1:1 function area_of"]


# --- moved over what is pending ---


async def test_places_in_a_file_with_pending_edits_are_moved(desk: Desk) -> None:
    desk.propose("b.py", "import a\n", "import a\nimport os\n")
    desk.editor.found = (desk.at("b.py", 2, 6, text="y = a.area(2)"),)
    assert await desk.places("references") == [("b.py", 3, 6)]
    desk.propose("b.py", "y = a.area(2)", "y = 7")
    assert await desk.places("references") == [], "what stood there is gone"
    desk.work.pending.discard()
    desk.work.propose(DeleteFile(desk.work.files.read(desk.uri("b.py")).base))
    assert await desk.places("references") == []


async def test_findings_about_another_text_are_left_out(desk: Desk) -> None:
    def problem(name: str) -> Problem:
        return Problem(desk.uri(name), LineRange(0, 0, 0, 3), f"wrong in {name}", "error", "ts", "1")

    desk.editor.wrong = (problem("a.py"), problem("b.py"), problem("c.ts"))
    desk.propose("b.py", "import a", "import undefined")
    assert await desk.said(diagnostics) == [
        "3 problems",
        "a.py:1:1 error: wrong in a.py (ts 1)",
        "b.py:1:8 error: Undefined name (ruff F821)",
        "c.ts:1:1 error: wrong in c.ts (ts 1)",
    ]
    assert await desk.said(diagnostics, path="c.ts") == ["1 problem", "c.ts:1:1 error: wrong in c.ts (ts 1)"]


async def test_each_finding_once(desk: Desk) -> None:
    desk.propose("b.py", "import a", "import undefined")
    where = LineRange(0, 7, 0, 16)
    desk.editor.wrong = (Problem(desk.uri("c.ts"), where, "Undefined name.", "error", "ts"),) * 2
    assert (await desk.said(diagnostics))[0] == "2 problems"


# --- the jail ---


async def test_what_lies_outside_is_shown_and_not_read(desk: Desk, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("secret = area\n")
    (desk.root / "link.py").symlink_to(outside)
    (desk.root / "notes.txt").symlink_to(desk.root / ".env")
    away = to_uri(str(outside))
    desk.editor.found = (Found(Location(away, 0), 9, ""), Found(Location(desk.uri(".env"), 0), 0, ""))
    names = ("a.py", ".env", "link.py", "notes.txt")
    desk.editor.reads = (away, "jdt://contents/a.class", "/etc/passwd", *map(desk.uri, names))
    rows = await desk.said(code_intel, action="references", path="a.py", line=5, symbol="area")
    assert rows == ["2 references", f"{outside}:1:10 area", ".env:1:1 area"]
    assert [text for _, text in desk.editor.read] == [None, None, None, A, None, None, None]
