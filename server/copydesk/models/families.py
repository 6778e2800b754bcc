"""What is known of model families and what their providers ask for them: rows of literals, nothing else.

Owns the facts, not how they are looked up (`catalog.entry`). Knows no code: importing it costs well under 2 ms, and a
pattern is compiled only for names that hold its word. A person's own `models.toml` goes before all of it.

Where the facts are from, read on 2026-11-21: OpenAI, developers.openai.com/api/docs/models and …/pricing (GPT-6.2 of
2026-11-17; long contexts: the rates above 272,000 input tokens hold for the whole request). Anthropic,
platform.claude.com/docs/en/about-claude/pricing (cache writes are those of five minutes). Google,
ai.google.dev/gemini-api/docs/pricing. DeepSeek, api-docs.deepseek.com/quick_start/pricing. Models older than mid-2026:
the tables of models.dev as of 2026-07-02. Where sources disagree, a price changes by the hour (DeepSeek: the peak
price), is a promotion that ends (Gemini 3.7 and 3.8 Flash: the price from 2027 on), or a name is an alias that moves
(`gemini-flash-latest`), the higher price is taken: a budget must hold. What nobody publishes is left out: unknown, not
guessed. Batch, flex, fast and regional rates are not modelled: Copydesk asks for none of them.
"""

from typing import Any, Final, TypeAlias

Row: TypeAlias = "tuple[str, str, str, dict[str, Any]]"
"""A word that the name must hold, a pattern searched in it (empty: the word is enough), the family, its facts."""

_COMPLETION = "max_completion_tokens"
_OPENAI: dict[str, Any] = {
    "max_tokens_field": _COMPLETION,
    "images": True,
    "schema": "json_schema",
    "tokenizer": "o200k_base",
}
_REASONING = {**_OPENAI, "thinking": "effort"}
_PLAIN = {**_OPENAI, "thinking": "instruction"}
_CL100K = {**_PLAIN, "tokenizer": "cl100k_base", "schema": "json_object"}
_LONG = {"window_tokens": 1_050_000, "output_limit_tokens": 128_000}
_WIDE = {"window_tokens": 400_000, "output_limit_tokens": 128_000}
_CHAT = {"window_tokens": 128_000, "output_limit_tokens": 16_384}
_CLAUDE: dict[str, Any] = {"images": True, "cache_marks": True, "schema": "json_schema"}
_ADAPTIVE = {**_CLAUDE, "window_tokens": 1_000_000, "output_limit_tokens": 128_000, "thinking": "anthropic_adaptive"}
_BUDGETED = {**_CLAUDE, "window_tokens": 200_000, "thinking": "anthropic_budget"}
_CLAUDE_3 = {**_CLAUDE, "window_tokens": 200_000, "thinking": "instruction", "schema": "tool"}
_GEMINI: dict[str, Any] = {
    "window_tokens": 1_048_576,
    "output_limit_tokens": 65_536,
    "images": True,
    "schema": "json_schema",
}
_DEEPSEEK: dict[str, Any] = {
    "window_tokens": 1_000_000,
    "output_limit_tokens": 384_000,
    "thinking": "deepseek",
    "echo_reasoning": True,
    "schema": "json_object",
}


def _open(window: int, output: int, **more: object) -> dict[str, Any]:
    """A model whose weights anybody may serve: who does so decides the schema form and the true window."""
    return {"window_tokens": window, "output_limit_tokens": output, "thinking": "instruction", **more}


