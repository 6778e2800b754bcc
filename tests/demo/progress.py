"""What the server says while it works, shown as it comes: tool calls, the model's words, what the server shows the person.

Listens on the editor's reading thread; it only prints. Start with `Progress.__call__`.
"""

import threading
from typing import Any

from tests.demo import show

KINDS = {"read": "→", "search": "⌕", "edit": "✎", "delete": "✂", "move": "↷", "execute": "❯", "think": "…"}


class Progress:
    def __init__(self) -> None:
        self.stream = show.Stream()
        self.documents: list[str] = []
        self.n_steps = 0
        self.n_calls = 0
        self.ended = threading.Event()
        self._last_text = ""
        self._thinking = False
        self._titles: dict[str, str] = {}

    def __call__(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "copydesk/session/update":
                self._update(params["update"])
            case "window/showDocument":
                self.documents.append(params["uri"])
            case "window/showMessage":
                self._interrupt()
                show.line("✉", params["message"], "yellow")
            case _:
                pass

    @property
    def said(self) -> str:
        """The model's last words, as they were streamed."""
        return (self.stream.text or self._last_text).strip()

    def _update(self, update: dict[str, Any]) -> None:
        match update["sessionUpdate"]:
            case "tool_call":
                self._call(update["toolCallId"], update.get("title", ""), update.get("kind", ""))
            case "tool_call_update" if update.get("status") == "failed":
                self._interrupt()
                show.line("✗", f"{self._titles.get(update['toolCallId'], 'A call')} failed; the model was told", "red")
            case "agent_thought_chunk" if not self._thinking:
                self._interrupt()
                self._thinking = True
                show.line("…", "thinking", "dim", "dim")
            case "usage_update":
                self.n_steps += 1
                self._thinking = False
            case "agent_message_chunk":
                self.stream.write(update["content"]["text"])
            case "turn_ended":
                self.done()
                self.ended.set()
            case _:
                pass

    def _call(self, id: str, title: str, kind: str) -> None:
        """One row a call; the next pages of the same file are not worth more."""
        self._interrupt()
        self.n_calls += 1
        if title not in list(self._titles.values())[-1:]:
            show.line(KINDS.get(kind, "⚙"), title, "yellow")
        self._titles[id] = title

    def _interrupt(self) -> None:
        """Something else is printed: what was streamed so far was not the last word."""
        self.stream.end()
        self._last_text = self.stream.text or self._last_text
        self.stream.text = ""

    def done(self) -> None:
        self.stream.end()
