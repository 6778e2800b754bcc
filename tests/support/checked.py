"""A person's folder whose offers are checked: the real core, a scripted model, and a shadow of plain processes."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from copydesk.app.compose import Core, compose
from copydesk.domain.events import Event, EvidenceUpdated, Notice
from copydesk.domain.evidence import Evidence
from copydesk.domain.messages import Task
from copydesk.domain.shadows import Shadow
from copydesk.models.scripted import Script, ScriptedModel
from copydesk.services.session import Session
from copydesk.services.turns import PromptRequest, TurnOutcome
from copydesk.services.verifying.consent import Consent
from copydesk.services.verifying.verifier import Verifier
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.buffer_editor import BufferEditor
from tests.support.plain_shadow import PlainShadow

PYTEST_PROJECT = "[tool.pytest.ini_options]\naddopts = '-p no:cacheprovider'\n"


@dataclass
class Trusting:
    """Trust that was given or not; `asked` are the needs it was asked for."""

    trusted: bool = True
    asked: list[str] = field(default_factory=list)

    def is_trusted(self, root: str) -> bool:
        del root
        return self.trusted

    async def ask_once(self, root: str, need: str) -> bool:
        self.asked.append(need)
        return self.trusted


@dataclass
class Checking:
    core: Core
    root: Path
    shadow: Shadow
    model: ScriptedModel
    trust: Trusting
    events: list[Event] = field(default_factory=list)

    @property
    def editor(self) -> BufferEditor:
        assert isinstance(self.core.editor, BufferEditor)
        return self.core.editor

    def uri(self, name: str) -> str:
        return to_uri(str(self.root / name))

    async def turn(self, text: str = "do it", **more: Any) -> TurnOutcome:
        return await self.core.host.prompt(PromptRequest(Task("prompt", text), **more)).wait()

    def session(self, outcome: TurnOutcome) -> Session:
        found = self.core.host.session(outcome.session)
        assert found is not None
        return found

    def evidence(self) -> list[Evidence]:
        return [event.evidence for event in self.events if isinstance(event, EvidenceUpdated)]

    def notices(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice)]

    async def until(self, check: Callable[[], Any], limit_s: float = 10) -> None:
        with anyio.fail_after(limit_s):
            while not check():  # noqa: ASYNC110
                await anyio.sleep(0.01)


def linked_tools(root: Path) -> None:
    """The folder's own environment, with the tools these tests run under."""
    folder = root / ".venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("python", "ruff", "basedpyright"):
        tool = folder / name  # a link to a Python would forget the environment it is of
        tool.write_text(f'#!/bin/sh\nexec "{Path(sys.executable).parent / name}" "$@"\n')
        tool.chmod(0o755)


@asynccontextmanager
async def checking(
    tmp_path: Path,
    files: Mapping[str, str],
    script: str,
    *,
    settings: Mapping[str, Any] | None = None,
    shadow: Callable[[Workspace], Shadow] = PlainShadow,
    trust: Trusting | None = None,
    own_tools: bool = False,
) -> AsyncIterator[Checking]:
    root = tmp_path / "work"
    root.mkdir()
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    if own_tools:
        linked_tools(root)
    model = ScriptedModel(Script.parse(script))
    core = compose(
        roots=(to_uri(str(root)),),
        editor=BufferEditor,
        editor_settings={"permissions.mode": "acceptEdits", **(settings or {})},
        state=tmp_path / "state",
        model=model,
    )
    trust = trust or Trusting()
    made = shadow(core.workspace)
    consent = Consent(trust, core.editor, core.workspace.display)
    core.host.parts.verifier = Verifier(core.workspace, made, lambda: core.configuration.settings, consent)
    found = Checking(core, root, made, model, trust)
    core.host.subscribe(lambda session, seq, event: found.events.append(event))
    async with core.running():
        with anyio.fail_after(60):
            yield found
