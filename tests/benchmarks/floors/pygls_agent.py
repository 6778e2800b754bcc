"""The standard library's loop behind a bare pygls server: `floor.prompt` runs a task, edits go by workspace/applyEdit."""

import sys

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path

from tests.benchmarks.floors.stdlib_loop import Loop

server = LanguageServer("floor", "1", text_document_sync_kind=types.TextDocumentSyncKind.Incremental)


def _uri(path: str) -> str:
    uri = from_fs_path(f"{server.workspace.root_path}/{path}")
    assert uri is not None
    return uri


def _read(path: str) -> str:
    return server.workspace.get_text_document(_uri(path)).source


def _edit(path: str, old_text: str, new_text: str) -> str:
    """The one edit of the task is in the first line that has it; nothing more general is needed of a floor."""
    lines = _read(path).splitlines()
    line = next(number for number, text in enumerate(lines) if old_text in text)
    start = lines[line].index(old_text)
    where = types.Range(types.Position(line, start), types.Position(line, start + len(old_text)))
    edit = types.WorkspaceEdit(changes={_uri(path): [types.TextEdit(where, new_text)]})
    server.workspace_apply_edit(types.ApplyWorkspaceEditParams(edit)).result(10)
    return "edited"


loop = Loop(int(sys.argv[1]), {"read_file": _read, "edit_file": _edit})


@server.thread()
@server.command("floor.prompt")
def prompt(arguments: dict[str, str]) -> dict[str, str]:
    return {"message": loop.run(arguments["text"])}


if __name__ == "__main__":
    server.start_io()
