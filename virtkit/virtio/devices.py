"""The virtio devices of a resolved domain: QEMU driver, address, and the interface that the guest sees.

Source of driver names: ``virtkit.virtio.kinds``; of interfaces: ``virtkit.virtio.interface``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, cast

from virtkit.domain.address import PciAddress
from virtkit.domain.device_classes import DEVICE_CLASSES, Inventory, class_of
from virtkit.domain.devices import VIRTIO, Device, Nic, Video
from virtkit.errors import Refused
from virtkit.memo import keep
from virtkit.resolution.context import Context
from virtkit.resolution.defaults.models import frontend_of
from virtkit.values import maker
from virtkit.virtio.interface import Interface, Shown, shown, switched
from virtkit.virtio.kinds import PCI_ENDING, ListedDevice, kind_of, listed_devices, model_of_nic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from virtkit.domain.by_hand import ByHand
    from virtkit.host import Emulator
    from virtkit.releases import Release
    from virtkit.resolution.result import Resolution

__all__ = ["Driver", "Form", "VirtioDevice", "driver_of", "location_of", "virtio_devices"]

#: The classes that have virtio devices, in libvirt's general order, and their devices in an inventory.
_CLASSES = tuple(one for one in DEVICE_CLASSES if one.addressable and one.virtio is not None)
_CANDIDATES = attrgetter(*(one.name for one in _CLASSES))
#: The machines of which answers are kept, and the answers of each.
_MACHINES = 256
_KEPT = 1024
#: Elements of which the machine decides the variant, too.
_BY_MACHINE = frozenset({"interface", "video"})
PORTS = frozenset({"pcie-root-port", "pcie-switch-downstream-port"})


@dataclass(frozen=True, slots=True)
class Driver:
    """QEMU's driver for a device: the virtio ``kind``, and ``extra`` options that replace a missing model driver."""

    kind: str
    name: str
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """What is true of all virtio devices of one form on a machine type; each form is equal to itself only.

    The fields are those of VirtioDevice; ``driver`` has QEMU's options, ``machine`` is the canonical machine type.
    """

    kind: str
    driver: Driver
    model: str
    transport: str
    location: str | None
    shown: Shown | None
    machine: str


@dataclass(frozen=True, slots=True, repr=False)
class VirtioDevice:
    """One virtio device as a guest sees it.

    ``kind`` is net, blk, scsi, 9p, rng, balloon, serial, gpu, …; ``model`` one of the three virtio models;
    ``transport`` pci, ccw or virtio-mmio; ``location`` the class of its PCI slot (see ``virtkit.virtio.interface``)
    or None; ``shown`` what QEMU shows there, None off PCI. ``label`` is its name in messages; ``form`` is what it
    shares with other devices.
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
    form: Form

    def __repr__(self) -> str:
        shown = "" if self.shown is None else f", {self.shown.interface or 'refused'}"
        return f"<VirtioDevice {self.id} {self.label}: {self.driver} at {self.address or self.transport}{shown}>"


_made = maker(VirtioDevice)


_Key = tuple[str, str, str | None, str, str | None]
"""What a form depends on besides the machine: element, variant, model, transport, and class of the slot."""


def _variant(context: Context, inventory: Inventory, device: Device) -> str | None:
    """The variant of a device in the table of virtio devices; None for one that is no virtio device."""
    variant_of = class_of(device).virtio
    variant = None if variant_of is None else variant_of(device)
    if variant is None:
        named = isinstance(device, Nic) and device.type != "hostdev" and _is_virtio(context, device.model)
        return "virtio" if named else None
    if isinstance(device, Video):
        if device.frontend is not None and (context.placed or "video-frontend" in context.behaves):
            variant = device.frontend
        else:
            variant = frontend_of(context, device, inventory.videos[0] is device)
    return variant


def _is_virtio(context: Context, name: str | None) -> bool:
    """Whether a NIC model is QEMU's name of a virtio device on PCI.

    On s390x, virtio-net is another name of virtio-net-ccw, which does not plug into PCI. Observed: QEMU 7.2.22.
    """
    return model_of_nic(name) is not None and not (name == "virtio-net" and context.emulator.arch == "s390x")


def driver_of(context: Context, inventory: Inventory, device: Device) -> Driver | None:
    """QEMU's driver for a device, None when it is not a virtio device.

    Raises Refused when QEMU has neither the driver of a model nor the switches that replace it.
    """
    variant = _variant(context, inventory, device)
    found = None if variant is None else listed_devices().get((device.kind, variant))
    return None if found is None else _driver(context, found, device)


def _driver(context: Context, found: ListedDevice, device: Device) -> Driver:
    """QEMU's driver for a virtio device. Raises Refused as ``driver_of``."""
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


_LOCATIONS: Mapping[str | None, str] = {
    "pci-root": "conventional-root",
    "pcie-root": "pcie-root",
    **dict.fromkeys(PORTS, "pcie-port"),
    **dict.fromkeys(
        ("pci-bridge", "pcie-to-pci-bridge", "dmi-to-pci-bridge", "pci-expander-bus"), "conventional-bridge"
    ),
}


def location_of(model: str | None) -> str | None:
    """The class of the slots of a PCI controller model; None for a bus that accepts no virtio device."""
    return _LOCATIONS.get(model)


