"""What one libvirt release accepts, orders or fills in otherwise than the next; each case was observed on both."""

from __future__ import annotations

import pytest

import virtkit as vk
from tests.writing import domain
from virtkit.errors import Refused

MDEV = (
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci'>"
    "<source><address uuid='c2177883-f1bb-47f0-914d-000000000003'/></source></hostdev>"
)
CARD = "<smartcard mode='host'/>"
SPICE = "<smartcard mode='passthrough' type='spicevmc'/>"
RNG = "<rng model='virtio'><backend model='random'>/dev/urandom</backend><address type='ccw'/></rng>"
SHARE = "<filesystem type='mount'><driver type='virtiofs'/><source dir='/{0}'/><target dir='t'/></filesystem>"
SHARED = "<memoryBacking><access mode='shared'/></memoryBacking>"
PORTS = "<serial type='pty'/><serial type='pty'><target type='isa-serial'/></serial>"
DISKS = (
    "<disk type='file'><source file='/b'/><target dev='vdb' bus='virtio'/></disk>"
    "<disk type='file'><source file='/a'/><target dev='vda'/></disk>"
)
USB_NIC = (
    "<interface type='hostdev'><source><address type='pci' domain='0' bus='1' slot='1' function='0'/></source>"
    "<model type='usb-net'/></interface>"
)


def resolved(release: str, devices: str, machine: str = "q35", arch: str = "x86_64", more: str = "") -> vk.Resolved:
    """A domain resolved for the shipped host of a release."""
    return vk.resolve(vk.read(domain(devices, machine, arch, more)), vk.Host.default(release))


@pytest.mark.parametrize(
    ("refusing", "accepting", "devices", "machine", "arch", "more"),
    [
        ("9.0", "7.0", MDEV * 2, "q35", "x86_64", ""),
        ("9.0", "7.0", CARD * 2, "q35", "x86_64", ""),
        ("9.0", "7.0", SPICE, "q35", "x86_64", ""),
        ("9.0", "7.0", RNG, "q35", "x86_64", ""),
        ("9.0", "7.0", RNG.replace("ccw", "unassigned"), "q35", "x86_64", ""),
        ("9.0", "7.0", SHARE.format("a") + SHARE.format("b"), "q35", "x86_64", SHARED),
        ("9.0", "7.0", "<serial type='pty'><target type='isa-serial' port='7'/></serial>", "q35", "x86_64", ""),
        ("7.0", "9.0", SHARE.format("a"), "virt", "riscv64", SHARED),
        ("7.0", "9.0", "<input type='keyboard' bus='none'/>", "q35", "x86_64", ""),
        ("11.3", "12.8", "", "microvm", "x86_64", ""),
        ("11.3", "9.0", USB_NIC, "virt", "riscv64", ""),
    ],
)
def test_one_release_refuses_what_another_accepts(
    refusing: str, accepting: str, devices: str, machine: str, arch: str, more: str
) -> None:
    """A domain that one release refuses resolves for another release."""
    assert resolved(accepting, devices, machine, arch, more).xml()
    with pytest.raises(Refused):
        resolved(refusing, devices, machine, arch, more)


def test_7_0_numbers_serials_in_order() -> None:
    """libvirt 7.0 numbers serials as they are written; 9.0 gives ISA serials the lowest ports first."""
    found = {
        release: [serial.port for serial in resolved(release, PORTS).inventory.serials] for release in ("7.0", "9.0")
    }
    assert found == {"7.0": [0, 1], "9.0": [1, 0]}


def test_an_added_root_port_goes_before_those_of_a_higher_index() -> None:
    """libvirt 9.0 puts an added controller at the end, later releases before the first one with a higher index.

    The root bus is written last and without an index, so it stays behind root port 5.
    """
    written = "<controller type='pci' index='5' model='pcie-root-port'/><controller type='pci' model='pcie-root'/>"
    found = {
        at: [one.index for one in resolved(at, written).inventory.controllers if one.type == "pci"]
        for at in ("9.0", "12.8")
    }
    assert found == {"9.0": [5, 0, 1, 2, 3, 4], "12.8": [1, 2, 3, 4, 5, 0]}


def test_the_serial_port_of_a_console_is_number_0() -> None:
    """A console brings a serial port with the number 0."""
    assert [serial.port for serial in resolved("12.8", "<console type='pty'/>").inventory.serials] == [0]


def test_7_0_sorts_disks_without_a_bus() -> None:
    """libvirt 7.0 sorts a disk without a bus among those of its bus; 9.0 keeps such disks apart."""
    found = {at: [disk.target for disk in resolved(at, DISKS).inventory.disks] for at in ("7.0", "9.0", "12.9")}
    assert found == {"7.0": ["vda", "vdb"], "9.0": ["vdb", "vda"], "12.9": ["vdb", "vda"]}


