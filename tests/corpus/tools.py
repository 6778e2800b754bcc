"""In-memory tools for the offline model: the tools' names, arguments and print formats over a dict of texts.

`Desk` plays the loop: it asks the model, runs the calls, and hands the results back until the model stops.
"""

import fnmatch
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from copydesk.domain.messages import Message, Part, Task, Text, ToolCall, ToolResult
from copydesk.domain.stream import Finished, ModelRequest, StreamEvent, TextDelta, ToolCallDelta, ToolCallStart
from copydesk.domain.tools import ToolSpec
from copydesk.models.offline.model import answer

PAGE_LINES = 1000
NAMES = (
    "read_file",
    "list_dir",
    "glob",
    "grep",
    "definitions",
    "code_intel",
    "diagnostics",
    "edit_file",
    "write_file",
    "refactor",
)
SPECS = tuple(ToolSpec(name, "", {"type": "object"}, "other", "read") for name in NAMES)


class Refused(Exception):
    """A tool's own error."""


@dataclass
class Desk:
    """`files` maps paths to texts. `calls` is every call made; `n_steps` bounds a turn."""

    files: dict[str, str]
    calls: list[ToolCall] = field(default_factory=list)
    specs: tuple[ToolSpec, ...] = SPECS
    n_steps: int = 60
    extra: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)

    def ask(self, task: Task) -> str:
        """Plays one turn and gives the last words."""
        self.messages.append(Message("user", (Text(task.text),), task))
        for _ in range(self.n_steps):
            said = read_events(answer(ModelRequest("", tuple(self.messages), self.specs)))
            self.messages.append(said)
            if not said.calls:
                return said.text
            self.messages.append(Message("tool", tuple(self._run(call) for call in said.calls)))
        raise AssertionError(f"no end after {self.n_steps} steps")

    def _run(self, call: ToolCall) -> ToolResult:
        self.calls.append(call)
        try:
            tool = self.extra.get(call.name) or getattr(self, f"_{call.name}")
            return ToolResult(call.id, call.name, tool(call.arguments))
        except Refused as error:
            return ToolResult(call.id, call.name, str(error), is_error=True)

    def _text(self, path: str) -> str:
        if path not in self.files:
            raise Refused(f"There is nothing at {path!r}.")
        return self.files[path]

    def _read_file(self, arguments: Mapping[str, Any]) -> str:
        path = arguments["path"]
        lines = lines_of(self._text(path))
        if not lines:
            return f"{path} is an empty file."
        first = arguments.get("offset", 1)
        shown = lines[first - 1 : first - 1 + PAGE_LINES]
        last = first + len(shown) - 1
        width = len(str(last))
        rows = [f"{path} lines {first}–{last} of {len(lines)}"]
        rows += [f"{number:>{width}}→{line}" for number, line in enumerate(shown, first)]
        if last < len(lines):
            rows.append(f"(more: continue with offset={last + 1})")
        return "\n".join(rows)

    def _edit_file(self, arguments: Mapping[str, Any]) -> str:
        path, old, new = arguments["path"], arguments["old_text"], arguments["new_text"]
        text = self._text(path)
        plain = text.replace("\r\n", "\n")
        if not old or plain.count(old) != 1 or old == new:
            raise Refused(f"old_text occurs {plain.count(old) if old else 0} times")
        changed = plain.replace(old, new)
        self.files[path] = changed.replace("\n", "\r\n") if "\r\n" in text else changed
        return f"Edited {path} (1 place)."

    def _write_file(self, arguments: Mapping[str, Any]) -> str:
        if arguments["path"] in self.files and not arguments.get("overwrite"):
            raise Refused(f"{arguments['path']!r} exists already.")
        self.files[arguments["path"]] = arguments["content"]
        return f"Created {arguments['path']}."

    def _list_dir(self, arguments: Mapping[str, Any]) -> str:
        start = arguments.get("path", "").rstrip("/") + "/"
        inside = {path[len(start) :].partition("/")[0] for path in self.files if path.startswith(start)}
        return "\n".join(sorted(inside))

    def _glob(self, arguments: Mapping[str, Any]) -> str:
        pattern = arguments["pattern"].removeprefix("**/")
        found = [p for p in self.files if fnmatch.fnmatch(p, pattern) or fnmatch.fnmatch(p, f"*/{pattern}")]
        return "\n".join(found) or "No file matches."

    def _grep(self, arguments: Mapping[str, Any]) -> str:
        pattern = re.compile(arguments["pattern"])
        glob = arguments.get("glob", "*")
        rows: list[str] = []
        for path, text in self.files.items():
            if not fnmatch.fnmatch(path.rpartition("/")[2], glob):
                continue
            hits = [(n, line) for n, line in enumerate(lines_of(text), 1) if pattern.search(line)]
            if hits and arguments.get("mode") == "files":
                rows.append(path)
            else:
                rows += [f"{path}:{number}:{line}" for number, line in hits]
        return "\n".join(rows) or "No match."

    def _code_intel(self, arguments: Mapping[str, Any]) -> str:
        found = self._grep({"pattern": rf"\b{re.escape(arguments['symbol'])}\b"})
        rows = re.sub(r"(?m)^([^:\n]+:\d+):", r"\1:1 ", found).split("\n")
        return "\n".join(rows[:100])

    def _definitions(self, arguments: Mapping[str, Any]) -> str:
        pattern = re.compile(r"^\s*(?:export\s+)?(?:async\s+)?(?:function|class|fn|func|def)\s+\w+")
        rows = [
            f"{n} {line.strip()}"
            for n, line in enumerate(lines_of(self._text(arguments["path"])), 1)
            if pattern.match(line)
        ]
        return "\n".join([f"{arguments['path']} ({len(rows)} definitions)", *rows])

    def _diagnostics(self, arguments: Mapping[str, Any]) -> str:
        path = arguments["path"]
        found = json.loads(
            ruff(self._text(path), path, "check", "--select=F,E9,I001,W291", "--output-format=json", "-") or "[]"
        )
        rows = [
            f"{path}:{one['location']['row']}:{one['location']['column']} error: {one['message']} (ruff {one['code']})"
            for one in found
        ]
        return "\n".join(rows) or f"No problems known in {path}."

    def _refactor(self, arguments: Mapping[str, Any]) -> str:
        path, action = arguments["path"], arguments["action"]
        if action not in ("fix", "organize_imports"):
            raise Refused(f"{action} is not played here")
        before = self._text(path)
        rules = arguments.get("rules", "I")
        after = ruff(before, path, "check", f"--select={rules}", "--fix-only", "-")
        if after == before:
            return f"{action}: nothing to change."
        self.files[path] = after
        return f"{action}: changed 1 file.\n{path} (1 place)"