def _switched_by_hand(form: Form, device: Device, hand: ByHand) -> Form:
    """The form of a device with what QEMU shows when disable-legacy or disable-modern is set past libvirt.

    A transitional or non-transitional driver has no such properties. A kind without a legacy interface sets both
    switches itself, after QEMU has refused a device for which both are on; disable-legacy=auto is on only below a PCI
    Express port. Source: QEMU hw/virtio/virtio-pci.c; observed: QEMU 7.2.22.
    """
    seen, driver = form.shown, form.driver
    if seen is None:
        return form
    legacy_off = hand.switch("disable-legacy", device.id, driver.name)
    modern_off = hand.switch("disable-modern", device.id, driver.name)
    plain = not driver.name.endswith("transitional")
    if (legacy_off is None and modern_off is None) or seen.interface is None or not plain:
        return form
    about = kind_of(driver.kind)
    if legacy_off is None:
        forced = about.kind_class != "legacy-capable"
        legacy_off = form.location == "pcie-port" if forced else seen.interface is Interface.MODERN
    if modern_off is None:
        modern_off = seen.interface is Interface.LEGACY
    interface = switched(driver.kind, legacy_off, modern_off)
    source = f"{seen.source}; disable-legacy and disable-modern are set in the domain"
    if interface is None:
        message = "device cannot work as neither modern nor legacy mode is enabled"
        return replace(form, shown=Shown(None, "", "no-interface", source, message))
    device_id = about.modern_id if interface is Interface.MODERN else about.legacy_id
    return replace(form, shown=Shown(interface, device_id, "", source))


def virtio_devices(resolution: Resolution) -> tuple[VirtioDevice, ...]:
    """Every virtio device of a resolved domain, in libvirt's general device order."""
    inventory, hand = resolution.inventory, resolution.domain.by_hand
    locations = {one.index: _LOCATIONS.get(one.model) for one in inventory.controllers if one.type == "pci"}
    known = _known(resolution)
    found = []
    for device, variant in _candidates(resolution.context, inventory):
        address = device.address
        if address is None:
            transport, location, place = "pci", None, ""
        else:
            location = locations.get(address.bus) if isinstance(address, PciAddress) else None
            transport, place = address.type, str(address)
        key = device.kind, variant, device.model, transport, location
        form = known.get(key)
        if form is None:
            form = keep(known, key, _form(resolution, device, key), _KEPT)
        if hand.settings:
            form = _switched_by_hand(form, device, hand)
        found.append(
            _made(
                device.id, form.kind, form.model, form.driver.name, transport, location, place, form.shown,
                device.line, device.label, device, form,
            )
        )  # fmt: skip
    return tuple(found)


class _Class(NamedTuple):
    """A class of devices: its variants that are virtio devices, and the variant of a device."""

    element: str
    variants: frozenset[str]
    variant_of: Callable[[Device], str | None]


@cache
def _classes() -> tuple[_Class, ...]:
    """The classes of ``_CLASSES``."""
    listed, found = listed_devices(), []
    for one in _CLASSES:
        variants = frozenset(variant for name, variant in listed if name == one.element)
        variant_of = cast("Callable[[Device], str | None]", one.virtio)
        found.append(_Class(one.element, variants, variant_of))
    return tuple(found)


def _candidates(context: Context, inventory: Inventory) -> Iterator[tuple[Device, str]]:
    """Every virtio device with its variant in the table of virtio devices, in libvirt's general order."""
    for of_class, devices in zip(_classes(), _CANDIDATES(inventory), strict=True):
        if not devices:
            continue
        element, variants, variant_of = of_class
        if element in _BY_MACHINE:
            for device in devices:
                variant = _variant(context, inventory, device)
                if variant in variants:
                    yield device, variant
            continue
        for device in devices if element != "controller" else [one for one in devices if one.type in variants]:
            variant = variant_of(device)
            if variant in variants:
                yield device, variant


@cache
def _machines() -> dict[tuple[int, Release, str, str], tuple[Emulator, dict[_Key, Form]]]:
    """The forms of each machine, with its emulator, whose identity is part of the key as long as it is kept here."""
    return {}


def _known(resolution: Resolution) -> dict[_Key, Form]:
    """The forms that are kept for the machine of a resolution. Threads may share them: a lost one is made again."""
    context, machines = resolution.context, _machines()
    key = id(context.emulator), resolution.host.qemu, context.arch, context.machine
    found = machines.get(key)
    if found is None:
        found = keep(machines, key, (context.emulator, {}), _MACHINES)
    return found[1]


def _form(resolution: Resolution, device: Device, key: _Key) -> Form:
    """The form of a virtio device. Raises Refused as ``driver_of``."""
    context = resolution.context
    element, variant, _, transport, location = key
    driver = _driver(context, listed_devices()[element, variant], device)
    model = device.model if device.model in VIRTIO and device.kind != "video" else "virtio"
    if isinstance(device, Nic):
        model = model_of_nic(device.model) or model
    seen = None
    if location is not None:
        qemu, emulator = resolution.host.qemu, context.emulator
        seen = shown(qemu, context.arch, context.machine, driver.kind, model or "virtio", location, emulator)
    return Form(driver.kind, driver, model or "virtio", transport, location, seen, context.machine)
