"""Certification: what passes, what does not, what is said to do about it, and what it costs."""

import json
from collections.abc import AsyncIterator

import pytest

from copydesk.domain.errors import BudgetExceeded
from copydesk.domain.models import ModelFacts, Price
from copydesk.egress.door import Door
from copydesk.models.catalog import Entry
from copydesk.models.knowledge import no_tools
from copydesk.models.providers import PROVIDERS
from copydesk.models.remote import Endpoint, RemoteModel
from copydesk.models.retry import RetryPolicy
from copydesk.models.script import Script
from copydesk.models.scripted import ScriptedModel
from copydesk.models.windows import Kind
from copydesk.services.certifying import Certificate, Check, certify, check_line
from tests.support.certified_model import BOTH, CALL, RESULT, SHAPED, TEXT, good, script
from tests.support.model_server import Fault, ModelServer


async def certified(played: Script, kind: Kind = "") -> Certificate:
    told: list[Check] = []
    certificate = await certify(ScriptedModel(played), lambda: kind, told.append)
    assert tuple(told) == certificate.checks, "each is told as it is known"
    return certificate


def found(certificate: Certificate, key: str) -> Check:
    return next(check for check in certificate.checks if check.key == key)


async def test_a_model_that_does_all_of_it() -> None:
    certificate = await certified(good())
    assert certificate.works
    assert [check.key for check in certificate.checks] == ["text", "tools", "results", "parallel", "schema", "window"]
    assert all(check.ok for check in certificate.checks)
    assert "pieces" in found(certificate, "text").text


@pytest.mark.parametrize("kind", ["ollama", "llama.cpp", "vLLM", "LM Studio", ""])
async def test_a_model_that_calls_nothing_is_told_how_its_server_would(kind: Kind) -> None:
    certificate = await certified(script(TEXT, "text: I saved it!", "text: Sunny.", SHAPED), kind)
    assert not certificate.works
    assert found(certificate, "tools").advice == no_tools(kind)
    assert found(certificate, "results").ok is None
    assert found(certificate, "schema").ok


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('tool: save_note {"place": {"path": "src/naive cafe/ubung.py", "line": 42}, "note": "x"}', "was to pass"),
        ('tool: save_note {"place": "src", "note": "x"}', "was to pass"),
        ('tool_raw: save_note {"place": {"path": ', "cannot be used"),
        ('text: <tool_call>{"name": "save_note", "arguments": {}}</tool_call>', "wrote the call as text"),
    ],
)
async def test_arguments_that_are_not_exact_fail(call: str, words: str) -> None:
    certificate = await certified(script(TEXT, call, BOTH, SHAPED))
    assert not certificate.works
    assert words in found(certificate, "tools").text
    assert found(certificate, "tools").advice


async def test_a_result_that_is_not_used_fails() -> None:
    certificate = await certified(script(TEXT, CALL, "text: All done.", BOTH, SHAPED))
    assert (found(certificate, "tools").ok, found(certificate, "results").ok, certificate.works) == (True, False, False)


async def test_one_call_at_a_time_and_no_schema_are_no_reason_to_refuse() -> None:
    one = 'tool: weather {"city": "Zürich"}'
    certificate = await certified(script(TEXT, CALL, RESULT, one, "text: Paris has 5", "text: Paris still has 5"))
    assert certificate.works
    assert not found(certificate, "parallel").ok
    assert not found(certificate, "schema").ok


async def test_after_a_refused_key_nothing_more_is_tried() -> None:
    played = Script.parse("error: auth no such key\nloop")
    certificate = await certified(played)
    assert not certificate.works
    assert [check.ok for check in certificate.checks] == [False, None, None, None, None, True]


# --- on the wire ---


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door() as door:
        yield door


def remote(door: Door, server: ModelServer, entry: Entry) -> RemoteModel:
    endpoint = Endpoint(PROVIDERS["compat"], f"{server.url}/v1")
    return RemoteModel("compat/m", "m", endpoint, door, entry, retry=RetryPolicy(1))


ENTRY = Entry("m", 8_192, 4_096, schema="json_schema", source="server")


async def test_real_requests_with_schema_and_tools_in_their_fields(door: Door) -> None:
    async with ModelServer(good()) as server:
        certificate = await certify(remote(door, server, ENTRY), lambda: "llama.cpp", lambda check: None)
        bodies = [seen.json for seen in server.requests]
    assert certificate.works
    assert bodies[1]["tools"][0]["function"]["parameters"]["properties"]["place"]["type"] == "object"
    assert bodies[2]["messages"][-1]["content"].endswith("KESTREL-7419.")
    assert bodies[4]["response_format"]["type"] == "json_schema"
    assert all(body["max_tokens"] == 4_096 for body in bodies)
    small = found(certificate, "window")
    assert (small.ok, small.text) == (False, "8,192 tokens, as its server says")
    assert "--ctx-size" in small.advice


async def test_a_server_that_refuses_tools_says_so_and_the_schema_is_still_tried(door: Door) -> None:
    refusal = json.dumps({"error": {"message": '"auto" tool choice requires --enable-auto-tool-choice'}}).encode()
    async with ModelServer(script(TEXT, SHAPED)) as server:
        server.faults = [None, Fault("status", status=400, body=refusal), Fault("status", status=400, body=refusal)]
        certificate = await certify(remote(door, server, ENTRY), lambda: "vLLM", lambda check: None)
    assert not certificate.works
    assert "--tool-call-parser" in found(certificate, "tools").advice
    assert found(certificate, "schema").ok


class Capped:
    """A model whose budget is used up."""

    name = "openai/m"
    facts = ModelFacts("m", 100_000, 8_000, price=Price(1, 1, 1, 1))

    def stream(self, request: object) -> object:
        del request
        raise BudgetExceeded("budget.perTurnUsd is used up.", advice="Raise it.")


async def test_a_budget_ends_it() -> None:
    certificate = await certify(Capped(), lambda: "", lambda check: None)  # pyright: ignore[reportArgumentType]
    assert [check.ok for check in certificate.checks] == [False, None, None, None, None, True]
    assert check_line(certificate.checks[0]) == "✗ streams text: budget.perTurnUsd is used up.\n    Raise it."
