"""`@frozen`: a frozen, slotted dataclass that costs a fifth of `dataclasses`' own to define.

A cold `copydesk run` defines over a hundred data classes before its first request, and `@dataclass(frozen=True,
slots=True)` takes about a millisecond for each: it compiles seven methods. Here only `__init__` is compiled; the rest
is shared. `dataclasses.replace`, `fields`, `is_dataclass`, pattern matching, copying and pickling work as usual.

Limits, on purpose: no inheritance of fields, no `InitVar`, `ClassVar`, `kw_only` or `__post_init__`.
"""

import dataclasses
import inspect
from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, cast, dataclass_transform

T = TypeVar("T")
_PLAIN_FIELD: Any = dataclasses._FIELD  # type: ignore[attr-defined]  # pyright: ignore  the mark `fields` looks for
_GIVEN = object()


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: type[T]) -> type[T]:
    """Makes `cls` a frozen, slotted dataclass, compared, hashed and shown by its fields."""
    fields = _fields_of(cls)
    names = tuple(fields)
    namespace = {name: value for name, value in cls.__dict__.items() if name not in (*names, "__dict__", "__weakref__")}
    namespace |= {
        "__slots__": names,
        "__match_args__": names,
        "__dataclass_fields__": fields,
        "__init__": _compiled_init(cls, fields),
        "__setattr__": _refuse_set,
        "__delattr__": _refuse_delete,
        "__getstate__": _get_state,
        "__setstate__": _set_state,
    }
    namespace |= {name: method for name, method in _comparison(fields).items() if name not in cls.__dict__}
    namespace.setdefault("__repr__", _shown)
    made = cast("type[T]", type(cls)(cls.__name__, cls.__bases__, namespace))
    made.__qualname__ = cls.__qualname__
    return made


def _fields_of(cls: type) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, annotation in inspect.get_annotations(cls).items():
        given: Any = cls.__dict__.get(name, dataclasses.MISSING)
        is_field = isinstance(given, dataclasses.Field)
        field: Any = cast("Any", given) if is_field else dataclasses.field(default=given)
        field.name, field.type, field.kw_only, field._field_type = name, annotation, False, _PLAIN_FIELD
        fields[name] = field
    return fields


def _compiled_init(cls: type, fields: dict[str, Any]) -> Callable[..., None]:
    names: dict[str, Any] = {"_set": object.__setattr__, "_GIVEN": _GIVEN}
    parameters, body = ["self"], ["pass"]
    for name, field in fields.items():
        value = name
        if field.default is not dataclasses.MISSING:
            names[f"_default_{name}"] = field.default
            parameters.append(f"{name}=_default_{name}")
        elif field.default_factory is not dataclasses.MISSING:
            names[f"_make_{name}"] = field.default_factory
            parameters.append(f"{name}=_GIVEN")
            value = f"_make_{name}() if {name} is _GIVEN else {name}"
        else:
            parameters.append(name)
        body.append(f"_set(self, {name!r}, {value})")
    exec(f"def __init__({', '.join(parameters)}): {'; '.join(body)}", names)
    made = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _comparison(fields: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    names = tuple(name for name, field in fields.items() if field.compare)
    key: Callable[[object], object] = attrgetter(*names) if names else lambda _: ()

    def equal(self: object, other: object) -> bool:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: object) -> int:
        return hash(key(self))

    return {"__eq__": equal, "__hash__": hashed}


def _shown(self: Any) -> str:
    names = (name for name, field in self.__dataclass_fields__.items() if field.repr)
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


def _refuse_set(self: object, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _get_state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__slots__]


def _set_state(self: Any, state: list[Any]) -> None:
    for name, value in zip(self.__slots__, state, strict=True):
        object.__setattr__(self, name, value)
