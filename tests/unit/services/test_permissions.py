"""Who may answer what, what is remembered for whom, and which rules a request is judged by."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from copydesk.config.layers import load
from copydesk.domain.errors import CopydeskError
from copydesk.domain.permissions import Mode, PermissionOption, PermissionRequest
from copydesk.services.judging import UNREVIEWED, Judging
from copydesk.services.permissions import Answer, Permissions
from copydesk.services.wording import question, visible
from copydesk.store.grants import Grants

ALL: tuple[PermissionOption, ...] = ("allow_once", "allow_session", "allow_always", "reject_once")
REQUEST = PermissionRequest(
    "p1", "s1", "t1", "shell", "execute", "execute", "Run make", command="make", level="medium",
    remember=("Bash(make)",), options=ALL,
)  # fmt: skip


class Person:
    """Answers what it is told to, or never."""

    takes_answers = True

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer
        self.asked: list[PermissionRequest] = []
        self.n_withdrawn = 0

    async def put(self, request: PermissionRequest) -> Answer | None:
        self.asked.append(request)
        if self.answer is None:
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                self.n_withdrawn += 1
                raise
        return self.answer


def permissions(tmp_path: Path, person: Person | None, *names: str, limit_s: float = 5) -> Permissions:
    folders = tuple((tmp_path / name).as_uri() for name in names or ("work",))
    return Permissions(Grants(tmp_path / "grants", lambda: "now"), lambda: folders, lambda: limit_s, person)


def judging(kept: Permissions, tmp_path: Path, **settings: object) -> Judging:
    loaded = load(user_file=str(tmp_path / "none.toml"), env={}, editor=settings)
    made = Judging(kept, lambda: loaded.settings, lambda: kept._folders())
    made.sandbox_works = True
    return made


# --- the question ---


@pytest.mark.parametrize(
    ("changes", "folder", "offered"),
    [
        ({}, True, ALL),
        ({"level": "critical"}, True, ("allow_once", "reject_once")),
        ({"remember": ()}, True, ("allow_once", "reject_once")),
        ({}, False, ("allow_once", "allow_session", "reject_once")),
        ({"options": ("allow_once",)}, True, ("allow_once", "reject_once")),
    ],
)
def test_only_what_makes_sense_is_offered(tmp_path: Path, changes: dict, folder: bool, offered: tuple) -> None:
    kept = Permissions(Grants(tmp_path, str), lambda: ("file:///w",) if folder else (), lambda: 1)
    assert kept.offered(replace(REQUEST, **changes)).options == offered


async def test_the_first_answer_counts_and_the_other_is_withdrawn(tmp_path: Path) -> None:
    person = Person()
    kept = permissions(tmp_path, person)
    async with anyio.create_task_group() as group:

        async def ask() -> None:
            decision = await kept.ask(REQUEST)
            assert (decision.allowed, decision.option) == (True, "allow_once")

        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(CopydeskError, match="not offered"):
            kept.answer(None, "reject_always")
        assert kept.answer("another", "allow_once") is None
        assert kept.answer("p1", "allow_once") == REQUEST
        assert kept.answer("p1", "reject_once") is None, "it is answered already"
    assert person.n_withdrawn == 1
    assert kept.waiting() == ()


async def test_nobody_and_no_answer_are_no(tmp_path: Path) -> None:
    assert "nobody is there" in (await permissions(tmp_path, None).ask(REQUEST)).reason
    person = Person()
    decision = await permissions(tmp_path, person, limit_s=0.05).ask(REQUEST)
    assert not decision.allowed
    assert "within 0.05 s" in decision.reason
    assert person.n_withdrawn == 1


async def test_a_cancelled_question_leaves_nothing(tmp_path: Path) -> None:
    person = Person()
    kept = permissions(tmp_path, person)
    with anyio.move_on_after(0.05):
        await kept.ask(REQUEST)
    assert (kept.waiting(), person.n_withdrawn) == ((), 1)


# --- what is remembered ---


async def test_each_folder_and_session_for_itself(tmp_path: Path) -> None:
    kept = permissions(tmp_path, Person(Answer("allow_always")), "one", "two")
    there = replace(REQUEST, locations=((tmp_path / "two" / "a.py").as_uri(),))
    await kept.ask(there)
    assert kept.rules_for(there) == ("Bash(make)",)
    assert kept.rules_for(REQUEST) == (), "without a place it is about the first folder"
    kept.asker = Person(Answer("allow_session"))
    await kept.ask(replace(REQUEST, remember=("Bash(ls)",)))
    assert kept.rules_for(REQUEST) == ("Bash(ls)",)
    assert kept.rules_for(replace(REQUEST, session="s2")) == ()
    await kept.forget(["Bash(ls)"])
    assert kept.rules_for(REQUEST) == ()
    again = permissions(tmp_path, None, "one", "two")
    await again.refresh()
    assert again.rules_for(there) == ("Bash(make)",)


async def test_another_server_can_take_it_back(tmp_path: Path) -> None:
    kept = permissions(tmp_path, Person(Answer("allow_always")))
    await kept.ask(REQUEST)
    other = permissions(tmp_path, None)
    await other.forget()
    await kept.refresh()
    assert kept.rules_for(REQUEST) == ()


# --- judging ---


async def test_what_was_always_allowed_is_allowed_and_nothing_else(tmp_path: Path) -> None:
    kept = permissions(tmp_path, Person(Answer("allow_always")))
    judge = judging(kept, tmp_path)
    first = judge.judge(replace(REQUEST, command="touch a && ls"), "ask")
    assert (first.outcome, first.request.remember) == ("ask", ("Bash(touch a)",))
    await kept.ask(first.request)
    for command, outcome in (("touch a", "allow"), ("touch a; rm -rf ~", "ask"), ("touch b", "ask")):
        assert judge.judge(replace(REQUEST, command=command), "ask").outcome == outcome, command


@pytest.mark.parametrize(("rule", "outcome"), [("Bash(touch a)", "allow"), ("Bash(touch *)", "ask"), ("", "ask")])
def test_on_the_real_files_only_an_exact_rule_runs_unasked(tmp_path: Path, rule: str, outcome: str) -> None:
    judge = judging(permissions(tmp_path, Person()), tmp_path, **{"permissions.allow": [rule] if rule else []})
    verdict = judge.judge(replace(REQUEST, command="touch a", in_place=True), "auto")
    assert verdict.outcome == outcome


def test_rules_that_cannot_be_read_are_named_and_the_others_hold(tmp_path: Path) -> None:
    judge = judging(permissions(tmp_path, Person()), tmp_path, **{"permissions.deny": ["Bash(rm", "Bash(touch *)"]})
    (problem,) = judge.problems()
    assert "permissions.deny" in problem
    assert "'Bash(rm'" in problem
    assert judge.judge(replace(REQUEST, command="touch a"), "auto").outcome == "deny"


@pytest.mark.parametrize(
    ("mode", "path", "outcome"),
    [
        ("auto", ".copydesk/config.toml", "ask"),
        ("acceptEdits", ".VSCode/tasks.json", "ask"),
        ("auto", ".mcp.json", "ask"),
        ("auto", "src/.mcp.json.py", "allow"),
        ("ask", ".copydesk/config.toml", "allow"),
    ],
)
def test_edits_of_what_is_obeyed(tmp_path: Path, mode: Mode, path: str, outcome: str) -> None:
    judge = judging(permissions(tmp_path, Person()), tmp_path)
    edit = replace(
        REQUEST, tool="write_file", kind="edit", effect="edit", command="", title="Write it",
        locations=((tmp_path / "work" / path).as_uri(),),
    )  # fmt: skip
    verdict = judge.judge(edit, mode)
    assert verdict.outcome == outcome
    assert (verdict.request.reason == UNREVIEWED) == (outcome == "ask")


# --- words ---


def test_nothing_of_a_command_is_hidden() -> None:
    assert visible("a\tb\r\x1b[2K\u202e\u200b\u00a0c") == "a\\tb\\r\\e[2K\\u202e\\u200b\\xa0c"
    words = question(replace(REQUEST, command="make \u2066x"))
    assert words.is_cut, "the document has to be offered"
    assert "\\u2066" in words.text
    assert "\\u2066" in words.whole


def test_what_happens_on_the_real_files_is_said() -> None:
    words = question(replace(REQUEST, in_place=True))
    assert words.asks == "Copydesk asks to run on your real files: make"
    assert "not reviewed" in words.text
