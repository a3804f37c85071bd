"""What libvirt adds to a domain and fills in, on every machine family, compared with what it was observed to do."""

from __future__ import annotations

import pytest

from tests.slots.worked import Example, answers, each_of, kinds
from tests.writing import NEW, OLD, domain, resolved
from virtkit.errors import Unsupported


@each_of("defaults.txt")
def test_defaults(example: Example, release: str) -> None:
    """The devices of a machine, implied controllers and default models are those of libvirt."""
    found = answers(example, release, lambda xml, at: kinds(resolved(xml, at).xml()))
    assert found == example.expected[release]


def test_an_alias_becomes_the_machine_it_stands_for() -> None:
    """As each release's QEMU has it."""
    assert resolved(domain(machine="q35"), NEW).machine == "pc-q35-11.1"
    assert resolved(domain(machine="q35"), OLD).machine == "pc-q35-7.2"
    assert "machine='pc-q35-11.1'" in resolved(domain(machine="q35")).xml()


def test_a_machine_that_qemu_dropped_is_refused_with_the_nearest() -> None:
    """QEMU 11.1 has no pc-q35-2.6 any more."""
    assert resolved(domain(machine="pc-q35-2.6"), OLD).family == "q35"
    with pytest.raises(Unsupported, match=r"does not support machine type 'pc-q35-2\.6'; nearest known: pc-q35-"):
        resolved(domain(machine="pc-q35-2.6"), NEW)


def test_a_domain_without_architecture_is_x86_64() -> None:
    """And the result says so."""
    data = domain().replace(b" arch='x86_64'", b"")
    assert "<type machine='pc-q35-11.1' arch='x86_64'>" in resolved(data).xml()
