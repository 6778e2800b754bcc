"""The end of a turn in a schema's shape: when it is asked for, what is kept, and what a failure leaves."""

from typing import Any

import pytest

from copydesk.agent.loop import LoopEnd
from copydesk.agent.shaping import AnswerShape
from copydesk.domain import errors
from copydesk.domain.events import MessageAdded, PrefixBroken, UsageUpdated
from copydesk.domain.messages import Usage
from copydesk.domain.stream import ModelRequest
from copydesk.models.script import Script
from copydesk.models.scripted import ScriptedModel
from tests.support.agent_parts import FunctionTool, MemoryJournal, parts_for

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
WORDS = LoopEnd("end_turn", "It is four.", Usage(100, 10), n_steps=2)


async def echo(arguments: object) -> str:
    return str(arguments)


async def shaped(script: str, end: LoopEnd = WORDS) -> tuple[LoopEnd, ScriptedModel, MemoryJournal]:
    model, journal = ScriptedModel(Script.parse(script)), MemoryJournal()
    parts = parts_for(model, FunctionTool("read", "read", echo), journal=journal)
    parts.prefix.note("t", model, ModelRequest("system", journal.messages, parts.tools.specs), parts.emit)
    return await AnswerShape(SCHEMA).shaped(parts, end), model, journal


def added(journal: MemoryJournal) -> list[tuple[str, str]]:
    found = [event.message for event in journal.events if isinstance(event, MessageAdded)]
    return [(message.role, message.text) for message in found[1:]]


@pytest.mark.parametrize("said", ['{"n": 4}', ' {"n": 4}\n', '```json\n{"n": 4}\n```'])
async def test_last_words_that_fit_are_the_answer_and_nothing_is_asked(said: str) -> None:
    end, model, _ = await shaped("text: x", LoopEnd("end_turn", said, Usage()))
    assert (end.output, end.message, end.error, len(model.requests)) == ({"n": 4}, said, "", 0)


async def test_words_lead_to_one_request_with_the_schema_and_the_same_prefix() -> None:
    end, model, journal = await shaped('text: {"n": 4}\nusage: in=7 out=3')
    assert (end.stop_reason, end.output, end.message) == ("end_turn", {"n": 4}, "It is four.")
    assert end.usage == Usage(107, 13)
    (request,) = model.requests
    assert request.schema is not None
    assert request.schema.schema == SCHEMA
    assert [tool.name for tool in request.tools] == ["read"]
    assert request.messages[: len(request.messages) - 1] == journal.messages[:1]
    assert [role for role, _ in added(journal)] == ["user", "assistant"]
    assert added(journal)[1] == ("assistant", '{"n": 4}')
    (broken,) = [event for event in journal.events if isinstance(event, PrefixBroken)]
    assert broken.why == "schema"
    assert [event.total for event in journal.events if isinstance(event, UsageUpdated)] == [Usage(107, 13)]


async def test_words_around_json_are_no_answer_yet() -> None:
    end, model, _ = await shaped('text: {"n": 5}', LoopEnd("end_turn", 'I left {"n": 4} as it is.', Usage()))
    assert (end.output, len(model.requests)) == ({"n": 5}, 1)


async def test_json_that_does_not_fit_hears_what_is_wrong_with_it() -> None:
    end, model, _ = await shaped(
        'expect: `n` must be an integer, got "x"\ntext: {"n": 5}', LoopEnd("end_turn", '{"n": "x"}', Usage())
    )
    assert (end.output, len(model.requests)) == ({"n": 5}, 1)


async def test_what_fails_is_an_error_that_keeps_the_words_and_leaves_the_history_alone() -> None:
    end, model, journal = await shaped('text: {"n": "x"}\nusage: in=1 out=1\nloop')
    assert (end.stop_reason, end.error_type, end.message, end.output) == ("error", "WrongShape", "It is four.", None)
    assert "`n` must be an integer" in end.error
    assert len(model.requests) == 2
    assert end.usage == Usage(102, 12)
    assert added(journal) == []


@pytest.mark.parametrize(
    ("script", "kind"),
    [("refuse: no\nloop", "AnswerRefused"), ("error: auth no key", "AuthRejected"), ("think: hm\nloop", "AnswerEmpty"),
     ('tool: read {"a": 1}\nloop', "AnswerEmpty")],
)  # fmt: skip
async def test_each_kind_of_error_has_its_name(script: str, kind: str) -> None:
    end, _, _ = await shaped(script)
    assert (end.stop_reason, end.error_type, end.message) == ("error", kind, "It is four.")


@pytest.mark.parametrize("reason", ["cancelled", "error", "max_steps"])
async def test_a_turn_that_did_not_end_by_itself_is_not_asked(reason: Any) -> None:
    end, model, _ = await shaped("text: x", LoopEnd(reason, "so far", Usage(), "why"))
    assert (end.stop_reason, end.error, end.output, len(model.requests)) == (reason, "why", None, 0)


async def test_an_answer_that_was_cut_off_is_asked_for_with_all_the_room_there_is() -> None:
    end, model, _ = await shaped('text: {"n": 1}', LoopEnd("max_tokens", '{"n"', Usage(), "limit"))
    assert (end.stop_reason, end.output, end.error) == ("end_turn", {"n": 1}, "")
    assert model.requests[0].max_output_tokens == 100_000


async def test_a_refused_turn_says_so() -> None:
    end, model, _ = await shaped("text: x", LoopEnd("refusal", "I will not.", Usage()))
    assert (end.stop_reason, end.error_type, len(model.requests)) == ("refusal", "AnswerRefused", 0)
    assert "I will not." in end.error


def test_the_task_tells_the_schema_and_a_schema_that_cannot_be_used_is_refused() -> None:
    assert '"required":["n"]' in AnswerShape(SCHEMA).told()
    with pytest.raises(errors.BadSchema):
        AnswerShape({"type": "object", "not": {}})
