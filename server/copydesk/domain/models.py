"""What is known of a model by those who do not speak to it: its limits, what it takes, what it costs.

Data only; `models.catalog` fills it in. Start with `facts_of`.
"""

from typing import Any, Literal, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Usage

Billing: TypeAlias = Literal["tokens", "free", "elsewhere", "unknown"]
"""tokens: `price` holds. free: on this machine, or built in. elsewhere: the editor's own account. unknown: may cost."""

SchemaForm: TypeAlias = Literal["json_schema", "tool", "json_object", "words"]
"""How the wire takes an output schema: its own field, a tool that must be called, JSON mode with the schema in words,
or words alone. Gemini's wire has `responseSchema` as its own field."""

PER = 1_000_000


@frozen
class Price:
    """US dollars for a million tokens. `input` is for tokens that no cache served or took in.

    Some providers ask more for a whole request that is long: `long` is the price of one with more input tokens than
    `long_above`.
    """

    input: float
    output: float
    cache_read: float
    cache_write: float
    long_above: int = 0
    long: "Price | None" = None

    def at(self, input_tokens: int) -> "Price":
        """The price of a request of this size."""
        return self.long if self.long is not None and input_tokens > self.long_above else self

    def usd(self, usage: Usage) -> float:
        """What one request costs. `usage.input` includes the cached ones, `usage.output` the reasoning.

        Not for the sum of several: which price holds depends on the size of each.
        """
        price = self.at(usage.input)
        fresh = max(0, usage.input - usage.cache_read - usage.cache_write)
        whole = fresh * price.input + usage.output * price.output
        return (whole + usage.cache_read * price.cache_read + usage.cache_write * price.cache_write) / PER


@frozen
class ModelFacts:
    """`family` is the catalog's word; `known` is False when only safe defaults are known.

    `tokenizer` names a tiktoken encoding, empty where counting is by estimate. `source` says whose word
    counts: "catalog", "default", "server" (its window was asked for) or "user" (the person's own window or price).
    """

    family: str
    window_tokens: int
    output_limit_tokens: int
    billing: Billing = "unknown"
    price: Price | None = None
    tools: bool = True
    images: bool = False
    tokenizer: str = ""
    known: bool = True
    source: str = "catalog"
    schema: SchemaForm = "words"


BUILT_IN = ModelFacts("built-in", 1_000_000, 100_000, billing="free", tools=True)
"""Of a model that says nothing of itself: the offline and the scripted ones."""


def facts_of(model: Any) -> ModelFacts:
    """What a `domain.ports.Model` says of itself in its `facts`, where it has any."""
    return getattr(model, "facts", BUILT_IN)
