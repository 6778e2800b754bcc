"""Golden conversations: a Markdown file is a workspace, a scripted model, what the person does, and what must come.

    # Title and prose
    ## file src/a.py          a file on disk (fenced text follows)
    ## buffer src/a.py        unsaved text of an open document
    ## settings               JSON
    ## ask                    JSON: verb, text, path, lines [first, last] (1-based), mode
    ## model                  the script (see copydesk.models.script)
    ## commands             JSON: {"allow": bool}; commands run in a copy of the files, and this is who is asked
    ## typing src/a.py        JSON [[old, new], …]: typed while the edit is on its way
    ## expect file src/a.py   the text the person sees afterwards (buffer, else disk)
    ## expect result          JSON: a subset of {stop_reason, review, error (part), message (part)}
    ## expect calls           the tool results the model saw, one fenced text

`UPDATE_GOLDEN=1` rewrites the `expect file` and `expect calls` blocks. Every conversation also proves,
for free: each call has exactly one result, the prompt prefix only grows, and replaying gives the same state.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import anyio

from copydesk.app.compose import compose
from copydesk.domain.messages import LineRange, Task
from copydesk.domain.permissions import Decision, PermissionRequest
from copydesk.models.scripted import Script, ScriptedModel
from copydesk.services.session import Session
from copydesk.services.turns import PromptRequest, TurnOutcome
from copydesk.store.records import read_records
from copydesk.store.state import SessionState, apply
from copydesk.text.edits import Edit
from copydesk.workspace.uris import to_uri
from tests.support.approving import approver_for
from tests.support.buffer_editor import BufferEditor
from tests.support.history import check_pairs, check_prefix
from tests.support.plain_shadow import PlainShadow

SECTION = re.compile(r"^## (?P<name>.+?)\n+(?P<fence>`{3,})\w*\n(?P<body>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)


@dataclass
class Golden:
    path: Path
    sections: list[tuple[str, str]]

    @classmethod
    def read(cls, path: Path) -> "Golden":
        found = SECTION.finditer(path.read_text(encoding="utf-8"))
        return cls(path, [(match["name"].strip(), match["body"]) for match in found])

    def named(self, prefix: str) -> Iterator[tuple[str, str]]:
        for name, body in self.sections:
            if name == prefix or name.startswith(f"{prefix} "):
                yield name[len(prefix) :].strip(), body

    def one(self, name: str, default: str = "") -> str:
        return next((body for _, body in self.named(name)), default)


@dataclass
class Played:
    outcome: TurnOutcome
    session: Session
    editor: BufferEditor
    model: ScriptedModel
    root: Path
    transcript: Path
    files: dict[str, str] = field(default_factory=dict)

    def seen(self, path: str) -> str | None:
        """The text a person sees: the buffer, else the disk; None when there is no such file."""
        uri = to_uri(str(self.root / path))
        document = self.editor.workspace.overlay.get(uri)
        if document is not None:
            return document.document.text
        file = self.root / path
        return file.read_bytes().decode() if file.exists() else None


async def play(golden: Golden, directory: Path) -> Played:
    """Lives through one conversation, in `directory`."""
    root, state = directory / "workspace", directory / "state"
    root.mkdir()
    for name, body in golden.named("file"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(body.encode())
    model = ScriptedModel(Script.parse(golden.one("model")))
    settings = {"permissions.mode": "acceptEdits", **json.loads(golden.one("settings", "{}"))}
    core = compose(
        roots=(to_uri(str(root)),),
        editor_settings=settings,
        state=state,
        editor=BufferEditor,
        model=model,
        shadow=PlainShadow if golden.one("commands") else None,
    )
    if golden.one("commands"):
        allow = json.loads(golden.one("commands"))["allow"]
        core.host.parts.approver = approver_for(lambda request: answer(request, allow))
    editor = core.editor
    assert isinstance(editor, BufferEditor)
    for name, body in golden.named("buffer"):
        editor.open(to_uri(str(root / name)), body)
    for name, body in golden.named("typing"):
        document = core.workspace.overlay.get(to_uri(str(root / name)))
        assert document is not None
        editor.typing[document.uri] = [_typed(document.document.text, *pair) for pair in json.loads(body)]
    async with core.running():
        with anyio.fail_after(20):
            turn = core.host.prompt(_request(golden, root, core.workspace))
            outcome = await turn.wait()
            session = core.host.session(turn.session)
            assert session is not None
    return Played(outcome, session, editor, model, root, state / "sessions" / f"{session.id}.jsonl")


async def answer(request: PermissionRequest, allow: bool) -> Decision:
    return Decision(allow, "" if allow else f"not {request.command!r}")


def _typed(text: str, old: str, new: str) -> Edit:
    start = text.index(old)
    return Edit(start, start + len(old), new)


def _request(golden: Golden, root: Path, workspace: Any) -> PromptRequest:
    ask = json.loads(golden.one("ask", "{}"))
    path = ask.get("path", "")
    uri = to_uri(str(root / path)) if path else ""
    first, last = ask.get("lines", (0, 0))
    range = LineRange(first - 1, 0, last, 0) if first else None
    task = Task(ask.get("verb", "prompt"), ask.get("text", ""), uri, path, "python", range)
    return PromptRequest(task, mode=ask.get("mode"))


def check_invariants(played: Played) -> None:
    """What must hold in every conversation."""
    check_pairs(played.session.messages)
    check_prefix(played.model)
    state = reduce(apply, (record.event for record in read_records(played.transcript)), SessionState())
    assert state == played.session.state, "replaying the transcript gives another state"
    assert played.transcript.stat().st_mode & 0o777 == 0o600
