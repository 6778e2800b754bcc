"""What a person wants, from the verb and the words: a few kinds of work, recognised or honestly not.

Pure text. Start with `requests_of`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from copydesk.domain.messages import Task

Action: TypeAlias = Literal[
    "explain", "document", "fix", "test", "rename", "extract", "annotate", "organize", "suggest", "unknown"
]


@dataclass(frozen=True, slots=True)
class Request:
    """One piece of work.

    `names` are certain to be names, `words` may be. `lines` are 1-based, both ends in. `leftover` is what of the
    text was not understood.
    """

    action: Action
    task: Task
    text: str = ""
    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    new_name: str = ""
    lines: tuple[int, int] | None = None
    extract_kind: Literal["function", "variable"] = "function"


_NAME = r"[`'\"]?([A-Za-z_][\w.]*)(?:\(\))?[`'\"]?"
_PATTERNS: tuple[tuple[Action, str], ...] = (
    ("rename", r"\brename\b|\bchange the name of\b"),
    (
        "extract",
        (
            r"\bextract\b|\b(?:pull|move|turn|factor|refactor) (?:out )?.{0,40}\b(?:in)?to "
            r"(?:a |an |its own )?(?:new )?"
            r"(?:helper|function|method|variable)\b"
        ),
    ),
    ("organize", r"\b(?:organi[sz]e|sort|order|tidy|clean ?up|group)\b.{0,20}\bimports?\b|\bisort\b"),
    (
        "annotate",
        (
            r"\bannotat\w*|\btype[- ](?:hint|annotation)s?\b|\btypehints?\b|"
            r"\b(?:add|infer|write) (?:the )?(?:return )?(?:types?|typing)\b"
        ),
    ),
    (
        "test",
        (
            r"\b(?:write|add|create|generate|make|missing|need)\b.{0,40}\btests?\b|\bunit[- ]?tests?\b|"
            r"\btest skeletons?\b|^\s*tests? (?!fail)|\bcover\b.{0,40}\b(?:with|by) tests?\b"
        ),
    ),
    (
        "document",
        r"\bdoc[- ]?strings?\b|\bdocument(?:ation)?\b|\b(?:add|write) (?:the )?docs\b|^\s*(?:please )?doc (?=\w)",
    ),
    (
        "explain",
        (
            r"\bexplain\b|\bdescribe\b|\bsummari[sz]e\b|\bwhat (?:does|do|is|are)\b|\bhow does\b|\bwho calls\b|"
            r"\bwhat happens\b|\bwhere (?:is|are)\b|\bwhat['’]?s (?=\w)|\btell me\b|\bwalk me through\b|\bunderstand\b|"
            r"\bwhat .{0,30}\b(?:does|means)\b|\bhow do\b"
        ),
    ),
    (
        "fix",
        (
            r"\bfix\w*\b|\brepair\b|\bcorrect\b.{0,30}\b(?:errors?|problems?|imports?|names?|syntax)\b|"
            r"\b(?:remove|delete|drop)\b.{0,20}\bunused\b|\bmissing imports?\b|\blint\b|\bimport (?:what|whatever)\b|"
            r"\b(?:resolve|solve)\b.{0,30}\b(?:errors?|problems?|imports?|names?|issues?|warnings?)\b"
        ),
    ),
    ("suggest", r"\brefactor\w*\b|\bsimplif\w+\b|\bclean ?up\b|\bimprove\b"),
)
_NEGATED = re.compile(r"\b(?:don't|dont|do not|never|without|not|no need to)\s+(?:\w+\s+){0,2}$", re.IGNORECASE)
_PATH = re.compile(
    r"(?<![\w/.])[`'\"]?((?:[\w.@~-]+[/\\])*[\w.@-]*[\w-]\."
    r"(?:pyi?w?|jsx?|mjs|cjs|tsx?|rs|go|java|kt|rb|php|cs?|cc|cpp|h|hpp|lua|sh|md|toml|ya?ml|json|txt))[`'\"]?(?![\w/])"
)
_WISH = re.compile(
    r"\s*(?:please |also )*(?:make|convert|rewrite|implement|optimi[sz]e|turn|delete|translate|change|replace|speed|"
    r"port|migrate|split|merge|add|create|write|run|commit|push|deploy|install)\b",
    re.IGNORECASE,
)
"""The start of a wish of its own, which no rule here can grant when no pattern knows it."""
_SPELLINGS = [
    "rename",
    "extract",
    "organise",
    "organize",
    "annotate",
    "annotation",
    "annotations",
    "docstring",
    "docstrings",
    "document",
    "explain",
    "describe",
    "imports",
    "import",
    "write",
    "tests",
    "types",
    "errors",
    "problems",
    "summarize",
    "unused",
]
_STOP_WORDS = """
    anything improve clean cleanup up bug bugs fail fails failing failed helper constant good better want need list
    a an the this that these those it its to of for in on at from into as with and or then please all any each
    every some me my our your can could would should you i we is are be do does did what how why where which
    who when about function functions method methods class classes module modules file files variable
    variables code selection lines line import imports error errors problem problems test tests docstring
    docstrings doc docs documentation type types hint hints annotation annotations unit skeleton missing
    unused add write create generate make new named called name names fix repair explain document describe
    rename extract organise organize sort annotate refactor remove sure argument arguments parameter
    parameters return returns there here also so just now python project pytest google numpy sphinx style
    comment comments everything works work happens through using use let have has whole entire summarise
    summarize infer insert turn move pull out sections section briefly short detail details simple simply one
    two first last more only strings typing tell walk me understand cover resolve solve delete drop
    them they call calls caller callers who whom definition undefined syntax
