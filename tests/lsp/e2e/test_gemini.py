"""Whole turns on Gemini's own wire over real sockets: what goes back of its answers, and how its faults end a turn."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from copydesk.models import remote, retry, selection
from copydesk.models.script import Script
from tests.lsp.e2e.rig import Desk, call, desk, edit
from tests.support.model_server import Fault, ModelServer

CODE = "x = 1\n"
PROPOSED = "think: let me see\n" + edit("a.py", "x = 1", "x = 2")
BOTH = call("read_file", path="a.py") + "\n" + call("list_dir", path=".")


@asynccontextmanager
async def served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *each: str, **settings: Any
) -> AsyncIterator[tuple[Desk, ModelServer]]:
    async with ModelServer(Script.parse("\n--- step\n".join(each))) as server:
        monkeypatch.setenv("GEMINI_BASE_URL", server.url)
        monkeypatch.setenv("GEMINI_API_KEY", "AIza-planted-secret-0123456789abcdef")
        given = {"model.name": "gemini/gemini-3.8-flash", "review.mode": "apply", **settings}
        async with desk(tmp_path, None, files={"a.py": CODE}, settings=given) as d:
            d.open("a.py")
            yield d, server


async def test_an_edit_and_what_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path, monkeypatch, PROPOSED, BOTH, "text: Done.", "text: Yes.") as (d, server):
        result = await d.run("prompt", text="go")
        assert result["message"].startswith("Done."), result
        assert d.editor.text(d.uri("a.py")) == "x = 2\n"
        assert (await d.run("prompt", text="sure?"))["message"] == "Yes."
        ledger = json.dumps(await d.client.command("copydesk.ledger"))
    assert "planted" not in ledger
    assert "?" not in "".join(word for word in ledger.split('"') if "streamGenerateContent" in word).replace(
        "?alt=sse", ""
    )
    bodies = [seen.json for seen in server.requests]
    for earlier, later in zip(server.requests, server.requests[1:], strict=False):
        assert later.body.startswith(earlier.body.removesuffix(b"]}]}"))
    contents = bodies[-1]["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user", "model", "user", "model", "user"]
    first = contents[1]["parts"][-1]
    assert (first["functionCall"]["id"], first["thoughtSignature"]) == ("fc10", "sig1==")
    assert [part["functionCall"]["name"] for part in contents[3]["parts"]] == ["read_file", "list_dir"]
    assert [part.get("thoughtSignature") for part in contents[3]["parts"]] == ["sig2==", None]
    given = [part["functionResponse"] for part in contents[4]["parts"]]
    assert [(one["id"], one["name"]) for one in given] == [("fc20", "read_file"), ("fc21", "list_dir")]
    assert "x = 2" in given[0]["response"]["output"]
    assert "sure?" in contents[6]["parts"][0]["text"]


def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits: the limits are what is tested, not their length."""
    from copydesk.egress.door import Limits

    patience = remote.Patience(
        0.2, 1.5, drain_s=0.1, limits=Limits(connect_s=0.5, first_byte_s=0.3, between_bytes_s=0.3)
    )
    policy = retry.RetryPolicy(max_tries=2, first_delay_s=0.01)
    monkeypatch.setattr(remote, "Patience", lambda: patience)
    monkeypatch.setattr(selection, "RetryPolicy", lambda: policy)


def google(code: int, message: str, **detail: Any) -> Fault:
    details = [detail] if detail else []
    body = {"error": {"code": code, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}}
    return Fault("status", status=code, body=json.dumps(body).encode())


def stream(*chunks: Any) -> Fault:
    body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)
    return Fault("body", body=body, headers={"content-type": "text/event-stream"})


def said(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}} | more]}


CALL = {"functionCall": {"name": "create_file", "args": {"path": "b.py", "content": "y"}, "id": "z"}}
QUOTA = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "RequestsPerDay"}]}
FAULTS: dict[str, tuple[list[Fault], str]] = {
    "a day's quota": ([google(429, "quota, check billing", **QUOTA)], "midnight"),
    "a wrong key": ([Fault("status", status=400, body=json.dumps([{"error": {"code": 400, "message": "API key not valid.",
                     "status": "INVALID_ARGUMENT"}}]).encode())], "GEMINI_API_KEY"),
    "a stall before it begins": ([Fault("stall")] * 5, r"stopped sending"),
    "a stop mid-stream": ([Fault("end", after=2)], r"(?i)broke off|ended|cut"),
    "a reset mid-stream": ([Fault("reset", after=2)], r"(?i)broke|lost|connection|closed"),
    "a call and no end": ([stream(said(CALL)), stream(said(CALL)), stream(said(CALL))], r"(?i)broke off|cut"),
    "a malformed call": ([stream(said({"text": "h"}, finishReason="MALFORMED_FUNCTION_CALL"))], "MALFORMED_FUNCTION_CALL"),
    "an error in the stream": ([stream(said({"text": "h"}), {"error": {"code": 503, "status": "UNAVAILABLE",
                                "message": "The model is overloaded."}})] * 3, "overloaded"),
    "a page": ([Fault("body", body=b"<html><title>Sign in</title></html>")], "Sign in"),
    "nothing": ([Fault("body", body=b"[]")] * 3, "instead of a model's stream"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_a_model_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    _quick(monkeypatch)
    faults, says = FAULTS[name]
    each = (PROPOSED, "chunk: 1\ntext: abcdefg", "text: Here.\nloop")
    async with served(tmp_path, monkeypatch, *each) as (d, server):
        server.faults = [None, *faults]
        result = await d.run("prompt", text="go")
        assert result["stopReason"] == "error", result
        assert re.search(says, result["error"]), result["error"]
        assert "planted" not in str(result)
        assert not (tmp_path / "b.py").exists()
        server.faults = []
        assert (await d.run("prompt", text="again"))["stopReason"] == "end_turn"
        assert d.editor.text(d.uri("a.py")) == "x = 2\n"


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT"])
async def test_a_refusal_names_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    async with served(tmp_path, monkeypatch, "text: Fine.\nloop") as (d, server):
        server.faults = [
            stream({"promptFeedback": {"blockReason": reason}}),
            stream(said({"text": "We"}, finishReason=reason)),
        ]
        for _ in range(2):
            result = await d.run("prompt", text="go")
            assert result["stopReason"] == "refusal", result
            assert reason in str(result)


async def test_another_models_history_goes_on_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that another model began: its calls get the signature that Google names for this."""
    script = tmp_path / "script.txt"
    script.write_text(f"{PROPOSED}\n--- step\ntext: Done.")
    settings = {"model.name": f"scripted:{script}"}
    async with served(tmp_path, monkeypatch, "text: Yes.", **settings) as (d, server):
        assert (await d.run("prompt", text="go"))["message"].startswith("Done.")
        given = {"model.name": "gemini/gemini-3.8-flash", "review.mode": "apply"}
        d.client.notify("workspace/didChangeConfiguration", {"settings": {"copydesk": given}})
        assert (await d.run("prompt", text="sure?"))["message"] == "Yes."
    calls = [p for c in server.requests[-1].json["contents"] for p in c["parts"] if "functionCall" in p]
    assert [part["thoughtSignature"] for part in calls] == ["skip_thought_signature_validator"]
