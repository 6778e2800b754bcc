"""The counter in a conversation: near the truth after one report, quick, and not led astray by reports that lie."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from copydesk.context.prompt import SYSTEM
from copydesk.domain.messages import Message, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.models import BUILT_IN, ModelFacts
from copydesk.domain.ports import TokenCounter
from copydesk.domain.stream import ModelRequest, OutputSchema
from copydesk.models.tokens.calibration import N_STRIKES, NAME, Calibration
from copydesk.models.tokens.counter import Counter
from copydesk.models.tokens.estimates import estimate
from copydesk.models.tokens.families import family_of
from tests.support.token_texts import TEXTS

FACTS = ModelFacts("generic", 100_000, 8_000, known=False)
MODEL = "compat/some-model"


def conversation(n_steps: int) -> ModelRequest:
    """A task, then steps of a call and its result, texts of every kind."""
    texts = list(TEXTS.values())
    messages = [Message("user", (Text("Do this, please. " + texts[0][:300]),))]
    for step in range(n_steps):
        call = ToolCall(f"c{step}", "read_file", {"path": f"src/{step}.py"}, json.dumps({"path": f"src/{step}.py"}))
        result = texts[step % len(texts)][: 400 + 300 * (step % 7)]
        messages += [
            Message("assistant", (Text("Next."), call)),
            Message("tool", (ToolResult(call.id, "read_file", result),)),
        ]
    return ModelRequest(SYSTEM, tuple(messages))


def begun(request: ModelRequest, n_messages: int) -> ModelRequest:
    return replace(request, messages=request.messages[:n_messages])


def true_count(request: ModelRequest, *, a_char: float = 0.31, hidden: int = 0) -> int:
    """A tokenizer nobody knows: so much for each character, and words of the provider's own."""
    n_chars = len(request.system)
    for message in request.messages:
        for part in message.parts:
            match part:
                case Text(text):
                    n_chars += len(text)
                case ToolCall():
                    n_chars += len(part.raw) + 40
                case ToolResult():
                    n_chars += len(part.content) + 40
                case _:
                    pass
    return round(n_chars * a_char) + hidden


Told = Callable[[ModelRequest], int]


@pytest.mark.parametrize("a_char", [0.2, 0.27, 0.31, 0.45, 0.7])
@pytest.mark.parametrize("hidden", [0, 350, 2_000])
def test_from_the_second_request_on_it_is_within_20_percent(a_char: float, hidden: int) -> None:
    counter, whole = Counter(), conversation(40)
    for n_messages in range(1, len(whole.messages) + 1, 2):
        request = begun(whole, n_messages)
        truth = true_count(request, a_char=a_char, hidden=hidden)
        if n_messages > 1:
            assert abs(counter.count(request, MODEL, FACTS) / truth - 1) < 0.2
        counter.learn(request, MODEL, FACTS, truth)


def test_what_one_conversation_teaches_helps_the_next(tmp_path: Path) -> None:
    counter: TokenCounter = (first := Counter(tmp_path))
    for n_messages in (1, 5, 21):
        request = begun(conversation(40), n_messages)
        counter.learn(request, MODEL, FACTS, true_count(request, a_char=0.5, hidden=300))
    first._calibration.write()  # pyright: ignore[reportPrivateUsage]
    other = begun(conversation(30), 13)
    again = Counter(tmp_path)
    assert abs(again.count(other, MODEL, FACTS) / true_count(other, a_char=0.5, hidden=300) - 1) < 0.2
    assert again.count_text(TEXTS["python"], MODEL, FACTS) > 1.2 * Counter().count_text(TEXTS["python"], MODEL, FACTS)


def nothing(_request: ModelRequest) -> int:
    return 0


def negative(_request: ModelRequest) -> int:
    return -7


def absurd(_request: ModelRequest) -> int:
    return 10**9


def always_ten(_request: ModelRequest) -> int:
    return 10


@pytest.mark.parametrize("told", [nothing, negative, absurd, always_ten])
def test_nonsense_is_passed_over(told: Told) -> None:
    counter, whole = Counter(), conversation(30)
    for n_messages in range(1, len(whole.messages) + 1, 2):
        request = begun(whole, n_messages)
        assert counter.count(request, MODEL, FACTS) == Counter().count(request, MODEL, FACTS)
        counter.learn(request, MODEL, FACTS, told(request))


def test_a_server_that_reports_only_what_no_cache_served_does_not_shrink_the_count() -> None:
    counter, whole = Counter(), conversation(30)
    before = 0
    for n_messages in range(1, len(whole.messages) + 1, 2):
        request = begun(whole, n_messages)
        truth = round(1.15 * Counter().count(request, MODEL, FACTS)) + 1_500
        assert n_messages == 1 or abs(counter.count(request, MODEL, FACTS) / truth - 1) < 0.2
        counter.learn(request, MODEL, FACTS, truth - before)
        before = truth


