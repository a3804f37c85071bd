"""The order in which libosinfo returns the network cards of a guest."""

from __future__ import annotations

import pytest

from virtkit.guests import find
from virtkit.guests.device_order import returned_order

VIRTIO, VIRTIO_1, VSOCK = (f"http://pcisig.com/pci/1af4/{number}" for number in ("1000", "1041", "1053"))
E1000, E1000E = (f"http://pcisig.com/pci/8086/{number}" for number in ("100e", "10d3"))
NE2K = "http://pcisig.com/pci/10ec/8029"


@pytest.mark.parametrize(
    ("added", "returned"),
    [
        ((VIRTIO, VIRTIO_1, E1000E), (E1000E, VIRTIO_1, VIRTIO)),
        ((VIRTIO_1, E1000E, VIRTIO), (E1000E, VIRTIO, VIRTIO_1)),
        ((E1000E, E1000), (E1000, E1000E)),
        ((VIRTIO, E1000, NE2K), (NE2K, E1000, VIRTIO)),
        ((VIRTIO, VIRTIO_1, E1000E, VSOCK), (VSOCK, E1000E, VIRTIO_1, VIRTIO)),
        ((VSOCK, VIRTIO_1, E1000E, VIRTIO), (VIRTIO, E1000E, VIRTIO_1, VSOCK)),
        ((), ()),
    ],
)
def test_order(added: tuple[str, ...], returned: tuple[str, ...]) -> None:
    """The order depends on the hashes of the ids, and on the order of collection where two hashes meet."""
    assert returned_order(added) == returned


@pytest.mark.parametrize(
    ("guest", "nics"),
    [
        ("win10", ("8086/100e", "8086/10d3")),
        ("freebsd12.0", ("10ec/8029", "8086/100e", "1af4/1000")),
        ("rhel9.0", ("1af4/1053", "8086/10d3", "1af4/1041", "1af4/1000")),
        ("winxp", ("8086/100e",)),
        ("rhel3", ()),
    ],
)
def test_shipped_order(guest: str, nics: tuple[str, ...]) -> None:
    """The shipped guests have their network cards in the order that libosinfo 1.10 gives on the same database."""
    assert find(guest).nics == tuple(f"pcisig.com/pci/{nic}" for nic in nics)


def test_many_devices_are_all_returned() -> None:
    """A table of more than seven devices grows, and no device is lost."""
    added = [f"http://pcisig.com/pci/{number:04x}/0001" for number in range(100)]
    assert sorted(returned_order(added)) == sorted(added)
