"""What a search looks for: a checked regular expression, matched line by line. Pure.

Python's engine holds the interpreter while it matches, so no deadline can stop one bad match: a pattern whose
repetitions can share the same text in exponentially many ways is refused before it runs.
"""

import re

from copydesk.domain.errors import ToolFailed

_SAMPLE = "aZ5_ \t.-,;:/\"'()é"
_SIMPLER = "Write a simpler one, or escape what is meant literally."
_QUANTIFIER = r"(?:[*+]|\{\d*,\d*\})"
# A group that ends in, or is nothing but, a repetition, and is itself repeated without end.
_GROUP = r"(?<!\\)\((?:\?:|\?P<\w+>)?((?:[^()\\\[\]]|\\.|\[(?:[^\]\\]|\\.)*\])*)\)"
_REPEATED_GROUP = re.compile(_GROUP + r"(?:[*+]|\{\d*,\d*\})(?!\+)")
_CLASS = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]")
_GROUP_ITEM = re.compile(_GROUP + r"((?:[*+?]|\{\d*,?\d*\})?)")
_ITEM = re.compile(r"(\\.|\[(?:[^\]\\]|\\.)*\]|[^\\])(" + _QUANTIFIER + r"|\?|\{\d+\})?")


def compile_search(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    """Raises ToolFailed that names the pattern, and the position where it is wrong."""
    try:
        found = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError, RecursionError) as error:
        where = f" at position {error.pos}" if isinstance(error, re.error) and error.pos is not None else ""
        why = error.msg if isinstance(error, re.error) else str(error)
        raise ToolFailed(f"{pattern!r} is not a regular expression: {why}{where}.", advice=_SIMPLER) from error
    if explodes(pattern):
        raise ToolFailed(f"{pattern!r} could take forever: a repetition repeats a repetition.", advice=_SIMPLER)
    return found


def explodes(pattern: str) -> bool:
    """Whether an innermost group, repeated without end, can be passed through in many ways for the same text."""
    # Brackets inside a class are no groups.
    seen = _CLASS.sub(lambda found: re.sub(r"(?<!\\)[()]", r"\\\g<0>", found[0]), pattern)
    for _ in range(20):
        if any(_is_ambiguous(found[1]) for found in _REPEATED_GROUP.finditer(seen)):
            return True
        flat = _GROUP_ITEM.sub(_flattened, seen)
        if flat == seen:
            return False
        seen = flat
    return True


def _flattened(found: re.Match[str]) -> str:
    """A group as items of the group around it; one that repeats or chooses as its fixed ones and any characters."""
    if not found[2] and "|" not in found[1]:
        return found[1]
    items = list(_ITEM.finditer(found[1]))
    repeats = found[2] not in ("", "?") or any(item[2] and item[2] != "?" for item in items)
    fixed = "".join(item[1] for item in items if not item[2] and _literal(item[1]) and "|" not in found[1])
    return fixed + (".*" if repeats else "")


def _is_ambiguous(body: str) -> bool:
    """A loop over this body: true unless each alternative holds a fixed item that none of its repetitions accepts."""
    alternatives = _alternatives(body)
    return _overlap(alternatives) or any(_one_is_ambiguous(alternative) for alternative in alternatives)


def _alternatives(body: str) -> list[str]:
    parts = [""]
    for item in _ITEM.finditer(body):
        if item[0].startswith("|"):
            parts.append("")
        else:
            parts[-1] += item[0]
    return parts


def _overlap(alternatives: list[str]) -> bool:
    """Whether two alternatives of one character each accept the same one, as in `(\\w|\\d)*`."""
    single = [one for one in alternatives if (item := _ITEM.fullmatch(one)) and not item[2]]
    return any(sum(_accepts(one, char) for one in single) > 1 for char in _SAMPLE)


def _one_is_ambiguous(body: str) -> bool:
    items = [(found[1], found[2] or "") for found in _ITEM.finditer(body)]
    repeated = [item for item, quantifier in items if quantifier[:1] in ("*", "+") or "," in quantifier]
    if not repeated:
        return False
    fixed = [item for item, quantifier in items if not quantifier and _literal(item)]
    return not any(all(not _accepts(item, _literal(one)) for item in repeated) for one in fixed)


def _literal(item: str) -> str:
    """The one character an item stands for, or ''."""
    if len(item) == 2 and item[0] == "\\":
        return item[1] if not item[1].isalnum() else {"t": "\t"}.get(item[1], "")
    return item if len(item) == 1 and item not in ".^$|" else ""


def _accepts(item: str, char: str) -> bool:
    return item == "." or re.fullmatch(item, char, re.IGNORECASE) is not None
