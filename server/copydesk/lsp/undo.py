"""`copydesk.undo`: takes back what a turn wrote, or gives it again.

Owns the command's argument, how soon it is answered, and its words; what an undo does is the service's. Start with
`UndoCommand.run`. As with a review: Emacs takes no edit while it waits for an answer, so it is answered first.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from copydesk.domain.errors import CopydeskError
from copydesk.lsp import clients
from copydesk.lsp.arguments import Reader
from copydesk.lsp.jobs import WAIT_S, Job, Spawn
from copydesk.lsp.pending import Shapes, counted, file_to_json

if TYPE_CHECKING:
    from copydesk.lsp.voices import Voices
    from copydesk.services.undoing import Undone

JsonObject: TypeAlias = dict[str, Any]
Undo: TypeAlias = "Callable[[str | None], Awaitable[Undone]]"
"""`services.undoing.Undoing.undo`. Raises `CopydeskError`, which says what to do."""

KEYS = ("turn", "wait")
MAX_TOLD = 2
"""Places of what was kept that the message names."""


class UndoCommand:
    def __init__(self, undo: Undo, voice: "Voices", shapes: Shapes, spawn: Spawn) -> None:
        self._undo = undo
        self._voice = voice
        self._shapes = shapes
        self._spawn = spawn

    async def run(self, fields: Reader) -> JsonObject:
        """Answers the command; the undo goes on as a task of the connection where it takes longer."""
        turn = fields.text("turn")
        limit_s = self._limit_s(fields)
        undo: Job[Undone] = Job()
        undo.start(self._spawn, lambda: self._undo(turn), self._tell, late=limit_s == 0)
        if not await undo.wait(limit_s):
            return {"undone": [], "kept": [], "turn": None, "of": turn, "review": _NOTHING, "settled": False}
        if undo.result is None:
            raise undo.error or CopydeskError("There is nothing to undo.")
        return self._result(undo.result)

    def _limit_s(self, fields: Reader) -> float | None:
        if fields.fields.get("wait") is not None:
            return None if fields.flag("wait") else 0
        return WAIT_S if clients.is_patient(self._voice.client.name) else 0

    def _tell(self, undo: "Job[Undone]") -> None:
        """What came of it: most editors show no answer of a command. An error is told where it is no answer."""
        if undo.error is not None and undo.is_left:
            self._voice.answers.message("warning", str(undo.error))
        elif undo.result is not None:
            text, level = self._words(undo.result), "warning" if undo.result.kept else "info"
            self._voice.answers.message(level, text)

    def _words(self, undone: "Undone") -> str:
        if not undone.of:
            return f"{undone.label}."
        n_files = len(undone.undone)
        names = ", ".join(self._shapes.display(file.uri) for file in undone.undone[:3])
        more = f" and {n_files - 3} more" if n_files > 3 else ""
        saved = {file.uri for file in undone.review.files if file.saved}
        unsaved = "" if all(file.uri in saved for file in undone.undone) else ", not saved"
        what = undone.label.removeprefix("Copydesk: ")
        done = f"{what} — done in {names}{more}{unsaved}." if n_files else f"{what} — nothing was changed."
        kept = [f"{self._where(place.uri, place.line)}: {place.why}." for place in undone.kept[:MAX_TOLD]]
        left = len(undone.kept) - len(kept)
        if left > 0:
            kept[-1] += f" And {counted(left, 'more place')}."
        return "\n".join([done, *kept])

    def _where(self, uri: str, line: int) -> str:
        return f"{self._shapes.display(uri)}:{line + 1}"

    def _result(self, undone: "Undone") -> JsonObject:
        shapes = self._shapes
        return {
            "undone": [
                {
                    "uri": shapes.spelled(file.uri),
                    "path": shapes.display(file.uri),
                    "places": file.places,
                    "state": file.state,
                }
                for file in undone.undone
            ],
            "kept": [
                {
                    "uri": shapes.spelled(place.uri),
                    "path": shapes.display(place.uri),
                    "line": place.line,
                    "why": place.why,
                }
                for place in undone.kept
            ],
            "turn": undone.turn or None,
            "of": undone.of or None,
            "review": {
                "state": undone.review.state,
                "files": [file_to_json(file, shapes.spelled(file.uri)) for file in undone.review.files],
            },
            "settled": True,
        }


_NOTHING: JsonObject = {"state": "pending", "files": []}


async def nothing_to_undo(turn: str | None) -> "Undone":
    """Where nobody keeps who wrote what."""
    from copydesk.services.undoing import NOTHING

    if turn:
        raise CopydeskError(f"There is nothing to undo of the turn {turn!r}.")
    return NOTHING
