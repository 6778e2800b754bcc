"""The command line as a process: what it prints where, what it writes, and its exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
SOURCE = "def area(w, h):\n    return w * h\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "a project"
    folder.mkdir()
    (folder / "a.py").write_text(SOURCE)
    return folder


def environment(tmp_path: Path) -> dict[str, str]:
    keys = ("OPENAI", "ANTHROPIC", "GEMINI", "DEEPSEEK", "COMPAT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(keys)}
    server = str(Path(__file__).parents[2] / "server")
    state, config = str(tmp_path / "state"), str(tmp_path / "config")
    return {**kept, "PYTHONPATH": server, "COPYDESK_STATE_DIR": state, "COPYDESK_CONFIG_DIR": config}


@pytest.fixture
def run(tmp_path: Path, root: Path) -> Run:
    def call(*argv: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "copydesk", *argv]
        given = {**environment(tmp_path), **(env or {})}
        return subprocess.run(command, cwd=root, env=given, capture_output=True, text=True, timeout=60, check=False)

    return call


def scripted(tmp_path: Path, script: str) -> str:
    path = tmp_path / "model.script"
    path.write_text(script)
    return f"scripted:{path}"


EDIT = 'tool: edit_file {"path": "a.py", "old_text": "w * h", "new_text": "h * w"}\n--- step\ntext: Swapped.\n'


def test_a_diff_on_stdout_words_on_stderr_and_the_tree_untouched(run: Run, root: Path, tmp_path: Path) -> None:
    done = run("run", "swap", "--model", scripted(tmp_path, EDIT))
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n def area(w, h):\n-    return w * h\n+    return h * w\n"
    )
    assert "Swapped." in done.stderr
    assert (root / "a.py").read_text() == SOURCE
    assert sorted(path.name for path in root.iterdir()) == ["a.py"]
    assert not (tmp_path / "state" / "drafts").exists(), "what was printed does not wait in an editor"


def test_apply_writes(run: Run, root: Path, tmp_path: Path) -> None:
    (root / "a.py").chmod(0o755)
    done = run("run", "swap", "--model", scripted(tmp_path, EDIT), "--apply")
    assert done.returncode == 0, done.stderr
    assert (root / "a.py").read_text() == SOURCE.replace("w * h", "h * w")
    assert (root / "a.py").stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in root.iterdir()) == ["a.py"]


def test_an_answer_without_edits_is_the_output(run: Run) -> None:
    done = run("run", "explain area in a.py", "--model", "offline")
    assert done.returncode == 0
    assert "area" in done.stdout


def test_events_as_json_lines(run: Run, tmp_path: Path) -> None:
    done = run("run", "swap", "--model", scripted(tmp_path, EDIT), "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    kinds = [event["event"]["$"] for event in events]
    assert kinds[0] == "session_started"
    assert kinds[-1] == "turn_ended"
    assert {"tool_call_started", "edit_proposed", "message_chunk"} <= set(kinds)


def test_the_step_limit_is_2(run: Run, tmp_path: Path) -> None:
    done = run(
        "run", "x", "--model", scripted(tmp_path, "tool: list_dir {}\n--- step\ntext: so far\n"), "--max-steps", "1"
    )
    assert done.returncode == 2
    assert "limit of 1 steps" in done.stderr


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--cwd", "/no/such/folder"), "is not a folder"),
        (("--model", "openai/gpt-5"), "OPENAI_API_KEY"),
        (("--model", "nonsense"), "names no model"),
        (("--model", "scripted:/no/such.script"), "no/such.script"),
        (("--model", "compat/x"), "COMPAT_BASE_URL"),
    ],
)
def test_mistakes_are_one_clear_line_and_1(run: Run, argv: tuple[str, ...], words: str) -> None:
    done = run("run", "x", *argv)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupt_is_130(tmp_path: Path, root: Path) -> None:
    if os.name == "nt":
        pytest.skip("no SIGINT to a process here")
    model = scripted(tmp_path, "text: thinking\ndelay: 60\n")
    command = [sys.executable, "-m", "copydesk", "run", "x", "--json", "--model", model]
    with subprocess.Popen(command, cwd=root, env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        while "message_chunk" not in started.stdout.readline():
            assert started.poll() is None
        begun = time.monotonic()
        started.send_signal(signal.SIGINT)
        rest = started.stdout.read()
        assert started.wait(timeout=10) == 130
        assert time.monotonic() - begun < 5
        assert '"stop_reason":"cancelled"' in rest


def test_a_reader_that_leaves_gets_no_traceback(tmp_path: Path, root: Path) -> None:
    model = scripted(tmp_path, "text: word\ndelay: 0.05\ntool: list_dir {}\nloop\n")
    command = [sys.executable, "-m", "copydesk", "run", "x", "--json", "--model", model]
    with subprocess.Popen(
        command, cwd=root, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.readline()
        started.stdout.close()
        assert "Traceback" not in started.stderr.read()
        assert started.wait(timeout=20) in (1, 130)


def test_models_and_doctor_and_version(run: Run) -> None:
    models = json.loads(run("models", "--json").stdout)
    assert models["chosen"] == "offline"
    assert any(model["name"] == "offline" and model["available"] for model in models["models"])
    findings = json.loads(run("doctor", "--json").stdout)
    assert {finding["subject"] for finding in findings} >= {"copydesk", "grammars", "model", "transcripts"}
    assert run("--version").stdout.startswith("copydesk ")
    assert "offline" in run("models").stdout


def test_no_key_reaches_a_transcript_or_the_output(run: Run, tmp_path: Path) -> None:
    canary = "sk-canary-0123456789abcdef"
    env = {"OPENAI_API_KEY": canary, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    done = run("run", "x", "--model", "openai/gpt-5", env=env)
    assert done.returncode == 1
    records = "".join(path.read_text() for path in (tmp_path / "state").rglob("*.jsonl"))
    assert records
    assert canary not in records + done.stdout + done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell closes the stream")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
@pytest.mark.parametrize("verb", ["run", "serve"])
def test_a_closed_stream_is_no_crash(verb: str, closed: str, root: Path, tmp_path: Path) -> None:
    task = f"'swap' --model {scripted(tmp_path, EDIT)}" if verb == "run" else ""
    command = f"'{sys.executable}' -m copydesk {verb} {task} {'</dev/null' if verb == 'serve' else ''} {closed}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=root,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == (0 if verb == "run" else 1)  # a server whose client goes without `exit` ends with 1
    assert "Traceback" not in done.stderr


def test_a_terminal_without_the_characters_gets_the_rest(run: Run, tmp_path: Path) -> None:
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    done = run("run", "say", "--model", scripted(tmp_path, "text: snow ☃ falls\n"), env=env)
    assert (done.returncode, "snow" in done.stdout, "falls" in done.stdout) == (0, True, True), done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_an_answer_that_cannot_be_printed_is_said(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "copydesk", "run", "swap", "--model", scripted(tmp_path, EDIT)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, cwd=root, env=environment(tmp_path), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
            check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


SCHEMA = '{"type": "object", "properties": {"n": {"type": "integer"}, "why": {"type": "string"}}, "required": ["n"]}'


@pytest.fixture
def schema(tmp_path: Path) -> str:
    path = tmp_path / "answer.schema.json"
    path.write_text(SCHEMA)
    return str(path)


def test_an_answer_in_a_schemas_shape_stands_alone_on_stdout(run: Run, schema: str, tmp_path: Path) -> None:
    script = EDIT + '--- step\nexpect: one JSON object that fits\ntext: {"n": 4, "why": "vier — 四"}\n'
    done = run("run", "count", "--schema", schema, "--model", scripted(tmp_path, script))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"n": 4, "why": "vier — 四"}
    assert "+    return h * w" in done.stderr
    ascii_only = run(
        "run",
        "x",
        "--schema",
        schema,
        "--model",
        scripted(tmp_path, 'text: {"n": 4, "why": "四"}'),
        env={"PYTHONIOENCODING": "ascii"},
    )
    assert ascii_only.stdout == '{"n": 4, "why": "\\u56db"}\n'


def test_an_answer_that_does_not_fit_is_an_error_with_its_name_and_the_words(
    run: Run, schema: str, tmp_path: Path
) -> None:
    script = 'text: I think four.\n--- step\ntext: {"n": "four"}\nloop'
    done = run("run", "count", "--schema", schema, "--model", scripted(tmp_path, script))
    assert (done.returncode, done.stdout) == (1, "")
    assert "I think four." in done.stderr
    assert "copydesk: WrongShape: " in done.stderr
    assert '`n` must be an integer, got "four"' in done.stderr


def test_the_events_of_a_run_with_a_schema_end_with_the_answer(run: Run, schema: str, tmp_path: Path) -> None:
    done = run("run", "x", "--json", "--schema", schema, "--model", scripted(tmp_path, 'text: {"n": 4}'))
    last = json.loads(done.stdout.splitlines()[-1])["event"]
    assert (last["$"], last["output"], last["error_type"]) == ("turn_ended", {"n": 4}, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [(None, "No such file"), ("{", "is not JSON"), ('{"type": "object", "not": {}}', "`not` at # is not supported")],
)
def test_a_schema_that_cannot_be_used_ends_the_run_before_it_begins(
    run: Run, tmp_path: Path, text: str | None, problem: str
) -> None:
    path = tmp_path / "s.json"
    if text is not None:
        path.write_text(text)
    done = run("run", "x", "--schema", str(path), "--model", "offline")
    assert (done.returncode, done.stdout) == (1, "")
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
