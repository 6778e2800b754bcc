"""Words from names: the first sentence of a docstring, said honestly from the name and no more than it.

Knows names only. Start with `summary`.
"""

import re

_VERBS_WORDS = """
    abort accept accumulate acquire activate add adjust advance aggregate allocate allow analyse analyze
    annotate answer append apply archive ask assemble assert assign attach authenticate authorize await backup
    begin bind bootstrap break broadcast browse build bump calculate call cancel capture cast change check
    choose clean cleanup clear clip clone close coerce collapse collect combine commit compare compile
    complete compose compress compute concat configure confirm connect construct consume contain convert copy
    count create crop cut debug decide declare decode decorate decrement decrypt deduce define delegate delete
    deliver deny depart derive describe deserialize destroy detach detect determine diff disable discard
    disconnect discover dispatch display dispose divide do download drain draw drop dump duplicate edit eject
    emit emulate enable encode encrypt end enqueue ensure enter enumerate erase escape estimate evaluate evict
    examine exclude exec execute exit expand expect explain explode export expose extend extract fail feed
    fetch fill filter finalize find finish fire fit fix flatten flip flush focus fold follow force forget fork
    format forward free freeze gather generate get give go grab grant group guess halt handle hash hide
    highlight hold identify ignore import include increment indent infer inform inherit init initialise
    initialize inject insert inspect install instantiate instrument interpolate intersect invalidate invert
    invoke issue iterate join keep kill label launch leave lex lift limit link list listen load locate lock
    log login logout look lookup lower maintain make manage map mark mask match measure merge migrate mock
    modify monitor mount move multiply mutate name navigate negate normalise normalize note notify obtain
    observe offer omit open optimise optimize order organise organize overlay override pack pad paint parse
    partition pass paste patch pause peek perform persist pick ping place plan play plot poll pop populate
    post predict prefetch prepare prepend preprocess present preserve prevent preview print probe proceed
    process produce profile prompt propagate prove provide prune publish pull purge push put query queue quit
    quote raise rank reach read reap rebase rebuild receive recognize reconcile reconnect record recover
    redact redirect redo reduce refactor refer refine reformat refresh refuse register reject relay release
    reload remember remove rename render reorder repair repeat replace replay reply report request require
    reset resize resolve respond restart restore restrict resume retain retrieve retry return reverse revert
    revoke rewind rewrite roll rotate round route run sample sanitise sanitize save scale scan schedule score
    scroll search seek select send separate serialise serialize serve set setup shift show shrink shuffle shut
    shutdown sign simplify simulate skip sleep slice snapshot solve sort spawn split stage start stash step
    stop store stream stringify strip style submit subscribe subtract suggest sum summarise summarize supply
    support suspend swap switch sync synchronise synchronize take tear tell terminate test tick toggle
    tokenise tokenize touch trace track train transfer transform translate transpose traverse trigger trim
    truncate try tune turn unbind undo unescape uninstall union unlink unload unlock unpack unquote unregister
    unset unsubscribe unwrap unzip update upgrade upload upsert use validate verify view visit wait wake walk
    warn watch wrap write yield zip
"""
VERBS = frozenset(_VERBS_WORDS.split())
GIVING = VERBS - frozenset(
    ("add", "check", "do", "ensure", "handle", "is", "print", "process", "run", "set", "test", "update", "write")
)
"""Verbs whose object is what comes back: get, parse, build, …"""
_CREATING_WORDS = """
    add append build create define generate insert instantiate make open spawn start
"""
_CREATING = frozenset(_CREATING_WORDS.split())
_SHORT = {
    "iter": "iterate over",
    "calc": "calculate",
    "del": "delete",
    "rm": "remove",
    "eval": "evaluate",
    "fmt": "format",
    "gen": "generate",
    "aclose": "close",
    "mk": "make",
    "cmp": "compare",
    "init": "initialise",
    "exec": "execute",
    "lookup": "look up",
    "setup": "set up",
    "cleanup": "clean up",
    "login": "log in",
    "logout": "log out",
    "shutdown": "shut down",
    "backup": "back up",
    "upsert": "update or insert",
}
_OF_THE_OWNER = frozenset(
    ("run", "execute", "start", "stop", "close", "aclose", "open", "reset", "setup", "shutdown", "init")
)
_PREPOSITIONS_WORDS = """
    about above after around as at before behind below beside between by for from in inside into of on
    onto outside over since through to under until via with within without
"""
_PREPOSITIONS = frozenset(_PREPOSITIONS_WORDS.split())
_BARE_WORDS = """
    all each every any this that these those it its them both no not nothing one two some out off up down
    back again only once here there until when if and or
"""
_BARE = frozenset(_BARE_WORDS.split()) | _PREPOSITIONS
ADJECTIVES_WORDS = """
    only last first next previous prev same empty current best other new old final nearest main default
    missing unique
"""
ADJECTIVES = frozenset(ADJECTIVES_WORDS.split())
_UNITS = {
    "s": "in seconds",
    "ms": "in milliseconds",
    "us": "in microseconds",
    "ns": "in nanoseconds",
    "bytes": "in bytes",
    "seconds": "in seconds",
    "px": "in pixels",
    "mb": "in megabytes",
    "kb": "in kilobytes",
}
QUESTIONS = frozenset(
    ("is", "are", "has", "have", "can", "should", "was", "will", "needs", "supports", "contains", "does", "may", "must")
)
_DUNDERS = {
    "__new__": "Create a new instance.",
    "__repr__": "Return the printable representation.",
    "__str__": "Return the string form.",
    "__bytes__": "Return the bytes form.",
    "__format__": "Return the value formatted by the format specification.",
    "__len__": "Return the length.",
    "__bool__": "Return the truth value.",
    "__hash__": "Return the hash.",
    "__iter__": "Return an iterator.",
    "__next__": "Return the next item.",
    "__aiter__": "Return an asynchronous iterator.",
    "__anext__": "Return the next item.",
    "__call__": "Call the instance.",
    "__enter__": "Enter the context.",
    "__exit__": "Leave the context.",
    "__aenter__": "Enter the asynchronous context.",
    "__aexit__": "Leave the asynchronous context.",
    "__contains__": "Return whether the item is contained.",
    "__getitem__": "Return the item for the key.",
    "__setitem__": "Set the item for the key.",
    "__delitem__": "Delete the item for the key.",
    "__getattr__": "Return the attribute that was not found otherwise.",
    "__getattribute__": "Return the attribute.",
    "__setattr__": "Set the attribute.",
    "__delattr__": "Delete the attribute.",
    "__eq__": "Return whether both are equal.",
    "__ne__": "Return whether both are unequal.",
    "__lt__": "Return whether this is less than the other.",
    "__le__": "Return whether this is less than or equal to the other.",
    "__gt__": "Return whether this is greater than the other.",
    "__ge__": "Return whether this is greater than or equal to the other.",
    "__del__": "Finalise the instance before it is destroyed.",
    "__init_subclass__": "Prepare a new subclass.",
    "__post_init__": "Complete the initialisation of the fields.",
    "__await__": "Return an iterator to await.",
    "__reversed__": "Return a reverse iterator.",
    "__dir__": "Return the attribute names.",
    "__get__": "Return the value of the described attribute.",
    "__set__": "Set the value of the described attribute.",
    "__set_name__": "Note the owner and the attribute name.",
    "__getstate__": "Return the state to pickle.",
    "__setstate__": "Restore the pickled state.",
    "__reduce__": "Return what pickling needs.",
    "__copy__": "Return a shallow copy.",
    "__deepcopy__": "Return a deep copy.",
}