def test_7_0_ignores_the_address_of_an_iommu() -> None:
    """libvirt 7.0 drops the address of an IOMMU, which later releases refuse."""
    iommu = "<iommu model='intel'><address type='pci' domain='0' bus='0' slot='7' function='0'/></iommu>"
    assert "<address" not in resolved("7.0", iommu).xml().partition("<iommu")[2].partition("</iommu>")[0]
    with pytest.raises(Refused, match="can't have address"):
        resolved("9.0", iommu)


def test_7_0_writes_zeros_for_a_ccw_address_elsewhere() -> None:
    """libvirt 7.0 accepts a CCW address on a machine without a channel subsystem, and writes zeros."""
    found = resolved("7.0", RNG)
    assert str(found.inventory.rngs[0].address) == "0.0.0000"
    assert "<address type='ccw' cssid='0x0' ssid='0x0' devno='0x0000'/></rng>" in found.xml()


def test_smartcards_get_the_slots_after_the_written_ones() -> None:
    """A smartcard without an address gets the slot after the highest written one (libvirt 7.0 takes several)."""
    written = "<smartcard mode='host'><address type='ccid' controller='0' slot='5'/></smartcard>"
    cards = resolved("7.0", CARD + written + CARD).inventory.smartcards
    assert [card.address.slot for card in cards] == [6, 5, 7]  # type: ignore[union-attr]


@pytest.mark.parametrize(("text", "slot"), [("010", 8), ("0x10", 16), ("10", 10), (" 5", 5)])
def test_a_slot_is_read_in_its_base(text: str, slot: int) -> None:
    """libvirt reads a PCI slot with a leading 0 in base 8, and one with 0x in base 16."""
    nic = f"<interface type='user'><model type='virtio'/><address type='pci' bus='0' slot='{text}'/></interface>"
    found = resolved("12.8", nic)
    assert found.inventory.nics[0].address.slot == slot  # type: ignore[union-attr]
    assert vk.resolve(vk.read(found.xml().encode()), vk.Host.default("12.8")).inventory.nics[0].address.slot == slot  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "devices",
    [
        "<controller type='virtio-serial' index='0x1'/>",
        "<controller type='virtio-serial' ports='0x1'/>",
        "<graphics type='vnc' port='0x1'/>",
        "<hostdev mode='subsystem' type='usb'><source><address bus='1x' device='1'/></source></hostdev>",
        "<hostdev mode='subsystem' type='usb'><source><address bus='-0' device='1'/></source></hostdev>",
        "<controller type='pci' index='0' model='pcie-root'><pcihole64 unit='on'>1048576</pcihole64></controller>",
        "<rng model='virtio'><backend model='egd' type='spicevmc'/></rng>",
    ],
)
def test_malformed_numbers_and_back_ends_are_refused(devices: str) -> None:
    """Numbers in a base that libvirt does not read there, and spice back ends without spice, are refused."""
    with pytest.raises(Refused):
        resolved("12.8", devices)


def test_a_number_is_written_as_libvirt_writes_it() -> None:
    """The index of a controller is read in base 10 and written without leading zeros."""
    assert "index='10'" in resolved("12.8", "<controller type='virtio-serial' index='010'/>").xml()


@pytest.mark.parametrize(("written", "action"), [("", "reset"), (" action='poweroff'", "poweroff")])
def test_the_watchdog_of_the_chipset_has_the_action_of_the_first(written: str, action: str) -> None:
    """The itco watchdog that libvirt shows since 9.1 has the action of the first written watchdog, else reset."""
    text = resolved("12.8", f"<watchdog model='i6300esb'{written}/>").xml()
    assert f"<watchdog model='itco' action='{action}'/>" in text


@pytest.mark.parametrize(
    ("release", "devices", "ports"),
    [
        ("9.0", "", ["0", "1"]),
        ("9.0", "<serial type='pty'/>", ["0", "0", "1"]),
        ("12.8", "", ["0", "1"]),
        ("12.8", "<serial type='pty'/>", ["0", "1", "2"]),
    ],
)
def test_9_0_does_not_count_the_console_of_the_serial_port(release: str, devices: str, ports: list[str]) -> None:
    """Consoles count from 0; libvirt 9.0 leaves out the one that it adds for the first serial port."""
    consoles = "<console type='pty'><target type='virtio'/></console>" * 2
    root = vk.read(resolved(release, devices + consoles).xml().encode()).document.root
    assert [one.get("port") for one in root.iterfind("devices/console/target")] == ports


def test_a_console_shows_the_address_of_the_serial_port() -> None:
    """The console of a serial port without an address has none either, even when one is written."""
    address = "<address type='pci' bus='0' slot='7'/>"
    devices = f"<serial type='pty'/><console type='pty'><target type='serial'/>{address}</console>"
    console = vk.read(resolved("9.0", devices).xml().encode()).document.root.find("devices/console")
    assert console is not None
    assert console.find("address") is None
