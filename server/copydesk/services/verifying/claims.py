"""What a model's last words claim to have been run or to pass, held against what was recorded.

A claim is tied to a record by its id, or it is corrected. Plain sentences are read, in English; a prediction ("should
pass"), a wish and a no are no claims. Pure. Start with `corrected`.
"""

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

from copydesk.domain.evidence import CheckRun, Evidence
from copydesk.domain.frozen import frozen
from copydesk.services.verifying.recorded import Recorded, Run

ClaimKind: TypeAlias = Literal["tests", "types", "lint", "format", "build", "any"]
MAX_SENTENCE = 600

_TESTS = (
    r"(?:unit |integration |existing |new |regression |other |failing |\d+ )*tests?(?: suites?| cases?| files?| run)?"
    r"|(?:whole |full |entire )?(?:test )?suite|specs?|py\.?test|unittest|jest|vitest|mocha|tox|nox"
    r"|(?:npm|yarn|pnpm|cargo|go|make|bun) (?:run )?test|node --test|ci|\S*tests?\S*\.(?:py|[cm]?[jt]sx?|rs|go)"
)
_SUBJECTS: tuple[tuple[ClaimKind, str], ...] = (
    ("tests", _TESTS),
    ("types", r"mypy|(?:based)?pyright|tsc|type[- ]?check(?:s|er|ers|ing)?|types|type errors?|typescript"),
    ("lint", r"ruff(?: check)?|eslint|flake8|pylint|clippy|lint(?:er|ers|ing|s)?(?: errors?| checks?)?"),
    ("format", r"formatt(?:er|ing)(?: check)?|ruff format|prettier|black|rustfmt|gofmt|cargo fmt"),
    (
        "build",
        r"(?:the )?(?:build|compilation|compiler)|cargo (?:check|build)|npm run build|go (?:build|vet)|it compiles",
    ),
    ("any", r"(?:all |the |every )?checks?|everything|they(?: all)?|all of them|all"),
)
_TEST_COMMANDS = (
    r"\bpy\.?test\b|unittest|\b(?:npm|yarn|pnpm|bun|deno|cargo|go|make|mvn|gradlew?|dotnet|swift)\b[^|;&]*\btests?\b"
    r"|\bcheck\b|nextest|jest|vitest|mocha|\btox\b|\bnox\b|ctest|rspec|phpunit|--test\b|\btests?[/._-]|\btests?\b"
)
_COMMANDS: tuple[tuple[ClaimKind, str], ...] = (
    ("tests", _TEST_COMMANDS),
    ("types", r"\bmypy\b|pyright|\btsc\b|type-?check|\bty\b"),
    ("lint", r"\bruff\b(?! format)|eslint|flake8|pylint|clippy|\blint"),
    ("format", r"ruff format|prettier|\bblack\b|fmt\b|\bformat"),
    ("build", r"\bbuild\b|cargo (?:check|test|clippy)|compileall|py_compile|\btsc\b|go (?:vet|test)|\bmake\b"),
)
_WORDS: dict[ClaimKind, str] = {
    "tests": "tests",
    "types": "a type checker",
    "lint": "a linter",
    "format": "a formatter",
    "build": "a build",
    "any": "a check",
}

_OBJECT = r"(?! (?:a|an|it|them|its|this|that|none|null|to|by|as|into|through|over|along)\b)(?! the \w+ (?:to|as)\b)"
_STATES = (
    r"(?:green|clean|successful|passing|ok\b|okay|fine|happy|good|through|without|error[- ]free|no "
    r"|with (?:no|0|zero) )"
)
_SAYS = r"(?:report|show|find|found|gave|give|had|has|have|with|yield|return)\w*"
_GOOD = (
    r"(?:all |now |still |also |both |again |successfully |cleanly |then |each |do |does )*"
    rf"(?:pass(?:es|ed|ing)?\b{_OBJECT}|succeed(?:s|ed)?\b"
    r"|(?:(?:is|are|was|were|stays?|remains?|runs?|ran|came back|comes? back|all|now|still|went|fully|completely|"
    rf"entirely|again) )+{_STATES}"
    rf"|{_SAYS} (?:no|zero|0)\b|compil(?:es|ed)\b|exit(?:s|ed)? (?:with )?(?:code )?0"
    r"|works?\b(?! (?:on|with|by|through|like)\b))"
)
_RAN = r"(?:ran|re-?ran|run|executed|verified|validated|checked|confirmed|tested|launched)"
_FIRST = r"\b(?:i|i've|i have|we|we've|we have|have|having|after|and|also|then|just|by)\b"

