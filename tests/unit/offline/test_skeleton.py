"""What the skeleton writer says about small functions, and that what it writes runs."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from copydesk.models.offline.skeleton import SkeletonResult, write_tests

CLAMP = """
def clamp(value: int, low: int, high: int) -> int:
    if low > high:
        raise ValueError("low is above high")
    if value < low:
        return low
    return min(value, high)
"""
ACCOUNT = """
class Account:
    def __init__(self, owner: str, balance: int = 0) -> None:
        if not owner:
            raise KeyError("owner")
        self.balance = balance

    def deposit(self, amount: int) -> None:
        if amount <= 0:
            raise ValueError(f"amount must be positive, not {amount}")
        self.balance += amount

    @property
    def is_empty(self) -> bool:
        return self.balance == 0
"""


def write(source: str, qualname: str | None = None, existing: str | None = None) -> SkeletonResult:
    result = write_tests(source, "subject.py", qualname, "shop.subject", existing)
    ast.parse(result.text)
    return result


def run(source: str, text: str, folder: Path) -> int:
    package = folder / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "subject.py").write_text(source, encoding="utf-8")
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "test_it.py"]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, timeout=60, check=False).returncode


def test_every_branch_and_the_raise_are_exercised_by_name() -> None:
    result = write(CLAMP, "clamp")
    assert "test_clamp_raises_value_error_when_low_is_above_high" in result.names
    assert 'with pytest.raises(ValueError, match="low is above high"):' in result.text
    assert any("value_is_below_low" in name for name in result.names)
    assert len(set(result.names)) == len(result.names)
    assert result.notes == ()


def test_the_same_source_gives_the_same_text() -> None:
    assert write(ACCOUNT).text == write(ACCOUNT).text


def test_methods_properties_and_state() -> None:
    text = write(ACCOUNT).text
    assert "subject.deposit(3) is None" in text
    assert "assert subject.balance == 3" in text
    assert ".is_empty is True" in text
    assert "pytest.raises(KeyError" in text


@pytest.mark.slow
@pytest.mark.parametrize("source", [CLAMP, ACCOUNT], ids=["functions", "classes"])
def test_what_is_written_runs_and_notices_a_change(source: str, tmp_path: Path) -> None:
    text = write(source).text
    (tmp_path / "right").mkdir()
    (tmp_path / "wrong").mkdir()
    assert run(source, text, tmp_path / "right") == 0
    broken = source.replace("low > high", "low < high").replace("amount <= 0", "amount < -100")
    assert run(broken, text, tmp_path / "wrong") == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("open('x').read()", "open()"),
        ("import os\n    os.remove('x')", "os.remove"),
        ("import subprocess\n    subprocess.run(['ls'])", "subprocess"),
        ("from time import sleep\n    sleep(1)", "time.sleep"),
        ("import random\n    return random.random()", "random"),
        ("input()", "input()"),
        ("import socket\n    socket.socket()", "socket"),
        ("helper()", "open()"),
        ("global STATE\n    STATE = 1", "STATE"),
    ],
)
def test_what_reaches_outside_is_named_and_not_called(body: str, why: str) -> None:
    result = write(f"STATE = 0\ndef helper():\n    open('y')\ndef risky():\n    {body}\n", "risky")
    assert result.names == ()
    assert "risky(" not in "\n".join(line for line in result.text.splitlines() if not line.startswith("#"))
    assert why in result.notes[0]
    assert "# risky is not called here" in result.text


def test_a_module_that_acts_when_imported_gets_only_a_note() -> None:
    result = write("import subprocess\nsubprocess.run(['ls'])\ndef pure() -> int:\n    return 1\n")
    assert result.text == ""
    assert "not safe" in result.notes[0]


def test_an_unknown_result_is_marked() -> None:
    text = write("def code(text: str) -> int:\n    return hash(text)\n").text
    assert "# result not known offline: check and replace" in text
    assert "assert isinstance(result, int)" in text
    assert "callable" not in text


def test_async_generators_and_changed_arguments() -> None:
    source = (
        "async def twice(n: int) -> int:\n    return n * 2\n\n"
        "def count(n: int):\n    yield from range(n)\n\n"
        "def wipe(items: list[int]) -> None:\n    items.clear()\n"
    )
    text = write(source).text
    assert "assert asyncio.run(twice(3)) == 6" in text
    assert "assert list(itertools.islice(count(3), 20)) == [0, 1, 2]" in text
    assert "assert items_ == []" in text


def test_a_set_without_order_is_never_iterated() -> None:
    source = "def first(names: list[str]):\n    return list(set(names) | {'a', 'b'})\n"
    assert "first(" not in "".join(t for t in write(source).text.splitlines() if not t.startswith("#"))


def test_a_huge_computation_is_not_done() -> None:
    source = "def big(n: int = 3):\n    while True:\n        n = n ** n + 10 ** 10 ** 10\n"
    assert write(source).names == ()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_existing_file_keeps_every_byte(end: str) -> None:
    existing = "import os||from shop.subject import clamp  # mine|||def test_mine():|    assert os.sep|".replace(
        "|", end
    )
    result = write(CLAMP, "clamp", existing)
    kept = iter(result.text.splitlines(keepends=True))
    assert all(line in kept for line in existing.splitlines(keepends=True))
    assert result.text.count("import pytest") == 1
    assert ("\r\n" in result.text) == (end == "\r\n")
    assert result.text.replace("\r\n", "").count("\n") == (0 if end == "\r\n" else result.text.count("\n"))


def test_a_second_run_adds_nothing() -> None:
    once = write(CLAMP, "clamp")
    again = write(CLAMP, "clamp", once.text)
    assert again.text == once.text
    assert again.names == ()


def test_imports_join_a_line_that_is_there() -> None:
    existing = "from shop.subject import Account\n\n\ndef test_mine():\n    assert Account('a')\n"
    text = write(ACCOUNT + CLAMP, "clamp", existing).text
    assert "from shop.subject import Account, clamp\n" in text


def test_bad_source_is_a_note() -> None:
    result = write_tests("def f(:\n", "bad.py", None, "bad")
    assert result.text == ""
    assert "cannot be read" in result.notes[0]


def test_a_class_that_needs_one_of_itself_comes_to_an_end() -> None:
    source = "class Node:\n    def __init__(self, above: Node):\n        self.above = above\n\n\ndef depth(node: Node) -> int:\n    return 1\n"
    assert "depth, Node are not called here" in write_tests(source, "tree.py", None, "tree").text.replace("\n#  ", "")
