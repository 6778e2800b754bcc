"""Who is given what. Builds the one `Core` that both faces use; decides nothing.

Imports of heavy parts happen when they are first needed: the command line must not pay for the editor's side.
"""

import logging
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from copydesk import __version__
from copydesk.agent.journal import Tools
from copydesk.app.configuration import Configuration, now_iso
from copydesk.config.layers import models_path, state_path
from copydesk.config.settings import Settings
from copydesk.domain.ports import CodeIntel, Editor, EditorModels, Model
from copydesk.domain.shadows import Shadow
from copydesk.services.host import Host
from copydesk.services.metering import Meter
from copydesk.services.model_notes import ModelNotes
from copydesk.services.model_source import Around, ModelSource
from copydesk.services.parts import SessionParts
from copydesk.store.spending import Spending
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace

if TYPE_CHECKING:
    from copydesk.app.consent import Consent
    from copydesk.app.outward import Outward
    from copydesk.domain.editor_code import EditorCode
    from copydesk.models.selection import ModelSettings
    from copydesk.services.attribution import Attribution
    from copydesk.services.permissions import Asker
    from copydesk.services.undoing import Undoing
    from copydesk.services.verifying.consent import Trusts
    from copydesk.services.verifying.verifier import Verifier


log = logging.getLogger("copydesk")


def log_message(level: str, text: str) -> None:
    """What a person should know where nobody reads."""
    log.warning("%s: %s", level, text)


def model_settings(settings: Settings) -> "ModelSettings":
    """What the model selection needs to know; a base URL from the environment or the user's file may get keys."""
    from copydesk.models.selection import ModelSettings

    return ModelSettings(
        name=settings.text("model.name"),
        base_url=settings.text("model.baseUrl"),
        fallbacks=settings.texts("model.fallbacks"),
        offline=settings.flag("network.offline"),
        api=settings.text("model.api"),
        base_url_trusted=settings.sources.get("model.baseUrl") in ("environment", "user"),
        retry_for_s=settings.number("model.retryForS") or 0.0,
    )


class FixedModel:
    """A model source with one model: what tests and benchmarks hand in."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def resolve(
        self,
        name: str | None = None,
        *,
        on_retry: object = None,
        on_switch: object = None,
        around: Around = lambda model: model,
        local: bool = False,
        session: str = "",
        turn: str = "",
    ) -> Model:
        del name, on_retry, on_switch, local, session, turn
        return around(self._model)


@dataclass(slots=True)
class Core:
    workspace: Workspace
    host: Host
    editor: Editor
    configuration: Configuration
    models: ModelSource
    code: CodeIntel
    consent: "Consent"
    outward: "Outward"
    shadow: Shadow
    """Where commands run."""
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
            self.host.parts.sides,
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


def _wider(own: CodeIntel, editor_code: "EditorCode", workspace: Workspace, outward: "Outward") -> CodeIntel:
    from copydesk.services.intelligence import WiderIntel

    return WiderIntel(own, editor_code, workspace, outward.hidden)


def _verifier(
    workspace: Workspace, shadow: Shadow, configuration: Configuration, person: Editor, trust: "Trusts"
) -> "Verifier":
    from copydesk.services.verifying.consent import Consent
    from copydesk.services.verifying.verifier import Verifier

    consent = Consent(trust, person, workspace.display)
    return Verifier(workspace, shadow, lambda: configuration.settings, consent)


def _selection(configuration: Configuration, outward: "Outward") -> ModelSource:
    """The models, by the settings as they are from now on; the door is closed and opened with them."""
    from copydesk.models.knowledge import Knowledge
    from copydesk.models.offline.model import OfflineModel
    from copydesk.models.own_entries import OwnEntries
    from copydesk.models.selection import Models

    settings = model_settings(configuration.settings)
    knowledge = Knowledge(outward.door, os.environ, OwnEntries(str(models_path())))
    configuration.checks.append(lambda: knowledge.problems)
    selection = Models(
        settings,
        os.environ,
        outward.door,
        OfflineModel,
        editor=outward.editor_models,
        knowledge=knowledge,
        watching=outward.watching(configuration),
    )
    configuration.changed.append(lambda settings: selection.apply(model_settings(settings)))
    return selection


def _host(parts: SessionParts, state: Path, attribution: "Attribution | None") -> Host:
    """The host. The models' servers are asked beside its turns, and what they say is told in them."""
    from copydesk.models.selection import Models

    host = Host(parts, state / "sessions")
    if attribution:
        host.subscribe(attribution.listen)
    if isinstance(models := parts.models, Models):
        host.parts.learn, host.parts.model_notes = models.learn, ModelNotes(models.notes)  # its own copy of the parts
        models.knowledge.start = host.start
        models.knowledge.learnt.append(host.parts.model_notes.learnt)
    return host


