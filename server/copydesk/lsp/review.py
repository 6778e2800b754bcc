"""The review commands: `copydesk.review.show`, `.accept` and `.reject`, and what is said when a turn leaves hunks.

Owns which hunks an argument names and how soon the answer comes; deciding is the service's. Start with
`ReviewCommands.run`.
Landing what was accepted may take seconds and needs the editor. Emacs waits for an answer with everything else
stopped, the edit included, so it is answered first; others wait a while. The landing goes on in either case.
"""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from copydesk.domain import events
from copydesk.domain.errors import CopydeskError
from copydesk.domain.review import Choice, Decided, Hunk
from copydesk.lsp import clients
from copydesk.lsp.answers import is_short
from copydesk.lsp.arguments import ArgumentError, Reader
from copydesk.lsp.jobs import WAIT_S, Job, Spawn
from copydesk.lsp.pending import Reviews, Shapes, counted, hunks_in, is_whole_file, seen_in
from copydesk.workspace.uris import normalise

if TYPE_CHECKING:
    from copydesk.lsp.diff_documents import DiffDocuments
    from copydesk.lsp.unasked import Unasked
    from copydesk.lsp.voices import Voices

JsonObject: TypeAlias = dict[str, Any]
Verb: TypeAlias = Literal["show", "accept", "reject"]

KEYS = ("session", "turn", "uri", "hunk", "lines", "of", "reason", "all", "ask", "open", "wait")
IMPATIENT_S = 1.0
"""The same for a rejection where the editor stands still meanwhile."""
MAX_KNOWN = 10_000
"""Ids remembered, so that a second click is told from a wrong id."""
_FINE = ("applied", "discarded", "pending", "none")