FAMILIES: Final[tuple[Row, ...]] = (
    # The name is `provider/model` in lower case; the first row that fits wins.
    ("gpt-oss", "", "gpt-oss", _open(131_072, 32_768, thinking="effort", tokenizer="o200k_harmony")),
    # --- OpenAI: on Chat Completions GPT-5.4 and later refuse tools beside any effort, the default one too ---
    ("openai/gpt-5", r"gpt-5(\.\d+)?-chat", "gpt-5-chat", {**_PLAIN, **_CHAT}),
    ("openai/gpt-", r"gpt-(6-astra|6\.1-sol|6\.[2-9]|[7-9])", "gpt-6-always-reasoning", {**_REASONING, **_LONG}),
    (
        "openai/gpt-6",
        "",
        "gpt-6",
        {**_REASONING, **_LONG, "effort_off": "none", "effort_with_tools": "none"},
    ),
    (
        "openai/gpt-5.",
        r"gpt-5\.[4-9]-(mini|nano)",
        "gpt-5.4-small",
        {**_REASONING, **_WIDE, "effort_off": "none", "effort_with_tools": "none"},
    ),
    (
        "openai/gpt-5.",
        r"gpt-5\.[4-9]",
        "gpt-5.4+",
        {**_REASONING, **_LONG, "effort_off": "none", "effort_with_tools": "none"},
    ),
    ("openai/gpt-5.", r"gpt-5\.[1-3]", "gpt-5.x", {**_REASONING, **_WIDE, "effort_off": "none"}),
    ("openai/gpt-5", "", "gpt-5", {**_REASONING, **_WIDE, "effort_off": "minimal"}),
    (
        "openai/o",
        r"openai/o[1-9]-mini",
        "o-series-mini",
        {**_REASONING, "window_tokens": 200_000, "output_limit_tokens": 100_000, "images": False},
    ),
    (
        "openai/o",
        r"openai/o[1-9]",
        "o-series",
        {**_REASONING, "window_tokens": 200_000, "output_limit_tokens": 100_000},
    ),
    ("openai/gpt-4.1", "", "gpt-4.1", {**_PLAIN, "window_tokens": 1_047_576, "output_limit_tokens": 32_768}),
    ("openai/gpt-4o", "", "gpt-4o", {**_PLAIN, **_CHAT}),
    ("openai/gpt-4-turbo", "", "gpt-4-turbo", {**_CL100K, "window_tokens": 128_000, "output_limit_tokens": 4_096}),
    (
        "openai/gpt-4",
        "",
        "gpt-4",
        {**_CL100K, "window_tokens": 8_192, "output_limit_tokens": 4_096, "images": False},
    ),
    (
        "openai/gpt-3.5",
        "",
        "gpt-3.5",
        {**_CL100K, "window_tokens": 16_385, "output_limit_tokens": 4_096, "images": False},
    ),
    ("openai/", "", "openai", {**_PLAIN, **_CHAT, "known": False}),
    # --- Claude: the names have dots where others than Anthropic serve them. Newer ones always think ---
    (
        "claude",
        r"claude.*(fable|mythos|opus-(5[-.][5-9]|[6-9]))",
        "claude-adaptive",
        _ADAPTIVE,
    ),
    (
        "claude",
        r"claude.*(sonnet-4[-.]6)",
        "claude-adaptive",
        {**_ADAPTIVE, "output_limit_tokens": 64_000, "effort_off": "disabled"},
    ),
    (
        "claude",
        r"claude.*(opus|sonnet|haiku)-([5-9]|4[-.][6-9])",
        "claude-adaptive",
        {**_ADAPTIVE, "effort_off": "disabled"},
    ),
    ("claude", r"(opus|sonnet|haiku)-4[-.]5", "claude-4.5", {**_BUDGETED, "output_limit_tokens": 64_000}),
    ("claude", r"opus-4", "claude-4", {**_BUDGETED, "output_limit_tokens": 32_000, "schema": "tool"}),
    (
        "claude",
        r"(sonnet|haiku)-4|claude-3[-.]7",
        "claude-4",
        {**_BUDGETED, "output_limit_tokens": 64_000, "schema": "tool"},
    ),
    ("claude-3", r"claude-3[-.]5", "claude-3.5", {**_CLAUDE_3, "output_limit_tokens": 8_192}),
    ("claude-3", "", "claude-3", {**_CLAUDE_3, "output_limit_tokens": 4_096}),
    ("anthropic/", r"^anthropic/", "claude", {**_CLAUDE_3, "output_limit_tokens": 8_192, "known": False}),
    # --- Gemini: its own wire has thinking budgets (2.5) or levels (3 and later); elsewhere it takes an effort ---
    # What `off` may be: ai.google.dev/gemini-api/docs/generate-content/thinking. No Pro can do without.
    ("gemini/gemini-2.0", "", "gemini-2", {**_GEMINI, "output_limit_tokens": 8_192, "thinking": "instruction"}),
    ("gemini/gemini-2.5-pro", "", "gemini-2.5-pro", {**_GEMINI, "thinking": "gemini_budget", "effort_off": "128"}),
    ("gemini/gemini-2.5", "", "gemini-2.5", {**_GEMINI, "thinking": "gemini_budget", "effort_off": "0"}),
    (
        "gemini/gemini-3",
        r"gemini-3(\.[0-6])?-flash|gemini-3\.\d+-flash-lite",
        "gemini-3-flash",
        {**_GEMINI, "thinking": "gemini_level", "effort_off": "minimal"},
    ),
    (
        "gemini/gemini-",
        r"gemini-([3-9]|(pro|flash|flash-lite)-latest)",
        "gemini-3",
        {**_GEMINI, "thinking": "gemini_level"},
    ),
    ("gemini/", r"^gemini/", "gemini", {**_GEMINI, "output_limit_tokens": 8_192, "known": False}),
    ("gemini", "", "gemini-elsewhere", {**_GEMINI, "thinking": "effort", "effort_off": "none"}),
    # --- DeepSeek: its own service, then its weights elsewhere ---
    ("deepseek", r"deepseek.*(-r1|distill)", "deepseek-r1", _open(65_536, 32_768, thinking="none")),
    ("deepseek/deepseek-flash", r"^deepseek/", "deepseek-flash", {**_DEEPSEEK, "images": True}),
    ("deepseek/deepseek-v4", r"^deepseek/deepseek-v4-flash", "deepseek-flash", {**_DEEPSEEK, "images": True}),
    ("deepseek/deepseek-v4", r"^deepseek/", "deepseek-pro", _DEEPSEEK),
    (
        "deepseek/",
        r"^deepseek/",
        "deepseek",
        {**_DEEPSEEK, "window_tokens": 128_000, "output_limit_tokens": 32_768},
    ),
    ("deepseek", "", "deepseek-open", _open(128_000, 8_192)),
    # --- open weights, served by anybody ---
    ("kimi", "", "kimi", _open(128_000, 16_384, thinking="none", echo_reasoning=True)),
    ("moonshot", "", "kimi", _open(128_000, 16_384, thinking="none", echo_reasoning=True)),
    ("ollama/", r"^ollama/.*(qwen-?3|qwq)", "qwen3", _open(131_072, 32_768, thinking="effort", effort_off="none")),
    ("qwen", r"qwen-?3.*(coder|instruct)", "qwen3-coder", _open(131_072, 32_768)),
    ("qwq", "", "qwen3", _open(131_072, 32_768, thinking="none")),
    ("qwen", r"qwen-?3", "qwen3", _open(131_072, 32_768, thinking="template")),
    ("qwen", "", "qwen", _open(32_768, 8_192)),
    ("llama", r"llama-?4", "llama-4", _open(131_072, 8_192, images=True)),
    ("llama", r"llama-?3", "llama", _open(131_072, 8_192)),
    ("devstral", "", "mistral", _open(131_072, 16_384)),
    ("codestral", "", "mistral", _open(131_072, 16_384)),
    ("magistral", "", "mistral", _open(131_072, 16_384, thinking="none")),
    ("mistral", "", "mistral", _open(131_072, 16_384)),
    ("glm", "", "glm", _open(131_072, 32_768, thinking="template")),
    ("gemma", r"gemma-?[34]", "gemma", _open(131_072, 8_192, images=True)),
    ("gemma", "", "gemma-old", _open(8_192, 4_096, tools=False)),
    ("granite", "", "granite", _open(131_072, 8_192)),
    ("phi", r"phi-?[0-9]", "phi", _open(16_384, 4_096)),
)

