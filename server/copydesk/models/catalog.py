"""What is known of model families, as data: window, output limit, thinking form, field names, cache form.

Unknown names get safe defaults and say so (`known` is False). Knows no network. Start with `entry`.
"""

import re
from dataclasses import replace
from typing import Literal, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.models import Billing, ModelFacts, Price

ThinkingForm: TypeAlias = Literal[
    "none",
    "effort",
    "deepseek",
    "anthropic_budget",
    "anthropic_adaptive",
    "gemini_budget",
    "gemini_level",
    "openrouter",
    "template",
    "instruction",
]
"""effort: `reasoning_effort` (Responses: `reasoning.effort`). deepseek: that and a switch. anthropic_budget: a number
of tokens. anthropic_adaptive: as much as the model sees fit, steered by an effort. gemini_budget / gemini_level:
`thinkingConfig`. openrouter: a `reasoning` object. template: `chat_template_kwargs.enable_thinking`. instruction: the
model has no such switch, so words in the system text ask it to think step by step. none: it cannot be steered at all.
"""

SchemaForm: TypeAlias = Literal["json_schema", "tool", "json_object", "words"]
"""How the wire takes an output schema: its own field, a tool that must be called, JSON mode with the schema in words,
or words alone. Gemini's wire has `responseSchema` as its own field."""


@frozen
class Entry:
    """One family, or one model. Token counts; `max_tokens_field` is the request's name for the output limit.

    `echo_reasoning`: every assistant message must carry its reasoning back (`reasoning_content`).
    `effort_with_tools` replaces every effort in requests with tools: the wire takes no other there.
    `effort_off` is what `thinking = off` means in the effort form; empty when it cannot be switched off.
    """

    family: str
    window_tokens: int
    output_limit_tokens: int
    thinking: ThinkingForm = "none"
    max_tokens_field: str = "max_tokens"
    tools: bool = True
    images: bool = False
    cache_marks: bool = False
    echo_reasoning: bool = False
    effort_off: str = ""
    effort_with_tools: str = ""
    known: bool = True
    schema: SchemaForm = "words"
    price: Price | None = None
    tokenizer: str = ""
    source: str = "catalog"

    def facts(self, billing: Billing) -> ModelFacts:
        """The part that concerns others than the wires."""
        return ModelFacts(
            self.family,
            self.window_tokens,
            self.output_limit_tokens,
            billing=billing,
            price=self.price,
            tools=self.tools,
            images=self.images,
            tokenizer=self.tokenizer,
            known=self.known,
            source=self.source,
        )


DEFAULT = Entry("generic", window_tokens=32_768, output_limit_tokens=4_096, known=False)

