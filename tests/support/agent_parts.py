"""The parts of a turn for tests of the loop: a journal in memory and tools made of functions."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from copydesk.agent.journal import TurnParts
from copydesk.domain.errors import InvalidArguments
from copydesk.domain.events import Event, MessageAdded, ToolCallUpdated
from copydesk.domain.messages import Message, Text, ToolResult
from copydesk.domain.permissions import Decision, PermissionRequest, Verdict
from copydesk.domain.ports import Model, Tool, Work
from copydesk.domain.tools import Effect, Prepared, ToolOutput, ToolSpec


@dataclass
class MemoryJournal:
    events: list[Event] = field(default_factory=list)
    steering: list[str] = field(default_factory=list)
    news: str = ""

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(event.message for event in self.events if isinstance(event, MessageAdded))

    @property
    def steering_waits(self) -> bool:
        return bool(self.steering)

    def take_steering(self) -> tuple[str, ...]:
        texts = tuple(self.steering)
        self.steering.clear()
        return texts

    def take_news(self) -> str:
        news, self.news = self.news, ""
        return news

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def results(self) -> list[ToolResult]:
        return [part for message in self.messages for part in message.parts if isinstance(part, ToolResult)]

    def finished(self) -> list[str]:
        return [e.call for e in self.events if isinstance(e, ToolCallUpdated) and e.status in ("completed", "failed")]


@dataclass
class FunctionTool:
    name: str
    effect: Effect
    function: Callable[[Mapping[str, Any]], Awaitable[str]]

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(self.name, self.name, {"type": "object"}, "other", self.effect)

    def prepare(self, arguments: Mapping[str, Any], work: Work) -> Prepared:
        del arguments, work
        return Prepared(self.name)

    async def execute(self, arguments: Mapping[str, Any], work: Work) -> ToolOutput:
        del work
        return ToolOutput(await self.function(arguments))


class ToolSet:
    def __init__(self, *tools: Tool) -> None:
        self._tools = {tool.spec.name: tool for tool in tools}

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self._tools.values())

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def find(self, name: str) -> Tool:
        if name not in self._tools:
            raise InvalidArguments(f"there is no tool {name!r}")
        return self._tools[name]


@dataclass
class RuleApprover:
    refused: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def judge(self, request: PermissionRequest) -> Verdict:
        return Verdict("allow" if request.effect == "read" else "ask", request)

    async def ask(self, request: PermissionRequest) -> Decision:
        self.asked.append(request.tool)
        return Decision(request.tool not in self.refused, "a test says no" if request.tool in self.refused else "")


def parts_for(
    model: Model,
    *tools: Tool,
    journal: MemoryJournal | None = None,
    approver: RuleApprover | None = None,
    max_steps: int = 8,
) -> TurnParts:
    journal = journal or MemoryJournal()
    journal.emit(MessageAdded("t", Message("user", (Text("go"),))))
    return TurnParts(
        session="s",
        turn="t",
        model=model,
        system="system",
        tools=ToolSet(*tools),
        approver=approver or RuleApprover(),
        work=lambda call, tool: None,  # type: ignore[arg-type, return-value]
        validate=lambda spec, arguments: dict(arguments),  # type: ignore[call-overload]
        journal=journal,
        max_steps=max_steps,
    )
