"""What is known of each model, from all who say something: the person, its server, the catalog, in that order.

Owns what servers have said and when they are asked again; a request never waits for one. Start with `Knowledge.entry`.
"""

import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

import anyio

from copydesk.egress.door import Door
from copydesk.egress.hosts import host_of
from copydesk.models import catalog, windows
from copydesk.models.catalog import Entry
from copydesk.models.own_entries import OwnEntries
from copydesk.models.remote import Endpoint, OnAnswer
from copydesk.models.windows import ServerFacts

Start: TypeAlias = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]

ASK_AFTER_S: Final = 0.05
"""A server is asked about its model this long after it began to answer: the first tokens come first."""
CERTAIN_S: Final = 300.0
UNCERTAIN_S: Final = 5.0
"""How long it is believed what a server said, or that it says nothing; and what it only does by default."""


class Knowledge:
    """`env` is asked for OLLAMA_CONTEXT_LENGTH; `own` is the person's file, None without one.

    `start` runs something beside the turns; None: nobody is asked unless `learn` is called.
    """

    def __init__(
        self,
        door: Door,
        env: Mapping[str, str],
        own: OwnEntries | None = None,
        clock: Callable[[], float] = time.monotonic,
        start: Start | None = None,
    ) -> None:
        self.learnt: list[Callable[[str], None]] = []
        """Each is told the name of a model whose server was asked."""
        self.start = start
        self._door = door
        self._env = env
        self._own = own
        self._clock = clock
        self._said: dict[tuple[str, str], tuple[float, ServerFacts | None]] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """What of the person's file cannot be used."""
        return self._own.problems if self._own else ()

    @property
    def where(self) -> str:
        """The person's file, to be named in advice."""
        return self._own.path if self._own else "models.toml"

    def entry(self, name: str, endpoint: Endpoint) -> Entry:
        """All that is known now of `provider/model` behind this endpoint."""
        found = catalog.entry(name, host_of(endpoint.base_url))
        _, said = self._said.get(_key(name, endpoint), (0.0, None))
        if said is not None:
            found = over(found, said)
        return self._own.over(found, name) if self._own else found

    def said(self, name: str, endpoint: Endpoint) -> ServerFacts | None:
        """What its server said last."""
        return self._said.get(_key(name, endpoint), (0.0, None))[1]

    def is_due(self, name: str, endpoint: Endpoint) -> bool:
        """Whether it is time to ask the server, if it may be asked at all."""
        asked = self._said.get(_key(name, endpoint))
        if asked is None:
            return windows.may_ask(endpoint)
        certain = asked[1] is None or asked[1].certain
        return self._clock() - asked[0] > (CERTAIN_S if certain else UNCERTAIN_S)

    async def learn(self, name: str, endpoint: Endpoint, *, anew: bool = False) -> Entry:
        """Asks the server, within its limit, when it is due or `anew`, and gives what is known then."""
        if self.is_due(name, endpoint) or (anew and windows.may_ask(endpoint)):
            model = name.partition("/")[2]
            said = await windows.ask(self._door, endpoint, model, self._env.get("OLLAMA_CONTEXT_LENGTH", ""))
            before = self.said(name, endpoint)
            self._said[_key(name, endpoint)] = (self._clock(), said or before)
        return self.entry(name, endpoint)

    def asking(self, name: str, endpoint: Endpoint) -> OnAnswer | None:
        """Has a server asked about its model beside the first answer; the next step goes by what it says."""
        start = self.start
        if start is None or not self.is_due(name, endpoint):
            return None

        def begin(take: Callable[[Entry], None]) -> None:
            async def ask() -> None:
                await anyio.sleep(ASK_AFTER_S)
                take(await self.learn(name, endpoint))
                for told in self.learnt:
                    told(name)

            start(ask)

        return begin

    def notes(self, name: str, endpoint: Endpoint) -> tuple[str, ...]:
        """What a person should know before they rely on the model, each with what to do."""
        found, said = self.entry(name, endpoint), self.said(name, endpoint)
        notes: list[str] = []
        if not found.known:
            notes.append(
                f"window {found.window_tokens:,} assumed for {name}, which Copydesk does not know; "
                f"say what it has in {self.where}."
            )
        if said is not None:
            notes += _small(name, found, said)
        if said is not None and said.tools is False and not found.tools:
            notes.append(f"{name} calls no tools: it can only talk. {no_tools(said.kind)}")
        return tuple(notes)


def _key(name: str, endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.base_url, name


def over(entry: Entry, said: ServerFacts) -> Entry:
    """`entry` with what its server says instead."""
    window = said.window_tokens
    changed: dict[str, object] = {}
    if window is not None:
        changed |= {"window_tokens": window, "source": "server", "known": True}
        changed["output_limit_tokens"] = min(said.output_limit_tokens or entry.output_limit_tokens, max(window // 2, 1))
    if said.tools is not None:
        changed["tools"] = said.tools
    if said.images is not None:
        changed["images"] = said.images
    if said.thinking is False:
        changed["thinking"] = "instruction"
    if said.schema is not None:
        changed["schema"] = "json_schema" if said.schema else "words"
    if said.price is not None:
        changed["price"] = said.price
    return replace(entry, **changed)  # pyright: ignore[reportArgumentType]  each key is a field with its type


def _small(name: str, entry: Entry, said: ServerFacts) -> list[str]:
    """A window that is too small for work, where that is certain and can be changed."""
    if entry.window_tokens != said.window_tokens or not said.certain or entry.window_tokens >= windows.SMALL:
        return []
    most = (
        f" (the model could have {said.trained_tokens:,})" if (said.trained_tokens or 0) > entry.window_tokens else ""
    )
    text = f"{name} runs with a window of {entry.window_tokens:,} tokens{most}; what is longer is cut off."
    return [f"{text} {wider(said.kind)}"]


def wider(kind: windows.Kind) -> str:
    """How a person gives this server's model a larger window."""
    match kind:
        case "ollama":
            return "Start Ollama with OLLAMA_CONTEXT_LENGTH=32768 in its environment, or set num_ctx in the Modelfile."
        case "llama.cpp":
            return "Start llama-server with a larger --ctx-size (it is shared by --parallel slots)."
        case "vLLM":
            return "Start vLLM with a larger --max-model-len."
        case "LM Studio":
            return "Load the model with a larger context length in LM Studio."
        case _:
            return "Start its server with a larger context."


def no_tools(kind: windows.Kind) -> str:
    """How a person gets tool calls from this server."""
    match kind:
        case "ollama":
            return "Take one whose page on ollama.com says “tools” (ollama show MODEL lists capabilities)."
        case "llama.cpp":
            return "Start llama-server with --jinja and a chat template that has tools (--chat-template-file)."
        case "vLLM":
            return "Start vLLM with --enable-auto-tool-choice and the --tool-call-parser of the model's family."
        case "LM Studio":
            return "Load a model that LM Studio marks as trained for tool use."
        case _:
            return "Take a model that can call tools, and see that its server passes them on."
