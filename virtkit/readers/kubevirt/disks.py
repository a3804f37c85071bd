"""Disks and file systems of a spec as devices of domain XML.

Source: KubeVirt 1.9.0-rc.2, pkg/virt-launcher/virtwrap/converter/storage and iothreads.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from lxml.etree import SubElement

from virtkit import facts
from virtkit.readers.kubevirt.building import alias, pci_address
from virtkit.readers.kubevirt.defaults import DISK_KINDS
from virtkit.readers.kubevirt.documents import Mapping
from virtkit.readers.kubevirt.quantities import quantity

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.readers.kubevirt.building import Building
    from virtkit.readers.kubevirt.instance import Instance

__all__ = ["add_disks", "add_filesystems", "add_iothreads", "bus_of", "kind_of", "scsi_thread"]


@cache
def _volumes() -> dict[str, tuple[str, str]]:
    """The image format and path of each kind of volume."""
    return {row["volume"]: (row["format"], row["path"]) for row in facts.table("kubevirt/volumes.csv")}


def kind_of(disk: Mapping) -> str:
    """What a disk is: disk, cdrom or lun."""
    return next(kind for kind in DISK_KINDS if isinstance(disk.get(kind), Mapping))


def bus_of(disk: Mapping) -> str:
    """The bus of a disk."""
    return disk.child(kind_of(disk)).text("bus")


def add_disks(building: Building, instance: Instance) -> None:
    """Add the disks in their order; those on SATA, SCSI and USB share one series of names."""
    volumes = {one.text("name"): one for one in instance.spec.items_of("volumes")}
    counts = {"vd": 0, "sd": 0}
    threads = _Threads(instance)
    for disk in instance.devices.items_of("disks"):
        volume = volumes.get(disk.text("name"))
        kind, bus = kind_of(disk), bus_of(disk)
        source, (form, path) = _source(volume)
        if volume is not None and source and not path:
            continue
        prefix = "vd" if bus == "virtio" else "sd"
        index = counts[prefix]
        counts[prefix] += 1
        block = kind == "lun" or volume is None
        element = building.device("disk", disk.line, {"type": "block" if block else "file", "device": kind})
        if (bus == "virtio" and kind == "disk") or source == "downwardMetrics":
            element.set("model", instance.virtio)
        _add_source(element, instance, disk.text("name"), path, block and volume is not None)
        tray = {"tray": disk.child(kind).text("tray") or "closed"} if kind == "cdrom" else {}
        SubElement(element, "target", {"dev": f"{prefix}{_letters(index)}", "bus": bus, **tray})
        _add_driver(element, instance, disk, form or "raw", bus, threads)
        _add_rest(element, disk, kind, bus, index)


def _source(volume: Mapping | None) -> tuple[str, tuple[str, str]]:
    """The kind of a volume, with its image format and path."""
    known = _volumes()
    name = next((key for key in volume or () if key in known), "")
    return name, known.get(name, ("", "/var/run/kubevirt-private/vmi-disks/{name}/disk.img"))


def _add_source(element: Element, instance: Instance, name: str, path: str, block: bool) -> None:
    if block:
        SubElement(element, "source", {"dev": f"/dev/{name}"})
    elif element.get("type") == "file":
        file = path.format(name=name, machine=instance.name, namespace=instance.namespace)
        SubElement(element, "source", {"file": file})


def _add_driver(element: Element, instance: Instance, disk: Mapping, form: str, bus: str, threads: _Threads) -> None:
    driver = SubElement(element, "driver", {"name": "qemu", "type": form})
    for key in ("cache", "io"):
        if disk.text(key):
            driver.set(key, disk.text(key))
    if bus == "virtio":
        if instance.devices.get("blockMultiQueue") is True:
            driver.set("queues", str(instance.cpus))
        threads.give(driver, disk)
        if instance.encrypted:
            driver.set("iommu", "on")


def _add_rest(element: Element, disk: Mapping, kind: str, bus: str, index: int) -> None:
    target = disk.child(kind)
    if target.get("readonly") is True or (kind == "cdrom" and target.get("readonly") is None):
        SubElement(element, "readonly")
    if disk.get("shareable") is True and kind == "disk":
        SubElement(element, "shareable")
    if disk.text("serial") and kind == "disk":
        SubElement(element, "serial").text = disk.text("serial")
    alias(element, disk.text("name"))
    if disk.get("bootOrder"):
        SubElement(element, "boot", {"order": disk.text("bootOrder")})
    if bus == "scsi" and kind != "cdrom":
        SubElement(element, "address", {"type": "drive", "bus": "0", "controller": "0", "unit": str(index)})
    if kind == "disk" and target.text("pciAddress"):
        pci_address(element, target.text("pciAddress"))


def _letters(index: int) -> str:
    """The letters of a device name: a to z, aa and so on."""
    letters = ""
    while index >= 0:
        letters = chr(ord("a") + index % 26) + letters
        index = index // 26 - 1
    return letters


class _Threads:
    """Which I/O thread each virtio disk gets."""

    def __init__(self, instance: Instance) -> None:
        self.count, self.shared = _thread_counts(instance)
        self.pool = _pool(instance.domain)
        self.next_shared, self.next_own = 1, self.shared + 1

    def give(self, driver: Element, disk: Mapping) -> None:
        """Write the thread of a disk, or the pool."""
        if not self.count:
            return
        if self.pool:
            threads = SubElement(driver, "iothreads")
            for number in range(1, self.pool + 1):
                SubElement(threads, "iothread", {"id": str(number)})
        elif disk.get("dedicatedIOThread") is True:
            driver.set("iothread", str(self.next_own))
            self.next_own += 1
        else:
            driver.set("iothread", str(self.next_shared))
            self.next_shared = self.next_shared % self.shared + 1


def _pool(domain: Mapping) -> int:
    """The number of threads of a supplemental pool, 0 without one."""
    count = domain.child("ioThreads").get("supplementalPoolThreadCount")
    return count if domain.text("ioThreadsPolicy") == "supplementalPool" and isinstance(count, int) else 0


def _thread_counts(instance: Instance) -> tuple[int, int]:
    """How many I/O threads there are, and how many of them disks share; 0 and 0 without I/O threads."""
    domain = instance.domain
    policy = domain.text("ioThreadsPolicy")
    disks = instance.devices.items_of("disks")
    own = sum(disk.get("dedicatedIOThread") is True for disk in disks)
    if not policy and not own:
        return 0, 0
    if _pool(domain):
        return _pool(domain), 0
    limit = 1
    if policy == "auto":
        resources = domain.child("resources")
        cpus = next((resources.child(key).get("cpu") for key in ("requests", "limits") if resources.child(key)), None)
        alone = domain.child("cpu")
        isolated = alone.get("dedicatedCpuPlacement") is True and alone.get("isolateEmulatorThread") is True
        limit = 1 if isolated else 2 * (quantity(cpus) or 1)
    shared = len(disks) - own
    if len(disks) > limit:
        shared = max(limit - own, 1)
    return own + shared, shared


def add_iothreads(building: Building, instance: Instance) -> None:
    """Write the number of I/O threads of the domain."""
    count, _ = _thread_counts(instance)
    if count:
        building.child("iothreads", str(count))


def scsi_thread(instance: Instance) -> int:
    """The I/O thread of the SCSI controller, 0 for none."""
    disks = instance.devices.items_of("disks")
    _, shared = _thread_counts(instance)
    if not shared or not any(bus_of(one) == "scsi" and one.get("dedicatedIOThread") is True for one in disks):
        return 0
    before = sum(bus_of(one) == "virtio" and one.get("dedicatedIOThread") is not True for one in disks)
    return before % shared + 1


def add_filesystems(building: Building, instance: Instance) -> None:
    """Add the file systems that are shared with virtiofs."""
    for one in instance.devices.items_of("filesystems"):
        if not isinstance(one.get("virtiofs"), Mapping):
            continue
        name = one.text("name")
        element = building.device("filesystem", one.line, {"type": "mount", "accessMode": "passthrough"})
        SubElement(element, "driver", {"type": "virtiofs", "queue": "1024"})
        SubElement(element, "source", {"socket": f"/var/run/kubevirt/virtiofs-containers/{name}.sock"})
        SubElement(element, "target", {"dir": name})
