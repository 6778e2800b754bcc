"""Tools that a person has to be asked about, and that only note that they ran."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from copydesk.domain.ports import Work
from copydesk.domain.tools import Prepared, ToolOutput, ToolSpec

_TEXT = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}


@dataclass
class Poke:
    """Runs nothing that could be judged, so that only a rule about the tool, or a person, allows it."""

    ran: list[str] = field(default_factory=list)
    spec = ToolSpec(
        "poke", "Pokes.", {"type": "object", "properties": {"what": {"type": "string"}}}, "other", "execute"
    )

    def prepare(self, arguments: Mapping[str, Any], work: Work) -> Prepared:
        return Prepared(f"Poke {arguments.get('what', 'it')}")

    async def execute(self, arguments: Mapping[str, Any], work: Work) -> ToolOutput:
        self.ran.append(arguments.get("what", "it"))
        return ToolOutput("poked")


@dataclass
class Runs:
    """Says that it runs a command line, and does not."""

    ran: list[str] = field(default_factory=list)
    spec = ToolSpec("run", "Runs.", _TEXT, "execute", "execute")

    def prepare(self, arguments: Mapping[str, Any], work: Work) -> Prepared:
        return Prepared("Run a command", command=arguments["command"])

    async def execute(self, arguments: Mapping[str, Any], work: Work) -> ToolOutput:
        self.ran.append(arguments["command"])
        return ToolOutput("it ran")