def words(name: str) -> list[str]:
    """`parseHTTPUrl_2` → parse, HTTP, url, 2. Capitals that belong together stay capitals."""
    pieces = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+|[^\W_]+", name)
    return [piece if piece.isupper() and len(piece) > 1 else piece.lower() for piece in pieces]


def phrase(name: str) -> str:
    """The words of a name as a phrase, never empty: `n_lines` → number of lines, `wait_ms` → wait, in milliseconds."""
    parts = words(name)
    if len(parts) > 1 and parts[0] in ("n", "num", "nb", "count"):
        parts = ["number of", *parts[1:]]
    elif len(parts) > 1 and parts[-1] in _UNITS:
        parts[-2:] = [f"{parts[-2]},", _UNITS[parts[-1]]]
    return " ".join(parts) or f"`{name}`"


def says_more(name: str) -> bool:
    """Whether the phrase of a name says more than the name: a number of, or a unit."""
    parts = words(name)
    return len(parts) > 1 and (parts[0] in ("n", "num", "nb") or parts[-1] in _UNITS)


def switch(name: str) -> str:
    """What a flag decides, as far as its name tells: `Whether to follow links`; empty when it does not."""
    parts = words(name)
    if parts and parts[0] in QUESTIONS:
        return f"Whether it {' '.join(parts)}" if len(parts) > 1 else ""
    if parts and parts[0] in VERBS and (len(parts) > 1 or parts[0] in _PLAIN_VERBS):
        return f"Whether to {' '.join(parts)}"
    if len(parts) > 1 and parts[0] in ("no", "not", "skip", "use", "with", "without", "allow"):
        return f"Whether to {'go without' if parts[0] in ('no', 'not') else parts[0]} {' '.join(parts[1:])}"
    return ""


_PLAIN_VERBS_WORDS = """
    abort cache check compress confirm create force ignore overwrite recurse replace retry reverse skip
    strip validate wait
"""
_PLAIN_VERBS = frozenset(_PLAIN_VERBS_WORDS.split())


def article(noun: str) -> str:
    """`noun` with a or an."""
    first = noun.split(" ")[0]
    letters = "AEFHILMNORSX" if first.isupper() else "aeiouAEIOU"
    sounds_like_you = first.lower().startswith(
        ("uni", "use", "usu", "eu", "one", "uri", "utf")
    ) and not first.startswith("unin")
    return f"{'an' if noun[:1] in letters and not sounds_like_you else 'a'} {noun}"


