"""What QEMU shows of a virtio PCI device, by the rules that were measured."""

from __future__ import annotations

import pytest

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.host.machine_types import machine_version
from virtkit.virtio.interface import Interface, off_pci, shown, switched
from virtkit.virtio.kinds import driver_name, kinds

NEW, OLD = (11, 1), (7, 2)


@pytest.mark.parametrize(
    ("qemu", "arch", "machine", "kind", "model", "location", "interface", "device_id"),
    [
        (NEW, "x86_64", "q35", "net", "virtio", "pcie-port", "modern", "1041"),
        (NEW, "x86_64", "q35", "net", "virtio", "pcie-root", "transitional", "1000"),
        (NEW, "x86_64", "pc", "blk", "virtio", "conventional-root", "transitional", "1001"),
        (NEW, "x86_64", "q35", "blk", "virtio-transitional", "pcie-port", "transitional", "1001"),
        (NEW, "x86_64", "pc", "blk", "virtio-non-transitional", "conventional", "modern", "1042"),
        (OLD, "x86_64", "pc-i440fx-2.6", "net", "virtio", "conventional-root", "legacy", "1000"),
        (OLD, "x86_64", "pc-i440fx-1.4", "net", "virtio-transitional", "conventional-root", "transitional", "1000"),
        (OLD, "x86_64", "pc-q35-2.7", "net", "virtio", "pcie-port", "modern", "1041"),
        (OLD, "x86_64", "pc-q35-2.6", "keyboard", "virtio", "pcie-port", "modern", "1052"),
        (OLD, "x86_64", "pc-q35-5.0", "vsock", "virtio", "pcie-root", "transitional", "1012"),
        (OLD, "x86_64", "pc-q35-5.1", "vsock", "virtio", "pcie-root", "modern", "1053"),
        (OLD, "x86_64", "pc-q35-5.0", "vsock", "virtio", "pcie-port", "modern", "1053"),
        (NEW, "s390x", "s390-ccw-virtio-11.0", "net", "virtio", "conventional-root", "transitional", "1000"),
        (NEW, "s390x", "s390-ccw-virtio-11.1", "net", "virtio", "conventional-root", "modern", "1041"),
        (NEW, "riscv64", "virt", "iommu", "virtio", "pcie-root", "modern", "1057"),
        (NEW, "i686", "pc", "vdpa", "virtio", "conventional-root", "transitional", "1000"),
    ],
)  # fmt: skip
def test_a_device_shows_the_measured_interface(
    qemu: tuple[int, int], arch: str, machine: str, kind: str, model: str, location: str, interface: str, device_id: str
) -> None:
    """Machine version, slot and model decide, and nothing else."""
    found = shown(qemu, arch, machine, kind, model, location)
    assert (found.interface, found.device_id, found.reason) == (interface, device_id, "")
    assert found.source


@pytest.mark.parametrize(
    ("qemu", "arch", "machine", "kind", "model", "location", "reason"),
    [
        (NEW, "x86_64", "q35", "keyboard", "virtio-transitional", "pcie-port", "no-driver"),
        (NEW, "aarch64", "virt", "vga", "virtio", "pcie-root", "no-driver"),
        (OLD, "x86_64", "q35", "sound", "virtio", "pcie-port", "no-driver"),
        (NEW, "x86_64", "q35", "iommu", "virtio", "pcie-port", "root-bus-only"),
        (OLD, "riscv64", "virt", "iommu", "virtio", "pcie-root", "no-hotplug-handler"),
        (OLD, "aarch64", "sbsa-ref", "iommu", "virtio", "pcie-root", "no-hotplug-handler"),
        (NEW, "ppc64", "mac99", "iommu", "virtio", "conventional-bridge", "no-hotplug-handler"),
        (NEW, "x86_64", "microvm", "iommu", "virtio", "pcie-port", "no-hotplug-handler"),
        (OLD, "x86_64", "pc-i440fx-2.4", "blk", "virtio-transitional", "conventional-root", "blk-scsi-on"),
        (OLD, "s390x", "s390-ccw-virtio-7.1", "rng", "virtio", "conventional-root", "msix-required"),
        (OLD, "s390x", "s390-ccw-virtio-7.2", "balloon", "virtio", "conventional-root", "msix-required"),
        (NEW, "s390x", "s390-ccw-virtio-9.2", "balloon", "virtio", "conventional-root", "msix-required"),
        (OLD, "x86_64", "pc-i440fx-2.0", "mem", "virtio", "conventional-root", "no-memory-devices"),
        (NEW, "x86_64", "isapc", "net", "virtio", "conventional-root", "no-pci-bus"),
    ],
)
def test_a_refusal_has_its_reason_and_qemu_s_text(
    qemu: tuple[int, int], arch: str, machine: str, kind: str, model: str, location: str, reason: str
) -> None:
    """A refused device shows no interface and no id, and the message is QEMU's."""
    found = shown(qemu, arch, machine, kind, model, location)
    assert (found.interface, found.device_id, found.reason) == (None, "", reason)
    assert found.message
    assert "{" not in found.message


