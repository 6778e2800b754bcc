"""Which tokenizer a model has, as far as is known, and what its provider adds around texts. Data.

Where nothing was measured the nearest measured tokenizer stands in, with a factor. Facts: the counting pages of the
providers (Claude's new tokenizer since Opus 4.7; about 340 tokens of words for tools; Gemini's digits one by one),
Qwen's and Mistral's published tokenizers. Knows no texts. Start with `family_of`.
"""

import re
from dataclasses import replace
from typing import Literal, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.models import ModelFacts
from copydesk.models.tokens.costs import Measured

Vision: TypeAlias = Literal["tiles", "patches", "claude", "claude large", "gemini", "gemini tiles", "other"]


@frozen
class Family:
    """`factor` is for what was not measured itself. The rest are tokens that stand around texts: for each message, for
    each call and its result, once where there are tools, for each tool; `tools_factor`: how a provider writes tools'
    schemas, beside the JSON that is sent.
    """

    name: str
    measured: Measured = "o200k"
    factor: float = 1.0
    digits_each: bool = False
    vision: Vision = "other"
    message: float = 4
    call: float = 8
    tools: float = 0
    tool: float = 8
    tools_factor: float = 1.0


OTHER = Family("other", factor=1.08)
_O200K = Family("o200k", vision="patches", call=6, tools=12, tool=4, tools_factor=0.88)
_CL100K = replace(_O200K, name="cl100k", measured="cl100k", vision="tiles")
_GEMINI = Family("gemini", factor=1.08, digits_each=True, vision="gemini", tools_factor=0.9)

_FAMILIES: tuple[tuple[str, Family], ...] = (
    # A pattern is searched in `provider/model`, lower case; the first that fits wins.
    (
        r"claude.*(fable|mythos|(opus|sonnet|haiku)-([5-9]|4-[7-9]))",
        Family("claude 4.7", "claude 4.7", vision="claude large", call=14, tools=340, tool=10),
    ),
    (r"claude|^anthropic/", Family("claude", "claude", vision="claude", call=14, tools=340, tool=10)),
    (r"gpt-oss", Family("gpt-oss", message=6, tools=20, tool=4, tools_factor=0.9)),
    (r"gpt-5\.[4-9]|gpt-[6-9]", _O200K),
    (r"gpt-4o|gpt-4\.1|gpt-5|(^|/)o[1-9]", replace(_O200K, vision="tiles")),
    (r"gpt-4|gpt-3\.5", _CL100K),
    (r"^openai/", _O200K),
    (r"gemini-[12]", replace(_GEMINI, vision="gemini tiles")),
    (r"gemini", _GEMINI),
    (r"gemma", Family("gemma", factor=1.08, digits_each=True)),
    (r"deepseek.*distill.*qwen|qwen|qwq", Family("qwen", "llama", digits_each=True, tools=140, tool=12)),
    (r"llama", Family("llama", "llama", tools=80, tool=12)),
    (r"deepseek", Family("deepseek", "llama", factor=1.03, tools=80)),
    (r"mistral|devstral|codestral|magistral|ministral", Family("mistral", factor=1.03, digits_each=True)),
    (r"kimi|moonshot|glm", Family("kimi", factor=1.02, tools=100)),
    (r"phi", Family("phi", "cl100k", factor=1.02)),
)
_BY_TOKENIZER = {"o200k_base": _O200K, "o200k_harmony": _O200K, "cl100k_base": _CL100K}


def family_of(model: str, facts: ModelFacts) -> Family:
    """By the model's name first, then by the tokenizer that the catalog names."""
    if model == "offline" or model.startswith("scripted:"):
        return OTHER  # without compiling a single pattern: it is what most starts begin with
    lowered = model.lower()
    fits = (family for pattern, family in _FAMILIES if re.search(pattern, lowered))
    return next(fits, _BY_TOKENIZER.get(facts.tokenizer, OTHER))
