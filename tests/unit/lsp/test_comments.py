"""Instruction comments are found in every comment syntax, only where they are comments, only where they are touched."""

import time

import pytest

from copydesk.domain.messages import LineRange
from copydesk.lsp.comments import find_instruction


def found(text: str, language: str, line: int = 0, end: int | None = None) -> str | None:
    comment = find_instruction(text.split("\n"), language, line, line if end is None else end)
    return comment.text if comment else None


@pytest.mark.parametrize(
    ("language", "comment"),
    [
        ("python", "# copydesk: make this async"),
        ("python", "#copydesk:make this async"),
        ("python", "    # CopyDesk: make this async"),
        ("shellscript", "#   COPYDESK: make this async"),
        ("javascript", "// copydesk: make this async"),
        ("rust", "/// copydesk: make this async"),
        ("typescriptreact", "{/* copydesk: make this async */}"),
        ("c", "/* copydesk: make this async */"),
        ("css", "/* copydesk: make this async */"),
        ("sql", "-- copydesk: make this async"),
        ("lua", "--[[ copydesk: make this async ]]"),
        ("haskell", "{- copydesk: make this async -}"),
        ("emacs-lisp", ";; copydesk: make this async"),
        ("latex", "% copydesk: make this async"),
        ("erlang", "%% copydesk: make this async"),
        ("html", "<!-- copydesk: make this async -->"),
        ("vue", "<!-- copydesk: make this async -->"),
        ("ocaml", "(* copydesk: make this async *)"),
        ("vim", '" copydesk: make this async'),
        ("powershell", "<# copydesk: make this async #>"),
        ("terraform", "# copydesk: make this async"),
        ("some-new-language", "# copydesk: make this async"),
        ("some-new-language", "<!-- copydesk: make this async -->"),
        ("", "-- copydesk: make this async"),
    ],
)
def test_every_syntax(language: str, comment: str) -> None:
    assert found(comment, language) == "make this async"


@pytest.mark.parametrize(
    ("language", "text", "line"),
    [
        ("python", 'x = "# copydesk: no"', 0),
        ("python", "x = '# copydesk: no'", 0),
        ("python", '"""\n# copydesk: no\n"""', 1),
        ("python", "copydesk: int = 3", 0),
        ("python", "# about copydesk: no", 0),
        ("python", "# copydesk:", 0),
        ("javascript", "const a = `\n// copydesk: no\n`", 1),
        ("javascript", 'const a = "http://copydesk: no"', 0),
        ("shellscript", "echo ${#copydesk: no}", 0),
        ("sql", "select '-- copydesk: no'", 0),
        ("go", "var x = `\n// copydesk: no`", 1),
        ("c", 'puts("/* copydesk: no */");', 0),
    ],
)
def test_not_a_comment(language: str, text: str, line: int) -> None:
    assert found(text, language, line) is None


def test_lines_below_with_the_same_prefix_belong_to_it() -> None:
    text = "def f():\n    # copydesk: make this\n    # async, and\n    # typed\n    pass\n# other"
    comment = find_instruction(text.split("\n"), "python", 3, 3)
    assert comment is not None
    assert comment.text == "make this async, and typed"
    assert comment.range == LineRange(1, 4, 3, 11)


def test_a_second_instruction_an_empty_comment_and_another_indentation_end_it() -> None:
    text = "# copydesk: one\n# copydesk: two\n#\n# three\n  # four"
    assert [found(text, "python", line) for line in range(5)] == ["one", "two", None, None, None]


def test_a_comment_after_code_covers_only_itself() -> None:
    comment = find_instruction(["x = 1  # copydesk: name it\n", "# unrelated\n"], "python", 0, 0)
    assert comment is not None
    assert (comment.text, comment.range) == ("name it", LineRange(0, 7, 0, 26))


def test_a_block_over_several_lines() -> None:
    text = "int x;\n/*\n * copydesk: make\n * it const\n */\nint y;"
    comment = find_instruction(text.split("\n"), "c", 3, 3)
    assert comment is not None
    assert comment.text == "make it const"
    assert comment.range == LineRange(1, 0, 4, 3)


def test_only_where_it_is_touched() -> None:
    text = "a = 1\n# copydesk: do it\nb = 2"
    assert [found(text, "python", line) for line in range(3)] == [None, "do it", None]
    assert found(text, "python", 0, 2) == "do it"


def test_a_language_mark_at_the_end_of_the_words_stays() -> None:
    assert found("# copydesk: port\n# to C#", "python") == "port to C#"


def test_lines_past_the_end_are_no_error() -> None:
    assert found("# copydesk: x", "python", 900) is None
    assert found("", "python", 0) is None


def test_a_large_file_is_quick() -> None:
    lines = ['value = call("text", other)  # remark\n'] * 200_000
    lines[150_000] = "# copydesk: here\n"
    began = time.perf_counter()
    comment = find_instruction(lines, "python", 150_000, 150_000)
    assert comment is not None
    assert comment.range.start_line == 150_000
    assert time.perf_counter() - began < 1.0
