"""`copydesk serve`: the language server over stdio or a loopback socket, put together and ended properly.

The collector is off while modules are imported and what they made is frozen, which saves start-up and teardown.
Start with `serve`.
"""

import gc
import logging
import sys
from typing import Any

import anyio

from copydesk import __version__
from copydesk.cli.arguments import Options
from copydesk.domain.errors import CopydeskError

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def serve(options: Options) -> int:
    """Serves one client and ends the process with the exit code the specification asks for."""
    gc.disable()
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
    from copydesk.app.assembly import Assembly

    assembly = Assembly(token=token)
    gc.freeze()
    gc.enable()
    async with assembly.core.running():
        return await assembly.server.serve(reader, writer)


def set_log_level(level: str) -> None:
    """`trace.level` for our own log, which goes to stderr only."""
    wanted = {"messages": logging.INFO, "verbose": logging.DEBUG}.get(level, logging.WARNING)
    logging.getLogger("copydesk").setLevel(wanted)


