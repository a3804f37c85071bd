"""Numbers and names inside device elements: which spellings mean the same, and which are refused."""

from __future__ import annotations

import pytest

from tests.writing import NEW, OLD, domain, resolved
from virtkit.errors import Refused

NIC = "<interface type='user'><model type='e1000'/>{}</interface>"


@pytest.mark.parametrize("slot", ["0x0a", "0xA", "0X0A", "10", "012", " 10", "+10"])
def test_decimal_hexadecimal_and_octal_mean_the_same(slot: str) -> None:
    """As C's strtol reads them."""
    found = resolved(domain(NIC.format(f"<address type='pci' bus='0x0' slot='{slot}'/>"), "pc"))
    assert str(found.devices[0].address) == "0000:00:0a.0"
    assert found.devices[0].given
    assert f" slot='{slot}'" in found.xml()


SOURCE = "<source file='/d'/>"

REFUSED = {
    "slot too high": ("slot='32'", "Invalid PCI address slot='0x20', must be <= 0x1F"),
    "function too high": ("slot='3' function='8'", "Invalid PCI address function=0x8, must be <= 7"),
    "bus too high": ("bus='0x100' slot='3'", "Invalid PCI address bus='0x100', must be <= 0xFF"),
    "domain too high": ("domain='0x10000' slot='3'", "Invalid PCI address domain='0x10000', must be <= 0xFFFF"),
    "domain 1": ("domain='1' slot='3'", "Only PCI domain 0 is available"),
    "no number": ("slot='three'", "'three'. Expected non-negative integer value"),
    "empty": ("slot=''", "Invalid value for attribute 'slot'"),
    "negative": ("slot='-1'", "Invalid value for attribute 'slot'"),
    "no octal": ("slot='09'", "Invalid value for attribute 'slot'"),
    "grouped": ("slot='1_0'", "Invalid value for attribute 'slot'"),
    "other digits": ("slot='٣'", "Invalid value for attribute 'slot'"),
    "superscript": ("slot='²'", "Invalid value for attribute 'slot'"),
    "multifunction": ("slot='3' multifunction='yes'", "Invalid value for attribute 'multifunction'"),
}


