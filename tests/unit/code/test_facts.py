"""What a hover says of a symbol from its own file: kind, callers, calls, raises, complexity."""

import pytest

from copydesk.code.facts import Facts, Mention, complexity_word, facts_at
from copydesk.code.syntax import LARGEST_CHARACTERS, SyntaxCache
from tests.unit.code.support import handle, place

SOURCE = '''import os.path as p
from a.b import thing, other as o

LIMIT = 3

class Base:
    def run(self): return self.step()
    def step(self):
        raise NotImplementedError

class Store(Base):
    """A store.

    More."""
    @property
    def x(self): return self._x
    def __init__(self, n=1):
        self._x = n
    async def save(self, data: dict, *, force=False):
        """Save <b>it</b>."""
        try:
            for k in data:
                if k and force or LIMIT: p.join(k)
        except OSError as e:
            raise
        except ValueError as e:
            raise e
        raise KeyError(data) from None
        yield 1

def main():
    s = Store(2)
    s.save({}, force=True)
    total = 0
    for i in range(3):
        total += i
    thing(total)
    return helper(total)

def helper(v):
    return [v for _ in v]  # helper(v)

helper(main)
'''


def at(needle: str, nth: int = 0, shift: int = 0, source: str = SOURCE) -> Facts | None:
    return facts_at(SyntaxCache(), handle("file:///a.py", source), *place(source, needle, nth, shift))


def test_a_method_at_its_definition():
    facts = at("save")
    assert facts is not None
    assert (facts.kind, facts.name, facts.traits) == ("method", "Store.save", ("async", "generator"))
    assert facts.callers == (Mention("main", 32),)
    assert facts.calls == ("p.join", "KeyError")
    assert facts.raises == ("re-raises OSError", "re-raises ValueError", "KeyError")
    assert (facts.complexity, facts.n_lines) == (7, 11)
    assert facts.documentation == "Save <b>it</b>."


@pytest.mark.parametrize(
    ("needle", "shift", "name"),
    [
        ("s.save", 2, "Store.save"),
        ("self.step", 5, "Base.step"),
        ("return helper", 7, "helper"),
        ("Store(2)", 0, "Store"),
        ("Store(Base)", 6, "Base"),
        ("force=True", 0, "Store.save.force"),
        ("self._x = n", 5, "Store._x"),
    ],
)
def test_a_use_leads_to_the_definition(needle: str, shift: int, name: str):
    facts = at(needle, shift=shift)
    assert facts is not None
    assert facts.name == name


def test_callers_are_calls_and_not_comments():
    facts = at("def helper", shift=4)
    assert facts is not None
    assert facts.callers == (Mention("main", 37), Mention("module", 42))


def test_a_class():
    facts = at("class Store", shift=6)
    assert facts is not None
    assert (facts.bases, facts.methods) == (("Base",), ("x", "__init__", "save"))
    assert facts.documentation == "A store."
    base = at("class Base", shift=6)
    assert base is not None
    assert base.subclasses == (Mention("Store", 10),)


@pytest.mark.parametrize(
    ("needle", "shift", "origin"),
    [
        ("thing(", 0, "a.b.thing"),
        ("o\n", 0, "a.b.other"),
        ("p.join", 2, "os.path.join"),
        ("os.path", 0, "os"),
        ("a.b import", 2, "a.b"),
    ],
)
def test_an_import_says_where_it_is_from(needle: str, shift: int, origin: str):
    facts = at(needle, shift=shift)
    assert facts is not None
    assert (facts.kind, facts.origin) == ("import", origin)


def test_a_local_variable_says_where_it_is_assigned_and_how_often_used():
    facts = at("total")
    assert facts is not None
    assert (facts.name, facts.assigned, facts.n_uses) == ("main.total", (33, 35), 2)


@pytest.mark.parametrize(
    ("needle", "shift"), [("def ", 0), ("A store", 2), ("    raise", 1), ("range", 0), ("# helper", 3), ("= 3", 0)]
)
def test_nothing_on_keywords_space_strings_comments_and_builtins(needle: str, shift: int):
    assert at(needle, shift=shift) is None


@pytest.mark.parametrize(("line", "column"), [(-1, 0), (999, 0), (0, 999), (42, 12)])
def test_nothing_outside_the_text(line: int, column: int):
    assert facts_at(SyntaxCache(), handle("file:///a.py", SOURCE), line, column) is None


def test_names_are_resolved_by_scope():
    source = "x = 1\ndef f():\n    x = 2\n    def g():\n        nonlocal x\n        x = 3\n    return [x for x in ()]\n"
    outer, inner, loop = at("x = 1", source=source), at("x = 3", source=source), at("x for", source=source)
    assert outer is not None
    assert inner is not None
    assert loop is not None
    assert (outer.assigned, inner.name, inner.assigned, loop.assigned) == ((0,), "f.x", (2, 5), (6,))


def test_facts_survive_a_syntax_error():
    facts = at("def helper", shift=4, source=SOURCE.replace("total = 0", "total = ("))
    assert facts is not None
    assert facts.complexity == 2


def test_long_lists_are_cut_and_said_so():
    source = "def f(): pass\n" + "".join(f"def g{i}(): f()\n" for i in range(11))
    facts = at("f()", source=source)
    assert facts is not None
    markdown = facts.to_markdown()
    assert "`g7` (line 9) and 3 more" in markdown
    assert "g8" not in markdown


def test_documentation_is_defused_and_only_with_the_signature():
    facts = at("save")
    assert facts is not None
    assert "Save" not in facts.to_markdown()
    shown = facts.to_markdown(signature=True)
    assert "async def save(self, data: dict, *, force=False)" in shown
    assert "<b>" not in shown


def test_other_languages_have_callers_by_name():
    source = "function f() {}\nclass A { m() { f(); } }\nf();\n"
    facts = facts_at(SyntaxCache(), handle("file:///a.js", source), 0, 9)
    assert facts is not None
    assert facts.callers == (Mention("A.m", 1), Mention("module", 2))


def test_words_for_complexity():
    assert [complexity_word(n) for n in (1, 5, 6, 10, 11)] == ["simple", "simple", "moderate", "moderate", "complex"]


def test_a_text_too_long_for_a_tree_has_no_facts_and_costs_nothing():
    syntaxes = SyntaxCache()
    assert facts_at(syntaxes, handle("file:///a.py", "x = 1\n" + "y = 2\n" * (LARGEST_CHARACTERS // 6)), 0, 0) is None
    assert facts_at(syntaxes, handle("file:///a.py", "x = 1\n"), 0, 0) is not None
