"""`explain` over real definitions: nothing crashes, and what is said is about the right thing."""

import ast
import random
from pathlib import Path

import pytest

from copydesk.domain.messages import LineRange, Task
from tests.corpus.checks import parsed
from tests.corpus.sources import all_files, sample, text_of
from tests.corpus.tools import Desk


def no_references(_: object) -> str:
    return "No reference found."


def check_explained(path: Path, limit: int) -> int:
    """Explains the file, and up to `limit` of its definitions; gives how many."""
    text = text_of(path)
    if text is None:
        return 0
    nodes = [n for n in ast.walk(parsed(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    random.Random(str(path.name)).shuffle(nodes)
    whole = Desk({"pkg/mod.py": text}, extra={"code_intel": no_references})
    assert "`pkg/mod.py`: a module of" in whole.ask(Task("explain", path="pkg/mod.py", language="python"))
    for node in nodes[:limit]:
        desk = Desk({"pkg/mod.py": text}, extra={"code_intel": no_references})
        line = node.lineno - 1
        said = desk.ask(Task("explain", path="pkg/mod.py", language="python", range=LineRange(line, 0, line, 0)))
        head = said.partition("\n")[0]
        assert f"{node.name}`" in head, (path, head)
        assert f"`pkg/mod.py:{line + 1}`" in head, (path, head)
        assert len(said) < 12_000, (path, node.name)
        assert desk.files == {"pkg/mod.py": text}
    return min(len(nodes), limit)


def test_a_sample_is_explained() -> None:
    assert sum(check_explained(path, 3) for path in sample(5)) > 5


@pytest.mark.slow
def test_everything_is_explained() -> None:
    n = sum(check_explained(path, 8) for path in all_files()[::4])
    print(f"explained {n} definitions")
    assert n > 500
