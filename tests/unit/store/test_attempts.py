"""The log of attempts: what stands in it, that nobody else reads it, that it does not grow for ever."""

import json
import stat
from dataclasses import fields, replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from copydesk.domain.attempts import Attempt, in_words
from copydesk.store import attempts
from copydesk.store.attempts import AttemptFile
from tests.support.waiting import until

ONE = Attempt("2026-11-21T10:00:05.000Z", "s-1", "t-1", "openai/m", 2, "RateLimited", 429, 1.5, 0.321)


async def test_it_is_written_beside_the_turns_and_read_back(tmp_path: Path) -> None:
    log = AttemptFile(tmp_path / "state")
    async with anyio.create_task_group() as group:
        group.start_soon(log.tend)
        await anyio.lowlevel.checkpoint()
        log.add(ONE)
        assert not log.path.exists()
        await until(log.read)
        group.cancel_scope.cancel()
    log.add(replace(ONE, number=3, wait_s=None, kind="answered", status=200))
    log.flush()
    assert log.read() == (ONE, replace(ONE, number=3, wait_s=None, kind="answered", status=200))
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert set(json.loads(log.path.read_text().splitlines()[0])) == {each.name for each in fields(Attempt)}


def test_two_files_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MAX_FILE_BYTES", 2000)
    log = AttemptFile(tmp_path)
    for number in range(200):
        log.add(replace(ONE, number=number))
        log.flush()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["attempts.1.jsonl", "attempts.jsonl"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 5000
    assert log.read()[-1].number == 199


def test_a_torn_line_is_passed_over_and_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    log = AttemptFile(tmp_path)
    log.add(ONE)
    log.flush()
    with log.path.open("ab") as file:
        file.write(b'{"when": "2026\n[]\n')
    assert log.read() == (ONE,)
    full = AttemptFile(log.path / "no-folder")
    full.add(ONE)
    full.flush()
    assert "cannot be written" in full.problem
    assert full.read() == ()


def test_in_words_for_a_person() -> None:
    assert in_words(ONE) == "2026-11-21 10:00:05 UTC openai/m, try 2: RateLimited (429) after 0.3 s"
