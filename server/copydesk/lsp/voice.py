"""The parts that talk to the person, as one thing: answers, prompt documents, questions and the editor port.

Owns their making only. Knows no feature and no host.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from copydesk.lsp.answers import Answers
from copydesk.lsp.editor import LspEditor
from copydesk.lsp.permissions import PermissionAsker
from copydesk.lsp.prompts import Prompts
from copydesk.lsp.questions import Questions

if TYPE_CHECKING:
    from copydesk.lsp.client import Client


class Voice:
    """The parts that talk to the person. Made first, because the services need the editor and we need the host."""

    def __init__(
        self,
        client: "Client",
        state_dir: Path,
        display: Callable[[str], str],
        spell: Callable[[str], str] = str,
        saves: Callable[[], bool] = lambda: False,
    ) -> None:
        self.client = client
        self.answers = Answers(client, state_dir)
        self.prompts = Prompts(client, self.answers, state_dir)
        self.questions = Questions(client, self.answers)
        self.permissions = PermissionAsker(self)
        self.editor = LspEditor(client, self.answers, self.prompts, self.questions, display, spell=spell, saves=saves)
