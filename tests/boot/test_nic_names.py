"""The names of network interfaces: rules by place and scheme, for places that no table of observations holds."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import virtkit as vk
from virtkit.boot.domain_names import nic_names
from virtkit.boot.guest_pci import Bridge, GuestPci, Mode, numbered
from virtkit.boot.name_keys import KEY, key_name
from virtkit.boot.naming import naming_of, parse_scheme, unknown_source
from virtkit.boot.nic_names import NicPlace, ccw_name, pci_name, with_collisions, zpci_name
from virtkit.cli import main
from virtkit.errors import UsageError
from virtkit.host.host import Host


def key(place: str, path: str, scheme: str = "v252", **more: str) -> dict[str, str]:
    """A row of keys for QEMU 7.2 with the machine type q35, where ``more`` names no other."""
    row = dict.fromkeys(KEY, "") | {"qemu": "7.2", "machine": "q35", "place": place, "sysfs_path": path}
    return row | {"scheme": scheme} | more


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (key("pci.0 slot 0x1d", "pci0000:00/0000:00:1d.0", machine="pc"), "ens29"),
        (key("pci.0 slot 9 fn 4", "pci0000:00/0000:00:09.4", machine="pc-i440fx-4.2"), "ens9f4"),
        (key("pci.0 slot 9", "pci0000:00/0000:00:09.0", machine="pc", variant="pc-nohp"), "enp0s9"),
        (key("pci-bridge slot 20", "pci0000:00/0000:00:08.0/0000:01:14.0", machine="pc"), "enp1s20"),
        (key("pci-bridge slot 20", "pci0000:00/0000:00:08.0/0000:01:14.0", "v257", machine="pc"), "ens20"),
        # The slot of the bridge itself is not registered on pci.0, so the bus behind it has its number.
        (key("pci-bridge slot 8", "pci0000:00/0000:00:08.0/0000:01:08.0", machine="pc"), "ens8"),
        (key("pci-bridge slot 8", "pci0000:00/0000:00:08.0/0000:01:08.0", machine="pc-i440fx-1.7"), "enp1s8"),
        (key("pxb slot 14", "pci0000:80/0000:80:00.0/0000:81:0e.0", machine="pc"), "enp129s14"),
        (key("pcie.0 slot 0x1a", "pci0000:00/0000:00:1a.0"), "enp0s26"),
        (key("root port at 00:1c.3", "pci0000:00/0000:00:1c.3/0000:14:00.0"), "enp20s0"),
        (key("root port (slot=99)", "pci0000:00/0000:00:03.0/0000:05:00.0"), "enp5s0"),
        (key("root port (slot=99)", "pci0000:00/0000:00:03.0/0000:05:00.0", machine="pc-q35-5.1"), "ens99"),
        (key("pcie-to-pci-bridge slot 7", "pci0000:00/0000:00:03.0/0000:01:00.0/0000:02:07.0"), "ens7"),
        (key("pcie-pci-bridge slot 7", "pci0000:00/0000:00:04.0/0000:01:07.0", variant="x-native"), "ens7"),
        (key("root port (slot=7) of pxb-pcie", "pci0000:20/0000:20:00.0/0000:21:00.0"), "ens7"),
        (key("pcie.0 slot 5 acpi-index=3", "pci0000:00/0000:00:05.0"), "enp0s5"),
        (key("pcie.0 slot 5 acpi-index=3", "pci0000:00/0000:00:05.0", qemu="11.1"), "eno3"),
        (key("root port acpi-index=12", "pci0000:00/0000:00:05.0/0000:01:00.0"), "eno12"),
        (key("usb-net on xhci", "pci0000:00/0000:00:05.0/usb1/1-2/1-2.3:1.0", machine="pc"), "ens5u2u3"),
        (key("root port", "platform/4010000000.pcie/pci0000:00/0000:00:01.0/0000:01:00.0", machine="virt"), "enp1s0"),
        (key("virtio-mmio", "platform/a000200.virtio_mmio/virtio0", machine="virt"), "ethN"),
        (key("on pxb-pcie", "", machine="virt", variant="virt-dt"), "NOT SEEN BY GUEST"),
        (key("ccw", "css0/0.0.0007/0.3.0abc/virtio2", machine="s390-ccw-virtio"), "enc3.0abc"),
        (key("zpci uid=0x7 fid=0x2a", "pci0007:00/0007:00:00.0", machine="s390-ccw-virtio"), "eno7"),
    ],
)
def test_name_of_a_place(row: dict[str, str], name: str) -> None:
    """A NIC has the name that systemd's rules give for its place."""
    assert key_name(row).name == name


