"""Tokens counted roughly, where nothing better is given: by the length of the texts, rather too many than too few.

Knows no tokenizer and learns nothing. Start with `RoughCounter.count`.
"""

from copydesk.domain.messages import Image, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.models import ModelFacts
from copydesk.domain.stream import ModelRequest

BYTES_A_TOKEN = 3
IMAGE_TOKENS = 1_600


class RoughCounter:
    """Counts three bytes as a token, which is more than nearly every text is. What is learned is left to others."""

    def count(self, request: ModelRequest, model: str, facts: ModelFacts) -> int:
        del model, facts
        n_bytes = _n_bytes(request.system) + sum(len(repr(tool.parameters)) + 80 for tool in request.tools)
        n_images = 0
        for message in request.messages:
            for part in message.parts:
                match part:
                    case Text(text) | Thinking(text):
                        n_bytes += _n_bytes(text)
                    case ToolCall():
                        n_bytes += len(part.name) + _n_bytes(part.raw) + 20
                    case ToolResult():
                        n_bytes += _n_bytes(part.content) + 20
                    case Image():
                        n_images += 1
        return n_bytes // BYTES_A_TOKEN + 4 * len(request.messages) + IMAGE_TOKENS * n_images

    def count_text(self, text: str, model: str, facts: ModelFacts) -> int:
        del model, facts
        return -(-_n_bytes(text) // BYTES_A_TOKEN)

    def learn(self, request: ModelRequest, model: str, facts: ModelFacts, input_tokens: int) -> None: ...


def _n_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
