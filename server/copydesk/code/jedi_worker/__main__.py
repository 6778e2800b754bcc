"""The worker's loop: one JSON request a line on stdin, one JSON answer a line on stdout, in order.

A request: `{id, op, changed: {path: text|null}, dropped: [path], …}`. An answer: `{id, result}` or `{id, error}`.
Ends when stdin does. Start with `main`.
"""

import json
import os
import sys
from typing import Any, BinaryIO, TextIO


def main() -> None:
    requests, answers = _streams()
    from copydesk.code.jedi_worker.answers import Answers

    state = Answers()
    for line in requests:
        request = json.loads(line)
        answers.write(json.dumps({"id": request["id"], **_answer(state, request)}) + "\n")
        answers.flush()


def _streams() -> tuple[BinaryIO, TextIO]:
    """Our stdin and stdout, moved away from where a stray `print` or `input` would reach them."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return requests, answers


def _answer(state: Any, request: dict[str, Any]) -> dict[str, Any]:
    from copydesk.code.jedi_worker.refusals import Refused

    try:
        return {"result": state.answer(request)}
    except Refused as refusal:
        return {"error": str(refusal)}
    except Exception as error:  # noqa: BLE001  # jedi raises anything on odd code, and the next question still counts
        return {"error": f"jedi could not answer {request.get('op')!r}: {type(error).__name__}: {error}"}


if __name__ == "__main__":
    sys.setrecursionlimit(6000)
    main()
