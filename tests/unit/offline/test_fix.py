"""Fixes by the offline model: names, imports, syntax, ruff; and what it leaves alone."""

import textwrap

import pytest

from copydesk.domain.messages import LineRange, Problem, Task
from tests.corpus.tools import Desk


def fixed(source: str, files: dict[str, str] | None = None, path: str = "a.py", text: str = "") -> tuple[str, str]:
    """(the file after, the last words) with ruff as the diagnostics."""
    desk = Desk({path: textwrap.dedent(source), **(files or {})})
    said = desk.ask(Task("fix", text=text, path=path, language="python"))
    return desk.files[path], said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a)\n    return a\n", "def f(a):\n    return a\n"),
        ("if x\n    pass\nelse\n    pass\n", "if x:\n    pass\nelse:\n    pass\n"),
        ("class A(B)  # why\n    pass\n", "class A(B):  # why\n    pass\n"),
        ("def f(x):\n    if x = 3:\n        return 1\n", "def f(x):\n    if x == 3:\n        return 1\n"),
        ("print('a'\nx = 1\n", "print('a')\nx = 1\n"),
        ("x = [1, 2\ny = 2\n", "x = [1, 2]\ny = 2\n"),
        ('print("hello)\n', 'print("hello")\n'),
        ('x = "abc\n', 'x = "abc"\n'),
        ("if foo(1:\n    pass\n", "if foo(1):\n    pass\n"),
        ("def f(a, b:\n    return a\n", "def f(a, b):\n    return a\n"),
    ],
)
def test_simple_syntax(before: str, after: str) -> None:
    desk = Desk({"a.py": before}, extra={"diagnostics": lambda _: "No problems known."})
    said = desk.ask(Task("fix", path="a.py", language="python"))
    assert desk.files["a.py"] == after
    assert "Fixed in `a.py`" in said


@pytest.mark.parametrize("source", ["x = (1,\n  ]\n", "print 'a' 'b' if\n", "x = 1\n  y = 2\n"])
def test_no_certain_repair_changes_nothing(source: str) -> None:
    after, said = fixed(source)
    assert after == source
    assert "no repair is certain" in said


def test_a_misspelt_name_with_one_near_match() -> None:
    after, said = fixed("def f(result):\n    return resutl\n")
    assert after == "def f(result):\n    return result\n"
    assert "line 2: `resutl` is now `result`" in said


def test_two_near_names_are_left() -> None:
    source = "def f(value1, value2):\n    return value3\n"
    after, said = fixed(source)
    assert after == source
    assert "no name in scope is clearly meant" in said


def test_missing_imports_of_the_standard_library() -> None:
    after, said = fixed(
        '''\
        """Doc."""

        from __future__ import annotations

        import json
        from collections import OrderedDict

        import requests


        def f(p: Path):
            return os.path.join(p), defaultdict(list), json, OrderedDict, requests
        '''
    )
    assert after == textwrap.dedent('''\
        """Doc."""

        from __future__ import annotations

        import json
        import os
        from collections import OrderedDict, defaultdict
        from pathlib import Path

        import requests


        def f(p: Path):
            return os.path.join(p), defaultdict(list), json, OrderedDict, requests
        ''')
    assert "A second check finds nothing more." in said


def test_the_first_import_goes_below_the_docstring() -> None:
    after, _ = fixed('#!/usr/bin/env python\n"""Doc."""\nprint(sys.argv)\n')
    assert after == '#!/usr/bin/env python\n"""Doc."""\n\nimport sys\n\nprint(sys.argv)\n'


def test_a_name_the_project_defines_once_is_imported() -> None:
    files = {"pkg/__init__.py": "", "pkg/models.py": "class Account:\n    pass\n"}
    after, _ = fixed("import os\n\nprint(os, Account())\n", files, "pkg/cli.py")
    assert after == "import os\n\nfrom pkg.models import Account\n\nprint(os, Account())\n"


def test_unused_imports_go_and_used_ones_stay() -> None:
    after, said = fixed("import os\nimport sys\n\n__all__ = ['sys']\n")
    assert after == "import sys\n\n__all__ = ['sys']\n"
    assert "F401" in said


def test_the_face_of_a_package_stays() -> None:
    source = "from .a import b\nimport os\n"
    desk = Desk({"pkg/__init__.py": source})
    said = desk.ask(Task("fix", text="remove unused imports", path="pkg/__init__.py", language="python"))
    assert desk.files["pkg/__init__.py"] == source
    assert "what the package offers" in said


def test_only_the_problem_that_is_asked_about() -> None:
    source = "def f(result):\n    return resutl\n\ndef g(number):\n    return nubmer\n"
    desk = Desk({"a.py": source})
    problem = Problem(
        "file:///a.py", LineRange(4, 11, 4, 17), '"nubmer" is not defined', code="reportUndefinedVariable"
    )
    said = desk.ask(Task("fix", uri="file:///a.py", path="a.py", range=LineRange(4, 11, 4, 17), problems=(problem,)))
    assert desk.files["a.py"] == source.replace("nubmer", "number")
    assert "Still found in the file:\n- line 2" in said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import os\nimport sys\n", "import os\n"),
        ("import os\nfrom sys import path, argv as a\n", "import os\nfrom sys import path\n"),
        ("import os\nif x:\n    import sys\n", "import os\nif x:\n    import sys\n"),
    ],
)
def test_one_unused_import_of_several(before: str, after: str) -> None:
    desk = Desk({"a.py": before})
    last = before.rstrip("\n").count("\n")
    name = "a" if "argv" in before else "sys"
    problem = Problem("", LineRange(last, 0, last, 5), f"`{name}` imported but unused", source="ruff", code="F401")
    said = desk.ask(Task("fix", path="a.py", range=LineRange(last, 0, last, 5), problems=(problem,)))
    assert desk.files["a.py"] in (after, before.replace("import os\n", "").replace("    import sys\n", "    pass\n"))
    assert said


def test_a_file_does_not_begin_with_the_gap_below_a_removed_import() -> None:
    desk = Desk({"a.py": "import sys\n\n\nx = 1\n"})
    problem = Problem("", LineRange(0, 0, 0, 5), "`sys` imported but unused", source="ruff", code="F401")
    desk.ask(Task("fix", path="a.py", range=LineRange(0, 0, 0, 5), problems=(problem,)))
    assert desk.files["a.py"] == "x = 1\n"


def test_names_are_fixed_where_the_words_are() -> None:
    after, _ = fixed("def f(number):\n    return 'nubmer', x.nubmer, nubmer + nubmer\n\nx = f\n")
    assert after == "def f(number):\n    return 'nubmer', x.nubmer, number + number\n\nx = f\n"


def test_nothing_to_fix_is_said_plainly() -> None:
    source = "x = 1\n"
    after, said = fixed(source, text="fix the bug where the login fails")
    assert after == source
    assert "take a language model" in said
