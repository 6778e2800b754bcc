"""`@frozen` behaves as `@dataclass(frozen=True, slots=True)` does, wherever we rely on it."""

import copy
import dataclasses
import pickle
from dataclasses import field
from typing import Any

import pytest

from copydesk.domain.frozen import frozen


@frozen
class Mine:
    """A doc."""

    a: int
    b: str = "x"
    c: tuple[int, ...] = ()
    d: dict[str, int] = field(default_factory=dict)

    @property
    def twice(self) -> int:
        return self.a * 2


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    """A doc."""

    a: int
    b: str = "x"
    c: tuple[int, ...] = ()
    d: dict[str, int] = field(default_factory=dict)

    @property
    def twice(self) -> int:
        return self.a * 2


@frozen
class Empty: ...


@frozen
class Counted:
    a: int

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 7


@pytest.mark.parametrize("kind", [Mine, Theirs])
def test_the_two_agree(kind: Any) -> None:
    one = kind(1, c=(2,))
    assert one == kind(1, "x", (2,))
    assert one != kind(2, "x", (2,))
    assert one.__eq__(1) is NotImplemented
    assert repr(one) == f"{kind.__name__}(a=1, b='x', c=(2,), d={{}})"
    assert one.twice == 2
    assert dataclasses.replace(one, b="y") == kind(1, "y", (2,))
    assert [f.name for f in dataclasses.fields(kind)] == ["a", "b", "c", "d"]
    assert dataclasses.asdict(one) == {"a": 1, "b": "x", "c": (2,), "d": {}}
    assert dataclasses.is_dataclass(kind)
    assert copy.copy(one) == copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    assert kind(1).d is not kind(1).d
    assert kind.__doc__ == "A doc."
    assert not hasattr(one, "__dict__")
    match one:
        case kind(a, b):
            assert (a, b) == (1, "x")
        case _:
            pytest.fail("it should match by position")


@pytest.mark.parametrize("kind", [Mine, Theirs])
def test_nothing_can_be_changed(kind: Any) -> None:
    one = kind(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'a'"):
        one.a = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'a'"):
        del one.a
    with pytest.raises(TypeError):
        kind()
    with pytest.raises(TypeError):
        kind(1, e=2)


@frozen
class Secret:
    name: str
    key: str = field(default="", repr=False)
    note: str = field(default="", compare=False)


def test_what_is_not_shown_is_not_shown_and_what_is_not_compared_is_not() -> None:
    assert repr(Secret("a", "k")) == "Secret(name='a', note='')"
    assert Secret("a", "k", "x") == Secret("a", "k", "y")
    assert Secret("a", "k") != Secret("a", "l")


def test_hash_follows_the_fields() -> None:
    assert len({Counted(1), Counted(2)}) == 1
    assert hash(Empty()) == hash(Empty())
    assert Empty() == Empty()
    with pytest.raises(TypeError, match="unhashable"):
        hash(Mine(1))
