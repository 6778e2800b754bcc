"""Docstrings written by the offline model: placement, styles, what is kept, what is refused."""

import ast
import textwrap

import pytest

from copydesk.domain.messages import LineRange, Task
from tests.corpus.tools import Desk


def documented(source: str, line: int | None = None, text: str = "", last: int | None = None) -> tuple[str, str]:
    """(the file after, the last words)."""
    source = textwrap.dedent(source)
    desk = Desk({"a.py": source})
    place = None if line is None else LineRange(line, 0, line if last is None else last, 1)
    said = desk.ask(Task("document", text=text, path="a.py", language="python", range=place))
    return desk.files["a.py"], said


def test_google_is_the_default() -> None:
    after, said = documented(
        """\
        def load_users(path: str, limit=10, *rest, strict: bool = False, **more) -> list[str]:
            if limit < 0:
                raise ValueError(limit)
            return read(path)
        """,
        0,
    )
    assert after == textwrap.dedent('''\
        def load_users(path: str, limit=10, *rest, strict: bool = False, **more) -> list[str]:
            """Load the users.

            Args:
                path: Passed to `read`.
                limit: Defaults to 10.
                *rest: Further positional arguments.
                strict: Strict or not. Defaults to False.
                **more: Further keyword arguments.

            Returns:
                The result of `read`.

            Raises:
                ValueError: If `limit` is less than 0.
            """
            if limit < 0:
                raise ValueError(limit)
            return read(path)
        ''')
    assert "`load_users`" in said


def test_the_style_of_the_file_is_taken() -> None:
    numpy = '''\
        def known(a):
            """Do.

            Parameters
            ----------
            a
                It.
            """

        def area(width: float, height=2):
            return width * height
        '''
    after, _ = documented(numpy, 9)
    assert "    width : float\n        Used in `width * height`.\n    height : optional\n" in after
    sphinx = numpy.replace("Parameters\n            ----------\n            a\n                It.", ":param a: It.")
    after, _ = documented(sphinx, 6)
    assert "    :param width: Used in `width * height`.\n    :param height:" in after
    assert "    :returns: The value of `width * height`.\n" in after


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "def f(): return 1\n",
            'def f():\n    """Return the f.\n\n    Returns:\n        int: Always 1.\n    """\n    return 1\n',
        ),
        ("def run(): ...; x\n", 'def run():\n    """Run."""\n    ...; x\n'),
        ("def run():  # why\n    pass\n", 'def run():  # why\n    """Run."""\n    pass\n'),
        ("def run():\n\t# note\n\tpass\n", 'def run():\n\t"""Run."""\n\t# note\n\tpass\n'),
        ("def run():\r\n    pass\r\n", 'def run():\r\n    """Run."""\r\n    pass\r\n'),
        ("class Job: pass\n", 'class Job:\n    """A job."""\n    pass\n'),
        (
            "def run():\n    # type: () -> None\n    pass\n",
            'def run():\n    # type: () -> None\n    """Run."""\n    pass\n',
        ),
        ("def run():\n    pass", 'def run():\n    """Run."""\n    pass'),
        ("\fdef run():\n    pass\n", '\fdef run():\n    """Run."""\n    pass\n'),
        ("async def run():\n    pass\n", 'async def run():\n    """Run."""\n    pass\n'),
    ],
)
def test_placement(source: str, expected: str) -> None:
    assert documented(source, 0)[0] == expected


def test_a_backslash_in_a_default_makes_it_raw() -> None:
    after, _ = documented('def split(sep="\\n"):\n    pass\n', 0)
    assert '    r"""Split `sep`.\n' in after
    assert ast.get_docstring(ast.parse(after).body[0]) == 'Split `sep`.\n\nArgs:\n    sep: Defaults to "\\n".'


def test_a_body_after_a_backslash_is_refused() -> None:
    source = "def run(): \\\n  pass\n"
    after, said = documented(source, 0)
    assert after == source
    assert "Left alone: `run`" in said


def test_the_words_that_are_there_are_kept() -> None:
    after, _ = documented(
        '''\
        def parse(text, strict=True):
            u"""Parse it, my way.

            More words.

            Returns:
                The tree.
            """
            return tree(text)
        ''',
        0,
    )
    assert after == textwrap.dedent('''\
        def parse(text, strict=True):
            u"""Parse it, my way.

            More words.

            Args:
                text: Passed to `tree`.
                strict: Strict or not. Defaults to True.

            Returns:
                The tree.
            """
            return tree(text)
        ''')


def test_sections_come_in_order() -> None:
    after, _ = documented(
        'def parse(text):\n    "Parse."\n    if not text:\n        raise KeyError(text)\n    return 1\n', 0
    )
    doc = ast.get_docstring(ast.parse(after).body[0]) or ""
    assert doc.index("Args:") < doc.index("Returns:") < doc.index("Raises:")