def lines_of(text: str) -> list[str]:
    """Lines without their ends, as a person counts them."""
    lines = re.split(r"\r\n|\n|\r", text)
    return lines[:-1] if lines[-1] == "" else lines


def ruff(text: str, path: str, *arguments: str) -> str:
    """ruff on a text: what it prints."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        *arguments[:1],
        "--isolated",
        f"--stdin-filename={path}",
        "--quiet",
        *arguments[1:],
    ]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=False).stdout.decode()


def read_events(events: tuple[StreamEvent, ...]) -> Message:
    """The assistant message of a whole stream; checks that the stream is well formed."""
    text, names, pieces = "", dict[int, tuple[str, str]](), dict[int, str]()
    assert sum(isinstance(event, Finished) for event in events) == 1
    assert isinstance(events[-1], Finished)
    for event in events:
        match event:
            case TextDelta(text=piece):
                text += piece
            case ToolCallStart(index=index, id=id_, name=name):
                names[index] = (id_, name)
            case ToolCallDelta(index=index, json=piece):
                pieces[index] = pieces.get(index, "") + piece
            case _:
                pass
    calls: list[Part] = [ToolCall(*names[index], json.loads(pieces[index]), pieces[index]) for index in names]
    return Message("assistant", ((Text(text), *calls) if text else tuple(calls)))


def quiet_compile(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(text, "<corpus>", "exec", dont_inherit=True)
