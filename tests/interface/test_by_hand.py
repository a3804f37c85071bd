"""Properties and options that a domain hands to QEMU past libvirt."""

from __future__ import annotations

import json

import pytest

from virtkit import Host, check, read, resolve
from virtkit.resolved import Resolved
from virtkit.serialization import resolved_json

OVERRIDE = (
    "<qemu:override><qemu:device alias='{alias}'><qemu:frontend><qemu:property name='{name}' type='string' "
    "value='{value}'/></qemu:frontend></qemu:device></qemu:override>"
)


def arguments(*values: str) -> str:
    """A qemu:commandline with these arguments."""
    return f"<qemu:commandline>{''.join(f'<qemu:arg value={value!r}/>' for value in values)}</qemu:commandline>"


def resolved(by_hand: str, machine: str = "q35", at: Host | None = None) -> Resolved:
    """A domain with a virtio disk, a virtio NIC and these elements, resolved for a host."""
    xml = (
        "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>one</name>"
        "<memory unit='GiB'>1</memory><vcpu>1</vcpu>"
        f"<os><type arch='x86_64' machine='{machine}'>hvm</type></os><devices>"
        "<disk type='file' device='disk'><source file='/d'/><target dev='vda' bus='virtio'/></disk>"
        f"<interface type='user'><model type='virtio'/></interface></devices>{by_hand}</domain>"
    )
    return resolve(read(xml.encode()), at)


def interfaces(found: Resolved) -> dict[str, str]:
    """The interface of each virtio device by id, "refused" where QEMU refuses it."""
    return {device.id: str(device.shown.interface or "refused") for device in found.virtio_devices if device.shown}


@pytest.mark.parametrize(
    ("by_hand", "machine", "disk", "nic"),
    [
        ("", "q35", "modern", "modern"),
        (OVERRIDE.format(alias="virtio-disk0", name="disable-legacy", value="off"), "q35", "transitional", "modern"),
        (OVERRIDE.format(alias="net0", name="disable-legacy", value="on"), "pc", "transitional", "modern"),
        (OVERRIDE.format(alias="net0", name="disable-modern", value="true"), "pc", "transitional", "legacy"),
        (arguments("-set", "device.virtio-disk0.disable-legacy=off"), "q35", "transitional", "modern"),
        (arguments("-global", "virtio-blk-pci.disable-legacy=off"), "q35", "transitional", "modern"),
        (
            arguments("-global", "driver=virtio-net-pci,property=disable-legacy,value=off"),
            "q35",
            "modern",
            "transitional",
        ),
        (arguments("-global", "virtio-pci.disable-modern=on"), "pc", "legacy", "legacy"),
    ],
)
def test_a_switch_of_the_interface_is_honoured(by_hand: str, machine: str, disk: str, nic: str) -> None:
    """disable-legacy and disable-modern of one device or one driver change the interface of just those devices."""
    found = interfaces(resolved(by_hand, machine))
    assert (found["virtio-disk0"], found["net0"]) == (disk, nic)


@pytest.mark.parametrize(
    ("place", "shown"), [("bus='0x00' slot='0x09'", "modern"), ("bus='0x01' slot='0x00'", "refused")]
)
def test_a_modern_only_device_sets_its_switches_itself(place: str, shown: str) -> None:
    """disable-modern=on has no effect on a virtio mouse on the root bus; below a port, QEMU refuses it."""
    address = f"<address type='pci' {place} function='0x0'/>"
    xml = (
        "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>one</name>"
        "<memory unit='GiB'>1</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>"
        "<controller type='pci' index='1' model='pcie-root-port'/>"
        f"<input type='mouse' bus='virtio'>{address}</input></devices>"
        f"{arguments('-global', 'virtio-pci.disable-modern=on')}</domain>"
    )
    assert interfaces(resolve(read(xml.encode())))["input0"] == shown


def test_a_switched_device_has_the_id_of_its_interface_and_says_so() -> None:
    """The PCI id follows the interface, and the source names the properties that the domain sets."""
    switches = arguments("-set", "device.net0.disable-legacy=off", "-set", "device.virtio-disk0.disable-modern=on")
    shown = {device.id: device.shown for device in resolved(switches).virtio_devices}
    for name, interface, device_id in (("net0", "transitional", "1000"), ("virtio-disk0", "refused", "")):
        found = shown[name]
        assert found is not None
        assert (str(found.interface or "refused"), found.device_id) == (interface, device_id)
        assert found.source.endswith("; disable-legacy and disable-modern are set in the domain")


def test_a_device_without_any_interface_is_refused() -> None:
    """QEMU does not start a device with both interfaces switched off."""
    both = arguments("-set", "device.net0.disable-legacy=on", "-set", "device.net0.disable-modern=on")
    review = check(resolved(both), "debian12")
    nic = next(finding for finding in review.findings if finding.kind == "net")
    assert (nic.verdict, nic.interface) == ("fails", "refused")
    assert "neither modern nor legacy mode" in nic.reason


@pytest.mark.parametrize(
    ("by_hand", "text"),
    [
        (arguments("-machine", "type=pc-q35-3.1,accel=kvm"), "machine type pc-q35-3.1"),
        (arguments("-M", "q35"), "machine type q35"),
        (arguments("-machine=pc-i440fx-2.4"), "machine type pc-i440fx-2.4"),
        (arguments("-device", "intel-iommu,caching-mode=on"), "adds the device intel-iommu"),
        (arguments("-set", "device.net0.addr=0x10"), "sets addr=0x10 on device net0"),
        (OVERRIDE.format(alias="net0", name="bus", value="pci.7"), "sets bus=pci.7 on device net0"),
        (OVERRIDE.format(alias="net0", name="disable-legacy", value="off"), "which is taken into account"),
    ],
)
def test_what_may_falsify_an_answer_is_noted_on_it(by_hand: str, text: str) -> None:
    """The machine type, devices, buses and addresses given by hand get a warning in the review and in the JSON."""
    found = resolved(by_hand)
    assert any(text in remark.text and remark.level == "warning" for remark in check(found, "debian12").remarks)
    assert any(text in note and note.startswith("line 1: ") for note in json.loads(resolved_json(found))["notes"])


@pytest.mark.parametrize(
    "by_hand",
    [
        arguments("-machine", "accel=kvm"),
        arguments("-cpu", "host,kvm=off"),
        arguments("-set", "device.net0.mq=on"),
        arguments("-global", "kvm-pit.lost_tick_policy=delay"),
    ],
)
def test_what_concerns_no_answer_gets_no_note(by_hand: str) -> None:
    """An argument that changes neither machine, devices, places nor interfaces gets no note."""
    assert not resolved(by_hand).domain.by_hand.notes


@pytest.mark.parametrize(("machine", "interface"), [("pc-q35-2.6", "transitional"), ("pc-q35-2.7", "modern")])
def test_an_old_machine_keeps_the_legacy_interface_on_a_port(machine: str, interface: str) -> None:
    """Up to 2.6 disable-legacy is off everywhere, so disable-modern=off adds virtio 1.0; observed: QEMU 7.2.22."""
    by_hand = OVERRIDE.format(alias="net0", name="disable-modern", value="off")
    assert interfaces(resolved(by_hand, machine, Host.default("9.0")))["net0"] == interface
