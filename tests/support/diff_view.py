"""VS Code's native diff editor on a file as it is proposed: fetches the text, shows it, fetches again when it is told.

A `DiffView` plays it on an `LspClient`. `seen` counts what was fetched; `behind` makes it stay with the text it has.
"""

from typing import Any

import anyio

from tests.support.lsp_client import LspClient

REFRESH = "workspace/textDocumentContent/refresh"
LENS_REFRESH = "workspace/codeLens/refresh"


class DiffView:
    def __init__(self, client: LspClient, uri: str) -> None:
        self.client, self.uri = client, uri
        self.n_fetched = 0
        self.n_lens_refreshes = 0
        self.behind = False
        self._stale = anyio.Event()
        client.answers[REFRESH] = self._refreshed
        client.answers[LENS_REFRESH] = self._lenses_refreshed

    @property
    def text(self) -> str:
        return self.client.editor.text(self.uri)

    async def open(self) -> str:
        self.client.editor.open(self.uri, await self.fetch())
        return self.text

    async def fetch(self) -> str:
        self.n_fetched += 1
        return (await self.client.request("workspace/textDocumentContent", {"uri": self.uri}))["text"]

    async def catch_up(self, timeout_s: float = 5) -> str:
        """Waits until it is told to fetch again, and shows what it is given."""
        with anyio.fail_after(timeout_s):
            await self._stale.wait()
        self._stale = anyio.Event()
        self.client.editor.replace_all(self.uri, await self.fetch())
        return self.text

    async def until(self, text: str, timeout_s: float = 5) -> None:
        with anyio.fail_after(timeout_s):
            while self.text != text:
                await self.catch_up(timeout_s)

    async def lenses(self) -> list[tuple[int, str, Any]]:
        listed = await self.client.request("textDocument/codeLens", {"textDocument": {"uri": self.uri}})
        return [
            (lens["range"]["start"]["line"], lens["command"]["title"], lens["command"]["arguments"][0])
            for lens in listed
        ]

    async def actions(self, line: int, end: int | None = None) -> dict[str, Any]:
        first, last = ({"line": each, "character": 0} for each in (line, line if end is None else end))
        params = {
            "textDocument": {"uri": self.uri},
            "range": {"start": first, "end": last},
            "context": {"diagnostics": [], "only": ["quickfix"]},
        }
        listed = await self.client.request("textDocument/codeAction", params)
        return {action["title"].removeprefix("Copydesk: "): action["command"] for action in listed}

    async def choose(self, line: int, title: str) -> Any:
        command = (await self.actions(line))[title]
        return await self.client.command(command["command"], {**command["arguments"][0], "wait": True})

    async def click(self, line: int, title: str) -> Any:
        """A lens."""
        argument = next(given for at, name, given in await self.lenses() if (at, name) == (line, title))
        command = "copydesk.review.accept" if title.startswith("Accept") else "copydesk.review.reject"
        return await self.client.command(command, {**argument, "wait": True})

    def _refreshed(self, params: Any) -> None:
        if params["uri"] == self.uri and not self.behind:
            self._stale.set()

    def _lenses_refreshed(self, params: Any) -> None:
        self.n_lens_refreshes += 1
