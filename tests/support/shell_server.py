"""A `copydesk serve` over stdio whose commands run as plain processes, and are all allowed: for tests.

`python -m tests.support.shell_server`. Everything else is the real composition. A command with `wait-for-yes` in it is asked about, and nobody answers.
"""

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
    from copydesk.safety.approver import ModeApprover
    from tests.support.plain_shadow import PlainShadow

    assembly = Assembly(server, shadow=lambda workspace: PlainShadow(workspace, namespace=True))

    async def ask(request: PermissionRequest) -> Decision:
        if "wait-for-yes" in request.command:
            await anyio.sleep_forever()
        return Decision(True)

    assembly.core.host.parts.approver = lambda mode, verb: ModeApprover(mode, ask)


def main() -> None:
    from copydesk.lsp.entry import serve_stdio
    from copydesk.lsp.lifecycle import end_process

    end_process(serve_stdio(make))


if __name__ == "__main__":
    main()
