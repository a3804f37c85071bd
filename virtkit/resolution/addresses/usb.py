"""USB ports: the hubs that must be added, the written ports, and the first free port for every other device.

Source: observed, libvirt 9.0 and 12.8; libvirt, "Domain XML format", Device Addresses (usb).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from virtkit.domain.address import UsbAddress
from virtkit.domain.device_classes import DEVICE_CLASSES, Inventory, turns
from virtkit.domain.devices import Controller, Device, Nic
from virtkit.errors import Refused
from virtkit.resolution.context import Context, Draft

__all__ = ["assign", "enabled", "free_place", "on_usb", "ports_left"]

XML = "XML error"
INT = "internal error"
CFG = "unsupported configuration"

HUB_PORTS = 8
MAX_DEPTH = 4
DEFAULT_PORTS = 2
PORTS = {
    "piix3-uhci": 2,
    "piix4-uhci": 2,
    "vt82c686b-uhci": 2,
    "ehci": 6,
    "ich9-ehci1": 6,
    "ich9-uhci1": 0,
    "ich9-uhci2": 0,
    "ich9-uhci3": 0,
    "pci-ohci": 3,
    "nec-xhci": 4,
    "qemu-xhci": 4,
}
"""Root ports by controller model. Source: QEMU's device properties; observed: libvirt 9.0 and 12.8."""

_TURNS = turns(
    ((turn.order, (one.name, turn.selects)) for one in DEVICE_CLASSES for turn in one.usb), "usb ports"
)
_OLDER_TURNS = turns(
    (
        (turn.older, (one.name, turn.selects))
        for one in DEVICE_CLASSES
        for turn in one.usb
        if turn.older is not None
    ),
    "usb ports, older",
)
"""Which devices get their USB ports when: (list, selection) in libvirt's order, in newer and older releases."""

_COMPANIONS = frozenset({"ich9-uhci1", "ich9-uhci2", "ich9-uhci3"})
Path = tuple[int, ...]


@dataclass(slots=True, eq=False)
class _Hub:
    """The ports of a controller or hub: which are taken, and by whom, and the hubs among them."""

    size: int
    taken: dict[int, Device] = field(default_factory=dict)
    hubs: dict[int, _Hub] = field(default_factory=dict)


def enabled(draft: Draft) -> bool:
    """Whether the domain has a usable usb controller."""
    return bool(_usable(draft.devices))


def _usable(devices: Inventory) -> list[Controller]:
    return [one for one in devices.controllers if one.type == "usb" and one.model != "none"]


def _ports(controller: Controller) -> int:
    if controller.model in ("nec-xhci", "qemu-xhci") and controller.ports:
        return controller.ports
    return PORTS.get(controller.model or "", DEFAULT_PORTS)


def on_usb(context: Context, devices: Inventory) -> list[Device]:
    """Devices on usb ports, hubs excepted, in the order in which they get ports."""
    found: list[Device] = []
    for name, selects in _TURNS if "usb-device-order" in context.behaves else _OLDER_TURNS:
        group = getattr(devices, name)
        if group:
            found += group if selects is None else filter(selects, group)
    return found


def assign(context: Context, draft: Draft) -> None:
    """Give every USB device its bus and port, and add hubs as needed.

    Raises Refused when USB is disabled, a bus or hub is missing, or a port is out of range, taken or not free.
    """
    devices = draft.devices
    plugged = on_usb(context, devices)
    hubs = devices.hubs
    # An assigned PCI NIC whose model is usb-net takes no port, but libvirt counts it.
    ghosts = 0
    if "usb-net" in context.behaves:
        ghosts = len([one for one in devices.nics if one.model == "usb-net" and one.type == "hostdev"])
    if not plugged and not hubs and not ghosts:
        return
    usable = _usable(devices)
    if not usable:
        raise Refused(CFG, "USB is disabled for this domain, but USB devices are present in the domain XML")
    # A device with an address of another type takes no port, but libvirt counts it.
    count = len(plugged) + len(hubs)
    plugged = [one for one in plugged if one.address is None or isinstance(one.address, UsbAddress)]
    _add_hubs(draft, usable, count + ghosts)
    tree = _buses(usable)
    for hub in hubs:
        address = hub.address
        if isinstance(address, UsbAddress) and address.port:
            _place_hub(tree, hub, address)
    for device in plugged:
        address = device.address
        if isinstance(address, UsbAddress) and address.port:
            _reserve(tree, device, address)
    for hub in hubs:
        address = hub.address
        if not isinstance(address, UsbAddress) or not address.port:
            bus, path = _automatic(tree, hub)
            parent = _at(tree[bus], path[:-1])
            if len(path) < MAX_DEPTH:
                parent.hubs[path[-1]] = _Hub(HUB_PORTS)
            _give(draft, hub, bus, path)
    for device in plugged:
        address = device.address
        if not isinstance(address, UsbAddress) or not address.port:
            _give(draft, device, *_automatic(tree, device))


def _add_hubs(draft: Draft, usable: list[Controller], count: int) -> None:
    ports = sum(map(_ports, usable)) + HUB_PORTS * len(draft.devices.hubs)
    missing = count - ports + 1 if count > ports else 0
    while missing > 0:
        hub = Device("hub", None, -1)
        hub.set_attribute("", "type", "usb")
        draft.devices.hubs.append(hub)
        draft.trace.record(hub, "usb.hub", count, ports)
        missing -= HUB_PORTS - 1


