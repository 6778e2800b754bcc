"""The commands this server offers, as plain names: `initialize` is answered before the features are imported.

A test holds this against what `commands.Commands` really handles.
"""

COMMANDS: tuple[str, ...] = (
    "copydesk.prompt",
    "copydesk.ask",
    "copydesk.explain",
    "copydesk.fix",
    "copydesk.document",
    "copydesk.test",
    "copydesk.refactor",
    "copydesk.send",
    "copydesk.answer",
    "copydesk.cancel",
    "copydesk.review.show",
    "copydesk.review.accept",
    "copydesk.review.reject",
    "copydesk.undo",
    "copydesk.status",
    "copydesk.models",
    "copydesk.model.set",
    "copydesk.mode.set",
    "copydesk.session.new",
    "copydesk.session.list",
    "copydesk.doctor",
    "copydesk.ledger",
    "copydesk.permission.answer",
    "copydesk.permissions",
    "copydesk.workspace.trust",
)
REQUESTS: frozenset[str] = frozenset(
    {
        "workspace/executeCommand",
        "textDocument/codeAction",
        "codeAction/resolve",
        "textDocument/hover",
        "textDocument/codeLens",
        "workspace/textDocumentContent",
    }
)
"""Requests the features answer, advertised before their handlers are there."""
