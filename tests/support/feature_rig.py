"""The features over a client that a test plays: every message is seen, every request of the server is answered.

`FeatureRig` wires the real `Client`, `Overlay` and `Features` to a `FakeHost`, without a transport.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import TaskGroup

from copydesk.domain.errors import UnknownModel
from copydesk.domain.messages import LineRange
from copydesk.lsp.client import Client, ClientError
from copydesk.lsp.commands import Sources
from copydesk.lsp.features import FeatureParts, Features
from copydesk.lsp.handlers import Handlers, RequestContext
from copydesk.lsp.voice import Voice
from copydesk.workspace.overlay import Overlay
from tests.support import consent
from tests.support.fake_host import FakeHost
from tests.support.fake_reviews import FakeReviews

CAPABILITIES = Path(__file__).parent / "capabilities"
CLIENTS = {path.stem: json.loads(path.read_text())["capabilities"] for path in sorted(CAPABILITIES.glob("*.json"))}
VSCODE = "vscode-1.139.1-languageclient-11.0.0"
EGLOT = "emacs-30.1-eglot"
HELIX_OLD = "helix-25.01.1"
NVIM_010 = "nvim-0.10.4"
NVIM_012 = "nvim-0.12.4"
URI = "file:///w/src/a.py"


class Hovered:
    def __init__(self, facts: str, explanation: str = "", range: LineRange | None = None) -> None:
        self.facts, self.explanation, self.range = facts, explanation, range


class FeatureRig:
    def __init__(self, state_dir: Path, client: str | dict[str, Any], tasks: TaskGroup) -> None:
        self.tasks = tasks
        self.sent: list[dict[str, Any]] = []
        self.answers: dict[str, Callable[[Any], Any] | Any] = {
            "window/workDoneProgress/create": None,
            "window/showDocument": {"success": True},
            "workspace/applyEdit": {"applied": True},
        }
        self.silent: set[str] = set()
        self.client = Client(self._receive)
        self.client.raw_capabilities = CLIENTS[client] if isinstance(client, str) else client
        offered = (self.client.supports("general.positionEncodings") or ["utf-16"])[0]
        self.client.encoding = offered
        self.overlay = Overlay()
        self.host = FakeHost()
        self.reviews = FakeReviews(texts=self._text)
        self.is_language_model = False
        self.disk: dict[str, str] = {}
        self.hovered: Hovered | None = None
        self.symbol: str | None = None
        self.voice = Voice(self.client, state_dir, self._display)
        self.permissions = consent.permissions(state_dir, self.voice)
        self.trust = consent.trust(state_dir, self.voice)
        self.features = Features(self.voice, self.host, self._parts(), self._spawn)
        self.handlers = Handlers()
        self.commands: list[str] = []
        self.features.register(self.handlers, self.commands)
        self._changed = anyio.Event()

    def _parts(self) -> FeatureParts:
        async def explain(files: Any, uri: str, line: int, column: int, budget_s: float) -> Hovered | None:
            return self.hovered

        async def describe() -> dict[str, Any]:
            return {"version": "0.1.0"}

        async def models() -> list[dict[str, Any]]:
            return [{"name": "offline"}]

        async def doctor() -> dict[str, Any]:
            return {"checks": []}

        async def check_model(name: str) -> None:
            if name.startswith("nobody/"):
                raise UnknownModel(f"{name!r} names no model that Copydesk knows.")

        async def ledger() -> str:
            return "# What left this machine\n"

        sources = Sources(describe, models, doctor, check_model, ledger, self._display)
        return FeatureParts(
            sources,
            self.read,
            lambda uri, text, line: self.symbol,
            explain,
            lambda: 0.1,
            lambda: self.is_language_model,
            self.reviews,
            self.overlay,
            self.permissions,
            self.trust,
            consent.roots,
        )

    def _text(self, uri: str) -> str:
        opened = self.overlay.get(uri)
        return opened.document.text if opened else self.disk.get(uri, "")

    def read(self, uri: str) -> str:
        from copydesk.domain.errors import MissingFile

        if uri not in self.disk:
            raise MissingFile(f"There is no file {uri!r}.")
        return self.disk[uri]

    def _display(self, uri: str) -> str:
        return uri.removeprefix("file:///w/")

    def _spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        self.tasks.start_soon(work)

    # --- the client's side ---

    def _receive(self, message: dict[str, Any], key: str) -> None:
        self.sent.append(message)
        self._changed.set()
        method = message.get("method", "")
        if "id" in message and method not in self.silent:
            answer = self.answers.get(method)
            try:
                result = answer(message.get("params")) if callable(answer) else answer
            except ClientError as error:
                result = error
            self.tasks.start_soon(self._answer, message["id"], result)

    async def _answer(self, id: int, result: Any) -> None:
        await anyio.lowlevel.checkpoint()
        is_error = isinstance(result, Exception)
        code = getattr(result, "code", None) or -32603
        body = {"error": {"code": code, "message": str(result)}} if is_error else {"result": result}
        self.client.receive_response(id, {"id": id, **body})

    def all(self, method: str) -> list[Any]:
        return [message.get("params") for message in self.sent if message.get("method") == method]

    def progress(self) -> list[dict[str, Any]]:
        return [params["value"] for params in self.all("$/progress")]

    def shown(self) -> list[tuple[int, str]]:
        return [(params["type"], params["message"]) for params in self.all("window/showMessage")]

    async def until(self, ready: Callable[[], Any], limit_s: float = 2) -> Any:
        """Waits until `ready` gives something true, looking after each message."""
        with anyio.fail_after(limit_s):
            while not (found := ready()):
                self._changed = anyio.Event()
                with anyio.move_on_after(0.02):
                    await self._changed.wait()
            return found

    def open(self, text: str, uri: str = URI, language: str = "python", version: int = 0) -> None:
        self.overlay.open(uri, language, version, text)

    def type(self, line: int, column: int, text: str, uri: str = URI) -> None:
        """Somebody types, now."""
        opened = self.overlay.get(uri)
        assert opened is not None
        self.overlay.change(uri, opened.version + 1, [(LineRange(line, column, line, column), text)])

    async def call(self, method: str, params: Any, scope: anyio.CancelScope | None = None) -> Any:
        context = RequestContext(self.overlay.freeze(), 1, scope or anyio.CancelScope())
        return await self.handlers.requests[method].handler(params, context)

    async def command(self, name: str, *arguments: Any) -> Any:
        return await self.call("workspace/executeCommand", {"command": name, "arguments": list(arguments)})

    async def list_actions(
        self, line: int, column: int = 0, end: tuple[int, int] | None = None, uri: str = URI, **context: Any
    ) -> list[dict[str, Any]]:
        last = end or (line, column)
        at = {"start": {"line": line, "character": column}, "end": {"line": last[0], "character": last[1]}}
        params = {"textDocument": {"uri": uri}, "range": at, "context": {"diagnostics": [], **context}}
        return await self.call("textDocument/codeAction", params)


@asynccontextmanager
async def rig(state_dir: Path, client: str | dict[str, Any] = VSCODE) -> AsyncIterator[FeatureRig]:
    async with anyio.create_task_group() as tasks:
        made = FeatureRig(state_dir, client, tasks)
        tasks.start_soon(made.features.run)
        yield made
        tasks.cancel_scope.cancel()
