"""Plain-data views of a resolved domain: JSON for programs, tables of reasons for people.

Keys are stable; values are strings, numbers, booleans, lists or null.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Controller, Device
from virtkit.releases import dotted
from virtkit.topology.diff import Change, compare
from virtkit.topology.port_io import budget
from virtkit.topology.warnings import placement_warnings

if TYPE_CHECKING:
    from virtkit.resolved import Resolved
    from virtkit.topology.model import Topology
    from virtkit.virtio.devices import VirtioDevice

__all__ = ["explanation", "resolved_json", "topology_json", "topology_text", "topology_warnings"]


def resolved_json(resolved: Resolved) -> str:
    """The resolved domain as JSON: name, arch, machine, family, releases, and one object for each device."""
    host = resolved.host
    shown = {id(found.device): found for found in resolved.virtio_devices}
    devices = []
    for device in resolved.devices:
        entry: dict[str, Any] = {
            "id": device.id,
            "kind": device.kind,
            "label": device.label,
            "model": device.model,
            "added": device.added,
            "line": device.line,
            "address": _address(device),
        }
        if isinstance(device, Controller):
            entry |= {"type": device.type, "index": device.index, "options": dict(device.options)}
        virtio = shown.get(id(device))
        if virtio is not None:
            entry["virtio"] = {
                "kind": virtio.kind,
                "driver": virtio.driver,
                "transport": virtio.transport,
                "location": virtio.location,
                "interface": None if virtio.shown is None else virtio.shown.interface,
                "device_id": None if virtio.shown is None else virtio.shown.device_id,
                "refused": None if virtio.shown is None else virtio.shown.reason or None,
            }
        devices.append(entry)
    return json.dumps(
        {
            "name": resolved.name,
            "arch": resolved.arch,
            "machine": resolved.machine,
            "family": resolved.family,
            "libvirt": dotted(host.libvirt),
            "qemu": dotted(host.qemu),
            "devices": devices,
        },
        indent=2,
        ensure_ascii=False,
    )


def _address(device: Device) -> dict[str, str] | None:
    address = device.address
    return None if address is None else {"type": address.type, **dict(address.pairs()), "text": str(address)}


def topology_json(topology: Topology, before: Topology | None = None) -> str:
    """A topology as JSON, field for field, with its port I/O windows and the odd places in it.

    With ``before``, "difference" holds the summary, both machines, and what became of each device.
    """
    windows = budget(topology)
    data = asdict(topology)
    data["io_windows"] = {"used": windows.windows, "limit": windows.limit}
    data["problems"] = [asdict(problem) for problem in placement_warnings(topology)]
    if before is not None:
        found = compare(before, topology)
        data["difference"] = {
            "before": {"name": before.name, "machine": before.machine},
            "after": {"name": topology.name, "machine": topology.machine},
            "summary": found.summary(),
            "devices": [_became(change) for change in found.changes],
        }
    return json.dumps(data, indent=2, ensure_ascii=False)


def _became(change: Change) -> dict[str, Any]:
    return {
        "change": str(change.kind),
        "before": None if change.before is None else change.before.id,
        "after": None if change.after is None else change.after.id,
        "device": change.node.title or change.node.id,
        "parts": {attribute.name: [attribute.before, attribute.after] for attribute in change.attributes},
    }


def topology_text(topology: Topology) -> str:
    """A topology as a text tree, with its port I/O windows where their limit is known."""
    from virtkit.draw import tree

    windows = budget(topology)
    text = tree.text(topology)
    if windows.limit is not None and windows.windows:
        text += f"\nport I/O windows: {windows.windows} of {windows.limit} in use\n"
    return text


def topology_warnings(topology: Topology) -> list[str]:
    """What is wrong with a topology although libvirt and QEMU accept it, one sentence each."""
    windows = budget(topology).text()
    found = [f"{problem.device} at {problem.address}: {problem.text}" for problem in placement_warnings(topology)]
    return [windows, *found] if windows else found


Said = tuple[str, str, str]
"""Rule, sentence, source."""


def _slot_wanted(resolved: Resolved, device: VirtioDevice | None) -> list[Said]:
    """Which kind of slot a virtio device on PCI asks for, and why."""
    if device is None or device.transport != "pci" or device.device.given:
        return []
    root = resolved.context.family.root or "none"
    if device.model == "virtio-transitional":
        has = "is conventional PCI" if root == "pci-root" else "is PCI Express and has none"
        text = f"virtio-transitional needs a conventional PCI slot, for the port I/O of virtio 0.9; the root bus {has}"
        return [("connect.transitional", text, "libvirt 5.2.0 release notes")]
    express = "PCI Express" if root == "pcie-root" else "conventional PCI"
    text = f"{device.model} goes where the root bus of the machine leads: {express}"
    return [("connect.machine", text, "libvirt 5.2.0 release notes; observed: libvirt 9.0 to 12.8")]


def _chain(resolved: Resolved, device: Device, reasons: dict[int, list[Said]]) -> list[Said]:
    """The added buses below a device, from its own down to one that was written or is a root."""
    pci = {one.index: one for one in resolved.inventory.controllers if one.type == "pci"}
    found: list[Said] = []
    at = device.address
    while isinstance(at, PciAddress) and at.bus in pci:
        bridge = pci[at.bus]
        if not bridge.added or bridge.address is None:
            break
        why = reasons.get(id(bridge), [("", "", "")])[0]
        text = f"bus {bridge.index} is {bridge.id} ({bridge.model}) at {bridge.address}: {why[1]}"
        found.append(("bus.added", text, why[2]))
        at = bridge.address
    return found


def _shown(device: VirtioDevice | None) -> list[Said]:
    """The interface QEMU gives a virtio device in its slot."""
    if device is None or device.shown is None:
        return []
    shown = device.shown
    if shown.interface is None:
        return [("interface", f"QEMU refuses {device.driver} there: {shown.reason}", shown.source)]
    text = (
        f"{device.driver} there ({device.location}) shows the {shown.interface} interface, device id {shown.device_id}"
    )
    return [("interface", text, shown.source)]


def explanation(resolved: Resolved, wanted: str | None = None) -> list[dict[str, Any]]:
    """Why each device is as it is: one dict of device, label, line, address, rule, text, source for each reason.

    ``wanted`` keeps one device, by id ("net0") or label ("disk vda"). A device about which nothing was decided has
    one row that says so.
    """
    rows: list[dict[str, Any]] = []
    reasons: dict[int, list[Said]] = {}
    for device, rule, text, source in resolved.trace.entries():
        reasons.setdefault(id(device), []).append((rule, text, source))
    virtio = {id(found.device): found for found in resolved.virtio_devices}
    for device in resolved.devices:
        if wanted is not None and wanted not in (device.id, device.label, getattr(device, "target", None)):
            continue
        found = virtio.get(id(device))
        said = [*_slot_wanted(resolved, found), *reasons.get(id(device), []), *_chain(resolved, device, reasons)]
        if device.given and not device.readdressed:
            said.insert(0, ("given", "the address is as written in the XML", "the domain itself"))
        said += _shown(found)
        if not said:
            said = [("as-written", "as written in the XML; nothing had to be decided", "the domain itself")]
        for rule, text, source in said:
            rows.append(
                {
                    "device": device.id,
                    "label": device.label,
                    "added": device.added,
                    "line": device.line,
                    "address": "" if device.address is None else str(device.address),
                    "rule": rule,
                    "text": text,
                    "source": source,
                }
            )
    return rows
