"""PCI addresses: a dry run of the allocator finds which buses are needed, and the real run assigns the addresses.

Source: observed, libvirt 9.0 and 12.8 (random domains defined and read back). The two runs differ on purpose: in the
real one bridges and ports come first, so endpoints move.
"""

from __future__ import annotations

from itertools import chain
from types import NoneType

from virtkit.domain.address import PciAddress
from virtkit.domain.device_classes import DEVICE_CLASSES
from virtkit.domain.devices import Chardev, Controller, Device, Nic
from virtkit.errors import Refused
from virtkit.resolution.addresses import chipset
from virtkit.resolution.addresses.connect_types import (
    AUTO,
    CONVENTIONAL,
    EXPRESS,
    ConnectTypes,
    connect_names,
    plug_of,
)
from virtkit.resolution.addresses.pci_buses import INT, XML, BusTable, Place
from virtkit.resolution.addresses.pci_options import require_options
from virtkit.resolution.addresses.settled import has_room, is_settled
from virtkit.resolution.context import Context, Draft, Forms
from virtkit.resolution.defaults import controllers
from virtkit.resolution.defaults.controllers import new

__all__ = ["allocate", "wants"]

_TURNS = {one.element: one.pci for one in DEVICE_CLASSES if one.pci}
"""When devices get their PCI addresses, by kind."""

_PCI_TURN = next(turn.order for turn in _TURNS["controller"] if turn.selects and turn.selects(new("pci", 0)))
"""The turn of the controllers of PCI buses, the only devices that a dry run adds."""

Turns = dict[int, list[tuple[Device, int]]]
"""Devices with the kind of slot that each requires, by the number of their turn."""

FARTHEST = 4095
"""A PCI controller with a higher index is refused before the buses below it are added; libvirt refuses it later."""


def wants(device: Device) -> bool:
    """Whether a device has no address yet, or a PCI address that names no slot."""
    address = device.address
    return address is None or (isinstance(address, PciAddress) and address.empty)


def allocate(context: Context, draft: Draft, forms: Forms) -> list[Device]:
    """Give every PCI device its address, and add the PCI controllers that this takes.

    ``forms`` are the devices by the form of their address. Returns the devices that have a PCI address then, in
    libvirt's general order. Raises Refused as libvirt does.
    """
    types = ConnectTypes(context, draft)
    supported = context.family.pci or "pci-required" in context.behaves
    if is_settled(context, draft, types, forms):
        if not supported:
            require_options(draft)
        return forms.get(PciAddress, [])
    count = _highest(draft) + 1
    turns = _turns(draft, types, forms)
    on_pci = forms.get(PciAddress, [])
    if count and not (supported and has_room(context, draft, forms, chain.from_iterable(turns.values()))):
        decided = len(draft.trace)
        count, assigned = _dry_run(context, draft, types, on_pci, turns, count)
        if not supported:
            require_options(draft)
        on_pci = _on_pci(draft)
        if not assigned and len(draft.trace) == decided:
            # It found every place and no missing bus: the real run would find the same and decide nothing.
            return on_pci
        turns[_PCI_TURN] = [(one, types.of(one)) for one in draft.devices.controllers if one.type == "pci"]
    table = _table(context, draft, types, on_pci, count, growing=False)
    if supported:
        chipset.reserve(context, draft, table, types)
        _assign(context, draft, table, turns, store=True)
    return _on_pci(draft)


def _on_pci(draft: Draft) -> list[Device]:
    return [device for device in draft.devices.in_order() if isinstance(device.address, PciAddress)]


def _turns(draft: Draft, types: ConnectTypes, forms: Forms) -> Turns:
    """The devices that may need a place, with the kind of slot that each requires, by their turn in libvirt's order."""
    unplaced = forms.get(NoneType, [])
    if [device for device in forms.get(PciAddress, ()) if wants(device)]:
        unplaced = [device for device in draft.devices.in_order() if wants(device)]
    turns: Turns = {}
    for device in unplaced:
        for turn in _TURNS.get(device.kind, ()):
            if turn.selects is None or turn.selects(device):
                want = types.of(device)
                if want or device.kind == "interface":
                    turns.setdefault(turn.order, []).append((device, want))
    return turns


def _highest(draft: Draft) -> int:
    """The highest index of a PCI controller, -1 without one. Raises Refused where libvirt takes it for too high."""
    highest = -1
    for controller in draft.devices.controllers:
        if controller.type == "pci":
            if controller.model is None:
                raise Refused(INT, "PCI controller model was not set correctly", controller.label, controller.line)
            if controller.index > highest:
                highest, last = controller.index, controller
    if highest > FARTHEST:
        what = f"PCI controller index '{highest}' too high, maximum is 255"
        raise Refused("unsupported configuration", what, last.label, last.line)
    return highest


def _dry_run(
    context: Context, draft: Draft, types: ConnectTypes, on_pci: list[Device], turns: Turns, count: int
) -> tuple[int, bool]:
    """Find the buses that are needed, and add their controllers.

    Returns the number of buses, and whether a device needs an address.
    """
    table = _table(context, draft, types, on_pci, count, growing=True)
    chipset.reserve(context, draft, table, types)
    root = table.buses[0].model.name
    if root == "pci-root" and not table.all_full():
        # Keeps room on bus 0 for a bridge that may be needed later.
        table.choose(CONVENTIONAL | AUTO, "a later bridge")
    assigned = _assign(context, draft, table, turns, store=False)
    if root == "pcie-root" and count == 1 and len(table.buses) > count:
        before = len(table.buses)
        table.choose(EXPRESS | AUTO, "one hot-plugged device")
        for bus in table.buses[before:]:
            bus.because = ("pci.spare-port", "")
    _enter_missing(context, draft, table)
    return len(table.buses), assigned


