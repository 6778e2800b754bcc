"""Pictures of Copydesk in VS Code, as the README shows them: real windows, the offline model's real work.

With COPYDESK_SCREENSHOTS=1 they are written into docs/images/, else only into the test's folder. Look at them before
you commit them. Each is checked for what it must show, so that no picture of an error gets there unseen.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.editors.conftest import Start

if TYPE_CHECKING:
    from tests.editors.vscode import Window

pytestmark = pytest.mark.slow
KEEP = os.environ.get("COPYDESK_SCREENSHOTS") == "1"
OFFLINE = {"copydesk.model.name": "offline"}
LIGHT = {"workbench.colorTheme": "Default Light Modern"}

ORDERS = '''"""Orders of the shop. Prices are in cents."""

import json
from dataclasses import dataclass


@dataclass
class Item:
    name: str
    price: int
    count: int = 1


def subtotal(items, country="DE"):
    if not items:
        raise ValueError("an order needs an item")
    return sum(item.price * item.count for item in items)


def total(items, discount=0):
    before = subtotal(items)
    return before - before * discount // 100


def receipt(items):
    lines = [f"{item.count} x {item.name}: {item.price}" for item in items]
    return "\\n".join([*lines, f"Total: {total(items)}"])
'''
REPORT = '''"""What was sold."""

from orders import Item, receipt, total


def daily(orders: list[list[Item]]) -> str:
    earned = sum(total(items) for items in orders)
    return f"{len(orders)} orders, {earned} cents"


print(daily([[Item("tea", 350, 2)], [Item("cup", 900)]]))
print(receipt([Item("tea", 350, 2)]))
'''
EXPLAIN = """think: Where is total called, and what does it return for an empty order?
tool: read_file {"path": "orders.py"}
tool: grep {"pattern": "total", "glob": "*.py"}
--- step
text: |
  `total` takes the discount off the **subtotal**, in whole cents.

  - An empty order raises `ValueError`, from `subtotal`.
  - `report.py` calls it for each order, without a discount.

tool: edit_file {"path": "orders.py", "old_text": "before * discount // 100", "new_text": "round(before * discount / 100)"}
--- step
delay: 120
text: never said
"""
EDITS = """
tool: edit_file {"path": "orders.py", "old_text": "import json\\n", "new_text": ""}
tool: edit_file {"path": "orders.py", "old_text": "subtotal(items, country=\\"DE\\")", "new_text": "subtotal(items: list[Item]) -> int"}
tool: edit_file {"path": "orders.py", "old_text": "before * discount // 100", "new_text": "round(before * discount / 100)"}
--- step
text: An unused import and parameter are gone, and the discount is rounded.
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / ".git").mkdir(parents=True)
    (root / "orders.py").write_text(ORDERS, encoding="utf-8")
    (root / "report.py").write_text(REPORT, encoding="utf-8")
    (root / "README.md").write_text("# A small shop\n", encoding="utf-8")
    return root


def ready(window: "Window", name: str = "orders.py") -> None:
    window.open(name)
    window.until(lambda: "idle" in window.status(), "the server runs", 30)


def picture(window: "Window", name: str) -> None:
    assert not window.errors()
    window.picture(name, KEEP)


def calm(window: "Window") -> None:
    """Puts the notifications away."""
    if window.toasts():
        window.command("Notifications: Clear All Notifications")
        window.gone(window.toasts, "no notification is shown")


def test_palette_and_lightbulb(start: Start, shop: Path) -> None:
    window = start(folder=shop, settings=OFFLINE)
    ready(window)
    window.at(20, 5)
    window.press("F1")
    window.page.locator(".quick-input-box input").fill(">Copydesk: ")
    window.until(lambda: window.page.locator(".quick-input-list .monaco-list-row").count() > 5, "the titles")
    picture(window, "palette")
    window.press("Escape")
    window.at(3, 8)
    assert any("imported but unused" in one for one in window.actions())
    picture(window, "lightbulb")


@pytest.fixture
def scripted(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Settings with a script, in the folder where the server runs: its name is short then."""

    def settings(script: str) -> dict[str, str]:
        home = tmp_path / "vscode" / "home"
        home.mkdir(parents=True)
        (home / "demo.script").write_text(script, encoding="utf-8")
        return {"copydesk.model.name": "scripted:demo.script"}

    return settings


Scripted = Callable[[str], dict[str, str]]


def test_review(start: Start, shop: Path, scripted: Scripted) -> None:
    window = start(folder=shop, settings=scripted(EDITS))
    proposed(window)
    picture(window, "review")


def test_review_in_a_light_theme(start: Start, shop: Path, scripted: Scripted) -> None:
    window = start(folder=shop, settings=scripted(EDITS) | LIGHT)
    proposed(window)
    picture(window, "review-light")


def proposed(window: "Window") -> None:
    """A turn's edits wait, in the editor's own diff."""
    ready(window)
    ask(window, "Tidy this up")
    window.toast("3 hunks in orders.py wait for you", "Review", 30)
    window.until(lambda: window.lenses("modified").count("Accept hunk") == 3, "all with their lenses")
    calm(window)
    window.press("Control+b")
    window.until(lambda: window.page.locator(".part.sidebar").is_hidden(), "room for the diff")


def ask(window: "Window", text: str) -> None:
    window.command("Copydesk: Ask…")
    window.answer(text)


def test_turn_and_menu(start: Start, shop: Path, scripted: Scripted) -> None:
    window = start(folder=shop, settings=scripted(EXPLAIN))
    ready(window)
    window.at(20, 5)
    ask(window, "What does total do with an empty order?")
    window.until(lambda: "step 3" in window.status(), "it is at work", 30)
    window.until(lambda: window.webview("in whole cents"), "what it said")
    window.at(20, 5)
    picture(window, "turn")
    window.click_status()
    rows = window.page.locator(".quick-input-list .monaco-list-row")
    window.until(lambda: "Cancel: " in rows.first.inner_text(), "the menu")
    picture(window, "menu")
    window.choose_first("Cancel: ")


def test_walkthrough(start: Start, shop: Path) -> None:
    window = start(folder=shop, settings=OFFLINE)
    ready(window)
    window.press("Control+b")
    window.command("Copydesk: Open Walkthrough")
    steps = window.page.locator(".gettingStartedContainer .getting-started-step")
    window.until(lambda: steps.count() >= 3, "its steps")
    window.until(lambda: window.webview("hover over its name"), "what the first step shows beside it")
    picture(window, "walkthrough")


def test_hover(start: Start, shop: Path) -> None:
    window = start(folder=shop, settings=OFFLINE)
    ready(window)
    assert "Called by" in window.hover("subtotal")
    window.picture("hover", KEEP, keep_mouse=True)


def test_the_names_are_those_of_the_readme() -> None:
    """A picture in the README is one that is made here."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    source = Path(__file__).read_text(encoding="utf-8")
    for name in {part.split(".png")[0] for part in readme.split("docs/images/vscode-")[1:]}:
        assert json.dumps(name) in source
