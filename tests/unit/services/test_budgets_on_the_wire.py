"""Caps over real sockets: the bytes that leave have the lowered limit, and what a server reports is what is booked."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from copydesk.config.settings import Settings
from copydesk.domain import errors
from copydesk.domain.events import CostUpdated, Event
from copydesk.domain.messages import Message, Text, Usage
from copydesk.domain.models import Price
from copydesk.domain.stream import ModelRequest
from copydesk.egress.door import Door, Limits
from copydesk.models.catalog import entry
from copydesk.models.providers import PROVIDERS
from copydesk.models.remote import Endpoint, RemoteModel
from copydesk.models.retry import RetryPolicy
from copydesk.models.script import Fail, Script, Step, Wait
from copydesk.services.metering import Bill, Meter
from copydesk.store.spending import Spending
from tests.support import wire_events
from tests.support.model_server import Fault, ModelServer
from tests.support.slept import Slept

PRICE = Price(2.0, 10.0, 0.2, 2.5)
ASK = ModelRequest("Be brief.", (Message("user", (Text("x" * 3_000),)),))
HELLO = Script.parse("text: Hello\nusage: in=1000 out=20 cached=600\nloop")
WIRES = ("openai", "anthropic")
FIELDS = {"openai": "max_completion_tokens", "anthropic": "max_tokens"}


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door(limits=Limits(connect_s=2, first_byte_s=2, between_bytes_s=2)) as door:
        yield door


def paid(server: ModelServer, door: Door, wire: str, key: str = "sk-secret") -> RemoteModel:
    slept = Slept()
    return RemoteModel(
        f"{wire}/m",
        "m",
        Endpoint(PROVIDERS[wire], f"{server.url}/v1", key),
        door,
        replace(entry(f"{wire}/m"), price=PRICE),
        retry=RetryPolicy(sleep=slept.sleep),
    )


def bill(told: list[Event] | None = None, **caps: float) -> Bill:
    values = {**Settings().values, **{f"budget.{key}": usd for key, usd in caps.items()}}
    return Meter(lambda: Settings(values), Spending()).turn("s", "t", [].append if told is None else told.append)


async def drain(bill: Bill, model: RemoteModel, request: ModelRequest = ASK) -> None:
    async with bill.around(model).stream(request) as events:
        async for _ in events:
            pass


@pytest.mark.parametrize("wire", WIRES)
async def test_the_lowered_limit_is_on_the_wire(door: Door, wire: str) -> None:
    async with ModelServer(HELLO) as server:
        model, turn = paid(server, door, wire), bill(perTurnUsd=0.01)
        await drain(turn, model)
        await drain(turn, model)
        first, second = (seen.json[FIELDS[wire]] for seen in server.requests)
    worst_input_usd = (int(1_000 * 1.25) + 100) * 2.5 / 1e6
    assert 256 <= first < (0.01 - worst_input_usd / 2) * 1e6 / 10
    spent = (400 * 2 + 600 * 0.2 + 20 * 10) / 1e6
    assert first - second == pytest.approx(spent * 1e6 / 10, abs=2)


@pytest.mark.parametrize("wire", WIRES)
async def test_no_byte_leaves_when_too_little_is_left(door: Door, wire: str) -> None:
    async with ModelServer(HELLO) as server:
        with pytest.raises(errors.BudgetExceeded, match=r"budget\.perDayUsd is \$0\.0010"):
            await drain(bill(perDayUsd=0.001), paid(server, door, wire))
        assert server.requests == []


@pytest.mark.parametrize("wire", WIRES)
async def test_without_a_cap_the_request_is_as_it_was(door: Door, wire: str) -> None:
    async with ModelServer(HELLO) as server:
        await drain(bill(), paid(server, door, wire))
        assert server.requests[0].json.get(FIELDS[wire]) == {"openai": None, "anthropic": 8_192}[wire]


@pytest.mark.parametrize("wire", WIRES)
async def test_what_the_server_reports_is_booked(door: Door, wire: str) -> None:
    told: list[Event] = []
    async with ModelServer(HELLO) as server:
        await drain(bill(told), paid(server, door, wire))
    (updated,) = [event for event in told if isinstance(event, CostUpdated)]
    assert updated.usage == Usage(1_000, 20, 600)
    assert updated.usd == pytest.approx((400 * 2 + 600 * 0.2 + 20 * 10) / 1e6)
    assert (updated.cached_share, updated.estimated) == (0.6, False)


def silent(step: Step, number: int) -> Iterator[bytes | Wait | Fail]:
    """Chat Completions as servers speak it that know of no usage."""
    return (
        event for event in wire_events.openai(step, number) if not isinstance(event, bytes) or b'"usage"' not in event
    )


async def test_a_server_that_reports_none_is_estimated(door: Door) -> None:
    told: list[Event] = []
    async with ModelServer(HELLO, wires={"/chat/completions": silent}) as server:
        await drain(bill(told), paid(server, door, "openai"))
    (updated,) = [event for event in told if isinstance(event, CostUpdated)]
    assert updated.estimated
    assert 1_000 <= updated.usage.input <= 1_100
    assert updated.usage.output == 2


@pytest.mark.parametrize("wire", WIRES)
async def test_a_refused_try_costs_nothing_and_a_silent_one_its_input(door: Door, wire: str) -> None:
    told: list[Event] = []
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("close"), Fault("status", status=503), None]
        await drain(bill(told, perDayUsd=1.0), paid(server, door, wire))
        assert len(server.requests) == 3
    updates = [event for event in told if isinstance(event, CostUpdated)]
    assert [(each.usage.output, each.estimated) for each in updates] == [(0, True), (20, False)]


async def test_a_server_on_this_machine_is_free_unless_a_key_goes_to_it(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        assert paid(server, door, "openai").facts.billing == "tokens"
        assert paid(server, door, "openai", key="").facts.billing == "free"
        local = RemoteModel("compat/m", "m", Endpoint(PROVIDERS["compat"], server.url, "k"), door, entry("compat/m"))
        assert local.facts.billing == "free"
        own = replace(entry("compat/m"), price=PRICE, source="user")
        proxied = RemoteModel("compat/m", "m", Endpoint(PROVIDERS["compat"], server.url, ""), door, own)
        assert proxied.facts.billing == "tokens"
