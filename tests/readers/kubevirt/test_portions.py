"""Long lists are read in portions that give the same machines on the same lines."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import yaml

from tests.readers.kubevirt.machines import instance, parts
from virtkit.readers import portions as portions_of
from virtkit.readers.contract import FoundDomain, NotRead
from virtkit.readers.kubevirt.portions import portions

HEAD = "apiVersion: v1\nitems:\n"


def listed(count: int, more: str = "") -> str:
    """A list as kubectl prints it; each third machine has an error."""
    items = []
    for number in range(count):
        text = instance(name=f"vm{number}") if number % 3 else instance("diskz: []", name=f"vm{number}")
        items.append("- " + "\n  ".join(text.splitlines()) + "\n")
    return f"{HEAD}{''.join(items)}kind: List\nmetadata:\n  resourceVersion: ''\n{more}"


def as_json(text: str) -> str:
    """The list as kubectl prints it in JSON."""
    return json.dumps(yaml.safe_load(text), indent=4) + "\n"


def answers(texts: list[bytes]) -> list[tuple[str, str]]:
    """The name of each machine, with its error or the line of its first disk."""
    found = []
    for text in texts:
        for part in parts(text):
            if isinstance(part, FoundDomain):
                [disk] = part.document.root.iterfind("devices/disk")
                found.append((part.name, str(disk.sourceline)))
            elif isinstance(part, NotRead):
                found.append((part.name, str(part.error)))
    return found


@pytest.mark.parametrize("form", [str, as_json])
def test_portions_give_what_the_whole_gives(form: Callable[[str], str]) -> None:
    """Names, errors and lines are those of the whole list, in the same order."""
    whole = form(listed(20)).encode()
    some = list(portions(whole, 1000))
    assert len(some) > 3
    assert answers(some) == answers([whole])
    assert len(answers(some)) == 20


@pytest.mark.parametrize(
    "text",
    [
        listed(20).replace("name: vm1\n", "name: &a vm1\n", 1),
        listed(20, "---\nkind: VirtualMachineClusterInstancetype\n"),
        "\n" + listed(20),
        "{" + " " * 5000 + "}",
    ],
)
def test_what_belongs_together_is_not_divided(text: str) -> None:
    """A list with aliases, with other documents or in another form stays whole."""
    assert list(portions(text.encode(), 1000)) == [text.encode()]


def test_other_formats_are_not_divided() -> None:
    """Long domain XML and unknown text are one portion."""
    for text in (b"<domain>" + b" " * 5000, b"nothing " * 1000):
        assert list(portions_of(text, "in", 1000)) == [text]
