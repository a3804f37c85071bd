"""A list whose end was lost is reported, and its whole machines are read."""

from __future__ import annotations

import pytest

from tests.readers.kubevirt.machines import instance, parts
from virtkit.readers.contract import FoundDomain, NotRead
from virtkit.readers.kubevirt.portions import portions

ITEMS = ["- " + "\n  ".join(instance(name=f"vm{number}").splitlines()) + "\n" for number in range(3)]
WHOLE = f"apiVersion: v1\nitems:\n{''.join(ITEMS)}kind: List\nmetadata:\n  resourceVersion: ''\n"


def problems(text: str) -> list[str]:
    """The errors of an input."""
    return [str(part.error) for part in parts(text.encode()) if isinstance(part, NotRead)]


def test_a_whole_list_has_no_problem() -> None:
    """The list as kubectl writes it is read without an error."""
    assert problems(WHOLE) == []


@pytest.mark.parametrize("end", ["kind: List", ITEMS[2]], ids=["kind", "item"])
def test_a_list_without_its_kind_is_reported(end: str) -> None:
    """A list cut between two items has no kind; the machines before the cut are there."""
    text = WHOLE[: WHOLE.index(end)]
    [said] = problems(text)
    assert "1: the list has no kind, expected kind: List; is the end of the input missing?" in said
    names = [part.name for part in parts(text.encode()) if isinstance(part, FoundDomain)]
    assert names == [f"default.vm{number}" for number in range(3 if end != ITEMS[2] else 2)]


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("- apiVersion: kubevirt.\n", "an item of a list has no metadata.name"),
        ("- apiVersion: kubevirt.io/v1\n  kind: VirtualMachineInst\n", "a VirtualMachineInst in a list has no"),
        ("- apiV\n", "an item of the list is 'apiV', expected an object"),
    ],
)
def test_a_cut_item_is_reported(rest: str, said: str) -> None:
    """An item that was cut before its name is an error and no other kind of object that may be left out."""
    [found] = problems(f"apiVersion: v1\nkind: List\nitems:\n{ITEMS[0]}{rest}")
    assert said in found
    assert found.endswith("is the end of the input missing?")


def test_other_lists_are_no_objects() -> None:
    """A text that has items, but is no Kubernetes object, is left out without an error."""
    assert problems("items:\n- one\n- two\n") == []


def test_a_list_without_its_end_is_not_cut() -> None:
    """Only a list that has its kind is read in portions, so that one report speaks of the end."""
    assert len(list(portions(WHOLE.encode(), 300))) > 1
    assert len(list(portions(WHOLE[: WHOLE.index("kind: List")].encode(), 300))) == 1
