"""What a command answers, in words: Helix shows a person neither the answer nor the error.

Owns the words, and the questions for what Helix before 25.07 cannot pass; a command with an argument came from a menu
of ours or from somebody who knows, and only its error is told. Start with `Spoken.tell`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from copydesk.domain.permissions import MODES
from copydesk.lsp import clients
from copydesk.lsp.client import ClientError
from copydesk.lsp.jobs import Spawn
from copydesk.lsp.pending import counted

if TYPE_CHECKING:
    from copydesk.lsp.voices import Voices

JsonObject: TypeAlias = dict[str, Any]
MAX_MODELS = 9
"""Offered at once; more would drown the menu."""


class Spoken:
    def __init__(self, voice: "Voices", spawn: Spawn) -> None:
        self._voice = voice
        self._spawn = spawn

    @property
    def _drops_answers(self) -> bool:
        return clients.drops_answers(self._voice.client.name)

    def is_wanted(self, arguments: Sequence[object] | None) -> bool:
        """Whether a person sent this, who sees nothing of the answer."""
        return not arguments and self._drops_answers

    def tell(self, command: str, arguments: Sequence[object] | None, result: JsonObject) -> None:
        words = _WORDS.get(command)
        if words is not None and self.is_wanted(arguments) and (text := words(result)):
            self._spawn(lambda: self._voice.answers.show("info", text, f"{command.removeprefix('copydesk.')}.md"))

    def tell_error(self, error: Exception) -> None:
        if self._drops_answers:
            self._voice.answers.message("error", str(error))

    def choose_model(self, now: str, models: Sequence[JsonObject], choose: Callable[[str], object]) -> JsonObject:
        names = [model["name"] for model in models if model["available"]][:MAX_MODELS]
        self._ask(f"Which model? (now {now})", tuple(dict.fromkeys(["auto", *names])), "The model is", choose)
        return {"model": now}

    def choose_mode(self, now: str, choose: Callable[[str], object]) -> JsonObject:
        self._ask(f"What may a turn do unasked? (now {now})", MODES, "The mode is", choose)
        return {"mode": now}

    def _ask(self, text: str, choices: tuple[str, ...], said: str, choose: Callable[[str], object]) -> None:
        """Once the command is answered."""

        async def ask() -> None:
            try:
                choice = await self._voice.questions.choose(text, choices)
            except ClientError:
                return  # it is gone
            if choice is not None:
                choose(choice)
                self._voice.answers.message("info", f"{said} {choice}.")

        self._spawn(ask)


def _status(status: JsonObject) -> str:
    model = status["model"]
    problem = f" ({model['problem']})" if model.get("problem") else ""
    running = "; ".join(f"{turn.get('title', turn['turn'])}, step {turn.get('step', 0)}" for turn in status["running"])
    n_pending = status["counts"]["pending"]
    waits = f"; {counted(n_pending, 'hunk')} to decide" if n_pending else ""
    version = status.get("version", "")
    spent = f"; {status['spending']['text']}" if status.get("spending") else ""
    head = f"Copydesk {version}: {model['name']}{problem}, mode {status['mode']}"
    return f"{head}; {running or 'nothing runs'}{waits}{spent}."


def _models(result: JsonObject) -> str:
    lines = [f"- {model['name']}{_reason(model)}" for model in result["models"]]
    return "\n".join([f"The model is {result['current']}.", *lines])


def _reason(model: JsonObject) -> str:
    return "" if model["available"] else f": not available, {model['why']}"


def _sessions(result: JsonObject) -> str:
    lines = [f"- {item['session']}: {item['title']} ({counted(item['turns'], 'turn')})" for item in result["sessions"]]
    return "\n".join(lines) or "There are no sessions."


def _doctor(result: JsonObject) -> str:
    return "\n".join(
        f"- {item['level']}: {item['subject']}: {item['text']}" + (f" {item['advice']}" if item.get("advice") else "")
        for item in result["findings"]
    )


_WORDS: Mapping[str, Callable[[JsonObject], str]] = {
    "copydesk.status": _status,
    "copydesk.models": _models,
    "copydesk.session.list": _sessions,
    "copydesk.session.new": lambda _: "A new session begins with what you ask next.",
    "copydesk.doctor": _doctor,
    "copydesk.cancel": lambda result: "" if result["cancelled"] else "Nothing runs.",
}