@pytest.mark.parametrize(
    ("scheme", "slot"),
    [("v238", "ens40"), ("v245", "ens40"), ("v247", ""), ("v252", ""), ("rhel-8.0", "ens40"), ("rhel-8.4", "")],
)
def test_slot_of_a_bridge(scheme: str, slot: str) -> None:
    """Since v247 and rhel-8.4, the slot that holds a bridge names no NIC behind the bridge."""
    pci = GuestPci(
        (Bridge("pcie-root-port", 0, 3, 0, 1, 40), Bridge("pcie-to-pci-bridge", 1, 0, 0, 2)),
        Mode.NATIVE,
        False,
        frozenset(),
        shpc=False,
    )
    assert pci_name(pci, NicPlace(2, 5), parse_scheme(scheme)).slot == slot


@pytest.mark.parametrize(("scheme", "slot"), [("v250", ""), ("v251", "ens40f1"), ("v255", ""), ("rhel-9.0", "ens40f1")])
def test_functions_behind_a_bridge(scheme: str, slot: str) -> None:
    """From v251 to v254 and in rhel-9.0, a function of several takes the slot of the bridge above it."""
    pci = GuestPci(
        (Bridge("pcie-root-port", 0, 3, 0, 1, 40), Bridge("pcie-to-pci-bridge", 1, 0, 0, 2)),
        Mode.NATIVE,
        False,
        frozenset(),
        shpc=False,
    )
    assert pci_name(pci, NicPlace(2, 5, 1, True), parse_scheme(scheme)).slot == slot


def test_bridges_with_a_hotplug_controller() -> None:
    """Without ACPI hotplug, the first conventional bridge that the kernel adds has slots with numbers, unless its
    kernel lacks SHPC; a bridge on the root bus comes before one behind a port."""
    bridges = (
        Bridge("pcie-root-port", 0, 3, 0, 1),
        Bridge("pcie-to-pci-bridge", 1, 0, 0, 2),
        Bridge("pcie-to-pci-bridge", 0, 9, 0, 3),
    )
    scheme = parse_scheme("v252")
    pci = GuestPci(bridges, Mode.NATIVE, False, frozenset())
    assert [pci_name(pci, NicPlace(bus, 5), scheme).name for bus in (2, 3)] == ["enp2s5", "ens5"]
    cloud = GuestPci(bridges, Mode.NATIVE, False, frozenset(), shpc=False)
    assert [pci_name(cloud, NicPlace(bus, 5), scheme).name for bus in (2, 3)] == ["enp2s5", "enp3s5"]


def test_second_port_with_a_number() -> None:
    """Of two ports with the same slot number, only the first gives its NIC a slot name."""
    ports = (Bridge("pcie-root-port", 0, 3, 0, 1, 5), Bridge("pcie-root-port", 0, 4, 0, 2, 5))
    pci = GuestPci(ports, Mode.NATIVE, False, frozenset())
    assert [pci_name(pci, NicPlace(bus, 0), parse_scheme("v252")).name for bus in (1, 2)] == ["ens5", "enp2s0"]


@pytest.mark.parametrize(
    ("function_id", "scheme", "slot"),
    [
        (0x10, "v249", "ens16"),
        (0x10, "v247", "enP3s10"),
        (0xA, "v247", ""),
        (0, "v252", ""),
        (0x10, "rhel-8.7", "ens16"),
    ],
)
def test_function_id_of_zpci(function_id: int, scheme: str, slot: str) -> None:
    """Schemes before v249 read the hexadecimal function id of a zPCI device as a decimal number."""
    found = zpci_name(NicPlace(0, 0, segment=3, function_id=function_id), parse_scheme(scheme))
    assert (found.name, found.slot, found.path) == ("eno3", slot, "enP3p0s0")


def test_bus_numbers_are_depth_first() -> None:
    """Buses are numbered depth first by slot and function, whatever the order of the controllers."""
    bridges = [
        (7, Bridge("pcie-root-port", -1, 5, 1, 0)),
        (3, Bridge("pcie-root-port", -1, 2, 0, 0)),
        (9, Bridge("pcie-to-pci-bridge", 3, 0, 0, 0)),
        (1, Bridge("pcie-root-port", -1, 5, 0, 0)),
        (4, Bridge("pcie-root-port", -1 - 0x40, 0, 0, 0)),
    ]
    found = numbered((0, 0x40), bridges)
    assert {key: bridge.bus for key, bridge in found.items()} == {3: 1, 9: 2, 1: 3, 7: 4, 4: 0x41}
    assert (found[9].above, found[4].above) == (1, 0x40)


