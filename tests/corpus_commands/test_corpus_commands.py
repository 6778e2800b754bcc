"""Every command of the corpus is given its level, for its reason; and the two rates that matter are kept.

A file's line is: level, command, reason, with tabs between; `!` after the level means that it is not understood, ⏎ is a
new line and ␉ a tab. Start with `Expected`.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from copydesk.domain.permissions import Mode, PermissionRequest
from copydesk.domain.risks import Judgement
from copydesk.safety.judge import judge
from copydesk.safety.places import Place
from copydesk.safety.risks import judge_command
from copydesk.safety.rules import Rules

HERE = Path(__file__).parent
PLACE = Place("/project", ("/project",), "/home/me")
FILES = sorted(path.stem for path in HERE.glob("*.txt"))
MAX_SHARE_THAT_ASKS = 0.05


class Expected(NamedTuple):
    level: str
    command: str
    reason: str


@cache
def corpus(name: str) -> tuple[Expected, ...]:
    lines = (HERE / f"{name}.txt").read_text(encoding="utf-8").split("\n")
    fields = [line.split("\t") for line in lines if line and not line.startswith("# ")]
    return tuple(Expected(level, text.replace("⏎", "\n").replace("␉", "\t"), why) for level, text, why in fields)


@cache
def judged(command: str) -> Judgement:
    return judge_command(command, cwd=PLACE.cwd, roots=PLACE.roots, home=PLACE.home)


def outcome(command: str, mode: Mode) -> str:
    request = PermissionRequest("p", "s", "t", "shell", "execute", "execute", command, command=command)
    return judge(request, mode=mode, rules=Rules(), sandbox_works=True, place=PLACE).outcome


@pytest.mark.parametrize("name", FILES)
def test_each_command_has_its_level_and_reason(name: str) -> None:
    wrong: list[str] = []
    for expected in corpus(name):
        found = judged(expected.command)
        level = found.level + ("" if found.parsed else "!")
        reason = found.reasons[0] if found.reasons else ""
        if (level, reason) != (expected.level, expected.reason):
            wrong.append(f"{expected.command!r}: {level} {reason!r}, not {expected.level} {expected.reason!r}")
    assert wrong == []


def test_the_corpus_is_large_and_names_no_command_twice() -> None:
    commands = [expected.command for name in FILES for expected in corpus(name)]
    assert len(commands) >= 1000
    assert sorted({command for command in commands if commands.count(command) > 1}) == []


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith(("dangerous", "attacks"))])
def test_nothing_dangerous_is_safe_or_low(name: str) -> None:
    assert [each.command for each in corpus(name) if judged(each.command).level in ("safe", "low")] == []


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith(("dangerous", "attacks"))])
def test_nothing_dangerous_runs_unasked_in_the_modes_that_ask(name: str) -> None:
    modes: tuple[Mode, ...] = ("plan", "ask", "acceptEdits")
    assert [each.command for each in corpus(name) for mode in modes if outcome(each.command, mode) == "allow"] == []


READ: tuple[Mode, ...] = ("ask", "plan")
DAILY: list[tuple[str, Mode]] = [
    *((name, mode) for name in FILES if name.startswith("readers") for mode in READ),
    *((name, "auto") for name in FILES if name.startswith(("builds", "readers"))),
]


@pytest.mark.parametrize(("name", "mode"), DAILY)
def test_what_developers_do_all_day_does_not_ask(name: str, mode: Mode) -> None:
    asking = [each.command for each in corpus(name) if outcome(each.command, mode) != "allow"]
    assert len(asking) / len(corpus(name)) <= MAX_SHARE_THAT_ASKS, asking


def test_words_of_danger_in_texts_are_no_danger() -> None:
    assert [each.command for each in corpus("lookalikes") if judged(each.command).level not in ("safe", "low")] == []