def test_nonsense_between_good_reports_changes_nothing() -> None:
    counter, whole = Counter(), conversation(30)
    for n_messages in range(1, len(whole.messages) + 1, 2):
        request = begun(whole, n_messages)
        truth = true_count(request, a_char=0.4)
        assert n_messages == 1 or abs(counter.count(request, MODEL, FACTS) / truth - 1) < 0.2
        for told in (truth, 0, truth // 9, truth * 7):
            counter.learn(request, MODEL, FACTS, told)


def test_reports_that_insist_are_believed_in_the_end() -> None:
    """Another model serves under the same name now."""
    calibration = Calibration(None)
    for size in (3_000, 5_000, 9_000):
        assert calibration.learn(MODEL, size, size)
    believed = [calibration.learn(MODEL, size, 3 * size) for size in range(3_000, 12_000, 1_000)]
    assert believed == [False] * (N_STRIKES - 1) + [True] * (len(believed) - N_STRIKES + 1)
    assert calibration.expected(MODEL, 10_000) > 25_000


def test_a_history_that_was_changed_is_counted_afresh() -> None:
    counter, request = Counter(), conversation(20)
    counter.learn(request, MODEL, FACTS, true_count(request, a_char=0.4))
    cleared = tuple(
        Message("tool", (ToolResult(part.call_id, part.name, "Cleared."),))
        if isinstance(part := message.parts[0], ToolResult)
        else message
        for message in request.messages
    )
    shorter = replace(request, messages=cleared)
    assert counter.count(shorter, MODEL, FACTS) < 0.5 * counter.count(request, MODEL, FACTS)


def test_one_model_teaches_nothing_about_another() -> None:
    counter, request = Counter(), conversation(3)
    counter.learn(request, MODEL, FACTS, 2 * Counter().count(request, MODEL, FACTS))
    assert counter.count(request, "compat/other", FACTS) == Counter().count(request, "compat/other", FACTS)


def test_a_200_message_sessions_next_step_takes_microseconds() -> None:
    counter, whole = Counter(), conversation(100)
    before = begun(whole, len(whole.messages) - 2)
    counter.count(before, MODEL, FACTS)
    assert _least_s(lambda: counter.count(before, MODEL, FACTS)) < 0.0002
    counter.learn(before, MODEL, FACTS, true_count(before))
    counter.count(whole, MODEL, FACTS)
    assert _least_s(lambda: counter.count(whole, MODEL, FACTS)) < 0.0002


def _least_s(work: Callable[[], object]) -> float:
    least_s = 1.0
    for _ in range(50):
        started_s = time.process_time()
        work()
        least_s = min(least_s, time.process_time() - started_s)
    return least_s


def test_everything_of_a_request_counts() -> None:
    counter, plain = Counter(), ModelRequest("", (Message("user", (Text("hi"),)),))
    base = counter.count(plain, MODEL, FACTS)
    schema = OutputSchema(
        "answer", {"type": "object", "properties": {"a": {"type": "string", "description": "b " * 50}}}
    )
    assert counter.count(replace(plain, system=SYSTEM), MODEL, FACTS) > base + 300
    assert counter.count(replace(plain, schema=schema), MODEL, FACTS) > base + 50
    assert base < 20


def test_reasoning_counts_where_it_goes_back() -> None:
    thought = Message("assistant", (Thinking("a thought " * 100, source="anthropic"), Text("so")))
    request = ModelRequest("", (Message("user", (Text("hi"),)), thought))
    counter = Counter()
    assert counter.count(request, "anthropic/claude-sonnet-4-5", FACTS) > 150
    assert counter.count(request, "openai/gpt-5", FACTS) < 30
    assert counter.count(request, "deepseek/deepseek-chat", FACTS) > 150


def test_what_was_learned_is_numbers_and_names_only(tmp_path: Path) -> None:
    counter, request = Counter(tmp_path), conversation(5)
    counter.learn(request, MODEL, FACTS, true_count(request))
    counter._calibration.write()  # pyright: ignore[reportPrivateUsage]
    path = tmp_path / NAME
    assert path.stat().st_mode & 0o777 == 0o600
    kept = json.loads(path.read_text())
    assert list(kept["models"]) == [MODEL]
    assert len(path.read_text()) < 300


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"models": 5}',
        '{"models": {"a": 1, "b": [1, 2], "c": [1e999, 0, 0, 0, 0], "d": [1, 0, 0, -5, 0]}}',
        "[" * 90_000,
        "\x00",
    ],
)
def test_a_damaged_file_teaches_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    request = conversation(2)
    counter = Counter(tmp_path)
    assert counter.count(request, MODEL, FACTS) == Counter().count(request, MODEL, FACTS)
    counter.learn(request, MODEL, FACTS, true_count(request))
    counter._calibration.write()  # pyright: ignore[reportPrivateUsage]
    assert MODEL in json.loads((tmp_path / NAME).read_text())["models"]


def test_servers_that_share_the_file_keep_each_others_models(tmp_path: Path) -> None:
    request = conversation(2)
    counters = [Counter(tmp_path), Counter(tmp_path)]
    for name, counter in zip(("a/a", "b/b"), counters, strict=True):
        counter.count(request, name, FACTS)
        counter.learn(request, name, FACTS, true_count(request))
    for counter in counters:
        counter._calibration.write()  # pyright: ignore[reportPrivateUsage]
    assert set(json.loads((tmp_path / NAME).read_text())["models"]) == {"a/a", "b/b"}


def test_a_state_directory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    counter, request = Counter(tmp_path / "file" / "state"), conversation(2)
    counter.learn(request, MODEL, FACTS, true_count(request))
    counter._calibration.write()  # pyright: ignore[reportPrivateUsage]


def test_a_text_by_itself_is_its_estimate() -> None:
    assert Counter().count_text(TEXTS["python"], "openai/gpt-4o", BUILT_IN) == round(
        estimate(TEXTS["python"], family_of("openai/gpt-4o", BUILT_IN))
    )
