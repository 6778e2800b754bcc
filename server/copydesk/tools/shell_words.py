"""What the model is told of a command: how it ended, what it wrote, what it changed.

The end comes first, then the output: whole where it is short, else its head and more of its tail, for that is where
errors stand. Start with `told`.
"""

from typing import Any

from copydesk.domain.commands import MAX_TIMEOUT_S, CommandStatus, Shell

WHOLE_CHARS = 12_000
"""Longest output that is shown whole; of a longer one, `HEAD_CHARS` and `TAIL_CHARS`."""
HEAD_CHARS, TAIL_CHARS = 3_000, 7_000
MAX_LISTED = 30
GARBLED = 0.1
"""More of the characters than this part being no text, it is not text."""


async def told(status: CommandStatus, shell: Shell) -> str:
    """The newest output of a command and all that came of it."""
    output = await _shortened(status, shell)
    parts = [_heading(status), output or "(no output)", *_results(status)]
    return "\n".join(part.rstrip("\n") for part in parts)


def page_told(status: CommandStatus) -> str:
    """One page, from the offset that was asked for."""
    end = status.offset + len(status.output)
    rest = f"; go on with offset={end}" if end < status.n_chars else "; this is the end"
    text = _readable(status.output) or "(no more output)"
    return f"{status.id}, characters {status.offset:,}–{end:,} of {status.n_chars:,}{rest}\n{text}"


def details(status: CommandStatus) -> dict[str, Any]:
    """The same for the person's view."""
    return {
        "command": status.text,
        "id": status.id,
        "state": status.state,
        "exitCode": status.exit_code,
        "durationS": round(status.duration_s, 3),
        "backend": status.backend,
        "changed": list(status.changed),
        "notes": list(status.notes),
    }


def _heading(status: CommandStatus) -> str:
    match status.state:
        case "running":
            return f"{status.id} is {status.ending}. shell_output reads on, shell_stop ends it."
        case "timed_out":
            return (
                f"{status.ending.capitalize()}, with all that it started. Make it do less, raise timeout_s (at most "
                f"{MAX_TIMEOUT_S:g}), or run it in the background."
            )
        case "exited" if status.exit_code in (-9, 137):
            return f"{status.ending}: by itself or for want of memory."
        case _:
            return status.ending


async def _shortened(status: CommandStatus, shell: Shell) -> str:
    n_new = status.n_chars - status.offset
    if n_new <= WHOLE_CHARS:
        return _readable(status.output)
    tail = (await shell.output(status.id, offset=status.n_chars - TAIL_CHARS)).output
    head = _to_line_end(status.output[:HEAD_CHARS])
    tail = tail[-TAIL_CHARS:]
    tail = tail[tail.find("\n", 0, 500) + 1 :]
    offset = status.offset + len(head)
    n_cut = n_new - len(head) - len(tail)
    mark = f"… {n_cut:,} characters left out; shell_output with id={status.id} offset={offset} shows them …"
    return _readable(head) + f"\n{mark}\n" + _readable(tail)


def _to_line_end(text: str) -> str:
    end = text.rfind("\n", max(0, len(text) - 500))
    return text[:end] if end >= 0 else text


def _readable(text: str) -> str:
    if len(text) > 40 and text.count("\ufffd") > GARBLED * len(text):
        return f"({len(text):,} characters that are not text; pass them through `file` or `xxd`)"
    return text


def _results(status: CommandStatus) -> list[str]:
    found: list[str] = []
    if status.changed:
        more = f" and {len(status.changed) - MAX_LISTED:,} more" if len(status.changed) > MAX_LISTED else ""
        found.append(f"Pending edits now: {', '.join(status.changed[:MAX_LISTED])}{more}.")
    return [*found, *(f"Note: {note}" for note in status.notes)]
