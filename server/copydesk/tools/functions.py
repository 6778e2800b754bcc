"""What every tool is made of: a spec and two functions. Owns the schema words and the turning of one into a `Tool`.

Knows no tool. Start with `FunctionTool`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.ports import Work
from copydesk.domain.tools import Prepared, ToolOutput, ToolSpec

Arguments: TypeAlias = Mapping[str, Any]
"""Schema-valid: a required argument is there and has its type."""

STRING: dict[str, Any] = {"type": "string"}
BOOLEAN: dict[str, Any] = {"type": "boolean"}
LINE: dict[str, Any] = {"type": "integer", "minimum": 1}


@frozen
class FunctionTool:
    """A tool of two functions; `plan` is its `prepare`, `run` its `execute`."""

    spec: ToolSpec
    plan: Callable[[Arguments, Work], Prepared]
    run: Callable[[Arguments, Work], Awaitable[ToolOutput]]

    def prepare(self, arguments: Arguments, work: Work) -> Prepared:
        return self.plan(arguments, work)

    async def execute(self, arguments: Arguments, work: Work) -> ToolOutput:
        return await self.run(arguments, work)


def schema(*required: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of one tool's arguments; those named in `required` must be given."""
    made: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**made, "required": list(required)} if required else made


def text(description: str) -> dict[str, Any]:
    return {**STRING, "description": description}


def line(description: str) -> dict[str, Any]:
    return {**LINE, "description": description}


def one_of(*choices: str) -> dict[str, Any]:
    return {**STRING, "enum": list(choices)}


def counted(n: int, noun: str, plural: str = "") -> str:
    """`1 line`, `2 lines`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