"""
_STOP = frozenset(_STOP_WORDS.split())


def requests_of(task: Task) -> list[Request]:
    """The work in a task, in the order it is said; one `unknown` when nothing is recognised."""
    text = task.text.strip()
    if task.verb in ("explain", "document", "fix", "test"):
        return [_request(task.verb, task, text)]
    clauses = list(_clauses(text))
    if not any(action != "unknown" for action, _ in clauses):
        clauses = list(_clauses(_respelled(text)))
    found = [_request(action, task, clause) for action, clause in clauses]
    if all(request.action == "unknown" for request in found):
        found = []
    if not found:
        return [_request("suggest" if task.verb == "refactor" else "unknown", task, text)]
    return _sharing_names(found)


def is_whole_file(text: str) -> bool:
    """Whether the words mean all of the file, wherever the cursor is."""
    pattern = r"\b(?:this|the|whole|entire) (?:whole |entire )?(?:file|module)\b|\ball\b|\beverything\b|\bevery\b"
    return re.search(pattern, text, re.IGNORECASE) is not None


def _clauses(text: str) -> Iterator[tuple[Action, str]]:
    """Cuts the text where a new kind of work starts after `and`, `then` or a stop."""
    pieces = re.split(r"(?:\s*[;,]\s*|\.\s+|\s+)(?:and\s+then|and\s+also|then|and|also)\s+|;\s+|\.\s+|\n+", text)
    current: tuple[Action, str] | None = None
    for piece in pieces:
        action = action_of(piece)
        if action is None and current and _WISH.match(piece):
            action = "unknown"
        if action is None:
            current = (current[0], f"{current[1]} and {piece}") if current else None
            continue
        if current:
            yield current
        current = (action, piece)
    if current:
        yield current


def action_of(text: str) -> Action | None:
    """The kind of work whose words come first, if it is not negated."""
    found: list[tuple[int, int, Action]] = []
    plain = _PATH.sub(lambda match: " " * len(match[0]), text)
    plain = re.sub(r"`[^`]*`|\b\w+_\w+\b", lambda match: " " * len(match[0]), plain)
    for rank, (action, pattern) in enumerate(_PATTERNS):
        match = re.search(pattern, plain, re.IGNORECASE)
        if match and not _NEGATED.search(plain[: match.start()]):
            found.append((match.start(), rank, action))
    clear = [item for item in found if item[2] != "suggest"]
    return min(clear or found)[2] if found else None


def _respelled(text: str) -> str:
    """The text with words that are one slip away from a word we know: asked only when nothing was understood."""
    return re.sub(r"\b[a-z]{5,}\b", lambda match: _known_word(match[0]), text, flags=re.IGNORECASE)


def _known_word(word: str) -> str:
    low = word.lower()
    if low in _STOP or low in _SPELLINGS:
        return word
    return next((known for known in _SPELLINGS if _one_slip(low, known)), word)


def _one_slip(a: str, b: str) -> bool:
    """Whether one letter is wrong, missing or too many, or two neighbours are swapped."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    rest_a, rest_b = a[start:], b[start:]
    swapped = len(rest_a) > 1 and rest_a[1::-1] + rest_a[2:] == rest_b
    return rest_a[1:] == rest_b[1:] or rest_a[1:] == rest_b or rest_a == rest_b[1:] or swapped