class ReviewCommands:
    def __init__(self, reviews: Reviews, voice: "Voices", diffs: "DiffDocuments", shapes: Shapes, spawn: Spawn) -> None:
        self._reviews = reviews
        self._voice = voice
        self._diffs = diffs
        self._shapes = shapes
        self._spawn = spawn
        self._known = _Known()
        self._deciding: dict[tuple[Verb, Choice], Job[Decided]] = {}

    @property
    def n_pending(self) -> int:
        """How many hunks wait, as last worked out."""
        return len(self._reviews.hunks())

    def listen(self, event: events.Event) -> None:
        """Which turns there are, and in which order."""
        if isinstance(event, events.TurnStarted):
            self._known.add_turn(event.turn)
        elif isinstance(event, events.EvidenceUpdated):
            self._spawn(self._diffs.update)

    async def run(self, verb: Verb, fields: Reader) -> JsonObject:
        """Answers one command. Raises `ArgumentError`, and `CopydeskError` for what is not there."""
        hunks = await self._fresh()
        wanted = self._choice(fields, hunks)
        fitting = tuple(hunk for hunk in hunks if wanted.fits(hunk))
        if verb == "show" and _flag_or_none(fields, "open") is False:
            return {**self._result(fitting if self._is_named(fields) else hunks), "document": None}
        if not fitting:
            nothing = self._nothing_fits(wanted, hunks)
            return {**nothing, "document": None} if verb == "show" else nothing
        if verb == "show":
            return await self._show(wanted, fitting, fitting if self._is_named(fields) else hunks)
        if self._is_stale(wanted, fitting[0] if wanted.lines else None, fields):
            self._say("That line was decided meanwhile; the others have new numbers.")
            return self._result(hunks)
        if verb == "reject" and fields.flag("ask"):
            return await self._ask_why(wanted, fitting, hunks)
        return await self._decide(verb, wanted, fields.text("reason") or "", _flag_or_none(fields, "wait"))

    async def _fresh(self) -> tuple[Hunk, ...]:
        hunks = await self._reviews.refresh()
        self._known.add(hunks)
        return hunks

    # --- what an argument names ---

    def _is_named(self, fields: Reader) -> bool:
        return any(fields.text(key) for key in ("session", "turn", "uri", "hunk"))

    def _choice(self, fields: Reader, hunks: Sequence[Hunk]) -> Choice:
        lines = _numbers(fields)
        hunk = fields.text("hunk") or ""
        if lines and not hunk:
            raise ArgumentError(f"{fields.command}: 'lines' are numbers within one hunk; give its 'hunk' too.")
        choice = Choice(
            fields.text("session") or "", fields.text("turn") or "", self._uri(fields.text("uri"), hunks), hunk, lines
        )
        if choice == Choice() and not fields.flag("all"):
            return Choice(turn=self._known.newest_turn(hunks))
        return choice

    def _uri(self, uri: str | None, hunks: Sequence[Hunk]) -> str:
        """Canonical; the old place of a file that would move means its new one."""
        if uri is None:
            return ""
        key = normalise(uri)
        return next((hunk.uri for hunk in hunks_in(hunks, key)), key)

    def _nothing_fits(self, wanted: Choice, hunks: Sequence[Hunk]) -> JsonObject:
        """A second click is no error; an id nobody has heard of is one."""
        there = next((hunk for hunk in hunks if hunk.id == wanted.hunk), None)
        if there is not None:
            raise CopydeskError(
                f"Hunk {wanted.hunk!r} is of turn {there.turn!r} in {self._shapes.display(there.uri)}, "
                "not of what was named with it.",
                advice="Name the hunk alone.",
            )
        for kind, id in (("hunk", wanted.hunk), ("turn", wanted.turn)):
            if id and not self._known.has(id):
                raise CopydeskError(f"There is no {kind} {id!r} to decide.", advice=self._what_there_is(hunks))
        self._say(self._why_nothing(wanted, hunks))
        return self._result(hunks)

    def _what_there_is(self, hunks: Sequence[Hunk]) -> str:
        if not hunks:
            return "Nothing waits for a decision."
        return f"copydesk.review.show lists the {counted(len(hunks), 'hunk')} that wait."

    def _why_nothing(self, wanted: Choice, hunks: Sequence[Hunk]) -> str:
        if wanted.hunk:
            return "That hunk was decided already."
        if not hunks:
            return "Nothing waits for a decision."
        what = self._shapes.display(wanted.uri) if wanted.uri else "it"
        return f"Nothing of {what} waits for a decision. {self._what_there_is(hunks)}"

    def _is_stale(self, wanted: Choice, hunk: Hunk | None, fields: Reader) -> bool:
        """Whether the numbers are those of another state of the hunk. Raises for a number it does not have."""
        if hunk is None:
            return False
        n_lines = len(hunk.lines)
        of = fields.fields.get("of")
        if isinstance(of, int) and of != n_lines:
            return True
        if is_whole_file(hunk) or not hunk.lines:
            raise ArgumentError(f"{fields.command}: hunk {hunk.id!r} is one for the whole file; leave 'lines' out.")
        known = {line.number for line in hunk.lines}
        if wrong := [number for number in wanted.lines if number not in known]:
            raise ArgumentError(
                f"{fields.command}: hunk {hunk.id!r} has no line {', '.join(map(str, wrong))}; "
                f"it has {min(known)} to {max(known)}."
            )
        return False

    # --- showing ---

    async def _show(self, wanted: Choice, fitting: Sequence[Hunk], listed: Sequence[Hunk]) -> JsonObject:
        """One document shows one turn: the newest that fits. Without an argument everything is listed."""
        turn = self._known.newest_turn(fitting)
        first = min((hunk for hunk in fitting if hunk.turn == turn), key=lambda hunk: (hunk.uri, hunk.start_line))
        at = first if wanted.hunk or wanted.uri else None
        document = await self._diffs.open(turn, at=at, focus=True)
        return {**self._result(listed), "document": document}

    # --- deciding ---

    async def _ask_why(self, wanted: Choice, fitting: Sequence[Hunk], hunks: Sequence[Hunk]) -> JsonObject:
        async def send(reason: str) -> object:
            return await self._decide("reject", wanted, reason, None)

        first = fitting[0]
        where = f"{self._shapes.display(first.uri)}:{first.start_line + 1}"
        subject = f"Tell Copydesk why you reject its change of {where}"
        more = f" and {counted(len(fitting) - 1, 'more hunk')}" if len(fitting) > 1 else ""
        prompt = await self._voice.prompts.open(f"{subject}{more}.", send)
        return {**self._result(hunks), "document": prompt.uri}

    async def _decide(self, verb: Verb, wanted: Choice, reason: str, wait: bool | None) -> JsonObject:
        limit_s = self._limit_s(verb, wait)
        running = self._deciding.get((verb, wanted)) or self._start(verb, wanted, reason, late=limit_s == 0)
        if not await running.wait(limit_s):
            return {**self._result(self._reviews.hunks()), "settled": False}
        if running.result is None:
            return await self._not_decided(running.error or CopydeskError("Nothing was decided."), wanted)
        return self._result(running.result.pending, running.result.files)

    def _limit_s(self, verb: Verb, wait: bool | None) -> float | None:
        """How long this answer may wait."""
        if wait is not None:
            return None if wait else 0
        if clients.is_patient(self._voice.client.name):
            return WAIT_S
        return 0 if verb == "accept" else IMPATIENT_S

    def _start(self, verb: Verb, wanted: Choice, reason: str, *, late: bool) -> "Job[Decided]":
        async def decide() -> Decided:
            try:
                if verb == "accept":
                    return await self._reviews.accept(wanted)
                return await self._reviews.reject(wanted, reason)
            finally:
                del self._deciding[verb, wanted]

        decision = self._deciding[verb, wanted] = Job[Decided]()
        return decision.start(self._spawn, decide, self._tell, late=late)

    def _tell(self, decision: "Job[Decided]") -> None:
        """What did not land: nobody sees the answer of a code action. An error is told where it is no answer."""
        if decision.error is not None:
            if decision.is_left:
                self._say(str(decision.error), "warning")
            return
        files = decision.result.files if decision.result else ()
        notes = [self._note(file) for file in files if _is_news(file)]
        if notes:
            self._say("\n".join(notes), "warning")

    def _note(self, file: events.FileReview) -> str:
        return f"{self._shapes.display(file.uri)}: {file.state}{f' ({file.note})' if file.note else ''}."

    async def _not_decided(self, error: CopydeskError, wanted: Choice) -> JsonObject:
        """Decided by another click meanwhile, or a real refusal."""
        hunks = await self._fresh()
        if any(wanted.fits(hunk) for hunk in hunks):
            raise error
        self._say(self._why_nothing(wanted, hunks))
        return self._result(hunks)

    # --- at the end of a turn ---

    async def with_hunks(self, outcome: JsonObject, turn: str) -> JsonObject:
        """The answer of a turn that was waited for, with the hunks it left to decide."""
        if outcome["review"]["state"] == "pending":
            outcome["review"]["hunksPending"] = await self.pending_as_json(turn)
        return outcome

    async def pending_as_json(self, turn: str) -> list[JsonObject]:
        return self._shapes.pending(await self._pending_of(turn))

    async def _pending_of(self, turn: str) -> tuple[Hunk, ...]:
        """Empty where they cannot be worked out: the end of a turn is told all the same."""
        with suppress(CopydeskError):
            return tuple(hunk for hunk in await self._fresh() if hunk.turn == turn)
        return ()

    def _invitation(self, hunks: Sequence[Hunk]) -> str:
        """One line: what waits, and how to decide it."""
        names = list(dict.fromkeys(self._shapes.display(hunk.uri) for hunk in hunks))
        files = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        wait = "waits" if len(hunks) == 1 else "wait"
        how = "decide by code action there, or by copydesk.review.show, .accept, .reject."
        return f"{counted(len(hunks), 'hunk')} in {files} {wait} for you: {how}"

    async def show_end(self, level: str, text: str, turn: str, unasked: "Unasked") -> None:
        """The model's words and what waits, as one message where they fit; the diff where a file is not open."""
        hunks = await self._pending_of(turn)
        name = f"turn/{turn}.md"
        if not hunks:
            await unasked.answer(level, text, name)
            return
        said = self._invitation(hunks)
        joint = "\n" if "\n" in text.strip() else " "  # some editors ask for a key after several lines
        joined = f"{text.strip()}{joint}{said}".strip()
        if is_short(joined):
            said = joined
        else:
            if self._voice.client.supports("window.showDocument.support"):
                self._spawn(lambda: unasked.answer(level, text, name))
            else:  # both are messages, and the editor shows the last: what there is to decide
                await unasked.answer(level, text, name)
            level = "info"
        stays = not clients.goes_to_documents(self._voice.client.name)
        opens = stays and not all(unasked.has_open(seen_in(hunk)) for hunk in hunks)
        await self._invite(level, said, turn, unasked, opens=opens)

    async def _invite(self, level: str, said: str, turn: str, unasked: "Unasked", *, opens: bool) -> None:
        async def show(focus: bool) -> None:
            await self._diffs.open(turn, focus=focus)

        if not (opens and unasked.takes_keys):
            self._voice.answers.message(level, said)
        if opens:
            await unasked.open(said, show)

    # --- words and results ---

    def _say(self, text: str, level: str = "info") -> None:
        self._voice.answers.message(level, text)

    def _result(self, pending: Sequence[Hunk], files: Sequence[events.FileReview] = ()) -> JsonObject:
        return {"pending": self._shapes.pending(pending), "files": self._shapes.files(files), "settled": True}


