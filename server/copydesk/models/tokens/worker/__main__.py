"""The worker's loop: one JSON request a line on stdin, one JSON answer a line on stdout, in order.

A request: `{id, encoding, path, sha256, texts}`. An answer: `{id, result: {counts}}`, or `{id, error}` when the table
is not what it should be. What else goes wrong ends the process, and the asker keeps its estimate. Start with `main`.
"""

import json
import os
import sys
from typing import Any, BinaryIO, TextIO

MEMORY_BYTES = 1024 * 1024 * 1024
"""Address space; building o200k takes about 100 MB."""


def main() -> None:
    requests, answers = _streams()
    confine()
    from copydesk.models.tokens.worker.encodings import Encodings, WrongTable

    encodings = Encodings()
    for line in requests:
        request: dict[str, Any] = json.loads(line)
        try:
            answer: dict[str, Any] = {"result": {"counts": encodings.count(request)}}
        except WrongTable as error:
            answer = {"error": str(error)}
        answers.write(json.dumps({"id": request["id"], **answer}) + "\n")
        answers.flush()


def confine() -> None:
    """No network, whatever a library may think of, and no more memory than is right."""
    sys.addaudithook(_refuse_network)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _refuse_network(event: str, _: object) -> None:
    if event.startswith("socket."):
        raise PermissionError(f"The token counter has no network ({event}).")


def _streams() -> tuple[BinaryIO, TextIO]:
    """Our stdin and stdout, moved away from where a stray `print` or `input` would reach them."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "w", encoding="ascii", newline="\n")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return requests, answers


if __name__ == "__main__":
    main()
