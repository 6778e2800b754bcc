"""Placeholders of secrets in what a model writes: put back where the file held the value, left alone elsewhere.

Only text for a file that already held a value gets it: so an edit beside a secret can be placed, and none is carried
into another file. What stays is said to the model. Start with `put_back`.
"""

from collections.abc import Sequence

from copydesk.domain.ports import Work
from copydesk.text.patches import Hunk

_N_NAMED = 5


def put_back(work: Work, text: str, held: str) -> str:
    """`text` with the values that `held`, the file as it is now, contains."""
    return work.secrets.restore(text, held)


def learn(work: Work, content: str) -> None:
    """Looks at a whole file before a part of it is shown: a line of a private key does not say by itself what it is."""
    if "PRIVATE KEY" in content:
        work.secrets.redact(content)


def put_back_hunks(work: Work, hunks: Sequence[Hunk], held: str) -> tuple[Hunk, ...]:
    """A patch's hunks for a file, the same way; a value never goes over a line's end."""
    return tuple(
        hunk._replace(
            rows=tuple((mark, put_back(work, row, held)) for mark, row in hunk.rows),
            anchors=tuple(put_back(work, anchor, held) for anchor in hunk.anchors),
        )
        for hunk in hunks
    )


def stayed(work: Work, written: str, before: str = "") -> str:
    """A line for the model about placeholders that it writes into a file which has not their values; else ''."""
    left = [word for word in work.secrets.placeholders(written) if word not in before]
    if not left:
        return ""
    named = ", ".join(left[:_N_NAMED]) + (", …" if len(left) > _N_NAMED else "")
    return (
        f"({named} stands in the file as written: a placeholder is only replaced in a file that had its value before. "
        "Read the value from the environment there, or ask the person to fill it in.)"
    )