def test_newer_machine_types_and_qemus_lift_refusals() -> None:
    """balloon on s390x PCI is taken from machine type 10.0 on, blk -transitional on 2.5."""
    accepted = [
        shown(NEW, "s390x", "s390-ccw-virtio-10.0", "balloon", "virtio", "conventional-root"),
        shown(OLD, "x86_64", "pc-i440fx-2.5", "blk", "virtio-transitional", "conventional-root"),
        shown((10, 0), "x86_64", "pc-i440fx-2.4", "blk", "virtio-transitional", "conventional-root"),
    ]
    assert [found.reason for found in accepted] == ["", "", ""]


def test_an_iommu_needs_a_machine_that_takes_one() -> None:
    """pc, q35, virt and pseries do, also by a name that no emulator resolves."""
    for release, machine, location in (
        (NEW, "pc-i440fx-11.1", "conventional-root"), (NEW, "q35", "pcie-root"), ((99, 0), "q35", "pcie-root"),
        ((99, 0), "pc", "conventional-root"), (OLD, "pc-q35-2.4", "pcie-root"),
    ):  # fmt: skip
        assert shown(release, "x86_64", machine, "iommu", "virtio", location).interface is Interface.MODERN
    assert shown(OLD, "ppc64", "pseries-2.1", "iommu", "virtio", "conventional-root").interface is Interface.MODERN


def test_conventional_stands_for_both_conventional_places() -> None:
    """The class of slots without more detail is answered as the root bus, where both agree but for iommu."""
    one = shown(NEW, "x86_64", "pc", "net", "virtio", "conventional")
    assert one == shown(NEW, "x86_64", "pc", "net", "virtio", "conventional-bridge")


def test_every_kind_is_answered_in_every_place() -> None:
    """No combination falls through the rules, with or without knowledge of the emulator."""
    for kind in kinds():
        for model in ("virtio", "virtio-transitional", "virtio-non-transitional"):
            for location in ("conventional-root", "conventional-bridge", "pcie-root", "pcie-port"):
                for machine in ("pc-i440fx-2.6", "pc-q35-9.0", "unheard-of"):
                    found = shown((99, 0), "x86_64", machine, kind, model, location)
                    assert (found.interface is None) == bool(found.reason)
                    assert bool(found.device_id) == (found.interface is not None)


@pytest.mark.parametrize(
    ("kind", "model", "location"),
    [("nic", "virtio", "pcie-port"), ("net", "Virtio", "pcie-port"), ("net", "virtio", "slot 3")],
)
def test_a_word_that_is_no_key_is_refused_with_the_right_ones(kind: str, model: str, location: str) -> None:
    """A misspelt kind, model or location is not answered by chance."""
    with pytest.raises(UsageError, match="known: "):
        shown(NEW, "x86_64", "q35", kind, model, location)


def test_machine_names_part_into_family_and_version() -> None:
    """Versioned families are distinguished from machine types that QEMU does not version."""
    names = ["pc-q35-4.0.1", "pseries-2.12-sxxm", "s390-ccw-virtio-11.1", "virt-11.1", "virt", "isapc"]
    assert [machine_version(name) for name in names] == [
        ("pc-q35", (4, 0)), ("pseries", (2, 12)), ("s390-ccw-virtio", (11, 1)), ("virt", (11, 1)),
        ("virt", None), ("isapc", None),
    ]  # fmt: skip


def test_explicit_switches() -> None:
    """disable-legacy and disable-modern decide alone; both on is refused."""
    assert [switched("net", *pair) for pair in ((False, False), (True, False), (False, True), (True, True))] == [
        Interface.TRANSITIONAL, Interface.MODERN, Interface.LEGACY, None,
    ]  # fmt: skip
    assert switched("gpu", False, True) is Interface.MODERN


def test_off_pci() -> None:
    """ccw serves old and new guests from 2.5 on; virtio-mmio stays with the legacy layout; other buses take none."""
    assert off_pci("ccw", "s390-ccw-virtio-2.4", "net").interface is Interface.LEGACY
    assert off_pci("ccw", "s390-ccw-virtio-11.1", "net").interface is Interface.TRANSITIONAL
    assert off_pci("ccw", "s390-ccw-virtio-11.1", "gpu").interface is Interface.MODERN
    assert off_pci("virtio-mmio", "virt", "net").interface is Interface.LEGACY
    refused = off_pci("spapr-vio", "pseries", "net")
    assert (refused.interface, refused.reason) == (None, "no-virtio-bus")
    assert "got 'spapr-vio'" in refused.message


def test_driver_names() -> None:
    """The driver follows from kind and model; vga has no transport suffix."""
    assert driver_name("net", "virtio-transitional") == "virtio-net-pci-transitional"
    assert driver_name("vga", "virtio") == "virtio-vga"
    assert driver_name("fs", "virtio") == "vhost-user-fs-pci"


def test_every_row_has_a_source_and_known_words() -> None:
    """The tables name only kinds, models and places that exist, and say where each row is from."""
    known = set(kinds())
    for row in facts.table("qemu/interface-refusals.csv"):
        assert row["source"]
        assert row["message"]
        assert set(row["kinds"].replace("*", "").split()) <= known
    classes = {kind.kind_class for kind in kinds().values()}
    for row in facts.table("qemu/interface-rules.csv"):
        assert row["source"]
        assert row["class"] in classes
        assert row["interface"] in set(Interface)
    for kind in kinds().values():
        assert kind.source
        assert int(kind.modern_id, 16) >= 0x1040
        assert bool(kind.legacy_id) == (kind.kind_class != "modern-only")
