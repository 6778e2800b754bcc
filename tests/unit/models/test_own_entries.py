"""The person's models.toml: what it can say, what it cannot, and that the rest holds."""

import re
from pathlib import Path

import pytest

from copydesk.domain.models import Price
from copydesk.models import catalog
from copydesk.models.own_entries import KEYS, OwnEntries

DOCS = Path(__file__).parents[3] / "docs" / "MODELS.md"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "models.toml"


def own(path: Path, text: str) -> OwnEntries:
    path.write_text(text, "utf-8")
    return OwnEntries(str(path))


def test_no_file_changes_nothing(path: Path) -> None:
    entries = OwnEntries(str(path))
    assert entries.over(catalog.DEFAULT, "compat/foo") is catalog.DEFAULT
    assert entries.problems == ()


def test_a_name_and_a_glob_the_longest_last(path: Path) -> None:
    entries = own(
        path,
        """
        ["compat/Qwen3-Coder"]
        window = 3000
        ["compat/*"]
        window = 1000
        tools = false
        ["compat/qwen*"]
        window = 2000
        output = 500
        """,
    )
    assert entries.problems == ()
    exact = entries.over(catalog.DEFAULT, "compat/qwen3-coder")
    assert (exact.window_tokens, exact.output_limit_tokens, exact.tools) == (3_000, 500, False)
    assert entries.over(catalog.DEFAULT, "compat/qwen9").window_tokens == 2_000
    assert entries.over(catalog.DEFAULT, "compat/other").window_tokens == 1_000
    assert entries.over(catalog.DEFAULT, "ollama/qwen9") is catalog.DEFAULT


def test_an_own_window_is_known_and_leaves_room_to_read(path: Path) -> None:
    found = own(path, '["compat/foo"]\nwindow = 6000').over(catalog.DEFAULT, "compat/foo")
    assert found.known
    assert found.source == "user"
    assert found.output_limit_tokens == 3_000


def test_own_prices(path: Path) -> None:
    entries = own(path, '["compat/foo"]\ninput_price = 0.5\noutput_price = 2\ncache_read_price = 0.05')
    assert entries.over(catalog.DEFAULT, "compat/foo").price == Price(0.5, 2.0, 0.05, 0.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["compat/foo"]\nwindow = "big"', ["window = 'big'", "whole number of tokens", '["compat/foo"]']),
        ('["compat/foo"]\nwindow = 0', ["window = 0"]),
        ('["compat/foo"]\nwindow = true', ["window = True"]),
        ('["compat/foo"]\nwindwo = 4096', ["'windwo'", "Did you mean 'window'?"]),
        ('["compat/foo"]\ninput_price = -1\noutput_price = 1', ["input_price = -1", "0 or more"]),
        ('["compat/foo"]\ninput_price = nan\noutput_price = 1', ["input_price = nan"]),
        ('["compat/foo"]\ninput_price = 1', ["needs both input_price and output_price"]),
        ('["compat/foo"]\nthinking = "lots"', ["thinking = 'lots'", "anthropic_budget", "template"]),
        ('["foo"]\nwindow = 1', ['["foo"]', "provider/model", "ollama"]),
        ('["opnai/foo"]\nwindow = 1', ['["opnai/foo"]', "openai"]),
        ("window = 4096", ["'window'", '["compat/qwen*"]']),
        ("[broken", ["cannot be read"]),
    ],
)
def test_what_cannot_be_used_names_the_file_the_key_and_what_is_allowed(
    path: Path, text: str, words: list[str]
) -> None:
    (problem,) = own(path, text).problems
    assert str(path) in problem
    for word in words:
        assert word in problem


def test_the_rest_still_holds(path: Path) -> None:
    entries = own(path, '["compat/foo"]\nwindow = "x"\noutput = 100\n["bad"]\nwindow=1\n["compat/bar"]\nwindow = 9000')
    assert len(entries.problems) == 2
    assert entries.over(catalog.DEFAULT, "compat/foo").output_limit_tokens == 100
    assert entries.over(catalog.DEFAULT, "compat/bar").window_tokens == 9_000


def test_a_change_is_seen(path: Path) -> None:
    entries = own(path, '["compat/foo"]\nwindow = 1000')
    assert entries.over(catalog.DEFAULT, "compat/foo").window_tokens == 1_000
    path.write_text('["compat/foo"]\nwindow = 20000', "utf-8")
    assert entries.over(catalog.DEFAULT, "compat/foo").window_tokens == 20_000
    path.unlink()
    assert entries.over(catalog.DEFAULT, "compat/foo") is catalog.DEFAULT


def test_a_file_that_is_no_text_is_a_problem(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    (problem,) = OwnEntries(str(path)).problems
    assert "cannot be read" in problem


def test_the_examples_of_the_documentation_are_whole_and_name_every_key(path: Path) -> None:
    text = DOCS.read_text("utf-8")
    examples = re.findall(r"```toml\n# models\.toml\n(.*?)```", text, re.DOTALL)
    assert examples
    for example in examples:
        assert own(path, example).problems == ()
    for key in KEYS:
        assert f"`{key}`" in text