_O = "max_completion_tokens"
_GEMINI: tuple[tuple[str, Entry], ...] = (
    # Levels, budgets and what `off` may be: ai.google.dev/gemini-api/docs/generate-content/thinking. Thinking cannot be
    # switched off from 3.7 on, nor in any Pro; the smallest budget of 2.5 Pro is 128. The 2.0 models are shut down.
    (r"gemini-(1|2\.[0-4])", Entry("gemini-2.0", 1_048_576, 8_192, images=True, schema="json_schema")),
    (
        r"gemini-2\.5-pro",
        Entry(
            "gemini-2.5-pro", 1_048_576, 65_536, "gemini_budget", images=True, effort_off="128", schema="json_schema"
        ),
    ),
    (
        r"gemini-2\.5",
        Entry("gemini-2.5", 1_048_576, 65_536, "gemini_budget", images=True, effort_off="0", schema="json_schema"),
    ),
    (
        r"gemini-3(\.[0-6])?-flash|gemini-3\.\d+-flash-lite",
        Entry(
            "gemini-3-flash", 1_048_576, 65_536, "gemini_level", images=True, effort_off="minimal", schema="json_schema"
        ),
    ),
    (r"gemini-", Entry("gemini", 1_048_576, 65_536, "gemini_level", images=True, schema="json_schema")),
)
_FAMILIES: tuple[tuple[str, Entry], ...] = (
    # A pattern is searched in `provider/model`, lower case; the first that fits wins.
    (
        r"openai/.*gpt-5(\.0)?(-|$)",
        Entry("gpt-5", 400_000, 128_000, "effort", _O, images=True, effort_off="minimal"),
    ),
    (
        # Chat Completions refuses tools beside any effort, the default one too; only the Responses wire has both.
        r"openai/.*gpt-(5\.[4-9]|[6-9])",
        Entry("gpt-5.4+", 1_050_000, 128_000, "effort", _O, images=True, effort_off="none", effort_with_tools="none"),
    ),
    (r"openai/.*gpt-5", Entry("gpt-5.x", 400_000, 128_000, "effort", _O, images=True, effort_off="none")),
    (r"openai/(.*/)?o[1-9]", Entry("o-series", 200_000, 100_000, "effort", _O, images=True)),
    (r"openai/.*gpt-4\.1", Entry("gpt-4.1", 1_047_576, 32_768, "none", _O, images=True)),
    (r"openai/.*gpt-4o", Entry("gpt-4o", 128_000, 16_384, "none", _O, images=True)),
    (r"openai/", Entry("openai", 128_000, 16_384, "none", _O, images=True)),
    (
        r"claude.*(fable|mythos|(opus|sonnet|haiku)-([5-9]|4-[6-9]))",
        Entry("claude-adaptive", 1_000_000, 128_000, "anthropic_adaptive", images=True, cache_marks=True),
    ),
    (
        r"claude.*(opus|sonnet|haiku)-4|claude-3-7",
        Entry("claude-4", 200_000, 32_000, "anthropic_budget", images=True, cache_marks=True),
    ),
    (r"claude-3-5", Entry("claude-3.5", 200_000, 8_192, images=True, cache_marks=True)),
    (r"claude-3", Entry("claude-3", 200_000, 4_096, images=True, cache_marks=True)),
    (r"^anthropic/", Entry("claude", 200_000, 8_192, images=True, cache_marks=True, known=False)),
    *_GEMINI,
    (r"deepseek.*(-r1|distill)", Entry("deepseek-r1", 65_536, 32_768)),
    (r"^deepseek/", Entry("deepseek", 128_000, 32_768, "deepseek", echo_reasoning=True)),
    (r"deepseek", Entry("deepseek-open", 128_000, 8_192)),
    (r"kimi|moonshot", Entry("kimi", 128_000, 16_384, echo_reasoning=True)),
    (r"gpt-oss", Entry("gpt-oss", 131_072, 32_768, "effort")),
    (r"qwen3|qwq", Entry("qwen3", 131_072, 32_768)),
    (r"qwen", Entry("qwen", 32_768, 8_192)),
    (r"llama-?3|llama-?4", Entry("llama", 131_072, 8_192)),
    (r"mistral|devstral|codestral|magistral", Entry("mistral", 131_072, 16_384)),
    (r"glm", Entry("glm", 131_072, 32_768)),
    (r"gemma-?3|gemma-?4", Entry("gemma", 131_072, 8_192, images=True)),
    (r"gemma", Entry("gemma-old", 8_192, 4_096, tools=False)),
    (r"phi", Entry("phi", 16_384, 4_096)),
)
_COMPILED = tuple((re.compile(pattern), found) for pattern, found in _FAMILIES)


def entry(name: str) -> Entry:
    """The entry for `provider/model`, the generic one when nothing is known."""
    lowered = name.lower()
    return next((found for pattern, found in _COMPILED if pattern.search(lowered)), DEFAULT)


def over(wire: str, found: Entry) -> Entry:
    """The entry as a wire puts it: Gemini's thinking has another form on Google's OpenAI-compatible endpoint."""
    if wire != "openai_chat" or found.thinking not in ("gemini_level", "gemini_budget"):
        return found
    return replace(
        found, thinking="effort", effort_off={"0": "none", "minimal": "minimal"}.get(found.effort_off, "low")
    )
