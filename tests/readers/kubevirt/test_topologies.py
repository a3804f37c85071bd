"""The PCI topologies of KubeVirt releases: where devices are, and how many ports are kept free."""

from __future__ import annotations

import pytest

from tests.readers.kubevirt.machines import DISK, NET, found, instance, places, ports, problem
from virtkit.errors import UsageError
from virtkit.readers.kubevirt.releases import topology_of_release


@pytest.mark.parametrize(
    ("release", "topology"),
    [
        ("0.59", "v1"), ("1.5", "v1"), ("1.6.0", "v2"), ("1.6.3", "v2"), ("1.6.4", "v3"), ("1.7.0", "v2"),
        ("v1.7.1", "v2"), ("1.7.2", "v3"), ("1.8.0", "v3"), ("1.9.0-rc.2", "v3"), ("1.9", "v3"),
    ],
)  # fmt: skip
def test_a_release_has_a_topology(release: str, topology: str) -> None:
    """The patch level decides between v2 and v3."""
    assert topology_of_release(release)[0] == topology


@pytest.mark.parametrize(("release", "first"), [("1.6", "1.6.4"), ("1.7", "1.7.2")])
def test_a_release_without_patch_level_is_its_newest(release: str, first: str) -> None:
    """A bare 1.6 or 1.7 means its newest patch release, and a note says so."""
    topology, notes = topology_of_release(release)
    assert topology == "v3"
    assert notes[0].startswith(f"KubeVirt {release} is taken as its newest patch release")
    assert first in notes[0]


@pytest.mark.parametrize("text", ["", "1", "new", "1.6.3.4", "1.6.x"])
def test_no_release_is_refused(text: str) -> None:
    """What is no release is refused with an example."""
    with pytest.raises(UsageError, match=r"--kubevirt: expected a release such as 1\.9 or 1\.6\.3, got"):
        topology_of_release(text)


def test_a_large_machine_moves_from_v2_to_v3() -> None:
    """Above 2 GiB, v2 places the disk behind ten free ports and v3 behind three; the NIC stays."""
    large = instance(memory="4Gi")
    assert places(large, kubevirt="1.6.3")["disk vda"] == "0e"
    assert places(large, kubevirt="1.6.4")["disk vda"] == "07"
    assert places(large, topology="v1")["disk vda"] == "07"
    assert {places(large, topology=one)["interface 0"] for one in ("v1", "v2", "v3")} == {"01"}
    assert [ports(large, topology=one) for one in ("v1", "v2", "v3")] == [9, 16, 16]


def test_2_gib_is_small() -> None:
    """Exactly 2 GiB counts as small, and one byte more as large."""
    assert places(instance(memory="2Gi"), topology="v2") == places(instance(memory="1Gi"), topology="v2")
    assert places(instance(memory="2147483649"), topology="v2") == places(instance(memory="4Gi"), topology="v2")


def test_the_slot_count_keeps_the_places_of_v2() -> None:
    """Under v3, the annotation with the number of v2 gives every device its place of v2."""
    kept = instance(memory="4Gi", annotations="kubevirt.io/pci-interface-slot-count: '11'")
    assert places(kept) == places(instance(memory="4Gi"), topology="v2")


def test_the_version_annotation_alone_changes_nothing() -> None:
    """A version without a slot count has no effect."""
    marked = instance(memory="4Gi", annotations="kubevirt.io/pci-topology-version: v2")
    assert places(marked) == places(instance(memory="4Gi"))


def test_a_slot_count_that_is_no_number_is_refused() -> None:
    """The error names the annotation and its line."""
    text = instance(annotations="kubevirt.io/pci-interface-slot-count: many")
    assert problem(text).startswith("in.yaml:5: annotation kubevirt.io/pci-interface-slot-count: expected a whole")


def test_without_a_nic_no_placeholder_is_added_under_v1() -> None:
    """v1 adds no placeholder to a machine without interfaces; v2 does."""
    bare = instance(f"{DISK}\nautoattachPodInterface: false")
    assert (places(bare, topology="v1")["disk vda"], places(bare, topology="v2")["disk vda"]) == ("03", "06")


def test_vsock_moves_to_the_first_placeholder() -> None:
    """KubeVirt loses the address of vsock when it reads the domain back, so libvirt uses the lowest free port."""
    assert places(instance(f"{DISK}\n{NET}\nautoattachVSOCK: true"))["vsock virtio-non-transitional"] == "02"


def test_transitional_devices_take_no_ports() -> None:
    """With useVirtioTransitional, devices and placeholders share one pcie-to-pci-bridge."""
    text = instance(f"{DISK}\n{NET}\nuseVirtioTransitional: true")
    assert set(places(text).values()) == {"01", "02"}


def test_the_root_complex_takes_devices_without_ports() -> None:
    """The annotation places each device in a slot of bus 0, and "usb none" leaves a hole."""
    text = instance(annotations="kubevirt.io/placePCIDevicesOnRootComplex: 'true'")
    root = found(text).document.root
    assert [one.get("slot") for one in root.iterfind("devices/*/address[@type='pci']")][:2] == ["0x02", "0x03"]
    assert places(text) == {}


def test_a_machine_with_all_ports_taken_gets_no_more() -> None:
    """Ports are added up to index 31."""
    disks = ", ".join(f"{{name: d{n}, disk: {{bus: virtio}}}}" for n in range(24))
    volumes = ", ".join(f"{{name: d{n}, emptyDisk: {{capacity: 1Gi}}}}" for n in range(24))
    text = instance(f"disks: [{disks}]\n{NET}", memory="4Gi", spec=f"volumes: [{volumes}]")
    assert ports(text) <= 32
