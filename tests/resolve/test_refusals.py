"""What libvirt refuses of a single device, each beside its like that it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

import virtkit as vk
from virtkit.errors import Refused

DOMAIN = """<domain type='qemu'><name>d</name><memory>1048576</memory><vcpu>2</vcpu>{head}
<os><type arch='{arch}' machine='{machine}'>hvm</type>{os}</os><features>{features}</features>
<devices>
{devices}
</devices></domain>"""

DISK = (
    "<disk type='file' device='{0}'><driver name='qemu' type='raw'{1}/><source file='/d'/><target dev='{2}'/>{3}</disk>"
)
NIC = "<interface type='{0}'>{1}<model type='virtio'/></interface>"

#: What is refused, its refusal, and what is taken.
CASES = [
    (DISK.format("disk", " cache='fast'", "vda", ""), "'cache'", DISK.format("disk", " cache='none'", "vda", "")),
    (DISK.format("disk", " queues='0x2'", "vda", ""), "'queues'", DISK.format("disk", " queues='2'", "vda", "")),
    (DISK.format("disk", " queues='2'", "sda", ""), "only supported by virtio-blk", DISK.format("disk", "", "sda", "")),
    (DISK.format("disk", "", "vda ", ""), "Unknown disk name", DISK.format("disk", "", "vda", "")),
    (
        DISK.format("disk", " iothread='1'", "vda", ""),
        "not defined in iothreadids",
        DISK.format("disk", "", "vda", ""),
    ),
    (
        DISK.format("disk", "", "vda", "<boot order='1'/>") + DISK.format("disk", "", "vdb", "<boot order='1'/>"),
        "used for more than one device",
        DISK.format("disk", "", "vda", "<boot order='1'/>") + DISK.format("disk", "", "vdb", "<boot order='2'/>"),
    ),
    (
        DISK.format("disk", "", "vda", "<boot order='01'/>") + DISK.format("disk", "", "vdb", "<boot order='+1'/>"),
        "boot order '1' used for more than one device",
        DISK.format("disk", "", "vda", "<boot order='010'/>") + DISK.format("disk", "", "vdb", "<boot order='8'/>"),
    ),
    (
        DISK.format("disk", "", "vda", "<boot order='4294967296'/>"),
        "'order' in element 'boot': '4294967296'; expected a positive integer up to 4294967295",
        DISK.format("disk", "", "vda", "<boot order='4294967295'/>"),
    ),
    (
        DISK.format("disk", "", "vda", "<boot order='\u0661'/>"),
        "expected a positive integer",
        DISK.format("disk", "", "vda", "<boot order=' 1'/>"),
    ),
    (DISK.format("disk", " queues='1_0'", "vda", ""), "'queues'", DISK.format("disk", " queues='010'", "vda", "")),
    (DISK.format("disk", " queues='\u0661'", "vda", ""), "'queues'", DISK.format("disk", " queues='+1'", "vda", "")),
    (
        DISK.format("disk", "", "vda", "<blockio logical_block_size='\u0668'/>"),
        "'logical_block_size'",
        DISK.format("disk", "", "vda", "<blockio logical_block_size='08'/>"),
    ),
    (NIC.format("network", ""), "requires a 'source'", NIC.format("network", "<source network='n'/>")),
    (NIC.format("bridge", "<source dev='b'/>"), "'bridge'", NIC.format("bridge", "<source bridge='b'/>")),
    (NIC.format("user", "<mac address='52:54'/>"), "'address'", NIC.format("user", "<mac address='52:54:0:0:0:1'/>")),
    (
        "<serial type='file'/>",
        "Missing source path",
        "<serial type='file'><source path='/s'/></serial>",
    ),
    (
        "<serial type='udp'><source mode='bind' service='1'/></serial>",
        "Missing source service",
        "<serial type='udp'><source mode='bind' service='1'/><source mode='connect' service='2'/></serial>",
    ),
    (
        "<serial type='pty'><source path='/a'/><source path='/b'/></serial>",
        "only one source",
        "<serial type='pty'><source path='/a'/></serial>",
    ),
    (
        "<serial type='pty'><alias name='ua-s'/></serial><input type='tablet' bus='usb'><alias name='ua-s'/></input>",
        "non unique alias",
        "<serial type='pty'><alias name='ua-s'/></serial>"
        "<console type='pty'><target type='serial'/><alias name='ua-s'/></console>",
    ),
    (
        "<interface type='hostdev'><source><address type='pci' bus='3'/></source>"
        "<address type='unassigned'/></interface>",
        "supported only for hostdevs",
        "<hostdev mode='subsystem' type='pci'><source><address bus='3'/></source>"
        "<address type='unassigned'/></hostdev>",
    ),
    (
        "<smartcard mode='host-certificates'><certificate>a</certificate></smartcard>",
        "three certificates",
        "<smartcard mode='host-certificates'>" + "<certificate>a</certificate>" * 3 + "</smartcard>",
    ),
    (
        "<rng model='virtio'><backend model='egd'/></rng>",
        "EGD backend type",
        "<rng model='virtio'><backend model='random'/></rng>",
    ),
    (
        "<controller type='usb' index='0'><master startport='0'/></controller>",
        "No master USB controller",
        "<controller type='usb' index='0'/><controller type='usb' index='0' model='ich9-uhci1'/>",
    ),
    (
        "<audio id='2' type='none'/><sound model='ich6'><audio id='1'/></sound>",
        "no audio device with ID 1",
        "<audio id='2' type='none'/><sound model='ich6'><audio id='2'/></sound>",
    ),
    (
        "<hostdev mode='subsystem' type='usb'><source><vendor id='1'/></source></hostdev>",
        "missing product",
        "<hostdev mode='subsystem' type='usb'><source><vendor id='1'/><product id='2'/></source></hostdev>",
    ),
]


def resolve(devices: str, arch: str = "x86_64", machine: str = "pc", **parts: str) -> vk.Resolved:
    """A domain with these devices, resolved."""
    text = DOMAIN.format(
        devices=devices,
        arch=arch,
        machine=machine,
        **{part: parts.get(part, "") for part in ("head", "os", "features")},
    )
    return vk.resolve(vk.read(text.encode()))


@pytest.mark.parametrize(("refused", "meaning", "taken"), CASES)
def test_what_is_refused_and_what_is_taken(refused: str, meaning: str, taken: str) -> None:
    """The refusal names its meaning, the device, and the line; the mended domain goes through."""
    with pytest.raises(Refused) as caught:
        resolve(refused)
    assert meaning in caught.value.what
    assert caught.value.device
    assert caught.value.line is not None
    resolve(taken)


@pytest.mark.parametrize(
    ("feature", "arch", "machine"),
    [
        ("gic", "x86_64", "pc"),
        ("pvspinlock", "aarch64", "virt"),
        ("hpt", "x86_64", "q35"),
        ("teleport", "x86_64", "pc"),
    ],
)
def test_a_feature_that_the_machine_lacks(feature: str, arch: str, machine: str) -> None:
    """A known and an unknown name are both refused by name."""
    with pytest.raises(Refused, match=feature):
        resolve("", arch, machine, features=f"<{feature}/>")


def test_block_sizes_are_decimal() -> None:
    """libvirt 9.0 reads a block size in base 10 only: 0x200 is refused, and 0512 is 512."""
    block = "<blockio logical_block_size='0512'/>"
    domain = resolve(DISK.format("disk", "", "vda", block)).domain
    host = vk.Host.default("9.0")
    vk.resolve(domain, host)
    with pytest.raises(Refused, match="'0x200'; expected a non-negative decimal integer"):
        vk.resolve(vk.read(domain.document.text.replace("0512", "0x200").encode()), host)


def test_boot_orders_and_boot_devices_exclude_each_other() -> None:
    """One way to say what boots first, or the other."""
    disk = DISK.format("disk", "", "vda", "<boot order='1'/>")
    with pytest.raises(Refused, match="os/boot"):
        resolve(disk, os="<boot dev='hd'/>")
    resolve(disk)


def test_iothreads_count_up_to_their_number() -> None:
    """Without ids they are 1, 2, …; ids of their own take their place."""
    disk = DISK.format("disk", " iothread='{}'", "vda", "")
    resolve(disk.format(2), head="<iothreads>2</iothreads>")
    resolve(disk.format(7), head="<iothreadids><iothread id='7'/></iothreadids>")
    with pytest.raises(Refused, match="not defined"):
        resolve(disk.format(3), head="<iothreads>2</iothreads>")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("<controller/>", "type='ide'"),
        ("<interface/>", "type='user'"),
        (
            "<hostdev type='scsi_host'><source protocol='vhost' wwpn='naa.5123456789abcde0'/></hostdev>",
            "mode='subsystem'",
        ),
        ("<redirdev type='pty'/>", "bus='usb'"),
        ("<serial/>", "<serial type='pty'>"),
        ("<parallel/>", "<parallel type='pty'>"),
        ("<console/>", "<console type='pty'>"),
        ("<channel><target type='virtio' name='a'/></channel>", "<channel type='pty'>"),
    ],
)
def test_kinds_that_are_not_written(written: str, kept: str) -> None:
    """What libvirt takes an element for is written out."""
    assert kept in resolve(written).xml()


@pytest.mark.parametrize(
    "device",
    [
        "<controller type='usb' model='none'><address type='drive'/></controller>",
        "<video><model type='none'/><address type='pci' slot='0x05'/></video>",
    ],
)
def test_what_is_not_there_has_no_place(device: str) -> None:
    """An address of a device that stands for none is dropped."""
    tag = device[1 : min(device.index(mark) for mark in " >")]
    found = vk.read(resolve(device).xml().encode()).document.root.find(f"devices/{tag}")
    assert found is not None
    assert found.find("address") is None


@pytest.mark.parametrize("kind", ["ide", "usb"])
def test_the_chipset_knows_its_own_places(kind: str) -> None:
    """An address of another form on a part of i440fx does not count."""
    resolved = resolve(f"<controller type='{kind}' index='0'><address type='virtio-mmio'/></controller>")
    part = next(one for one in resolved.devices if getattr(one, "type", "") == kind)
    assert part.address is not None
    assert str(part.address).startswith("0000:00:01.")


def test_tables_lie_where_the_checks_look(tmp_path: Path) -> None:
    """A refused file is named with its line."""
    file = tmp_path / "guest.xml"
    file.write_text(DOMAIN.format(devices="<lease/>", arch="x86_64", machine="pc", head="", os="", features=""))
    with pytest.raises(Refused, match=r"guest\.xml:4: .*Missing 'key' element for lease"):
        vk.resolve(vk.read(file))


@pytest.mark.parametrize(
    ("attributes", "content", "accepted"),
    [
        ("", "", False),
        ("", "<loader>/CODE.fd</loader>", False),
        ("", "<loader type='rom'>/CODE.fd</loader>", False),
        ("", "<loader type='pflash'>/CODE.fd</loader>", True),
        (" firmware='efi'", "", True),
    ],
)
def test_acpi_on_arm_needs_uefi_from_flash(attributes: str, content: str, accepted: bool) -> None:
    """On aarch64, ACPI needs firmware='efi' or a loader of type pflash; observed with libvirt 9.0 and 12.8."""
    text = (
        f"<domain type='qemu'><name>a</name><memory>1048576</memory><os{attributes}>"
        f"<type arch='aarch64' machine='virt'>hvm</type>{content}</os><features><acpi/></features></domain>"
    )
    if accepted:
        vk.resolve(text)
        return
    with pytest.raises(Refused, match="ACPI requires UEFI on this architecture"):
        vk.resolve(text)