class _Known:
    """Ids that were heard of, oldest first; turns in the order they started."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._turns: OrderedDict[str, int] = OrderedDict()
        self._n_turns = 0

    def add(self, hunks: Sequence[Hunk]) -> None:
        for hunk in hunks:
            for id in (hunk.id, hunk.turn):
                self._ids[id] = None
                self._ids.move_to_end(id)
        while len(self._ids) > MAX_KNOWN:
            self._ids.popitem(last=False)

    def add_turn(self, turn: str) -> None:
        self._n_turns += 1
        self._turns[turn] = self._n_turns
        while len(self._turns) > MAX_KNOWN:
            self._turns.popitem(last=False)

    def has(self, id: str) -> bool:
        return id in self._ids or id in self._turns

    def newest_turn(self, hunks: Sequence[Hunk]) -> str:
        """The one that started last. Turns of an earlier server count as older, in the order of their hunks."""
        turns = {hunk.turn: (self._turns.get(hunk.turn, 0), n) for n, hunk in enumerate(hunks)}
        return max(turns, key=lambda turn: turns[turn]) if turns else ""


def _is_news(file: events.FileReview) -> bool:
    """Not that it went well, and not a person's own reason for a rejection."""
    return file.state not in _FINE or (file.state != "discarded" and bool(file.note))


def _numbers(fields: Reader) -> tuple[int, ...]:
    value = fields.fields.get("lines")
    if value is None:
        return ()
    items = cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()
    numbers = tuple(dict.fromkeys(n for n in items if isinstance(n, int) and not isinstance(n, bool) and n > 0))
    if not numbers or any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in items):
        raise ArgumentError(f"{fields.command}: 'lines' must be a list of numbers of the hunk's lines, from 1.")
    return numbers


def _flag_or_none(fields: Reader, key: str) -> bool | None:
    return fields.flag(key) if fields.fields.get(key) is not None else None