def _toolbox(workspace: Workspace, code: CodeIntel, trust: "Trusts") -> Tools:
    from copydesk.tools.registry import Toolbox, default_tools

    return Toolbox(default_tools(workspace, code, lambda folder: trust.is_trusted(to_uri(folder))))


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
    editor_code: "EditorCode | None" = None,
    asker: "Asker | None" = None,
    say: Callable[[str, str], None] = log_message,
    shadow: Callable[[Workspace], Shadow] | None = None,
) -> Core:
    """Builds a core over the folders `roots` (URIs). `model` fixes the model; `state` moves the transcripts.

    `editor_models` are the editor's own, `editor_code` what its language servers know; None without an editor.
    `asker` puts questions about permissions to the person, None where nobody can answer; `say` tells them things.
    `shadow` makes what commands run in; None: the real one.
    """
    from copydesk.app.consent import Consent
    from copydesk.app.outward import Outward
    from copydesk.app.shadows import Shadows
    from copydesk.code.intel import Intel
    from copydesk.tools.validation import checked

    workspace, state = workspace or Workspace(roots), state or state_path()
    person = editor(workspace)
    consent = Consent(workspace, state, (editor_settings or {}, arguments or {}), asker, person.ask, say)
    configuration = consent.configuration
    own = Intel(workspace)
    outward = Outward(workspace, state, editor_models, consent.judging)
    code = _wider(own, editor_code, workspace, outward) if editor_code else own
    models: ModelSource = FixedModel(model) if model else _selection(configuration, outward)
    shadows = Shadows(workspace, lambda: configuration.settings, state, consent.trust, outward.hidden)
    view: Shadow = shadow(workspace) if shadow else shadows.runner
    attribution = _attribution(workspace, state, lambda work: host.start(work)) if offers else None  # noqa: PLW0108
    consent.first = outward.secrecy.look
    parts = SessionParts(
        workspace=workspace,
        models=models,
        tools=_toolbox(workspace, code, consent.trust),
        validate=checked,
        editor=person,
        approver=consent.judging.approver_for,
        before_turn=lambda: consent.before_turn(host.start),
        confined=lambda: consent.find_out(host.parts.shadow or view),
        settings=lambda: configuration.settings,
        now=now_iso,
        version=__version__,
        offers=offers,
        landed=attribution.landed if attribution else lambda landed: None,
        secrets=outward.secrets,
        shadow=view,
        sides=shadows.sides,
        verifier=_verifier(workspace, view, configuration, person, consent.trust),
        meter=Meter(lambda: configuration.settings, Spending(state / "spending"), outward.counting),
    )
    host = _host(parts, state, attribution)
    ends = (outward.aclose, own.aclose, shadows.aclose)
    tends = (own.tend, outward.secrecy.tend, outward.counting.tend, outward.attempts.tend, outward.webhook.tend)
    return Core(workspace, host, person, configuration, models, code, consent, outward, view, attribution, ends, tends)
