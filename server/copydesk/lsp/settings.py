"""Settings as editors send them, made one plain nested object for `config`.

Three ways in: initializationOptions, the answer to workspace/configuration, didChangeConfiguration's own payload.
Each may be nested or dotted, with or without a `copydesk` wrapper. Knows no setting's name or meaning.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

Nested: TypeAlias = "dict[str, Any]"
SECTION = "copydesk"
TRUSTED = "workspaceTrusted"


class Settings:
    """The newest settings of this client: what it started with, under what it says now.

    `workspace_trusted` is what the client itself says of its workspace; None where it says nothing. It is no setting:
    what is *pulled* may come from files of the workspace, which must not vouch for themselves.
    """

    def __init__(self) -> None:
        self.workspace_trusted: bool | None = None
        self._initial: Nested = {}
        self._configured: Nested = {}

    @property
    def current(self) -> Nested:
        return merge(self._initial, self._configured)

    def start(self, options: object) -> None:
        """initializationOptions. The token of `--tcp` is no setting."""
        self._initial = nest(options)
        self._initial.pop("token", None)
        self._take_trust(self._initial.pop(TRUSTED, None))

    def configure(self, answer: object, *, pushed: bool = False) -> bool:
        """An answer of workspace/configuration, or (`pushed`) a payload of didChangeConfiguration.

        Whether anything changed.
        """
        before = (self.current, self.workspace_trusted)
        configured = nest(answer)
        said = configured.pop(TRUSTED, None)
        if pushed:
            self._take_trust(said)
        if configured or said is None:  # a push about trust alone takes no setting back
            self._configured = configured
        return (self.current, self.workspace_trusted) != before

    def _take_trust(self, said: object) -> None:
        if isinstance(said, bool):
            self.workspace_trusted = said


def nest(given: object) -> Nested:
    """Dotted keys become nested objects, nulls (unset) go, the `copydesk` wrapper is taken off."""
    if not isinstance(given, Mapping):
        return {}
    nested: Nested = {}
    for key, value in cast("Mapping[object, object]", given).items():
        if isinstance(key, str) and value is not None:
            _put(nested, key.split("."), value)
    wrapped = nested.pop(SECTION, None)
    return merge(nested, cast("Nested", wrapped)) if isinstance(wrapped, dict) else nested


def _put(nested: Nested, path: list[str], value: object) -> None:
    for name in path[:-1]:
        below = nested.get(name)
        if not isinstance(below, dict):
            below = nested[name] = {}
        nested = cast("Nested", below)
    leaf = nest_inner(value)
    old = nested.get(path[-1])
    nested[path[-1]] = merge(cast("Nested", old), cast("Nested", leaf)) if _both_objects(old, leaf) else leaf


def nest_inner(value: object) -> object:
    """A value below the top: objects are nested again, everything else is kept as it is."""
    if not isinstance(value, Mapping):
        return value
    inner: Nested = {}
    for key, item in cast("Mapping[object, object]", value).items():
        if isinstance(key, str) and item is not None:
            _put(inner, key.split("."), item)
    return inner


def merge(under: Nested, over: Nested) -> Nested:
    """`over` wins; objects are merged key by key."""
    merged = dict(under)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(cast("Nested", old), cast("Nested", value)) if _both_objects(old, value) else value
    return merged


def _both_objects(one: object, other: object) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)
