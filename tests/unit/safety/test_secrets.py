"""Secret values: found by shape, name and knowledge; replaced by stable placeholders; put back only where they were."""

import base64
import json
import re
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.safety.secrets.files import file_values
from copydesk.safety.secrets.judging import is_plain, is_secret_name, looks_random
from copydesk.safety.secrets.key import NAME, load_key
from copydesk.safety.secrets.placeholders import PLACEHOLDER
from copydesk.safety.secrets.redaction import Redactor
from tests.support.canaries import canaries, key_block, plain_values

ROOT = Path(__file__).parents[3]
KEY = b"k" * 32


def redactor() -> Redactor:
    return Redactor(lambda: KEY)


# --- nothing leaks ---------------------------------------------------------------------------------------


def test_a_thousand_canaries_in_files_leave_no_trace_and_come_back_whole() -> None:
    leaks: list[str] = []
    for canary in canaries(1000):
        secrets = redactor()
        text = f"import os\n\n{canary.line}\nx = 1\n"
        clean = secrets.redact(text)
        if canary.value in clean:
            leaks.append(f"{canary.kind}: {canary.line}")
        assert secrets.restore(clean, text) == text
        assert redactor().restore(clean, text) == text, "another server must put it back too"
        assert secrets.redact(clean) == clean
        assert clean.count("\n") == text.count("\n")
    assert leaks == []


def test_without_the_guard_every_canary_is_there() -> None:
    assert all(canary.value in canary.line for canary in canaries(1000))


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "x={} y",
        '{{"a": "{}"}}',
        "line\\n{}\\n",
        "a%3D{}",
        "\x1b[31m{}\x1b[0m",
        "({})",
        "+{}\r\n",
        "é{} ü",
        "12→{}",
    ],
)
def test_a_known_shape_is_found_wherever_it_stands(form: str) -> None:
    for canary in canaries(300):
        if canary.alone:
            assert canary.value not in redactor().redact(form.format(canary.value)), (canary.kind, form)


@pytest.mark.parametrize("n", range(0, 40, 3))
def test_known_values_are_found_in_the_usual_encodings(n: int) -> None:
    value = plain_values(40)[n]
    secrets = redactor()
    secrets.learn([value])
    data = value.encode()
    forms = [value, data.hex(), data.hex().upper(), value[::-1], quote(value, safe=""), json.dumps(value), f"x{value}y"]
    forms += [base64.b64encode(data).decode().rstrip("="), base64.urlsafe_b64encode(b"ab" + data).decode()]
    forms += [base64.b64encode(b"user:" + data + b"\n").decode(), base64.b32encode(data).decode()]
    for form in forms:
        clean = secrets.redact(f"out: {form}!")
        assert "SECRET_" in clean, form
        assert value not in clean
        assert secrets.restore(clean, f"out: {form}!") == f"out: {form}!"


def test_a_value_that_was_found_by_its_look_is_known_in_encodings_from_then_on() -> None:
    leaks: list[str] = []
    for canary in canaries(60):
        if "\n" in canary.line or not canary.alone:
            continue
        secrets = redactor()
        secrets.redact(canary.line)
        data = canary.line.encode()
        for form in (base64.b64encode(data).decode(), data.hex(), canary.line[::-1]):
            clean = secrets.redact(f"out: {form}")
            if "SECRET_" not in clean:
                leaks.append(f"{canary.kind}: {form}")
    assert leaks == []


def test_what_was_only_seen_before_it_was_known_is_found_in_encodings_then() -> None:
    value = plain_values(1)[0]
    secrets = redactor()
    secrets.redact(f'API_KEY = "{value}"')
    secrets.learn([value])
    assert value.encode().hex() not in secrets.redact(f"out: {value.encode().hex()}")


def test_the_id_of_a_recorded_run_is_no_secret_whatever_stands_before_it() -> None:
    for id in ("ev-f683419c", "ev-1f0c9a2e", "ev-21b1d7d7"):
        text = f"The tests did not pass: {id} (pass: {id})"
        assert redactor().redact(text) == text


