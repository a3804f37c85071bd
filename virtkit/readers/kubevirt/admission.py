"""What KubeVirt's admission refuses of a filled-in spec, as far as it concerns devices and their places."""

from __future__ import annotations

import re

from virtkit.errors import InputError
from virtkit.readers.kubevirt.architecture import Architecture, accepted
from virtkit.readers.kubevirt.defaults import DISK_KINDS
from virtkit.readers.kubevirt.documents import Mapping

__all__ = ["check_spec"]


_PCI = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]")


class _Checker:
    """Raises InputError with the path, file and line of a field."""

    def __init__(self, arch: Architecture, path: str, file: str) -> None:
        self.arch = arch
        self.path = path
        self.file = file

    def refuse(self, holder: Mapping, key: str, path: str, what: str) -> None:
        raise InputError(f"{self.path}.{path}: {what}", self.file, holder.line_of(key))

    def value(self, holder: Mapping, key: str, path: str, field: str) -> None:
        """Refuse a value that admission does not accept for a field."""
        value = holder.text(key)
        allowed = accepted(field, self.arch.name)
        if not allowed:
            self.refuse(holder, key, path, f"KubeVirt has no such device on {self.arch.name}")
        if value and value not in allowed:
            self.refuse(holder, key, path, f"expected {' or '.join(allowed)} on {self.arch.name}, got {value[:40]!r}")


    def pci_address(self, holder: Mapping, path: str) -> None:
        """Refuse a malformed pciAddress."""
        value = holder.text("pciAddress")
        if value and not _PCI.fullmatch(value):
            what = f"expected an address such as 0000:81:00.0, got {value[:40]!r}"
            self.refuse(holder, "pciAddress", f"{path}.pciAddress", what)


def check_spec(spec: Mapping, arch: Architecture, path: str, file: str) -> None:
    """Refuse what admission refuses. Raises InputError for the first problem.

    Source: KubeVirt 1.9.0-rc.2, pkg/storage/admitters, pkg/network/admitter and pkg/virt-api/webhooks.
    """
    checker = _Checker(arch, path, file)
    devices = spec.child("domain").child("devices")
    _check_disks(checker, spec, devices)
    _check_nics(checker, spec, devices)
    _check_filesystems(checker, spec, devices)
    for number, one in enumerate(devices.items_of("inputs")):
        checker.value(one, "bus", f"domain.devices.inputs[{number}].bus", "input.bus")
        checker.value(one, "type", f"domain.devices.inputs[{number}].type", "input.type")
    for number, one in enumerate(devices.items_of("panicDevices")):
        checker.value(one, "model", f"domain.devices.panicDevices[{number}].model", "panic.model")
    for field, key in (("sound", "model"), ("video", "type")):
        if isinstance(devices.get(field), Mapping):
            checker.value(devices.child(field), key, f"domain.devices.{field}.{key}", f"{field}.{key}")
    _check_watchdog(checker, devices)


def _check_disks(checker: _Checker, spec: Mapping, devices: Mapping) -> None:
    volumes = {one.text("name"): one for one in spec.items_of("volumes")}
    names: set[str] = set()
    for number, disk in enumerate(devices.items_of("disks")):
        path, name = f"domain.devices.disks[{number}]", disk.text("name")
        kinds = [kind for kind in DISK_KINDS if isinstance(disk.get(kind), Mapping)]
        if len(kinds) > 1:
            checker.refuse(disk, kinds[1], path, f"expected one of disk, cdrom and lun, got {' and '.join(kinds)}")
        if name in names:
            checker.refuse(disk, "name", f"{path}.name", f"an earlier disk is called {name[:60]!r} too")
        names.add(name)
        kind = kinds[0]
        target = disk.child(kind)
        checker.value(target, "bus", f"{path}.{kind}.bus", "disk.bus")
        checker.pci_address(target, f"{path}.{kind}")
        volume = volumes.get(name)
        if volume is None and kind != "cdrom":
            checker.refuse(disk, "name", f"{path}.name", f"there is no volume called {name[:60]!r} in spec.volumes")
        bus = target.text("bus")
        if kind == "cdrom" and bus == "virtio":
            checker.refuse(target, "bus", f"{path}.cdrom.bus", "a CD-ROM cannot be on the virtio bus; use sata or scsi")
        if target.get("readonly") is True and kind == "disk" and bus == "sata":
            checker.refuse(target, "bus", f"{path}.disk.bus", "a SATA disk cannot be read-only")
        if bus != "virtio" and (disk.get("dedicatedIOThread") is True or target.text("pciAddress")):
            key = "pciAddress" if target.text("pciAddress") else "dedicatedIOThread"
            holder = target if key == "pciAddress" else disk
            checker.refuse(holder, key, f"{path}.{key}", f"only a disk on the virtio bus can have it, got bus {bus!r}")
        if volume is not None and "downwardMetrics" in volume and bus != "virtio":
            what = f"a downwardMetrics volume needs a disk on the virtio bus, got {bus!r}"
            checker.refuse(target, "bus", f"{path}.{kind}.bus", what)


def _check_nics(checker: _Checker, spec: Mapping, devices: Mapping) -> None:
    networks = {one.text("name") for one in spec.items_of("networks")}
    names: set[str] = set()
    for number, nic in enumerate(devices.items_of("interfaces")):
        path, name = f"domain.devices.interfaces[{number}]", nic.text("name")
        checker.value(nic, "model", f"{path}.model", "interface.model")
        checker.value(nic, "state", f"{path}.state", "interface.state")
        checker.pci_address(nic, path)
        if name not in networks:
            checker.refuse(nic, "name", f"{path}.name", f"there is no network called {name[:60]!r} in spec.networks")
        if name in names:
            checker.refuse(nic, "name", f"{path}.name", f"an earlier interface is called {name[:60]!r} too")
        names.add(name)
    for number, network in enumerate(spec.items_of("networks")):
        if network.text("name") not in names:
            what = f"no interface uses the network {network.text('name')[:60]!r}"
            checker.refuse(network, "name", f"networks[{number}].name", what)


def _check_filesystems(checker: _Checker, spec: Mapping, devices: Mapping) -> None:
    volumes = {one.text("name") for one in spec.items_of("volumes")}
    for number, one in enumerate(devices.items_of("filesystems")):
        name = one.text("name")
        if name not in volumes:
            what = f"there is no volume called {name[:60]!r} in spec.volumes"
            checker.refuse(one, "name", f"domain.devices.filesystems[{number}].name", what)


def _check_watchdog(checker: _Checker, devices: Mapping) -> None:
    watchdog = devices.get("watchdog")
    if not isinstance(watchdog, Mapping):
        return
    path, own = "domain.devices.watchdog", checker.arch.watchdog
    if not own:
        checker.refuse(devices, "watchdog", path, f"KubeVirt has no watchdog on {checker.arch.name}")
    for model in ("i6300esb", "diag288"):
        if model in watchdog and model != own:
            checker.refuse(watchdog, model, f"{path}.{model}", f"expected {own} on {checker.arch.name}")
