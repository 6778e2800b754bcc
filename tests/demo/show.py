"""How `make run` looks: colours where the terminal has them, plain text elsewhere."""

import difflib
import os
import sys
import textwrap
from typing import Any

COLOURS = {"dim": "2", "bold": "1", "red": "31", "green": "32", "cyan": "36", "yellow": "33"}
PLAIN = (not sys.stdout.isatty() and os.environ.get("FORCE_COLOR") != "1") or bool(os.environ.get("NO_COLOR"))


def paint(text: str, *styles: str) -> str:
    if PLAIN or not text:
        return text
    return "".join(f"\033[{COLOURS[style]}m" for style in styles) + text + "\033[0m"


def heading(text: str) -> None:
    print(f"\n{paint('▌', 'cyan')} {paint(text, 'bold')}", flush=True)


def line(mark: str, text: str, style: str = "dim") -> None:
    print(f"  {paint(mark, style)} {text}", flush=True)


def block(text: str) -> None:
    for row in text.strip().splitlines():
        wrapped = textwrap.wrap(row, 100, subsequent_indent="  ", drop_whitespace=False) or [""]
        for piece in wrapped:
            print(f"  {paint('│', 'dim')} {piece}", flush=True)


def diff(old: str, new: str, path: str) -> None:
    rows = difflib.unified_diff(old.splitlines(), new.splitlines(), f"a/{path}", f"b/{path}", lineterm="")
    for row in rows:
        style = {"+": ("green",), "-": ("red",), "@": ("cyan",)}.get(row[:1], ())
        print(f"  {paint(row, *(('bold',) if row.startswith(('+++', '---')) else style))}", flush=True)


class Progress:
    """Listens to the server and shows the turn as it streams."""

    def __init__(self) -> None:
        self.documents: list[str] = []
        self._text_open = False
        self._seen: set[str] = set()

    def __call__(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "$/progress":
                self._progress(params["value"])
            case "copydesk/session/update":
                self._update(params["update"])
            case "window/showDocument":
                self.documents.append(params["uri"])
            case "window/showMessage":
                line("✉", params["message"].replace("\n", "\n    "), "yellow")
            case _:
                pass

    def _progress(self, value: dict[str, Any]) -> None:
        words = value.get("message") or value.get("title") or ""
        if value["kind"] == "begin":
            line("▶", value["title"], "cyan")
        elif value["kind"] == "report" and words not in self._seen:
            self._seen.add(words)
            self._end_text()
            line("·", paint(f"{value.get('percentage', 0):3d}%  {words}", "dim"))

    def _update(self, update: dict[str, Any]) -> None:
        match update["sessionUpdate"]:
            case "tool_call":
                self._end_text()
                line("⚙", update.get("title", ""), "yellow")
            case "tool_call_update" if update.get("status") == "failed":
                line("✗", paint("the tool reported a problem; the model was told", "dim"), "red")
            case "agent_message_chunk":
                self._text(update["content"]["text"])
            case _:
                pass

    def _text(self, text: str) -> None:
        if not self._text_open:
            sys.stdout.write(f"  {paint('│', 'dim')} ")
            self._text_open = True
        sys.stdout.write(text.replace("\n", f"\n  {paint('│', 'dim')} "))
        sys.stdout.flush()

    def _end_text(self) -> None:
        if self._text_open:
            print()
            self._text_open = False

    def done(self) -> None:
        self._end_text()