LONG_OPENAI: Final = 272_000
LONG_GEMINI: Final = 200_000
LONG_HAIKU: Final = 100_000

Rates: TypeAlias = "tuple[float, ...]"
"""Dollars for a million tokens: input, output, cache read, cache write; then, where long requests cost more: above
how many input tokens, and the four again."""


def _gpt(input: float, output: float, read: float, write: float) -> Rates:
    """OpenAI since GPT-5.4: long requests pay twice for what goes in and half as much again for what comes out."""
    return (input, output, read, write, LONG_OPENAI, 2 * input, 1.5 * output, 2 * read, 2 * write)


def _flat(input: float, output: float, read: float | None = None) -> Rates:
    """No price for cache writes; where none is named for reads either, they cost what input does."""
    return (input, output, input if read is None else read, input)


def _claude(input: float, output: float, read: float) -> Rates:
    return (input, output, read, 1.25 * input)


_GEMINI_PRO: Rates = (2.0, 12.0, 0.2, 2.0, LONG_GEMINI, 4.0, 18.0, 0.4, 4.0)

PRICES: Final[dict[str, Rates]] = {
    # Exact names; a date behind one (-2025-08-07, -20250807, -preview-09-2025) changes nothing unless it stands here.
    "openai/gpt-6.2-astra": _gpt(8.0, 40.0, 0.4, 10.0),
    "openai/gpt-6.2-sol": _gpt(2.0, 10.0, 0.1, 2.5),
    "openai/gpt-6.1-sol": _gpt(2.0, 10.0, 0.1, 2.5),
    "openai/gpt-6.1-terra": _gpt(1.0, 5.0, 0.05, 1.25),
    "openai/gpt-6-astra": _gpt(10.0, 50.0, 1.0, 12.5),
    "openai/gpt-6-sol": _gpt(2.0, 10.0, 0.2, 2.5),
    "openai/gpt-6-luna": _gpt(0.1, 0.5, 0.01, 0.125),
    "openai/gpt-5.6": _gpt(4.0, 20.0, 0.4, 5.0),
    "openai/gpt-5.6-sol": _gpt(4.0, 20.0, 0.4, 5.0),
    "openai/gpt-5.6-terra": _gpt(2.0, 12.0, 0.2, 2.5),
    "openai/gpt-5.6-luna": _gpt(0.2, 1.2, 0.02, 0.25),
    "openai/gpt-5.5": _gpt(5.0, 30.0, 0.5, 5.0),
    "openai/gpt-5.5-pro": _gpt(30.0, 180.0, 30.0, 30.0),
    "openai/gpt-5.4": _gpt(2.5, 15.0, 0.25, 2.5),
    "openai/gpt-5.4-pro": _gpt(30.0, 180.0, 30.0, 30.0),
    "openai/gpt-5.4-mini": _flat(0.75, 4.5, 0.075),
    "openai/gpt-5.4-nano": _flat(0.2, 1.25, 0.02),
    "openai/gpt-5.3-codex": _flat(1.75, 14.0, 0.175),
    "openai/gpt-5.3-chat-latest": _flat(1.75, 14.0, 0.175),
    "openai/gpt-5.2": _flat(1.75, 14.0, 0.175),
    "openai/gpt-5.2-codex": _flat(1.75, 14.0, 0.175),
    "openai/gpt-5.2-chat-latest": _flat(1.75, 14.0, 0.175),
    "openai/gpt-5.2-pro": _flat(21.0, 168.0),
    "openai/gpt-5.1": _flat(1.25, 10.0, 0.125),
    "openai/gpt-5.1-codex": _flat(1.25, 10.0, 0.125),
    "openai/gpt-5.1-codex-max": _flat(1.25, 10.0, 0.125),
    "openai/gpt-5.1-codex-mini": _flat(0.25, 2.0, 0.025),
    "openai/gpt-5.1-chat-latest": _flat(1.25, 10.0, 0.125),
    "openai/gpt-5": _flat(1.25, 10.0, 0.125),
    "openai/gpt-5-codex": _flat(1.25, 10.0, 0.125),
    "openai/gpt-5-chat-latest": _flat(1.25, 10.0, 0.125),
    "openai/gpt-5-mini": _flat(0.25, 2.0, 0.025),
    "openai/gpt-5-nano": _flat(0.05, 0.4, 0.005),
    "openai/gpt-5-pro": _flat(15.0, 120.0),
    "openai/gpt-4.1": _flat(2.0, 8.0, 0.5),
    "openai/gpt-4.1-mini": _flat(0.4, 1.6, 0.1),
    "openai/gpt-4.1-nano": _flat(0.1, 0.4, 0.025),
    "openai/gpt-4o": _flat(2.5, 10.0, 1.25),
    "openai/gpt-4o-2024-05-13": _flat(5.0, 15.0),
    "openai/gpt-4o-mini": _flat(0.15, 0.6, 0.075),
    "openai/gpt-4-turbo": _flat(10.0, 30.0),
    "openai/gpt-4": _flat(30.0, 60.0),
    "openai/gpt-3.5-turbo": _flat(0.5, 1.5),
    "openai/o1": _flat(15.0, 60.0, 7.5),
    "openai/o1-pro": _flat(150.0, 600.0),
    "openai/o3": _flat(2.0, 8.0, 0.5),
    "openai/o3-pro": _flat(20.0, 80.0),
    "openai/o3-mini": _flat(1.1, 4.4, 0.55),
    "openai/o4-mini": _flat(1.1, 4.4, 0.275),
    "anthropic/claude-fable-5-2": _claude(8.0, 40.0, 0.2),
    "anthropic/claude-fable-5-1": _claude(10.0, 50.0, 0.25),
    "anthropic/claude-mythos-5-1": _claude(10.0, 50.0, 0.25),
    "anthropic/claude-fable-5": _claude(10.0, 50.0, 1.0),
    "anthropic/claude-mythos-5": _claude(10.0, 50.0, 1.0),
    "anthropic/claude-opus-5-5": _claude(4.0, 20.0, 0.2),
    "anthropic/claude-opus-5": _claude(5.0, 25.0, 0.5),
    "anthropic/claude-opus-4-8": _claude(5.0, 25.0, 0.5),
    "anthropic/claude-opus-4-7": _claude(5.0, 25.0, 0.5),
    "anthropic/claude-opus-4-6": _claude(5.0, 25.0, 0.5),
    "anthropic/claude-opus-4-5": _claude(5.0, 25.0, 0.5),
    "anthropic/claude-opus-4-1": _claude(15.0, 75.0, 1.5),
    "anthropic/claude-opus-4": _claude(15.0, 75.0, 1.5),
    "anthropic/claude-opus-4-0": _claude(15.0, 75.0, 1.5),
    "anthropic/claude-sonnet-5-5": _claude(2.0, 10.0, 0.2),
    "anthropic/claude-sonnet-5": _claude(2.0, 10.0, 0.2),
    "anthropic/claude-sonnet-4-6": _claude(3.0, 15.0, 0.3),
    "anthropic/claude-sonnet-4-5": _claude(3.0, 15.0, 0.3),
    "anthropic/claude-sonnet-4": _claude(3.0, 15.0, 0.3),
    "anthropic/claude-sonnet-4-0": _claude(3.0, 15.0, 0.3),
    "anthropic/claude-3-7-sonnet": _claude(3.0, 15.0, 0.3),
    "anthropic/claude-3-5-sonnet": _claude(3.0, 15.0, 0.3),
    "anthropic/claude-haiku-5-5": (0.1, 0.5, 0.01, 0.125, LONG_HAIKU, 0.5, 2.5, 0.05, 0.625),
    "anthropic/claude-haiku-4-5": _claude(1.0, 5.0, 0.1),
    "anthropic/claude-3-5-haiku": _claude(0.8, 4.0, 0.08),
    "anthropic/claude-3-opus": _claude(15.0, 75.0, 1.5),
    "anthropic/claude-3-haiku": (0.25, 1.25, 0.03, 0.3125),
    "gemini/gemini-3.8-flash": _flat(1.5, 7.5, 0.15),
    "gemini/gemini-3.7-flash": _flat(1.5, 7.5, 0.15),
    "gemini/gemini-3.6-flash": _flat(1.5, 7.5, 0.15),
    "gemini/gemini-3.5-flash": _flat(1.5, 9.0, 0.15),
    "gemini/gemini-3.5-flash-lite": _flat(0.3, 2.5, 0.03),
    "gemini/gemini-3.1-flash-lite": _flat(0.25, 1.5, 0.025),
    "gemini/gemini-3.1-pro": _GEMINI_PRO,
    "gemini/gemini-3-pro": _GEMINI_PRO,
    "gemini/gemini-3-flash": _flat(0.5, 3.0, 0.05),
    "gemini/gemini-2.5-pro": (1.25, 10.0, 0.125, 1.25, LONG_GEMINI, 2.5, 15.0, 0.25, 2.5),
    "gemini/gemini-2.5-flash": _flat(0.3, 2.5, 0.03),
    "gemini/gemini-2.5-flash-lite": _flat(0.1, 0.4, 0.01),
    "gemini/gemini-2.0-flash": _flat(0.1, 0.4, 0.025),
    "gemini/gemini-2.0-flash-lite": _flat(0.075, 0.3),
    "gemini/gemini-flash-latest": _flat(1.5, 9.0, 0.15),
    "gemini/gemini-flash-lite-latest": _flat(0.3, 2.5, 0.03),
    "gemini/gemini-pro-latest": _GEMINI_PRO,
    "deepseek/deepseek-flash": _flat(0.3, 1.2, 0.006),
    "deepseek/deepseek-v4-flash": _flat(0.3, 1.2, 0.006),
    "deepseek/deepseek-v4-pro": _flat(1.32, 3.96, 0.044),
}
