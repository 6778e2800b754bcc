"""A hundred ways to say it: each kind of work in many words, with slips, plurals and courtesies."""

import pytest

from copydesk.domain.messages import Task
from copydesk.models.offline.intents import requests_of

SAID = """\
document: add a docstring to foo
document: please document foo
document: can you add docstrings to foo and bar
document: write a docstring for foo_bar in a.py
document: docstring for foo
document: add doc strings to foo
document: add dosctring to foo
document: document the function foo please
document: foo needs a docstring
document: Add missing docstrings
document: document everything in a.py
document: could you please add documentation to Foo.bar
document: doc foo
document: docuemnt foo
document: add docs for foo
explain: explain foo
explain: what does foo do?
explain: what's foo?
explain: how does foo work
explain: explian foo
explain: please explain parse_args in cli.py
explain: tell me about foo
explain: describe foo and bar
explain: what is this function for
explain: who calls foo?
explain: where is foo used?
explain: walk me through foo
explain: summarize a.py
explain: help me understand foo
explain: explain lines 10 to 20
explain: what do foo and bar do
explain: where is foo defined
fix: fix the imports
fix: fix all errors
fix: fix this
fix: pls fix foo
fix: repair the syntax
fix: resolve the undefined names
fix: remove unused imports
fix: fix lint problems
fix: add missing imports
fix: correct the syntax errors
fix: fixx the errors
fix: solve the problems in a.py
fix: clean up lint errors
fix: there is a bug, fix it
fix: delete the unused imports
fix: import what is missing
test: write tests for foo
test: add unit tests to foo
test: generate a test for Foo.bar
test: test foo
test: create pytest tests for a.py
test: please write a unit test for foo
test: add tests
test: cover foo with tests
test: write test for foo and bar
test: make test cases for foo
test: wirte tests for foo
annotate: add type annotations to foo
annotate: annotate foo
annotate: add types
annotate: add type hints to foo and bar
annotate: please annotate a.py
annotate: type hint foo
annotate: infer the types of foo
annotate: add typing to foo
annotate: add return types
annotate: typehint foo
annotate: add type anotations to foo
rename: rename foo to bar
rename: please rename the function foo to bar
rename: rename foo -> bar
rename: change the name of foo to bar
rename: call foo bar instead: rename foo as bar
rename: rename variable x_y to z in a.py
rename: renaem foo to bar
extract: extract lines 10-14 into a function named load
extract: extract lines 3 to 5 to a function called load
extract: move lines 10-14 into a function load
extract: pull lines 1-3 out into a helper called load
extract: extract `a + b` on line 4 into a variable named total
extract: refactor lines 10-12 into a function named load
organize: organise imports
organize: organize the imports
organize: sort imports
organize: sort the imports in a.py
organize: tidy the imports
organize: clean up the imports
organize: run isort
organize: organize import
organize: order imports
organize: sort imprts
unknown: make foo async
unknown: rewrite this in Rust
unknown: hello
unknown: add a new endpoint
unknown: optimise foo
unknown: translate the comments to French
unknown: convert the class to a dataclass
unknown: implement a binary search
unknown: why is the sky blue
unknown: delete foo
unknown: add logging to foo
unknown: add a parameter verbose to foo
"""


@pytest.mark.parametrize("row", SAID.splitlines())
def test_the_job_is_recognised(row: str) -> None:
    job, _, text = row.partition(": ")
    assert [request.action for request in requests_of(Task("prompt", text))] == [job]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("explain foo and make it async", "make it async"),
        ("write tests for foo and run them", "run them"),
        ("add a docstring to foo, then convert it to a class", "convert it to a class"),
    ],
)
def test_what_no_rule_knows_stays_a_wish_of_its_own(text: str, left: str) -> None:
    requests = requests_of(Task("prompt", text))
    assert [request.action for request in requests][1:] == ["unknown"]
    assert requests[1].text == left


def test_names_survive_a_slip() -> None:
    (request,) = requests_of(Task("prompt", "renaem load_all to load_every"))
    assert (request.names, request.new_name) == (("load_all",), "load_every")


def test_a_quoted_expression_says_nothing_of_the_kind() -> None:
    text = "extract `self.call(method, function)` on line 4 into a variable named total"
    (request,) = requests_of(Task("refactor", text))
    assert (request.extract_kind, request.new_name) == ("variable", "total")
