"""`make run [DIR=…] [FILE=…] [ASK=…] [APPLY=1] [TRUST=1]`: a hover, a turn, its edit as a diff, and what is proven of it.

Plays the editor's side of the main job in order: start with `play`. Writes nothing under DIR unless APPLY=1.
"""

import ast
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.demo import show
from tests.demo.editor import Editor, ServerError, path_of
from tests.demo.progress import Progress
from tests.demo.targets import Target, best_target

MAX_FAILURES = 5
OWN = Path(__file__).resolve().parents[2]
CHECKS_WAIT_S = 30
MODEL_WAIT_S = 5.0
"""How long the server may take to find out which model `auto` is."""
CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-32"]},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "textDocument": {"hover": {"contentFormat": ["markdown"]}},
    "workspace": {
        "applyEdit": True,
        "workspaceFolders": True,
        "configuration": True,
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create", "rename", "delete"]},
    },
    "experimental": {"copydesk": ["copydesk/session/update"]},
}


@dataclass(frozen=True, slots=True)
class Job:
    """What the person asked for, and what is shown for want of it."""

    root: Path
    file: Path | None
    ask: str
    target: Target | None
    apply: bool
    trusted: bool = False
    """Whether the folder's own tests may run: it is this repository, or the person said so."""

    def shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


class Refusal(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


def main() -> int:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        job = read_job(os.environ)
        with tempfile.TemporaryDirectory(prefix="copydesk-demo-", ignore_cleanup_errors=True) as state:
            return play(job, state)
    except (Refusal, ServerError) as error:
        show.say()
        print(show.paint(f"make run: {error}", "red"), file=sys.stderr)
        return 1
    except BrokenPipeError:  # `make run | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        show.say("\n  stopped; nothing was written")
        return 130


def read_job(environment: Any) -> Job:
    root = Path(environment.get("DIR") or ".").expanduser().resolve()
    if not root.is_dir():
        raise Refusal(f"DIR={root} is not a folder. Give the root of a source tree.")
    if not os.access(root, os.R_OK | os.X_OK):
        raise Refusal(f"DIR={root} may not be read by you. Give a folder that you can list.")
    named = environment.get("FILE") or ""
    file = (root / named).resolve() if named else None
    if file and not file.is_file():
        raise Refusal(f"FILE={named} is not a file in {root}. Give a path inside that folder.")
    if file and not file.is_relative_to(root):
        raise Refusal(f"FILE={named} lies outside {root}. Give DIR=… that contains it.")
    if file:
        _check_text(file, named)
    ask = (environment.get("ASK") or "").strip()
    trusted = root == OWN or environment.get("TRUST") == "1"
    return Job(root, file, ask, best_target(root, file, ask), environment.get("APPLY") == "1", trusted)


def _check_text(file: Path, named: str) -> None:
    try:
        file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(f"FILE={named} is not UTF-8 text, and that is all this small editor opens.") from None
    except OSError as error:
        raise Refusal(f"FILE={named} cannot be read: {error.strerror}.") from None


def play(job: Job, state: str) -> int:
    progress = Progress()
    started = time.perf_counter()
    editor = Editor(job.root, progress, {**os.environ, "COPYDESK_STATE_DIR": state})
    try:
        times = {"server": start_server(editor, job, started)}
        show_model(editor)
        if job.target:
            times["hover"] = hover(editor, job, job.target)
        before = time.perf_counter()
        result = turn(editor, job, progress)
        times["turn"] = time.perf_counter() - before
        show_answer(result, progress)
        changed = show_edit(editor, job)
        show_evidence(editor, job, result, changed)
        save(editor, job, changed)
        code = editor.close()
    except BaseException:
        editor.kill()
        raise
    finish(times, code, progress)
    show_next(job, changed)
    return 0 if result["stopReason"] == "end_turn" else 1


# --- before the turn ---


def start_server(editor: Editor, job: Job, started: float) -> float:
    """Seconds from starting the process to its answer to `initialize`."""
    folder = {"uri": job.root.as_uri(), "name": job.root.name or "/"}
    params = {
        "processId": os.getpid(),
        "clientInfo": {"name": "make run"},
        "rootUri": folder["uri"],
        "workspaceFolders": [folder],
        "capabilities": CAPABILITIES,
        "initializationOptions": {
            "review": {"mode": "apply"},
            "verify": {"waitS": CHECKS_WAIT_S},
            **({"workspaceTrusted": True} if job.trusted else {}),
        },
    }
    initialized = editor.request("initialize", params)
    ready_s = time.perf_counter() - started
    editor.notify("initialized", {})
    server = initialized["serverInfo"]
    show.title(f"{server['name'].capitalize()} {server['version']}", str(job.root))
    show.line("✓", f"language server started over stdio in {ms(ready_s)}", "green")
    return ready_s


def show_model(editor: Editor) -> None:
    model = _resolved_model(editor)
    name = model.get("name", "?")
    if model.get("isLanguageModel"):
        show.line("✓", f"model: {name}", "green")
    elif name == "offline":
        show.line("✓", "model: offline, built in: no key, no network, and no language model", "green")
    else:
        show.line("!", f"model: {name}. {model.get('problem', 'It is not known yet whether it answers.')}", "yellow")


def _resolved_model(editor: Editor) -> dict[str, Any]:
    """The model as `copydesk.status` names it, once `auto` has been found out."""
    until = time.monotonic() + MODEL_WAIT_S
    while True:
        model = execute(editor, "copydesk.status", {}).get("model") or {}
        if model.get("name") != "auto" or model.get("problem") or time.monotonic() > until:
            return model
        time.sleep(0.02)


def hover(editor: Editor, job: Job, target: Target) -> float:
    uri = editor.open(target.path)
    position = {"line": target.line, "character": target.column}
    started = time.perf_counter()
    answer = editor.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})
    elapsed_s = time.perf_counter() - started
    show.heading(f"Hover over {target.name}", f"{job.shown(target.path)}:{target.line + 1}, {ms(elapsed_s)}")
    show.block(answer["contents"]["value"] if answer else "(nothing to say)")
    return elapsed_s


