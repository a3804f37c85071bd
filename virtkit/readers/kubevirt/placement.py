"""The addresses that a virtual machine starts with: KubeVirt defines it, reads it back, and defines it again.

What it reads back passes through its own structures, which lose some addresses; libvirt then assigns those anew.
Source: KubeVirt 1.9.0-rc.2, pkg/virt-launcher/virtwrap; observed: 197 domains under topology v1, v2 and v3.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml.etree import SubElement, indent, tostring

from virtkit.domain.devices import Controller
from virtkit.domain.domain import Domain
from virtkit.domain.frame import parse_domain
from virtkit.errors import Refused
from virtkit.host import Host
from virtkit.host.nearest import assumed_hosts
from virtkit.readers.kubevirt.nics import placeholders
from virtkit.resolution.pipeline import resolve_domain

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.domain.address import Address
    from virtkit.domain.device_classes import Inventory
    from virtkit.readers.kubevirt.building import Building
    from virtkit.readers.kubevirt.ports import Plan

__all__ = ["addressed", "reserve"]

#: The devices whose addresses KubeVirt's structures keep.
_KEPT = frozenset({"disk", "controller", "input", "watchdog", "rng", "memballoon", "hostdev", "interface"})
#: The attributes of an address that they keep.
_ATTRIBUTES = ("type", "domain", "bus", "slot", "function", "controller", "target", "unit", "cssid", "ssid", "devno")
#: Children that no address depends on, so that machines that differ only there are placed once.
_ASIDE = frozenset({"alias", "mac", "serial", "backingStore", "stats"})
_PATHS = frozenset({"file", "dev", "dir", "socket"})
_MOST_REMEMBERED = 4096

_Address = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Placed:
    """The address of each device of a domain by its position, and the controllers that were added."""

    addresses: dict[int, _Address]
    controllers: tuple[tuple[_Address, _Address], ...]


_remembered: OrderedDict[tuple[bytes, int, str], _Placed | None] = OrderedDict()


def reserve(building: Building, plan: Plan, model: str) -> None:
    """Change the domain into the one that KubeVirt defines last; ``model`` is the model of its virtio devices.

    A domain that libvirt refuses is left as it is, so that its own resolution says why.
    """
    if not plan.placeholders and not plan.again:
        return
    placed = _placed(building, plan.placeholders, model)
    if placed is None:
        return
    for position, element in enumerate(list(building.devices)):
        address = placed.addresses.get(position, ())
        # After placeholders, KubeVirt puts its own interfaces back.
        if address and element.find("address") is None and not (element.tag == "interface" and plan.placeholders):
            SubElement(element, "address", dict(address))
    line = building.lines[building.devices]
    for attributes, address in placed.controllers:
        element = building.device("controller", line, dict(attributes))
        if address:
            SubElement(element, "address", dict(address))
    pci = [one for one in building.devices.iterchildren("controller") if one.get("type") == "pci"]
    last = max((int(one.get("index", "0")) for one in pci), default=0)
    for index in range(last + 1, min(last + plan.extra, plan.last_index) + 1):
        building.device("controller", line, {"type": "pci", "index": str(index), "model": "pcie-root-port"})


def _placed(building: Building, count: int, model: str) -> _Placed | None:
    """What libvirt makes of the domain with some placeholders; None when it refuses it."""
    skeleton = deepcopy(building.root)
    devices = skeleton[skeleton.index(next(skeleton.iterchildren("devices")))]
    for element in devices:
        for child in list(element):
            if child.tag in _ASIDE:
                element.remove(child)
            for name in _PATHS.intersection(child.attrib) if child.tag == "source" else ():
                child.set(name, "/any")
    for tag in ("name", "memory"):
        for found in skeleton.iterfind(tag):
            found.text = "1"
    key = (tostring(skeleton), count, model)
    if key in _remembered:
        _remembered.move_to_end(key)
        return _remembered[key]
    result = _resolve(skeleton, devices, count, model)
    _remembered[key] = result
    if len(_remembered) > _MOST_REMEMBERED:
        _remembered.popitem(last=False)
    return result


def _resolve(skeleton: Element, devices: Element, count: int, model: str) -> _Placed | None:
    written = len(devices)
    devices.extend(placeholders(model, count))
    indent(skeleton)
    inventory = _inventory(Domain(parse_domain(tostring(skeleton))))
    if inventory is None:
        return None
    addresses, controllers = {}, []
    for device in inventory.in_order():
        address = () if device.address is None else _kept(device.address)
        if not device.added:
            if device.kind in _KEPT and device.position < written and address:
                addresses[device.position] = address
        elif isinstance(device, Controller):
            controllers.append((_described(device), address))
    return _Placed(addresses, tuple(controllers))


def _inventory(domain: Domain) -> Inventory | None:
    """The devices as the default host places them, or the closest host that has the machine type; None if refused."""
    host = Host.default()
    for candidate in assumed_hosts(host, domain.arch, domain.machine) or (host,):
        with suppress(Refused):
            return resolve_domain(domain, candidate)[3]
    return None


def addressed(building: Building) -> Inventory | None:
    """Write the address of every device and controller of the domain, as libvirt assigns it, into it.

    Returns the devices; None, and the domain as it was, when libvirt refuses it.
    """
    skeleton = deepcopy(building.root)
    indent(skeleton)
    inventory = _inventory(Domain(parse_domain(tostring(skeleton))))
    if inventory is None:
        return None
    elements = list(building.devices)
    line = building.lines[building.devices]
    for device in inventory.in_order():
        pairs = {} if device.address is None else {"type": device.address.type, **dict(device.address.pairs())}
        address = {name: str(value) for name, value in pairs.items()}
        if not device.added and address and device.position < len(elements):
            element = elements[device.position]
            if element.find("address") is None:
                SubElement(element, "address", address)
        elif device.added and isinstance(device, Controller):
            element = building.device("controller", line, dict(_described(device)))
            if address:
                SubElement(element, "address", address)
    return inventory


def _kept(address: Address) -> _Address:
    """The attributes of an address that survive, in KubeVirt's order."""
    pairs = {"type": address.type, **dict(address.pairs())}
    return tuple((name, str(pairs[name])) for name in _ATTRIBUTES if name in pairs)


def _described(device: Controller) -> _Address:
    """The attributes of a controller that libvirt added."""
    found = [("type", device.type), ("index", str(device.index))]
    return (*found, ("model", device.model)) if device.model else tuple(found)
