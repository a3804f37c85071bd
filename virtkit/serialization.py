"""A resolved domain and its topology as JSON, text and tables of reasons.

Keys are stable; values are strings, numbers, booleans, lists or null.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Controller, Device
from virtkit.domain.document import line_of
from virtkit.releases import NEWEST, OLDEST, dotted
from virtkit.topology.diff import Change, compare
from virtkit.topology.port_io import budget
from virtkit.topology.warnings import placement_warnings

if TYPE_CHECKING:
    from collections.abc import Mapping

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
            "assumption": _assumption(resolved),
            "devices": devices,
            "notes": [*resolved.domain.notes, *(str(note) for note in resolved.domain.by_hand.notes)],
        },
        indent=2,
        ensure_ascii=False,
    )


def _assumption(resolved: Resolved) -> dict[str, str] | None:
    """The host that was assumed because the default one lacks the machine type; None when none was."""
    found = resolved.assumption
    if found is None:
        return None
    return {
        "machine": found.machine,
        "origin": found.origin,
        "substitute": found.substitute,
        "note": found.note,
        "source": found.source,
    }


def _address(device: Device) -> dict[str, str] | None:
    address = device.address
    return None if address is None else {"type": address.type, **dict(address.pairs()), "text": str(address)}


def topology_json(
    topology: Topology, before: Topology | None = None, boot: Mapping[str, Any] | None = None
) -> str:
    """A topology as JSON, field for field, with its port I/O windows, its problems and its notes.

    With ``before``, "difference" holds a summary, both machine types, and the change of each device. ``boot`` is what
    happens from power-on to a login, as plain values.
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
            "devices": [_change_entry(change) for change in found.changes],
        }
    if boot is not None:
        data["boot"] = dict(boot)
    return json.dumps(data, indent=2, ensure_ascii=False)


def _change_entry(change: Change) -> dict[str, Any]:
    return {
        "change": str(change.kind),
        "before": None if change.before is None else change.before.id,
        "after": None if change.after is None else change.after.id,
        "device": change.node.title or change.node.id,
        "parts": {attribute.name: [attribute.before, attribute.after] for attribute in change.attributes},
    }


def topology_text(topology: Topology) -> str:
    """A topology as a text tree, with its use of port I/O windows where their limit is known."""
    from virtkit.draw import tree

    windows = budget(topology)
    text = tree.text(topology)
    if windows.limit is not None and windows.windows:
        text += f"\nport I/O windows: {windows.windows} of {windows.limit} in use\n"
    return text + "".join(f"\nnote: {note}\n" for note in topology.notes)


def topology_warnings(topology: Topology) -> list[str]:
    """The problems of a topology that libvirt and QEMU accept, one sentence each."""
    windows = budget(topology).text()
    found = [f"{problem.device} at {problem.address}: {problem.text}" for problem in placement_warnings(topology)]
    return [windows, *found] if windows else found


#: The rule, the sentence and the source of a decision.
Reason = tuple[str, str, str]


def _slot_wanted(resolved: Resolved, device: VirtioDevice | None) -> list[Reason]:
    """The kind of slot that a virtio device on PCI needs, and why."""
    if device is None or device.transport != "pci" or device.device.given or resolved.context.placed:
        return []
    root = resolved.context.family.root or "none"
    if device.model == "virtio-transitional":
        has = "is conventional PCI" if root == "pci-root" else "is PCI Express and has none"
        text = f"virtio-transitional needs a conventional PCI slot, for the port I/O of virtio 0.9; the root bus {has}"
        return [("connect.transitional", text, "libvirt 5.2.0 release notes")]
    express = "PCI Express" if root == "pcie-root" else "conventional PCI"
    text = f"{device.model} takes the kind of slot that the root bus of the machine has: {express}"
    observed = f"observed: libvirt {dotted(OLDEST)} to {dotted(NEWEST)}"
    return [("connect.machine", text, f"libvirt 5.2.0 release notes; {observed}")]


def _added_buses(resolved: Resolved, device: Device, reasons: dict[int, list[Reason]]) -> list[Reason]:
    """The added buses above a device, from its own up to one that was written or to the root bus."""
    pci = {one.index: one for one in resolved.inventory.controllers if one.type == "pci"}
    found: list[Reason] = []
    at = device.address
    while isinstance(at, PciAddress) and at.bus in pci:
        bridge = pci[at.bus]
        if not bridge.added or bridge.address is None:
            break
        added = reasons.get(id(bridge), [("", "", "")])[0]
        text = f"bus {bridge.index} is {bridge.id} ({bridge.model}) at {bridge.address}: {added[1]}"
        found.append(("bus.added", text, added[2]))
        at = bridge.address
    return found


def _interface(device: VirtioDevice | None) -> list[Reason]:
    """The interface that QEMU gives a virtio device in its slot."""
    if device is None or device.shown is None:
        return []
    shown = device.shown
    if shown.interface is None:
        return [("interface", f"QEMU refuses {device.driver} at {device.location}: {shown.reason}", shown.source)]
    text = (
        f"{device.driver} at {device.location} has the {shown.interface} interface and the device ID {shown.device_id}"
    )
    return [("interface", text, shown.source)]


def explanation(resolved: Resolved, wanted: str | None = None) -> list[dict[str, Any]]:
    """The reasons for each device: dicts with the keys device, label, added, line, address, rule, text and source.

    ``wanted`` selects one device, by id ("net0"), label ("disk vda") or target ("vda"). A device without any decision
    has one row that says so. Where a host was assumed, the first row says so; its device is "domain".
    """
    rows: list[dict[str, Any]] = _assumed(resolved)
    first = len(rows)
    reasons: dict[int, list[Reason]] = {}
    for device, rule, text, source in resolved.trace.entries():
        reasons.setdefault(id(device), []).append((rule, text, source))
    virtio = {id(found.device): found for found in resolved.virtio_devices}
    for device in resolved.devices:
        if wanted is not None and wanted not in (device.id, device.label, getattr(device, "target", None)):
            continue
        found = virtio.get(id(device))
        device_reasons = _slot_wanted(resolved, found) + reasons.get(id(device), [])
        device_reasons += _added_buses(resolved, device, reasons)
        if device.given and not device.readdressed:
            device_reasons.insert(0, ("given", "the address is as written in the XML", "the domain itself"))
        device_reasons += _interface(found)
        if not device_reasons:
            device_reasons = [("as-written", "as written in the XML; there was nothing to decide", "the domain itself")]
        for rule, text, source in device_reasons:
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
    return rows if len(rows) > first else []


def _assumed(resolved: Resolved) -> list[dict[str, Any]]:
    """The row of an explanation that says which host was assumed; none where none was."""
    found = resolved.assumption
    if found is None:
        return []
    written = resolved.domain.document.root.find("os/type")
    row = {"device": "domain", "label": f"machine type {resolved.machine}", "added": False}
    row |= {"line": 1 if written is None else line_of(written), "address": "", "rule": "assumed-host"}
    return [row | {"text": found.note, "source": found.source}]