# --- the turn ---


def turn(editor: Editor, job: Job, progress: Progress) -> dict[str, Any]:
    name, argument = command_of(editor, job)
    aside = f"{job.shown(job.target.path)}:{job.target.line + 1}" if "range" in argument and job.target else ""
    show.heading(argument.get("text") or f"Copydesk: {name.capitalize()} {argument['subject']}", aside)
    restore = signal.signal(signal.SIGINT, lambda *_: _cancel(editor))
    try:
        result = execute(editor, f"copydesk.{name}", {**argument, "wait": True})
    finally:
        signal.signal(signal.SIGINT, restore)
    progress.ended.wait(timeout=2)  # the last words may come after the answer
    progress.done()
    return result


def command_of(editor: Editor, job: Job) -> tuple[str, dict[str, Any]]:
    """The command and its argument, as a client would send them."""
    if job.ask:
        return "prompt", {"text": job.ask, **({"uri": editor.open(job.file)} if job.file else {})}
    if job.target is None:
        where = {"uri": editor.open(job.file)} if job.file else {}
        return "ask", {"text": "What can you do here?", **where}
    place = {"line": job.target.line, "character": job.target.column}
    uri, subject = editor.open(job.target.path), job.target.name
    return job.target.verb, {"uri": uri, "range": {"start": place, "end": place}, "subject": subject}


def _cancel(editor: Editor) -> None:
    editor.post("workspace/executeCommand", {"command": "copydesk.cancel"})


def execute(editor: Editor, name: str, argument: dict[str, Any]) -> dict[str, Any]:
    return editor.request("workspace/executeCommand", {"command": name, "arguments": [argument]})


# --- after the turn ---


