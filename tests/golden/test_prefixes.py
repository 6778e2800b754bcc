"""The prompt cache pays only for what comes first and stays the same: proved on every conversation, on every wire."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from copydesk.domain.events import Event, PrefixBroken, ResultsCleared, UsageUpdated
from copydesk.domain.stream import ModelRequest
from copydesk.models.catalog import entry
from copydesk.models.remote import WIRES
from copydesk.store.records import read_records
from tests.golden.test_golden import FILES
from tests.support.golden import Golden, play

MODELS = {
    "openai_chat": (
        *("compat/unknown", "openai/gpt-5.1", "deepseek/deepseek-flash", "compat/mistral-large", "compat/qwen3-32b"),
        "compat/anthropic/claude-sonnet-5.5",
    ),
    "openai_responses": ("openai/gpt-5.6-terra",),
    "anthropic": ("anthropic/claude-sonnet-5-5", "anthropic/claude-sonnet-4-5", "anthropic/claude-3-haiku"),
    "gemini": ("gemini/gemini-3-pro", "gemini/gemini-2.5-flash"),
}
CASES = [(wire, name) for wire in WIRES for name in MODELS.get(wire, ("compat/unknown",))]
LISTS = ("messages", "input", "contents")


def prefix(wire: str, name: str, request: ModelRequest) -> bytes:
    """What the provider caches of a request: everything but the cache marks and what closes the last message."""
    body = json.loads(WIRES[wire].encode(request, name.partition("/")[2], entry(name)))
    listed = next(key for key in LISTS if key in body)
    ordered = {key: value for key, value in body.items() if key != listed} | {listed: body[listed]}
    return json.dumps(unmarked(ordered)).encode().rstrip(b"]}")


def unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: unmarked(one) for key, one in value.items() if key != "cache_control"}
    return [unmarked(one) for one in value] if isinstance(value, list) else value


def told(transcript: Path) -> list[bool]:
    """For each request of the session, whether a record says that it does not begin as the one before it."""
    found = [False]
    for event in events(transcript):
        match event:
            case UsageUpdated():
                found.append(False)
            case PrefixBroken() | ResultsCleared():
                found[-1] = True
            case _:
                pass
    return found[:-1]


def events(transcript: Path) -> Iterator[Event]:
    return (record.event for record in read_records(transcript) if record.event is not None)


def check_prefixes(requests: list[ModelRequest], transcript: Path) -> int:
    records = told(transcript)
    assert len(records) == len(requests)
    for (earlier, later), is_told in zip(pairwise(requests), records[1:], strict=True):
        for wire, name in CASES:
            begins = prefix(wire, name, later).startswith(prefix(wire, name, earlier))
            assert begins or is_told, f"{name} on {wire}: the prefix changed, and nothing says why"
            assert not (begins and is_told), f"{name} on {wire}: a record says that the prefix broke, but it did not"
    return len(requests)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_every_request_begins_as_the_one_before_it(path: Path, tmp_path: Path) -> None:
    played = await play(Golden.read(path), tmp_path)
    assert check_prefixes(played.model.requests, played.transcript) > 0


async def test_the_check_sees_what_changed(tmp_path: Path) -> None:
    """The same conversation, with one word of its history changed behind the recorder's back."""
    from dataclasses import replace

    played = await play(Golden.read(FILES[0]), tmp_path)
    *_, last = played.model.requests
    other = replace(last, messages=(replace(last.messages[0], parts=last.messages[1].parts), *last.messages[1:]))
    with pytest.raises(AssertionError, match="nothing says why"):
        check_prefixes([*played.model.requests[:-1], other], played.transcript)


@pytest.mark.parametrize(("wire", "name"), [case for case in CASES if case[0] == "openai_chat"])
async def test_chat_bodies_are_prefixes_byte_for_byte(wire: str, name: str, tmp_path: Path) -> None:
    for number, path in enumerate(FILES):
        (tmp_path / str(number)).mkdir()
        played = await play(Golden.read(path), tmp_path / str(number))
        bodies = [WIRES[wire].encode(request, name, entry(name)) for request in played.model.requests]
        for earlier, later in pairwise(bodies):
            assert later.startswith(earlier.removesuffix(b"]}"))
