"""An agent's questions about code go to the editor's servers too: over the wire, with editors that are slow or ask back."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.e2e.rig import Desk, call, desk, steps, until

METHOD = "copydesk/editor/codeIntel"
A = "def area(r):\n    return r\n\n\nlabel = '😀'; x = area(1)\n"
TS = "function area(r) {}\nlet s = '😀'; area(1)\n"
FILES = {"a.py": A, "c.ts": TS}
ENCODINGS = {"utf-8": "nvim-0.12", "utf-16": "vscode", "utf-32": "emacs"}


def units(line: str, column: int, encoding: str) -> int:
    size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    return len(line[:column].encode(encoding if size == 1 else f"{encoding}-le")) // size


def place(d: Desk, name: str, line: int, column: int, length: int = 4) -> dict[str, Any]:
    """As the editor counts."""
    text, encoding = FILES[name].split("\n")[line], d.editor.encoding
    ends = (units(text, each, encoding) for each in (column, column + length))
    start, end = ({"line": line, "character": each} for each in ends)
    return {"uri": d.uri(name), "range": {"start": start, "end": end}}


def asked(d: Desk) -> list[Any]:
    return [params for method, params in d.client.requests if method == METHOD]


def questions(*expected: str) -> Any:
    """A turn that asks for the references of `area` in c.ts, then checks what it was told."""
    ask = call("code_intel", action="references", path="c.ts", line=2, symbol="area")
    return steps(ask, *(f"expect: {each}\ntext: I see." for each in expected))


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
async def test_places_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    model = questions(r"(?s)2 references\nc\.ts:1:10 function area.*c\.ts:2:14 let s")
    editor = ENCODINGS[encoding]
    async with desk(tmp_path, model, editor=editor, files=FILES, custom=(METHOD,), check=False) as d:
        d.open("c.ts")
        d.client.answers[METHOD] = lambda params: [place(d, "c.ts", 0, 9), place(d, "c.ts", 1, 13)]
        result = await d.run("prompt", text="go", uri=d.uri("a.py"))
        assert result["message"] == "I see.", result
        position = {"line": 1, "character": units(TS.split("\n")[1], 13, d.editor.encoding)}
        assert asked(d) == [{"action": "references", "uri": d.uri("c.ts"), "position": position}]


async def test_diagnostics_of_the_whole_workspace(tmp_path: Path) -> None:
    told = r"(?s)c\.ts:2:14 error: No overload matches \(ts 2769\)"
    model = steps(call("diagnostics"), f"expect: {told}\ntext: I see.")
    async with desk(tmp_path, model, files=FILES, custom=(METHOD,)) as d:
        d.open("a.py")
        where = {"message": "No overload matches", "severity": 1, "source": "ts", "code": 2769}

        def answer(params: Any) -> Any:
            return [{"uri": d.uri("c.ts"), "diagnostics": [{**where, "range": place(d, "c.ts", 1, 13)["range"]}]}]

        d.client.answers[METHOD] = answer
        result = await d.run("prompt", text="go")
        assert result["message"] == "I see.", result
        assert asked(d) == [{"action": "diagnostics"}]


async def test_an_editor_that_does_not_answer_costs_little_and_not_for_long(tmp_path: Path) -> None:
    ask = call("code_intel", action="references", path="c.ts", line=2, symbol="area")
    told = r"(?s)by name only.*function area"
    model = steps(*[ask] * 4, f"expect: {told}\ntext: I see.")
    async with desk(tmp_path, model, files=FILES, custom=(METHOD,)) as d:
        d.open("c.ts")
        d.assemblies[0].editor_code._limit_s = 0.3
        d.client.answers[METHOD] = d.client.hold
        started = time.monotonic()
        result = await d.run("prompt", text="go")
        assert result["message"] == "I see.", result
        assert time.monotonic() - started < 3
        assert len(asked(d)) == 3
        await until(lambda: len([m for m, _ in d.client.notifications if m == "$/cancelRequest"]) == 3)


async def test_one_slow_answer_holds_a_turn_for_two_seconds(tmp_path: Path) -> None:
    async with desk(tmp_path, questions(r"by name only"), files=FILES, custom=(METHOD,)) as d:
        d.open("c.ts")
        d.client.answers[METHOD] = d.client.hold
        started = time.monotonic()
        result = await d.run("prompt", text="go")
        assert result["message"] == "I see.", result
        assert 1.9 < time.monotonic() - started < 4


async def test_cancelling_the_turn_cancels_the_question(tmp_path: Path) -> None:
    async with desk(tmp_path, questions("never"), files=FILES, custom=(METHOD,)) as d:
        d.open("c.ts")
        d.client.answers[METHOD] = d.client.hold
        begun = await d.begin("prompt", text="go")
        await d.client.wait_for(METHOD)
        started = time.monotonic()
        await d.client.command("copydesk.cancel", {"turn": begun["turn"]})
        await d.client.wait_for("$/cancelRequest")
        assert time.monotonic() - started < 1


async def test_a_hover_that_comes_back_to_us_is_answered_with_nothing(tmp_path: Path) -> None:
    """An editor that makes its hovers of all its servers asks us too, and waits for us before it answers us."""
    told = r"(?s)def area.*\(function\) def area\(r\) -> int"
    ask = call("code_intel", action="hover", path="a.py", line=1, symbol="area")
    async with desk(tmp_path, steps(ask, f"expect: {told}\ntext: I see."), files=FILES, custom=(METHOD,)) as d:
        uri = d.open("a.py")
        elsewhere = {"textDocument": {"uri": uri}, "position": {"line": 4, "character": 16}}
        await d.client.request("textDocument/hover", elsewhere)
        d.client.answers[METHOD] = d.client.hold
        begun = await d.begin("prompt", text="go", uri=uri)
        question = await d.client.wait_for(METHOD)
        forwarded = {"textDocument": {"uri": question["uri"]}, "position": question["position"]}
        own = await d.client.request("textDocument/hover", forwarded)
        assert own is None
        said = {"contents": {"kind": "markdown", "value": "```python\n(function) def area(r) -> int\n```"}}
        await d.client.release(METHOD, [each for each in (own, said) if each])
        assert await d.ended(begun["turn"], 15)
        assert len(asked(d)) == 1
        assert d.assemblies[0].features.places.last.range.start_line == 4, "nobody's cursor was there"
        assert await d.client.request("textDocument/hover", forwarded) is not None, "a person's own hover is answered"


async def test_an_editor_that_does_not_take_it_is_not_asked(tmp_path: Path) -> None:
    async with desk(tmp_path, questions(r"by name only"), files=FILES) as d:
        d.open("c.ts")
        assert (await d.run("prompt", text="go"))["message"] == "I see."
        assert asked(d) == []
