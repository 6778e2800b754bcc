"""What a model's server says of it: the window that is really in force, what it can do, sometimes its price.

Each kind of server tells in its own way; this knows how to ask and how to read the answers. Ollama: `/api/show` and
`/api/ps` (github.com/ollama/ollama, docs/api.md and docs/context-length.mdx: unless the model or the server says
otherwise, 4,096 tokens below 24 GiB of video memory). llama.cpp: `/props` (tools/server/README.md). vLLM:
`max_model_len` of `/v1/models`. LM Studio: `/api/v0/models` (lmstudio.ai/docs/developer/rest/endpoints). OpenRouter:
`/models` (openrouter.ai/docs/api-reference/list-available-models). Knows no catalog. Start with `ask`.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, cast

import anyio

from copydesk.domain.errors import ModelError
from copydesk.domain.frozen import frozen
from copydesk.domain.models import PER, Price
from copydesk.egress.door import Door
from copydesk.egress.hosts import host_of, is_loopback
from copydesk.models.remote import Endpoint

Kind: TypeAlias = Literal["", "ollama", "llama.cpp", "vLLM", "LM Studio", "OpenRouter"]

LIMIT_S: Final = 0.3
"""For everything that is asked of one server about one model."""
REMOTE_LIMIT_S: Final = 3.0
ANSWER_LIMIT_BYTES: Final = 16 * 1024 * 1024
OLLAMA_DEFAULT: Final = 4_096
SMALL: Final = 16_384
"""Below this the tools, one file and an answer hardly fit."""

Json: TypeAlias = Mapping[str, Any]
NOTHING: Final[Json] = {}


@frozen
class ServerFacts:
    """None and empty: the server does not say. `trained_tokens` is the most the model could have.

    `certain` is False where the window is what the server does by default: it is asked again soon.
    """

    kind: Kind = ""
    window_tokens: int | None = None
    trained_tokens: int | None = None
    output_limit_tokens: int | None = None
    tools: bool | None = None
    images: bool | None = None
    thinking: bool | None = None
    schema: bool | None = None
    price: Price | None = None
    certain: bool = True


def may_ask(endpoint: Endpoint) -> bool:
    """What a person named as `ollama` on this machine or as `compat`; away from this machine only its list.

    What is named as OpenAI's, Anthropic's and the like is taken for that, or for a proxy to it, wherever it is.
    """
    name = endpoint.provider.name
    return name == "compat" or (name == "ollama" and is_loopback(host_of(endpoint.base_url)))


async def ask(door: Door, endpoint: Endpoint, model: str, ollama_context: str = "") -> ServerFacts | None:
    """What the server says of `model`, None when it says nothing. Never raises for a server that is strange.

    `ollama_context` is OLLAMA_CONTEXT_LENGTH of this machine, which Ollama most likely was started with too.
    """
    local = is_loopback(host_of(endpoint.base_url))
    if not may_ask(endpoint) or (door.offline and not local):
        return None
    from copydesk.egress import transport  # what it costs to import must not count

    del transport
    found: list[ServerFacts | None] = [None]
    with anyio.move_on_after(LIMIT_S if local else REMOTE_LIMIT_S):
        if endpoint.provider.name == "ollama":
            found[0] = await _ollama(door, endpoint, model, ollama_context)
        else:
            found[0] = await _listed(door, endpoint, model, local=local)
    return found[0]


# --- Ollama ---


async def _ollama(door: Door, endpoint: Endpoint, model: str, context: str) -> ServerFacts | None:
    root = endpoint.base_url.removesuffix("/v1")
    answers: dict[str, Json | None] = {}

    async def get(path: str, body: bytes) -> None:
        answers[path] = await _json(door, "POST" if body else "GET", root + path, endpoint, body)

    async with anyio.create_task_group() as group:
        group.start_soon(get, "/api/show", json.dumps({"model": model}).encode())
        group.start_soon(get, "/api/ps", b"")
    shown = answers.get("/api/show")
    return None if shown is None else read_ollama(shown, answers.get("/api/ps") or {}, model, context)


def read_ollama(shown: Json, running: Json, model: str, context: str = "") -> ServerFacts:
    """From `/api/show` and `/api/ps`. What is loaded counts; then `num_ctx`, the server's variable, its default."""
    info = _table(shown.get("model_info"))
    trained = next((_count(value) for key, value in info.items() if key.endswith(".context_length")), None)
    loaded = next((row for row in _rows(running, "models") if _same_tag(row, model)), NOTHING)
    said = _count(loaded.get("context_length")) or _num_ctx(shown)
    if shown.get("remote_host") or shown.get("remote_model"):  # run elsewhere, with all it has
        said = trained
    window = said or (_count(int(context)) if context.strip().isdecimal() else None)
    can = shown.get("capabilities")
    able = frozenset(cast("list[str]", can)) if isinstance(can, list) else None
    return ServerFacts(
        "ollama",
        window_tokens=min(window or OLLAMA_DEFAULT, trained or 1 << 62),
        trained_tokens=trained,
        tools=None if able is None else "tools" in able,
        images=None if able is None else "vision" in able,
        thinking=None if able is None else "thinking" in able,
        schema=True,
        certain=said is not None,
    )


def _same_tag(row: Json, model: str) -> bool:
    wanted = model if ":" in model else f"{model}:latest"
    return wanted in (row.get("name"), row.get("model"))