def test_a_value_that_was_encoded_over_several_lines_is_found() -> None:
    value = plain_values(1)[0] * 4
    secrets = redactor()
    secrets.learn([value])
    wrapped = base64.encodebytes(b"some text before it, so that it begins anywhere: " + value.encode()).decode()
    clean = secrets.redact(wrapped)
    kept = base64.b64decode(re.sub(PLACEHOLDER, "", clean) + "===", validate=False)
    assert value.encode()[:16] not in kept
    assert clean.count("\n") == wrapped.count("\n")


def test_what_is_left_of_a_value_that_was_cut_is_replaced_too() -> None:
    value = plain_values(1, seed=11)[0] + plain_values(1, seed=12)[0]
    secrets = redactor()
    secrets.learn([value])
    assert value[:20] not in secrets.redact(f"the line is long: {value[:20]}…")
    assert value[-20:] not in secrets.redact(f"… {value[-20:]} and so on")


def test_a_private_key_is_replaced_line_by_line() -> None:
    block = key_block()
    secrets = redactor()
    clean = secrets.redact(f"x = 1\n{block}y = 2\n")
    assert clean.count("\n") == block.count("\n") + 2
    body = block.splitlines()[1:-1]
    assert not any(line in clean for line in body)
    assert secrets.restore(clean, f"x = 1\n{block}y = 2\n") == f"x = 1\n{block}y = 2\n"
    assert body[3] not in secrets.redact(f"12→{body[3]}"), "one line alone, once the key was seen"
    assert body[3] in redactor().redact(body[3]), "by itself such a line says nothing: this is the control"


def test_a_value_that_a_file_gave_away_by_its_name_is_known_from_then_on() -> None:
    value = plain_values(1, seed=21)[0]
    secrets = redactor()
    assert value in secrets.redact(f"error near {value}")
    secrets.redact(f'password = "{value}"')
    assert value not in secrets.redact(f"error near {value}")


def test_names_in_the_environment_say_what_is_secret() -> None:
    one, two, three, four = plain_values(4, seed=31)
    environment = {
        "ACME_API_KEY": one,
        "DATABASE_URL": f"mysql://root:{two}@db/x",
        "npm_config_token": three,
        "EDITOR": four,
        "PWD": "/home/me/a-folder-with-a-name",
        "SSH_AUTH_SOCK": "/run/user/1000/keyring/ssh",
        "AUTH_MODE": "true",
        "DB_PASSWORD": "postgres",
        "SECRET_NAME": "production",
    }
    secrets = Redactor(lambda: KEY, environment=environment)
    clean = secrets.redact(" ".join(environment.values()))
    assert not any(value in clean for value in (one, two, three))
    for kept in (four, "/home/me/a-folder-with-a-name", "/run/user/1000/keyring/ssh", "postgres", "production"):
        assert kept in clean


# --- the body of a request -------------------------------------------------------------------------------


def test_a_body_stays_json_whatever_escapes_a_value_is_written_in() -> None:
    value = 'pa"ss\\wörd-' + plain_values(1)[0]
    secrets = redactor()
    secrets.learn([value])
    for ascii_only in (True, False):
        body = json.dumps({"messages": [{"content": f"it is {value}."}], value: 1}, ensure_ascii=ascii_only).encode()
        made = secrets.redact_body(body)
        assert value not in json.dumps(json.loads(made.body), ensure_ascii=False)
        assert json.loads(made.body)["messages"][0]["content"].startswith("it is SECRET_VALUE_")
        assert made.kinds == {"value": 2}
    every = "".join(f"\\u{ord(char):04x}" for char in value)
    assert value not in json.loads(secrets.redact_body(f'["{every}"]'.encode()).body)[0]


def test_a_body_without_secrets_stays_byte_for_byte() -> None:
    body = b'{ "a" : [1.0, 2e3, "\\u00e9"], "b":null}\n'
    assert redactor().redact_body(body).body is body


def test_what_was_clean_before_is_looked_at_anew_once_more_is_known() -> None:
    secrets = redactor()
    value = plain_values(1)[0]
    body = json.dumps({"messages": [{"content": value}, {"content": "some other words"}]}).encode()
    assert secrets.redact_body(body).body is body
    assert secrets.redact_body(body).body is body, "known to be clean"
    secrets.learn([value])
    assert value.encode() not in secrets.redact_body(body).body


