"""Who is given what. Builds the one `Core` that both faces use; decides nothing.

Imports of heavy parts happen when they are first needed: the command line must not pay for the editor's side.
"""

import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from copydesk import __version__
from copydesk.config.layers import Loaded, load, state_path
from copydesk.config.settings import Settings
from copydesk.domain.permissions import Mode
from copydesk.domain.ports import Approver, CodeIntel, Editor, EditorCode, EditorModels, Model
from copydesk.domain.shadows import Shadow
from copydesk.services.host import Host
from copydesk.services.session import ModelSource, SessionParts
from copydesk.workspace.uris import to_path
from copydesk.workspace.workspace import Workspace

if TYPE_CHECKING:
    from copydesk.egress.door import Door
    from copydesk.models.selection import ModelSettings
    from copydesk.services.attribution import Attribution
    from copydesk.services.secrecy import Secrecy
    from copydesk.services.undoing import Undoing


def now_iso() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Configuration:
    """The settings in force; reloaded when the editor's change or the folders do."""

    def __init__(
        self,
        workspace: Workspace,
        editor: Mapping[str, Any],
        arguments: Mapping[str, Any],
    ) -> None:
        self._workspace = workspace
        self._editor: Mapping[str, Any] = editor
        self._arguments = arguments
        self.changed: list[Callable[[Settings], None]] = []
        self.loaded: Loaded = self._load()

    def _load(self) -> Loaded:
        paths = (to_path(uri) for uri in self._workspace.roots)
        return load(
            editor=self._editor,
            arguments=self._arguments,
            project_roots=tuple(path for path in paths if path is not None),
        )

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    def update(self, editor: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """Reads every layer again, with new editor settings if given. Returns what could not be used."""
        if editor is not None:
            self._editor = editor
        self.loaded = self._load()
        for listener in self.changed:
            listener(self.settings)
        return self.loaded.problems


def model_settings(settings: Settings) -> "ModelSettings":
    """What the model selection needs to know; a base URL from the environment or the user's file may get keys."""
    from copydesk.models.selection import ModelSettings

    return ModelSettings(
        name=settings.text("model.name"),
        base_url=settings.text("model.baseUrl"),
        fallbacks=settings.texts("model.fallbacks"),
        offline=settings.flag("network.offline"),
        base_url_trusted=settings.sources.get("model.baseUrl") in ("environment", "user"),
    )


def approver_for(mode: Callable[[], Mode], verb: str) -> Approver:
    """The approver of one turn. Explaining never edits, whatever the mode."""
    from copydesk.safety.approver import ModeApprover

    def read_only() -> Mode:
        return "plan"

    return ModeApprover(read_only if verb == "explain" else mode)


class FixedModel:
    """A model source with one model: what tests and benchmarks hand in."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def resolve(self, name: str | None = None, *, on_retry: object = None, local: bool = False) -> Model:
        del name, on_retry, local
        return self._model


@dataclass(slots=True)
class Core:
    workspace: Workspace
    host: Host
    editor: Editor
    configuration: Configuration
    models: ModelSource
    code: CodeIntel
    attribution: "Attribution | None" = None
    """Who wrote what; None where nothing is offered to an editor."""
    closers: tuple[Callable[[], Any], ...] = ()
    tending: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    """Tasks that go on as long as the core does."""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator["Core"]:
        """The host's lifetime; leaving it cancels every turn and closes what was opened."""
        try:
            async with anyio.create_task_group() as group:
                await group.start(self.host.run)
                for tend in self.tending:
                    group.start_soon(tend)
                try:
                    yield self
                finally:
                    group.cancel_scope.cancel()
        finally:  # the turns have written their ends by now
            with anyio.CancelScope(shield=True), anyio.move_on_after(2):
                await self._close()

    def undoing(self) -> "Undoing":
        """Undo by turn: lands without asking, since its own undo is one command away."""
        from copydesk.domain.review import Choice
        from copydesk.services.landing import Landing
        from copydesk.services.undoing import Undoing

        assert self.attribution is not None
        landing = Landing(self.workspace, self.editor, self.attribution.landed)
        return Undoing(
            self.workspace,
            self.attribution,
            lambda pending, turn, label: landing.offer(pending, turn, label, confirm=False),
            self.host.running,
            lambda turn: [(hunk.uri, hunk.start_line) for hunk in self.host.reviews.hunks(Choice(turn=turn))],
        )

    async def _close(self) -> None:
        if self.attribution:
            await self.attribution.flush()
        self.host.close()
        for close in self.closers:
            result = close()
            if result is not None:
                await result


def _attribution(
    workspace: Workspace, state: Path, start: Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
) -> "Attribution":
    from copydesk.services.attribution import Attribution
    from copydesk.store.authorship import AuthorshipStore

    return Attribution(workspace, AuthorshipStore(state / "attribution"), start, now_iso)


def _wider(own: CodeIntel, editor_code: EditorCode, workspace: Workspace) -> CodeIntel:
    from copydesk.services.intelligence import WiderIntel

    return WiderIntel(own, editor_code, workspace)


def _outward(
    workspace: Workspace, state: Path, editor_models: EditorModels | None
) -> "tuple[Secrecy, Door, EditorModels | None]":
    """What keeps secrets in: what is known of them, and both ways out."""
    from copydesk.egress.door import Door
    from copydesk.egress.editor_models import GuardedEditorModels
    from copydesk.egress.ledger import Ledger
    from copydesk.safety.secrets.key import load_key
    from copydesk.services.secrecy import Secrecy

    secrecy = Secrecy(workspace, lambda: load_key(state))
    door = Door(redact=secrecy.secrets.redact_body, ledger=Ledger(state))
    guarded = GuardedEditorModels(editor_models, secrecy.secrets.redact_value, door) if editor_models else None
    return secrecy, door, guarded


def compose(
    *,
    roots: tuple[str, ...],
    editor: Callable[[Workspace], Editor],
    editor_settings: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    state: Path | None = None,
    model: Model | None = None,
    offers: bool = True,
    workspace: Workspace | None = None,
    editor_models: EditorModels | None = None,
    editor_code: EditorCode | None = None,
    shadow: Callable[[Workspace], Shadow] | None = None,
) -> Core:
    """Builds a core over the folders `roots` (URIs). `model` fixes the model; `state` moves the transcripts.

    `editor_models` are the editor's own, `editor_code` what its language servers know; None without an editor.
    `shadow` makes what commands run in; with None, none run.
    """
    from copydesk.code.intel import Intel
    from copydesk.models.offline.model import OfflineModel
    from copydesk.models.selection import Models
    from copydesk.tools.registry import Toolbox, default_tools
    from copydesk.tools.validation import checked

    workspace = workspace or Workspace(roots)
    configuration = Configuration(workspace, editor_settings or {}, arguments or {})
    person = editor(workspace)
    own = Intel(workspace)
    code = _wider(own, editor_code, workspace) if editor_code else own
    state = state or state_path()
    secrecy, door, editor_models = _outward(workspace, state, editor_models)
    selection = Models(model_settings(configuration.settings), os.environ, door, OfflineModel, editor=editor_models)
    configuration.changed.append(lambda settings: selection.apply(model_settings(settings)))
    models: ModelSource = FixedModel(model) if model else selection

    attribution = _attribution(workspace, state, lambda work: host.start(work)) if offers else None  # noqa: PLW0108
    parts = SessionParts(
        workspace=workspace,
        models=models,
        tools=Toolbox(default_tools(workspace, code)),
        validate=checked,
        editor=person,
        approver=approver_for,
        settings=lambda: configuration.settings,
        mode=lambda: "ask",
        model_name=lambda: None,
        problems=lambda uri: (),
        now=now_iso,
        version=__version__,
        offers=offers,
        landed=attribution.landed if attribution else lambda landed: None,
        secrets=secrecy.secrets,
        look=secrecy.look,
        shadow=shadow(workspace) if shadow else None,
    )
    host = Host(parts, state / "sessions")
    if attribution:
        host.subscribe(attribution.listen)
    closers = (door.aclose, own.aclose)
    return Core(workspace, host, person, configuration, models, code, attribution, closers, (own.tend, secrecy.tend))
