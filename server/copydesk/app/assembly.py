"""The language server's side of the composition: the server, its features, and the core they share.

Decides nothing: each function here hands one part to another. Start with `Assembly`.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anyio

from copydesk import __version__
from copydesk.app.compose import compose
from copydesk.config.layers import state_path
from copydesk.domain.errors import CopydeskError
from copydesk.domain.messages import Image
from copydesk.domain.ports import FileHandle, Model
from copydesk.domain.sandboxes import SandboxReport
from copydesk.domain.shadows import Shadow
from copydesk.lsp.commands import Sources
from copydesk.lsp.editor_code import LspEditorCode
from copydesk.lsp.editor_models import LspEditorModels
from copydesk.lsp.features import FeatureParts, Features
from copydesk.lsp.ledger import ledger_text
from copydesk.lsp.logs import redact_with
from copydesk.lsp.server import Server
from copydesk.lsp.voice import Voice
from copydesk.services.explain import Explainer, HoverText
from copydesk.services.provenance import with_pending, with_provenance
from copydesk.text.hashing import content_hash
from copydesk.workspace.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from copydesk.workspace.overlay import OverlayView

LOG_LEVELS = {"messages": logging.INFO, "verbose": logging.DEBUG}
"""`trace.level` for our own log, which goes to stderr only."""

MODEL_LIMIT_S = 1.0
"""How long `copydesk.status` waits to know what `auto` comes to."""

SANDBOX_LIMIT_S = 2.0
"""How long it waits for the sandbox to be tried, the first time; not at all while a turn runs."""

IDLE_S = 1.0
"""How long after the start the model is looked for: the first requests come first."""


class Assembly:
    """One client's server with everything behind it. `model` and `shadow` fix theirs, for tests."""

    def __init__(
        self,
        server: Server,
        *,
        state: "Path | None" = None,
        model: Model | None = None,
        shadow: Callable[[Workspace], Shadow] | None = None,
    ) -> None:
        self.server = server
        self.state = state or state_path()
        self._said: set[str] = set()
        self._resolved: tuple[str, str] = ("", "")
        self._problem = ""
        self._report: SandboxReport | None = None
        self._knowing: anyio.Event | None = None
        self.workspace = Workspace(server.roots, overlay=server.overlay)
        self.voice = Voice(self.server.client, self.state, self.workspace.display, self._spelled, self._saves)
        editor_models = LspEditorModels(server.client)
        server.handlers.notification("$/progress", editor_models.receive_progress, raw=True)
        self.editor_code = LspEditorCode(server.client, self._spelled)
        self.core = compose(
            roots=(),
            editor=lambda _: self.voice.editor,
            state=self.state,
            model=model,
            workspace=self.workspace,
            editor_models=editor_models,
            editor_code=self.editor_code,
            asker=self.voice.permissions,
            say=self.voice.answers.message,
            shadow=shadow,
        )
        self.voice.answers.redact = self.core.outward.secrets.redact
        redact_with(self.core.outward.secrets.redact)
        self.explainer = self._explainer()
        self.features = Features(self.voice, self.core.host, self._parts(), self.server.spawn)
        self.features.register(server.handlers, [])
        self._connect()

    def _connect(self) -> None:
        self.server.on_roots.append(self._take_roots)
        self.server.on_settings.append(self._take_settings)
        self.server.spawn(self._run_core)
        self.server.on_initialized.append(self.features.run)
        self.server.on_initialized.append(self._find_model)
        self.server.on_shutdown.append(self.features.stop)
        self.server.on_shutdown.append(self._stop)
        self.server.on_gone.append(self._cancel_all)

    def _spelled(self, uri: str) -> str:
        """As the editor spells it: an open document must be named exactly as it was opened."""
        opened = self.workspace.overlay.get(uri)
        return opened.client_uri if opened else uri

    def _saves(self) -> bool:
        return self.core.configuration.settings.flag("review.save")

    # --- what the server tells ---

    def _take_roots(self, roots: tuple[str, ...]) -> None:
        self.workspace.set_roots(roots)
        self.server.spawn(self._restore)
        self._say_problems(self.core.configuration.update())

    def _take_settings(self, settings: Mapping[str, Any]) -> None:
        self._say_problems(self.core.configuration.update(settings))
        self.core.consent.trust.take_editor(self.server.settings.workspace_trusted)
        level = LOG_LEVELS.get(self.core.configuration.settings.text("trace.level"), logging.WARNING)
        logging.getLogger("copydesk").setLevel(level)

    def _say_problems(self, problems: tuple[str, ...]) -> None:
        fresh = [problem for problem in problems if problem not in self._said]
        self._said.update(fresh)
        if fresh:
            self.voice.answers.message("warning", "\n".join(fresh[:3]))

    async def _run_core(self) -> None:
        """A task of the connection: the host and what was opened live as long as it does."""
        async with self.core.running():
            await anyio.sleep_forever()

    def _cancel_all(self) -> None:
        """A turn that waits for the client is stopped by its going, and does not take that for an answer."""
        self.core.host.cancel()

    async def _stop(self) -> None:
        self.core.host.cancel()
        if self.core.attribution:
            await self.core.attribution.flush()  # Emacs kills its server a moment after it said goodbye

    # --- what the features ask ---

    def _parts(self) -> FeatureParts:
        return FeatureParts(
            sources=self._sources(),
            read=lambda uri: self.workspace.snapshot().read(uri).text,
            symbol_at=self._symbol_at,
            explain=self._explain,
            hover_budget_s=lambda: self.core.configuration.settings.integer("hover.budgetMs") / 1000,
            is_language_model=lambda: self._resolved[1] not in ("", "offline"),
            reviews=self.core.host.reviews,
            documents=self.workspace.overlay,
            permissions=self.core.consent.permissions,
            trust=self.core.consent.trust,
            roots=lambda: self.workspace.roots,
            evidence=self.core.host.evidence,
            undo=self.core.undoing().undo,
            is_echo=self.editor_code.is_echo,
        )

    def _sources(self) -> Sources:
        display = self.workspace.display
        return Sources(
            self._describe,
            self._models,
            self._doctor,
            self._check_model,
            self._ledger,
            display,
            self._images,
            self._certify,
        )

    def _explainer(self) -> Explainer:
        from copydesk.models.selection import is_local

        host = self.core.host
        return Explainer(
            self.core.models,
            lambda: self.core.configuration.settings,
            host.chosen_model,
            is_local,
            host.start,
            self.core.outward.secrets,
            host.parts.meter.beside().around,
        )

    async def _explain(
        self, files: "OverlayView", uri: str, line: int, column: int, budget_s: float
    ) -> HoverText | None:
        opened = files.get(uri)
        if opened is None:
            return None
        handle = FileHandle(opened.uri, opened.document.text, opened.content_hash, version=opened.version)
        note = await self.core.attribution.line(opened.uri, line) if self.core.attribution else None
        found = await self.explainer.hover(handle, line, column, budget_s)
        found = with_provenance(found, note)
        return with_pending(found, opened.uri, line, self.core.host.reviews, self.core.host.evidence)

    def _symbol_at(self, uri: str, text: str, line: int) -> str | None:
        symbol = self.explainer.symbol_at(FileHandle(uri, text, content_hash(text)), line)
        return symbol.name if symbol else None

    async def _restore(self) -> None:
        """Brings back what an earlier server left undecided."""
        await self.core.host.restore()

    async def _find_model(self) -> None:
        """Finds out early what `auto` comes to, so that code actions are tagged and status need not wait."""
        await anyio.sleep(IDLE_S)
        if self.core.attribution:
            await anyio.to_thread.run_sync(self.core.attribution.tidy)
        await anyio.to_thread.run_sync(self.core.host.parts.meter.spending.tidy)
        await anyio.to_thread.run_sync(lambda: self.server.client.capabilities)  # 60 ms that no edit should wait for
        await self._model_name()

    async def _model_name(self) -> str:
        wanted = self.core.host.model_name()
        try:
            self._resolved = (wanted, (await self.core.models.resolve(self.core.host.chosen_model())).name)
        except CopydeskError as error:
            self._resolved = (wanted, "")
            self._problem = self.core.outward.secrets.redact(str(error))
        return self._resolved[1]

    async def _describe(self) -> dict[str, Any]:
        wanted, name = self._resolved
        if wanted != self.core.host.model_name():
            with anyio.move_on_after(MODEL_LIMIT_S):
                await self._model_name()
        wanted, name = self._resolved
        current = name if wanted == self.core.host.model_name() else ""
        return {
            "version": __version__,
            "model": {
                "name": current or self.core.host.model_name(),
                "configured": self.core.host.model_name(),
                "isLanguageModel": bool(current) and current != "offline",
                **({"problem": self._problem} if self._problem and not current else {}),
                **self._facts(current),
            },
            "sandbox": await self._sandbox(),
            "spending": await self._spending(),
        }

    def _facts(self, name: str) -> dict[str, Any]:
        """What is known of the model that a turn would use."""
        from copydesk.models.listing import facts_to_json
        from copydesk.models.selection import Models

        facts = self.core.models.facts(name) if name and isinstance(self.core.models, Models) else None
        return facts_to_json(facts) if facts else {}

    async def _spending(self) -> dict[str, Any]:
        from copydesk.services.reporting import spending_report

        host = self.core.host
        meter, session = host.parts.meter, host.session(host.current or "")
        await meter.spending.catch_up()
        return spending_report(
            meter.spending.day(), meter.caps(), session.state if session else None, meter.spending.problem
        )

    async def _sandbox(self) -> dict[str, Any]:
        from copydesk.processes.sandboxes import describe

        if self._knowing is None or self._knowing.is_set():
            self._knowing = anyio.Event()
            self.server.spawn(self._know_sandbox)
        with anyio.move_on_after(0.02 if self.core.host.running() else SANDBOX_LIMIT_S):
            await self._knowing.wait()
        if (report := self._report) is None:
            return {"backend": None, "works": False, "summary": "not known yet: it is being tried"}
        return {
            "backend": report.backend,
            "works": report.is_working,
            "holds": sorted(report.holds),
            "lacks": list(report.lacks),
            "summary": describe(report),
            "why": report.why,
        }

    async def _know_sandbox(self) -> None:
        try:
            self._report = await self.core.shadow.report()
        finally:
            if self._knowing is not None:
                self._knowing.set()

    async def _models(self) -> list[dict[str, Any]]:
        from copydesk.models.listing import info_to_json
        from copydesk.models.selection import Models

        models = self.core.models
        return [info_to_json(info) for info in await models.available()] if isinstance(models, Models) else []

    async def _images(self, given: tuple[str, ...]) -> tuple[Image, ...]:
        from copydesk.services.images import locate_in, read_images

        locate = locate_in(self.workspace.resolve, self.core.outward.secrets.hides)
        return await anyio.to_thread.run_sync(read_images, given, locate)

    async def _certify(self, name: str | None) -> dict[str, Any]:
        """Proves that a model can do the work, before the person's eyes."""
        from copydesk.app.certification import certified
        from copydesk.lsp.certifying import Certifying
        from copydesk.services.certifying import Tell, certificate_to_json

        async def certify(name: str | None, tell: Tell) -> dict[str, Any]:
            certificate, cost = await certified(self.core, name, tell)
            return certificate_to_json(certificate, cost)

        return await Certifying(self.server.client, self.voice.answers, certify).run(name)

    async def _check_model(self, name: str) -> None:
        """Raises the error a turn would end in: a provider that is not known, a key that is missing.

        A model that a person chooses by hand is tried at once, however often it failed before.
        """
        from copydesk.models.selection import Models

        if isinstance(self.core.models, Models):
            self.core.models.close_circuits()
        await self.core.models.resolve(name)

    async def _ledger(self) -> str:
        ledger = self.core.outward.ledger
        return ledger_text(await anyio.to_thread.run_sync(ledger.read), str(ledger.path or ""), ledger.problem)

    async def _doctor(self) -> dict[str, Any]:
        from copydesk.app.doctor import findings

        return {"findings": [asdict(finding) for finding in await findings(self.core)]}
