"""A `copydesk serve` over stdio whose commands are all allowed: for tests.

`python -m tests.support.shell_server`. Everything else is the real composition; with
`SHADOW=plain` commands run as plain processes in a copy. A command with `wait-for-yes` in it is asked about, and
nobody answers.
"""

import os

import anyio

from copydesk.app.serve import make_server
from copydesk.domain.permissions import Decision, PermissionRequest
from copydesk.lsp.server import Server


def make() -> Server:
    server = make_server()
    server.prepare = lambda: connect(server)
    return server


def connect(server: Server) -> None:
    from copydesk.app.assembly import Assembly
    from tests.support.approving import approver_for
    from tests.support.plain_shadow import PlainShadow

    plain = os.environ.get("SHADOW") == "plain"
    assembly = Assembly(server, shadow=(lambda workspace: PlainShadow(workspace, namespace=True)) if plain else None)

    async def ask(request: PermissionRequest) -> Decision:
        if "wait-for-yes" in request.command:
            await anyio.sleep_forever()
        return Decision(True)

    assembly.core.host.parts.approver = approver_for(ask)


def main() -> None:
    from copydesk.lsp.entry import serve_stdio
    from copydesk.lsp.lifecycle import end_process

    end_process(serve_stdio(make))


if __name__ == "__main__":
    main()