@pytest.mark.parametrize(("attributes", "message"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_pci_number_is_refused(attributes: str, message: str) -> None:
    """With what would be right, the device and its line."""
    with pytest.raises(Refused) as caught:
        resolved(domain(NIC.format(f"<address type='pci' {attributes}/>"), "pc"))
    assert message in caught.value.what
    assert caught.value.category == "XML error"
    assert "interface" in (caught.value.device or "")
    assert caught.value.line == 7


ELEMENTS = {
    "disk without target": ("<disk type='file'/>", "missing target device name"),
    "disk of an unknown bus": (f"<disk type='file'>{SOURCE}<target dev='vda' bus='isa'/></disk>", "attribute 'bus'"),
    "disk of an unknown model": (
        f"<disk type='file' model='fast'>{SOURCE}<target dev='vda'/></disk>",
        "attribute 'model'",
    ),
    "disk of an unknown name": (f"<disk type='file'>{SOURCE}<target dev='disk1'/></disk>", "Unknown disk name 'disk1'"),
    "disk named as a partition": (f"<disk type='file'>{SOURCE}<target dev='vda1'/></disk>", "partition"),
    "the same name twice": (
        f"<disk type='file'>{SOURCE}<target dev='vda'/></disk><disk type='file'>{SOURCE}<target dev='vda'/></disk>",
        "target 'vda' duplicated",
    ),
    "ejectable virtio disk": (
        "<disk type='file' device='cdrom'><target dev='vda' bus='virtio'/></disk>",
        "does not support ejectable media",
    ),
    "interface of an unknown type": ("<interface type='carrier-pigeon'/>", "'carrier-pigeon'"),
    "controller of an unknown type": ("<controller type='agp'/>", "Unknown type type 'agp'"),
    "controller of an unknown model": ("<controller type='scsi' model='fast'/>", "'fast'"),
    "controller without index": ("<controller type='usb' index='first'/>", "'first'. Expected non-negative value"),
    "the same controller twice": (
        "<controller type='scsi' index='0'/><controller type='scsi' index='0'/>",
        "Multiple 'scsi' controllers with index '0'",
    ),
    "a usb controller of no ports": ("<controller type='usb' model='qemu-xhci' ports='0'/>", "Zero is not permitted"),
    "rng without model": ("<rng><backend model='random'/></rng>", "Missing required attribute 'model'"),
    "rng of an unknown model": ("<rng model='dice'><backend model='random'/></rng>", "'dice'"),
    "sound without model": ("<sound/>", "Missing required attribute 'model'"),
    "video of an unknown type": ("<video><model type='vulkan'/></video>", "'vulkan'"),
    "two primary displays": (
        "<video><model type='qxl' primary='yes'/></video><video><model type='qxl' primary='yes'/></video>",
        "Only one primary video device",
    ),
    "channel without target": ("<channel type='unix'/>", "target type must be specified"),
    "a tablet on ps2": ("<input type='tablet' bus='ps2'/>", "ps2 bus does not support tablet"),
    "evdev on a bus": ("<input type='evdev' bus='usb'/>", "doesn't support bus element"),
    "hostdev without type": ("<hostdev/>", "Missing required attribute 'type'"),
    "mdev without model": ("<hostdev type='mdev'><source/></hostdev>", "Missing required attribute 'model'"),
    "mdev without uuid": ("<hostdev type='mdev' model='vfio-pci'><source/></hostdev>", "attribute 'uuid'"),
    "half a ccw address": (
        "<rng model='virtio'><backend model='random'/><address type='ccw' devno='1'/></rng>",
        "Invalid partial specification",
    ),
    "ccw out of range": (
        "<rng model='virtio'><backend model='random'/><address type='ccw' cssid='0xff' ssid='0' devno='1'/></rng>",
        "Invalid specification",
    ),
    "usb port of five levels": ("<hub type='usb'><address type='usb' port='1.2.3.4.5'/></hub>", "1.2.3.4.5"),
    "usb port in words": ("<hub type='usb'><address type='usb' port='one'/></hub>", "'one'"),
    "dimm without slot": (
        "<memory model='dimm'><target><size>1024</size></target><address type='dimm'/></memory>",
        "Missing required attribute 'slot'",
    ),
    "an address of an unknown type": (
        "<rng model='virtio'><backend model='random'/><address type='nubus'/></rng>",
        "'nubus'",
    ),
    "zpci uid 0": ("<rng model='virtio'><address type='pci' slot='3'><zpci uid='0'/></address></rng>", "uid='0x0000'"),
}


@pytest.mark.parametrize(("devices", "message"), ELEMENTS.values(), ids=ELEMENTS)
def test_a_wrong_element_is_refused(devices: str, message: str) -> None:
    """With libvirt's meaning, and the line of the element."""
    with pytest.raises(Refused) as caught:
        resolved(domain(devices))
    assert message in str(caught.value)
    assert caught.value.line == 7


def test_newer_words_wait_for_their_release() -> None:
    """What libvirt 9.0 does not know it refuses."""
    for devices in (
        "<sound model='virtio'/>",
        "<controller type='nvme'><serial>S</serial></controller>",
        "<watchdog model='itco'/>",
        "<panic model='pvpanic'/>",
        "<iommu model='amd'/>",
    ):
        resolved(domain(devices), NEW)
        with pytest.raises(Refused):
            resolved(domain(devices), OLD)


def test_a_model_name_is_spelt_as_libvirt_spells_it() -> None:
    """NIC models are known whatever the case; an unknown one stays as written."""
    text = resolved(
        domain(
            "<interface type='user'><model type='Virtio'/></interface>"
            "<interface type='user'><model type='am79c970a'/></interface>"
            "<interface type='user'><model type='NE2k_PCI'/></interface>"
        )
    ).xml()
    assert "<model type='virtio'/>" in text
    assert "<model type='Am79C970A'/>" in text
    assert "<model type='NE2k_PCI'/>" in text


HUGE = {
    "controller index": ("<controller type='scsi' index='4294967295' model='virtio-scsi'/>", "'index' in element"),
    "controller ports": ("<controller type='virtio-serial' index='0' ports='2147483648'/>", "'ports' in element"),
    "chassis": (
        "<controller type='pci' index='1' model='pcie-root-port'><target chassis='2147483648'/></controller>",
        "Expected integer value",
    ),
    "pci bus": ("<rng model='virtio'><address type='pci' bus='99999999999999999999'/></rng>", "'bus' in element"),
    "drive controller": (
        f"<disk type='file'>{SOURCE}<target dev='sda'/><address type='drive' controller='4294967296'/></disk>",
        "'controller' in element",
    ),
    "as many PCI controllers": (
        "<controller type='pci' index='2000000000' model='pcie-root-port'/>",
        "PCI controller index '2000000000' too high, maximum is 255",
    ),
    "as many disk controllers": (
        f"<disk type='file'>{SOURCE}<target dev='sda'/><address type='drive' controller='2000000000'/></disk>",
        "scsi controller 2000000000 would add 2000000000 other controllers",
    ),
    "as many disks": (f"<disk type='file'>{SOURCE}<target dev='sdzzzzzzz' bus='sata'/></disk>", "other controllers"),
    "as many scsi host devices": (
        "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/>"
        "<address bus='0' target='0' unit='0'/></source><address type='drive' controller='2000000000'/></hostdev>",
        "other controllers",
    ),
}


@pytest.mark.parametrize(("devices", "message"), HUGE.values(), ids=HUGE)
def test_huge_numbers_are_refused_at_once(devices: str, message: str) -> None:
    """Neither memory nor time goes with them. Bounds observed: libvirt 12.8."""
    with pytest.raises(Refused) as caught:
        resolved(domain(devices))
    assert message in str(caught.value)
