"""Ports of virtio-serial controllers for consoles and channels; may add controllers.

Source: observed, libvirt 9.0 and 12.8; libvirt, "Domain XML format", Device Addresses (virtio-serial).
"""

from __future__ import annotations

from virtkit.domain.address import SerialAddress
from virtkit.domain.devices import Chardev, Device
from virtkit.errors import Refused
from virtkit.resolution.context import Context, Draft, Forms
from virtkit.resolution.defaults import controllers

__all__ = ["Ports", "assign", "reserve"]

XML = "XML error"
INT = "internal error"

PORTS = 31
"""Ports of a controller without a ``ports`` attribute, 0 to 30."""


class Ports:
    """Which ports of which controller are taken; ``sizes`` by controller index."""

    def __init__(self, draft: Draft) -> None:
        self.sizes = {
            controller.index: PORTS if controller.ports is None else controller.ports
            for controller in draft.devices.controllers
            if controller.type == "virtio-serial"
        }
        self.taken: dict[int, set[int]] = {index: set() for index in self.sizes}
        self.owners: dict[tuple[int, int], Device] = {}

    def free(self, controller: int, lowest: int) -> int | None:
        """The lowest free port of a controller, from ``lowest`` up."""
        taken = self.taken[controller]
        for port in range(lowest, self.sizes[controller]):
            if port not in taken:
                return port
        return None

    def anywhere(self, lowest: int) -> tuple[int, int] | None:
        """The lowest free port of the lowest controller that has one."""
        for index in sorted(self.sizes):
            port = self.free(index, lowest)
            if port is not None:
                return index, port
        return None


def assign(context: Context, draft: Draft, forms: Forms) -> None:
    """Give every virtio channel its port, and every virtio console with an address its own.

    Raises Refused when a controller or port does not exist, a port is taken twice, or no port is free.
    """
    channels = [channel for channel in draft.devices.channels if channel.target == "virtio"]
    consoles = [console for console in draft.devices.consoles if console.target == "virtio"]
    # Such an address takes a port for any kind of device.
    addressed = forms.get(SerialAddress, ())
    if not channels and not consoles and not addressed:
        return
    ports = Ports(draft)
    real_console_ports = "console-ports" in context.behaves
    for device in addressed:
        address = device.address
        if isinstance(address, SerialAddress) and address.port:
            reserve(ports, device, address)
    for console in consoles:
        if real_console_ports:
            _console(context, draft, ports, console)
        else:
            _hidden_console(context, draft, ports, console)
    for channel in channels:
        _channel(context, draft, ports, channel)


def reserve(ports: Ports, device: Device, address: SerialAddress) -> None:
    """Take the port that a device names. Raises Refused when there is no such port or it is taken."""
    controller, port = address.controller, address.port or 0
    size = ports.sizes.get(controller)
    if size is None:
        raise Refused(XML, f"virtio serial controller {controller} is missing", device.label, device.line)
    if port >= size:
        what = f"virtio serial controller {controller} does not have port {port}"
        raise Refused(XML, what, device.label, device.line)
    taken = ports.taken[controller]
    if port in taken:
        owner = ports.owners.get((controller, port))
        raise Refused(
            XML,
            f"virtio serial port {port} on controller {controller} is already occupied",
            device.label,
            device.line,
            remedy=f"{owner.label} has this address, too" if owner else "",
        )
    taken.add(port)
    ports.owners[controller, port] = device


def _no_port(controller: int, device: Chardev) -> Refused:
    return Refused(
        XML, f"Unable to find a free port on virtio-serial controller {controller}", device.label, device.line
    )


def _hidden_console(context: Context, draft: Draft, ports: Ports, console: Chardev) -> None:
    """Releases before 12: a partial address takes a port of controller 0, and is kept as written."""
    address = console.address
    if address is None and ports.anywhere(0) is None:
        _add(context, draft, ports, console)
    if not isinstance(address, SerialAddress) or address.port:
        return
    if 0 not in ports.sizes:
        raise Refused(INT, "virtio-serial controller 0 not available", console.label, console.line)
    port = ports.free(0, 1)
    if port is None:
        raise _no_port(0, console)
    ports.taken[0].add(port)
    console.place(SerialAddress(address.controller, address.bus, 0))
    draft.trace.record(console, "virtio-serial.hidden", port)


def _console(context: Context, draft: Draft, ports: Ports, console: Chardev) -> None:
    address = console.address
    if isinstance(address, SerialAddress):
        if address.port:
            return
        port = ports.free(address.controller, 0)
        if port is None:
            raise _no_port(address.controller, console)
        ports.taken[address.controller].add(port)
        console.place(SerialAddress(address.controller, address.bus, port))
        draft.trace.record(console, "virtio-serial.port", address.controller, port)
    elif address is None:
        found = ports.anywhere(0)
        if found is None:
            _add(context, draft, ports, console)
        elif found[1]:
            # libvirt writes nothing, but takes the port.
            ports.taken[found[0]].add(found[1])


def _channel(context: Context, draft: Draft, ports: Ports, channel: Chardev) -> None:
    address = channel.address
    if isinstance(address, SerialAddress):
        if address.port:
            return
        index = address.controller
        port = ports.free(index, 1) if index in ports.sizes else None
        if port is None:
            raise _no_port(index, channel)
    else:
        # libvirt silently drops an address of another type.
        found = ports.anywhere(1)
        if found is None:
            found = (_add(context, draft, ports, channel), 1)
        index, port = found
    ports.taken[index].add(port)
    channel.place(SerialAddress(index, 0, port))
    draft.trace.record(channel, "virtio-serial.port", index, port)


def _add(context: Context, draft: Draft, ports: Ports, device: Chardev) -> int:
    index = 0
    while index in ports.sizes:
        index += 1
    added = controllers.add(context, draft, controllers.new("virtio-serial", index))
    draft.trace.record(added, "virtio-serial.full", device.label)
    ports.sizes[index] = PORTS
    ports.taken[index] = set()
    return index
