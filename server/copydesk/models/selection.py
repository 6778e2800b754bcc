"""Which model answers: `provider/model` names, `auto`, keys and base URLs → an object that streams.

Knows the environment only as the mapping it is given, and reaches the network only through the door, for short
questions to servers on this machine. What the editor has itself is in `editor_offers`. Start with `Models.resolve`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from copydesk.domain.errors import ConfigError, MissingKey, UnknownModel
from copydesk.domain.frozen import frozen
from copydesk.domain.models import ModelFacts
from copydesk.domain.ports import EditorModels, Model
from copydesk.egress.door import Door
from copydesk.egress.hosts import host_of, is_loopback
from copydesk.models import probes
from copydesk.models.escalation import Escalation, Made
from copydesk.models.knowledge import Knowledge
from copydesk.models.providers import NAMES, PROVIDERS, Provider, as_served, base_url, ollama_url, split_name
from copydesk.models.remote import Endpoint, RemoteModel
from copydesk.models.retry import ORDINARY_S, OnRetry, RetryPolicy, Trying, ignore_retry
from copydesk.models.routes import Learnt, wires_for
from copydesk.models.watching import Watching

if TYPE_CHECKING:
    from copydesk.models.catalog import Entry
    from copydesk.models.editor_offers import EditorOffers
    from copydesk.models.listing import ModelInfo
    from copydesk.models.script import Script
    from copydesk.models.scripted import ScriptedModel
    from copydesk.models.windows import Kind

PROBE_TTL_S = 10.0
KEYED = ("openai", "anthropic", "gemini", "deepseek")
"""The order in which `auto` looks for keys."""
EDITOR = "editor/"
OFFLINE_WORKS = 'The offline model needs no key: set model.name to "offline".'


@frozen
class ModelSettings:
    """What a person set: `model.name`, `.baseUrl`, `.api`, `.fallbacks`, `.retryForS`, and `network.offline`.

    `base_url_trusted`: the base URL comes from the environment or the user's own file, so keys may go there.
    """

    name: str = "auto"
    base_url: str = ""
    fallbacks: tuple[str, ...] = ()
    offline: bool = False
    base_url_trusted: bool = False
    retry_for_s: float = ORDINARY_S
    api: str = "auto"


def _ignore_switch(_model: str, _why: str) -> None:
    """Nobody listens."""


def _as_it_is(model: Model) -> Model:
    return model


class Models:
    """Turns names into models. `offline_model` makes the built-in one; probes are remembered for some seconds.

    `editor` has the editor's own models; None where there is no editor. `watching` sees every try, and `retry` says how
    they are made.
    """

    def __init__(
        self,
        settings: ModelSettings,
        env: Mapping[str, str],
        door: Door,
        offline_model: Callable[[], Model],
        *,
        editor: EditorModels | None = None,
        clock: Callable[[], float] = time.monotonic,
        knowledge: Knowledge | None = None,
        watching: Watching | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        self.knowledge = knowledge or Knowledge(door, env, clock=clock)
        self._watching = watching or Watching()
        self._retry = retry or RetryPolicy()
        self._env = env
        self._door = door
        self._offline_model = offline_model
        self._clock = clock
        self._probed: dict[str, tuple[float, probes.Served]] = {}
        self._scripts: dict[str, tuple[float, ScriptedModel]] = {}
        self._learnt = Learnt()
        self._settings = settings
        self._editor = editor
        self.apply(settings)

    @cached_property
    def _offers(self) -> "EditorOffers":
        """Made when an editor has models, or one of them is named: most start without."""
        from copydesk.models.editor_offers import EditorOffers

        return EditorOffers(self._editor, lambda: self._settings.offline, self._clock)

    @property
    def settings(self) -> ModelSettings:
        return self._settings

    def apply(self, settings: ModelSettings) -> None:
        """Takes new settings; models resolved before keep what they have, but the offline switch holds for all."""
        changed, self._settings = settings != self._settings, settings
        self._door.offline = settings.offline
        if changed:
            self.close_circuits()

    def close_circuits(self) -> None:
        """Whatever failed too often is worth a try again: a person chose a model, or changed what matters to it."""
        self._watching.breakers.close()

    async def resolve(
        self,
        name: str | None = None,
        *,
        on_retry: OnRetry = ignore_retry,
        on_switch: Callable[[str, str], None] = _ignore_switch,
        around: Callable[[Model], Model] = _as_it_is,
        local: bool = False,
        session: str = "",
        turn: str = "",
    ) -> Model:
        """The model for a name, or for the settings' when None. Raises `ModelError` or `ConfigError`.

        With `model.fallbacks` it is several in one: the first that can be had, and the others where it fails. A name
        that a person gave just now must be usable itself. `on_switch` is told when another one answers instead,
        `around` put around each that may. `local`: only a model on this machine is of use (see `is_local`), so the
        editor is not even asked for its own. `session` and `turn` say for whom, in the log of attempts.
        """

        async def make(name: str, *, patient: bool) -> Made:
            policy = self._retry.lasting(self._settings.retry_for_s)
            watch = partial(self._watching.of, session=session, turn=turn)
            trying = Trying(policy if patient else policy.short(), on_retry, watch)
            model = await self._named(name, trying, local=local)
            if local and name != first and not is_local(model):
                raise UnknownModel(f"{name!r} is not on this machine.")
            return Made(around(model), is_local(model))

        first = (self._settings.name if name is None else name).strip()
        others = (each.strip() for each in self._settings.fallbacks)
        names = tuple(dict.fromkeys((first, *(each for each in others if each))))
        if len(names) == 1:
            return (await make(first, patient=True)).model
        escalation = Escalation(names, make, on_switch)
        await escalation.open(strict=name is not None)
        return escalation

    async def _named(self, name: str, trying: Trying, *, local: bool) -> Model:
        name = name.strip()
        if name in ("", "auto"):
            return await self._auto(trying, local=local)
        if name == "offline":
            return self._offline_model()
        if name.startswith("scripted:"):
            return await self._scripted(name)
        if name.startswith(EDITOR) and name.removeprefix(EDITOR).strip():
            if local:
                raise UnknownModel(f"{name!r} is not on this machine.", advice=f"Set model.name to {NAMES}.")
            return await self._offers.named(name, trying)
        provider, model = split_name(name)
        return self._remote(provider, model, trying)

    async def _auto(self, trying: Trying, *, local: bool) -> Model:
        for provider in self._order():
            if (model := await self._model_for_auto(provider)) is not None:
                return self._remote(provider, model, trying)
        asks_editor = self._editor is not None and self._editor.available and not local
        return (await self._offers.for_auto(trying) if asks_editor else None) or self._offline_model()

    def _order(self) -> Iterator[Provider]:
        """Configured, then a key, then this machine's Ollama."""
        yield PROVIDERS["compat"]
        yield from (PROVIDERS[name] for name in KEYED)
        yield PROVIDERS["ollama"]

    async def _model_for_auto(self, provider: Provider) -> str | None:
        """The model to take of a provider that answers, else None. Only servers on this machine are asked."""
        url = self._url(provider)
        if not url or (self._door.offline and not is_loopback(host_of(url))):
            return None
        if provider.needs_key and self._env.get(provider.key_variable, "").strip():
            return provider.default_model
        if provider.needs_key and (url == provider.base_url or not is_loopback(host_of(url))):
            return None
        return (await self._served(provider)).best

    async def available(self) -> "list[ModelInfo]":
        """Every model that could be named now, and for what is missing, how to get it."""
        from copydesk.models.listing import ModelInfo, Sources, built_in, listed

        sources = Sources(
            tuple(self._order()),
            self._url,
            self.endpoint,
            self._served,
            self._env,
            self._door.offline,
            (self._settings.name, *self._settings.fallbacks),
            self.knowledge,
        )
        editors = [
            ModelInfo(each.name, "editor", each.available, each.why, False, each.facts)
            for each in await self._offers.offers()
        ]
        return [*await listed(sources), *editors, built_in(self._offline_model().name)]

    async def _served(self, provider: Provider) -> probes.Served:
        """What a server says it has; remembered for `PROBE_TTL_S`."""
        endpoint = self.endpoint(provider)
        known = self._probed.get(endpoint.base_url)
        if known is None or self._clock() - known[0] > PROBE_TTL_S:
            served = await probes.ask(self._door, endpoint)
            known = self._probed[endpoint.base_url] = (self._clock(), served)
        return known[1]

    def _remote(self, provider: Provider, model: str, trying: Trying) -> RemoteModel:
        endpoint = self.endpoint(provider)
        free = endpoint.key or endpoint.note or is_loopback(host_of(endpoint.base_url))
        if provider.needs_key and not free:
            raise MissingKey(
                f"{provider.title} needs a key, and {provider.key_variable} is not set.",
                advice=f"{provider.how_to_set} {OFFLINE_WORKS}",
            )
        name = f"{provider.name}/{model}"
        entry = self.knowledge.entry(name, endpoint)
        return RemoteModel(
            name,
            model,
            endpoint,
            self._door,
            entry,
            on_retry=trying.on_retry,
            retry=trying.policy,
            watch=trying.watch(name, endpoint.base_url),
            learnt=self._learnt,
            on_answer=self.knowledge.asking(name, endpoint),
        )

    def alone(self) -> "Models":
        """The same without fallbacks: what is named is what answers, or nothing does."""
        twin = copy(self)
        twin._settings = replace(self._settings, fallbacks=())
        return twin

    def facts(self, name: str) -> ModelFacts | None:
        """What is known of a provider's model now; None of others. Asks nobody."""
        from copydesk.models.listing import facts_at

        endpoint = self._endpoint_of(name)
        return facts_at(self.knowledge.entry(name, endpoint), endpoint) if endpoint else None

    def kind(self, name: str) -> "Kind":
        """Which server a model is on, where that is known."""
        endpoint = self._endpoint_of(name)
        said = self.knowledge.said(name, endpoint) if endpoint else None
        return said.kind if said else ""

    async def relearn(self, name: str) -> "Entry | None":
        """As `learn`, and its server is asked even if it was just before."""
        endpoint = self._endpoint_of(name)
        return await self.knowledge.learn(name, endpoint, anew=True) if endpoint else None

    async def learn(self, name: str) -> ModelFacts | None:
        """What is known of a model once its server was asked, where it may be and is due. Raises `ConfigError`."""
        endpoint = self._endpoint_of(name)
        return (await self.knowledge.learn(name, endpoint)).facts("unknown") if endpoint else None

    def notes(self, name: str) -> tuple[str, ...]:
        """What a person should know of a model before they rely on it."""
        endpoint = self._endpoint_of(name)
        return self.knowledge.notes(name, endpoint) if endpoint else ()

    def _endpoint_of(self, name: str) -> Endpoint | None:
        provider = PROVIDERS.get(name.partition("/")[0])
        return self.endpoint(provider) if provider else None

    def endpoint(self, provider: Provider) -> Endpoint:
        """Where a provider's requests go and with which key. Raises `ConfigError` for a URL that is none.

        An environment's key goes only to the provider's own host or to a base URL that the environment or the
        user's own file set: a project or an editor setting must not be able to carry it off.
        """
        url = self._url(provider)
        if not url:
            raise ConfigError(
                f"{provider.name}/… needs a base URL.", advice=f"Set {provider.url_variable} or model.baseUrl."
            )
        served = as_served(provider, url)
        base, wires = wires_for(served, url, self._settings.api)
        key = self._env.get(provider.key_variable, "").strip()
        if key and self._url_is_setting(provider) and not self._settings.base_url_trusted and url != provider.base_url:
            note = f"{provider.key_variable} was not sent, because model.baseUrl is set by the editor or the project."
            return Endpoint(served, base, "", note, wires)
        return Endpoint(served, base, key, "", wires)

    def _url(self, provider: Provider) -> str:
        if self._url_is_setting(provider):
            return base_url(self._settings.base_url, "model.baseUrl", provider.version)
        text = self._env.get(provider.url_variable, "").strip()
        if not text:
            return provider.base_url
        return (
            ollama_url(text) if provider.name == "ollama" else base_url(text, provider.url_variable, provider.version)
        )

    def _url_is_setting(self, provider: Provider) -> bool:
        """model.baseUrl is for the provider of model.name, and for `compat` always; never for a fallback's."""
        if not self._settings.base_url.strip():
            return False
        return provider.name in ("compat", self._settings.name.partition("/")[0])

    async def _scripted(self, name: str) -> "ScriptedModel":
        """One object a file, so that the script goes on from turn to turn; a changed file starts anew."""
        from copydesk.models.scripted import ScriptedModel

        path = name.removeprefix("scripted:")
        script, changed = await anyio.to_thread.run_sync(_load_script, path)
        known = self._scripts.get(path)
        if known is None or known[0] != changed:
            known = self._scripts[path] = (changed, ScriptedModel(script, name))
        return known[1]


def is_local(model: Model) -> bool:
    """Whether a model runs on this machine, so that asking it costs nothing and tells nobody anything."""
    return getattr(model, "is_local", True)  # what says nothing of it is built in


def _load_script(path: str) -> "tuple[Script, float]":
    from copydesk.models.script import load

    return load(path), Path(path).stat().st_mtime
