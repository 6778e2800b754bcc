"""An output schema as the wires put it: in their own field, as a tool that must be called, or in words.

Pure. Start with `Entry.schema` (which form a model takes); what is made of a schema is in `models.schemas`.
"""

from typing import Final

from copydesk.domain.stream import OutputSchema
from copydesk.models.schemas import fits_strict, schema_name, strict_schema

ANSWER: Final = "copydesk_answer"
"""The tool that stands for the answer. Its arguments come out of the wires as the answer's text, never as a call."""
ANSWER_DESCRIPTION: Final = "Gives the answer. Call it once, when the answer is ready."


def openai_form(schema: OutputSchema) -> dict[str, object]:
    """As OpenAI's two APIs take it: strict where that loses nothing."""
    strict = fits_strict(schema.schema)
    fields = strict_schema(schema.schema) if strict else dict(schema.schema)
    return {"name": schema_name(schema.name), "schema": fields, "strict": strict}
