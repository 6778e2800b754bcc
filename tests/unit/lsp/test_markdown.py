"""Whatever a model writes, what is shown loads no image, holds no raw HTML and links to nothing that runs.

The judge is a CommonMark parser with HTML and tables on: it says what a renderer would make of the cleaned text.
"""

import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from copydesk.lsp.markdown import is_safe_url, sanitise

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")
PARSER.validateLink = lambda url: True  # type: ignore[method-assign]  # a renderer that guards nothing


def tokens(text: str) -> Iterator[Token]:
    for token in PARSER.parse(text):
        yield token
        yield from token.children or []


def dangers(text: str) -> list[str]:
    found = [token.type for token in tokens(text) if token.type in ("image", "html_block", "html_inline")]
    links = [str(token.attrs["href"]) for token in tokens(text) if token.type == "link_open"]
    return found + [link for link in links if not is_safe_url(link)]


ABUSE = [
    "![x](http://evil/p.png)",
    "![x][r]\n\n[r]: http://evil/p.png",
    "![r]\n\n[r]: http://evil/p.png",
    "[![a](http://evil/a.png)](command:x)",
    "[a [b](command:x) c](command:y)",
    "[a](command:workbench.action.x)",
    "[a](<command:x>)",
    "[a](\ncommand:x)",
    "[a](&#99;ommand:x)",
    "[a](command&colon;x)",
    "[a](command\\:x)",
    "[a](&#x6A;avascript:alert(1))",
    "[a](%63ommand:x)",
    "[a](java\tscript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](data:text/html;base64,xxx)",
    "[a](file:///etc/passwd)",
    "[a](vscode://x/y)",
    "[a](//evil/x)",
    "[a][r]\n\n[r]: command:x",
    "[a][r]\n\n[r]:\n command:x",
    "[a][r]\n\n[r]:\ncommand:x 'title'",
    "[a][r]\n\n> [r]: command:x",
    "[a][r]\n\n- [r]: <command:x>",
    "[a][r\n\\]x]\n\n[r\n\\]x]: command:x",
    "<command:x>",
    "<javascript:alert(1)>",
    "<img src=x onerror=alert(1)>",
    "<scr<b>ipt>alert(1)</scr</b>ipt>",
    "<!-- <img src=x> -->",
    "<!-- unclosed <img src=x>",
    "<a href='command:x'>y</a>",
    "<a\nhref='command:x'>y</a>",
    "<?php x ?>",
    "<![CDATA[ x ]]>",
    "<unknown-element onclick=x>",
    "\\<img src=x>",
    "\\\\<img src=x>",
    "\\![x](http://evil/p)",
    "\\\\![x](http://evil/p)",
    "`\n\n![x](http://evil/p)\n\n`",
    "`a\nb` ![x](http://evil/p) `c`",
    '<a title="`"> ![x](http://evil/p) `b`',
    "| a |\n|---|\n| ` | ![x](http://evil/p) | ` |",
    "- ```\n  code\n  ```\n![x](http://evil/p)",
    "- ```\n  code\n  ```\n  ![x](http://evil/p)",
    "> ```\n![x](http://evil/p)\n```\n![y](http://evil/p)",
    "```\n      ```\n```\n![x](http://evil/p)",
    "text\n    ```\n    ![x](http://evil/p)",
    "  ```\n![x](http://evil/p)\n```\n![x](http://evil/p)",
    "- a\n    ```\n  x\n    ```\n![x](http://evil/p)",
    "1. ~~~\n![x](http://evil/p)\n~~~\n![x](http://evil/p)",
    "``` a`b\n![x](http://evil/p)",
    "\t```\n\t![x](http://evil/p)\n![y](http://evil/p)",
    "[x]\\(command:x)",
    '[a](x "t" command:x)',
    '[a](command:x "title")',
    "![a](http://evil/(b)c)",
    "![a\n](http://evil/p)",
    "<img src=x>```    ![x](http://evil/p)\n```\n<img src=x>",
    "![](x)```\n![x](http://evil/p)\n```\n<img src=x>",
    "<b>```<img src=x>```",
    "[" * 40 + "](command:x)" * 40,
]


@pytest.mark.parametrize("text", ABUSE)
def test_abuse_is_disarmed(text: str) -> None:
    assert dangers(sanitise(text)) == []


PIECES = [
    "`", "``", "```", "````", "~~~", "```py", "\n", "\n\n", "  ", "    ", "\t", "> ", "- ", "1. ", "# ", "| ",
    "|---|\n",
    "![x](http://evil/p)", "[a](command:x)", "[r]: command:x", "![r]", "[a][r]", "<img src=x>", "<b>", "<!--", "-->",
    "<", ">", "[", "]", "(", ")", "\\", "!", ":", '"', "'", "a", "word ", "&#99;", "command:x", "<command:x>",
    "](", "===",
    "\u2028", "\x0c", "]:", "    ![x](http://evil/p)\n", "  ```\n",
]  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
@example("```\n\t```\n![x](http://evil/p)")
def test_no_arrangement_of_marks_survives(text: str) -> None:
    assert dangers(sanitise(text)) == []


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_accepted(text: str) -> None:
    assert dangers(sanitise(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "Plain words, a < b and c > d, 2*3.",
        "## Title\n\n- one\n- `two`\n\n1. **three**\n",
        "```python\nx = '<img src=x>'\n![x](y)\n[a](command:b)\n```",
        "~~~\n<b>\n~~~\nafter",
        "See [the docs](https://docs.python.org/3/) and [a file](src/a.py).",
        "Uses `List<String>` and `dict[str](x)` here.",
        "[1]: https://example.org/x\n",
        "1. Do this:\n   ```js\n   a < b && <C/>\n   ```\n2. done",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "",
    ],
)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert sanitise(text) == text


def test_words_survive_what_is_taken_away() -> None:
    assert sanitise("see ![the chart](http://evil/x.png)!") == "see the chart!"
    assert sanitise("press [here](command:x) now") == "press here now"
    assert sanitise("a <b>bold</b> word") == "a bold word"
    assert sanitise("a List<String> of it") == "a List&lt;String> of it"


def test_cleaning_again_changes_nothing() -> None:
    for text in ABUSE:
        assert sanitise(sanitise(text)) == sanitise(text)


def test_an_unfinished_fence_is_closed() -> None:
    assert sanitise("so:\n```py\nx = 1") == "so:\n```py\nx = 1\n```"


@pytest.mark.parametrize("piece", ["[", "](", "<!--", "<b", "`", "![", '](a "', "<scr", "]:", "- ```\n", "> "])
def test_repetition_takes_no_long_time(piece: str) -> None:
    began = time.perf_counter()
    sanitise(piece * 8_000)
    assert time.perf_counter() - began < 2.0