def show_answer(result: dict[str, Any], progress: Progress) -> None:
    """What the streamed words did not say: the closing note, an error, the reason to stop."""
    message = (result.get("message") or "").strip()
    said = progress.said
    rest = message.removeprefix(said).strip() if said and message.startswith(said) else message
    if rest and rest != said:
        show.block(rest)
    if result.get("error") and result["error"] not in message:
        show.line("✗", result["error"], "red")
    for uri in progress.documents:
        show.line("▤", f"opened {uri}")
    if result["stopReason"] != "end_turn":
        show.line("!", f"stopped: {result['stopReason']}", "yellow")


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after, for the person; `before` is "" for a new one."""

    path: Path
    before: str
    after: str
    moved_from: Path | None = None
    is_new: bool = False


def show_edit(editor: Editor, job: Job) -> list[Change]:
    changes = changes_of(editor)
    if changes or editor.deleted:
        show.heading("The edit", "one workspace edit, in the editor's buffers, unsaved")
    for change in changes:
        name = job.shown(change.path)
        old = "/dev/null" if change.is_new else f"a/{job.shown(change.moved_from or change.path)}"
        if change.moved_from:
            show.line("↷", f"move {job.shown(change.moved_from)} to {name}", "yellow")
        show.diff(change.before, change.after, old, f"b/{name}")
    for uri in sorted(editor.deleted):
        show.line("−", f"delete {job.shown(path_of(uri))}", "red")
    return changes


def changes_of(editor: Editor) -> list[Change]:
    changes: list[Change] = []
    for uri, text in editor.buffers.items():
        moved = path_of(editor.moved[uri]) if uri in editor.moved else None
        source = moved or path_of(uri)
        is_new = uri in editor.created
        old = "" if is_new or not source.exists() else source.read_bytes().decode("utf-8")
        if is_new or moved or old != text:
            changes.append(Change(path_of(uri), old, text, moved, is_new))
    return changes


def show_evidence(editor: Editor, job: Job, result: dict[str, Any], changed: list[Change]) -> None:
    show.heading("Evidence")
    for run in result.get("evidence") or []:
        show_run(run)
    seen = {change.path: seen_of(change) for change in changed}
    for file in (result.get("review") or {}).get("files", []):
        path = path_of(file["uri"])
        if file["state"] == "applied":
            facts = ["proven: the text this editor synced back contains the edit", *seen.get(path, [])]
            show.line("✓", f"{job.shown(path)}: {'; '.join(facts)}", "green")
        else:
            show.line("!", f"{job.shown(path)}: {file['state']}. {file.get('note', '')}".strip(), "yellow")
    if not changed and not editor.deleted:
        show.line("✓", "no file was to be changed, and none was", "green")


def show_run(run: dict[str, Any]) -> None:
    """One check: how it went, the command as it was run, and what fails anew."""
    marks = {"passed": ("✓", "green"), "known_failures": ("!", "yellow"), "new_failures": ("✗", "red")}
    mark, colour = marks.get(run["state"], ("·", "yellow"))
    show.line(mark, run["text"].replace("`", ""), colour)
    if run["command"] and run["state"] != "not_checked":
        where = f"  (in {run['backend']})" if run["backend"] else ""
        show.line(" ", f"{run['command']}{where}", "dim", "dim")
    for failure in run["failures"][:MAX_FAILURES]:
        show.line(" ", failure, "red")


def seen_of(change: Change) -> list[str]:
    """What this editor can see for itself."""
    facts: list[str] = []
    kept = iter(change.after.splitlines())
    if not change.is_new and all(line in kept for line in change.before.splitlines()):
        facts.append("every line that was there still is")
    if change.path.suffix == ".py":
        try:
            ast.parse(change.after)
            facts.append("it parses")
        except (SyntaxError, ValueError) as error:
            facts.append(f"IT DOES NOT PARSE ({error})")
    return facts


def save(editor: Editor, job: Job, changed: list[Change]) -> None:
    if not changed and not editor.deleted:
        return
    if not job.apply:
        show.line("✓", "the files on disk are as they were; APPLY=1 saves the edit", "green")
        return
    try:
        for change in changed:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            change.path.write_bytes(change.after.encode("utf-8"))
        for uri in (*editor.deleted, *editor.moved.values()):
            path_of(uri).unlink(missing_ok=True)
    except OSError as error:
        raise Refusal(
            f"{error.filename} cannot be saved: {error.strerror}. Your text is as it was; leave out APPLY=1 to only look."
        ) from None
    show.line("✓", f"saved {counted(len(changed) + len(editor.deleted), 'file')}", "green")


def finish(times: dict[str, float], code: int, progress: Progress) -> None:
    parts = [f"{name} {ms(seconds)}" for name, seconds in times.items()]
    calls = f"{counted(progress.n_steps, 'model request')}, {counted(progress.n_calls, 'tool call')}"
    show.line("✓" if code == 0 else "✗", f"server ended with code {code}", "green" if code == 0 else "red")
    show.line("·", f"{' · '.join(parts)} ({calls})", "dim", "dim")


def show_next(job: Job, changed: list[Change]) -> None:
    """One more thing to try, made of what was just seen."""
    where = "" if job.root == Path.cwd() else f" DIR={quoted(str(job.root))}"
    name = job.target.name if job.target else ""
    if changed and not job.apply and not job.ask and job.target and job.target.column == len("def "):
        file = quoted(job.shown(job.target.path))
        next_one = f"make run{where} FILE={file} ASK={quoted(f'write tests for {name}')}"
    elif name and "explain" not in job.ask:
        next_one = f"make run{where} ASK={quoted(f'explain {name}')}"
    else:
        next_one = "make run DIR=~/your/project"
    show.say(f"\n  {show.paint('Try next:', 'bold')} {show.paint(next_one, 'cyan')}\n")


def quoted(text: str) -> str:
    plain = text.replace("/", "").replace(".", "").replace("-", "").replace("_", "").isalnum()
    return text if plain and text.isascii() else f'"{text}"'


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
