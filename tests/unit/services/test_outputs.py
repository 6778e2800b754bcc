"""What is kept of a command's output, and what is shown of it while it comes."""

import os
from itertools import pairwise

import anyio

from copydesk.domain.commands import Output
from copydesk.services.glimpses import GAP_S, LONG_CHARS, MAX_GAP_S, MAX_GLIMPSES, N_CHARS, Glimpses, gap_s
from copydesk.services.outputs import CHUNK_CHARS, LIMIT_BYTES, MAX_MARKS, CommandOutput


def taken(*pieces: tuple[str, bytes]) -> CommandOutput:
    output = CommandOutput()
    for stream, data in pieces:
        output.feed(Output("stdout" if stream == "o" else "stderr", data))
    output.end()
    return output


def whole(output: CommandOutput) -> str:
    return output.text(0, output.n_chars)


def test_the_streams_stand_in_order_and_are_marked_where_they_change() -> None:
    assert whole(taken(("o", b"a\nb"), ("e", b"oh\n"), ("o", b"c\n"))) == "[stderr]\n".join(
        ["a\n", "oh\n[stdout]\nbc\n"]
    )
    assert whole(taken(("e", b"only\n"))) == "only\n"
    assert whole(taken(("o", b"no end"), ("e", b"nor here"))) == "no end\n[stderr]\nnor here"


def test_streams_that_take_turns_are_marked_no_longer() -> None:
    output = taken(*[("oe"[n % 2], b"x\n") for n in range(500)])
    assert whole(output).count("[std") < MAX_MARKS
    assert "[from here on both streams, in the order they came]" in whole(output)
    assert whole(output).count("x\n") == 500


def test_characters_that_are_cut_between_pieces_and_bytes_that_are_none() -> None:
    data = "grüße 🙂\n".encode()
    assert whole(taken(*[("o", data[n : n + 1]) for n in range(len(data))])) == "grüße 🙂\n"
    assert whole(taken(("o", b"\xff\xfe ok\n"))) == "\ufffd\ufffd ok\n"
    assert whole(taken(("o", b"cut \xc3"))) == "cut \ufffd"


def test_any_part_of_much_can_be_read() -> None:
    lines = "".join(f"line {n}\n" for n in range(60_000))
    output = taken(*[("o", lines[at : at + 4_000].encode()) for at in range(0, len(lines), 4_000)])
    assert output.n_chars == len(lines) > 3 * CHUNK_CHARS
    assert whole(output) == lines
    for start in (0, 17, CHUNK_CHARS - 5, 2 * CHUNK_CHARS, len(lines) - 40, len(lines), len(lines) + 9):
        assert output.text(start, start + 100) == lines[start : start + 100]


def test_of_a_flood_that_cannot_be_pressed_the_middle_goes_and_offsets_stay() -> None:
    output = CommandOutput()
    first = os.urandom(30_000).hex()
    output.feed(Output("stdout", first.encode() + b"\n"))
    while output.n_bytes < 4 * LIMIT_BYTES:
        output.feed(Output("stdout", os.urandom(30_000).hex().encode() + b"\n"))
    output.feed(Output("stderr", b"the last words\n"))
    output.end()
    assert output.text(0, 60_000) == first
    assert output.text(output.n_chars - 15, output.n_chars) == "the last words\n"
    middle = output.text(output.n_chars // 2, output.n_chars // 2 + 1_000)
    assert middle == "\n… 1,000 characters were too many to keep …\n"
    kept = sum(len(chunk or b"") for chunk in output._sealed)
    assert kept <= LIMIT_BYTES + CHUNK_CHARS


def test_a_prompt_without_line_end_is_seen() -> None:
    output = CommandOutput()
    output.feed(Output("stdout", b"a\nContinue? "))
    assert (output.n_chars, output.rest) == (2, "Continue? ")
    assert output.tail(5, 100) == "a\nContinue? "


# --- glimpses ---


def test_the_gap_grows() -> None:
    assert gap_s(0) == gap_s(0.5) == GAP_S
    assert GAP_S < gap_s(10) < gap_s(30) < MAX_GAP_S == gap_s(1000)


async def test_glimpses_replace_each_other_and_are_apart() -> None:
    shown: list[tuple[float, str]] = []
    output = CommandOutput()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Glimpses(output, lambda text: shown.append((anyio.current_time(), text))).run)
        for n in range(40):
            output.feed(Output("stdout", f"line {n}\n".encode()))
            await anyio.sleep(0.005)
        await anyio.sleep(0.05)
        tasks.cancel_scope.cancel()
    times = [at for at, _ in shown]
    assert 3 <= len(shown) <= 9
    assert min(after - before for before, after in pairwise(times)) >= 0.9 * GAP_S
    assert shown[-1][1].splitlines() == [f"line {n}" for n in range(28, 40)]


async def test_what_is_shown_of_half_an_hour_of_flood_is_bounded() -> None:
    """By a clock that runs: what would be recorded of the longest command."""
    shown: list[str] = []
    output, now = CommandOutput(), 0.0
    glimpses = Glimpses(output, shown.append)
    while now < 1800 and len(shown) < MAX_GLIMPSES:
        output.feed(Output("stdout", f"{now} {'x' * 200}\n".encode() * 20))
        glimpses._look()
        now += gap_s(now)
    assert len(shown) <= MAX_GLIMPSES
    assert max(map(len, shown)) <= N_CHARS
    assert sum(map(len, shown)) <= LONG_CHARS + N_CHARS + MAX_GLIMPSES * 160
