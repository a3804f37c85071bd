"""The virtio devices of a resolved domain: QEMU driver, address, and the interface that the guest sees.

Source of driver names: ``virtkit.virtio.kinds``; of interfaces: ``virtkit.virtio.interface``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

from virtkit.domain.address import PciAddress
from virtkit.domain.device_classes import DEVICE_CLASSES, Inventory, class_of
from virtkit.domain.devices import VIRTIO, Device, Nic, Video
from virtkit.errors import Refused
from virtkit.resolution.context import Context
from virtkit.resolution.defaults.models import frontend_of
from virtkit.virtio.interface import Interface, Shown, shown, switched
from virtkit.virtio.kinds import PCI_ENDING, ListedDevice, kind_of, listed_devices, model_of_nic

if TYPE_CHECKING:
    from virtkit.domain.by_hand import ByHand
    from virtkit.resolution.result import Resolution

__all__ = ["Driver", "VirtioDevice", "driver_of", "location_of", "virtio_devices"]

#: The devices of an inventory that can be virtio devices, by class, in libvirt's general order.
_CANDIDATES = attrgetter(*(one.name for one in DEVICE_CLASSES if one.addressable and one.virtio is not None))
PORTS = frozenset({"pcie-root-port", "pcie-switch-downstream-port"})


@dataclass(frozen=True, slots=True)
class Driver:
    """QEMU's driver for a device: the virtio ``kind``, and ``extra`` options that replace a missing model driver."""

    kind: str
    name: str
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class VirtioDevice:
    """One virtio device as a guest sees it.

    ``kind`` is net, blk, scsi, 9p, rng, balloon, serial, gpu, …; ``model`` one of the three virtio models;
    ``transport`` pci, ccw or virtio-mmio; ``location`` the class of its PCI slot (see ``virtkit.virtio.interface``)
    or None; ``shown`` what QEMU shows there, None off PCI. ``label`` is its name in messages.
    """

    id: str
    kind: str
    model: str
    driver: str
    transport: str
    location: str | None
    address: str
    shown: Shown | None
    line: int | None
    label: str
    device: Device

    def __repr__(self) -> str:
        shown = "" if self.shown is None else f", {self.shown.interface or 'refused'}"
        return f"<VirtioDevice {self.id} {self.label}: {self.driver} at {self.address or self.transport}{shown}>"


def _listed(context: Context, inventory: Inventory, device: Device) -> ListedDevice | None:
    """The kind and driver of a virtio device, None for any other."""
    variant_of = class_of(device).virtio
    variant = None if variant_of is None else variant_of(device)
    if isinstance(device, Nic) and device.type != "hostdev" and _is_virtio(context, device.model):
        variant = "virtio"
    if variant is not None and isinstance(device, Video):
        if device.frontend is not None and (context.placed or "video-frontend" in context.behaves):
            variant = device.frontend
        else:
            variant = frontend_of(context, device, inventory.videos[0] is device)
    return None if variant is None else listed_devices().get((device.kind, variant))


def _is_virtio(context: Context, name: str | None) -> bool:
    """Whether a NIC model is QEMU's name of a virtio device on PCI.

    On s390x, virtio-net is another name of virtio-net-ccw, which does not plug into PCI. Observed: QEMU 7.2.22.
    """
    return model_of_nic(name) is not None and not (name == "virtio-net" and context.emulator.arch == "s390x")


def driver_of(context: Context, inventory: Inventory, device: Device) -> Driver | None:
    """QEMU's driver for a device, None when it is not a virtio device.

    Raises Refused when QEMU has neither the driver of a model nor the switches that replace it.
    """
    found = _listed(context, inventory, device)
    if found is None:
        return None
    kind = found.kind
    if isinstance(device, Nic) and model_of_nic(device.model):
        return Driver(kind, device.model or "")
    if not found.driver.endswith(PCI_ENDING):
        return Driver(kind, found.driver)
    transport = "pci" if device.address is None else device.address.type
    base = found.driver.removesuffix(PCI_ENDING)
    name = base + {"ccw": "-ccw", "virtio-mmio": "-device"}.get(transport, PCI_ENDING)
    model = device.model or ""
    if model not in ("virtio-transitional", "virtio-non-transitional"):
        return Driver(kind, name)
    tail = model.removeprefix("virtio")
    if transport != "pci" or context.emulator.has("virtio-blk-pci-transitional") is not False:
        return Driver(kind, name + tail)
    # QEMU before 4.0: the plain driver with its two switches, if it has them.
    switches = context.emulator.has_property(name, "disable-legacy") is not False
    if tail == "-transitional":
        return Driver(kind, name, (("disable-legacy", "off"), ("disable-modern", "off")) if switches else ())
    if not switches:
        raise Refused(
            "unsupported configuration",
            "virtio non-transitional model not supported for this qemu",
            device.label,
            device.line,
        )
    return Driver(kind, name, (("disable-legacy", "on"), ("disable-modern", "off")))