def test_a_missing_parameter_joins_its_section() -> None:
    source = 'def parse(text, strict):\n    """Parse.\n\n    Args:\n        text: It.\n    """\n'
    after, _ = documented(source, 0)
    assert after == source.replace("It.\n", "It.\n        strict: The strict.\n")


def test_complete_is_said() -> None:
    source = 'def parse(text):\n    """Parse.\n\n    Args:\n        text: It.\n    """\n'
    after, said = documented(source, 0)
    assert after == source
    assert said == "Already complete: `parse`."


def test_a_class_brings_its_members_in_one_turn() -> None:
    source = """\
        class Box(Base):
            size: int = 3

            def __init__(self, name: str):
                self.name = name

            @property
            def label(self): return self.name

            @label.setter
            def label(self, value): self.name = value

            @staticmethod
            def make(kind): return Box(kind)
        """
    after, said = documented(source, 0)
    tree = ast.parse(after)
    docs = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert docs == [
        "A box.\n\nAttributes:\n    size (int): The size. Defaults to 3.\n    name (str): The name.",
        "Initialise the box.\n\nArgs:\n    name: The name.",
        "The label.",
        "Set the label.\n\nArgs:\n    value: Kept as `self.name`.",
        "Make `kind`.\n\nArgs:\n    kind: Passed to `Box`.\n\nReturns:\n    A `Box`.",
    ]
    assert "Wrote 5 docstrings" in said


def test_a_range_documents_all_it_covers_and_overloads_are_left() -> None:
    source = """\
        from typing import overload

        @overload
        def get(key: int) -> int: ...

        def get(key):
            return key

        def put(key):
            pass
        """
    after, said = documented(source, 2, last=9)
    assert after.count('"""') == 4
    assert "Left alone: `get` (an overload" in said


def test_raises_are_those_that_leave_the_function() -> None:
    after, _ = documented(
        """\
        def check(value):
            try:
                if value:
                    raise KeyError(value)
                with lock:
                    raise TypeError
            except KeyError:
                raise
            except TypeError as error:
                raise RuntimeError from error
            def inner():
                raise OSError
        """,
        0,
    )
    doc = ast.get_docstring(ast.parse(after).body[0]) or ""
    assert doc.partition("Raises:\n")[2].split("\n") == [
        "    KeyError: Raised again after it is caught.",
        "    RuntimeError: When `TypeError` is caught.",
    ]


def test_generators_say_what_they_yield() -> None:
    after, _ = documented("def items(rows) -> Iterator[int]:\n    for row in rows:\n        yield row.n\n", 0)
    assert "    Yields:\n        The value of `row.n`.\n" in after
    assert "Returns" not in after


def test_stub_files_and_other_languages_are_refused() -> None:
    for path, word in (("a.pyi", "stub"), ("a.js", "language model")):
        desk = Desk({path: "def f(): ...\n"})
        assert word in desk.ask(Task("document", path=path, range=LineRange(0, 0, 0, 0)))
        assert [call.name for call in desk.calls if call.name == "edit_file"] == []


def test_lone_surrogates_and_other_scripts_do_no_harm() -> None:
    source = "x = '\udc80'\ndef größe(wert='ü'):\n    return 'ß', wert\n"
    after, _ = documented(source, 1)
    assert after.startswith("x = '\udc80'\ndef größe(wert='ü'):\n    \"\"\"Return the größe.\n")
    assert after.endswith('    """\n    return \'ß\', wert\n')


def test_equal_functions_are_told_apart() -> None:
    source = "class A:\n    def run(self):\n        pass\n\nclass B:\n    def run(self):\n        pass\n"
    after, _ = documented(source, 5)
    assert after == source[: source.index("class B")] + (
        'class B:\n    def run(self):\n        """Run this b."""\n        pass\n'
    )


def test_long_files_are_read_page_by_page() -> None:
    source = "x = 1\n" * 2500 + "def run():\n    pass\n"
    after, _ = documented(source, 2500)
    assert after == "x = 1\n" * 2500 + 'def run():\n    """Run."""\n    pass\n'


def test_a_failing_tool_is_told() -> None:
    desk = Desk({})
    assert desk.ask(Task("document", path="gone.py")) == "Could not read `gone.py`: There is nothing at 'gone.py'."


def test_one_pass_is_enough() -> None:
    source = "class A:\n    def m(this, a): pass\n\n\ndef f(a,\n      b=2): return a\n"
    once, said = documented(source)
    assert "Left alone" not in said
    assert documented(once)[0] == once
    assert '      b=2):\n    """Return the f.\n\n    Args:\n        a: The a.\n' in once
