"""Reading a client's answers, whether they arrive as plain JSON or as lsprotocol objects.

Owns that one difference, so that no feature cares. Start with `field_of`.
"""

import re
from collections.abc import Mapping
from typing import cast

_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


def field_of(reply: object, name: str) -> object:
    """The field `name` (as on the wire, camelCase) of an answer; None where there is none."""
    if isinstance(reply, Mapping):
        return cast("Mapping[str, object]", reply).get(name)
    return cast("object", getattr(reply, _HUMP.sub("_", name).lower(), None))


def text_of(reply: object, name: str) -> str:
    value = field_of(reply, name)
    return value if isinstance(value, str) else ""
