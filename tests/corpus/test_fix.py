"""`fix` over real files with one fault planted: the repair gives the text that was there, or says that it cannot."""

import ast
import random
import re
from pathlib import Path

import pytest

from copydesk.domain.messages import LineRange, Problem, Task
from tests.corpus.checks import parsed
from tests.corpus.sources import all_files, sample, text_of
from tests.corpus.tools import Desk, lines_of, quiet_compile


def nothing_known(_: object) -> str:
    return "No problems known in pkg/mod.py."


def without_colon(text: str, seed: str) -> tuple[str, int] | None:
    """The text with the colon of one plain header taken away, and its 0-based line."""
    lines = text.split("\n")
    rows = [i for i, line in enumerate(lines) if re.fullmatch(r"\s*(def|class|if|while|for)\b[^#'\"\\]*:", line)]
    if not rows or "\r" in text:
        return None
    row = random.Random(seed).choice(rows)
    lines[row] = lines[row][:-1]
    return "\n".join(lines), row


def misspelt(text: str, seed: str) -> tuple[str, Problem] | None:
    """The text with two letters of one parameter's use swapped, and the problem an editor would report."""
    uses: list[ast.Name] = []
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.FunctionDef):
            names = {arg.arg for arg in node.args.args if len(arg.arg) >= 5 and arg.arg.isascii()}
            uses += [
                n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in names and isinstance(n.ctx, ast.Load)
            ]
    if not uses or "\r" in text or not text.isascii():
        return None
    use = random.Random(seed).choice(uses)
    wrong = use.id[:2] + use.id[3] + use.id[2] + use.id[4:]
    lines = text.split("\n")
    line = lines[use.lineno - 1]
    if (
        "\f" in text
        or line[use.col_offset : use.col_offset + len(use.id)] != use.id
        or re.search(rf"\b{wrong}\b", text)
    ):
        return None
    lines[use.lineno - 1] = line[: use.col_offset] + wrong + line[use.col_offset + len(use.id) :]
    place = LineRange(use.lineno - 1, use.col_offset, use.lineno - 1, use.col_offset + len(wrong))
    return "\n".join(lines), Problem("", place, f"Undefined name `{wrong}`", source="ruff", code="F821")


def check_colon(path: Path) -> int:
    """1 when the colon came back, 0 when the model says it cannot; any other change is a failure."""
    text = text_of(path)
    planted = without_colon(text, path.name) if text else None
    if not text or planted is None:
        return -1
    desk = Desk({"pkg/mod.py": planted[0]}, extra={"diagnostics": nothing_known})
    said = desk.ask(Task("fix", path="pkg/mod.py", language="python"))
    after = desk.files["pkg/mod.py"]
    assert after in (text, planted[0]), (path, said)
    assert (after == text) == ("added the missing colon" in said), (path, said)
    return int(after == text)


def check_misspelling(path: Path) -> int:
    """As `check_colon`, for a misspelt name."""
    text = text_of(path)
    planted = misspelt(text, path.name) if text else None
    if not text or planted is None:
        return -1
    desk = Desk({"pkg/mod.py": planted[0]}, extra={"diagnostics": nothing_known})
    said = desk.ask(Task("fix", path="pkg/mod.py", language="python", problems=(planted[1],)))
    after = desk.files["pkg/mod.py"]
    assert len(lines_of(after)) == len(lines_of(text))
    quiet_compile(after)
    assert after in (text, planted[0]), (path, said)
    return int(after == text)


def rates(paths: list[Path]) -> tuple[int, int, int, int]:
    colons = [n for path in paths if (n := check_colon(path)) >= 0]
    names = [n for path in paths if (n := check_misspelling(path)) >= 0]
    return sum(colons), len(colons), sum(names), len(names)


def test_a_sample_is_fixed() -> None:
    n_colons, all_colons, n_names, all_names = rates(sample(6))
    assert n_colons >= 0.9 * all_colons > 1
    assert n_names >= 0.7 * all_names > 1


@pytest.mark.slow
def test_everything_is_fixed() -> None:
    n_colons, all_colons, n_names, all_names = rates(all_files()[::4])
    print(f"colons {n_colons}/{all_colons}, names {n_names}/{all_names}")
    assert all_colons > 500
    assert n_colons >= 0.95 * all_colons
    assert n_names >= 0.85 * all_names
