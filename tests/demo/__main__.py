"""`make run [DIR=…] [FILE=…] [ASK=…] [APPLY=1]`: hover, a turn, its edit as a diff. See the package's docstring."""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.demo import show
from tests.demo.editor import Editor, ServerError, path_of
from tests.demo.targets import Target, best_target

CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-32"]},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {
        "applyEdit": True,
        "workspaceFolders": True,
        "configuration": True,
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create", "rename", "delete"]},
    },
    "experimental": {"copydesk": ["copydesk/session/update"]},
}


def main() -> int:
    root = Path(os.environ.get("DIR") or ".").resolve()
    if not root.is_dir():
        return fail(f"DIR={root} is not a folder. Give the root of a source tree.")
    file = Path(os.environ["FILE"]) if os.environ.get("FILE") else None
    file = (root / file).resolve() if file else None
    if file and not file.is_file():
        return fail(f"FILE={file} does not exist. Give a path inside {root}.")
    ask = os.environ.get("ASK", "")
    target = best_target(root, file)
    if not ask and target is None:
        return fail(f"No undocumented Python function under {root}. Say what to do: make run DIR={root} ASK='…'")
    with tempfile.TemporaryDirectory(prefix="copydesk-demo-") as state:
        return play(root, file, ask, target, state)


def play(root: Path, file: Path | None, ask: str, target: Target | None, state: str) -> int:
    progress = show.Progress()
    environment = {**os.environ, "COPYDESK_STATE_DIR": state}
    started = time.perf_counter()
    editor = Editor(root, progress, environment)
    initialized = editor.request(
        "initialize",
        {
            "processId": os.getpid(),
            "rootUri": root.as_uri(),
            "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
            "capabilities": CAPABILITIES,
            "initializationOptions": {"review": {"mode": "apply"}},
        },
    )
    ready_ms = (time.perf_counter() - started) * 1000
    editor.notify("initialized", {})
    server = initialized["serverInfo"]
    show.heading(f"{server['name']} {server['version']} on {root}")
    show.line("✓", f"language server ready in {ready_ms:.0f} ms (stdio)", "green")
    status = editor.request("workspace/executeCommand", {"command": "copydesk.status"})
    show_model(status)
    try:
        result = turn(editor, root, file, ask, target)
    except ServerError as error:
        return fail(str(error))
    progress.done()
    show_answer(result, progress)
    changed = show_edit(editor, root)
    show_evidence(result)
    code = editor.close()
    finish(editor, changed, code)
    return 0 if result["stopReason"] == "end_turn" else 1


def show_model(status: dict[str, Any]) -> None:
    model = status.get("model") or {}
    name = model.get("name", "?")
    if model.get("isLanguageModel"):
        show.line("✓", f"model: {name}", "green")
    else:
        show.line(
            "✓", f"model: {name} — deterministic, works with no key and no network; not a language model", "yellow"
        )


def turn(editor: Editor, root: Path, file: Path | None, ask: str, target: Target | None) -> dict[str, Any]:
    if target and (file is not None or not ask):
        hover(editor, target)
    if ask:
        argument: dict[str, Any] = {"text": ask, "wait": True}
        if file:
            argument["uri"] = editor.open(file)
        show.heading(f"copydesk.prompt: {ask}")
        return command(editor, "copydesk.prompt", argument)
    assert target is not None
    uri = editor.open(target.path)
    place = {"line": target.line, "character": target.column}
    show.heading(f"copydesk.document {target.name}  ({target.path.relative_to(root)}:{target.line + 1})")
    return command(editor, "copydesk.document", {"uri": uri, "range": {"start": place, "end": place}, "wait": True})


def command(editor: Editor, name: str, argument: dict[str, Any]) -> dict[str, Any]:
    result = editor.request("workspace/executeCommand", {"command": name, "arguments": [argument]})
    time.sleep(0.1)  # let the last notifications arrive before the summary is printed
    return result


def hover(editor: Editor, target: Target) -> None:
    uri = editor.open(target.path)
    position = {"line": target.line, "character": target.column}
    started = time.perf_counter()
    answer = editor.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})
    elapsed_ms = (time.perf_counter() - started) * 1000
    show.heading(f"hover over {target.name}  ({elapsed_ms:.1f} ms)")
    show.block(answer["contents"]["value"] if answer else "(nothing to say)")


def show_answer(result: dict[str, Any], progress: show.Progress) -> None:
    usage = result.get("usage") or {}
    show.heading(f"answer ({result['stopReason']}; {usage.get('input', 0)} tokens in, {usage.get('output', 0)} out)")
    show.block(result.get("message") or result.get("error") or "(no words)")
    for uri in progress.documents:
        show.line("▤", f"the whole answer opens as {uri}")


def show_edit(editor: Editor, root: Path) -> list[Path]:
    changed: list[Path] = []
    for uri, text in editor.buffers.items():
        path = path_of(uri)
        source = path_of(editor.moved[uri]) if uri in editor.moved else path
        old = source.read_bytes().decode("utf-8") if source.exists() else ""
        if old != text or uri in editor.moved:
            if not changed:
                show.heading("workspace edit (in the editor's buffers, unsaved)")
            show.diff(old, text, str(path.relative_to(root)) if path.is_relative_to(root) else str(path))
            changed.append(path)
    for uri in editor.deleted:
        show.line("−", f"delete {path_of(uri)}", "red")
    return changed


def show_evidence(result: dict[str, Any]) -> None:
    show.heading("evidence")
    for entry in result.get("evidence") or []:
        show.line("✓", str(entry), "green")
    for file in (result.get("review") or {}).get("files", []):
        words = {"applied": "proven: the text the editor synced back contains the edit"}.get(
            file["state"], file["state"]
        )
        show.line("✓" if file["state"] == "applied" else "!", f"{Path(file['uri']).name}: {words}", "green")
    if not result.get("evidence"):
        show.line("·", "not checked by any command")


def finish(editor: Editor, changed: list[Path], code: int) -> None:
    apply = os.environ.get("APPLY") == "1"
    if apply:
        for uri, text in editor.buffers.items():
            path_of(uri).parent.mkdir(parents=True, exist_ok=True)
            path_of(uri).write_bytes(text.encode("utf-8"))
        for uri in (*editor.deleted, *editor.moved.values()):
            path_of(uri).unlink(missing_ok=True)
    words = f"saved {len(changed)} file(s)" if apply else "your files on disk are as they were (APPLY=1 saves them)"
    show.line("✓", f"server ended with code {code}; {words}\n", "green")


def fail(text: str) -> int:
    print(show.paint(f"make run: {text}", "red"), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
