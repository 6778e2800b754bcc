"""Every call of the corpus does what it says: the text after and the rung, or the kind of refusal."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from copydesk.domain.errors import CopydeskError
from copydesk.domain.ports import Tool
from copydesk.tools.editing import edit_file
from copydesk.tools.patching import apply_patch
from tests.support.memory import MemoryWork, call

HERE = Path(__file__).parent
KINDS = {"missing": "is not in", "ambiguous": " times in", "quote": "was not changed"}


def cases(name: str) -> list[dict[str, Any]]:
    return tomllib.loads((HERE / name).read_text(encoding="utf-8"))["case"]


EDITS, PATCHES = cases("edits.toml"), cases("patches.toml")


def named(found: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in found]


def texts(case: dict[str, Any]) -> tuple[str, str]:
    """(before, after); some files are too long to be written out."""
    if n_lines := case.get("before_lines"):
        rows = [f"line {number}" for number in range(1, n_lines + 1)]
        before = "\n".join(rows) + "\n"
        at, new = case["after_line"]
        return before, "\n".join([*rows[: at - 1], new, *rows[at:]]) + "\n"
    return case["before"], case.get("after", case["before"])


async def outcome(tool: Tool, work: MemoryWork, arguments: dict[str, Any]) -> tuple[Mapping[str, Any], str]:
    """(details of the result, the error's words): one of them is empty."""
    try:
        return (await call(tool, work, **arguments)).details, ""
    except CopydeskError as error:
        return {}, str(error)


@pytest.mark.parametrize("case", named(EDITS))
async def test_edit(case: dict[str, Any]):
    before, after = texts(case)
    work = MemoryWork({"f.txt": before})
    more = {"replace_all": True} if case.get("replace_all") else {}
    arguments = {"path": "f.txt", "old_text": case["old"], "new_text": case["new"], **more}
    details, said = await outcome(edit_file(), work, arguments)
    assert bool(said) == ("error" in case), said
    if "error" in case:
        assert KINDS[case["error"]] in said
        assert (work.text("f.txt"), work.proposed) == (before, [])
    else:
        assert (work.text("f.txt"), details["rung"]) == (after, case["rung"])


@pytest.mark.parametrize("case", named(PATCHES))
async def test_patch(case: dict[str, Any]):
    work = MemoryWork(case.get("before", {}))
    details, said = await outcome(apply_patch(), work, {"patch": case["patch"]})
    assert bool(said) == ("error" in case), said
    if "error" in case:
        assert [words for words in case["error"] if words not in said] == []
        assert work.proposed == []
    else:
        found = {uri.removeprefix("file:///w/"): text for uri, text in work.files.texts.items()}
        assert found == case["after"]
        rungs = [rung for file in details["rungs"].values() for rung in file]
        assert rungs == case.get("rungs", ["exact"] * len(rungs))


def test_the_corpus_is_large_and_mixed():
    assert len(EDITS) + len(PATCHES) >= 120
    names = [case["name"] for case in (*EDITS, *PATCHES)]
    assert len(set(names)) == len(names)
    assert {case.get("rung") for case in EDITS} >= {
        "exact",
        "line_ends",
        "trailing_space",
        "indentation",
        "typography",
        "unicode_form",
        "blank_edges",
        "line_numbers",
        "elided",
    }
