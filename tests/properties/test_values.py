"""Frozen values that are made quickly are those that their classes make."""

from __future__ import annotations

import copy
from dataclasses import FrozenInstanceError, dataclass, replace

import pytest

from virtkit.values import maker


@dataclass(frozen=True, slots=True)
class Pair:
    """A value with a default."""

    first: int
    second: str = ""


def test_a_made_value_is_one_of_its_class() -> None:
    """It is equal to one that the class makes, has its hash and text, and stays frozen."""
    made = maker(Pair)(1, "a")
    assert type(made) is Pair
    assert made == Pair(1, "a")
    assert hash(made) == hash(Pair(1, "a"))
    assert repr(made) == "Pair(first=1, second='a')"
    with pytest.raises(FrozenInstanceError):
        made.first = 2  # type: ignore[misc]


def test_a_made_value_can_be_copied() -> None:
    """Copies and replacements work as for any other value."""
    made = maker(Pair)(1, "a")
    assert copy.copy(made) == copy.deepcopy(made) == Pair(1, "a")
    assert replace(made, second="b") == Pair(1, "b")


def test_every_field_needs_a_value() -> None:
    """A maker takes no defaults: a field that is added to a class cannot be forgotten where it is made."""
    with pytest.raises(TypeError, match="second"):
        maker(Pair)(1)