def test_collisions() -> None:
    """Two NICs that ask for one name are both marked, and so is one whose name is another's alternative name."""
    pci = GuestPci((Bridge("pci-bridge", 0, 9, 0, 1),), Mode.ACPI, True, frozenset())
    scheme = parse_scheme("v257")
    places = (NicPlace(0, 3), NicPlace(1, 3), NicPlace(0, 4), NicPlace(1, 4, index=2), NicPlace(0, 6))
    found = with_collisions(pci_name(pci, place, scheme) for place in places)
    assert [one.name for one in found] == ["ens3", "ens3", "ens4", "eno2", "ens6"]
    assert [one.collides for one in found] == [True, True, True, False, False]
    ending = "for ens3, and only one of them gets it; if that is another one, this NIC keeps its ethN"
    assert [one.reason.endswith(ending) for one in found] == [True, True, False, False, False]
    older = with_collisions(pci_name(pci, place, parse_scheme("v255")) for place in places)
    assert [one.name for one in older] == ["ens3", "enp1s3", "ens4", "eno2", "ens6"]


@pytest.mark.parametrize(("devno", "name"), [("0.0.0000", "enc0"), ("0.0.0010", "enc10"), ("0.1.0002", "enc1.0002")])
def test_channel_devices(devno: str, name: str) -> None:
    """A channel device is named by its number without leading zeros and dots."""
    assert ccw_name(devno, parse_scheme("v252")).name == name


@pytest.mark.parametrize(
    ("guest", "scheme", "kept"),
    [
        ("debian8", None, "mac"),
        ("debian9", "v238", ""),
        ("debian12", "v252", ""),
        ("debian13", "v257", ""),
        ("rhel6.4", None, "mac"),
        ("rhel7.9", "v238", ""),
        ("rhel8.10", "rhel-8.0", ""),
        ("almalinux9", "rhel-9.0", ""),
        ("ubuntu24.04", "v255", ""),
        ("alpinelinux3.20", None, "order"),
        ("rhel5.11", None, "hwaddr"),
        ("sles12sp5", None, "mac"),
        ("opensuse42.3", None, "mac"),
        ("fedora43", "v258", ""),
    ],
)
def test_naming_of_a_guest(guest: str, scheme: str | None, kept: str) -> None:
    """Each distribution release has its default scheme; systems older than systemd keep ethN."""
    naming = naming_of(vk.catalogue().find(guest))
    assert naming is not None
    assert (naming.scheme and naming.scheme.name, naming.kept) == (scheme, kept)


def test_unknown_naming() -> None:
    """A guest without a source has no scheme; neither has a version newer than those that were read, nor Windows."""
    for name in ("slackware14.2", "ubuntu26.04", "fedora44", "opensuse16.0", "win10"):
        assert naming_of(vk.catalogue().find(name)) is None
    assert "SLE 16" in unknown_source(vk.catalogue().find("sles16.0"))


@pytest.mark.parametrize("text", ["", "252.1", "rhel", "v9", "v2520"])
def test_bad_scheme(text: str) -> None:
    """A text that is no scheme is refused, and the message shows the forms that are expected."""
    with pytest.raises(UsageError, match=r"expected a naming scheme such as v252"):
        parse_scheme(text)


def domain(machine: str, nics: str, features: str = "<acpi/>", controllers: str = "", arch: str = "x86_64") -> bytes:
    """A domain with the NICs and controllers that a test names."""
    return (
        f"<domain type='kvm'><name>d</name><memory>1048576</memory><features>{features}</features>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os><devices>{controllers}{nics}</devices></domain>"
    ).encode()


_NIC = "<interface type='user'><model type='virtio'/>{}</interface>"


def names(xml: bytes, guest: str, qemu: str = "11.1") -> list[str]:
    """The names of the NICs of a domain."""
    resolved = vk.resolve(vk.read(xml), Host.named(qemu))
    return [one.name.name for one in nic_names(resolved, vk.catalogue().find(guest))]


def test_debian_12_on_both_machines() -> None:
    """The NIC of a Debian 12 guest is ens2 on pc and enp1s0 on q35; without ACPI, pc gives enp0s2."""
    assert names(domain("pc", _NIC.format("")), "debian12") == ["ens2"]
    assert names(domain("q35", _NIC.format("")), "debian12") == ["enp1s0"]
    assert names(domain("pc", _NIC.format(""), features=""), "debian12") == ["enp0s2"]