def _num_ctx(shown: Json) -> int | None:
    """`parameters` is the text of a Modelfile: a name and a value a line."""
    text = shown.get("parameters")
    lines = [line.split() for line in text.splitlines()] if isinstance(text, str) else []
    return next(
        (_count(int(line[1])) for line in lines if line[:1] == ["num_ctx"] and line[1:2] and line[1].isdecimal()), None
    )


# --- servers with a list of models ---


async def _listed(door: Door, endpoint: Endpoint, model: str, *, local: bool) -> ServerFacts | None:
    listed = await _json(door, "GET", endpoint.base_url + "/models", endpoint)
    row = row_of(listed or {}, model)
    if row is None:
        return None
    facts = read_row(row, host_of(endpoint.base_url))
    root = endpoint.base_url.removesuffix("/v1")
    if local and facts.kind == "llama.cpp":
        props = await _json(door, "GET", f"{root}/props", endpoint)
        return read_props(props, facts) if props else facts
    if local and facts.kind == "LM Studio":
        own = row_of(await _json(door, "GET", f"{root}/api/v0/models", endpoint) or {}, model)
        return read_lm_studio(own) if own else facts
    return facts


def row_of(listed: Json, model: str) -> Json | None:
    """The list's row for the model; the only row there is, when a server calls its one model something else."""
    rows = _rows(listed, "data")
    named = next((row for row in rows if row.get("id") == model), None)
    return named if named is not None or len(rows) != 1 else rows[0]


def read_row(row: Json, host: str = "") -> ServerFacts:
    """One row of `/models`: who owns it tells which server this is."""
    owner = row.get("owned_by")
    if host == "openrouter.ai" or "supported_parameters" in row:
        return _openrouter(row)
    if (longest := _count(row.get("max_model_len"))) is not None:
        return ServerFacts("vLLM", longest, longest, schema=True)
    if owner == "llamacpp" or "n_ctx_train" in (meta := _table(row.get("meta"))):
        meta = _table(row.get("meta"))
        return ServerFacts("llama.cpp", _count(meta.get("n_ctx")), _count(meta.get("n_ctx_train")), schema=True)
    if owner == "organization_owner":
        return ServerFacts("LM Studio", schema=True)
    return ServerFacts("", _count(row.get("context_length")) or _count(row.get("context_window")))


def read_props(props: Json, facts: ServerFacts) -> ServerFacts:
    """llama.cpp's `/props`: the window of one slot, and what the chat template can do."""
    settings = _table(props.get("default_generation_settings"))
    window = _count(settings.get("n_ctx")) or _count(props.get("n_ctx")) or facts.window_tokens
    can = _table(props.get("chat_template_caps"))
    sees = _table(props.get("modalities")).get("vision")
    return ServerFacts(
        "llama.cpp",
        window,
        facts.trained_tokens,
        tools=_flag(can.get("supports_tools")),
        images=_flag(sees),
        schema=True,
    )


def read_lm_studio(row: Json) -> ServerFacts:
    """A row of `/api/v0/models`: a model that is not loaded yet says only what it could have."""
    most = _count(row.get("max_context_length"))
    loaded = _count(row.get("loaded_context_length"))
    can = row.get("capabilities")
    return ServerFacts(
        "LM Studio",
        loaded or most,
        most,
        tools="tool_use" in cast("list[object]", can) if isinstance(can, list) else None,
        images=row.get("type") == "vlm" if "type" in row else None,
        schema=True,
        certain=loaded is not None,
    )


def _openrouter(row: Json) -> ServerFacts:
    top = _table(row.get("top_provider"))
    takes = row.get("supported_parameters")
    parameters = frozenset(cast("list[object]", takes)) if isinstance(takes, list) else None
    sees = _table(row.get("architecture")).get("input_modalities")
    return ServerFacts(
        "OpenRouter",
        _count(top.get("context_length")) or _count(row.get("context_length")),
        output_limit_tokens=_count(top.get("max_completion_tokens")),
        tools=None if parameters is None else "tools" in parameters,
        images="image" in cast("list[object]", sees) if isinstance(sees, list) else None,
        thinking=None if parameters is None else "reasoning" in parameters,
        schema=None if parameters is None else "structured_outputs" in parameters,
        price=_openrouter_price(_table(row.get("pricing"))),
    )


def _openrouter_price(pricing: Json) -> Price | None:
    """Dollars for one token, as texts; -1 where it depends (`openrouter/auto`)."""
    fresh, output = _dollars(pricing.get("prompt")), _dollars(pricing.get("completion"))
    if fresh is None or output is None:
        return None
    read, write = _dollars(pricing.get("input_cache_read")), _dollars(pricing.get("input_cache_write"))
    return Price(fresh, output, fresh if read is None else read, fresh if write is None else write)


# --- reading what others wrote ---


async def _json(door: Door, method: str, url: str, endpoint: Endpoint, body: bytes = b"") -> Json | None:
    headers = {"content-type": "application/json"} if body else {}
    try:
        async with door.stream(method, url, headers | endpoint.headers(), body) as response:
            if response.status != 200:
                return None
            answer: object = json.loads(await response.read(ANSWER_LIMIT_BYTES))
    except (ModelError, ValueError, RecursionError):
        return None
    return cast("Json", answer) if isinstance(answer, dict) else None


def _table(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _rows(answer: Json, key: str) -> list[Json]:
    rows = answer.get(key)
    return (
        [cast("Json", row) for row in cast("list[object]", rows) if isinstance(row, dict)]
        if isinstance(rows, list)
        else []
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 40 else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _dollars(value: object) -> float | None:
    """For a million tokens, from a text for one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value) * PER
    except ValueError:
        return None
    return round(found, 6) if 0 <= found < float("inf") else None
