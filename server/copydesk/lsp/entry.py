"""`copydesk serve`: from a started process to a served client, as fast as it goes.

Nothing is imported at the top: collections are rare while lsprotocol loads (with none at all 8 MiB of garbage stay),
and what is loaded is then frozen, so that no later collection walks it. Start with `serve_stdio`.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from copydesk.lsp.server import Server

IMPORT_THRESHOLD = 10_000
RUN_THRESHOLD = 2_000
"""New objects between collections, while importing and while serving. CPython's own is 700."""


def serve_stdio(make_server: Callable[[], Server]) -> int:
    """Serves the editor that started this process; returns the exit code, for `lifecycle.end_process`.

    `make_server` is called inside the loop.
    """
    gc.set_threshold(IMPORT_THRESHOLD)
    import anyio

    from copydesk.lsp import logs, server, transport

    logs.to_stderr()

    async def serve() -> int:
        own_in, own_out = transport.take_stdio()
        reader, writer = transport.PipeReader(own_in), transport.PipeWriter(own_out)
        made: server.Server = make_server()
        gc.freeze()
        gc.set_threshold(RUN_THRESHOLD)
        return await made.serve(reader, writer)

    return anyio.run(serve)


def serve_tcp(address: str, make_server: Callable[[str], Server]) -> int:
    """Serves one client on a loopback HOST:PORT. `make_server` gets the token to ask for, and should set `strict`.

    The real address is printed to stderr. Raises `ConfigError` for an address that is not loopback.
    """
    import anyio

    from copydesk.lsp import logs, server, transport

    host, port = transport.loopback_address(address)
    logs.to_stderr()
    token = server.session_token()

    async def serve(reader: transport.ByteReader, writer: transport.ByteWriter) -> int:
        return await make_server(token).serve(reader, writer)

    def listening(host: str, port: int) -> None:
        print(f"copydesk: listening on {host}:{port}", file=sys.stderr, flush=True)

    return anyio.run(transport.serve_tcp, host, port, serve, listening)
