"""Random definitions of domains as clouds, desktops and virt-install make them; parts of ``benchmarks.fleets``.

Open values are written as ``@name@``, ``@uuid@``, ``@mac0@``, ``@serial0@``, ``@path@`` and ``@port@``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

__all__ = ["definition"]


@dataclass(frozen=True, slots=True)
class _Guest:
    """A guest OS and how often it is used; ``virtio`` is the share of its domains with virtio disks and NICs."""

    os: str
    weight: int
    virtio: float = 1.0
    q35: float = 0.5


_GUESTS = (
    _Guest("ubuntu.com/ubuntu/24.04", 12, q35=0.8),
    _Guest("ubuntu.com/ubuntu/22.04", 12, q35=0.6),
    _Guest("ubuntu.com/ubuntu/20.04", 6, q35=0.4),
    _Guest("ubuntu.com/ubuntu/16.04", 2, q35=0.1),
    _Guest("debian.org/debian/13", 4, q35=0.9),
    _Guest("debian.org/debian/12", 9, q35=0.7),
    _Guest("debian.org/debian/11", 5, q35=0.5),
    _Guest("redhat.com/rhel/9.4", 6, q35=0.9),
    _Guest("redhat.com/rhel/8.6", 6, q35=0.6),
    _Guest("redhat.com/rhel/7.9", 5, q35=0.2),
    _Guest("redhat.com/rhel/6.10", 2, q35=0.1),
    _Guest("centos.org/centos/7.0", 5, q35=0.1),
    _Guest("fedoraproject.org/fedora/42", 4, q35=0.95),
    _Guest("microsoft.com/win/2k22", 5, virtio=0.8, q35=0.8),
    _Guest("microsoft.com/win/2k19", 5, virtio=0.8, q35=0.5),
    _Guest("microsoft.com/win/2k8r2", 1, virtio=0.4, q35=0.0),
    _Guest("microsoft.com/win/11", 3, virtio=0.7, q35=1.0),
    _Guest("microsoft.com/win/10", 4, virtio=0.6, q35=0.8),
    _Guest("microsoft.com/win/xp", 1, virtio=0.1, q35=0.0),
    _Guest("freebsd.org/freebsd/14.0", 1, q35=0.5),
    _Guest("", 4),
)
_PC = ("pc", "pc-i440fx-5.2", "pc-i440fx-6.2", "pc-i440fx-7.2", "pc-i440fx-8.2", "pc-i440fx-9.2", "pc-i440fx-10.0")
_Q35 = ("q35", "pc-q35-6.2", "pc-q35-7.2", "pc-q35-8.2", "pc-q35-9.0", "pc-q35-9.2", "pc-q35-10.0", "pc-q35-10.1")
_VIRT = ("virt", "virt-6.2", "virt-8.2", "virt-9.2", "virt-10.0")
_CCW = ("s390-ccw-virtio", "s390-ccw-virtio-8.2", "s390-ccw-virtio-9.2")
_CHANNELS = ("com.redhat.rhevm.vdsm", "org.spice-space.webdav", "ovirt-guest-agent", "org.example.monitor")
_NAMES = ("vda", "vdb", "vdc", "vdd", "vde", "vdf", "vdg", "vdh", "vdi", "vdj", "vdk", "vdl", "vdm", "vdn", "vdo")


@dataclass(slots=True)
class _Recipe:
    """A definition that is being made."""

    random: Random
    guest: _Guest
    machine: str
    family: str
    devices: list[str] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def add(self, text: str, share: float = 1.0) -> None:
        if self.chance(share):
            self.devices.append(text)


def definition(random: Random) -> str:
    """A random definition with open values; libvirt may refuse it."""
    (guest,) = random.choices(_GUESTS, [one.weight for one in _GUESTS])
    windows = guest.os.startswith("microsoft")
    family: str = "pc"
    machines: tuple[str, ...] = _PC
    if not windows and random.random() < 0.05:
        family, machines = random.choice((("virt", _VIRT), ("virt", _VIRT), ("ccw", _CCW)))
    elif random.random() < 0.74 * guest.q35:
        family, machines = "q35", _Q35
    recipe = _Recipe(random, guest, random.choice(machines), family)
    _disks(recipe)
    _nics(recipe)
    _others(recipe, windows)
    devices = "".join(f"    {text}\n" for text in recipe.devices)
    return f"{_head(recipe)}  <devices>\n{devices}  </devices>\n</domain>\n"


def _head(recipe: _Recipe) -> str:
    random = recipe.random
    arch = {"virt": "aarch64", "ccw": "s390x"}.get(recipe.family, "x86_64")
    metadata = ""
    if recipe.guest.os:
        metadata = (
            "  <metadata>\n"
            '    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">\n'
            f'      <libosinfo:os id="http://{recipe.guest.os}"/>\n    </libosinfo:libosinfo>\n  </metadata>\n'
        )
    memory = random.choice((1, 2, 4, 8, 16, 32, 64)) * 1048576
    efi = recipe.family == "virt" or (recipe.family == "q35" and recipe.chance(0.5))
    firmware = " firmware='efi'" if efi else ""
    features = "<acpi/><apic/>" if arch == "x86_64" else "<acpi/>" if arch == "aarch64" else ""
    return (
        f"<domain type='kvm'>\n  <name>@name@</name>\n  <uuid>@uuid@</uuid>\n{metadata}"
        f"  <memory unit='KiB'>{memory}</memory>\n"
        f"  <vcpu placement='static'>{random.choice((1, 2, 4, 8, 16))}</vcpu>\n"
        f"  <os{firmware}>\n    <type arch='{arch}' machine='{recipe.machine}'>hvm</type>\n"
        "    <boot dev='hd'/>\n  </os>\n"
        f"  <features>{features}</features>\n"
        f"  <cpu mode='{random.choice(('host-model', 'host-passthrough'))}'/>\n"
    )


def _disks(recipe: _Recipe) -> None:
    random = recipe.random
    bus = "virtio" if recipe.chance(recipe.guest.virtio) else {"pc": "ide", "q35": "sata"}.get(recipe.family, "virtio")
    if bus == "virtio" and recipe.chance(0.2):
        bus = "scsi"
        recipe.add("<controller type='scsi' index='0' model='virtio-scsi'/>")
    (count,) = random.choices((1, 2, 3, 4, 6, 9, 14), (30, 46, 21, 2, 0.7, 0.3, 0))
    count = min(count, {"ide": 3, "sata": 5}.get(bus, 15))
    prefix = {"virtio": "vd", "scsi": "sd", "sata": "sd", "ide": "hd"}[bus]
    kind, source = random.choices((("file", "file"), ("block", "dev")), (8, 2))[0]
    cache = random.choice(("", " cache='none'", " cache='none' io='native'", " discard='unmap'", " cache='writeback'"))
    model = " model='virtio-transitional'" if bus == "virtio" and recipe.chance(0.04) else ""
    for name in _NAMES[:count]:
        target = prefix + name[2:]
        form = "qcow2" if kind == "file" else "raw"
        serial = f"<serial>@serial{ord(name[2])}@</serial>" if recipe.chance(0.2) else ""
        recipe.add(
            f"<disk type='{kind}' device='disk'{model}>\n      <driver name='qemu' type='{form}'{cache}/>\n"
            f"      <source {source}='@path@-{target}'/>\n      <target dev='{target}' bus='{bus}'/>{serial}\n"
            "    </disk>"
        )
    if recipe.chance(0.55) and recipe.family in ("pc", "q35"):
        cdrom = "hdd" if recipe.family == "pc" else "sdz"
        recipe.add(
            "<disk type='file' device='cdrom'>\n      <driver name='qemu' type='raw'/>\n"
            f"      <target dev='{cdrom}' bus='{'ide' if recipe.family == 'pc' else 'sata'}'/>\n      <readonly/>\n"
            "    </disk>"
        )


def _nics(recipe: _Recipe) -> None:
    random = recipe.random
    virtio = recipe.chance(recipe.guest.virtio) or recipe.family not in ("pc", "q35")
    model = "virtio" if virtio else random.choice(("e1000", "rtl8139") if recipe.family == "pc" else ("e1000e",))
    if virtio and recipe.chance(0.04):
        model = "virtio-transitional" if recipe.family != "ccw" else "virtio"
    kind, source = random.choice((("network", "network='default'"), ("bridge", "bridge='br0'")))
    queues = random.choice((0, 0, 0, 2, 4, 8)) if virtio else 0
    driver = f"\n      <driver name='vhost' queues='{queues}'/>" if queues else ""
    for number in range(random.choices((1, 2, 3, 4, 8), (57, 38, 4, 1, 0))[0]):
        recipe.add(
            f"<interface type='{kind}'>\n      <mac address='@mac{number}@'/>\n      <source {source}/>\n"
            f"      <model type='{model}'/>{driver}\n    </interface>"
        )


def _others(recipe: _Recipe, windows: bool) -> None:
    random, x86 = recipe.random, recipe.family in ("pc", "q35")
    if x86:
        plain = "piix3-uhci" if recipe.family == "pc" else "qemu-xhci"
        usb = random.choice(("qemu-xhci", "qemu-xhci", plain, "ich9-ehci1"))
        recipe.add(f"<controller type='usb' index='0' model='{usb}'/>")
        if usb == "ich9-ehci1":
            for start, number in ((0, 1), (2, 2), (4, 3)):
                recipe.add(
                    f"<controller type='usb' index='0' model='ich9-uhci{number}'>\n"
                    f"      <master startport='{start}'/>\n    </controller>"
                )
        spare = random.choices((0, 2), (11, 1))[0] if recipe.family == "q35" else 0
        for index in range(1, spare + 1):
            recipe.add(f"<controller type='pci' index='{index}' model='pcie-root-port'/>")
    if x86 and recipe.chance(0.3):
        for number, channel in enumerate(random.sample(_CHANNELS, random.choice((1, 1, 2)))):
            port = f"<target type='virtio' name='{channel}.{number}'/>"
            recipe.add(f"<channel type='unix'>\n      {port}\n    </channel>")
    if recipe.family == "pc":
        recipe.add("<controller type='virtio-serial' index='0'/>")
        recipe.add("<controller type='scsi' index='9' model='virtio-scsi'/>", 0.85)
        recipe.add("<hub type='usb'/>", 0.6)
        recipe.add("<panic model='isa'/>", 0.8)
    if recipe.family != "ccw":
        recipe.add("<serial type='pty'>\n      <target port='0'/>\n    </serial>", 0.95)
    recipe.add("<console type='pty'/>", 0.85)
    agent = "      <target type='virtio' name='org.qemu.guest_agent.0'/>\n"
    recipe.add(f"<channel type='unix'>\n{agent}    </channel>", 0.9)
    if x86:
        recipe.add("<input type='tablet' bus='usb'/>", 0.7)
        graphics = random.choice(("vnc", "vnc", "vnc", "spice"))
        recipe.add(f"<graphics type='{graphics}' port='@port@' autoport='yes' listen='127.0.0.1'/>", 0.95)
        if graphics == "spice":
            port = "<target type='virtio' name='com.redhat.spice.0'/>"
            recipe.add(f"<channel type='spicevmc'>\n      {port}\n    </channel>")
            recipe.add("<redirdev bus='usb' type='spicevmc'/>", 0.8)
            recipe.add("<redirdev bus='usb' type='spicevmc'/>", 0.5)
        recipe.add(f"<sound model='{'ich6' if recipe.family == 'pc' else 'ich9'}'/>", 0.15)
        video = random.choice(("vga", "virtio", "qxl", "cirrus" if recipe.family == "pc" else "vga", "bochs"))
        recipe.add(f"<video>\n      <model type='{video}'/>\n    </video>", 0.9)
        recipe.add("<watchdog model='i6300esb' action='reset'/>", 0.1)
        tpm = "<backend type='emulator' version='2.0'/>"
        recipe.add(f"<tpm model='tpm-crb'>{tpm}</tpm>", 0.6 if windows and recipe.family == "q35" else 0.04)
    recipe.add("<rng model='virtio'>\n      <backend model='random'>/dev/urandom</backend>\n    </rng>", 0.45)
    statistics = random.choice(("", "<stats period='10'/>"))
    recipe.add(f"<memballoon model='virtio'>{statistics}</memballoon>")
    recipe.add("<vsock model='virtio'><cid auto='yes'/></vsock>", 0.04)
