"""What `copydesk run` prints of a model's words never steers the terminal it is printed on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import anyio.to_thread
import pytest

from copydesk.models.script import Script
from tests.support.model_server import Fault, ModelServer

STEERING = "red \x1b[31mtext\x1b[0m, a title \x1b]0;pwned\x07, C1 \x9b31m, tab\there"
STEERS = ("\x1b", "\x07", "\x9b")


async def printed(server: ModelServer, tmp_path: Path) -> tuple[str, str]:
    env = {**os.environ, "COMPAT_BASE_URL": f"{server.url}/v1", "COPYDESK_STATE_DIR": str(tmp_path / "state")}
    args = [sys.executable, "-m", "copydesk", "run", "go", "--model", "compat/m", "--cwd", str(tmp_path)]

    def run() -> tuple[str, str]:
        done = subprocess.run(args, env=env, capture_output=True, timeout=60, check=False)
        return done.stdout.decode(), done.stderr.decode()

    return await anyio.to_thread.run_sync(run)


async def test_an_answer_has_its_words_and_no_escapes(tmp_path: Path) -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": STEERING}, "finish_reason": "stop"}]}
    body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
    async with ModelServer(Script.parse("text: Well")) as server:
        server.faults = [Fault("body", body=body, headers={"content-type": "text/event-stream"})]
        out, _ = await printed(server, tmp_path)
    assert out == "red text, a title , C1 31m, tab\there\n"


@pytest.mark.parametrize("status", [400, 429])
async def test_an_error_has_its_words_and_no_escapes(tmp_path: Path, status: int) -> None:
    body = json.dumps({"error": {"message": STEERING}}).encode()
    async with ModelServer(Script.parse("text: Well\nloop")) as server:
        server.faults = [Fault("status", status=status, body=body, headers={"retry-after": "0.01"})]
        _, err = await printed(server, tmp_path)
    assert "red text" in err
    assert not [code for code in STEERS if code in err]
