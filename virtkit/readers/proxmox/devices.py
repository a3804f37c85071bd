"""The devices of a Proxmox VE machine in the order in which it hands them to QEMU.

Source: the sources of qemu-server 9.2.6 and its tests of generated command lines (github:proxmox/qemu-server).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from virtkit.readers.proxmox.board import address, further_port
from virtkit.readers.proxmox.conf import Conf, Entry
from virtkit.readers.proxmox.disks import disks, nics
from virtkit.readers.qemu_command_line.known_files import known_devices
from virtkit.readers.qemu_command_line.options import Group
from virtkit.releases import Release

__all__ = ["Shape", "devices", "windows"]

_PORTS_FROM, _XHCI_FROM = (4, 0), (7, 1)
_SCSI_SINGLE = "virtio-scsi-single"
_DISPLAYS = {
    "std": "VGA", "cirrus": "cirrus-vga", "vmware": "vmware-svga", "virtio": "virtio-vga", "virtio-gl": "virtio-vga-gl",
}  # fmt: skip
_WINDOWS = {"wxp": 5, "w2k": 5, "w2k3": 5, "wvista": 6, "w2k8": 6, "win7": 7, "win8": 8, "win10": 10, "win11": 11}
_FUNCTION = re.compile(r"\.[0-9a-f]$", re.I)

Note = Callable[[int, str], None]


def windows(conf: Conf) -> int:
    """Proxmox's number of the Windows that the machine runs, 0 for another system."""
    return _WINDOWS.get(conf.get("ostype"), 0)


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides where devices go: q35 or not, Arm or not, and the version of the machine type (None: newest)."""

    q35: bool
    arm: bool
    version: Release | None

    def since(self, release: Release) -> bool:
        """Whether the machine type is of that version or newer."""
        return self.version is None or self.version >= release


def devices(conf: Conf, shape: Shape, boot: dict[str, str], note: Note) -> list[Group]:
    """All devices, boards and bridges first."""
    arm = shape.arm
    viommu = _viommu(conf)
    found: list[Group] = [group for group in viommu if group.get("driver") == "intel-iommu"]
    if shape.q35:
        found += known_devices("pve-q35-4.0.cfg" if shape.since(_PORTS_FROM) else "pve-q35.cfg", conf.line("machine"))
    body = [
        *_usb_controllers(conf, shape), *_tablet(conf, shape), *_hostpci(conf, shape, note),
        *_usb_devices(conf, shape, boot), *_chardevs(conf), *_audio(conf, arm), *_display(conf, shape),
        *_channels(conf, arm), *_small(conf, arm), *disks(conf, boot, q35=shape.q35, arm=arm),
        *nics(conf, boot, arm=arm), *_shared_memory(conf, shape),
    ]  # fmt: skip
    found += [*_bridges(conf, shape, body), *body]
    found += [group for group in viommu if group.get("driver") != "intel-iommu"]
    for _, entry in conf.numbered("virtiofs"):
        tag = entry.properties("dirid").get("dirid", "")
        found.append(Group("device", {"driver": "vhost-user-fs-pci", "tag": tag}, entry.line))
    return found


def _viommu(conf: Conf) -> list[Group]:
    kind = Entry(conf.get("machine"), 0).properties("type").get("viommu", "")
    driver = {"intel": "intel-iommu", "virtio": "virtio-iommu-pci"}.get(kind)
    return [] if driver is None else [Group("device", {"driver": driver}, conf.line("machine"))]


def _bridges(conf: Conf, shape: Shape, body: list[Group]) -> list[Group]:
    """The bridges pci.1 to pci.4 beside those of q35's board: the ones that some device needs, and two on pc."""
    wanted = {int(name[4:]) for group in body if re.fullmatch(r"pci\.[1-9]", name := group.get("bus"))}
    if 4 in wanted:
        wanted.add(1)
    if not shape.q35:
        wanted |= {1, 2}
        if conf.get("scsihw") == _SCSI_SINGLE:
            wanted.add(3)
    found = []
    for number in sorted(wanted):
        if shape.q35 and number < 4:
            continue
        values = {"driver": "pci-bridge", "id": f"pci.{number}", "chassis_nr": str(number)}
        name = f"pci.{number}"
        if number == 2 and any("legacy-igd" in entry.text for _, entry in conf.numbered("hostpci")):
            name = "pci.2-igd"
        found.append(Group("device", values | address(name, arm=shape.arm), conf.line("machine")))
    return found


