"""`ask_user`: a question to the person. Knows no editor: `Work.ask` finds whoever answers. Start with `ask_user`."""

from copydesk.domain.errors import InvalidArguments
from copydesk.domain.ports import Question, Work
from copydesk.domain.tools import Prepared, ToolOutput, ToolSpec
from copydesk.tools.functions import STRING, Arguments, FunctionTool, schema

_TITLE_CHARS = 60
_SPEC = ToolSpec(
    "ask_user",
    "Ask the person one question when you cannot go on without the answer. choices offers answers to pick from.",
    schema("question", question=STRING, choices={"type": "array", "items": STRING}),
    "other",
    "ask",
)


def ask_user() -> FunctionTool:
    return FunctionTool(_SPEC, _prepare, _ask)


def _prepare(arguments: Arguments, work: Work) -> Prepared:
    question = " ".join(arguments["question"].split())
    if not question:
        raise InvalidArguments("`question` is empty.")
    return Prepared("Ask: " + (question if len(question) <= _TITLE_CHARS else question[:_TITLE_CHARS] + "…"))


async def _ask(arguments: Arguments, work: Work) -> ToolOutput:
    choices = tuple(dict.fromkeys(choice for choice in arguments.get("choices", ()) if choice.strip()))
    answer = await work.ask(Question(arguments["question"].strip(), choices))
    if answer is None:
        return ToolOutput("Nobody answered. Take the safest assumption, go on, and say at the end what you assumed.")
    return ToolOutput(f"The person answered: {answer}", details={"answer": answer})
