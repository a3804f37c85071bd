"""Every address that libvirt gives: worked examples of each bus, compared with what libvirt was observed to do."""

from __future__ import annotations

import pytest

from tests.slots.worked import Example, answers, each_of, examples
from tests.writing import NO_USB, domain, places, resolved


def observed(xml: bytes, release: str) -> str:
    """The addresses of a domain."""
    return places(resolved(xml, release).xml())


@each_of("slots/pci.txt")
def test_pci_slots(example: Example, release: str) -> None:
    """Root ports, bridges, host bridges, chipset places and user addresses are those of libvirt."""
    assert answers(example, release, observed) == example.expected[release]


@each_of("slots/transports.txt")
def test_other_transports(example: Example, release: str) -> None:
    """ccw device numbers, zPCI ids, spapr-vio registers and virtio-mmio are those of libvirt."""
    assert answers(example, release, observed) == example.expected[release]


@each_of("slots/drives.txt")
def test_drives_and_memory_slots(example: Example, release: str) -> None:
    """Places on ide, sata, scsi, fdc and nvme, and dimm slots, are those of libvirt."""
    assert answers(example, release, observed) == example.expected[release]


@each_of("slots/ports.txt")
def test_ports(example: Example, release: str) -> None:
    """USB hubs and ports, virtio-serial ports and card reader slots are those of libvirt."""
    assert answers(example, release, observed) == example.expected[release]


@pytest.mark.parametrize("name", ["slots/pci.txt", "slots/transports.txt", "slots/drives.txt", "slots/ports.txt"])
def test_an_example_is_whole(name: str) -> None:
    """No title stands twice for one release, and every release has an expectation."""
    titles = [(one.title, release) for one in examples(name) for release in one.expected]
    assert len(set(titles)) == len(titles)
    assert all(lines for one in examples(name) for lines in one.expected.values())


@pytest.mark.parametrize(
    ("devices", "ports"),
    [
        (NO_USB, []),
        ("", [(2, 0)]),
        ("<hub type='usb'/><input type='tablet' bus='usb'/>", [(8, 2)]),
    ],
)
def test_free_usb_ports_are_counted(devices: str, ports: list[tuple[int, int]]) -> None:
    """A controller without its own number of ports has 2 and a hub 8; model none has none."""
    headroom = resolved(domain(devices, "pc")).topology.headroom
    assert [(one.free, one.used) for one in headroom if one.kind == "usb"] == ports
