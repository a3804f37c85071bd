"""Plain-data views of a resolved domain: JSON for programs, tables of reasons for people.

Keys are stable; values are strings, numbers, booleans, lists or null.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from virtkit.domain.devices import Controller, Device
from virtkit.models.budget import budget
from virtkit.models.placement import problems

if TYPE_CHECKING:
    from virtkit.resolution import Resolved
    from virtkit.topology import Topology

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
            "libvirt": ".".join(map(str, host.libvirt)),
            "qemu": ".".join(map(str, host.qemu)),
            "devices": devices,
        },
        indent=2,
        ensure_ascii=False,
    )


def _address(device: Device) -> dict[str, str] | None:
    address = device.address
    return None if address is None else {"type": address.type, **dict(address.pairs()), "text": str(address)}


def topology_json(topology: Topology) -> str:
    """A topology as JSON, field for field, with its port I/O windows and the odd places in it."""
    windows = budget(topology)
    data = asdict(topology)
    data["io_windows"] = {"used": windows.windows, "limit": windows.limit if windows.measured else None}
    data["problems"] = [asdict(problem) for problem in problems(topology)]
    return json.dumps(data, indent=2, ensure_ascii=False)


def topology_text(topology: Topology) -> str:
    """A topology as a text tree, with its port I/O windows where their limit is known."""
    from virtkit.draw import tree

    windows = budget(topology)
    text = tree.text(topology)
    if windows.measured and windows.windows:
        text += f"\nport I/O windows: {windows.windows} of {windows.limit} in use\n"
    return text


def topology_warnings(topology: Topology) -> list[str]:
    """What is wrong with a topology although libvirt and QEMU accept it, one sentence each."""
    windows = budget(topology).text()
    found = [f"{problem.device} at {problem.address}: {problem.text}" for problem in problems(topology)]
    return [windows, *found] if windows else found


def explanation(resolved: Resolved, wanted: str | None = None) -> list[dict[str, Any]]:
    """Why each device is as it is: one dict of device, label, line, address, rule, text, source for each reason.

    ``wanted`` keeps one device, by id ("net0") or label ("disk vda"). A device about which nothing was decided has
    one row that says so.
    """
    rows: list[dict[str, Any]] = []
    reasons: dict[int, list[tuple[str, str, str]]] = {}
    for device, rule, text, source in resolved.trace.entries():
        reasons.setdefault(id(device), []).append((rule, text, source))
    for device in resolved.devices:
        if wanted is not None and wanted not in (device.id, device.label, getattr(device, "target", None)):
            continue
        said = reasons.get(id(device), [])
        if device.given and not device.readdressed:
            said = [*said, ("given", "the address is as written in the XML", "the domain itself")]
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
