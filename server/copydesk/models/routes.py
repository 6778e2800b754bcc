"""Which wire a request takes at a base URL, and what to send when a server refuses the form of it.

OpenAI's own host speaks Responses. Anywhere else Chat Completions comes first, the common denominator; where its path
does not exist the Responses wire is tried. What was learnt is remembered for the process (`Learnt`). None of this is a
retry: nobody waits, nothing is told, and nothing was said yet. Sans-I/O. Start with `Plan`.
"""

import json
import logging
import re
from collections.abc import Callable

from copydesk.egress.hosts import host_of
from copydesk.models.catalog import Entry
from copydesk.models.providers import Provider, WireName
from copydesk.models.refusals import Refusals
from copydesk.models.wires.openai_responses_amend import Spared, amended, without

log = logging.getLogger("copydesk.models")

FORCED: dict[str, WireName] = {"chat": "openai_chat", "responses": "openai_responses"}
_ENDS: dict[str, WireName] = {"/chat/completions": "openai_chat", "/responses": "openai_responses"}
_OPENAI = ("openai_chat", "openai_responses")
MISSING = (404, 405, 501)
MOST_AMENDMENTS = 5
ADAPT: tuple[WireName, ...] = ("openai_chat", "anthropic")
"""Wires that leave out what `Entry.refuses` names."""
MAY_REFUSE = (400, 404, 422)
MAY_REFUSE_ORDER = (500, 501)
"""Chat templates that a history does not fit fail as the server's own errors."""


def wires_for(provider: Provider, url: str, api: str) -> tuple[str, tuple[WireName, ...]]:
    """The base URL without the endpoint's own path, and the wires to try there, in order.

    `api` is the setting `model.api`; it is for providers that speak OpenAI's wires.
    """
    base, named = _split(url)
    if provider.wire not in _OPENAI:
        return url, (provider.wire,)
    if provider.name in ("openai", "compat") and api in FORCED:
        return base, (FORCED[api],)
    if named is not None:
        return base, (named,)
    if provider.name not in ("openai", "compat"):
        return base, (provider.wire,)
    if is_openai(base):
        return base, ("openai_responses",)
    return base, ("openai_chat", "openai_responses")


def is_openai(url: str) -> bool:
    host = host_of(url)
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def _split(url: str) -> tuple[str, WireName | None]:
    for end, wire in _ENDS.items():
        if url.endswith(end):
            return url.removesuffix(end), wire
    return url, None


class Learnt:
    """What servers taught, for as long as the process lives."""

    def __init__(self) -> None:
        self._wires: dict[tuple[str, str], WireName] = {}
        self._spared: dict[tuple[str, str], Spared] = {}
        self.refusals = Refusals()

    def order(self, base_url: str, model: str, wires: tuple[WireName, ...]) -> tuple[WireName, ...]:
        """The wires to try, the one that is known to exist first."""
        known = self._wires.get((base_url, model)) or self._wires.get((base_url, ""))
        return tuple(sorted(wires, key=lambda wire: wire != known))

    def take_wire(self, base_url: str, model: str, wire: WireName) -> None:
        """`model` is empty where the wire holds for every model there."""
        self._wires[base_url, model] = wire

    def spared(self, base_url: str, model: str) -> Spared | None:
        return self._spared.get((base_url, model))

    def spare(self, base_url: str, model: str, refused: Spared) -> None:
        self._spared[base_url, model] = self._spared.get((base_url, model), Spared()) | refused


class Plan:
    """The requests that one try may need, one after another: `wire`, `entry` and `body` are the next one.

    `encode` gives a wire's body; `entry` is what the catalog says, and `session` names the conversation, here only.
    `accepted` and `refused` are told what the server answered.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        wires: tuple[WireName, ...],
        encode: Callable[[WireName, Entry], bytes],
        learnt: Learnt,
        entry: Entry,
        session: str = "",
    ) -> None:
        self._base_url = base_url
        self._model = model
        self._encode = encode
        self._learnt = learnt
        self._given = self.entry = entry
        self._session = session
        self._first, *self._others = learnt.order(base_url, model, wires)
        self._scope: str | None = None
        self._n_amended = 0
        self.tried: list[WireName] = []
        self.wire: WireName
        self._take(self._first)

    def accepted(self) -> None:
        """The server took the request, or at least knows the path."""
        if self._scope is not None:
            self._learnt.take_wire(self._base_url, self._scope, self.wire)
            self._scope = None

    def refused(self, status: int, said: str) -> bool:
        """Whether another request is worth making at once; then `wire` and `body` are that one."""
        if self.wire == "openai_responses" and self._amend(status, said):
            self.accepted()
            return True
        if self._others and (scope := self._missing(status, said)) is not None:
            self._scope = scope
            self._take(self._others.pop(0))
            return True
        if status < 500 and self._missing(status, said) is None:
            self.accepted()
        return self.wire in ADAPT and self._adapt(status, said)

    def _take(self, wire: WireName) -> None:
        self.wire = wire
        self.tried.append(wire)
        self._make()

    def _make(self) -> None:
        wire, place = self.wire, (self._base_url, self._model)
        self.entry = self._learnt.refusals.applied(place, self._given, self._session)
        self.body = self._encode(wire, self.entry)
        spared = self._learnt.spared(self._base_url, self._model)
        if spared is not None and wire == "openai_responses":
            self.body = without(self.body, spared)

    def _amend(self, status: int, said: str) -> bool:
        found = amended(self.body, status, said) if self._n_amended < MOST_AMENDMENTS else None
        if found is None:
            return False
        self._n_amended += 1
        self.body, refused = found
        self._learnt.spare(self._base_url, self._model, refused)
        return True

    def _adapt(self, status: int, said: str) -> bool:
        """Leaves out what the server says it does not take."""
        if status not in (*MAY_REFUSE, *MAY_REFUSE_ORDER):
            return False
        place, refusals, sent = (self._base_url, self._model), self._learnt.refusals, json.loads(self.body)
        if status in MAY_REFUSE:
            what = refusals.learn(place, self.entry, said, sent, self._session)
        else:
            what = refusals.learn_habit(place, self.entry, said, sent)
        if what:
            log.info("%s at %s does not take %s; it is left out from now on", self._model, host_of(place[0]), what)
            self._make()
        return bool(what)

    def _missing(self, status: int, said: str) -> str | None:
        """Whom it concerns that the path is not there: "" for every model, or this one; None where it is there.

        Servers answer 404 for a model that they do not have, too; then another path would not help. But a body that
        names the other path is meant for this model alone.
        """
        if status not in (*MISSING, 400):
            return None
        if re.search(r"\bv1/(responses|chat/completions)\b.{0,80}\bnot in\b|only supported in v1/", said, re.DOTALL):
            return self._model
        if status not in MISSING or self._speaks_of_model(said):
            return None
        return ""

    def _speaks_of_model(self, said: str) -> bool:
        if said.lstrip().startswith("<"):
            return False  # a web page
        return "model" in said.lower() or (len(self._model) > 2 and self._model.lower() in said.lower())
