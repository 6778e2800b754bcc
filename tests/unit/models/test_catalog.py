"""The catalog as data: every row can be used, names find the right one, prices add up, and nothing unknown is guessed."""

import time
from pathlib import Path

import pytest

from copydesk.domain.messages import Usage
from copydesk.domain.models import Price
from copydesk.models import catalog, families
from copydesk.models.families import FAMILIES, PRICES
from copydesk.models.providers import PROVIDERS


@pytest.mark.parametrize(
    "name",
    [f"{provider.name}/{provider.default_model}" for provider in PROVIDERS.values() if provider.default_model],
)
def test_the_models_that_auto_takes_are_known_with_their_price(name: str) -> None:
    found = catalog.entry(name)
    assert found.known
    assert found.tools
    assert found.price is not None
    assert found.price.output > found.price.input > found.price.cache_read > 0


@pytest.mark.parametrize("name", sorted(PRICES))
def test_every_priced_model_is_known_and_dearer_when_long(name: str) -> None:
    found = catalog.entry(name)
    assert found.known
    assert found.output_limit_tokens < found.window_tokens
    assert found.price is not None
    if found.price.long:
        assert found.price.long_above < found.window_tokens
        assert found.price.long.input > found.price.input
        assert found.price.long.output > found.price.output


def test_every_row_makes_an_entry() -> None:
    for _word, _pattern, family, facts in FAMILIES:
        made = catalog.Entry(family, **facts)
        assert made.window_tokens > 0
        assert made.output_limit_tokens > 0


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("openai/gpt-5-mini-2025-08-07", "openai/gpt-5-mini"),
        ("openai/gpt-4o-2024-11-20", "openai/gpt-4o"),
        ("anthropic/claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5"),
        ("anthropic/claude-3-5-haiku-latest", "anthropic/claude-3-5-haiku"),
        ("gemini/gemini-2.5-flash-preview-09-2025", "gemini/gemini-2.5-flash"),
        ("gemini/gemini-3-flash-preview", "gemini/gemini-3-flash"),
    ],
)
def test_a_date_in_the_name_changes_no_price(name: str, like: str) -> None:
    assert catalog.entry(name).price == catalog.entry(like).price is not None


@pytest.mark.parametrize(
    "name", ["openai/gpt-9", "openai/gpt-5.3-codex-spark", "compat/openai/gpt-5", "ollama/qwen3:8b", "compat/foo"]
)
def test_an_unknown_price_is_not_guessed(name: str) -> None:
    assert catalog.entry(name).price is None


def test_a_dated_price_of_its_own_wins() -> None:
    assert catalog.entry("openai/gpt-4o-2024-05-13").price == Price(5.0, 15.0, 5.0, 5.0)


def test_a_long_request_is_dear_as_a_whole() -> None:
    price = catalog.entry("openai/gpt-6.2-sol").price
    assert price is not None
    assert price.usd(Usage(272_000, 1_000)) == pytest.approx(0.272 * 2 + 0.001 * 10)
    assert price.usd(Usage(272_001, 1_000)) == pytest.approx(0.272001 * 4 + 0.001 * 15)
    assert price.usd(Usage(300_000, 0, cache_read=200_000)) == pytest.approx(0.1 * 4 + 0.2 * 0.2)


@pytest.mark.parametrize(
    ("name", "thinking", "schema", "tokenizer"),
    [
        ("openai/gpt-6.2-sol", "effort", "json_schema", "o200k_base"),
        ("openai/gpt-4.1-nano", "instruction", "json_schema", "o200k_base"),
        ("openai/gpt-4-turbo", "instruction", "json_object", "cl100k_base"),
        ("compat/openai/gpt-oss-120b", "effort", "words", "o200k_harmony"),
        ("anthropic/claude-opus-5-5", "anthropic_adaptive", "json_schema", ""),
        ("anthropic/claude-haiku-4-5", "anthropic_budget", "json_schema", ""),
        ("anthropic/claude-opus-4-1", "anthropic_budget", "tool", ""),
        ("gemini/gemini-2.5-pro", "gemini_budget", "json_schema", ""),
        ("gemini/gemini-3.8-flash", "gemini_level", "json_schema", ""),
        ("compat/google/gemini-3-pro", "effort", "json_schema", ""),
        ("deepseek/deepseek-flash", "deepseek", "json_object", ""),
        ("compat/deepseek/deepseek-r1", "none", "words", ""),
        ("ollama/qwen3:8b", "effort", "json_schema", ""),
        ("compat/qwen/qwen3-32b", "template", "words", ""),
        ("compat/somebody/something", "instruction", "words", ""),
    ],
)
def test_each_family_has_its_own_forms(name: str, thinking: str, schema: str, tokenizer: str) -> None:
    found = catalog.entry(name)
    assert (found.thinking, found.schema, found.tokenizer) == (thinking, schema, tokenizer)


def test_what_cannot_be_switched_off_says_so() -> None:
    assert catalog.entry("openai/gpt-6.2-astra").effort_off == ""
    assert catalog.entry("openai/gpt-6-luna").effort_off == "none"
    assert catalog.entry("anthropic/claude-opus-5-5").effort_off == ""
    assert catalog.entry("anthropic/claude-sonnet-5-5").effort_off == "disabled"


def test_openrouter_passes_a_vendors_model_on_behind_its_own_wire() -> None:
    routed = catalog.entry("compat/anthropic/claude-opus-4.6", catalog.OPENROUTER)
    assert routed.thinking == "openrouter"
    assert routed.cache_marks
    assert routed.price == catalog.entry("anthropic/claude-opus-4-6").price
    assert catalog.entry("compat/qwen/qwen3-max", catalog.OPENROUTER).price is None
    assert catalog.entry("compat/openai/gpt-5:online", catalog.OPENROUTER).price is None


def test_the_rows_cost_no_start_up_time() -> None:
    path = Path(families.__file__)
    code = compile(path.read_text("utf-8"), str(path), "exec")  # as Python keeps it in its cache
    times: list[float] = []
    for _ in range(5):
        began_s = time.perf_counter()
        exec(code, {"__name__": "families"})
        times.append(time.perf_counter() - began_s)
    assert min(times) < 0.002
