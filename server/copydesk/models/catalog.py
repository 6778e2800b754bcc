"""What is known of a model before it is asked anything: window, output limit, price, forms of what it takes.

The facts are rows in `families`; this finds the one for a name. Unknown names get safe defaults and say so (`known` is
False). Knows no network, and not what the person or a server says (`own_entries`, `windows`). Start with `entry`.
"""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Literal, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.models import Billing, ModelFacts, Price, SchemaForm

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


@frozen
class Entry:
    """One family, or one model. Token counts; `max_tokens_field` is the request's name for the output limit.

    `echo_reasoning`: every assistant message must carry its reasoning back (`reasoning_content`).
    `effort_with_tools` replaces every effort in requests with tools: the wire takes no other there.
    `refuses`: fields of the request, and habits of ours, that the server takes amiss (`models.refusals` names them).
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
    refuses: frozenset[str] = frozenset()

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
            schema=self.schema,
        )


DEFAULT = Entry("generic", 32_768, 4_096, "instruction", known=False, source="default")
OPENROUTER = "openrouter.ai"
_VENDORS = {"openai": "openai", "anthropic": "anthropic", "google": "gemini"}
"""Whose models OpenRouter passes on at their own price, by its word for them: the provider's name here."""
_DATED = re.compile(r"(-latest|-preview)?-?(\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{2}-\d{2}|20\d{6})?$")


@lru_cache(256)
def entry(name: str, host: str = "") -> Entry:
    """The entry for `provider/model`, the generic one when nothing is known. `host` is who serves it."""
    lowered = name.lower().replace("gemini/models/", "gemini/")  # as Google lists them
    if host == OPENROUTER:
        return _routed(lowered)
    found = _family(lowered)
    if lowered.startswith("ollama/"):
        found = replace(found, schema="json_schema")
    return replace(found, price=price(lowered))


def price(name: str) -> Price | None:
    """What `provider/model` costs at its own provider; None when that is not known."""
    from copydesk.models.families import PRICES

    rates = PRICES.get(name) or PRICES.get(_DATED.sub("", name, count=1))
    return to_price(*rates) if rates else None


def to_price(input: float, output: float, cache_read: float, cache_write: float, *long: float) -> Price:
    """`long`: above how many input tokens, and the four rates again."""
    if not long:
        return Price(input, output, cache_read, cache_write)
    return Price(input, output, cache_read, cache_write, int(long[0]), Price(long[1], long[2], long[3], long[4]))


def _family(name: str) -> Entry:
    from copydesk.models.families import FAMILIES

    for word, pattern, family, facts in FAMILIES:
        if word in name and (not pattern or re.search(pattern, name)):
            return Entry(family, **facts)
    return DEFAULT


def _routed(name: str) -> Entry:
    """`compat/VENDOR/MODEL` at OpenRouter: the vendor's model behind OpenRouter's own wire."""
    vendor, _, model = name.partition("/")[2].partition("/")
    found = _family(name)
    own = _VENDORS.get(vendor)
    return replace(
        found,
        thinking=found.thinking if found.thinking in ("none", "instruction") else "openrouter",
        max_tokens_field="max_tokens",
        effort_off="none",
        effort_with_tools="",
        price=price(f"{own}/{model.replace('.', '-') if own == 'anthropic' else model}") if own else None,
    )


def over(wire: str, found: Entry) -> Entry:
    """The entry as a wire puts it: Gemini's thinking has another form on Google's OpenAI-compatible endpoint."""
    if wire != "openai_chat" or found.thinking not in ("gemini_level", "gemini_budget"):
        return found
    return replace(
        found, thinking="effort", effort_off={"0": "none", "minimal": "minimal"}.get(found.effort_off, "low")
    )