def _new_usb(conf: Conf, shape: Shape) -> bool:
    """Whether all USB devices are on one qemu-xhci."""
    return shape.since(_XHCI_FROM) and (conf.get("ostype") == "l26" or windows(conf) > 7)


def _usb_controllers(conf: Conf, shape: Shape) -> list[Group]:
    found = []
    line = conf.line("machine")
    if shape.arm:
        found.append(Group("device", {"driver": "usb-ehci", "id": "ehci", **address("ehci", arm=True)}, line))
    elif not shape.q35:
        uhci = {"driver": "piix3-usb-uhci", "id": "uhci", "bus": "pci.0", "addr": "0x1.0x2"}
        found.append(Group("device", uhci, line))
    entries = [entry for _, entry in conf.numbered("usb")]
    if not entries:
        return found
    usb3 = [_usb3(entry) for entry in entries]
    first = entries[0].line
    if _new_usb(conf, shape):
        values = {"driver": "qemu-xhci", "p2": "15", "p3": "15", "id": "xhci", **address("xhci", arm=shape.arm)}
        return [*found, Group("device", values, first)]
    if not all(usb3) and not shape.q35 and not shape.arm:
        found += known_devices("pve-usb.cfg", first)
    if any(usb3):
        found.append(Group("device", {"driver": "nec-usb-xhci", "id": "xhci", **address("xhci", arm=shape.arm)}, first))
    return found


def _usb3(entry: Entry) -> bool:
    return Entry(entry.properties("host").get("usb3", ""), 0).on


def _usb_devices(conf: Conf, shape: Shape, boot: dict[str, str]) -> list[Group]:
    found = []
    new = _new_usb(conf, shape)
    for number, entry in conf.numbered("usb"):
        name = f"usb{number}"
        spice = entry.properties("host").get("host") == "spice"
        values = {"driver": "usb-redir" if spice else "usb-host", "id": f"usbredirdev{number}" if spice else name}
        if new or _usb3(entry):
            values["bus"] = "xhci.0"
        elif spice:
            values["bus"] = "ehci.0"
        if new:
            values["port"] = str(number + 1)
        if name in boot and not spice:
            values["bootindex"] = boot[name]
        found.append(Group("device", values, entry.line))
    return found


def _display_type(conf: Conf) -> str:
    shown = Entry(conf.get("vga"), 0).properties("type").get("type", "")
    if shown:
        return shown
    passed = [entry.properties("host") for _, entry in conf.numbered("hostpci")]
    if any(Entry(values.get("x-vga", ""), 0).on for values in passed) and not conf.get("vga"):
        return "none"
    if conf.get("arch") == "aarch64":
        return "virtio"
    return "cirrus" if 0 < windows(conf) < 6 else "std"


def _tablet(conf: Conf, shape: Shape) -> list[Group]:
    entry = conf.entries.get("tablet")
    kind = _display_type(conf)
    # A serial terminal and SPICE need no absolute pointer.
    wanted = entry.on if entry is not None else not kind.startswith(("serial", "qxl"))
    bus = "ehci.0" if shape.q35 or shape.arm else "uhci.0"
    found = []
    line = conf.line("tablet")
    if wanted:
        found.append(Group("device", {"driver": "usb-tablet", "id": "tablet", "bus": bus, "port": "1"}, line))
        if shape.arm:
            found.append(Group("device", {"driver": "usb-kbd", "id": "keyboard", "bus": bus, "port": "2"}, line))
    return found


def _hostpci(conf: Conf, shape: Shape, note: Note) -> list[Group]:
    found: list[Group] = []
    for number, entry in conf.numbered("hostpci"):
        name = f"hostpci{number}"
        values = entry.properties("host")
        hosts = [part for part in values.get("host", "").split(";") if part]
        if not hosts or not all(map(_FUNCTION.search, hosts)):
            note(entry.line, f"{name}: the host decides how many functions it has; one is assumed")
        express = Entry(values.get("pcie", ""), 0).on and shape.q35
        if not express:
            igd = Entry(values.get("legacy-igd", ""), 0).on
            place = address("legacy-igd" if igd else name, arm=shape.arm)
        elif windows(conf) == 7:
            place = address(f"{name}bus0", "pcie")
        else:
            found += further_port(number, entry.line) if number > 3 else []
            place = address(name, "pcie")
        for function, host in enumerate(hosts or [""]):
            several = len(hosts) > 1
            own = {"driver": "vfio-pci", "host": host, "id": f"{name}.{function}" if several else name, **place}
            if several:
                own["addr"] = f"{place.get('addr', '0')}.{function}"
                own |= {"multifunction": "on"} if not function else {}
            found.append(Group("device", own, entry.line))
    return found


