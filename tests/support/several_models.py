"""Model servers on loopback, each a provider's, and the selection in front of them: what fallbacks are tested with."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from copydesk.domain.attempts import Attempt
from copydesk.domain.messages import Message, Text
from copydesk.domain.ports import Model
from copydesk.domain.stream import ModelRequest, StreamEvent, TextDelta
from copydesk.egress.door import Door, Limits
from copydesk.models.retry import RetryPolicy
from copydesk.models.script import Script
from copydesk.models.scripted import ScriptedModel
from copydesk.models.selection import Models, ModelSettings
from copydesk.models.watching import OutageCount, Watching
from tests.support.model_server import Fault, ModelServer
from tests.support.slept import Slept

ASK = ModelRequest("Be brief.", (Message("user", (Text("hi"),)),))
BUSY = Fault("status", status=503, body=b'{"error":{"message":"busy"}}')
WRONG_KEY = Fault("status", status=401, body=b'{"error":{"message":"no such key"}}')
NOBODY = {"OLLAMA_HOST": "127.0.0.1:9"}
VARIABLES = {
    "openai": ("OPENAI_BASE_URL", "OPENAI_API_KEY"),
    "anthropic": ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
    "deepseek": ("DEEPSEEK_BASE_URL", "DEEPSEEK_API_KEY"),
}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Noted:
    """An attempt log in memory."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def add(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)

    @property
    def short(self) -> list[tuple[str, int, str, int]]:
        return [(each.model, each.number, each.kind, each.status) for each in self.attempts]


@dataclass
class Several:
    servers: Mapping[str, ModelServer]
    models: Models
    door: Door
    slept: Slept
    clock: Clock
    log: Noted
    switched: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    async def turn(self, name: str | None = None) -> Model:
        """The model of one turn."""
        return await self.models.resolve(
            name,
            on_retry=self.slept.heard,
            on_switch=lambda name, why: self.switched.append((name, why)),
            session="s",
            turn="t",
        )

    def asked(self) -> dict[str, int]:
        """How many requests for an answer each server saw since this was asked last."""
        counts = {name: sum(seen.method == "POST" for seen in server.requests) for name, server in self.servers.items()}
        for server in self.servers.values():
            server.requests.clear()
        return counts


async def say(model: Model, request: ModelRequest = ASK, into: list[StreamEvent] | None = None) -> str:
    events: list[StreamEvent] = [] if into is None else into
    async with model.stream(request) as stream:
        async for event in stream:
            events.append(event)
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@asynccontextmanager
async def several(
    *providers: str,
    outages: OutageCount | None = None,
    script: str = "text: {0}\nloop",
    env: Mapping[str, str] | None = None,
    **settings: object,
) -> AsyncIterator[Several]:
    """A server for each of the providers, all with keys; each answers with its provider's name."""
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(Door(limits=Limits(2, 2, 2, 2)))
        found, servers = NOBODY | dict(env or {}), dict[str, ModelServer]()
        for provider in providers:
            server = await stack.enter_async_context(ModelServer(Script.parse(script.format(provider))))
            servers[provider] = server
            url, key = VARIABLES[provider]
            found |= {url: f"{server.url}/v1", key: f"sk-{provider}"}
        slept, clock, log = Slept(), Clock(), Noted()
        models = Models(
            ModelSettings(**settings),  # pyright: ignore[reportArgumentType]
            found,
            door,
            lambda: ScriptedModel(Script.parse("text: offline\nloop"), "offline"),
            watching=Watching(log, outages, clock),
            retry=RetryPolicy(sleep=slept.sleep, chance=lambda: 0.5),
        )
        yield Several(servers, models, door, slept, clock, log)
