"""Steps after PCI addresses are assigned: multifunction attributes, options of PCI controllers, zPCI ids.

Source: observed, libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from typing import cast

from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Chardev, Controller, Device
from virtkit.errors import Refused
from virtkit.resolution.addresses.connect_types import pci_models
from virtkit.resolution.context import Context, Draft

__all__ = ["fill_controller_options", "give_zpci_ids", "mark_multifunction", "require_options"]

CFG = "unsupported configuration"
INT = "internal error"

MAX_UID = 0xFFFF
MAX_FID = 0xFFFFFFFF
MAX_TARGET_INDEX = 31

_NONE = frozenset({None})
_NOWHERE = PciAddress()
_REQUIRED = {
    "dmi-to-pci-bridge": (),
    "pci-bridge": ("chassisNr",),
    "pcie-root-port": ("chassis", "port"),
    "pcie-switch-downstream-port": ("chassis", "port"),
    "pcie-switch-upstream-port": (),
    "pcie-to-pci-bridge": (),
}
"""The options that a PCI controller needs besides its name, by model."""


def mark_multifunction(draft: Draft, on_pci: list[Device]) -> None:
    """Turn multifunction on for function 0 of a slot with other functions, unless the attribute is written.

    ``on_pci`` are the devices with a PCI address, in libvirt's general order.
    """
    addresses = cast("list[PciAddress]", [device.address for device in on_pci])
    shared = {(at.bus, at.slot) for at in addresses if at.function}
    if not shared:
        return
    buses = {bus for bus, _ in shared}
    first: dict[tuple[int, int], Device] = {}
    for device, at in zip(on_pci, addresses, strict=True):
        if at.bus in buses and not at.function and at.multifunction is None and (at.bus, at.slot) in shared:
            first[at.bus, at.slot] = device
    for place in shared:
        found = first.get(place)
        if found is not None:
            cast("PciAddress", found.address).multifunction = "on"
            found.readdressed = True
            draft.trace.record(found, "pci.multifunction", place[1])


def fill_controller_options(context: Context, draft: Draft) -> None:
    """Name, chassis, port, bus number and target index of PCI controllers, where not written.

    Raises Refused when no bus number is left, or when a pci-bridge is on a bus whose number is not below its index.
    """
    models = pci_models()
    pci = [controller for controller in draft.devices.controllers if controller.type == "pci"]
    pseries = context.family.name == "pseries"
    done: list[Controller] = []
    lowest = 0
    for controller in pci:
        model = controller.model or ""
        offer = models.get(model)
        if offer is None:
            continue
        written_name = controller.model_name is not None
        if not written_name and offer.qemu_name and (model != "pci-root" or pseries):
            controller.model_name = offer.qemu_name
            controller.set_attribute("model", "name", offer.qemu_name)
        address = controller.address if isinstance(controller.address, PciAddress) else _NOWHERE
        if model == "pcie-root-port":
            if "chassis" not in controller.options:
                _option(controller, "chassis", controller.index)
            if "port" not in controller.options:
                _option(controller, "port", address.slot * 8 + address.function, hexadecimal=True)
        elif model == "pci-bridge":
            _option(controller, "chassisNr", controller.index)
        elif model == "pcie-switch-downstream-port":
            _option(controller, "chassis", controller.index)
            _option(controller, "port", address.slot, hexadecimal=True)
        elif model in ("pci-expander-bus", "pcie-expander-bus"):
            if "busNr" not in controller.options:
                lowest = lowest or min([one.options.get("busNr", 256) for one in pci])
                if lowest <= 2:
                    raise Refused(
                        CFG,
                        "No free busNr lower than current lowest busNr is available to auto-assign to bus "
                        f"{address.bus}. Must be manually assigned",
                        controller.label,
                        controller.line,
                    )
                lowest -= 2
                _option(controller, "busNr", lowest)
        elif pseries and model == "pci-root":
            _target_index(controller, done)
            if written_name or controller not in done:
                done.append(controller)
        if model == "pci-bridge" and controller.index <= address.bus:
            raise Refused(
                CFG,
                f"PCI controller at index {controller.index} (0x{controller.index:02x}) has bus='0x{address.bus:02x}', "
                "but index must be larger than bus",
                controller.label,
                controller.line,
            )


def require_options(draft: Draft) -> None:
    """Check the options of PCI controllers on a machine without PCI, where older releases fill in none.

    Raises Refused for the first controller that lacks one, an added controller included. Observed: libvirt 9.0.
    """
    for controller in draft.devices.controllers:
        if controller.type != "pci" or controller.model not in _REQUIRED:
            continue
        written = set(controller.options) | ({"modelName"} if controller.model_name else set())
        missing = next((name for name in ("modelName", *_REQUIRED[controller.model]) if name not in written), None)
        if missing is not None:
            raise Refused(
                INT,
                f"Required option '{missing}' is not set for PCI controller with index '{controller.index}', "
                f"model '{controller.model}' and modelName '{controller.model_name or 'none'}'",
                controller.label,
                controller.line,
            )


def _target_index(controller: Controller, done: list[Controller]) -> None:
    if "index" in controller.options:
        return
    if controller.index == 0:
        _option(controller, "index", 0)
        return
    taken = {other.options.get("index") for other in done}
    for index in range(1, MAX_TARGET_INDEX + 1):
        if index not in taken:
            _option(controller, "index", index)
            return
    raise Refused(INT, "no usable target index found", controller.label, controller.line)


def _option(controller: Controller, name: str, value: int, hexadecimal: bool = False) -> None:
    if name not in controller.options:
        controller.options[name] = value
        controller.set_attribute("target", name, f"0x{value:x}" if hexadecimal else str(value))


def give_zpci_ids(context: Context, draft: Draft, on_pci: list[Device]) -> None:
    """s390x: every PCI device carries a user id and a function id, unique in the domain.

    ``on_pci`` are the devices with a PCI address, in libvirt's general order. PCI controllers that this resolution
    added stay without ids in releases before 11.3.
    Raises Refused for an id written twice, and for ids written on another architecture.
    """
    addresses = cast("list[PciAddress]", [device.address for device in on_pci])
    devices = list(zip(on_pci, addresses, strict=True))
    if {at.uid for at in addresses} <= _NONE and {at.fid for at in addresses} <= _NONE:
        written = []
    else:
        written = [(device, at) for device, at in devices if at.uid is not None or at.fid is not None]
    if context.arch != "s390x":
        for device, _ in written:
            raise Refused(CFG, "This QEMU binary doesn't support zPCI", device.label, device.line)
        return
    uids: set[int] = set()
    fids: set[int] = set()
    # Each search starts where the last one ended, because ids are never released.
    next_id = [1, 0]
    for device, address in written:
        _fill(draft, device, address, uids, fids, next_id)
    for device, address in devices:
        if (address.uid is None or address.fid is None) and not isinstance(device, Chardev):
            if device.added and device.kind == "controller" and "zpci-for-added" not in context.behaves:
                continue
            _fill(draft, device, address, uids, fids, next_id)


def _fill(
    draft: Draft, device: Device, address: PciAddress, uids: set[int], fids: set[int], next_id: list[int]
) -> None:
    if address.uid is None:
        while next_id[0] in uids:
            next_id[0] += 1
        address.uid = next_id[0]
        device.readdressed = True
    elif address.uid in uids:
        raise Refused(INT, f"zPCI uid {address.uid:o} is already reserved", device.label, device.line)
    uids.add(address.uid)
    if address.fid is None:
        while next_id[1] in fids:
            next_id[1] += 1
        address.fid = next_id[1]
        device.readdressed = True
    elif address.fid in fids:
        raise Refused(INT, f"zPCI fid {address.fid:o} is already reserved", device.label, device.line)
    fids.add(address.fid)
    draft.trace.record(device, "zpci.ids", f"0x{address.uid:04x}", f"0x{address.fid:08x}")
