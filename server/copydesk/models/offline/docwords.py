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
_ADVERBS_WORDS = """
    all each every any this that these those it them its both no one two some to from by with
"""
_ADVERBS = frozenset(_ADVERBS_WORDS.split())
_UNITS = {"s": "in seconds", "ms": "in milliseconds"}
_QUESTIONS = frozenset(
    ("is", "are", "has", "have", "can", "should", "was", "will", "needs", "supports", "contains", "does")
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
    """The words of a name as a phrase, never empty."""
    parts = words(name)
    if len(parts) > 1 and parts[-1] in _UNITS:
        parts[-1] = _UNITS[parts[-1]]
    return " ".join(parts) or f"`{name}`"


def article(noun: str) -> str:
    """`noun` with a or an."""
    letters = "AEFHILMNORSX" if noun.split(" ")[0].isupper() else "aeiouAEIOU"
    return f"{'an' if noun[:1] in letters else 'a'} {noun}"


def summary(name: str, *, owner: str, first: str, gives: str) -> str:
    """One imperative sentence.

    `owner`: the class, or empty. `first`: the first parameter, or empty. `gives`: value, items (a generator) or
    nothing.
    """
    if name.startswith("__") and name.endswith("__"):
        return _dunder(name, owner)
    parts = words(name)
    if not parts:
        return "Return a value." if gives == "value" else "Run this function."
    head, rest = parts[0].lower(), parts[1:]
    subject = f"the {phrase(owner)}" if owner else (f"`{first}`" if first else "this")
    if head in _QUESTIONS and rest:
        return f"Return whether {subject} {head} {' '.join(rest)}."
    if head in ("to", "as", "into") and rest:
        return f"Convert {subject} to {' '.join(rest)}."
    if head == "from" and rest:
        return f"Create {article(phrase(owner)) if owner else 'a value'} from {' '.join(rest)}."
    if head == "on" and rest:
        return f"Handle {' '.join(rest)}."
    if head == "main":
        return "Run the main entry point."
    if head in VERBS:
        return f"{head.capitalize()}{_object(rest)}."
    return _noun(parts, gives)


def _noun(parts: list[str], gives: str) -> str:
    said = " ".join(parts)
    if gives == "value":
        return f"Return the {said}."
    return f"Yield the {said}." if gives == "items" else f"Carry out the {said}."


def _object(rest: list[str]) -> str:
    if not rest:
        return ""
    return f" {' '.join(rest)}" if rest[0].lower() in _ADVERBS or rest[0].isdigit() else f" the {' '.join(rest)}"


def _dunder(name: str, owner: str) -> str:
    if name == "__init__":
        return f"Initialise the {phrase(owner)}." if owner else "Initialise the instance."
    return _DUNDERS.get(name) or f"Implement `{name}`."
