"""The pages on editors, read for what is configured in them: a test that runs a page's own lines cannot drift from it.

Knows Markdown only. Start with `snippet`.
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,3} (?P<title>.+)$", re.MULTILINE)


class Snippet(NamedTuple):
    page: str
    """From the root of the repository."""
    section: str
    language: str
    body: str


def pages() -> list[str]:
    found = [ROOT / "README.md", *ROOT.glob("vscode-extension/README.md"), *ROOT.glob("editors/**/*.md")]
    return [path.relative_to(ROOT).as_posix() for path in found if "node_modules" not in path.parts]


def snippets(page: str) -> list[Snippet]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found: list[Snippet] = []
    for fence in FENCE.finditer(text):
        before = [heading["title"] for heading in HEADING.finditer(text, 0, fence.start())]
        found.append(Snippet(page, before[-1] if before else "", fence["language"], fence["body"]))
    return found


def snippet(page: str, section: str, language: str) -> str:
    """The body of the one of that language in that section."""
    (found,) = [each for each in snippets(page) if (each.section, each.language) == (section, language)]
    return found.body
