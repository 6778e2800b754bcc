"""The whole server in memory: the real composition, a captured client, and a scripted (or the offline) model."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from copydesk.app.assembly import Assembly
from copydesk.app.serve import make_server
from copydesk.domain.ports import Model
from copydesk.domain.shadows import Shadow
from copydesk.lsp.server import Server
from copydesk.models.scripted import Script, ScriptedModel
from copydesk.services.landing import LandingLimits
from copydesk.workspace.workspace import Workspace
from tests.support.lsp_client import LspClient, connect

SESSION_UPDATE = "copydesk/session/update"
APPLY = {"review": {"mode": "apply"}, "model": {"name": "offline"}}
SLOW = "delay: 30\ntext: too late"


def scripted(text: str) -> ScriptedModel:
    return ScriptedModel(Script.parse(text))


def call(tool: str, **arguments: Any) -> str:
    """One line of a script."""
    return f"tool: {tool} {json.dumps(arguments)}"


def steps(*each: str) -> ScriptedModel:
    return scripted("\n--- step\n".join(each))


def edit(path: str, old: str, new: str) -> str:
    return call("edit_file", path=path, old_text=old, new_text=new)


class Desk:
    """A person at their editor: the client, the folder, and shortcuts for what is asked of the server."""

    def __init__(self, client: LspClient, root: Path, server: Server, state: Path) -> None:
        self.client, self.root, self.server, self.state = client, root, server, state
        self.assemblies: list[Assembly] = []

    @property
    def editor(self) -> Any:
        return self.client.editor

    @property
    def host(self) -> Any:
        return self.assemblies[0].core.host

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def open(self, name: str, text: str | None = None) -> str:
        self.editor.open(self.uri(name), text)
        return self.uri(name)

    async def run(self, verb: str, timeout_s: float = 10, **argument: Any) -> Any:
        """A turn, to its end."""
        return await self.client.command(f"copydesk.{verb}", {**argument, "wait": True}, timeout_s)

    async def begin(self, verb: str, **argument: Any) -> Any:
        return await self.client.command(f"copydesk.{verb}", argument)

    async def ended(self, turn: str, timeout_s: float = 5) -> str:
        """Until the progress of a turn has ended; its closing line."""
        end = await self.client.wait_for(
            "$/progress",
            lambda given: given["token"] == f"copydesk/{turn}" and given["value"]["kind"] == "end",
            timeout_s,
        )
        return end["value"].get("message", "")

    async def running_is_empty(self) -> bool:
        return not (await self.client.command("copydesk.status"))["running"]

    def transcripts(self) -> list[Path]:
        return sorted((self.state / "sessions").glob("*.jsonl"))

    def updates(self) -> list[Any]:
        return [params for method, params in self.client.notifications if method == SESSION_UPDATE]


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


@asynccontextmanager
async def desk(
    tmp_path: Path,
    model: Model | None = None,
    *,
    editor: str = "vscode",
    files: Mapping[str, str | bytes] | None = None,
    settings: Any = None,
    folder: bool = True,
    custom: tuple[str, ...] = (),
    root: Path | None = None,
    check: bool = True,
    limits: LandingLimits | None = None,
    shadow: Callable[[Workspace], Shadow] | None = None,
    **more: Any,
) -> AsyncIterator[Desk]:
    """`settings` are the initializationOptions; `custom` the copydesk methods the client takes; `limits`
    those of landing.
    """
    root, state = root or tmp_path / "work", tmp_path / "state"
    root.mkdir(parents=True, exist_ok=True)
    write(root, files or {})
    server = make_server()
    assemblies: list[Assembly] = []

    def prepare() -> None:
        assembly = Assembly(server, state=state, model=model, shadow=shadow)
        if limits:
            assembly.core.host.parts.landing_limits = limits
        assemblies.append(assembly)

    server.prepare = prepare
    options = APPLY if settings is None else settings
    async with (
        plainly(),
        connect(server, editor=editor, root=root if folder else None, initialize=False, check=check) as client,
    ):
        if custom:
            client.capabilities["experimental"] = {
                **(client.capabilities.get("experimental") or {}),
                "copydesk": list(custom),
            }
        await client.initialize(initializationOptions=options, **more)
        found = Desk(client, root, server, state)
        found.assemblies = assemblies
        async with anyio.create_task_group() as tasks:
            if client.editor.profile.debounce_s:
                tasks.start_soon(_flush_late, client)
            yield found
            tasks.cancel_scope.cancel()
        if not client.closed:
            await client.shut_down()


@asynccontextmanager
async def plainly() -> AsyncIterator[None]:
    """A failing assertion by itself, not in the groups of the tasks it went through."""
    try:
        yield
    except BaseExceptionGroup as group:
        inner: BaseException = group
        while isinstance(inner, BaseExceptionGroup) and len(inner.exceptions) == 1:
            inner = inner.exceptions[0]
        raise inner from None


async def _flush_late(client: LspClient) -> None:
    """Debounced editors send what was typed after a while, asked or not."""
    while not client.closed:
        await anyio.sleep(client.editor.profile.debounce_s)
        client.editor.flush()


async def until(check: Any, timeout_s: float = 5) -> None:
    """Polls what no message tells."""
    with anyio.fail_after(timeout_s):
        while not check():  # noqa: ASYNC110
            await anyio.sleep(0.005)
