"""Random QEMU command lines: machines, default devices, bridges, and devices with and without a bus and an address.

Back ends are null devices and user networks, so that a QEMU starts every line that it does not refuse.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from virtkit.releases import Release

__all__ = ["command_lines"]

_PLAIN = (
    "e1000", "rtl8139", "ne2k_pci", "pcnet", "vmxnet3", "i82559er", "tulip", "e1000-82545em", "AC97", "ES1370",
    "intel-hda", "ich9-intel-hda", "i6300esb", "pci-testdev", "edu", "pvpanic-pci", "sdhci-pci",
)  # fmt: skip
_EXPRESS = ("e1000e", "qemu-xhci", "nec-usb-xhci")
_SCSI = ("lsi53c895a", "lsi", "megasas", "mptsas1068", "pvscsi", "am53c974", "virtio-scsi-pci", "virtio-scsi")
_USB = ("usb-ehci", "piix3-usb-uhci", "pci-ohci", "ich9-usb-ehci1", "qemu-xhci")
_VIDEO = ("bochs-display", "virtio-gpu-pci", "secondary-vga")
_VGA = ("VGA", "cirrus-vga", "vmware-svga", "virtio-vga", "ati-vga")
_VIRTIO = ("virtio-net", "virtio-rng", "virtio-serial", "virtio-blk", "virtio-scsi", "virtio-balloon", "virtio-9p")
_MODERN = ("virtio-keyboard-pci", "virtio-mouse-pci", "virtio-tablet-pci", "virtio-crypto-pci")
_NICS = ("virtio", "virtio-net-pci", "e1000", "rtl8139", "e1000e", "ne2k_pci", "pcnet", "vmxnet3")
_NULL = "file.driver=null-co,driver=raw"
_MACHINES = {
    "x86_64": ("pc", "q35", "q35", "pc-i440fx-{}", "pc-q35-{}"),
    "aarch64": ("virt", "virt-{}"),
    "riscv64": ("virt",),
    "ppc64": ("pseries", "pseries-{}"),
}

#: What a machine needs to start paused without firmware.
_OLDEST = {"aarch64": (2, 6)}
_NEEDED = {"aarch64": ["-cpu", "cortex-a57"], "riscv64": ["-bios", "none"]}


@dataclass(slots=True)
class _Line:
    """One command line in the making."""

    random: Random
    arch: str
    machine: str
    words: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    buses: list[str] = field(default_factory=list)
    count: int = 0
    once: set[str] = field(default_factory=set)
    newer: bool = False

    @property
    def express(self) -> bool:
        return "q35" in self.machine or self.machine.startswith("virt")

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def one(self, *values: str) -> str:
        return self.random.choice(values)

    def next(self) -> int:
        self.count += 1
        return self.count

    def device(self, driver: str, *, placed: bool = True, **options: Any) -> str:
        """Add a -device in one of its forms, and return its id ("" for none)."""
        ident = f"d{self.next()}" if options.pop("named", self.chance(0.8)) else ""
        values: dict[str, object] = {"driver": driver}
        if ident:
            values["id"] = ident
        values |= options
        if placed and self.buses and self.chance(0.6):
            values["bus"] = self.random.choice(self.buses)
        elif placed and (self.chance(0.25) or "pxb" in self.once):
            values["bus"] = "pcie.0" if self.express else "pci.0"
        if placed and "addr" not in values and self.chance(0.3):
            values["addr"] = self.address(values.get("bus"))
        if placed and self.chance(0.1):
            values["multifunction"] = True
        self.words += ["-device", self.text(values)]
        return ident

    def address(self, bus: object) -> str:
        slot = 0 if str(bus or "").startswith("port") else self.random.randint(0, 0x1C)
        shown = self.one(f"{slot:x}", f"0x{slot:x}", f"0x{slot:02x}.0x0", f"{slot:x}.0")
        if self.chance(0.1):
            shown = f"0x{slot:x}.{self.random.randint(0, 7)}"
        return shown

    def text(self, values: dict[str, object]) -> str:
        if self.chance(0.15):
            return json.dumps(values)
        driver = str(values["driver"])
        parts = [driver if self.chance(0.9) else f"driver={driver}"]
        for key, value in values.items():
            if key != "driver":
                shown = ("on" if value else "off") if isinstance(value, bool) else str(value)
                parts.append(f"{key}={shown}")
        return ",".join(parts)

    def drive(self) -> str:
        name = f"drive{self.next()}"
        if self.chance(0.5):
            self.words += ["-drive", f"if=none,id={name},{_NULL}"]
        else:
            self.words += ["-blockdev", f"driver=null-co,node-name={name}"]
        return name


def _bridge(line: _Line) -> None:
    number = line.next()
    if not line.express:
        if line.chance(0.2) and "pxb" not in line.once and line.arch == "x86_64":
            # From here on QEMU takes the expander for a bus that is not written.
            line.once.add("pxb")
            line.words += ["-device", f"pxb,id=pxb{number},bus_nr={number + 40},bus=pci.0"]
            line.buses += [f"pxb{number}"]
            return
        # After an expander QEMU would put it on the expander's own bus, which domain XML cannot name.
        bus = ",bus=pci.0" if "pxb" in line.once else ""
        bus = f",bus={line.random.choice(line.buses)}" if line.buses and line.chance(0.3) else bus
        line.words += ["-device", f"pci-bridge,id=bridge{number},chassis_nr={number}{bus}"]
        line.buses.append(f"bridge{number}")
        return
    kind = line.random.random()
    if kind < 0.5:
        driver = line.one("pcie-root-port", "pcie-root-port", "ioh3420")
        at = f",addr={line.random.randint(3, 0x1B):#x}" if line.chance(0.3) else ""
        line.words += ["-device", f"{driver},id=port{number},chassis={number},bus=pcie.0{at}"]
        line.buses.append(f"port{number}")
    elif kind < 0.65:
        line.words += ["-device", f"pcie-pci-bridge,id=bridge{number},bus=pcie.0"]
        line.buses.append(f"bridge{number}")
    elif kind < 0.75:
        line.words += ["-device", f"i82801b11-bridge,id=dmi{number},bus=pcie.0"]
        line.words += ["-device", f"pci-bridge,id=bridge{number},chassis_nr={number},bus=dmi{number}"]
        line.buses += [f"dmi{number}", f"bridge{number}"]
    elif kind < 0.9:
        line.words += ["-device", f"pcie-root-port,id=switch{number},chassis={number},bus=pcie.0"]
        line.words += ["-device", f"x3130-upstream,id=up{number},bus=switch{number}"]
        for part in range(line.random.randint(1, 3)):
            chassis = 100 + number * 4 + part
            line.words += ["-device", f"xio3130-downstream,id=port{number}-{part},bus=up{number},chassis={chassis}"]
            line.buses.append(f"port{number}-{part}")
    elif "q35" in line.machine:
        line.words += ["-device", f"pxb-pcie,id=pxb{number},bus_nr={number * 4 + 40},bus=pcie.0"]
        line.words += ["-device", f"pcie-root-port,id=port{number},chassis={number},bus=pxb{number}"]
        line.buses.append(f"port{number}")
        line.once.add("pxb")


def _virtio(line: _Line) -> None:
    driver = line.one(*_VIRTIO)
    if driver == "virtio-balloon":
        if driver in line.once:
            return
        line.once.add(driver)
    endings = ("", "-pci", "-pci", "-pci", "-pci-transitional", "-pci-non-transitional")
    ending = line.one(*endings[: 4 if "global" in line.once else 6])
    options: dict[str, Any] = {}
    if not ending.endswith("transitional") and line.chance(0.25):
        options["disable-legacy"] = line.one("on", "off", "auto")
        if options["disable-legacy"] != "on" and line.chance(0.4):
            options["disable-modern"] = line.chance(0.5)
    if options:
        options["named"] = True
    if driver == "virtio-blk":
        options["drive"] = line.drive()
    elif driver == "virtio-9p":
        name = f"fs{line.next()}"
        line.words += ["-fsdev", f"local,id={name},path=/,security_model=none,readonly=on"]
        options |= {"fsdev": name, "mount_tag": name}
    elif driver == "virtio-net" and line.chance(0.5):
        name = f"net{line.next()}"
        line.words += ["-netdev", f"user,id={name}"]
        options["netdev"] = name
    line.device(driver + ending, **options)


def _modern(line: _Line) -> None:
    driver = line.one(*_MODERN)
    if driver == "virtio-crypto-pci":
        name = f"crypto{line.next()}"
        line.words += ["-object", f"cryptodev-backend-builtin,id={name}"]
        line.device(driver, cryptodev=name)
    else:
        line.device(driver)


def _plain(line: _Line) -> None:
    driver = line.one(*_PLAIN)
    if driver in ("AC97", "ES1370"):
        name = f"sound{line.next()}"
        line.words += ["-audiodev", f"none,id={name}"]
        line.device(driver, audiodev=name)
    else:
        line.device(driver)


def _express(line: _Line) -> None:
    line.device("igb" if line.newer and line.chance(0.1) else line.one(*_EXPRESS))


def _scsi(line: _Line) -> None:
    controller = line.device(line.one(*_SCSI))
    for _ in range(line.random.randint(0, 3)):
        target: dict[str, Any] = {"bus": f"{controller}.0"} if controller and line.chance(0.5) else {}
        line.device(line.one("scsi-hd", "scsi-cd"), placed=False, drive=line.drive(), **target)


def _usb(line: _Line) -> None:
    controller = line.device(line.one(*_USB))
    for _ in range(line.random.randint(0, 3)):
        target: dict[str, Any] = {"bus": f"{controller}.0"} if controller and line.chance(0.5) else {}
        line.device("usb-tablet", placed=False, **target)


def _video(line: _Line) -> None:
    driver = line.one(*_VIDEO)
    if "vga" not in line.once and line.chance(0.2) and line.arch == "x86_64":
        driver = line.one(*_VGA)
        line.once.add("vga")
    line.device(driver)


def _drive(line: _Line) -> None:
    interface = line.one("virtio", "virtio", "ide", "none", "") if "pxb" not in line.once else "none"
    shown = f"if={interface}," if interface else ""
    if line.arch != "x86_64":
        shown = "if=none," if line.arch == "ppc64" else "if=virtio,"
    line.late += ["-drive", f"{shown}{_NULL},id=late{line.next()}"]


def _nic(line: _Line) -> None:
    form = line.random.random()
    if form < 0.6:
        model = f",model={line.one(*_NICS)}" if line.chance(0.8) else ""
        line.late += ["-nic", f"user{model}"]
    elif form < 0.85:
        model = f",model={line.one(*_NICS)}" if line.chance(0.8) else ""
        line.late += ["-net", f"nic{model}", "-net", "user"]
    else:
        line.late += [line.one("-nic", "-net"), "none"]


def _ahci(line: _Line) -> None:
    name = line.device("ich9-ahci", named=True)
    if line.chance(0.6):
        line.device("ide-hd", placed=False, drive=line.drive(), bus=f"{name}.{line.random.randint(0, 5)}")


_MAKERS: tuple[tuple[Callable[[_Line], None], int], ...] = (
    (_virtio, 8), (_plain, 4), (_express, 3), (_bridge, 5), (_scsi, 2), (_usb, 1), (_video, 1), (_modern, 2),
    (_drive, 2), (_nic, 2), (_ahci, 1),
)  # fmt: skip


def _switches(line: _Line) -> None:
    """Options for the whole machine, each with some probability."""
    if line.chance(0.6):
        line.words.append("-nodefaults")
    if line.chance(0.3) and line.arch == "x86_64":
        line.words += ["-vga", line.one("std", "cirrus", "vmware", "virtio", "none")]
    if line.chance(0.2) and line.arch == "x86_64":
        line.words.append("-usb")
    if line.chance(0.1) and line.arch == "x86_64":
        line.words += ["-usbdevice", "tablet"]
    if line.chance(0.15):
        line.once.add("global")
        driver = line.one("virtio-pci", "virtio-net-pci", "virtio-rng-pci", "virtio-blk-pci")
        long = f"driver={driver},property=disable-modern,value=on"
        line.words += ["-global", line.one(f"{driver}.disable-legacy=on", long)]
    if line.chance(0.1) and line.arch == "x86_64":
        line.words += ["-audio", f"driver=none,model={line.one('hda', 'ac97', 'es1370')}"]
    if line.chance(0.1) and line.arch == "x86_64":
        line.words += ["-cdrom", "/dev/null"]


def command_lines(count: int, seed: int, qemu: Release, arch: str = "x86_64") -> Iterator[tuple[str, str]]:
    """(name, command line) of ``count`` random ones for a QEMU release, quoted for a shell.

    The same arguments give the same text. Some lines are refused by QEMU, as when an address is taken.
    """
    for number in range(count):
        random = Random(f"virtkit command line {qemu} {arch} {seed} {number}")  # noqa: S311 - the seed alone decides
        oldest, newest = (2, 4) if qemu < (9, 0) else (5, 2), qemu
        oldest = max(oldest, _OLDEST.get(arch, oldest))
        versions = [(2, 4), (2, 6), (2, 11), (2, 12), (4, 0), (5, 2), (6, 2), (7, 0), (7, 2), (8, 2), (9, 2), (10, 1)]
        usable = [one for one in versions if oldest <= one <= newest]
        chosen = random.choice(usable)
        machine = random.choice(_MACHINES[arch]).format(f"{chosen[0]}.{chosen[1]}")
        line = _Line(random, arch, machine, newer=qemu >= (8, 0))
        _switches(line)
        makers, weights = zip(*_MAKERS, strict=True)
        size = 1 + int(random.expovariate(1 / random.choice((3, 6, 12))))
        for maker in random.choices(makers, weights, k=min(size, 40)):
            maker(line)
        properties = ",usb=on" if random.random() < 0.1 and arch == "x86_64" else ""
        words = [f"qemu-system-{arch}", "-M" if random.random() < 0.5 else "-machine", machine + properties]
        words += _NEEDED.get(arch, [])
        yield f"line-{seed}-{number}", shlex.join([*words, *line.words, *line.late])
