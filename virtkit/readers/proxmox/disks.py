"""The disks and NICs of a Proxmox VE machine as QEMU devices, with the controllers that they need."""

from __future__ import annotations

from virtkit.readers.proxmox.board import address
from virtkit.readers.proxmox.conf import Conf, Entry
from virtkit.readers.qemu_command_line.options import Group

__all__ = ["disks", "drives", "nics"]

_LSI_UNITS = 7
_INTERFACES = ("ide", "scsi", "virtio", "sata")
_SATA_PORTS = 6
_SINGLE = "virtio-scsi-single"


def drives(conf: Conf) -> dict[str, Group]:
    """The drive behind each disk, by the name that devices use; a file is named only when it is a path."""
    found = {}
    for interface in _INTERFACES:
        for number, entry in conf.numbered(interface):
            values = entry.properties("file")
            path = values.get("file", "")
            shown = {"file": path} if path.startswith("/") else {}
            media = {"media": "cdrom"} if _cdrom(entry) else {}
            found[f"drive-{interface}{number}"] = Group("drive", {**shown, **media}, entry.line)
    return found


def _cdrom(entry: Entry) -> bool:
    values = entry.properties("file")
    return values.get("media") == "cdrom" or values.get("file") == "cdrom"


def disks(conf: Conf, boot: dict[str, str], *, q35: bool, arm: bool) -> list[Group]:
    """The disk devices, each after the controller that it is the first to need."""
    found: list[Group] = []
    for number, entry in conf.numbered("ide"):
        found.append(_ide(number, entry, boot, q35))
    found += _scsi(conf, boot, arm)
    for number, entry in conf.numbered("virtio"):
        name = f"virtio{number}"
        values = {"driver": "virtio-blk-pci", "drive": f"drive-{name}", "id": name, **address(name, arm=arm)}
        found.append(_device(values, entry, boot, name))
    added = False
    for number, entry in conf.numbered("sata"):
        if not added:
            values = {"driver": "ahci", "id": "ahci0", "multifunction": "on", **address("ahci0", arm=arm)}
            found.append(Group("device", values, entry.line))
            added = True
        kind = "ide-cd" if _cdrom(entry) else "ide-hd"
        name = f"sata{number}"
        values = {"driver": kind, "bus": f"ahci0.{number % _SATA_PORTS}", "drive": f"drive-{name}", "id": name}
        found.append(_device(values, entry, boot, name))
    return found


def _device(values: dict[str, str], entry: Entry, boot: dict[str, str], name: str) -> Group:
    if name in boot:
        values["bootindex"] = boot[name]
    return Group("device", values, entry.line)


def _ide(number: int, entry: Entry, boot: dict[str, str], q35: bool) -> Group:
    """q35 has one unit on each IDE bus: an odd disk is two buses further than its even neighbour."""
    bus, unit = divmod(number, 2)
    if q35:
        bus, unit = bus + 2 * unit, 0
    kind = "ide-cd" if _cdrom(entry) else "ide-hd"
    name = f"ide{number}"
    values = {"driver": kind, "bus": f"ide.{bus}", "unit": str(unit), "drive": f"drive-{name}", "id": name}
    return _device(values, entry, boot, name)


def _scsi(conf: Conf, boot: dict[str, str], arm: bool) -> list[Group]:
    model = conf.get("scsihw") or "lsi"
    single = model == _SINGLE
    lsi = model.startswith("lsi")
    units = 1 if single else _LSI_UNITS if lsi else 256
    prefix = "virtioscsi" if single else "scsihw"
    found: list[Group] = []
    seen = set()
    for number, entry in conf.numbered("scsi"):
        controller = f"{prefix}{number // units}"
        if controller not in seen:
            seen.add(controller)
            driver = "virtio-scsi-pci" if single else model
            line = conf.line("scsihw") or entry.line
            found.append(Group("device", {"driver": driver, "id": controller, **address(controller, arm=arm)}, line))
        name = f"scsi{number}"
        values = {"driver": "scsi-cd" if _cdrom(entry) else "scsi-hd", "bus": f"{controller}.0"}
        if lsi or model == "pvscsi":
            values["scsi-id"] = str(number % units)
        else:
            values |= {"channel": "0", "scsi-id": "0", "lun": str(number)}
        values |= {"drive": f"drive-{name}", "id": name}
        found.append(_device(values, entry, boot, name))
    return found


def nics(conf: Conf, boot: dict[str, str], *, arm: bool) -> list[Group]:
    """The NICs. A model is a key whose value is the MAC address, as ``virtio=AA:BB:…``."""
    found = []
    for number, entry in conf.numbered("net"):
        name = f"net{number}"
        values = entry.properties("model")
        model, mac = values.get("model", ""), values.get("macaddr", "")
        if not model:
            model, mac = next(iter(values.items()), ("virtio", ""))
        driver = "virtio-net-pci" if model == "virtio" else model
        device = {"driver": driver, "mac": mac, "netdev": name, **address(name, arm=arm), "id": name}
        if values.get("queues", "").isdigit() and int(values["queues"][:4]) > 1 and model == "virtio":
            device["mq"] = "on"
        found.append(_device(device, entry, boot, name))
    return found
