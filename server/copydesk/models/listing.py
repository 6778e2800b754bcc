"""Every model that could be named now, with what is known of it, or what is missing and how to get it.

What `copydesk models` shows, as data and as JSON. Knows no table. Start with `listed`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import anyio

from copydesk.domain.errors import ConfigError
from copydesk.domain.frozen import frozen
from copydesk.domain.models import BUILT_IN, ModelFacts, Price
from copydesk.egress.hosts import host_of, is_loopback
from copydesk.models.catalog import Entry
from copydesk.models.knowledge import Knowledge
from copydesk.models.probes import Served
from copydesk.models.providers import PROVIDERS, Provider
from copydesk.models.remote import Endpoint, billing_of

ASK_LIMIT_S: Final = 1.5
"""For asking all servers about all their models; what is not known by then is shown as the catalog has it."""
N_ASKED: Final = 32
"""Most models that one listing asks about."""


@frozen
class ModelInfo:
    """One line. `why` says what it was found by, or what is missing and how to get it.

    `thinking` and `schema` are the catalog's words for their forms; `notes` what to know before relying on it.
    """

    name: str
    provider: str
    available: bool
    why: str
    local: bool
    facts: ModelFacts | None = None
    thinking: str = ""
    schema: str = ""
    notes: tuple[str, ...] = ()


@frozen
class Sources:
    """What a listing is made from: the providers in order, and what the selection knows to do with each."""

    providers: Iterable[Provider]
    url: Callable[[Provider], str]
    endpoint: Callable[[Provider], Endpoint]
    served: Callable[[Provider], Awaitable[Served]]
    env: Mapping[str, str]
    offline: bool
    named: tuple[str, ...]
    knowledge: Knowledge


async def listed(sources: Sources) -> list[ModelInfo]:
    """The lines of all providers, of what is named in the settings too."""
    infos = [info for provider in sources.providers for info in await _infos(provider, sources)]
    infos = [*_named(infos, sources), *infos]
    with anyio.move_on_after(ASK_LIMIT_S):
        async with anyio.create_task_group() as group:
            for info in [info for info in infos if info.available][:N_ASKED]:
                group.start_soon(sources.knowledge.learn, info.name, sources.endpoint(PROVIDERS[info.provider]))
    return [known(info, sources) for info in infos]


def built_in(name: str) -> ModelInfo:
    """The line of the offline model."""
    return ModelInfo(name, "offline", True, "Built in; no key and no network.", True, BUILT_IN, "none", "words")


async def _infos(provider: Provider, sources: Sources) -> list[ModelInfo]:
    url = sources.url(provider)
    if not url:
        return []
    local = is_loopback(host_of(url))
    name = f"{provider.name}/{provider.default_model or '…'}"
    if sources.offline and not local:
        return [ModelInfo(name, provider.name, False, "network.offline is on.", local)]
    if provider.needs_key:
        key_set = bool(sources.env.get(provider.key_variable, "").strip())
        why = f"{provider.key_variable} is set." if key_set else provider.how_to_set
        return [ModelInfo(name, provider.name, key_set, why, local)]
    served = await sources.served(provider)
    if not served.names:
        return [ModelInfo(name, provider.name, False, served.why, local)]
    return [ModelInfo(f"{provider.name}/{one}", provider.name, True, served.why, local) for one in served.names]


def _named(infos: list[ModelInfo], sources: Sources) -> list[ModelInfo]:
    """What the settings name and no provider's line says: another model of a provider whose key is there."""
    like = {info.provider: info for info in infos}
    there = {info.name for info in infos}
    extra: list[ModelInfo] = []
    for name in dict.fromkeys(sources.named):
        found = like.get(name.partition("/")[0])
        if found is not None and name not in there and PROVIDERS[found.provider].needs_key:
            extra.append(replace(found, name=name, why=f"{found.why} Named in the settings."))
    return extra


def known(info: ModelInfo, sources: Sources) -> ModelInfo:
    """The line with what is known of the model."""
    if info.name.endswith("/…"):
        return info
    try:
        endpoint = sources.endpoint(PROVIDERS[info.provider])
    except ConfigError:
        return info
    entry = sources.knowledge.entry(info.name, endpoint)
    notes = sources.knowledge.notes(info.name, endpoint) if info.available else ()
    return replace(info, facts=facts_at(entry, endpoint), thinking=entry.thinking, schema=entry.schema, notes=notes)


def facts_at(entry: Entry, endpoint: Endpoint) -> ModelFacts:
    """What is known of a model behind an endpoint, and who pays for it."""
    return entry.facts(billing_of(entry, endpoint, is_local=is_loopback(host_of(endpoint.base_url))))


def info_to_json(info: ModelInfo) -> dict[str, Any]:
    """The line as clients get it. Token counts; prices in US dollars for a million tokens."""
    line = {key: getattr(info, key) for key in ("name", "provider", "available", "why", "local")}
    if info.facts is not None:
        line |= facts_to_json(info.facts) | {"thinking": info.thinking, "schema": info.schema}
    return line | {"notes": list(info.notes)}


def facts_to_json(facts: ModelFacts) -> dict[str, Any]:
    return {
        "family": facts.family,
        "window": facts.window_tokens,
        "output": facts.output_limit_tokens,
        "price": price_to_json(facts.price) if facts.price and facts.billing != "free" else None,
        "billing": facts.billing,
        "tools": facts.tools,
        "images": facts.images,
        "known": facts.known,
        "source": facts.source,
    }


def price_to_json(price: Price) -> dict[str, Any]:
    rates: dict[str, Any] = {
        "input": price.input,
        "output": price.output,
        "cacheRead": price.cache_read,
        "cacheWrite": price.cache_write,
    }
    return rates | ({"longAbove": price.long_above, "long": price_to_json(price.long)} if price.long else {})
