"""The offline model as a model: the protocol, statelessness, words it does not understand, steering, comments."""

from copydesk.domain.messages import LineRange, Message, Task, Text, Usage
from copydesk.domain.stream import Finished, ModelRequest, TextDelta, UsageReport
from copydesk.models.offline import OfflineModel
from copydesk.models.offline.model import answer
from tests.corpus.tools import SPECS, Desk, read_events

SOURCE = "def run():\n    pass\n"


async def test_the_stream_is_a_model_stream() -> None:
    model = OfflineModel()
    assert model.name == "offline"
    request = ModelRequest("", (Message("user", (Text("sing"),), Task("prompt", "sing")),), SPECS)
    async with model.stream(request) as stream:
        events = [event async for event in stream]
    texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert len(texts) > 1
    assert events[-2:] == [UsageReport(Usage()), Finished("end_turn")]
    words = "".join(texts)
    assert "not a language model" in words
    assert "OPENAI_API_KEY" in words
    assert len(words.split("\n")) <= 8


def test_the_same_request_has_the_same_answer() -> None:
    answers = []
    for _ in range(2):
        desk = Desk({"a.py": SOURCE})
        desk.ask(Task("document", path="a.py"))
        answers.append(desk.messages)
    assert answers[0] == answers[1]


def test_call_ids_are_unique_over_turns() -> None:
    desk = Desk({"a.py": SOURCE})
    desk.ask(Task("document", path="a.py"))
    desk.ask(Task("explain", path="a.py"))
    ids = [call.id for call in desk.calls]
    assert len(ids) == len(set(ids))


def test_tools_that_are_not_offered_are_not_called() -> None:
    desk = Desk({"a.py": SOURCE}, specs=tuple(spec for spec in SPECS if spec.name != "edit_file"))
    said = desk.ask(Task("document", path="a.py"))
    assert "'edit_file' is not offered" in said
    assert desk.files == {"a.py": SOURCE}


def test_a_prompt_names_file_and_function() -> None:
    desk = Desk({"src/cli.py": "def parse_args(argv):\n    pass\n", "b.py": SOURCE})
    said = desk.ask(Task("prompt", "Please add a docstring to parse_args in cli.py"))
    assert '"""Parse the args.' in desk.files["src/cli.py"]
    assert "`src/cli.py`" in said


def test_a_prompt_without_a_file_searches_the_name() -> None:
    desk = Desk({"src/cli.py": "def parse_args(argv):\n    pass\n", "b.py": SOURCE})
    assert "### `parse_args`: a function at `src/cli.py:1`" in desk.ask(Task("ask", "what does parse_args do?"))


def test_a_name_that_is_nowhere_is_said() -> None:
    desk = Desk({"a.py": SOURCE})
    assert (
        desk.ask(Task("prompt", "explain walk_tree", path="a.py"))
        == "There is no definition called `walk_tree` in `a.py`."
    )


def test_two_jobs_in_one_prompt() -> None:
    calls: list[object] = []

    def refactor(arguments: object) -> str:
        calls.append(arguments)
        desk.files["a.py"] = desk.files["a.py"].replace("run(x):", "run(x) -> None:")
        return "annotate: changed 1 file.\na.py (1 place)"

    desk = Desk({"a.py": "def run(x):\n    pass\n"}, extra={"refactor": refactor})
    said = desk.ask(Task("prompt", "add docstrings and type hints to run", path="a.py"))
    assert '"""Run `x`.' in desk.files["a.py"]
    assert "Annotated `run`" in said
    assert len(calls) == 1


def test_the_comment_that_asks_goes_with_the_edit() -> None:
    desk = Desk({"a.py": "# copydesk: add a docstring\ndef run():\n    pass\n"})
    place = LineRange(0, 0, 0, 27)
    desk.ask(Task("prompt", "add a docstring", path="a.py", range=place, instruction_comment=True))
    assert desk.files["a.py"] == 'def run():\n    """Run."""\n    pass\n'


def test_a_comment_that_asks_for_a_rename_means_the_code_below_it() -> None:
    calls: list[dict[str, object]] = []

    def refactor(arguments: dict[str, object]) -> str:
        calls.append(arguments)
        return "rename: changed 1 file.\na.py (1 place)"

    source = "def walk(values):\n    pass\n\n\n# copydesk: rename values to numbers\ndef run(values):\n    pass\n"
    desk = Desk({"a.py": source}, extra={"refactor": refactor})
    place = LineRange(4, 0, 4, 35)
    desk.ask(Task("prompt", "rename values to numbers", path="a.py", range=place, instruction_comment=True))
    assert calls
    assert (calls[0]["line"], calls[0]["symbol"]) == (6, "values")


def test_the_comment_stays_when_nothing_is_done() -> None:
    source = "# copydesk: make this async\ndef run():\n    pass\n"
    desk = Desk({"a.py": source})
    said = desk.ask(
        Task("prompt", "make this async", path="a.py", range=LineRange(0, 0, 0, 27), instruction_comment=True)
    )
    assert desk.files["a.py"] == source
    assert "not a language model" in said


def test_the_step_limit_is_answered_in_words() -> None:
    desk = Desk({"a.py": SOURCE})
    desk.ask(Task("document", path="a.py"))
    limit = Message(
        "user", (Text("The step limit of this turn is reached, so no more tools can run. Say what was done."),)
    )
    said = read_events(answer(ModelRequest("", (*desk.messages[:-1], limit), SPECS)))
    assert said.calls == ()
    assert "2 of them edits" in said.text


def test_a_message_without_a_task_is_about_the_last_file() -> None:
    desk = Desk({"a.py": SOURCE})
    desk.ask(Task("document", path="a.py"))
    messages = (*desk.messages, Message("user", (Text("explain run"),)))
    said = read_events(answer(ModelRequest("", messages, SPECS)))
    assert [(call.name, dict(call.arguments)) for call in said.calls] == [("read_file", {"path": "a.py"})]


def test_text_sent_while_it_runs_is_done_after() -> None:
    desk = Desk({"a.py": SOURCE})
    task = Task("document", path="a.py")
    desk.messages = [Message("user", (Text(""),), task)]
    first = Desk({"a.py": SOURCE})
    first.ask(task)
    steered = [*first.messages[:3], Message("user", (Text("explain run"),))]
    for _ in range(20):
        said = read_events(answer(ModelRequest("", tuple(steered), SPECS)))
        steered.append(said)
        if not said.calls:
            break
        steered.append(Message("tool", tuple(first._run(call) for call in said.calls)))
    assert "Wrote" in said.text or "complete" in said.text
    assert "### `run`: a function" in said.text
