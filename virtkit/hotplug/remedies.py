"""Why a device was refused, in plain words, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from virtkit.errors import Refused
from virtkit.hotplug.device import read_device
from virtkit.resolution.addresses.connect_types import CONVENTIONAL, EXPRESS
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.hotplug.running import Running
    from virtkit.hotplug.session import Outcome

__all__ = ["Advice", "advice", "is_no_slot"]


class Advice(NamedTuple):
    """Why a device was refused and what helps; "" where nothing more is known."""

    why: str
    remedy: str


_OFFLINE = "attach it to the definition only (--config); the domain has it after the next start"

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
    ("Attempted double use", Advice("another device has this place", "leave the address out")),
    (
        "Only PCI buses up to",
        Advice("no bus is added while the guest runs", "name a bus that exists, or leave the address out"),
    ),
    (
        "No free USB ports",
        Advice("no hub is added while the guest runs", f"detach a USB device, or {_OFFLINE}, with a hub where needed"),
    ),
    (
        "no USB bus support",
        Advice("the domain has no USB controller", "add one to the definition and restart the domain"),
    ),
    (
        "no virtio-serial controllers",
        Advice(
            "the domain has no virtio-serial controller with a free port",
            "attach a virtio-serial controller first (libvirt takes it hot since a release after 9.0), "
            "or add it to the definition and restart the domain",
        ),
    ),
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
    ("can't go on PCI bus", Advice("QEMU has this model on another bus only", "use another model")),
    ("is not a valid device model name", Advice("this QEMU does not have the model", "use another model")),
    ("already exists", Advice("the domain has one of that name", "use another name, target or index")),
)
"""The advice for a refusal whose text holds some words; the first that fits."""


def is_no_slot(outcome: Outcome) -> bool:
    """Whether the running domain had no PCI slot left for the device."""
    return outcome.side == "live" and "No more available PCI" in outcome.error


def advice(running: Running, outcome: Outcome, short: int = 1) -> Advice:
    """Why the device of an outcome was refused and what helps; empty when it was taken.

    ``running`` is the domain after the steps; ``short`` the number of devices that found no PCI Express slot.
    """
    if outcome.refusal is None or not isinstance(outcome.refusal, Refused):
        return Advice("", "")
    if is_no_slot(outcome):
        return _no_slot(running, outcome.step.xml, short)
    return next((advice for words, advice in _KNOWN if words in outcome.error), Advice("", ""))


def _no_slot(running: Running, xml: str, short: int) -> Advice:
    want = running.wanted(read_device(xml))
    if want & EXPRESS:
        ports = counted(short, "pcie-root-port controller")
        return Advice(
            "it needs a free pcie-root-port, and libvirt adds none while the guest runs",
            f"add {ports} to the definition (virtkit check --fix --spare-ports {short}) and restart the domain; "
            "or detach a device",
        )
    root = running.root_bus
    if want & CONVENTIONAL and root == "pcie-root":
        return Advice(
            "it needs a free slot of a bridge for conventional PCI, and libvirt adds none while the guest runs",
            "add a pcie-to-pci-bridge controller to the definition and restart the domain; "
            "or use a PCI Express model, such as virtio or e1000e",
        )
    return Advice(
        f"every slot of {root} and its bridges is taken, and libvirt adds no bridge while the guest runs",
        "add a pci-bridge controller to the definition and restart the domain; or detach a device",
    )
