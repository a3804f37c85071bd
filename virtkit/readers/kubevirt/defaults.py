"""What KubeVirt's webhooks and its VM controller fill in before an instance starts; each function changes the spec.

Source: KubeVirt 1.9.0-rc.2, pkg/defaults, pkg/util and pkg/virt-controller/watch/vm.
"""

from __future__ import annotations

from virtkit.errors import InputError
from virtkit.readers.kubevirt.architecture import Architecture, architectures
from virtkit.readers.kubevirt.documents import Mapping, Sequence

__all__ = [
    "DISK_KINDS",
    "add_disks",
    "add_input",
    "add_network",
    "add_volume_disks",
    "architecture_of",
    "devices_of",
    "fill",
    "set_machine_type",
]

DISK_KINDS = ("disk", "cdrom", "lun")
"""What a disk can be."""


def architecture_of(spec: Mapping, path: str, file: str) -> Architecture:
    """The architecture of a spec, amd64 where it names none. Raises InputError for an unknown one."""
    name = spec.text("architecture") or "amd64"
    found = architectures().get(name)
    if found is None:
        known = ", ".join(architectures())
        line = spec.line_of("architecture")
        raise InputError(f"{path}.architecture: expected one of {known}, got {name[:40]!r}", file, line)
    return found


def devices_of(spec: Mapping) -> Mapping:
    """The devices of a spec; an empty mapping is put where there is none."""
    return _ensure(_ensure(spec, "domain"), "devices")


def _ensure(value: Mapping, key: str) -> Mapping:
    found = value.get(key)
    if not isinstance(found, Mapping):
        found = Mapping(value.line_of(key))
        value.put(key, found)
    return found


def _list(value: Mapping, key: str) -> Sequence:
    found = value.get(key)
    if not isinstance(found, Sequence):
        found = Sequence(value.line_of(key))
        value.put(key, found)
    return found


def _append(value: Mapping, key: str, line: int, **fields: object) -> None:
    new = Mapping(line)
    for name, inner in fields.items():
        new.put(name, inner)
    found = _list(value, key)
    found.append(new)
    found.lines.append(line)


def add_volume_disks(spec: Mapping) -> None:
    """Give each volume without a disk or a filesystem a disk at the end."""
    devices = devices_of(spec)
    names = {one.text("name") for key in ("disks", "filesystems") for one in devices.items_of(key)}
    for volume in spec.items_of("volumes"):
        if volume.text("name") not in names:
            _append(devices, "disks", volume.line, name=volume.text("name"))


def add_disks(spec: Mapping, count: int) -> None:
    """Give a spec some virtio disks more, at the end."""
    devices = devices_of(spec)
    names = {one.text("name") for one in (*devices.items_of("disks"), *spec.items_of("volumes"))}
    for name in [name for number in range(count + len(names)) if (name := f"new{number}") not in names][:count]:
        target = Mapping(devices.line)
        target.put("bus", "virtio")
        _append(devices, "disks", devices.line_of("disks"), name=name, disk=target)
        _append(spec, "volumes", spec.line_of("volumes"), name=name, emptyDisk=Mapping(spec.line))


def add_network(spec: Mapping) -> None:
    """Give a spec with neither interfaces nor networks the pod network, unless it refuses it."""
    devices = devices_of(spec)
    if devices.get("interfaces") or spec.get("networks") or devices.get("autoattachPodInterface") is False:
        return
    line = devices.line
    _append(devices, "interfaces", line, name="default", bridge=Mapping(line))
    _append(spec, "networks", spec.line_of("networks"), name="default", pod=Mapping(line))


def add_input(spec: Mapping) -> None:
    """Give a spec that asks for an input device and has none an input without type and bus; the VM controller's."""
    devices = devices_of(spec)
    if devices.get("autoattachInputDevice") is True and not devices.get("inputs"):
        _append(devices, "inputs", devices.line_of("autoattachInputDevice"), name="default-0")


def set_machine_type(spec: Mapping, arch: Architecture) -> None:
    """Name the default machine type of the architecture where the spec names none."""
    machine = _ensure(_ensure(spec, "domain"), "machine")
    if not machine.text("type"):
        machine.put("type", arch.machine)


def fill(spec: Mapping, arch: Architecture) -> None:
    """What the webhook of an instance fills in: machine type, network, disks, buses, input types, firmware."""
    domain = _ensure(spec, "domain")
    set_machine_type(spec, arch)
    add_network(spec)
    add_volume_disks(spec)
    devices = devices_of(spec)
    for disk in devices.items_of("disks"):
        kind = next((kind for kind in DISK_KINDS if isinstance(disk.get(kind), Mapping)), "disk")
        target = _ensure(disk, kind)
        if not target.text("bus"):
            target.put("bus", arch.disk_bus)
    for one in devices.items_of("inputs"):
        if not one.text("bus"):
            one.put("bus", "usb")
        if not one.text("type"):
            one.put("type", "tablet")
    if arch.uefi:
        firmware = _ensure(domain, "firmware")
        if not isinstance(firmware.get("bootloader"), Mapping):
            _ensure(_ensure(firmware, "bootloader"), "efi")