def test_bus_number_is_not_the_index() -> None:
    """The bus in the name is the firmware's, which differs where controllers are not numbered by place."""
    ports = "".join(
        f"<controller type='pci' index='{index}' model='pcie-root-port'>"
        f"<address type='pci' domain='0' bus='0' slot='{slot}' function='0'/></controller>"
        for index, slot in ((1, 9), (2, 3))
    )
    nic = _NIC.format("<address type='pci' domain='0' bus='{}' slot='0' function='0'/>")
    xml = domain("q35", nic.format(1) + nic.format(2), controllers=ports)
    # libvirt adds two ports in slot 1, which come first.
    assert names(xml, "debian12") == ["enp4s0", "enp3s0"]


def test_expander_bus_of_pc() -> None:
    """Behind the expander bus of pc no slot has a number: neither ACPI nor SHPC of the bridge registers one."""
    expander = (
        "<controller type='pci' index='1' model='pci-expander-bus'><target busNr='128'/>"
        "<address type='pci' domain='0' bus='0' slot='9' function='0'/></controller>"
    )
    nic = _NIC.format("<address type='pci' domain='0' bus='1' slot='14' function='0'/>")
    assert names(domain("pc", nic, controllers=expander), "debian12") == ["enp129s14"]


def test_root_bus_without_hotplug() -> None:
    """With hotplug turned off on pci-root, slots of bus 0 have no number and the place decides."""
    root = "<controller type='pci' index='0' model='pci-root'><target hotplug='off'/></controller>"
    assert names(domain("pc", _NIC.format(""), controllers=root), "debian12") == ["enp0s2"]


def test_acpi_index_of_a_domain() -> None:
    """<acpi index> gives eno3 on pc; on pcie.0 of q35 it does so with QEMU 11.1 and not with 7.2."""
    assert names(domain("pc", _NIC.format("<acpi index='3'/>")), "debian12") == ["eno3"]
    on_root = _NIC.format("<acpi index='3'/><address type='pci' domain='0' bus='0' slot='5' function='0'/>")
    assert names(domain("q35", on_root), "debian12") == ["eno3"]
    assert names(domain("q35", on_root), "debian12", "7.2") == ["enp0s5"]


@pytest.mark.parametrize(("slot", "qemu", "name"), [(0, "7.2", "eno7"), (3, "7.2", "enp3s0"), (3, "10.0", "eno7")])
def test_acpi_index_behind_a_switch(slot: int, qemu: str, name: str) -> None:
    """QEMU 7.2 does not show the acpi-index behind a downstream port that comes after an empty slot of its switch."""
    controllers = "".join(
        f"<controller type='pci' index='{index}' model='{model}'>"
        f"<address type='pci' domain='0' bus='{bus}' slot='{slot}' function='0'/></controller>"
        for index, model, bus, slot in (
            (1, "pcie-root-port", 0, 1),
            (2, "pcie-switch-upstream-port", 1, 0),
            (3, "pcie-switch-downstream-port", 2, slot),
        )
    )
    nic = _NIC.format("<acpi index='7'/><address type='pci' domain='0' bus='3' slot='0' function='0'/>")
    assert names(domain("q35", nic, controllers=controllers), "debian12", qemu) == [name]


@pytest.mark.parametrize(
    ("machine", "inner", "own"),
    [
        ("q35", "<model type='virtio'/><teaming type='persistent'/>", "enp1s0nsby"),
        ("q35", "<model type='virtio'/><teaming type='persistent'/><acpi index='3'/>", "eno3nsby"),
        ("pc", "<model type='virtio-transitional'/><teaming type='persistent'/>", "ens2nsby"),
        # QEMU shows only virtio 0.9 on this machine type, which has no failover.
        ("pc-i440fx-2.6", "<model type='virtio'/><teaming type='persistent'/>", ""),
        ("q35", "<model type='e1000e'/><teaming type='persistent'/>", ""),
        ("q35", "<model type='virtio'/>", ""),
    ],
)
def test_nic_of_a_team(machine: str, inner: str, own: str) -> None:
    """A failover interface takes the name of a virtio NIC that waits for its partner, and the NIC gets "nsby"."""
    data = domain(machine, f"<interface type='network'><source network='n'/>{inner}</interface>")
    resolved = vk.resolve(vk.read(data), Host.named("7.2"))
    (one,) = nic_names(resolved, vk.catalogue().find("debian12"))
    text = f"from Linux 4.18 on, the failover interface of the team has this name, and the NIC itself is {own}"
    assert one.name.reason.endswith(text) is bool(own)
    assert own in ("", f"{one.name.name}nsby")


