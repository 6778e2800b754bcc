"""A thousand planted secrets over all channels, with a model that asks for all of them: none leaves, and none is kept.

The model server is real and on loopback: what counts are the bytes that it received, and those in the state directory.
What may hold values is what needs the true text to put an edit back, and is said in docs/SECRETS.md: `drafts/` and
`attribution/`.
"""

import base64
import json
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from copydesk.lsp import logs
from copydesk.models.script import Script
from tests.lsp.e2e.rig import Desk, call, desk, edit, until
from tests.support.canaries import Canary, canaries, key_block, plain_values
from tests.support.model_server import Fault, ModelServer

OUR_KEY = "".join(("sk", "-ours-", "x7Qp2LmZ9vKt4RwY8sBn3"))
TRUE_TEXT = ("drafts", "attribution")
N_FILES = 20


class Planted:
    """The workspace: twenty files of canaries, an `.env`, a key, instructions; and what stands in none of them."""

    def __init__(self) -> None:
        self.canaries = list(canaries(1000))
        self.env = plain_values(60, seed=51)
        self.process = plain_values(20, seed=52)
        self.typed = list(canaries(35, seed=53))
        self.key = key_block()

    @property
    def parts(self) -> list[list[Canary]]:
        return [self.canaries[n::N_FILES] for n in range(N_FILES)]

    def files(self) -> dict[str, str]:
        made = {f"src/part{n:02}.py": _source(part) for n, part in enumerate(self.parts)}
        made[".env"] = "".join(f"SERVICE_{n}_TOKEN={value}\n" for n, value in enumerate(self.env[:30]))
        made["deploy/prod.env"] = "".join(f"export KEY_{n}_SECRET='{value}'\n" for n, value in enumerate(self.env[30:]))
        made["build/.env.local"] = f"BUILD_PASSWORD={self.env[0]}\n"
        made[".gitignore"] = "build/\n"
        made["fixtures.txt"] = "\n".join(("seen:", *self.env, *self.process, self.key)) + "\n"
        made["AGENTS.md"] = "Use these:\n" + "\n".join(canary.line for canary in self.typed[:10]) + "\n"
        made["notes.md"] = "nothing yet\n"
        return made

    def environment(self) -> dict[str, str]:
        return {f"ACME_{n}_API_KEY": value for n, value in enumerate(self.process)}

    def values(self) -> list[str]:
        found = [canary.value for canary in (*self.canaries, *self.typed)]
        return [*found, *self.env, *self.process, *self.key.splitlines()[1:-1], OUR_KEY]


def _source(part: Iterable[Canary]) -> str:
    lines = (f"    {canary.line}" for canary in part)
    return 'def settings():\n    """\n' + "\n".join(lines) + '\n    """\n    return limit\n'


def leaks(data: bytes, values: Iterable[str]) -> list[str]:
    """The values that stand in some bytes: as they are, as JSON writes them, or in an encoding."""
    found: list[str] = []
    for value in values:
        plain = value.encode()
        forms = [plain, json.dumps(value)[1:-1].encode(), plain.hex().encode()]
        forms += [base64.b64encode(b"\0" * n + plain)[4:-4] for n in range(3) if len(plain) > 11]
        if any(form in data for form in forms):
            found.append(value)
    return found


def kept(state: Path) -> Iterable[tuple[Path, bytes]]:
    for path in sorted(state.rglob("*")):
        if path.is_file() and path.relative_to(state).parts[0] not in TRUE_TEXT:
            yield path, path.read_bytes()