def location_of(model: str | None) -> str | None:
    """The class of the slots of a PCI controller model; None for a bus that accepts no virtio device."""
    if model == "pci-root":
        return "conventional-root"
    if model == "pcie-root":
        return "pcie-root"
    if model in PORTS:
        return "pcie-port"
    if model in ("pci-bridge", "pcie-to-pci-bridge", "dmi-to-pci-bridge", "pci-expander-bus"):
        return "conventional-bridge"
    return None


def _switched_by_hand(seen: Shown, driver: Driver, device: Device, hand: ByHand, location: str) -> Shown:
    """What QEMU shows when disable-legacy or disable-modern is set past libvirt.

    A transitional or non-transitional driver has no such properties. A kind without a legacy interface sets both
    switches itself, after QEMU has refused a device for which both are on; disable-legacy=auto is on only below a PCI
    Express port. Source: QEMU hw/virtio/virtio-pci.c; observed: QEMU 7.2.22.
    """
    if not hand.settings:
        return seen
    legacy_off = hand.switch("disable-legacy", device.id, driver.name)
    modern_off = hand.switch("disable-modern", device.id, driver.name)
    plain = not driver.name.endswith("transitional")
    if (legacy_off is None and modern_off is None) or seen.interface is None or not plain:
        return seen
    about = kind_of(driver.kind)
    if legacy_off is None:
        forced = about.kind_class != "legacy-capable"
        legacy_off = location == "pcie-port" if forced else seen.interface is Interface.MODERN
    if modern_off is None:
        modern_off = seen.interface is Interface.LEGACY
    interface = switched(driver.kind, legacy_off, modern_off)
    source = f"{seen.source}; disable-legacy and disable-modern are set in the domain"
    if interface is None:
        message = "device cannot work as neither modern nor legacy mode is enabled"
        return Shown(None, "", "no-interface", source, message)
    device_id = about.modern_id if interface is Interface.MODERN else about.legacy_id
    return Shown(interface, device_id, "", source)


def virtio_devices(resolution: Resolution) -> tuple[VirtioDevice, ...]:
    """Every virtio device of a resolved domain, in libvirt's general device order."""
    context, inventory = resolution.context, resolution.inventory
    buses = {one.index: one.model for one in inventory.controllers if one.type == "pci"}
    found = []
    for device in chain.from_iterable(_CANDIDATES(inventory)):
        driver = driver_of(context, inventory, device)
        if driver is None:
            continue
        address = device.address
        transport = "pci" if address is None else address.type
        location = location_of(buses.get(address.bus)) if isinstance(address, PciAddress) else None
        model = device.model if device.model in VIRTIO and device.kind != "video" else "virtio"
        if isinstance(device, Nic):
            model = model_of_nic(device.model) or model
        seen: Shown | None = None
        if location is not None:
            seen = shown(
                resolution.host.qemu,
                context.arch,
                context.machine,
                driver.kind,
                model or "virtio",
                location,
                context.emulator,
            )
            seen = _switched_by_hand(seen, driver, device, resolution.domain.by_hand, location)
        found.append(
            VirtioDevice(
                id=device.id,
                kind=driver.kind,
                model=model or "virtio",
                driver=driver.name,
                transport=transport,
                location=location,
                address="" if address is None else str(address),
                shown=seen,
                line=device.line,
                label=device.label,
                device=device,
            )
        )
    return tuple(found)