_HEDGED_SENTENCE = re.compile(
    r"\b(?:if|once|unless|until|whether|please|make sure|so that|in order to|i recommend|consider|in theory"
    r"|theoretically|you (?:can|should|could|may|might|will|need))\b"
)
_HEDGED = re.compile(
    r"\b(?:not|never|neither|nor|nothing|cannot|unable|without running|without having|should|would|will|shall|may|"
    r"might|could|must|expect(?:ed|s)?|ensures?|i'll|going to|next|wants?|needs?|try|tries|todo|supposed|likely|"
    r"probably|hopefully|presumably|assum\w+|fails?|failing|failed|broken?|used to|previously|before my|before the|"
    r"to (?:run|verify|check|confirm|pass|make)|when|let me|untested|unverified)\b|n't\b"
)
_ALONE = re.compile(
    r"(?:and |which |it |both |then |also |now |all |still |is |are |was |were )*"
    r"(?:pass(?:es|ed|ing)?|succeed(?:s|ed)|green|clean)\b(?! (?:a|an|the|to|by|as)\b)"
)
_NONE_FAILED = re.compile(
    r"\b(?:no|zero|0|without(?: any)?) (?:new )?(?P<what>(?:test |type |lint(?:er|ing)? |format(?:ting)? )?"
    r"(?:failures?|errors?|failing tests?|broken tests?|regressions?)|tests? (?:fail|failed|failing|broke|break))\b"
)
_NUMBER = re.compile(
    r"\b(?:all )?(\d+)(?:/\1| of \1)? (?:unit |existing |new )?(?:tests?|specs?)?"
    r"(?: (?:now|all|still))* ?pass(?:ed|es|ing)?\b"
)
_ID = re.compile(r"\b(?:ev-[0-9a-f]{4,}|sh-\d+)\b")


@frozen
class Claim:
    kind: ClaimKind
    is_good: bool
    """It says that the run passed; else only that there was one."""
    number: int | None = None


def corrected(message: str, recorded: Recorded, evidence: Evidence | None, verb: str) -> list[str]:
    """A plain sentence for each claim that no record bears out, and the record for each that one does."""
    checks = [_of_check(run) for run in (evidence.runs if evidence else ()) if run.state != "not_checked"]
    notes: dict[str, None] = {}
    for claim in claims_in(message, only_own=verb == "explain"):
        note = _judged(claim, checks, list(recorded.runs()))
        if note:
            notes[note] = None
    for id in dict.fromkeys(_ID.findall(message)):
        if not recorded.knows(id):
            notes[f"There is no record {id}."] = None
    return list(notes)


def _of_check(run: CheckRun) -> Run:
    good = None if run.state == "running" else run.state == "passed"
    ending = "running" if good is None else f"exit {run.exit_code}" if run.exit_code is not None else "no end"
    return Run(run.id, run.command, good, not run.stale, run.after.passed, ending)


def _judged(claim: Claim, checks: list[Run], shell: list[Run]) -> str:
    """What to say of a claim; empty where the evidence that is shown bears it out."""
    what = _WORDS[claim.kind]
    fitting = [run for run in (*checks, *shell) if _fits(claim.kind, run.command)]
    current = [run for run in fitting if run.is_current]
    if not fitting:
        return f"No run of {what} is recorded for this turn."
    if not current:
        run = fitting[0]
        return f"The recorded run of {what} was of an earlier text: {_shown(run)}."
    if not claim.is_good:
        return "" if current[0] in checks else f"Recorded: {_shown(current[0])}."
    bad = next((run for run in current if run.is_good is False and not _was_repeated(run, current)), None)
    if bad is not None:
        return f"The recorded run of {what} has failures: {_shown(bad)}."
    done = next((run for run in current if run.is_good), None)
    if done is None:
        return f"The run of {what} has not ended: {_shown(current[0])}."
    if claim.number is not None and done.passed is not None and claim.number != done.passed:
        return f"The record says {done.passed}: {_shown(done)}."
    return "" if done in checks else f"Recorded: {_shown(done)}."


def _was_repeated(bad: Run, current: list[Run]) -> bool:
    """Whether the same command passed later on the same text. `current` has the newest first."""
    same = [run for run in current if run.command == bad.command]
    return same[0] is not bad and bool(same[0].is_good)