def _chardevs(conf: Conf) -> list[Group]:
    found = [Group("device", {"driver": "isa-serial"}, entry.line) for _, entry in conf.numbered("serial")]
    if "tpmstate0" in conf.entries:
        found.append(Group("device", {"driver": "tpm-tis"}, conf.line("tpmstate0")))
    return found


def _audio(conf: Conf, arm: bool) -> list[Group]:
    entry = conf.entries.get("audio0")
    if entry is None:
        return []
    driver = entry.properties("device").get("device", "")
    found = [Group("device", {"driver": driver, "id": "audiodev0", **address("audio0", arm=arm)}, entry.line)]
    if driver.endswith("hda"):
        for codec in ("hda-micro", "hda-duplex"):
            found.append(Group("device", {"driver": codec, "bus": "audiodev0.0"}, entry.line))
    return found


def _display(conf: Conf, shape: Shape) -> list[Group]:
    kind = _display_type(conf)
    line = conf.line("vga")
    place = address("vga", "pcie") if shape.q35 else address("vga", arm=shape.arm)
    if kind.startswith("qxl"):
        count = int(kind[3:]) if kind[3:].isdigit() else 1
        found = [Group("device", {"driver": "qxl-vga", "id": "vga", **place}, line)]
        for number in range(1, count if windows(conf) else 1):
            name = f"vga{number}"
            found.append(Group("device", {"driver": "qxl", "id": name, **address(name, arm=shape.arm)}, line))
        return found
    driver = _DISPLAYS.get(kind)
    if driver is None:
        return []
    if shape.arm:
        driver = driver.replace("virtio-vga", "virtio-gpu")
    return [Group("device", {"driver": driver, "id": "vga", **place}, line)]


def _channels(conf: Conf, arm: bool) -> list[Group]:
    """The channels of the guest agent and of SPICE, each on a controller of its own, and the random numbers between."""
    found: list[Group] = []
    agent = Entry(conf.get("agent"), 0).properties("enabled")
    line = conf.line("agent")
    if Entry(agent.get("enabled", ""), 0).on:
        if agent.get("type", "virtio") == "isa":
            found.append(Group("device", {"driver": "isa-serial"}, line))
        else:
            found += _channel("qga0", "org.qemu.guest_agent.0", line, arm)
    if "rng0" in conf.entries:
        values = {"driver": "virtio-rng-pci", **address("rng0", arm=arm)}
        found.append(Group("device", values, conf.line("rng0")))
    kind = _display_type(conf)
    clipboard = Entry(conf.get("vga"), 0).properties("type").get("clipboard") == "vnc"
    if kind.startswith(("qxl", "virtio")) or clipboard:
        found += _channel("spice", "com.redhat.spice.0", conf.line("vga"), arm)
        shared = Entry(conf.get("spice_enhancements"), 0).properties().get("foldersharing", "")
        if Entry(shared, 0).on and kind.startswith(("qxl", "virtio")):
            values = {"driver": "virtserialport", "bus": "spice.0", "name": "org.spice-space.webdav.0"}
            found.append(Group("device", values, conf.line("spice_enhancements")))
    return found


def _channel(controller: str, name: str, line: int, arm: bool) -> list[Group]:
    return [
        Group("device", {"driver": "virtio-serial", "id": controller, **address(controller, arm=arm)}, line),
        Group("device", {"driver": "virtserialport", "bus": f"{controller}.0", "name": name}, line),
    ]


def _small(conf: Conf, arm: bool) -> list[Group]:
    found = []
    balloon = conf.entries.get("balloon")
    if balloon is None or balloon.text not in ("0", ""):
        values = {"driver": "virtio-balloon-pci", "id": "balloon0", **address("balloon0", arm=arm)}
        found.append(Group("device", values, conf.line("balloon")))
    watchdog = conf.entries.get("watchdog")
    if watchdog is not None:
        model = watchdog.properties("model").get("model") or "i6300esb"
        found.append(Group("device", {"driver": model, **address("watchdog", arm=arm)}, watchdog.line))
    return found


def _shared_memory(conf: Conf, shape: Shape) -> list[Group]:
    if "ivshmem" not in conf.entries:
        return []
    place = address("ivshmem", "pcie") if shape.q35 else address("ivshmem", arm=shape.arm)
    return [Group("device", {"driver": "ivshmem-plain", **place}, conf.line("ivshmem"))]
