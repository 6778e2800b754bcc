"""What the commands need of `voice.Voice`: a leaf, so that what the voice is made of may name it too.

Owns the shape only. Start with `Voices`.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from copydesk.lsp.answers import Answers
    from copydesk.lsp.client import Client
    from copydesk.lsp.prompts import Prompts
    from copydesk.lsp.questions import Questions


class Voices(Protocol):
    @property
    def client(self) -> "Client": ...
    @property
    def answers(self) -> "Answers": ...
    @property
    def prompts(self) -> "Prompts": ...
    @property
    def questions(self) -> "Questions": ...
