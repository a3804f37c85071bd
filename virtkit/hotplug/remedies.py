"""Why a device was refused, in plain words, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from virtkit.errors import Refused
from virtkit.hotplug.device import read_device
from virtkit.hotplug.rules import LIVE, check_plug
from virtkit.hotplug.spare_ports import asking_for
from virtkit.resolution.addresses.connect_types import CONVENTIONAL, EXPRESS
from virtkit.resolution.defaults import controllers
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from virtkit.hotplug.running import Running
    from virtkit.hotplug.session import Outcome

__all__ = ["Advice", "Shortage", "advice", "is_no_slot", "shortage"]


class Advice(NamedTuple):
    """Why a device was refused and what helps; "" where nothing more is known."""

    why: str
    remedy: str


_EDIT = "add {} to the definition (virsh edit) and restart the domain"
_OFFLINE = "attach it to the definition only (--config); the domain has it after the next start"

_NO_USB = Advice(
    "the domain has no USB controller", f"{_EDIT.format('a USB controller')}; or use another bus"
)

_KNOWN: tuple[tuple[str, Advice], ...] = (
    (
        "doesn't support hotplug",
        Advice(
            "a running domain takes devices below a root port, a switch or a bridge, not on this bus",
            "leave the address out, or name a free slot of a bus that takes hot plug",
        ),
    ),
    (
        "function=0 are supported",
        Advice("while the guest runs, a device always takes a whole slot", "write function='0x0', or no address"),
    ),
    ("already exists", Advice("the domain has one of that name", "use another name, target or index")),
    ("Attempted double use", Advice("another device has this place", "leave the address out")),
    (
        "Only PCI buses up to",
        Advice("no bus is added while the guest runs", "name a bus that exists, or leave the address out"),
    ),
    (
        "No free USB ports",
        Advice("no hub is added while the guest runs", f"detach a USB device, or {_OFFLINE}, with a hub where needed"),
    ),
    ("no USB bus support", _NO_USB),
    ("USB is disabled", _NO_USB),
    ("virtio serial controller", Advice("no such controller runs", "leave the address out")),
    (
        "maxMemory",
        Advice(
            "memory can be plugged in only where the domain keeps room for it",
            "set <maxMemory slots='…'> and a NUMA node in the definition and restart the domain",
        ),
    ),
    ("exceeds slots count", Advice("every memory slot is taken", "raise slots= of <maxMemory> and restart the domain")),
    (
        "Bus 'pci.0' does not support hotplugging",
        Advice(
            "the root bus of a pc takes devices only with ACPI, and without hotplug='off'",
            "enable ACPI in <features> and restart the domain, or name a slot behind a pci-bridge",
        ),
    ),
    (
        "does not support hotplugging",
        Advice("QEMU cannot plug a device into this bus while the guest runs", f"use another bus, or {_OFFLINE}"),
    ),
    (
        "disk bus",
        Advice("libvirt plugs in disks on bus virtio, scsi and usb only", f"use one of these, or {_OFFLINE}"),
    ),
    (
        "Required option 'modelName'",
        Advice("libvirt attaches no PCI controller", "add it to the definition with virsh edit and restart the domain"),
    ),
    ("cannot be hot plugged", Advice("this kind of controller is fixed while the guest runs", _OFFLINE)),
    ("live attach of device", Advice("this kind of device is fixed while the guest runs", _OFFLINE)),
    (
        "persistent attach of device",
        Advice("libvirt does not attach this kind to a definition", "change the definition with virsh edit"),
    ),
    (
        "platform device",
        Advice("this serial port is part of the machine", "use serial:pci-serial or serial:usb-serial"),
    ),
    ("only virtiofs", Advice("libvirt plugs in shares of driver virtiofs only", f"use that driver, or {_OFFLINE}")),
    ("bad scsi device", Advice("the controller has no such unit", "leave the address out")),
    ("QEMU binary does not support", Advice("this QEMU or machine type lacks the device", "use another model")),
    ("by this QEMU binary", Advice("this QEMU or machine type lacks the device", "use another model")),
    ("in this QEMU binary", Advice("this QEMU or machine type lacks the device", "use another model")),
    ("would exceed domain's maxMemory", Advice("<maxMemory> is the limit", "raise it and restart the domain")),
    ("acpi-ged", Advice("ACPI reports new memory to the guest", "enable ACPI (which needs UEFI) and restart it")),
    ("with that address", Advice("another disk, or the controller itself, has this unit", "leave the address out")),
    ("address type", Advice("this machine has no such addresses", "leave the address out")),
    ("virtio-bus", Advice("a virtio-mmio transport takes no device while the guest runs", "leave the address out")),
    ("cannot be plugged into", Advice("the bus takes another kind of device", "leave the address out")),
    ("Invalid PCI address", Advice("the bus has no such slot", "leave the address out")),
    ("filename", Advice("libvirt attaches no empty drive", "name a file in <source>")),
    (
        "matching",
        Advice("the XML does not say which device is meant", "name it by its MAC address, target, id or PCI address"),
    ),
    (
        "not present in domain configuration",
        Advice(
            "the domain has no such device; a character device is found by its type, source, target and port",
            "name it by its target, id or PCI address, or copy its XML from virsh dumpxml of this side",
        ),
    ),
    ("device not found", Advice("the domain has no such device", "virtkit explain lists its devices")),
    ("device is busy", Advice("devices hang on this controller", "detach them first")),
    ("already", Advice("the domain can have it once", "change the device that is there")),
    ("can't go on PCI", Advice("QEMU has this model on another bus only", "use another model")),
    ("is not a valid device model name", Advice("this QEMU does not have the model", "use another model")),
)
"""The advice for a refusal whose text holds some words; the first that fits."""


def is_no_slot(outcome: Outcome) -> bool:
    """Whether the running domain had no PCI slot left for the device."""
    return outcome.side == "live" and "No more available PCI" in outcome.error


class Shortage(NamedTuple):
    """How many devices found no PCI Express slot, and how many no conventional one."""

    ports: int = 0
    slots: int = 0


def advice(running: Running, outcome: Outcome, short: Shortage | None = None) -> Advice:
    """Why the device of an outcome was refused and what helps; empty when it was taken.

    ``running`` is the domain after the steps; ``short`` what all steps lacked (None: this one alone).
    """
    refusal = outcome.refusal
    if not isinstance(refusal, Refused):
        return Advice("", "")
    if is_no_slot(outcome):
        return _no_slot(running, outcome.step.xml, short or shortage(running, (outcome,)))
    if "no virtio-serial controllers" in outcome.error or "for virtio-serial controller" in outcome.error:
        return _no_serial(running)
    found = next((advice for words, advice in _KNOWN if words in outcome.error), Advice("", ""))
    return found._replace(remedy=refusal.remedy) if refusal.remedy else found


def shortage(running: Running, outcomes: Iterable[Outcome]) -> Shortage:
    """What the devices lacked that found no PCI slot."""
    wanted = [running.wanted(read_device(one.step.xml)) for one in outcomes if is_no_slot(one)]
    ports = sum(bool(want & EXPRESS) for want in wanted)
    return Shortage(ports, len(wanted) - ports)


def _no_serial(running: Running) -> Advice:
    why = "the domain has no virtio-serial controller with a free port"
    try:
        check_plug(running.context, LIVE, controllers.new("virtio-serial", 0))
    except Refused:
        return Advice(why, _EDIT.format("a virtio-serial controller"))
    return Advice(why, "attach one first (virtkit attach … controller:virtio-serial)")


def _no_slot(running: Running, xml: str, short: Shortage) -> Advice:
    new, root = read_device(xml), running.root_bus
    want = running.wanted(new)
    if want & EXPRESS:
        ports = counted(short.ports, "pcie-root-port controller")
        return Advice(
            "it needs a free pcie-root-port, and libvirt adds none while the guest runs",
            f"add {ports} to the definition ({asking_for(ports=short.ports)}) and restart the domain; "
            "or detach a device",
        )
    ask = asking_for(slots=short.slots)
    if want & CONVENTIONAL and root == "pcie-root":
        if new.kind == "disk":
            other = "attach a controller of model virtio-scsi first (virtkit attach … controller:scsi:virtio-scsi)"
            why = "its controller, of the default model, needs a slot for conventional PCI"
        else:
            other = "use a PCI Express model, such as virtio or e1000e"
            why = "it needs a free slot of a bridge for conventional PCI"
        return Advice(
            f"{why}, and libvirt adds no bridge while the guest runs",
            f"add a pcie-to-pci-bridge controller to the definition ({ask}) and restart the domain; or {other}",
        )
    return Advice(
        f"every slot of {root} and its bridges is taken, and libvirt adds no bridge while the guest runs",
        f"add a pci-bridge controller to the definition ({ask}) and restart the domain; or detach a device",
    )
