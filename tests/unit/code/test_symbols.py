"""Definitions of every language, their positions, and parsing after edits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.code.grammars import load
from copydesk.code.symbols import SymbolTable, definitions, note_for
from copydesk.code.syntax import SyntaxCache, parse
from tests.unit.code.support import handle


def outline(uri: str, text: str) -> list[str]:
    symbols = SymbolTable().symbols(handle(uri, text))
    return [f"{one.kind} {one.container + '.' if one.container else ''}{one.name}" for one in symbols]


CASES = {
    "a.py": (
        "LIMIT = 1\n@dec\nclass A(B):\n  x: int = 1\n  def f(self):\n    def inner(): pass\nasync def g(): pass\n",
        ["constant LIMIT", "class A", "field A.x", "method A.f", "function A.f.inner", "function g"],
    ),
    "a.ts": (
        "export const f = (a: number) => 1;\nclass A { m() {} }\ninterface I { q(): void }\nenum E { X }\n",
        ["function f", "class A", "method A.m", "interface I", "method I.q", "enum E"],
    ),
    "a.tsx": ("export function App() { return <div/> }\n", ["function App"]),
    "a.jsx": ("class A { m() {} }\nconst b = 1;\n", ["class A", "method A.m", "variable b"]),
    "a.rs": (
        "struct S {}\nimpl<T> S<T> { fn new() {} }\ntrait T { fn t(&self); }\n",
        ["struct S", "method S.new", "trait T", "method T.t"],
    ),
    "a.go": (
        "package a\ntype S struct{}\nfunc (s *S) M() {}\nfunc F() {}\n",
        ["struct S", "method S.M", "function F"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_definitions_of_each_language(name: str):
    text, expected = CASES[name]
    assert outline(f"file:///{name}", text) == expected


def test_positions_are_code_points_and_ranges_span_the_whole():
    text = "s = '😀é'; \n@dec\ndef naïve(a,\n    b=1):\n    return '😀'\n"
    variable, function = SymbolTable().symbols(handle("file:///a.py", text))
    assert (variable.line, variable.column) == (0, 0)
    assert (function.line, function.column) == (2, 4)
    assert (function.range.start_line, function.range.end_line, function.range.end_column) == (1, 4, 14)
    assert function.signature == "def naïve(a, b=1)"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_break_at_cr_and_crlf_too_and_at_nothing_else(end: str):
    text = f"a = '\x0c\u2028'{end}def f():{end}    pass{end}"
    symbols = SymbolTable().symbols(handle("file:///a.py", text))
    assert [one.line for one in symbols if one.name == "f"] == [1]


def test_a_definition_inside_an_error_is_still_found():
    text = "def whole(): pass\ndef broken(\nclass C:\n    def m(self): pass\nx = '''def not_one(): pass'''\n"
    assert outline("file:///a.py", text)[:4] == ["function whole", "function broken", "class C", "method C.m"]


def test_an_unknown_language_is_empty_and_says_so():
    assert outline("file:///a.cob", "IDENTIFICATION DIVISION.") == []
    assert "Python" in note_for("file:///a.cob")
    assert note_for("file:///a.py") == ""


EDITS = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 30), st.text("def x():\n  é\"'#", max_size=12)), max_size=6
)


@given(EDITS)
@settings(max_examples=60, deadline=None)
def test_parsing_after_edits_is_the_same_as_parsing_afresh(edits: list[tuple[int, int, str]]):
    text = "class A:\n    def f(self, x):\n        return 'é'\n\ndef g(a):\n    return A().f(a)\n"
    cache = SyntaxCache()
    for start, width, new in edits:
        text = text[:start] + new + text[start + width :]
        one = handle("file:///a.py", text)
        again = cache.get(one)
        fresh = parse(one, load("python"))
        assert again is not None
        assert again.root.end_byte == fresh.root.end_byte
        if not fresh.root.has_error:  # where the text is broken, tree-sitter may recover in another way
            assert str(again.root) == str(fresh.root)
            assert definitions(again) == definitions(fresh)