def _shown(run: Run) -> str:
    return f"`{run.command}`, {run.ending} ({run.id})"


def _fits(kind: ClaimKind, command: str) -> bool:
    if kind == "any":
        return any(re.search(pattern, command) for _, pattern in _COMMANDS)
    return any(name == kind and re.search(pattern, command) for name, pattern in _COMMANDS)


# --- reading the words ---


def claims_in(message: str, *, only_own: bool = False) -> list[Claim]:
    """What is claimed. `only_own`: only what the speaker says to have run (an explanation speaks of other things)."""
    found: dict[Claim, None] = {}
    for sentence in _sentences(message):
        hedged = bool(_HEDGED_SENTENCE.search(sentence))
        for clause in re.split(r"[,;:—–]| but | and | although | though |\s-\s", sentence):
            for claim in _claims_of(clause, sentence, only_own):
                if not hedged or not claim.is_good:
                    found[claim] = None
    claims = list(found)
    return [each for each in claims if each.is_good or not any(o.is_good and o.kind == each.kind for o in claims)]


def _sentences(message: str) -> Iterator[str]:
    plain = re.sub(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", "\n", message, flags=re.DOTALL)
    plain = re.sub(r"^\s*>.*$", "", plain, flags=re.MULTILINE).replace("`", "").replace("’", "'").replace("*", "")
    for line in plain.splitlines():
        for sentence in re.split(r"(?<=[.!?])\s+", line):
            words = " ".join(sentence.lower().split())
            if words:
                yield words[:MAX_SENTENCE]


def _claims_of(clause: str, sentence: str, only_own: bool) -> Iterator[Claim]:
    none_failed = _NONE_FAILED.search(clause)
    if none_failed and not only_own and not _HEDGED.search(_NONE_FAILED.sub("", clause)):
        yield Claim(_kind_of(none_failed["what"], sentence), True)
    if _HEDGED.search(_NONE_FAILED.sub("", clause)):
        return
    number = _NUMBER.search(clause)
    if number and not only_own:
        yield Claim("tests", True, int(number[1]))
        return
    for kind, subject in _SUBJECTS:
        # A clause may take its subject from the one before: "I ran pytest and it passes".
        if not only_own and re.search(rf"\b(?:{subject})\b(?: \S+){{0,4}}? {_GOOD}", clause):
            yield Claim(_pronoun(kind, sentence), True)
            return
        if not only_own and re.search(rf"(?:✅|✓|☑|✔)\s*(?:\S+ ){{0,3}}?(?:{subject})\b", clause) and kind != "any":
            yield Claim(kind, True)
            return
        if (
            not only_own
            and kind != "any"
            and re.search(rf"\b(?:pass(?:es|ed|ing)?|green) (?:all |the |our |every )*(?:{subject})\b", clause)
        ):
            yield Claim(kind, True)
            return
        if kind != "any" and _ran(subject, clause):
            yield Claim(kind, False)
            return
    if not only_own and _ALONE.match(clause.strip()):
        kind = _named_in(sentence)
        if kind:
            yield Claim(kind, True)


def _ran(subject: str, clause: str) -> bool:
    own = rf"(?:^|{_FIRST}(?: \S+){{0,2}}? ?){_RAN}(?: \S+){{0,4}}? (?:{subject})\b"
    was = rf"\b(?:{subject})\b (?:was|were|have been|has been) (?:\S+ )?(?:run|re-?run|executed)\b"
    running = rf"\b(?:by|after|when|from) (?:re-?)?running (?:\S+ ){{0,3}}?(?:{subject})\b"
    return bool(re.search(own, clause) or re.search(was, clause) or re.search(running, clause))


def _kind_of(what: str, sentence: str) -> ClaimKind:
    if "test" in what or "failure" in what or "regression" in what:
        return "tests" if "test" in what else _named_in(sentence) or "tests"
    for word, kind in (("type", "types"), ("lint", "lint"), ("format", "format")):
        if word in what:
            return kind  # pyright: ignore[reportReturnType]
    return _named_in(sentence) or "any"


def _pronoun(kind: ClaimKind, sentence: str) -> ClaimKind:
    """What "they" and "everything" are about, where the sentence names it."""
    return kind if kind != "any" else _named_in(sentence) or "any"


def _named_in(sentence: str) -> ClaimKind | None:
    return next(
        (kind for kind, subject in _SUBJECTS if kind != "any" and re.search(rf"\b(?:{subject})\b", sentence)), None
    )
