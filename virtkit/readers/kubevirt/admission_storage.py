"""What KubeVirt's admission refuses of volumes, disks and file systems.

Source: KubeVirt 1.9.0-rc.2, pkg/storage/admitters and pkg/virt-api/webhooks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from virtkit.readers.kubevirt.defaults import DISK_KINDS
from virtkit.readers.kubevirt.documents import Mapping
from virtkit.wording import listed

if TYPE_CHECKING:
    from virtkit.readers.kubevirt.checker import Checker

__all__ = ["check_storage"]

_CACHES = ("none", "writethrough", "writeback")
_IO = ("native", "threads")
_ON_LUN = ("persistentVolumeClaim", "dataVolume")
_SERIAL = re.compile(r"[A-Za-z0-9_.+-]{1,256}")


def check_storage(checker: Checker, spec: Mapping, devices: Mapping) -> None:
    """Refuse what admission refuses of the volumes, disks and file systems of a spec. Raises InputError."""
    volumes = _checked_volumes(checker, spec)
    names: set[str] = set()
    for number, disk in enumerate(devices.items_of("disks")):
        path, name = f"domain.devices.disks[{number}]", disk.text("name")
        kinds = [kind for kind in DISK_KINDS if isinstance(disk.get(kind), Mapping)]
        if len(kinds) > 1:
            checker.refuse(disk, kinds[1], path, f"expected one of disk, cdrom and lun, got {listed(kinds)}")
        if name in names:
            checker.refuse(disk, "name", f"{path}.name", f"an earlier disk is called {name[:60]!r} too")
        names.add(name)
        _check_options(checker, disk, path)
        volume = volumes.get(name)
        if volume is None and kinds[0] != "cdrom":
            checker.refuse(disk, "name", f"{path}.name", f"there is no volume called {name[:60]!r} in spec.volumes")
        _check_target(checker, disk, kinds[0], volume, path)
    for number, one in enumerate(devices.items_of("filesystems")):
        if one.text("name") not in volumes:
            what = f"there is no volume called {one.text('name')[:60]!r} in spec.volumes"
            checker.refuse(one, "name", f"domain.devices.filesystems[{number}].name", what)


def _checked_volumes(checker: Checker, spec: Mapping) -> dict[str, Mapping]:
    """The volumes by name; each has one source."""
    found: dict[str, Mapping] = {}
    for number, volume in enumerate(spec.items_of("volumes")):
        name, path = volume.text("name"), f"volumes[{number}]"
        if name in found:
            checker.refuse(volume, "name", f"{path}.name", f"an earlier volume is called {name[:60]!r} too")
        sources = tuple(key for key in volume if key != "name" and volume.get(key) is not None)
        if len(sources) != 1:
            got = listed(sources) or "none"
            what = f"expected one source, such as containerDisk or persistentVolumeClaim, got {got}"
            checker.refuse(volume, sources[1] if sources else "name", path, what)
        found[name] = volume
    return found


def _check_options(checker: Checker, disk: Mapping, path: str) -> None:
    checker.boot_order(disk, path)
    checker.one_of(disk, "cache", f"{path}.cache", _CACHES)
    checker.one_of(disk, "io", f"{path}.io", _IO)
    if disk.text("serial") and not _SERIAL.fullmatch(disk.text("serial")):
        what = "expected up to 256 letters, digits and _ . + -"
        checker.refuse(disk, "serial", f"{path}.serial", what)


def _check_target(checker: Checker, disk: Mapping, kind: str, volume: Mapping | None, path: str) -> None:
    """The bus of a disk, and what goes with it."""
    target = disk.child(kind)
    bus = target.text("bus")
    checker.value(target, "bus", f"{path}.{kind}.bus", "disk.bus")
    checker.pci_address(target, f"{path}.{kind}")
    if kind == "cdrom" and bus == "virtio":
        checker.refuse(target, "bus", f"{path}.cdrom.bus", "a CD-ROM cannot be on the virtio bus; use sata or scsi")
    if target.get("readonly") is True and kind == "disk" and bus == "sata":
        checker.refuse(target, "bus", f"{path}.disk.bus", "a SATA disk cannot be read-only")
    if bus != "virtio" and (disk.get("dedicatedIOThread") is True or target.text("pciAddress")):
        key = "pciAddress" if target.text("pciAddress") else "dedicatedIOThread"
        holder = target if key == "pciAddress" else disk
        checker.refuse(holder, key, f"{path}.{key}", f"only a disk on the virtio bus can have it, got bus {bus!r}")
    if volume is None:
        return
    if "downwardMetrics" in volume and bus != "virtio":
        what = f"a downwardMetrics volume needs a disk on the virtio bus, got {bus!r}"
        checker.refuse(target, "bus", f"{path}.{kind}.bus", what)
    if kind == "lun" and not any(key in volume for key in _ON_LUN):
        what = f"a LUN needs a volume with {listed(_ON_LUN, 'or')}"
        checker.refuse(disk, "lun", f"{path}.lun", what)
