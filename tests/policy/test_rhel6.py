"""The table of RHEL 6: what the public virtio-transitional tests of tp-libvirt expect, cell by cell."""

from __future__ import annotations

import pytest

import virtkit as vk
from virtkit import facts
from virtkit.compat.verdict import Verdict
from virtkit.errors import Refused

PLAIN = "bus='virtio'"


def _domain(machine: str, disk: str, extra: str = "", arch: str = "x86_64") -> bytes:
    return (
        "<domain type='kvm'><name>rhel6</name><memory unit='MiB'>1024</memory>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os><devices>{extra}{disk}"
        "<memballoon model='none'/></devices></domain>"
    ).encode()


def _disk(model: str, bus: str = "virtio") -> str:
    written = f" model='{model}'" if model else ""
    target = "vda" if bus == "virtio" else "sda"
    return f"<disk type='file' device='disk'{written}><source file='/d'/><target dev='{target}' bus='{bus}'/></disk>"


@pytest.mark.parametrize(
    ("machine", "model", "place", "boots"),
    [
        ("pc", "", "conventional-root", True),
        ("pc", "virtio-transitional", "conventional-root", True),
        ("q35", "virtio-transitional", "conventional-bridge", True),
        ("q35", "", "pcie-port", False),
        ("pc", "virtio-non-transitional", "conventional-root", False),
        ("q35", "virtio-non-transitional", "pcie-port", False),
    ],
)
def test_automatic_placement(machine: str, model: str, place: str, boots: bool) -> None:
    """Where libvirt puts the disk by itself, and whether RHEL 6 boots from it."""
    seen = vk.check(vk.resolve(vk.read(_domain(machine, _disk(model)))), "rhel6.10")
    (disk,) = [finding for finding in seen.findings if finding.kind == "block"]
    assert disk.location == place
    assert disk.verdict is (Verdict.WORKS if boots else Verdict.FAILS)
    assert disk.better == ("" if boots else "virtio-transitional" if machine == "q35" else disk.better)


def test_plain_virtio_on_a_bridge_that_is_there() -> None:
    """On q35 plain virtio boots behind a pcie-to-pci-bridge that the domain has."""
    seen = vk.check(vk.resolve(vk.read(facts.path("domains/rhel6-q35-existing-bridge.xml"))))
    disks = [finding for finding in seen.findings if finding.kind == "block"]
    assert disks
    for disk in disks:
        assert (disk.model, disk.location, disk.verdict) == ("virtio", "conventional-bridge", Verdict.WORKS)


@pytest.mark.parametrize(
    ("disk", "extra"),
    [
        (_disk("virt"), ""),
        ("", "<controller type='scsi' index='0' model='virtio'/>"),
        (_disk("virtio-transitional", bus="scsi"), ""),
    ],
    ids=["disk model virt", "scsi controller model virtio", "transitional disk on bus scsi"],
)
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_refused_when_defined(machine: str, disk: str, extra: str) -> None:
    """Unknown names are refused on every machine."""
    with pytest.raises(Refused):
        vk.resolve(vk.read(_domain(machine, disk, extra)))


@pytest.mark.parametrize("model", ["virtio-transitional", "virtio-non-transitional"])
def test_s390x_has_neither(model: str) -> None:
    """On s390x the device is refused, by libvirt or by QEMU."""
    try:
        resolved = vk.resolve(vk.read(_domain("s390-ccw-virtio", _disk(model), arch="s390x")))
    except Refused:
        return
    (disk,) = [finding for finding in vk.check(resolved, "rhel6.10").findings if finding.kind == "block"]
    assert (disk.interface, disk.verdict) == ("refused", Verdict.FAILS)
