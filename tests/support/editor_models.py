"""An editor with language models of its own: the client's half of `copydesk/editor/model`, and its port without LSP.

`ModelDesk(client, Script.parse(…))` answers for an `LspClient`: it lists `models`, and plays the script's next step for
each request, in parts, the rest in the result. `faults` come first, one a request: an `RpcFailure` is answered, `HOLD`
leaves the request open after its parts. `requests` keeps what was asked.

`PlayedModels` is `domain.ports.EditorModels` itself: each request plays the next of its answers, a list of parts.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any

import anyio

from copydesk.domain.messages import Usage
from copydesk.domain.ports import EditorPart, OfferedModel
from copydesk.models.script import Call, Fail, Refuse, Report, Say, Script, Step, Think
from copydesk.models.scripted import pieces
from tests.support.lsp_client import LspClient, RpcFailure

METHOD = "copydesk/editor/model"
HOLD = "hold"
KINDS = {"rate_limited": "rate_limited", "overflow": "overflow", "auth": "denied"}
GPT = {"id": "copilot/gpt-5", "title": "GPT-5", "maxInputTokens": 128000, "tools": True, "allowed": True}


class ModelDesk:
    """`streams`: whether parts go ahead of the result; without it all is in the result."""

    def __init__(self, client: LspClient, script: Script, models: Any = (GPT,), *, streams: bool = True) -> None:
        self._client = client
        self._script = script
        self._streams = streams
        self.models: Any = list(models)
        self.requests: list[dict[str, Any]] = []
        self.n_lists = self.n_played = 0
        self.faults: list[RpcFailure | str | None] = []
        client.answers[METHOD] = self._answer

    def _answer(self, params: dict[str, Any]) -> Any:
        if params["action"] == "list":
            self.n_lists += 1
            return {"models": self.models}
        assert params["action"] == "stream"
        fault = self.faults.pop(0) if self.faults else None
        self.requests.append(params)
        if isinstance(fault, RpcFailure):
            raise fault
        step = self._script.step(self.n_played)
        self.n_played += 1
        parts = list(parts_of(step))
        if self._streams:
            for part in parts:
                self.send(params["partialResultToken"], part)
        if fault == HOLD:
            return self._client.hold(params)
        for action in step.actions:
            if isinstance(action, Fail):
                raise RpcFailure(-32000, "on purpose", {"kind": KINDS.get(action.kind, "odd")})
        return {**result_of(step), **({} if self._streams else {"content": parts})}

    def send(self, token: str, part: Any) -> None:
        self._client.notify("$/progress", {"token": token, "value": part})


def parts_of(step: Step) -> Iterator[dict[str, Any]]:
    n_calls = 0
    for action in step.actions:
        match action:
            case Say(text, size):
                yield from ({"type": "text", "text": piece} for piece in pieces(text, size))
            case Think(text, size):
                yield from ({"type": "thought", "text": piece} for piece in pieces(text, size))
            case Call(name, text):
                yield {"type": "tool_call", "id": f"e{n_calls}", "name": name, "arguments": _arguments(text)}
                n_calls += 1
            case _:
                pass


def result_of(step: Step) -> dict[str, Any]:
    reason = {"cut_off": "cancelled", "tool_calls": "end_turn"}.get(step.finish, step.finish)
    usage = next((action.usage for action in step.actions if isinstance(action, Report)), Usage())
    refused = "".join(action.text for action in step.actions if isinstance(action, Refuse))
    return {
        "stopReason": reason,
        "usage": {"inputTokens": usage.input, "outputTokens": usage.output, "cachedReadTokens": usage.cache_read},
        **({"text": refused} if refused else {}),
    }


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class PlayedModels:
    """The port, played by hand. An exception in an answer is raised; `HOLD` waits until it is cancelled."""

    def __init__(self, *answers: Sequence[Any], models: Sequence[OfferedModel] = (), available: bool = True) -> None:
        self._answers = list(answers)
        self.models: Any = tuple(models)
        self.available = available
        self.requests: list[Mapping[str, Any]] = []
        self.n_lists = 0
        self.n_closed = 0

    async def list(self) -> tuple[OfferedModel, ...]:
        self.n_lists += 1
        if isinstance(self.models, Exception):
            raise self.models
        if self.models == HOLD:
            await anyio.sleep_forever()
        return self.models

    def stream(self, request: Mapping[str, Any]) -> AbstractAsyncContextManager[AsyncIterator[EditorPart]]:
        self.requests.append(request)
        return aclosing(self._play(self._answers[min(len(self.requests), len(self._answers)) - 1]))

    async def _play(self, answer: Sequence[Any]) -> AsyncGenerator[EditorPart]:
        try:
            for one in answer:
                if isinstance(one, Exception):
                    raise one
                if one == HOLD:
                    await anyio.sleep_forever()
                yield one if isinstance(one, EditorPart) else EditorPart(one)
        finally:
            self.n_closed += 1


def end(**fields: Any) -> EditorPart:
    """The result of an answer."""
    return EditorPart(fields, last=True)
