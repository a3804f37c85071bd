"""The whole text of refusals and of reasons, for small domains."""

from __future__ import annotations

from tests.slots.worked import Example, answers, build, each_of
from tests.writing import resolved
from virtkit.errors import Refused


@each_of("refusals.txt")
def test_a_refusal_says_what_libvirt_says_and_where(example: Example, release: str) -> None:
    """A refusal has the category and text of libvirt's message, the line and the device, and who has the place."""
    try:
        said = resolved(build(example), release).machine
    except Refused as error:
        said = f"refused: {error}"
    assert [said] == example.expected[release]


@each_of("reasons.txt")
def test_reasons_give_the_values_of_each_decision(example: Example, release: str) -> None:
    """Each decision has its sentence with its own numbers and names, in the order of the steps."""
    assert answers(example, release, reasons) == example.expected[release]


def reasons(xml: bytes, release: str) -> str:
    """The device and sentence of each decision; that an address is written is left out."""
    return "\n".join(f"{one.device}: {one.text}" for one in resolved(xml, release).trace if one.rule != "given")
