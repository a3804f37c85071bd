"""How many devices more a domain takes."""

from __future__ import annotations

import pytest

from tests.hotplug.plugging import domain, plug, q35, session
from tests.writing import NEW, host
from virtkit import facts, read, resolve
from virtkit.hotplug.capacity import KINDS, capacity
from virtkit.hotplug.maintenance import maintain
from virtkit.inputs import sources_below

pytestmark = pytest.mark.slow

DOMAINS = {
    "q35": q35(5, "<controller type='virtio-serial'/>"),
    "q35 with a bridge": q35(3, "<controller type='pci' model='pcie-to-pci-bridge'/>"),
    "pc": domain(machine="pc"),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_capacity_equals_counting_real_attaches(name: str) -> None:
    """The number of each kind is the number of devices that are taken one after another."""
    rooms = capacity(resolve(read(DOMAINS[name].encode()), host(NEW))).rooms
    for room, (_, form, value) in zip(rooms, KINDS, strict=True):
        found = session(DOMAINS[name])
        count = 0
        while count < 300 and plug(found, f"{form}:{value}" if value else form).ok:
            count += 1
        assert room.count == count or room.capped


def test_counting_leaves_the_domain_as_it_is() -> None:
    """Counting twice gives the same answer, because it works on copies."""
    resolved = resolve(read(DOMAINS["q35"].encode()), host(NEW))
    assert capacity(resolved) == capacity(resolved)


def test_spare_ports_are_what_is_missing() -> None:
    """The ports to ask for are the wanted devices less the free ports."""
    found = capacity(resolve(read(DOMAINS["q35"].encode()), host(NEW)))
    assert found.express is not None
    assert found.spare_ports(found.express) == 0
    assert found.spare_ports(found.express + 3) == 3


def test_counting_stops_at_its_most() -> None:
    """A kind that never runs out is counted up to the limit and marked as capped."""
    (room, *_) = capacity(resolve(read(DOMAINS["pc"].encode()), host(NEW)), most=3).rooms
    assert (room.count, room.capped) == (3, True)


def test_a_folder_of_domains_is_answered_as_one_domain_is() -> None:
    """The rows of each domain are those of its own capacity, and a refusal names its side."""
    found = maintain(sources_below(facts.path("domains")), ["disk", "sound"], "live")
    assert found.rejected == []
    for row in found.steps:
        assert row["taken"] is not (row["device"] == "sound") or row["error"]
        assert row["taken"] or row["side"] == "live"
    rooms = {row["kind"]: row["count"] for row in found.rooms if row["file"].startswith("30-disks-q35")}
    alone = capacity(resolve(read(facts.path("domains") / "30-disks-q35.xml")))
    assert rooms == {room.kind: room.count for room in alone.rooms}
    assert found.domains == len({row["file"] for row in found.steps})
