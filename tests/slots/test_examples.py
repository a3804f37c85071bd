"""Every address that libvirt gives: worked examples of each bus, compared with what libvirt was observed to do."""

from __future__ import annotations

import pytest

from tests.slots.worked import Example, build, examples
from tests.writing import places, resolved
from virtkit.errors import Refused


def check(example: Example, release: str) -> None:
    """Compare the places, or the meaning of the refusal."""
    expected = example.expected[release]
    if expected[0].startswith("refused: "):
        with pytest.raises(Refused) as caught:
            resolved(build(example), release)
        assert expected[0].removeprefix("refused: ") in str(caught.value)
    else:
        assert places(resolved(build(example), release).xml()).splitlines() == expected


@pytest.mark.parametrize(("example", "release"), examples("slots/pci.txt"))
def test_pci_slots(example: Example, release: str) -> None:
    """Root ports, bridges, host bridges, chipset places, user addresses."""
    check(example, release)


@pytest.mark.parametrize(("example", "release"), examples("slots/transports.txt"))
def test_other_transports(example: Example, release: str) -> None:
    """ccw device numbers, zPCI ids, spapr-vio registers, virtio-mmio."""
    check(example, release)


@pytest.mark.parametrize(("example", "release"), examples("slots/drives.txt"))
def test_drives_and_memory_slots(example: Example, release: str) -> None:
    """ide, sata, scsi, fdc and nvme places; dimm slots."""
    check(example, release)


@pytest.mark.parametrize(("example", "release"), examples("slots/ports.txt"))
def test_ports(example: Example, release: str) -> None:
    """usb hubs and ports, virtio-serial ports, card reader slots."""
    check(example, release)


@pytest.mark.parametrize("name", ["pci", "transports", "drives", "ports"])
def test_examples_tell_their_source(name: str) -> None:
    """And none stands there twice, or without an expectation."""
    found = examples(f"slots/{name}.txt")
    assert len({str(one.id) for one in found}) == len(found)  # type: ignore[attr-defined]
    assert all(one.values[0].expected[one.values[1]] for one in found)  # type: ignore[attr-defined]
