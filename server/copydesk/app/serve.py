"""`copydesk serve`: the language server over stdio or a loopback socket, composed after `initialize` is answered.

What is imported before that answer is start-up time that a person waits for; the rest is connected between it and
the next message. Start with `serve`.
"""

import gc
import sys
from typing import NoReturn

from copydesk import __version__
from copydesk.domain.errors import CopydeskError
from copydesk.lsp.entry import serve_stdio, serve_tcp
from copydesk.lsp.lifecycle import end_process
from copydesk.lsp.names import COMMANDS, REQUESTS
from copydesk.lsp.server import Server
from copydesk.workspace.overlay import Overlay


def serve(tcp: str | None) -> NoReturn:
    """Serves one client, then ends the process with the exit code the specification asks for."""
    try:
        code = serve_tcp(tcp, lambda token: make_server(token, strict=True)) if tcp else serve_stdio(make_server)
    except CopydeskError as error:
        print(f"copydesk: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    end_process(code)


def make_server(token: str | None = None, *, strict: bool = False) -> Server:
    """A server that promises its features and connects them once it has answered `initialize`."""
    server = Server(Overlay(), version=__version__, token=token, strict=strict)
    server.commands.extend(COMMANDS)
    server.promised = REQUESTS
    server.prepare = lambda: _connect(server)
    return server


def _connect(server: Server) -> None:
    from copydesk.app.assembly import Assembly

    Assembly(server)
    gc.freeze()