@asynccontextmanager
async def planted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *steps: str, **more: Any
) -> AsyncIterator[tuple[Desk, ModelServer, Planted]]:
    world = Planted()
    for name, value in world.environment().items():
        monkeypatch.setenv(name, value)
    async with ModelServer(Script.parse("\n--- step\n".join(steps))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", OUR_KEY)
        settings = {"model.name": "openai/scripted", "review.mode": "apply", "trace.level": "verbose", **(more or {})}
        custom = ("copydesk/session/update", "copydesk/editor/ask")
        async with desk(tmp_path, None, files=world.files(), settings=settings, custom=custom) as d:
            d.client.choose = "Allow once"
            yield d, server, world


def said(d: Desk) -> bytes:
    """All that the client was told, but for the edits themselves and what a person asked to be shown."""
    return json.dumps(list(d.client.notifications), ensure_ascii=False).encode()


async def test_no_tool_lets_one_of_a_thousand_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [f"src/part{n:02}.py" for n in range(N_FILES)]
    steps = [
        "\n".join(call("read_file", path=path) for path in (*files, "fixtures.txt", "AGENTS.md")),
        "\n".join([call("read_file", path=path) for path in (".env", "deploy/prod.env", "build/.env.local")]),
        "\n".join([call("grep", pattern=pattern, context=1) for pattern in (".", "call|API|key", "[A-Za-z0-9+/]{60}")]),
        "\n".join([call("list_dir"), call("tree"), call("glob", pattern="**/*"), call("diagnostics")]),
        "\n".join(call("definitions", path=path) for path in files[:5]),
        call("code_intel", action="hover", path=files[0], line=1, symbol="settings"),
        call("git_diff")
        + "\n"
        + call("shell", command="cat src/part00.py fixtures.txt .env; env; base64 fixtures.txt"),
        "text: Done.",
    ]
    async with planted(tmp_path, monkeypatch, *steps) as (d, server, world):
        d.open(files[0])
        await d.run("prompt", text="show me everything", timeout_s=60)
        sent = b"".join(seen.body for seen in server.requests)
        assert len(server.requests) == len(steps)
        assert leaks(sent, world.values()) == []
        assert sent.count(b"SECRET_") > 900, "they were read, and replaced"
        assert leaks(said(d), world.values()) == []
        state = d.state
    assert [(path.name, found) for path, data in kept(state) if (found := leaks(data, world.values()))] == []
    ledger = (state / "ledger.jsonl").read_text().splitlines()
    assert len(ledger) == len(steps)
    assert sum(json.loads(ledger[-1])["replaced"].values()) > 900


async def test_what_people_and_editors_send_is_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Planted()
    one, two, three, four, five = (canary for canary in world.typed[14:19])
    echo = f"chunk: 3\ntext: I found {one.value} and {world.env[3]} there."
    steps = [
        call("ask_user", question=f"Is {two.value} right?"),
        call("read_file", path=f"no/{world.env[5]}.txt") + "\n" + call("shell", command=f"echo {three.value}"),
        call("no_such_tool", secret=four.value) + '\ntool_raw: read_file {"path": "' + five.value,
        echo,
        "text: again",
        "text: hover",
    ]
    async with planted(tmp_path, monkeypatch, *steps, **{"hover.model": "always"}) as (d, server, world):
        uri = d.open("src/part01.py")
        d.client.answers["copydesk/editor/ask"] = lambda params: {"answer": f"It is {world.env[7]}"}
        problem = {
            "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 3}},
            "message": f"cannot log in with {world.env[9]} at https://me:{world.typed[12].value}x9@host.internal/",
        }
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 40, "character": 0}}
        result = await d.run(
            "fix", uri=uri, range=whole, diagnostics=[problem], instruction=f"use {world.env[11]}", timeout_s=30
        )
        assert leaks(json.dumps(result).encode(), world.values()) == []
        await d.run("prompt", text=f"remember {world.env[13]} and {world.typed[30].line}", timeout_s=30)
        where = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 5}}
        n_before = len(server.requests)
        await d.client.request("textDocument/hover", where)
        await until(lambda: len(server.requests) > n_before)
        listed = await d.client.command("copydesk.session.list")
        assert leaks(json.dumps(listed).encode(), world.values()) == []
        assert leaks(b"".join(seen.body for seen in server.requests), world.values()) == []
        assert leaks(said(d), world.values()) == []
        state = d.state
    assert [(path.name, found) for path, data in kept(state) if (found := leaks(data, world.values()))] == []


