"""What is seen of Copydesk in a real VS Code: palette, status bar, live view, walkthrough, keys, the editor's own models."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.editors import story
from tests.editors.conftest import Start

if TYPE_CHECKING:
    from tests.editors.vscode import Window

pytestmark = pytest.mark.slow
LOCAL = ("127.0.0.1", "")
KEY = "sk-story-0123456789abcdef"


def scripted(tmp_path: Path, *steps: str, **settings: Any) -> dict[str, Any]:
    script = tmp_path / "model.script"
    script.write_text("\n--- step\n".join(steps), encoding="utf-8")
    return {"copydesk.model.name": f"scripted:{script}", **settings}


def ask(window: "Window", text: str) -> None:
    window.command("Copydesk: Ask…")
    window.answer(text)


def show_turn(window: "Window") -> None:
    window.command("Copydesk: Show Turn")
    window.until(lambda: window.webview(""), "the live view")


def ready(window: "Window") -> None:
    window.until(lambda: "idle" in window.status(), "the status bar says idle", 30)


ALWAYS = {
    "Copydesk: Answer a Permission Question",
    "Copydesk: Permissions",
    "Copydesk: Show What Left This Machine",
    "Copydesk: Ask…",
    "Copydesk: Prompt…",
    "Copydesk: Undo Turn",
    "Copydesk: Sessions",
    "Copydesk: New Session",
    "Copydesk: Select Model",
    "Copydesk: Set Mode",
    "Copydesk: Status",
    "Copydesk: Doctor",
    "Copydesk: Menu",
    "Copydesk: Show Turn",
    "Copydesk: Show Log",
    "Copydesk: Restart Server",
    "Copydesk: Set API Key…",
    "Copydesk: Clear API Key…",
    "Copydesk: Use the Editor's Language Models…",
    "Copydesk: Choose Python Interpreter…",
    "Copydesk: Open Walkthrough",
}
IN_AN_EDITOR = {f"Copydesk: {verb}" for verb in ("Explain", "Fix", "Document", "Write Tests", "Refactor…")}
WHILE_RUNNING = {"Copydesk: Cancel"}
WITH_HUNKS = {
    "Copydesk: Review Edits",
    "Copydesk: Accept Edits of the Newest Turn",
    "Copydesk: Reject Edits of the Newest Turn",
}


def titles(window: "Window") -> set[str]:
    shown = {one for one in window.palette("Copydesk:") if one.startswith("Copydesk: ")}
    return shown - {"Copydesk: Focus on Turn View"}  # VS Code's own, for every view


def test_the_palette_shows_what_makes_sense_now(start: Start, tmp_path: Path) -> None:
    steps = ("delay: 90\ntext: never said", story.edit_file("a.py", *story.HUNK_1), "text: Done.")
    window = start(settings=scripted(tmp_path, *steps))
    ready(window)
    assert titles(window) == ALWAYS
    window.open("a.py")
    assert titles(window) == ALWAYS | IN_AN_EDITOR
    ask(window, "go")
    window.until(lambda: "running" in window.status(), "it runs")
    assert titles(window) == ALWAYS | IN_AN_EDITOR | WHILE_RUNNING
    window.command("Copydesk: Cancel")
    window.until(lambda: "idle" in window.status(), "cancelled", 10)
    assert titles(window) == ALWAYS | IN_AN_EDITOR
    ask(window, "go on")
    window.until(lambda: "to review" in window.status(), "a hunk waits", 20)
    assert titles(window) == ALWAYS | IN_AN_EDITOR | WITH_HUNKS
    window.command("Copydesk: Reject Edits of the Newest Turn")
    ready(window)
    assert titles(window) == ALWAYS | IN_AN_EDITOR
    assert window.text("a.py") == story.SOURCE


def test_the_status_bar(start: Start, tmp_path: Path) -> None:
    # A step that is over before the window is drawn again is not seen, and need not be.
    read = 'delay: 0.5\ntool: read_file {"path": "b.py"}'
    edit = "delay: 0.5\n" + story.edit_file("a.py", *story.HUNK_1)
    window = start(settings=scripted(tmp_path, read, edit, "delay: 0.5\ntext: Done."))
    window.open("a.py")
    ready(window)
    ask(window, "go")
    window.until(lambda: "Accept hunk" in window.lenses(), "a hunk waits")
    window.lens("Accept hunk")
    window.until(lambda: "idle" in window.status(), "idle again")
    seen = [STATE.search(said) for said in window.statuses()]
    states = [found[1] for found in seen if found]
    changes = [state for state, before in zip(states, ["", *states], strict=False) if state != before]
    # The server's hints, by which the item knows what waits, come a moment after the turn's end.
    assert " ".join(changes).replace("running idle waiting", "running waiting") == LIFE, window.statuses()
    steps = {found[1] for said in window.statuses() if (found := re.search(r"step (\d)", said))}
    assert "2" in steps, "the step that takes time is seen"


LIFE = "starting idle running waiting for you idle"
STATE = re.compile(r"Copydesk: (starting|idle|running|waiting for you|not running|stopped)\b")


def test_the_live_view(start: Start, tmp_path: Path) -> None:
    """Text as it streams, calls, what it cost; and whatever a model writes stays text."""
    evil = (
        "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'> "
        "[click](command:workbench.action.closeWindow) ![x](http://picture.invalid/x.png) <b>bold</b>"
    )
    steps = (
        'think: First I look.\ntool: read_file {"path": "b.py"}',
        "delay: 1\ntext: Streamed words come one by one.\ntext: " + evil,
    )
    window = start(settings=scripted(tmp_path, *steps))
    window.open("a.py")
    ready(window)
    show_turn(window)
    ask(window, "look")
    frame = window.until(lambda: window.webview("Streamed words"), "the text")
    window.until(lambda: window.webview("Done"), "the end")
    words = frame.locator("body").inner_text()
    assert "b.py" in words, "the call"
    assert "<script>window.pwned = 1</script>" in words
    assert "<b>bold</b>" in words
    assert frame.evaluate("() => window.pwned") is None
    # The last of these is VS Code's own, in every webview.
    assert frame.locator("img, b, script:not([nonce]):not(#_vscodeApiScript)").count() == 0
    assert frame.locator("a[href^='command']").count() == 0
    assert frame.locator("[role=log], [aria-live]").count() > 0, "a screen reader hears it"
    # A webview's own files have addresses of this form; a worker in the page serves them, and no host has the name.
    assert all(host in LOCAL or host.endswith(".vscode-resource.vscode-cdn.net") for host in window.hosts), window.hosts


def test_the_walkthrough(start: Start) -> None:
    window = start(settings={"copydesk.model.name": "offline"})
    ready(window)
    window.command("Copydesk: Open Walkthrough")
    steps = window.page.locator(".gettingStartedContainer .getting-started-step")
    window.until(lambda: 3 <= steps.count() <= 5, "its steps")
    assert not window.errors()


def test_keys_are_never_in_a_log(start: Start) -> None:
    window = start(settings={"copydesk.model.name": "offline", "copydesk.trace.server": "verbose"})
    window.open("a.py")
    ready(window)
    (first,) = window.bench.servers()
    assert KEY not in environment_of(first)
    window.command("Copydesk: Set API Key…")
    window.choose("OpenAI")
    window.answer(KEY)
    window.toast("The key for OpenAI is stored", "Restart Server")
    window.until(lambda: KEY in "".join(map(environment_of, window.bench.servers())), "the server has the key", 30)
    ready(window)
    assert "Called by" in window.hover("area")
    window.command("Copydesk: Clear API Key…")
    window.choose("OpenAI")
    window.toast("The key for OpenAI is forgotten", "Restart Server")
    window.until(
        lambda: window.bench.servers() and not any(KEY in environment_of(one) for one in window.bench.servers()),
        "gone",
        30,
    )
    ready(window)
    assert "Copydesk" in window.bench.log, "there is a log to look at"
    assert "textDocument/hover" in window.bench.log
    written = "".join(path.read_text(errors="replace") for path in window.bench.data.rglob("*") if path.is_file())
    assert KEY not in written + "\n".join(window.console)


def environment_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except OSError:
        return ""


def test_the_editors_own_model(start: Start) -> None:
    """Nothing goes to a model of the editor's before the person has agreed; then it answers, with no key."""
    settings = {"copydesk.model.name": "editor/probe/parrot", "chat.disableAIFeatures": False}
    window = start(settings=settings, environment={"COPYDESK_PROBE_MODEL": "1"})
    window.open("a.py")
    ready(window)
    window.until(lambda: "probe/parrot" in window.probe("models"), "the editor has a model")
    ask(window, "say something")
    window.until(lambda: window.webview("agree in"), "it says that it may not, and what to do")
    assert not [one for one in window.probe("asked") if one["what"] == "model"]

    window.command("Copydesk: Use the Editor's Language Models…")
    window.dialog("Let Copydesk use the editor's language models?", "Agree")
    window.choose("editor/probe/parrot")
    ask(window, "say something now")
    window.until(lambda: window.webview("Said by the editor's model."), "its answer")
    (asked,) = [one for one in window.probe("asked") if one["what"] == "model"]
    assert "read_file" in asked["tools"]


def test_what_other_language_servers_know(start: Start, tmp_path: Path) -> None:
    call = 'tool: code_intel {"action": "definition", "path": "notes.txt", "line": 1, "symbol": "surface"}'
    window = start(settings=scripted(tmp_path, call, "expect: a.py\ntext: It is in a.py."))
    (window.folder / "notes.txt").write_text("the surface of things\n", encoding="utf-8")
    window.open("notes.txt")
    ready(window)
    show_turn(window)
    ask(window, "where is it")
    window.until(lambda: window.webview("It is in a.py."), "the answer")
    assert [one for one in window.probe("asked") if one["what"] == "definition"]
