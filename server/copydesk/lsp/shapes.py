"""The shape in which a command's answer is wanted: its `schema`, checked before anything is sent.

Start with `shape_of`.
"""

from typing import TYPE_CHECKING

from copydesk.domain.errors import BadSchema
from copydesk.domain.messages import Verb
from copydesk.lsp.arguments import ArgumentError, Fields

if TYPE_CHECKING:
    from copydesk.agent.shaping import AnswerShape

VERBS: tuple[Verb, ...] = ("prompt", "ask")


def shape_of(command: str, verb: Verb, schema: Fields) -> "AnswerShape":
    """Raises `ArgumentError` for a schema that cannot be used, or a command that takes none."""
    from copydesk.agent.shaping import AnswerShape

    if verb not in VERBS:
        raise ArgumentError(f"{command} takes no 'schema'; copydesk.prompt and copydesk.ask do.")
    try:
        return AnswerShape(schema)
    except BadSchema as error:
        raise ArgumentError(f"{command}: {error}") from error
