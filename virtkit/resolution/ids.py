"""The names libvirt gives devices on QEMU's command line: "virtio-disk0", "pci.1", "net0".

Source: observed, libvirt 9.0 and 12.8 (``virsh domxml-to-native qemu-argv``).
"""

from __future__ import annotations

from itertools import compress
from operator import attrgetter

from virtkit.domain.address import DimmAddress, DriveAddress
from virtkit.domain.device_classes import DEVICE_CLASSES
from virtkit.domain.devices import Controller, Device, Disk, Memory
from virtkit.errors import FactsError
from virtkit.resolution.context import Context, Draft

__all__ = ["give_ids"]

_OWN_RULE = frozenset({"disks", "nics", "hostdevs", "controllers", "memories"})
"""The classes whose names take more than a prefix and a count."""


def _prefixes() -> tuple[tuple[str, str], ...]:
    """The list and the prefix of each other class. Raises FactsError for a class with neither or both."""
    named = [one for one in DEVICE_CLASSES if one.addressable]
    for one in named:
        if (one.id_prefix is None) != (one.name in _OWN_RULE):
            raise FactsError(f"device class {one.name}: needs an id_prefix, or a rule in resolution/ids.py, not both")
    return tuple((one.name, one.id_prefix) for one in named if one.id_prefix is not None)


_PREFIXES = _prefixes()

KNOWN = 16
"""How many names of each prefix are kept."""


def _names(word: str, count: int) -> list[str]:
    return [f"{word}{place}" for place in range(count)]


_NAMES = tuple((word, _names(word, KNOWN)) for _, word in _PREFIXES)
_COUNTED = attrgetter(*(name for name, _ in _PREFIXES))


def give_ids(context: Context, draft: Draft) -> None:
    """Set the ``id`` of every device: the user's alias, or else a name made from its kind and its place in the list."""
    devices = draft.devices
    groups: tuple[list[Device], ...] = _COUNTED(devices)
    for (word, names), group in compress(zip(_NAMES, groups, strict=True), groups):
        for device, name in zip(group, names if len(group) <= KNOWN else _names(word, len(group)), strict=False):
            device.id = device.alias or name
    host = 0
    for place, nic in enumerate(devices.nics):
        if nic.type == "hostdev":
            nic.id = nic.alias or f"hostdev{host}"
            host += 1
        else:
            nic.id = nic.alias or f"net{place}"
    for hostdev in devices.hostdevs:
        hostdev.id = hostdev.alias or f"hostdev{host}"
        host += 1
    for controller in devices.controllers:
        if controller.alias:
            controller.id = controller.alias
        elif controller.type == "pci":
            controller.id = "pcie.0" if controller.model == "pcie-root" else f"pci.{controller.index}"
        else:
            controller.id = _controller(context, controller)
    for disk in devices.disks:
        disk.id = disk.alias or _disk(disk, devices.controllers)
    if devices.memories:
        _name_memories(devices.memories)


def _name_memories(memories: list[Memory]) -> None:
    counts: dict[str, int] = {}
    for memory in memories:
        word = (memory.model or "").replace("-", "")
        if isinstance(memory.address, DimmAddress):
            number = memory.address.slot or 0
        else:
            number = counts.get(word, 0)
            counts[word] = number + 1
        memory.id = memory.alias or f"{word}{number}"


def _controller(context: Context, controller: Controller) -> str:
    type_, index = controller.type, controller.index
    if type_ == "usb":
        return f"usb{index}" if index else "usb"
    if index == 0 and (
        (type_ == "ide" and context.family.chipset == "i440fx") or (type_ == "sata" and context.family.chipset == "q35")
    ):
        return "ide"
    return f"{type_}{index}"


def _disk(disk: Disk, controllers: list[Controller]) -> str:
    at, bus = disk.address, disk.bus
    if not isinstance(at, DriveAddress):
        return f"{bus}-disk{disk.number if disk.number > 0 else 0}"
    if bus == "scsi":
        models = [one.model for one in controllers if one.type == "scsi" and one.index == at.controller]
        if not models or models[-1] != "lsilogic":
            return f"scsi{at.controller}-{at.bus}-{at.target}-{at.unit}"
    return f"{bus}{at.controller}-{at.bus}-{at.unit}"
