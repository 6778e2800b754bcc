"""The words at the end of a turn: what the person reads after the model's own, and what the model hears next time.

And how its files stand then. Knows no protocol: plain lines. Start with `closing_words`.
"""

from collections import Counter
from collections.abc import Callable

from copydesk.agent.loop import LoopEnd
from copydesk.domain.events import FileReview, ReviewState, ReviewUpdated
from copydesk.domain.review import Hunk
from copydesk.services.side_files import named
from copydesk.workspace.pending import Pending


def closing_words(
    end: LoopEnd, review: ReviewUpdated, display: Callable[[str], str], unanswered: tuple[str, ...] = ()
) -> str:
    """The end message: the model's words, then what a person must know about the files and their own words."""
    notes = [f"Came too late for this turn, kept for the next one: {first_words(text)!r}" for text in unanswered]
    if unsaved := [display(file.uri) for file in review.files if file.state == "applied" and not file.saved]:
        notes.append(f"Changed, not saved: {', '.join(unsaved)}.")
    notes += [_note(file, display(file.uri)) for file in review.files if file.state != "applied" or file.note]
    return _joined(end.message.strip(), [note for note in notes if note])


def _note(file: FileReview, name: str) -> str:
    match file.state:
        case "pending":
            return ""
        case "applied" | "unconfirmed":
            return f"{name}: {file.note}." if file.note else ""
        case "draft":
            why = f" ({file.note})" if file.note else ""
            return f"{name}: kept as a draft{why}; the session's next turn goes on from it."
        case state:
            return f"{name}: {state}" + (f" — {file.note}" if file.note else "") + "."


def _joined(message: str, notes: list[str]) -> str:
    """After one line of words the notes go on in it: some editors ask for a key after a message of several lines."""
    if "\n" in message:
        return "\n\n".join((message, *notes))
    return " ".join(part for part in (message, *notes) if part)


def first_words(text: str) -> str:
    """One short line of what a person sent."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59].rstrip() + "…"


def note_for_model(review: ReviewUpdated) -> str:
    """What the model should know at its next turn about what became of its edits."""
    lines = [f"- {file.uri}: {file.state}{f' ({file.note})' if file.note else ''}" for file in review.files]
    return "Your edits:\n" + "\n".join(lines) if lines else ""


def still(turn: str, pending: Pending, state: ReviewState, hunks: tuple[Hunk, ...] = ()) -> ReviewUpdated:
    """The pending files in one undecided `state`: "draft" after a stopped turn, "pending" where nothing is offered."""
    counts = Counter(hunk.uri for hunk in hunks)
    files = tuple(FileReview(uri, state, counts[uri], _waits(counts[uri])) for uri in pending.files())
    sides = pending.side_files()
    files += tuple(FileReview(uri, state, 1, named(side)) for uri, side in sides.items() if uri not in pending.files())
    return ReviewUpdated(turn, state if files else "none", files)


def _waits(n_hunks: int) -> str:
    words = "1 edit waits" if n_hunks == 1 else f"{n_hunks} edits wait"
    return f"{words} for your review" if n_hunks else ""
