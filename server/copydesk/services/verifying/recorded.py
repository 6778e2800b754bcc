"""What a session's events say was run, by whom and on which text: the records that a claim may name.

Follows events, keeps the newest; it reads no model's words. Start with `Recorded.note`.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any

from copydesk.domain.events import EditProposed, Event, EvidenceUpdated, ToolCallStarted, ToolCallUpdated
from copydesk.domain.frozen import frozen

MAX_KEPT = 200


@frozen
class Run:
    """A recorded run. `is_good` None: it has not ended. `is_current`: nothing was edited since."""

    id: str
    command: str
    is_good: bool | None
    is_current: bool = True
    passed: int | None = None
    ending: str = ""


class Recorded:
    """What a session's events say was run, and whether its edits changed since. `is_whole`: from its first event on."""

    def __init__(self, *, is_whole: bool = True) -> None:
        self.is_whole = is_whole
        self._shell: deque[tuple[int, Run]] = deque(maxlen=MAX_KEPT)
        self._calls: dict[str, str] = {}
        self._ids: dict[str, None] = {}
        self._n_edits = 0

    def note(self, event: Event) -> None:
        match event:
            case EditProposed():
                self._n_edits += 1
            case ToolCallStarted(call=call, tool=tool):
                self._calls[call] = tool
            case ToolCallUpdated(call=call) if self._calls.get(call, "").startswith("shell"):
                self._note_shell(event)
            case EvidenceUpdated(evidence=evidence):
                self._ids.update(dict.fromkeys(run.id for run in evidence.runs))
            case _:
                pass

    def _note_shell(self, event: ToolCallUpdated) -> None:
        from copydesk.services.verifying.readings import read_output

        details: Any = event.details
        id, command = str(details.get("id") or ""), str(details.get("command") or "")
        if not id or not command or event.status not in ("completed", "failed"):
            return
        state, code = details.get("state"), details.get("exitCode")
        self._ids[id] = None
        is_good: bool | None = None
        if state != "running":
            exit_code = code if isinstance(code, int) else 1
            reading = read_output("", exit_code, event.content)
            is_good = exit_code == 0 and state == "exited" and reading.is_good
        ending = f"exit {code}" if isinstance(code, int) else str(state)
        self._shell.append((self._n_edits, Run(id, command, is_good, ending=ending)))

    def runs(self) -> Iterator[Run]:
        """The commands of the session's shell, the newest first."""
        for n_edits, run in reversed(self._shell):
            yield run if n_edits == self._n_edits else Run(run.id, run.command, run.is_good, False, ending=run.ending)

    def knows(self, id: str) -> bool:
        return not self.is_whole or id in self._ids
