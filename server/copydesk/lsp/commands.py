"""`workspace/executeCommand`: every command's argument, what it starts, and its answer.

Owns the table of commands; what a turn does is the host's. Start with `Commands.execute`.
A command that starts a turn is answered at once, because some editors freeze until it is; `wait: true` is for those
that want the result. Cancelling a waiting command cancels its turn.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import anyio
from lsprotocol import types

from copydesk.domain.errors import CopydeskError
from copydesk.domain.messages import Image, Problem, Task, Verb
from copydesk.domain.permissions import Mode
from copydesk.lsp.actions import find_comment_again
from copydesk.lsp.arguments import ArgumentError, Reader, TurnArguments
from copydesk.lsp.handlers import RequestContext, RpcError, invalid_params
from copydesk.lsp.ledger import NAME as LEDGER
from copydesk.lsp.permissions import KEYS as CONSENT_KEYS
from copydesk.lsp.places import OpenTexts, Place, Places, subject_of
from copydesk.lsp.review import KEYS as REVIEW_KEYS
from copydesk.lsp.shapes import shape_of
from copydesk.lsp.spoken import Spoken
from copydesk.lsp.undo import KEYS as UNDO_KEYS
from copydesk.lsp.updates import outcome_to_json

if TYPE_CHECKING:
    from copydesk.lsp.permissions import PermissionCommands
    from copydesk.lsp.progress import Progress
    from copydesk.lsp.prompts import Prompt
    from copydesk.lsp.review import ReviewCommands
    from copydesk.lsp.review import Verb as ReviewVerb
    from copydesk.lsp.undo import UndoCommand
    from copydesk.lsp.voices import Voices
    from copydesk.services.turns import PromptRequest, Turn

JsonObject: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Sequence[object] | None, RequestContext], Awaitable[Any]]

TURN_VERBS: tuple[Verb, ...] = ("prompt", "explain", "fix", "document", "test", "refactor", "ask")
PREFIX = "copydesk."
FEATURES = ("codeActions", "codeLens", "hover", "instructionComments", "permissions", "progress", "review")
NO_PLACE = "Give {uri, range}, or put the cursor on some code (hover or open the code actions there) and try again."
_TEXT_VERBS: Mapping[str, str] = {
    "prompt": "Tell Copydesk what to do",
    "ask": "Ask Copydesk a question",
    "refactor": "Tell Copydesk how to refactor this",
}


class Sessions(Protocol):
    """What is needed of `services.host.Host`."""

    current: str | None

    def prompt(self, request: "PromptRequest") -> "Turn": ...
    def cancel(self, turn: str | None = None) -> tuple[str, ...]: ...
    def running(self) -> tuple[str, ...]: ...
    def sessions(self) -> list[JsonObject]: ...
    def new_session(self, *, make_current: bool = True) -> Any: ...
    def mode(self) -> Mode: ...
    def set_mode(self, mode: str) -> Mode: ...
    def model_name(self) -> str: ...
    def set_model(self, name: str) -> None: ...
    def note_problems(self, uri: str, version: int | None, problems: tuple[Problem, ...]) -> None: ...


async def no_images(given: tuple[str, ...]) -> tuple[Image, ...]:
    raise ArgumentError(f"This server reads no images, and {len(given)} were given.")


@dataclass(frozen=True, slots=True)
class Sources:
    """Answers that come from elsewhere, all JSON-plain: `describe` gives version, model and the like."""

    describe: Callable[[], Awaitable[JsonObject]]
    models: Callable[[], Awaitable[list[JsonObject]]]
    doctor: Callable[[], Awaitable[JsonObject]]
    check_model: Callable[[str], Awaitable[None]]
    ledger: Callable[[], Awaitable[str]]
    display: Callable[[str], str]
    images: Callable[[tuple[str, ...]], Awaitable[tuple[Image, ...]]] = no_images
    """Reads the images of a prompt, where they may be read."""
    certify: Callable[[str | None], Awaitable[JsonObject]] | None = None
    """Proves that a model can do the work; None where there are no models to choose from."""


class Commands:
    def __init__(
        self,
        host: Sessions,
        places: Places,
        voice: "Voices",
        progress: "Progress",
        sources: Sources,
        review: "ReviewCommands",
        undo: "UndoCommand",
        spoken: Spoken,
        consent: "PermissionCommands",
    ) -> None:
        self._host = host
        self._consent = consent
        self._review = review
        self._undo = undo
        self._spoken = spoken
        self._places = places
        self._prompts = voice.prompts
        self._answers = voice.answers
        self._questions = voice.questions
        self._progress = progress
        self._sources = sources
        self._handlers: dict[str, Handler] = {PREFIX + verb: self._turn_command(verb) for verb in TURN_VERBS}
        self._handlers |= {
            "copydesk.send": self._send,
            "copydesk.answer": self._answer,
            "copydesk.cancel": self._cancel,
            "copydesk.review.show": self._review_command("show"),
            "copydesk.review.accept": self._review_command("accept"),
            "copydesk.review.reject": self._review_command("reject"),
            "copydesk.undo": self._take_back,
            "copydesk.status": self._status,
            "copydesk.models": self._models,
            "copydesk.model.set": self._set_model,
            "copydesk.mode.set": self._set_mode,
            "copydesk.session.new": self._new_session,
            "copydesk.session.list": self._list_sessions,
            "copydesk.doctor": self._doctor,
            "copydesk.ledger": self._ledger,
            **{name: self._consent_command(name) for name in CONSENT_KEYS},
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._handlers)

    async def execute(self, params: Any, context: RequestContext) -> Any:
        """`workspace/executeCommand`. A wrong argument is -32602, what cannot be done -32803; both say what to do."""
        fields = cast("JsonObject", params) if isinstance(params, dict) else {}
        name, arguments = fields.get("command"), fields.get("arguments")
        handler = self._handlers.get(name) if isinstance(name, str) else None
        if handler is None:
            raise invalid_params(f"{name!r} is not a command of this server. It has {', '.join(self._handlers)}.")
        if arguments is not None and not isinstance(arguments, list):
            raise invalid_params(f"{name}: 'arguments' must be a list with one object.")
        given = cast("list[object] | None", arguments)
        try:
            result = await handler(given, context)
        except ArgumentError as error:
            self._spoken.tell_error(error)
            raise invalid_params(str(error)) from error
        except CopydeskError as error:
            self._spoken.tell_error(error)
            raise RpcError(types.LSPErrorCodes.RequestFailed.value, str(error)) from error
        self._spoken.tell(cast("str", name), given, result)
        return result

    def _read(self, command: str, arguments: Sequence[object] | None, *keys: str) -> Reader:
        fields = Reader(command, arguments, keys)
        self._note_unknown(command, fields.unknown)
        return fields

    def _note_unknown(self, command: str, unknown: tuple[str, ...]) -> None:
        if unknown:
            names = ", ".join(repr(name) for name in unknown[:10])
            self._answers.log("info", f"{command}: ignored what it does not know: {names}")

    # --- turns ---

    def _turn_command(self, verb: Verb) -> Handler:
        async def run(arguments: Sequence[object] | None, context: RequestContext) -> Any:
            return await self._turn(verb, arguments, context)

        return run

    async def _turn(self, verb: Verb, arguments: Sequence[object] | None, context: RequestContext) -> Any:
        command = PREFIX + verb
        given = TurnArguments.parse(command, arguments)
        self._note_unknown(command, given.unknown)
        if given.schema is not None:
            shape_of(command, verb, given.schema)
        place = await self._places.resolve(command, given, cast("OpenTexts", context.files))
        if given.comment and place:
            return await self._start(self._comment_task(place, given, context), given)
        if place is None and verb not in ("prompt", "ask"):
            raise ArgumentError(f"{command} does not know where to work. {NO_PLACE}")
        given = replace(given, subject=subject_of(given, place))
        task = replace(self._task(verb, place, given.text), subject=given.subject)
        self._note_problems(task, context)
        if not given.text.strip() and verb in _TEXT_VERBS:
            return await self._ask_for_text(task, given)
        return await self._start(task, given)

    def _note_problems(self, task: Task, context: RequestContext) -> None:
        """What the client reported of this version of the text: the `diagnostics` tool shows it to the model."""
        opened = context.files.get(task.uri) if task.problems else None
        if opened is not None:
            self._host.note_problems(opened.uri, opened.version, task.problems)

    def _task(self, verb: Verb, place: Place | None, text: str) -> Task:
        if place is None:
            return Task(verb, text)
        return Task(
            verb=verb,
            text=text,
            uri=place.uri,
            path=self._sources.display(place.uri),
            language=place.language,
            range=place.range,
            selection=place.selection,
            problems=place.problems,
        )

    def _comment_task(self, place: Place, given: TurnArguments, context: RequestContext) -> Task:
        opened = cast("OpenTexts", context.files).get(place.uri)
        found = find_comment_again(opened.document, place.language, place.range, given.text) if opened else None
        if opened is None or found is None:
            raise ArgumentError("The instruction comment is not there any more. Choose its code action again.")
        document, at = opened.document, found.range
        start = document.offset_at(at.start_line, at.start_column)
        end = document.offset_at(at.end_line, at.end_column)
        return Task(
            verb="prompt",
            text=found.text,
            uri=place.uri,
            path=self._sources.display(place.uri),
            language=place.language,
            range=at,
            selection=document.slice(start, end),
            instruction_comment=True,
        )

    async def _start(self, task: Task, given: TurnArguments) -> JsonObject:
        from copydesk.services.turns import PromptRequest

        # An instruction comment is a job of its own, not a word in the conversation that is going on.
        session = given.session
        if task.instruction_comment and session is None:
            session = cast("str", self._host.new_session(make_current=False).id)
        shape = shape_of(PREFIX + task.verb, task.verb, given.schema) if given.schema is not None else None
        images = await self._sources.images(given.images) if given.images else ()
        request = PromptRequest(task, session, given.mode, given.model, given.queue, shape, images)
        turn = self._host.prompt(request)
        if not given.wait:
            return {"session": turn.session, "turn": turn.id}
        try:
            return await self._review.with_hunks(outcome_to_json(await turn.wait()), turn.id)
        except anyio.get_cancelled_exc_class():
            self._host.cancel(turn.id)
            raise

    async def _ask_for_text(self, task: Task, given: TurnArguments) -> JsonObject:
        """Opens a prompt document; what is written there starts the turn."""
        where = f" ({self._where(task)})" if task.path else ""

        async def send(text: str) -> object:
            # The place is the one the document was opened from, whatever has been looked at since.
            return await self._start(replace(task, text=text), replace(given, wait=False))

        prompt = await self._prompts.open(f"{_TEXT_VERBS[task.verb]}{where}.", send)
        return {"session": None, "turn": None, "document": prompt.uri}

    def _where(self, task: Task) -> str:
        return f"{task.path}:{task.range.start_line + 1}" if task.range else task.path

    async def _send(self, arguments: Sequence[object] | None, context: RequestContext) -> Any:
        """Sends a prompt document: the one named, else the newest that is not sent."""
        uri = self._read("copydesk.send", arguments, "uri").text("uri")
        prompt = self._prompts.get(uri) if uri else self._prompts.newest()
        if prompt is None:
            raise ArgumentError(
                "copydesk.send: there is no prompt document to send. copydesk.prompt with no text opens one."
            )
        return await self._send_prompt(prompt, uri or prompt.uri, context)

    async def _send_prompt(self, prompt: "Prompt", uri: str, context: RequestContext) -> Any:
        if prompt.sent:
            self._answers.message("info", "This prompt was sent already. copydesk.prompt opens a new one.")
            return {"sent": False}
        opened = cast("OpenTexts", context.files).get(uri)
        text = await self._prompts.text(prompt, opened.document.text if opened else None)
        if not text:
            first = (
                "write below the line first" if opened else f"write below the line of {prompt.path.name}, and save it"
            )
            self._answers.message("warning", f"There is nothing to send: {first}.")
            return {"sent": False}
        prompt.sent = True
        try:
            return await prompt.send(text)
        except CopydeskError:
            prompt.sent = False
            raise

    async def _answer(self, arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
        """Answers a question that is offered as code actions, where the client has no dialog for it."""
        fields = self._read("copydesk.answer", arguments, "question", "choice")
        number, choice = fields.text("question"), fields.text("choice")
        if choice is None:
            raise ArgumentError("copydesk.answer needs {choice}, one of the question's.")
        answered = self._questions.answer(int(number) if number and number.isdecimal() else None, choice)
        if not answered:
            self._answers.message("info", "Nothing waits for this answer any more.")
        return {"answered": answered}

    async def _cancel(self, arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
        turn = self._read("copydesk.cancel", arguments, "turn").text("turn")
        return {"cancelled": list(self._host.cancel(turn))}

    def _review_command(self, verb: "ReviewVerb") -> Handler:
        async def run(arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
            return await self._review.run(verb, self._read(f"copydesk.review.{verb}", arguments, *REVIEW_KEYS))

        return run

    def _consent_command(self, name: str) -> Handler:
        return lambda arguments, context: self._consent.run(self._read(name, arguments, *CONSENT_KEYS[name]))

    async def _take_back(self, arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
        return await self._undo.run(self._read("copydesk.undo", arguments, *UNDO_KEYS))

    # --- the rest ---

    async def _status(self, arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
        self._read("copydesk.status", arguments)
        steps = self._progress.steps()
        running = [{"turn": turn, **steps.get(turn, {})} for turn in self._host.running()]
        return {
            "mode": self._host.mode(),
            "model": {"name": self._host.model_name()},
            "session": self._host.current,
            "running": running,
            "capabilities": [*self.names, *FEATURES],
            "positionEncoding": self._places.encoding(),
            "permissions": self._consent.status(),
            "counts": {
                "sessions": len(self._host.sessions()),
                "running": len(running),
                "pending": self._review.n_pending,
            },
            **await self._sources.describe(),
        }

    async def _models(self, arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
        fields = self._read("copydesk.models", arguments, "check")
        if (check := fields.fields.get("check")) is not None and check is not False:
            name = None if check is True else fields.text("check")
            if self._sources.certify is None:
                raise ArgumentError("copydesk.models: this server has one fixed model; there is nothing to check.")
            return {"check": await self._sources.certify(name), "current": self._host.model_name()}
        return {"models": await self._sources.models(), "current": self._host.model_name()}

    async def _set_model(self, arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
        name = self._one_of("copydesk.model.set", arguments, "model", "name")
        if name is None and self._spoken.is_wanted(arguments):
            models = await self._sources.models()
            return self._spoken.choose_model(self._host.model_name(), models, self._host.set_model)
        if name is None:
            raise ArgumentError(
                'copydesk.model.set needs {model: "provider/model"}; "auto" lets Copydesk choose. '
                "copydesk.models lists what there is."
            )
        await self._sources.check_model(name)
        self._host.set_model(name)
        return {"model": self._host.model_name()}

    async def _set_mode(self, arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
        mode = self._one_of("copydesk.mode.set", arguments, "mode", "name")
        if mode is None and self._spoken.is_wanted(arguments):
            return self._spoken.choose_mode(self._host.mode(), self._host.set_mode)
        if mode is None:
            raise ArgumentError("copydesk.mode.set needs {mode}, one of plan, ask, acceptEdits, auto.")
        return {"mode": self._host.set_mode(mode)}

    def _one_of(self, command: str, arguments: Sequence[object] | None, *keys: str) -> str | None:
        """The first key that is given. A bare string is taken too: it can mean only this."""
        if arguments and isinstance(arguments[0], str):
            return arguments[0] or None
        fields = self._read(command, arguments, *keys)
        return next((value for key in keys if (value := fields.text(key))), None)

    async def _new_session(self, arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
        self._read("copydesk.session.new", arguments)
        return {"session": self._host.new_session().id}

    async def _list_sessions(self, arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
        self._read("copydesk.session.list", arguments)
        return {"sessions": self._host.sessions()}

    async def _doctor(self, arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
        self._read("copydesk.doctor", arguments)
        return await self._sources.doctor()

    async def _ledger(self, arguments: Sequence[object] | None, context: RequestContext) -> JsonObject:
        """Opens what left this machine as a document."""
        self._read("copydesk.ledger", arguments)
        return {"document": await self._answers.open(LEDGER, await self._sources.ledger(), focus=True)}
