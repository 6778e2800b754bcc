"""Counting with tiktoken: in a process of its own, from a checked table, never waited for, and with no network.

The tables here are small ones of our own making: tiktoken takes any ranks, and the real ones are not in the repository.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import anyio
import pytest

from copydesk.domain.messages import Message, Text
from copydesk.domain.models import ModelFacts
from copydesk.domain.stream import ModelRequest
from copydesk.models.tokens.counter import Counter
from copydesk.models.tokens.exact import Exact, worker_command, worker_environment
from copydesk.models.tokens.tables import ENCODINGS, O200K, Table, Tables
from copydesk.processes.workers import Worker

RANKS = [bytes([each]) for each in range(256)] + [b"th", b"the", b" the", b"in", b"ing"]
DATA = b"".join(base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(RANKS))
SMALL = Table("o200k_base", "/encodings/o200k_base.tiktoken", hashlib.sha256(DATA).hexdigest(), len(DATA))
FACTS = ModelFacts("gpt", 100_000, 8_000, tokenizer="o200k_base")
TEXT = "the thing in the ring"
N_TEXT = len(["the", " ", "th", "ing", " ", "in", " the", " ", "r", "ing"])


def tables(folder: Path, env: Mapping[str, str] | None = None, **more: Table) -> Tables:
    return Tables(env or {}, folder, tables={"o200k_base": SMALL, **more})


def put(folder: Path, data: bytes = DATA, table: Table = SMALL) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / table.file_name
    path.write_bytes(data)
    return path


@pytest.fixture
async def run() -> AsyncIterator[Callable[[Exact | Counter], None]]:
    """Runs a `tend` as long as the test goes on, and closes what it belongs to."""
    closing: list[Exact | Counter] = []
    async with anyio.create_task_group() as group:

        def start(one: Exact | Counter) -> None:
            closing.append(one)
            group.start_soon(one.tend)

        yield start
        group.cancel_scope.cancel()
    for one in closing:
        await one.aclose()


async def until(is_so: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not is_so():  # noqa: ASYNC110  nobody tells when another process is done
            await anyio.sleep(0.01)


async def counted(exact: Exact, texts: Sequence[str], encoding: str = "o200k_base") -> list[int]:
    """The counts, as soon as they are told."""
    told: list[Sequence[int]] = []
    exact.ask(encoding, texts, told.append)
    await until(lambda: bool(told))
    return list(told[0])


# --- which table ---


def test_the_names_are_tiktokens_own() -> None:
    assert O200K.file_name == "fb374d419588a4632f3f557e76b4b70aebbca790"
    assert {table.file_name for table in ENCODINGS.values()} == {
        O200K.file_name,
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    }


@pytest.mark.parametrize("variable", ["TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"])
def test_a_table_is_found_where_tiktoken_keeps_it(tmp_path: Path, variable: str) -> None:
    path = put(tmp_path / "cache")
    assert tables(tmp_path / "own", {variable: str(tmp_path / "cache")}).find("o200k_base") == path


def test_the_temporary_folder_counts_only_if_it_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    path = put(tmp_path / "data-gym-cache")
    assert tables(tmp_path / "own").find("o200k_base") == path
    monkeypatch.setattr("os.getuid", lambda: os.stat(tmp_path).st_uid + 1)
    assert tables(tmp_path / "own").find("o200k_base") is None


def test_our_own_folder_is_looked_into_last(tmp_path: Path) -> None:
    own, named = put(tmp_path / "own"), put(tmp_path / "named")
    assert tables(tmp_path / "own", {"TIKTOKEN_CACHE_DIR": str(tmp_path / "named")}).find("o200k_base") == named
    assert tables(tmp_path / "own", {"TIKTOKEN_CACHE_DIR": ""}).find("o200k_base") == own
    assert tables(tmp_path / "own").find("p50k_base") is None


def test_a_table_of_another_size_is_none(tmp_path: Path) -> None:
    put(tmp_path, DATA[:-10])
    assert tables(tmp_path).find("o200k_base") is None


def test_a_table_that_is_put_there_later_is_seen(tmp_path: Path) -> None:
    now_s = [0.0]
    looking = Tables({}, tmp_path, lambda: now_s[0], tables={"o200k_base": SMALL})
    assert looking.find("o200k_base") is None
    put(tmp_path)
    now_s[0] = 31.0
    assert looking.find("o200k_base") is not None


# --- counting ---


async def test_counts_are_tiktokens(tmp_path: Path, run: Callable[[Exact], None]) -> None:
    put(tmp_path)
    exact = Exact(tables(tmp_path), delay_s=0)
    run(exact)
    assert exact.has("o200k_base")
    assert not exact.has("cl100k_base")
    assert not exact.has("")
    assert await counted(exact, [TEXT, "", "<|endoftext|>", "ü\ud800"[:1]]) == [N_TEXT, 0, 13, 2]
    assert await counted(exact, ["in the\n" * 60_000]) == [60_000 * 3]


async def test_a_damaged_table_is_passed_over_for_the_next(tmp_path: Path, run: Callable[[Exact], None]) -> None:
    bad = put(tmp_path / "named", b"x" * len(DATA))
    put(tmp_path / "own")
    looking = tables(tmp_path / "own", {"TIKTOKEN_CACHE_DIR": str(tmp_path / "named")})
    exact = Exact(looking, delay_s=0)
    run(exact)
    told: list[Sequence[int]] = []
    exact.ask("o200k_base", [TEXT], told.append)
    await until(lambda: looking.find("o200k_base") != bad)
    assert told == []
    assert bad.exists()  # it may be somebody's
    assert await counted(exact, [TEXT]) == [N_TEXT]


async def test_the_counter_takes_exact_counts_when_they_come(tmp_path: Path, run: Callable[[Counter], None]) -> None:
    put(tmp_path)
    counter = Counter(None, Exact(tables(tmp_path), delay_s=0))
    run(counter)
    request = ModelRequest("", (Message("user", (Text("zqzq" * 900),)),))
    estimated = counter.count(request, "openai/gpt-9", FACTS)
    await until(lambda: counter.count(request, "openai/gpt-9", FACTS) != estimated)
    assert 3_600 < counter.count(request, "openai/gpt-9", FACTS) < 3_620


async def test_without_a_table_nothing_is_started(tmp_path: Path, run: Callable[[Counter], None]) -> None:
    started: list[None] = []

    def worker() -> Worker:
        started.append(None)
        raise AssertionError

    counter = Counter(None, Exact(tables(tmp_path), worker, delay_s=0))
    run(counter)
    counter.count(ModelRequest("", (Message("user", (Text("hi"),)),)), "openai/gpt-9", FACTS)
    await anyio.sleep(0.05)
    assert not started


@pytest.mark.parametrize("script", ["import sys; sys.exit(3)", "import time; time.sleep(60)"])
async def test_a_worker_that_fails_costs_nothing_but_exactness(
    tmp_path: Path, run: Callable[[Counter], None], script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copydesk.models.tokens.exact.LIMIT_S", 0.3)
    put(tmp_path)
    made: list[Worker] = []

    def worker() -> Worker:
        made.append(Worker([sys.executable, "-c", script], env=worker_environment(), cwd=str(tmp_path), name="broken"))
        return made[0]

    counter = Counter(None, Exact(tables(tmp_path), worker, delay_s=0))
    run(counter)
    request = ModelRequest("", (Message("user", (Text("some words"),)),))
    estimated = counter.count(request, "openai/gpt-9", FACTS)
    await until(lambda: bool(made) and made[0].generation > 0 and not (made[0].pid and _lives(made[0].pid)))
    assert counter.count(request, "openai/gpt-9", FACTS) == estimated


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_is_asked_while_nobody_counts_is_bounded(tmp_path: Path) -> None:
    exact = Exact(tables(tmp_path))
    for _ in range(5_000):
        exact.ask("o200k_base", ["x" * 10_000], lambda counts: None)
    exact.ask("o200k_base", ["x" * 10_000_000], lambda counts: None)
    assert exact.n_waiting_chars <= 16 * 1024 * 1024


# --- the process ---


def dialogue(
    lines: Sequence[Mapping[str, object]], env: Mapping[str, str] | None = None
) -> tuple[list[dict[str, object]], str]:
    done = subprocess.run(
        worker_command(), input="".join(json.dumps(line) + "\n" for line in lines), env={**worker_environment(), **(env or {})},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_the_process_reads_only_the_table_it_is_told(tmp_path: Path) -> None:
    path = put(tmp_path)
    question = {"id": 1, "encoding": "o200k_base", "path": str(path), "sha256": SMALL.sha256, "texts": [TEXT]}
    answers, _ = dialogue(
        [question, {**question, "id": 2, "path": str(tmp_path / "none")}, {**question, "id": 3, "sha256": "0"}]
    )
    assert answers[0] == {"id": 1, "result": {"counts": [N_TEXT]}}
    assert "none" in str(answers[1]["error"])
    assert "not the table" in str(answers[2]["error"])


def test_the_process_cannot_reach_the_network(tmp_path: Path) -> None:
    """Whatever were to try: name, address, or tiktoken's own download of a table that is not there."""
    code = (
        "import socket, sys\nfrom copydesk.models.tokens.worker.__main__ import confine\nconfine()\n"
        "import tiktoken\n"
        "for work in (lambda: socket.create_connection(('127.0.0.1', 9)), lambda: socket.getaddrinfo('example.org', 80),"
        " lambda: tiktoken.get_encoding('p50k_base')):\n"
        "    try:\n        work()\n    except BaseException as error:\n        print('no network' in str(error))\n"
    )
    env = {**worker_environment(), "TIKTOKEN_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["True", "True", "True"], done.stderr


def test_the_server_itself_never_imports_tiktoken() -> None:
    code = (
        "import sys\nfrom copydesk.app.counting import Counting\nfrom pathlib import Path\n"
        "from copydesk.domain.models import ModelFacts\nfrom copydesk.domain.stream import ModelRequest\n"
        "assert not any(name.startswith('copydesk.models') for name in sys.modules)\n"
        "Counting(Path('none')).count(ModelRequest('hi', ()), 'openai/gpt-5', ModelFacts('gpt', 1, 1, tokenizer='o200k_base'))\n"
        "assert not {'tiktoken', 'regex', 'requests', 'httpx'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=worker_environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif("COPYDESK_TOKEN_TABLES" not in os.environ, reason="needs a folder with tiktoken's real tables")
async def test_the_true_counts_are_what_tiktoken_says(run: Callable[[Exact], None]) -> None:
    """The committed counts, counted again with the real tables."""
    from tests.support.token_texts import TEXTS
    from tests.unit.models.tokens.test_estimates import TRUE

    exact = Exact(Tables({}, Path(os.environ["COPYDESK_TOKEN_TABLES"])), delay_s=0)
    run(exact)
    for column, encoding in enumerate(("o200k_base", "cl100k_base")):
        assert await counted(exact, list(TEXTS.values()), encoding) == [TRUE[kind][column] for kind in TEXTS]
