"""A window of VS Code in a headless Chromium: what a person does with mouse and keyboard there, and what they see.

Every action goes through the real interface; every answer comes from what is drawn, or, where a text must be exact, from
the companion extension in `vscode_probe/`. Nothing sleeps: `until` waits for what must come to be. Knows nothing of
Copydesk's protocol. Start with `browser`, then `window`; the workbench itself is in `vscode_workbench.py`.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Error, Frame, Locator, Page, sync_playwright

from tests.editors.vscode_workbench import Workbench

LIMIT_S = 15.0
AGAIN_S = 5.0
OPEN_LIMIT_S = 45.0
SIZE = {"width": 1280, "height": 800}
STATUS_ITEM = ".statusbar-item[id^='copydesk']"
MENU = ".action-widget:not(.action-list-submenu-panel)"
PICTURES = Path(__file__).parents[2] / "docs" / "images"


@contextmanager
def browser(program: str) -> Iterator[Browser]:
    """Chromium, which finds no host but this machine."""
    flags = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb", "--font-render-hinting=none"]
    flags += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=flags)
        try:
            yield started
        finally:
            started.close()


ROWS = """rows => rows.map(row => [
  Number(row.dataset.index), Number(row.getAttribute("aria-setsize")), row.querySelector(".label-name").innerText.trim()
])"""
"""Of each row that is drawn: its place, how many there are, its label."""


class Window:
    """One window on one folder."""

    def __init__(self, page: Page, bench: Workbench, folder: Path, pictures: Path) -> None:
        self.page = page
        self.bench = bench
        self.folder = folder
        self.pictures = pictures
        """Where pictures go that nobody asked to keep."""
        self.console: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", self._heard)
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname or ""))
        page.set_default_timeout(LIMIT_S * 1000)

    def _heard(self, message: ConsoleMessage) -> None:
        if not message.text.startswith("%c INFO"):
            self.console.append(f"{message.type}: {message.text}")

    def visit(self) -> None:
        """Opens the folder, and waits until the window is drawn and its extensions run."""
        self.page.goto(f"{self.bench.address}/?folder={quote(str(self.folder))}")
        drawn = self.page.locator(".monaco-workbench .part.statusbar")
        self.until(drawn.is_visible, "a window", OPEN_LIMIT_S)
        self.page.evaluate(RECORD_STATUSES)
        self.until(lambda: self.probe("trusted") in (True, False), "its extensions run", OPEN_LIMIT_S)

    # --- waiting ---

    def until(self, ready: Callable[[], Any], why: str, limit_s: float = LIMIT_S) -> Any:
        """The first value of `ready` that is not empty. What is not there yet counts as empty."""
        end = time.monotonic() + limit_s
        problem = ""
        while True:
            try:
                if found := ready():
                    return found
            except (Error, OSError, LookupError) as error:  # not drawn yet, drawn anew meanwhile; a host that starts
                problem = f" ({error})"
            failed = [line for line in self.console if "Activating extension" in line]
            if failed or time.monotonic() > end:
                raise AssertionError(f"not within {limit_s:g} s: {why}{problem}{' '.join(failed)}")
            self.page.wait_for_timeout(50)  # lets the browser's events in; a sleep of our own would not

    def gone(self, there: Callable[[], Any], why: str, limit_s: float = LIMIT_S) -> None:
        self.until(lambda: not there(), why, limit_s)

    # --- keyboard ---

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, text: str, delay_ms: float = 0) -> None:
        """Types it where the focus is, as a person does: a key for each character, Enter for each line end."""
        self.page.keyboard.type(text, delay=delay_ms)

    # --- editors ---

    def probe(self, question: str, argument: str = "") -> Any:
        return self.bench.ask(self.folder.name, question, argument)

    def open(self, name: str) -> None:
        """By quick open, and waits until it is the active editor."""
        self.press("Control+p")
        self._quick_input().fill(name)
        wanted = self.page.locator(".quick-input-widget .monaco-list-row", has_text=Path(name).name).first
        wanted.wait_for()
        self.press("Enter")
        self.until(lambda: self.active().endswith("/" + name), f"{name} is open")
        self.until(lambda: self.editor().locator(".view-line").count(), f"{name} is drawn")

    def active(self) -> str:
        """The active editor's document, as a URI; empty without one."""
        found = self.probe("active")
        return found["uri"] if found else ""

    def editor(self) -> Locator:
        """The text editor that is active, as drawn."""
        return self.page.locator(".editor-group-container.active .editor-instance .monaco-editor").last

    def document(self, name: str) -> dict[str, Any]:
        ending = "/" + name
        found = [
            one for one in self.probe("documents") if one["uri"].endswith(ending) and one["uri"].startswith("file:")
        ]
        assert found, f"{name} is not open"
        return found[0]

    def text(self, name: str) -> str:
        return self.document(name)["text"]

    def at(self, line: int, column: int = 1) -> None:
        """Puts the cursor there; both count from 1."""
        self.focus_editor()
        self.press("Control+g")
        self._quick_input().fill(f":{line}:{column}")
        self.press("Enter")
        self.gone(self._quick_open, "the box for the line is closed")
        self.until(lambda: self.probe("cursor")["line"] == line - 1, f"the cursor is in line {line}")

    def focus_editor(self) -> None:
        self.press("Control+1")

    def hover(self, text: str) -> str:
        """Moves the mouse onto the first place in the editor where `text` is; what the hover says, when it says more
        than that it loads."""
        spot = self.until(lambda: self.page.evaluate(WHERE_TEXT_IS, text), f"{text!r} is drawn in the editor")
        self.page.mouse.move(spot["x"], spot["y"] + 150)
        self.page.mouse.move(spot["x"], spot["y"], steps=3)

        def said() -> str:
            shown = self.page.locator(".monaco-editor .monaco-hover:not(.hidden)").last
            words = shown.inner_text(timeout=500) if shown.is_visible() else ""
            return "" if "Loading" in words else words

        return self.until(said, f"a hover over {text!r}")

    def actions(self) -> list[str]:
        """Opens the lightbulb's menu at the cursor; its titles."""
        menu = self.page.locator(MENU)
        asked = 0.0

        def opened() -> bool:
            nonlocal asked
            if not menu.is_visible() and time.monotonic() - asked > AGAIN_S:  # what is drawn meanwhile may close it
                asked = time.monotonic()
                self.press("Control+.")
            return menu.is_visible()

        self.until(opened, "the lightbulb's menu")
        rows = menu.locator(".monaco-list-row.action")
        self.until(rows.count, "actions in the menu")
        return [words.strip() for words in rows.all_inner_texts()]

    def act(self, title: str) -> None:
        """Chooses an action from the lightbulb's menu at the cursor."""
        titles = self.actions()
        found = [one for one in titles if one.startswith(title)]
        assert found, f"no action {title!r} in {titles}"
        self.page.locator(f"{MENU} .monaco-list-row.action", has_text=found[0]).first.click()
        self.gone(self.page.locator(MENU).is_visible, "the menu is closed")

    def lenses(self, side: str = "") -> list[str]:
        """What the code lenses say; of one side of a diff, `original` or `modified`, where that is given."""
        return [words.strip() for words in self._lenses(side).all_inner_texts()]

    def _lenses(self, side: str) -> Locator:
        return self.page.locator(f"{f'.editor.{side} ' if side else ''}.codelens-decoration a")

    def lens(self, title: str, number: int = 0, side: str = "") -> None:
        """Clicks the lens with this title, the first from above unless `number` says another."""
        found = self._lenses(side).filter(has_text=re.compile(rf"^{re.escape(title)}"))
        self.until(lambda: found.count() > number, f"a lens {title!r}")
        found.nth(number).click()

    # --- palette, boxes and lists ---

    def _quick_input(self) -> Locator:
        box = self.page.locator(".quick-input-widget:not([style*='display: none']) .quick-input-box input")
        box.wait_for()
        return box

    def _quick_open(self) -> bool:
        return self.page.locator(".quick-input-widget").is_visible()

    def palette(self, words: str) -> list[str]:
        """The titles that the palette offers for these words; the palette is closed again."""
        self.press("F1")
        self._quick_input().fill(">" + words)
        titles = self.picks()
        self.press("Escape")
        self.gone(self._quick_open, "the palette is closed")
        return titles

    def picks(self) -> list[str]:
        """The rows of the list that is open, from the first to the last one."""
        rows = self.page.locator(".quick-input-widget .quick-input-list .monaco-list-row")
        self.until(rows.count, "something in the list")
        seen: dict[int, str] = {}
        total = 1
        self.press("Home")
        while len(seen) < total:
            drawn = rows.evaluate_all(ROWS)  # at once: the list may be another a moment later
            if drawn and drawn[0][1] != total:
                seen, total = {}, drawn[0][1]
            seen |= {index: label for index, _, label in drawn}
            self.press("PageDown")
            self.page.wait_for_timeout(30)
        return [seen[index] for index in sorted(seen)]

    def command(self, title: str) -> None:
        """Runs a command by its title in the palette."""
        self.press("F1")
        self._quick_input().fill(">" + title)
        self.choose(title)

    def choose(self, label: str) -> None:
        """Takes the row with this label from the list that is open."""
        rows = self.page.locator(".quick-input-widget .monaco-list-row")
        name = self.page.locator(".label-name", has_text=re.compile(rf"^\s*{re.escape(label)}\s*$"))
        wanted = rows.filter(has=name).first
        self.until(wanted.is_visible, f"{label!r} in the list")
        wanted.click()
        self.gone(wanted.is_visible, f"{label!r} is taken")

    def choose_first(self, start: str) -> None:
        """Takes the first row whose label starts so."""
        self.choose(self.until(lambda: next((one for one in self.picks() if one.startswith(start)), ""), start))

    def answer(self, text: str, placeholder: str = "") -> None:
        """Fills the input box that asks for free text."""
        box = self._quick_input()
        if placeholder:
            self.until(lambda: placeholder in (box.get_attribute("placeholder") or "") + self.box_title(), placeholder)
        box.fill(text)
        self.press("Enter")

    def box_title(self) -> str:
        return self.page.locator(".quick-input-widget").inner_text()

    # --- what comes up ---

    def toasts(self) -> list[str]:
        """The notifications that are shown now."""
        shown = self.page.locator(".notifications-toasts .notification-list-item")
        return [words.strip() for words in shown.all_inner_texts()]

    def toast(self, words: str, button: str | None = None, limit_s: float = LIMIT_S) -> str:
        """Waits for a notification with these words, and presses its button; what it says."""
        shown = self.page.locator(".notifications-toasts .notification-list-item", has_text=words).first
        self.until(shown.is_visible, f"a notification with {words!r}, not only {self.toasts()}", limit_s)
        said = shown.inner_text()
        if button:
            shown.get_by_role("button", name=button, exact=True).click()
        return said

    def errors(self) -> list[str]:
        """Notifications that are errors."""
        return self.page.locator(".notification-list-item:has(.codicon-error)").all_inner_texts()

    def dialog(self, words: str, button: str | None = None) -> str:
        """Waits for the modal dialog with these words, and presses its button; what it says."""
        shown = self.page.locator(".monaco-dialog-box", has_text=words)
        self.until(shown.is_visible, f"a dialog with {words!r}")
        said = shown.inner_text()
        if button:
            shown.get_by_role("button", name=button, exact=True).click()
            self.gone(shown.is_visible, "the dialog is closed")
        return said

    # --- status bar ---

    def status_item(self) -> Locator:
        return self.page.locator(STATUS_ITEM).first

    def status(self) -> str:
        """What the status-bar item says, its text and what a screen reader is told."""
        item = self.status_item()
        if not item.is_visible():
            return ""
        label = item.locator("[aria-label]").first.get_attribute("aria-label") or ""
        return f"{item.inner_text().strip()} · {label}"

    def statuses(self) -> list[str]:
        """Every text that the status-bar item has had in this window, in order; also those nobody would have caught."""
        return self.page.evaluate("() => window.copydeskStatuses ?? []")

    def click_status(self) -> None:
        self.status_item().locator("a, [role=button]").first.click()

    # --- webviews ---

    def webview(self, words: str) -> Frame | None:
        """The inner frame of the webview that shows these words."""
        for frame in self.page.frames:
            try:
                inner = frame.name == "active-frame" or "fake.html" in frame.url
                if inner and words in frame.locator("body").inner_text(timeout=500):
                    return frame
            except Error:
                continue  # drawn anew meanwhile
        return None

    # --- pictures, and what to look at when something failed ---

    def picture(self, name: str, keep: bool, *, keep_mouse: bool = False) -> Path:
        """Of the whole window. `keep`: for the README; `keep_mouse`: the mouse stays where it is."""
        path = (PICTURES if keep else self.pictures) / f"vscode-{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not keep_mouse:
            self.page.mouse.move(SIZE["width"] - 3, SIZE["height"] // 2)
        self.page.screenshot(path=path, animations="disabled", caret="hide")
        return path

    def remains(self, name: str) -> str:
        """Saves what there is to see, and says where: for the report of a story that failed."""
        picture = self.pictures / f"{name}.png"
        log = self.pictures / f"{name}.log"
        self.pictures.mkdir(parents=True, exist_ok=True)
        try:
            self.page.screenshot(path=picture)
        except Error as error:
            self.console.append(f"no picture: {error}")
        log.write_text(self.bench.log + "\n--- console\n" + "\n".join(self.console), encoding="utf-8")
        return f"picture: {picture}\nlog: {log}\nstatus bar: {self.status()}\nnotifications: {self.toasts()}"


WHERE_TEXT_IS = """text => {
  for (const line of document.querySelectorAll('.editor-group-container.active .monaco-editor .view-line')) {
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()); ) {
      const at = node.data.indexOf(text);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + text.length);
      const box = range.getBoundingClientRect();
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    }
  }
  return null;
}"""


RECORD_STATUSES = """() => {
  const seen = (window.copydeskStatuses = []);
  const look = () => {
    for (const item of document.querySelectorAll("STATUS_ITEM")) {
      const label = item.querySelector('[aria-label]')?.getAttribute('aria-label') ?? '';
      const said = item.innerText.trim() + ' · ' + label;
      if (seen[seen.length - 1] !== said) seen.push(said);
    }
  };
  look();
  const bar = document.querySelector('.part.statusbar');
  new MutationObserver(look).observe(bar, { subtree: true, childList: true, characterData: true, attributes: true });
}""".replace("STATUS_ITEM", STATUS_ITEM)


@contextmanager
def window(started: Browser, bench: Workbench, folder: Path, pictures: Path) -> Iterator[Window]:
    """A person's fresh window; `visit` opens the folder in it."""
    context = started.new_context(viewport=SIZE, color_scheme="dark", locale="en-GB")  # type: ignore[arg-type]
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    try:
        yield Window(context.new_page(), bench, folder, pictures)
    finally:
        context.close()