@pytest.mark.parametrize("shape", [{"api_key": "VALUE"}, {"api_key": ["VALUE"]}, [{"x": {"api_key": "VALUE"}}]])
def test_the_name_counts_although_the_value_was_seen_under_another(shape: object) -> None:
    secrets = redactor()
    value = "Zk3vQ9xT1mWc7LrB"
    before = json.dumps({"words": f"{value}", "list": ["nothing else here"]}).encode()
    named = json.loads(json.dumps(shape).replace("VALUE", value))
    secrets.redact_body(before)
    secrets.redact_body(json.dumps(named).replace(value, "nothing else here").encode())
    assert value.encode() not in secrets.redact_body(json.dumps(named).encode()).body


def test_what_is_no_json_is_looked_at_as_text() -> None:
    canary = next(canary for canary in canaries(50) if canary.kind == "github")
    assert canary.value.encode() not in redactor().redact_body(b"a=b&token=" + canary.value.encode()).body
    assert redactor().redact_body(b"\xff\xfe\x00raw").body == b"\xff\xfe\x00raw"


# --- placeholders ----------------------------------------------------------------------------------------


def test_a_placeholder_is_the_same_in_every_server_of_a_user_and_of_nobody_else(tmp_path: Path) -> None:
    value = plain_values(1)[0]
    text = f'api_key = "{value}"'
    first = Redactor(lambda: load_key(tmp_path / "a")).redact(text)
    assert Redactor(lambda: load_key(tmp_path / "a")).redact(text) == first
    assert Redactor(lambda: load_key(tmp_path / "b")).redact(text) != first
    assert (tmp_path / "a" / NAME).stat().st_mode & 0o777 == 0o600


def test_a_state_that_cannot_be_written_gives_a_key_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert len(load_key(tmp_path / "file")) == 32


def test_values_come_back_only_where_they_were() -> None:
    held = f'token = "{plain_values(1)[0]}"\n'
    secrets = redactor()
    clean = secrets.redact(held)
    (word,) = secrets.placeholders(clean)
    assert secrets.restore(f"echo {word}", "another file") == f"echo {word}"
    assert secrets.restore(f"echo {word}", held) == f"echo {plain_values(1)[0]}"


def test_words_that_only_look_like_placeholders_are_nobodys() -> None:
    forged = "SECRET_VALUE_0123456789abcdef"
    assert redactor().placeholders(f"x = {forged}") == ()
    assert redactor().restore(forged, 'token = "abc"') == forged


# --- what is no secret -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'password = "password"', 'token = get_token()', 'api_key = os.environ["API_KEY"]', 'secret: "${SECRET}"',
        'password="postgres"', 'API_KEY=your-api-key-here', 'token_url = "https://host.example/oauth/token"',
        'const authToken = await fetchAuthToken();', '"integrity": "sha512-' + "Ab1+" * 21 + '=="', 'key = "primary"',
        "def test_password_reset_sends_an_email():", 'id = "123e4567-e89b-12d3-a456-426614174000"',
        'commit 9f2c4e7a1b3d5f608a7c6b5d4e3f2a1b0c9d8e7f', "postgres://postgres:postgres@localhost/db",
        'background: url(data:image/png;base64,' + "iVBORw0KGgoAAAANSUhEUg" * 20 + ')', "PASSWORD_FIELD = 'password_input_1'",
        'secret = "changeme"', 'auth_backend = "django.contrib.auth.backends.ModelBackend"', "token: Token",
        "if token.type == Token.NAME and token.value == value:", "--secret-name my-app-tls", "sort_key=lambda item: item.name",
    ],
)  # fmt: skip
def test_ordinary_code_stays_as_it_is(text: str) -> None:
    assert redactor().redact(text) == text


@pytest.mark.parametrize(
    "value", ["true", "localhost", "postgres", "development", "8080", "1.2.3", "/usr/lib/x", "a@b.example"]
)
def test_ordinary_words_are_never_secrets(value: str) -> None:
    secrets = Redactor(lambda: KEY, environment={"MY_SECRET_TOKEN": value})
    assert secrets.redact(f"the {value} here") == f"the {value} here"
    assert is_plain(value)