def test_nics_of_rhel_6() -> None:
    """A guest older than systemd numbers its NICs by PCI address, and the reason names the rule by MAC address."""
    xml = domain("pc", _NIC.format("") * 2)
    resolved = vk.resolve(vk.read(xml))
    found = nic_names(resolved, vk.catalogue().find("rhel6.10"))
    assert [(one.name.name, one.booted) for one in found] == [("eth0", False), ("eth1", False)]
    assert "70-persistent-net.rules" in found[0].name.reason


def test_pseries() -> None:
    """On pseries the place decides: a further host bridge is a PCI domain, and buses are counted in each of them."""
    controllers = (
        "<controller type='pci' index='1' model='pci-root'/><controller type='usb' model='qemu-xhci'>"
        "<address type='pci' domain='0' bus='0' slot='11' function='0'/></controller>"
        "<controller type='pci' index='2' model='pci-bridge'><address type='pci' bus='1' slot='4'/></controller>"
        "<controller type='pci' index='3' model='pci-bridge'><address type='pci' bus='0' slot='4'/></controller>"
    )
    nics = "".join(
        f"<interface type='user'><mac address='52:54:00:00:00:08'/><model type='{model}'/>{address}</interface>"
        for model, address in (
            ("virtio", "<address type='pci' bus='1' slot='3'/>"),
            ("virtio", "<address type='pci' bus='2' slot='6'/>"),
            ("e1000", "<address type='pci' bus='3' slot='6'/>"),
            ("spapr-vlan", "<address type='spapr-vio' reg='0x71000012'/>"),
            ("spapr-vlan", ""),
            ("usb-net", "<address type='usb' bus='0' port='2'/>"),
        )
    )
    xml = domain("pseries", nics, controllers=controllers, arch="ppc64", features="").replace(b"'kvm'", b"'qemu'")
    expected = ["enP1p0s3", "enP1p1s6", "enp1s6", "env18", "ethN"]
    assert names(xml, "debian12") == [*expected, "enx525400000008"]
    assert names(xml, "rhel9.0") == [*expected, "enp0s11u2"]
    assert names(xml, "ubuntu24.04")[-1] == ""


def test_usb_nic_on_pc() -> None:
    """The name of a USB NIC is that of its xHCI controller with the port; other controllers were not booted."""
    nic = _NIC.replace("virtio", "usb-net").format("<address type='usb' bus='0' port='3'/>")
    for model, name in (("qemu-xhci", "ens9u3"), ("ich9-ehci1", "")):
        usb = f"<controller type='usb' model='{model}'><address type='pci' bus='0' slot='9'/></controller>"
        assert names(domain("pc", nic, controllers=usb), "fedora42") == [name]


@pytest.mark.parametrize(("uid", "scheme", "name"), [(16384, "v247", "enP16384s5"), (16384, "v249", "eno16384")])
def test_large_uid_of_zpci(uid: int, scheme: str, name: str) -> None:
    """Schemes before v249 ignore the index of an onboard device above 16383."""
    assert zpci_name(NicPlace(0, 0, segment=uid, function_id=5), parse_scheme(scheme)).name == name


def test_other_guests() -> None:
    """Windows has no such names; for an unknown guest the name is empty and the reason says what is missing."""
    resolved = vk.resolve(vk.read(domain("pc", _NIC.format(""))))
    assert nic_names(resolved, vk.catalogue().find("win10")) == ()
    (unknown,) = nic_names(resolved, None)
    assert (unknown.name.name, unknown.name.reason) == ("", "unknown: the guest OS is not known")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command adds name and reason to each row, and reports a row that cannot be understood with its line."""
    keys = tmp_path / "keys.csv"
    stream = io.StringIO()
    writer = csv.DictWriter(stream, KEY)
    writer.writeheader()
    writer.writerow(key("pci.0 slot 21", "pci0000:00/0000:00:15.0", machine="pc"))
    writer.writerow(key("two bridges", "pci0000:00/0000:00:05.0/0000:01:00.0/0000:02:00.0/0000:03:00.0"))
    keys.write_text(stream.getvalue())
    assert main(["names", str(keys)]) == 1
    out, err = capsys.readouterr()
    first, second = csv.DictReader(io.StringIO(out))
    assert (first["name"], first["reason"]) == ("ens21", "the kernel registers the slot for hotplug with the number 21")
    assert (second["name"], second["reason"]) == ("", "")
    assert f"{keys}:3: the place names 0 bridges, the sysfs path has 3 bridges: 'two bridges'" in err
