"""The rule language: what parses, what a rule matches, and that "always" names one command and no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.errors import ConfigError
from copydesk.domain.risks import SimpleCommand
from copydesk.safety.rules import exact_rule, matches_command, matches_name, matches_path, parse, parse_all


def command(*words: str, extras: tuple[str, ...] = (), certain: bool = True) -> SimpleCommand:
    return SimpleCommand(words, " ".join(words), "medium", "", certain, extras)


MATCHES = [
    ("Bash(git status *)", ("git", "status", "-s"), True),
    ("Bash(git status *)", ("git", "status"), True),
    ("Bash(git status)", ("git", "status", "-s"), False),
    ("Bash(git *)", ("git",), True),
    ("Bash(git *)", ("gitk",), False),
    ("Bash(npm run test:*)", ("npm", "run", "test:unit"), True),
    ("Bash(npm run test:*)", ("npm", "run", "build"), False),
    ("Bash(npm run test:*)", ("npm", "run", "test:unit", "--x"), False),
    ("Bash(*)", ("anything", "at all"), True),
    ("Bash", ("anything", "at all"), True),
    ("Bash(* --version)", ("node", "--version"), True),
    ("Bash(* --version)", ("node", "x", "--version"), False),
    ("Bash(find . -name '*.py')", ("find", ".", "-name", "*.py"), True),
    ("Bash(find . -name '*.py')", ("find", ".", "-name", "a.py"), False),
    ("Bash(echo 'a b')", ("echo", "a b"), True),
    ("Bash(echo a b)", ("echo", "a b"), False),
    (r"Bash(echo \*)", ("echo", "*"), True),
    (r"Bash(echo \*)", ("echo", "x"), False),
    ('Bash(echo "it\'s")', ("echo", "it's"), True),
    ("Bash(echo '')", ("echo", ""), True),
    ("Bash(echo '')", ("echo",), False),
    ("Bash(python3 -m pytest *)", ("python3", "-m", "pytest", "-x"), True),
    ("Bash(make te?t)", ("make", "test"), True),
    ("Bash(git status *)", ("/tmp/git", "status"), False),
]


@pytest.mark.parametrize(("rule", "words", "matches"), MATCHES)
def test_a_rule_that_allows_matches_these_words_alone(rule: str, words: tuple[str, ...], matches: bool) -> None:
    assert matches_command(parse(rule), command(*words), strict=True) is matches


def test_a_rule_that_allows_matches_no_uncertain_word_and_no_unnamed_extra() -> None:
    rule = parse("Bash(git log *)")
    assert matches_command(rule, command("git", "log"), strict=True)
    assert not matches_command(rule, command("git", "log", certain=False), strict=True)
    assert not matches_command(rule, command("git", "log", extras=("> out.txt",)), strict=True)
    assert not matches_command(rule, command("git", "log", extras=("GIT_PAGER=x",)), strict=True)
    named = parse("Bash(GIT_PAGER=x git log > out.txt)")
    assert matches_command(named, command("git", "log", extras=("GIT_PAGER=x", "> out.txt")), strict=True)
    assert not matches_command(named, command("git", "log", extras=("GIT_PAGER=y", "> out.txt")), strict=True)


def test_a_rule_that_forbids_matches_whatever_else_the_command_has() -> None:
    rule = parse("Bash(rm *)")
    for words in (("rm", "x"), ("/bin/rm", "x"), ("./rm", "x")):
        assert matches_command(rule, command(*words, extras=("> y",), certain=False), strict=False)
    assert not matches_command(rule, command("rmdir", "x"), strict=False)


BAD = [
    ("Bash(git status; rm x)", "one simple command"),
    ("Bash(echo $(x))", "one simple command"),
    ("Bash(echo $X)", "one simple command"),
    ("Bash(a | b)", "one simple command"),
    ("Bash(git:*)", "Bash(git *)"),
    ("Bash()", "nothing stands"),
    ("Bash(echo 'x)", "a quote is not closed"),
    ("Bash(> x)", "names no command"),
    ("Shell(ls)", "no kind of rule"),
    ("git status", "not of the form"),
    ("Bash(git status", "not of the form"),
    ("FileRead(../x)", "no '..'"),
    ("Network(https://x.io/y)", "host without scheme"),
    ("Mcp(a, b, c)", "server and a tool"),
    ("", "not of the form"),
]


@pytest.mark.parametrize(("text", "says"), BAD)
def test_a_bad_rule_is_named_with_what_is_allowed(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text)
    assert says in str(raised.value)
    assert "FileRead(path)" in str(raised.value)
    assert not text or text in str(raised.value)


def test_bad_rules_do_not_hide_the_good_ones() -> None:
    rules, problems = parse_all(("Bash(ls)", "Nonsense", "Tool(shell)"))
    assert [rule.text for rule in rules] == ["Bash(ls)", "Tool(shell)"]
    assert len(problems) == 1


PATHS = [
    ("FileRead(.env*)", "/w/.env", ".env", True),
    ("FileRead(.env*)", "/w/a/.env.local", "a/.env.local", True),
    ("FileRead(src/**)", "/w/src/a/b.py", "src/a/b.py", True),
    ("FileRead(src/**)", "/w/src", "src", False),
    ("FileRead(src/**)", "/w/srcs/a", "srcs/a", False),
    ("FileRead(src/*.py)", "/w/src/a.py", "src/a.py", True),
    ("FileRead(src/*.py)", "/w/src/b/a.py", "src/b/a.py", False),
    ("FileRead(**/secret.txt)", "/w/a/b/secret.txt", "a/b/secret.txt", True),
    ("FileRead(**/secret.txt)", "/w/secret.txt", "secret.txt", True),
    ("FileRead(/etc/**)", "/etc/passwd", None, True),
    ("FileRead(~/notes/**)", "/home/me/notes/x", None, True),
    ("FileRead(src/)", "/w/src/a/b", "src/a/b", True),
    ("FileRead", "/anything", None, True),
    ("FileRead(a?c)", "/w/abc", "abc", True),
    ("FileRead(a?c)", "/w/a/c", "a/c", False),
]


@pytest.mark.parametrize(("rule", "path", "relative", "matches"), PATHS)
def test_paths_match_as_the_globs_say(rule: str, path: str, relative: str | None, matches: bool) -> None:
    assert matches_path(parse(rule), path, relative, "/home/me", below=False) is matches


def test_a_rule_that_forbids_covers_what_lies_below_and_any_case() -> None:
    assert matches_path(parse("FileRead(secret)"), "/w/secret/a", "secret/a", "", below=True)
    assert matches_path(parse("FileRead(.env)"), "/w/.ENV", ".ENV", "", below=True)
    assert not matches_path(parse("FileRead(.env)"), "/w/.ENV", ".ENV", "", below=False)


def test_hosts_tools_and_mcp_names() -> None:
    assert matches_name(parse("Network(*.example.com)"), "API.example.com.")
    assert not matches_name(parse("Network(*.example.com)"), "evil-example.com")
    assert not matches_name(parse("Network(example.com)"), "example.com.evil.io")
    assert matches_name(parse("Mcp(files, read_*)"), "files", "read_all")
    assert not matches_name(parse("Mcp(files, read_*)"), "other", "read_all")
    assert matches_name(parse("Mcp(files)"), "files", "anything")
    assert matches_name(parse("Tool(git_*)"), "git_commit")


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs",)), max_size=12), min_size=1, max_size=5))
def test_the_rule_for_a_command_matches_it_and_nothing_shorter_or_longer(words: list[str]) -> None:
    made = exact_rule(command(*words))
    assert made is not None
    rule = parse(made)
    assert rule.is_exact
    assert matches_command(rule, command(*words), strict=True)
    assert not matches_command(rule, command(*words, "more"), strict=True)
    assert not matches_command(rule, command(*words[:-1], words[-1] + "x"), strict=True)


def test_no_rule_is_made_for_what_is_critical_or_uncertain() -> None:
    assert exact_rule(SimpleCommand(("rm", "-rf", "/"), "", "critical", "")) is None
    assert exact_rule(command("pytest", "…", certain=False)) is None
    assert exact_rule(command("npm", "ci"), in_place=True) == "InPlace(npm ci)"
    redirected = command("git", "log", extras=("A=b c", "> 'a b'"))
    made = exact_rule(redirected)
    assert made == "Bash(A='b c' git log > 'a b')"
    assert matches_command(parse(made), redirected, strict=True)