def _sharing_names(requests: list[Request]) -> list[Request]:
    """`add docstrings and type hints to foo`: a clause with no names takes the next one's, else the last one's."""
    shared: list[Request] = []
    for number, request in enumerate(requests):
        if not (request.names or request.words or request.paths or request.lines):
            others = [*requests[number + 1 :], *reversed(requests[:number])]
            donor = next((other for other in others if _says_what(other)), None)
            if donor:
                names = (donor.new_name,) if donor.action == "rename" and donor.new_name else donor.names
                words = () if names else donor.words
                request = replace(request, names=names, words=words, paths=donor.paths)
        shared.append(request)
    return shared


def _says_what(request: Request) -> bool:
    return bool(request.names or request.words or request.paths or request.lines)


def _request(action: Action, task: Task, text: str) -> Request:
    paths = tuple(dict.fromkeys(match[1] for match in _PATH.finditer(text)))
    plain = _PATH.sub(" ", text)
    request = Request(action, task, text, paths=paths, lines=_lines(plain))
    if action == "rename":
        return _rename(request, plain)
    if action == "extract":
        return _extract(request, plain)
    return replace(request, names=tuple(_certain(plain)), words=tuple(_possible(plain)))


def _rename(request: Request, text: str) -> Request:
    match = re.search(
        rf"\b(?:rename|change the name of)\b\s+(?:(?:the|this|a)\s+)*"
        r"(?:(?:function|method|class|variable|symbol|parameter|argument|module)\s+)?"
        rf"(?:{_NAME}\s+)??(?:in\s+)?(?:to|into|as|->|→|=>)\s+{_NAME}",
        text,
        re.IGNORECASE,
    )
    if match is None:
        return replace(request, names=tuple(_certain(text)))
    old = match[1] if match[1] and match[1].lower() not in _STOP else ""
    return replace(request, names=(old,) if old else (), new_name=match[2].rstrip("."))


def _extract(request: Request, text: str) -> Request:
    said = re.sub(r"`[^`]*`", "", text)  # a quoted expression may have such a word in it
    kind = re.search(r"\b(function|method|variable|constant|helper)\b", said, re.IGNORECASE)
    variable = kind is not None and kind[1].lower() in ("variable", "constant")
    name = _new_name(said) or _new_name(text)
    return replace(request, new_name=name.rstrip("."), extract_kind="variable" if variable else "function")


def _new_name(text: str) -> str:
    """The name said for what is extracted: after `named`, after its kind, or after `into`."""
    named = re.search(rf"\b(?:named|called|name it|call it|as)\s+(?!a\b|an\b|the\b){_NAME}", text, re.IGNORECASE)
    if named:
        return named[1]
    loose = (
        rf"\b(?:function|method|variable|helper(?! function)|constant)\s+{_NAME}",
        rf"\b(?:to|into)\s+(?!a\b|an\b|the\b|its\b){_NAME}",
    )
    found = (match[1] for pattern in loose if (match := re.search(pattern, text, re.IGNORECASE)))
    return next((name for name in found if name.lower() not in _STOP), "")


def _lines(text: str) -> tuple[int, int] | None:
    match = re.search(
        r"\b(?:lines?|L)\s*(\d+)(?:\s*(?:-|–|—|to|until|through|and|\.\.)\s*L?(\d+))?", text, re.IGNORECASE
    )
    if match is None:
        return None
    first = int(match[1])
    return first, max(first, int(match[2] or first))


def _certain(text: str) -> Iterator[str]:
    """Words that can only be names: quoted, called, dotted, with an underscore or an inner capital."""
    pattern = (
        r"[`'\"]([A-Za-z_][\w.]*)(?:\([^)]*\))?[`'\"]|\b([A-Za-z_][\w.]*)\(\)|\b([A-Za-z]\w*(?:\.[A-Za-z_]\w*)+)\b|"
        r"\b(\w*_\w+|\w+_)\b|\b([A-Za-z]*[a-z0-9][A-Z]\w*)\b"
    )
    seen: set[str] = set()
    for match in re.finditer(pattern, text):
        name = next(group for group in match.groups() if group)
        if name not in seen and not re.fullmatch(r"\d[\d_]*|e\.g|i\.e", name):
            seen.add(name)
            yield name


def _possible(text: str) -> Iterator[str]:
    certain = set(_certain(text))
    plain = re.sub(r"\b\w+['’]\w+\b", " ", text)
    for match in re.finditer(r"\b[A-Za-z]\w*\b", plain):
        if match[0].lower() not in _STOP and match[0] not in certain:
            yield match[0]
