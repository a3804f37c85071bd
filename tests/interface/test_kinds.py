"""The table of virtio kinds: whole, sourced, and of one mind with the device classes and the guest OS database."""

from __future__ import annotations

from collections import Counter

import pytest

from virtkit import facts
from virtkit.domain.device_classes import DEVICE_CLASSES
from virtkit.errors import FactsError
from virtkit.guests.kinds import database_kind
from virtkit.guests.kinds import kinds as database_kinds
from virtkit.virtio import kinds as module
from virtkit.virtio.kinds import kinds, listed_devices

ROWS = facts.table("virtio/kinds.csv")


def test_every_row_has_its_sources() -> None:
    """QEMU's always; libvirt's where domain XML has such a device, osinfo-db's where the row describes a kind of it."""
    for row in ROWS:
        assert row["source"].startswith("qemu-system-"), row
        assert row["devices_source"].startswith("observed: libvirt ") == bool(row["devices"]), row
        assert row["guest_source"].startswith("osinfo-db ") == bool(row["title"]), row
        assert {row["transitional"], row["non_transitional"]} <= {"yes", "no"}, row


def test_every_kind_has_one_row() -> None:
    """No kind is described twice, and no kind of the guest OS database has two titles."""
    assert len(kinds()) == len(ROWS)
    titled = Counter(row["guest"] for row in ROWS if row["title"])
    assert set(titled.values()) == {1}
    assert {row["guest"] for row in ROWS if row["guest"]} == set(titled) == set(database_kinds())


def test_kinds_share_an_id_with_their_kind_in_the_database() -> None:
    """The database knows a device by its PCI id, so both halves of a row speak of one id."""
    for kind in kinds().values():
        if kind.guest:
            assert kind.modern_id == database_kinds()[database_kind(kind.name)].modern


def test_devices_of_domain_xml_have_the_drivers_that_libvirt_names() -> None:
    """The plain driver of the kind, the OpenGL one of a video, and virtio-iommu without an ending."""
    assert listed_devices()["disk", "vhostuser"].driver == "vhost-user-blk-pci"
    assert listed_devices()["video", "virtio-gpu-gl"].driver == "virtio-gpu-gl-pci"
    assert listed_devices()["iommu", "virtio"] == module.ListedDevice("iommu", "virtio-iommu")
    assert {element for element, _ in listed_devices()} == {one.element for one in DEVICE_CLASSES if one.virtio}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((*ROWS, {**ROWS[0], "kind": "net2"}), "kind net2: interface:virtio is listed twice"),
        (tuple(row for row in ROWS if row["kind"] != "rng"), "no row has rng:VARIANT among its devices"),
        (
            tuple(row for row in ROWS if row["kind"] not in ("rng", "balloon")),
            "no row has memballoon:VARIANT or rng:VARIANT among its devices, but domain/device_classes.py declares",
        ),
        ((*ROWS, {**ROWS[0], "kind": "new", "devices": "blinker:virtio"}), "with virtio= has the element blinker"),
    ],
)
def test_a_table_that_does_not_fit_the_device_classes_is_refused(
    rows: tuple[dict[str, str], ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kind that is forgotten on either side is an error of the facts, not a device that silently disappears."""
    monkeypatch.setattr(facts, "table", lambda name: rows)
    with pytest.raises(FactsError, match=message):
        listed_devices.__wrapped__()
