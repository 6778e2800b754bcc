"""Plays every golden conversation in this folder."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.support.golden import Golden, Played, check_invariants, play

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.md"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_golden(path: Path, tmp_path: Path) -> None:
    golden = Golden.read(path)
    played = await play(golden, tmp_path)
    check_invariants(played)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        update(golden, played)
    else:
        check(golden, played)


def check(golden: Golden, played: Played) -> None:
    expected = dict(golden.named("expect file"))
    assert {name: played.seen(name) for name in expected} == expected
    for name, _ in golden.named("expect no file"):
        assert played.seen(name) is None, f"{name} should be gone"
    if calls := golden.one("expect calls"):
        assert results(played) == calls
    check_result(json.loads(golden.one("expect result", "{}")), played)


def check_result(expected: dict[str, str], played: Played) -> None:
    outcome = played.outcome
    assert expected.get("stop_reason", "end_turn") == outcome.stop_reason, outcome
    if "review" in expected:
        assert outcome.review.state == expected["review"], outcome.review
    assert expected.get("error", "") in outcome.error
    assert bool(outcome.error) == bool(expected.get("error")), outcome.error
    assert expected.get("message", "") in outcome.message


def results(played: Played) -> str:
    """What the tools told the model, in order."""
    said = [f"{result.name}: {result.content}" for result in tool_results(played)]
    text = "\n---\n".join(said).replace(str(played.root), "<root>") + "\n"
    return re.sub(r"(after|for) \d+\.\d s", r"\1 N s", text)


def tool_results(played: Played):
    from copydesk.domain.messages import ToolResult

    return [part for message in played.session.messages for part in message.parts if isinstance(part, ToolResult)]


def update(golden: Golden, played: Played) -> None:
    text = golden.path.read_text(encoding="utf-8")
    for name, body in golden.sections:
        if name.startswith("expect file "):
            text = text.replace(f"\n{body}```", f"\n{played.seen(name.removeprefix('expect file ')) or ''}```", 1)
        elif name == "expect calls":
            text = text.replace(f"\n{body}```", f"\n{results(played)}```", 1)
    golden.path.write_text(text, encoding="utf-8")


def test_there_are_conversations() -> None:
    assert len(FILES) >= 5