def test_edits_that_redaction_breaks_are_fewer_than_one_in_two_hundred() -> None:
    """Over this repository: each file's view, an edit taken from it at every tenth line, placed in the real text."""
    n_edits = n_broken = n_changed = 0
    for path in sorted(
        (*ROOT.glob("server/**/*.py"), *ROOT.glob("docs/**/*"), *ROOT.glob("vscode-extension/src/**/*.ts"))
    ):
        if not path.is_file() or path.suffix in (".png", ".gif"):
            continue
        held = path.read_text(encoding="utf-8")
        secrets = redactor()
        seen = secrets.redact(held)
        n_changed += seen != held
        lines, shown = held.splitlines(keepends=True), seen.splitlines(keepends=True)
        assert len(lines) == len(shown)
        for at in range(0, len(lines), 10):
            n_edits += 1
            old = "".join(shown[at : at + 3])
            n_broken += secrets.restore(old, held) != "".join(lines[at : at + 3])
            n_broken += old != "".join(lines[at : at + 3])  # what is copied elsewhere would not be what it was
    assert n_edits > 3000
    assert n_broken / n_edits < 0.005, (n_broken, n_edits)


def test_edits_beside_secrets_come_back_exactly() -> None:
    planted = list(canaries(1000, seed=9))
    held = "\n".join(canary.line for canary in planted) + "\n"
    secrets = redactor()
    lines, shown = held.splitlines(), secrets.redact(held).splitlines()
    assert [secrets.restore(line, held) for line in shown] == lines


# --- files of secrets ------------------------------------------------------------------------------------


def test_the_values_of_env_files_are_known_in_every_spelling() -> None:
    one, two, three, four, five = plain_values(5, seed=41)
    text = (
        f"# settings\nexport API_TOKEN={one}\nDB_PASSWORD='{two}' \nSESSION=\"{three}\"\nDEBUG=true\nPORT=8080\n"
        f"URL=https://me:{four}@host.example/x\nOTHER: {five}\nPASSPHRASE=correct-horse-battery-staple-nine\n"
        "NODE_ENV=development\nAPP_NAME=my-application\n"
    )
    values = file_values(text)
    assert {one, two, three, four, five, "correct-horse-battery-staple-nine"} <= set(values)
    assert not {"true", "8080", "development", "my-application"} & set(values)


# --- time ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "piece",
    ["eyJ", "eyJ-", "sk-", "AKIA", "password=", "key:", "://a:", "-----BEGIN PRIVATE " + "KEY-----\n", "SG.", "token ", "A" * 64 + "\n",
     "a.", "\\", "%3D", "bearer ", '"', "secret='", "SECRET_", "Q~", ":AA", "xox", "aaaa_", "=", "((("],
)  # fmt: skip
def test_no_text_takes_more_than_its_length(piece: str) -> None:
    def cost_s(n: int) -> float:
        text = (piece * (n // len(piece) + 1))[:n]
        best = 9.0
        for _ in range(3):
            secrets = redactor()
            started = time.perf_counter()
            secrets.redact(text)
            best = min(best, time.perf_counter() - started)
        return best

    small, large = cost_s(20_000), cost_s(160_000)
    assert large < max(24 * small, 1.0), (small, large)


@settings(max_examples=200, deadline=2000)
@given(st.text(max_size=3000))
def test_redaction_is_idempotent_and_keeps_lines_for_any_text(text: str) -> None:
    secrets = redactor()
    clean = secrets.redact(text)
    assert secrets.redact(clean) == clean
    assert clean.count("\n") == text.count("\n")
    assert secrets.restore(clean, text) == text


def test_names_and_values() -> None:
    for name in (
        "GITHUB_TOKEN",
        "db.password",
        "apiKey",
        "AWS_SECRET_ACCESS_KEY",
        "clientSecret",
        "PGPASSWORD",
        "X-Api-Key",
    ):
        assert is_secret_name(name), name
    for name in (
        "token_type",
        "keyboard",
        "PUBLIC_KEY",
        "secret_name",
        "primary_key",
        "password_field",
        "monkey",
        "author",
    ):
        assert not is_secret_name(name), name
    assert all(looks_random(value) for value in plain_values(500) if len(value) > 20)


def test_a_command_with_a_secret_in_it_is_not_offered_to_be_remembered(tmp_path: Path) -> None:
    secrets = redactor()
    canary = next(canary for canary in canaries(40) if canary.kind == "github")
    rule = f"Bash(curl -H 'Authorization: Bearer {canary.value}' https://host.example)"
    assert secrets.redact(rule) != rule
    assert secrets.redact("Bash(npm test)") == "Bash(npm test)"