def _enter_missing(context: Context, draft: Draft, table: BusTable) -> None:
    present = {controller.index for controller in draft.devices.controllers if controller.type == "pci"}
    rising = controllers.is_sorted(draft.devices.controllers, "pci")
    number = 0
    while True:
        number += 1
        if number >= len(table.buses):
            return
        if number in present:
            continue
        bus = table.buses[number]
        model = bus.model.name
        controller = controllers.new("pci", number, model)
        controller.id = f"pci.{number}"
        controllers.add(context, draft, controller, rising)
        rule, cause = bus.because or ("pci.hole", "")
        draft.trace.record(controller, rule, model, cause)
        if model not in chipset.ROOTS:
            table.choose(plug_of(model), controller.label)


def _table(
    context: Context, draft: Draft, types: ConnectTypes, on_pci: list[Device], count: int, growing: bool
) -> BusTable:
    """A table of ``count`` buses with every written address reserved."""
    phbs = context.family.name == "pseries"
    table = BusTable(context.behaves, phbs, growing)
    models: list[str | None] = [None] * count
    for controller in draft.devices.controllers:
        if controller.type == "pci" and controller.model is not None:
            models[controller.index] = controller.model
    filler = "pci-root" if phbs else ("pcie-root-port" if "pcie-root" in models else "pci-bridge")
    table.fill(models, filler)
    for device in on_pci:
        address = device.address
        if isinstance(address, PciAddress) and (address.slot or address.bus or address.domain):
            _reserve(draft, table, types, device, address)
    return table


def _reserve(draft: Draft, table: BusTable, types: ConnectTypes, device: Device, address: PciAddress) -> None:
    """Take the place that is written for a device; one beside the buses may move."""
    kind, bus = device.kind, address.bus
    if kind == "console" and isinstance(device, Chardev) and device.mirror:
        return
    if kind == "controller" and not bus and chipset.is_fixed(device, address):
        if table.buses and not table.buses[0].model.accepts & CONVENTIONAL:
            what = "Bus 0 must be PCI for integrated PIIX3 USB or IDE controllers"
            raise Refused(INT, what, device.label, device.line)
        return
    table.reserve(address, types.written(device), XML, device)
    if address.bus != bus:
        device.readdressed = True
        draft.trace.record(device, "pci.bus-moved", bus, address.bus)


def _assign(context: Context, draft: Draft, table: BusTable, turns: Turns, store: bool) -> bool:
    """Give an address to every device that needs one, in libvirt's order; ``store`` keeps it.

    Returns whether a device needed one.
    """
    found = False
    for order in sorted(turns):
        for device, want in turns[order]:
            if not wants(device):
                continue
            if not want:
                _check_usb_net(context, device)
                continue
            if isinstance(device, Controller):
                if device.index == 0 and device.type == "ide":
                    continue
                if device.type == "usb" and device.model in chipset.ICH9_FUNCTIONS:
                    _ich9(draft, table, want, device, store)
                    found = True
                    continue
            found = True
            place = table.choose(want, device)
            if store:
                _keep(draft, table, want, device, place)
    return found


def _keep(draft: Draft, table: BusTable, want: int, device: Device, place: Place) -> None:
    bus, slot, function = place
    give(device, PciAddress(0, bus, slot, function))
    draft.trace.record(
        device, "pci.first-free", connect_names(want), bus, table.buses[bus].model.name, slot, function
    )


def _check_usb_net(context: Context, nic: Device) -> None:
    """Raises Refused in releases that do not know usb-net: they look for a PCI slot, and there is none for it."""
    if isinstance(nic, Nic) and nic.type != "hostdev" and nic.model == "usb-net" and "usb-net" not in context.behaves:
        what = "Cannot automatically add a new PCI bus for a device with connect flags 00"
        raise Refused(INT, what, nic.label, nic.line)


def give(device: Device, address: PciAddress) -> None:
    """Store an address, with the zPCI ids that were written without one."""
    old = device.address
    if isinstance(old, PciAddress):
        address.uid, address.fid = old.uid, old.fid
    device.place(address)


def _ich9(draft: Draft, table: BusTable, want: int, controller: Controller, store: bool) -> None:
    """One part of an ich9 usb set: beside the part that has an address, else alone in an empty slot.

    In the dry run only a part beside one that has an address keeps its address; the others each try a slot.
    """
    function = chipset.ICH9_FUNCTIONS[controller.model or ""]
    address: PciAddress | None = None
    for other in draft.devices.controllers:
        if (
            other.type == "usb"
            and other.index == controller.index
            and other.model in chipset.ICH9_FUNCTIONS
            and isinstance(other.address, PciAddress)
            and not other.address.empty
        ):
            address = PciAddress(0, other.address.bus, other.address.slot, function)
            break
    beside = address is not None
    if address is not None:
        table.reserve(address, want, INT, controller)
    else:
        place = table.choose(want, controller, function)
        address = PciAddress(0, *place)
    if function == 0:
        address.multifunction = "on"
    if store or beside:
        give(controller, address)
        draft.trace.record(controller, "pci.ich9", function)