def summary(name: str, *, owner: str, first: str, gives: str) -> str:
    """One imperative sentence.

    `owner`: the class, or empty. `first`: the first parameter, or empty. `gives`: truth, value, items (a generator)
    or nothing.
    """
    if name.startswith("__") and name.endswith("__"):
        return _dunder(name, owner)
    parts = words(name)
    if not parts:
        return "Return a value." if gives == "value" else "Run this function."
    subject = f"`{first}`" if first else f"this {phrase(owner)}" if owner else "it"
    return (
        _whether(parts, subject, gives) or _by_verb(parts, owner, first) or _noun(parts, subject, owner, first, gives)
    )


def test_summary(name: str) -> str:
    """Of a test function: what it checks."""
    rest = words(name)[1:]
    if not rest:
        return "Test."
    claims = {
        "is",
        "are",
        "does",
        "do",
        "has",
        "have",
        "raises",
        "returns",
        "keeps",
        "stays",
        "fails",
        "works",
        "can",
        "cannot",
    }
    if len(rest) > 1 and (
        claims & set(rest[1:]) or rest[0] in ("a", "an", "the", "no", "nothing", "every", "each", "only")
    ):
        return f"Check that {' '.join(rest)}."
    return f"Test {' '.join(rest)}."


def _whether(parts: list[str], subject: str, gives: str) -> str:
    head, rest = parts[0].lower(), parts[1:]
    if head in QUESTIONS and rest:
        return f"Return whether {subject} {head} {' '.join(rest)}."
    if gives != "truth":
        return ""
    if head in QUESTIONS:
        return f"Return whether {subject} qualifies." if head in ("is", "has") else f"Return whether {subject} {head}."
    if head in _PREPOSITIONS and rest:
        return f"Return whether {subject} is {' '.join(parts)}."
    if head.endswith("s") and (head[:-1] in VERBS or head[:-2] in VERBS):
        return f"Return whether {subject} {' '.join(parts)}."
    if head.endswith(("able", "ible", "ed", "ent", "ant")) and not rest:
        return f"Return whether {subject} is {head}."
    return ""


def _by_verb(parts: list[str], owner: str, first: str) -> str:
    head, rest = parts[0].lower(), parts[1:]
    target = f"`{first}`" if first else f"this {phrase(owner)}" if owner else ""
    if not rest and owner and head in _OF_THE_OWNER:
        target = f"this {phrase(owner)}"
    if head in ("to", "as", "into") and rest:
        return f"Convert {target or 'it'} to {' '.join(rest)}."
    if head == "from" and rest:
        return f"Create {article(phrase(owner)) if owner else 'a value'} from {' '.join(rest)}."
    if head == "on" and rest:
        return f"Handle {' '.join(rest)}."
    if head == "main":
        return "Run the main entry point."
    if head not in VERBS and head not in _SHORT:
        return ""
    verb = _SHORT.get(head, head).capitalize()
    if not rest:
        return f"{verb} {target}." if target else f"{verb}."
    if rest[-1] in _PREPOSITIONS and len(rest) > 1 and target:
        return f"{verb}{_object(rest)} {target}."
    return f"{verb}{_object(rest, creates=head in _CREATING)}."


def _noun(parts: list[str], subject: str, owner: str, first: str, gives: str) -> str:
    verb = "Yield" if gives == "items" else "Return"
    said = " ".join(parts)
    if gives == "nothing":
        return f"Carry out the {said} step."
    if parts[0] in ("with", "without", "in", "by", "for", "at", "after", "before") and len(parts) > 1:
        return f"{verb} {subject} {said}."
    if all(part in ADJECTIVES for part in parts):
        return (
            f"{verb} the {said} item of {subject}."
            if first
            else f"{verb} the {said} {phrase(owner) if owner else 'value'}."
        )
    if len(parts) == 1 and said.endswith("ed") and len(said) > 4 and first:
        return f"{verb} {subject} {said}."
    if parts[-1] in _PREPOSITIONS and len(parts) > 1:
        return f"{verb} the {said} {subject}."
    if len(parts) > 1 and parts[-1].endswith("ed") and first:
        return f"{verb} the {said} {subject}." if parts[-1] in ("named", "called") else f"{verb} the {said}."
    return f"{verb} {'' if parts[0] in _BARE else 'the '}{phrase('_'.join(parts)) if parts[0] == 'n' else said}."


def _object(rest: list[str], *, creates: bool = False) -> str:
    said = " ".join(rest)
    if rest[0].lower() in _BARE or rest[0].isdigit():
        return f" {said}"
    if creates:
        plural = rest[-1].endswith("s") and not rest[-1].endswith(("ss", "us", "is"))
        return f" {said}" if plural else f" {article(said)}"
    return f" the {said}"


def _dunder(name: str, owner: str) -> str:
    if name == "__init__":
        return f"Initialise the {phrase(owner)}." if owner else "Initialise the instance."
    return _DUNDERS.get(name) or f"Implement `{name}`."
