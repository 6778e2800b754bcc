"""A server with a few demo methods, for tests of the core alone."""

import sys
from typing import Any

import anyio

from copydesk.lsp.handlers import RequestContext, RpcError
from copydesk.lsp.server import Server
from copydesk.workspace.overlay import Overlay


def demo_server(**options: Any) -> Server:
    """`demo/text` the text at arrival, `demo/wait` never ends by itself, `demo/fail`, `demo/refuse`, `demo/echo`."""
    server = Server(Overlay(), version="1.2.3", **options)

    async def text(params: Any, context: RequestContext) -> str:
        await anyio.sleep(0)
        return context.files[params["uri"]].document.text

    async def wait(params: Any, context: RequestContext) -> None:
        await anyio.sleep_forever()

    async def fail(params: Any, context: RequestContext) -> None:
        raise RuntimeError("/secret/path/to/file went wrong")

    async def refuse(params: Any, context: RequestContext) -> None:
        raise RpcError(-32803, "not today")

    async def echo(params: Any, context: RequestContext) -> Any:
        return params

    async def bad_result(params: Any, context: RequestContext) -> Any:
        return {"x": float("nan")}

    async def big(params: Any, context: RequestContext) -> str:
        return "x" * params["n"]

    async def noise(params: Any, context: RequestContext) -> None:
        print("this must not reach the protocol", flush=True)
        print(f"stdin says {sys.stdin.read()!r}", flush=True)

    async def hover(params: Any, context: RequestContext) -> None:
        return None

    for handler in (text, wait, fail, refuse, echo, bad_result, big, noise):
        server.handlers.request(f"demo/{handler.__name__}", handler)
    server.handlers.request("textDocument/hover", hover)
    return server
