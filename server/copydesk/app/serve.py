"""`copydesk serve`: the language server over stdio or a loopback socket, put together and ended properly.

The collector runs rarely while modules are imported and what they made is frozen: that saves start-up and teardown
without keeping the garbage of lsprotocol's 500 classes (8 MiB with the collector off).
Start with `serve`.
"""

import gc
import logging
import sys
from typing import TYPE_CHECKING, Any

import anyio

from copydesk import __version__
from copydesk.cli.arguments import Options
from copydesk.domain.errors import CopydeskError

if TYPE_CHECKING:
    from copydesk.lsp.server import Server

IMPORT_THRESHOLD = 10_000
GC_THRESHOLD = (2_000, 20, 20)
"""Collections in the running server: fewer than by default, since what was imported is frozen."""

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def serve(options: Options) -> int:
    """Serves one client and ends the process with the exit code the specification asks for."""
    gc.set_threshold(IMPORT_THRESHOLD, 10, 10)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=LOG_FORMAT)
    from copydesk.lsp.lifecycle import end_process

    try:
        code = anyio.run(_serve_tcp, options.tcp) if options.tcp else anyio.run(_serve_stdio)
    except CopydeskError as error:
        print(f"copydesk: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    end_process(code)


async def _serve_stdio() -> int:
    from copydesk.lsp.transport import PipeReader, PipeWriter, take_stdio

    read_from, write_to = take_stdio()
    return await _serve(PipeReader(read_from), PipeWriter(write_to), token=None)


async def _serve_tcp(address: str) -> int:
    from copydesk.lsp.server import session_token
    from copydesk.lsp.transport import loopback_address, serve_tcp

    host, port = loopback_address(address)
    token = session_token()
    return await serve_tcp(host, port, lambda reader, writer: _serve(reader, writer, token=token))


async def _serve(reader: Any, writer: Any, *, token: str | None) -> int:
    from copydesk.lsp.names import COMMANDS, REQUESTS
    from copydesk.lsp.server import Server
    from copydesk.workspace.overlay import Overlay

    server = Server(Overlay(), version=__version__, token=token)
    server.commands.extend(COMMANDS)
    server.promised = REQUESTS
    server.prepare = lambda: _prepare(server)
    return await server.serve(reader, writer)


def _prepare(server: "Server") -> None:
    """Imports and connects the rest, between the answer to `initialize` and the next message."""
    from copydesk.app.assembly import Assembly

    Assembly(server)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)


def set_log_level(level: str) -> None:
    """`trace.level` for our own log, which goes to stderr only."""
    wanted = {"messages": logging.INFO, "verbose": logging.DEBUG}.get(level, logging.WARNING)
    logging.getLogger("copydesk").setLevel(wanted)