async def test_a_provider_that_repeats_what_it_got_does_not_give_it_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = Planted()
    body = json.dumps({"error": {"message": f"bad key {OUR_KEY} for {world.env[1]} and {world.typed[1].value}"}})
    async with planted(tmp_path, monkeypatch, "text: x") as (d, server, world):
        server.faults = [Fault("status", status=400, body=body.encode())]
        root = logging.getLogger()
        before = (root.level, list(root.handlers))
        logs.to_stderr(logging.DEBUG)
        result = await d.run("prompt", text="go")
        assert result["stopReason"] == "error"
        assert "bad key" in json.dumps(d.updates())
        logging.getLogger("copydesk").error("it failed with %s", world.env[1], exc_info=ValueError(OUR_KEY))
        logs.drain(2.0)
        root.level, root.handlers[:] = before
        status = await d.client.command("copydesk.status")
        doctor = await d.client.command("copydesk.doctor", timeout_s=30)
        told = json.dumps([result, status, doctor]).encode() + said(d)
        assert leaks(told, world.values()) == []
        state = d.state
    assert [path.name for path, data in kept(state) if leaks(data, world.values())] == []
    printed = capsys.readouterr().err
    assert "it failed with" in printed
    assert leaks(printed.encode(), world.values()) == []


async def test_an_edit_beside_a_secret_keeps_it_and_carries_it_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Planted()
    canary = world.parts[0][1]
    steps = ["loop: placeholder"]  # the real ones are made below, when the placeholder is known
    async with planted(tmp_path, monkeypatch, "text: x") as (d, server, world):
        secrets = d.assemblies[0].core.outward.secrets
        shown = secrets.redact(f"    {canary.line}")
        (word,) = secrets.placeholders(shown)
        steps = [
            edit("src/part00.py", f"{shown}\n", f"{shown}  # kept\n"),
            call("write_file", path="stolen.py", content=f"KEY = '{word}'\n"),
            edit("notes.md", "nothing yet", f"it is {word}"),
            call("shell", command=f"echo {word}"),
            call("apply_patch", patch=_patch("src/part00.py", shown + "  # kept", shown + "  # twice")),
            "text: Done.",
        ]
        server._script = Script.parse("\n--- step\n".join(steps))  # pyright: ignore[reportPrivateUsage]
        d.open("src/part00.py")
        await d.run("prompt", text="go", timeout_s=30)
        results = json.dumps([seen.json["messages"] for seen in server.requests[-1:]])
        assert f"    {canary.line}  # twice\n" in d.editor.text(d.uri("src/part00.py"))
        assert word not in d.editor.text(d.uri("src/part00.py"))
        assert canary.value not in (d.editor.text(d.uri("stolen.py")) + d.editor.text(d.uri("notes.md")))
        assert word in d.editor.text(d.uri("stolen.py"))
        assert "stands in the file as written" in results
        assert "stood there as written" in results
        assert leaks(b"".join(seen.body for seen in server.requests), [canary.value]) == []


def _patch(path: str, old: str, new: str) -> str:
    return f"*** Begin Patch\n*** Update File: {path}\n@@\n-{old}\n+{new}\n*** End Patch\n"


async def test_a_rule_keeps_every_tool_away_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "the plan is to leave at dawn"
    asks = [
        call("read_file", path="private/plan.md"),
        call("grep", pattern="leave at"),
        call("shell", command="cat private/plan.md"),
        call("read_file", path="link.md"),
        call("read_file", path="open.md"),
    ]
    rules = {"permissions.deny": ["FileRead(private/**)"], "context.instructionFiles": ["private/plan.md", "link.md"]}
    async with planted(tmp_path, monkeypatch, *asks, "text: Done.", **rules) as (d, server, _):
        (d.root / "private").mkdir()
        (d.root / "private" / "plan.md").write_text(text)
        (d.root / "link.md").symlink_to("private/plan.md")
        (d.root / "open.md").write_text("the control: this is read")
        await d.run("prompt", text="go", timeout_s=30)
        sent = b"".join(seen.body for seen in server.requests)
        assert len(server.requests) == 6
        assert text.encode() not in sent
        assert b"the control: this is read" in sent
        assert b"permissions.deny" in sent