def _buses(usable: list[Controller]) -> dict[int, _Hub]:
    found: dict[int, _Hub] = {}
    for controller in usable:
        if controller.model in _COMPANIONS:
            continue
        if controller.index in found:
            raise Refused(
                XML,
                f"Duplicate USB controllers with index {controller.index}",
                controller.label,
                controller.line,
            )
        found[controller.index] = _Hub(_ports(controller))
    return found


def _bus(tree: dict[int, _Hub], device: Device, bus: int) -> _Hub:
    if bus not in tree:
        raise Refused(XML, f"Missing USB bus {bus}", device.label, device.line)
    return tree[bus]


def _at(hub: _Hub, path: Path) -> _Hub:
    for port in path:
        hub = hub.hubs[port]
    return hub


def _spot(tree: dict[int, _Hub], device: Device, address: UsbAddress) -> tuple[_Hub, int]:
    """The hub of a written port. Raises Refused when it does not exist."""
    hub = _bus(tree, device, address.bus)
    last = address.port[-1]
    for port in address.port[:-1]:
        if port < 1 or port > hub.size:
            raise Refused(XML, f"port {port} out of range {_where(address)}", device.label, device.line)
        if port not in hub.hubs:
            raise Refused(XML, f"there is no hub at port {port} {_where(address)}", device.label, device.line)
        hub = hub.hubs[port]
    if last < 1 or last > hub.size:
        what = f"requested USB port {_port_text(address)} not present on USB bus {address.bus}"
        raise Refused(XML, what, device.label, device.line)
    return hub, last


def _port_text(address: UsbAddress) -> str:
    return ".".join(map(str, address.port))


def _where(address: UsbAddress) -> str:
    return f"in USB address bus: {address.bus} port: {_port_text(address)}"


def _place_hub(tree: dict[int, _Hub], device: Device, address: UsbAddress) -> None:
    """Put a hub on its written port; hubs are placed before all other devices."""
    parent, port = _spot(tree, device, address)
    if port in parent.hubs:
        what = f"Duplicate USB hub on bus {address.bus} port {_port_text(address)}"
        raise Refused(XML, what, device.label, device.line)
    parent.taken[port] = device
    parent.hubs[port] = _Hub(HUB_PORTS)


def _reserve(tree: dict[int, _Hub], device: Device, address: UsbAddress) -> None:
    hub, port = _spot(tree, device, address)
    if port in hub.taken:
        raise _duplicate(device, address, hub.taken[port])
    hub.taken[port] = device


def _duplicate(device: Device, address: UsbAddress, owner: Device) -> Refused:
    what = f"Duplicate USB address bus {address.bus} port {_port_text(address)}"
    return Refused(XML, what, device.label, device.line, remedy=f"{owner.label} has this address, too")


def _automatic(tree: dict[int, _Hub], device: Device) -> tuple[int, Path]:
    address = device.address
    if isinstance(address, UsbAddress) and address.bus_given:
        if address.bus not in tree:
            raise Refused(
                XML,
                f"USB bus {address.bus} requested but no controller with that index is present",
                device.label,
                device.line,
            )
        numbers = [address.bus]
    else:
        numbers = sorted(tree)
    for number in numbers:
        path = _free(tree[number], 0)
        if path is not None:
            _at(tree[number], path[:-1]).taken[path[-1]] = device
            return number, path
    raise Refused(INT, "No free USB ports", device.label, device.line)


def _free(hub: _Hub, depth: int) -> Path | None:
    if len(hub.taken) < hub.size:
        for port in range(1, hub.size + 1):
            if port not in hub.taken:
                return (port,)
    if depth + 1 >= MAX_DEPTH:
        return None
    for port in sorted(hub.hubs):
        below = _free(hub.hubs[port], depth + 1)
        if below is not None:
            return (port, *below)
    return None


def _give(draft: Draft, device: Device, bus: int, path: Path) -> None:
    device.place(UsbAddress(bus, path, True))
    where = "interface" if isinstance(device, Nic) else device.kind
    draft.trace.record(device, "usb.first-free", bus, ".".join(map(str, path)), where)


def ports_left(context: Context, devices: Inventory) -> tuple[int, int]:
    """Free and used USB ports of a resolved domain, those of hubs included."""
    total = sum(map(_ports, _usable(devices)))
    hubs = devices.hubs
    used = len(on_usb(context, devices)) + len(hubs)
    total += HUB_PORTS * len(hubs)
    return max(total - used, 0), used


def free_place(context: Context, devices: Inventory, device: Device) -> UsbAddress:
    """The place a device takes on the USB buses of a running domain, where no hub is added.

    Raises Refused: written port missing or taken, no port free.
    """
    tree = _buses(_usable(devices))
    for hub in devices.hubs:
        if isinstance(hub.address, UsbAddress) and hub.address.port:
            _place_hub(tree, hub, hub.address)
    for other in on_usb(context, devices):
        if isinstance(other.address, UsbAddress) and other.address.port:
            _reserve(tree, other, other.address)
    at = device.address
    if isinstance(at, UsbAddress) and at.port:
        _reserve(tree, device, at)
        return at
    bus, path = _automatic(tree, device)
    return UsbAddress(bus, path, True)
