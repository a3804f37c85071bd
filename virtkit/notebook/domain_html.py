"""How domains, resolutions, traces, topologies and hosts show themselves in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.draw.card import Card, Cell
from virtkit.errors import Refused
from virtkit.releases import dotted

if TYPE_CHECKING:
    from virtkit.domain.domain import Domain
    from virtkit.host import Host
    from virtkit.host.emulator import Emulator
    from virtkit.resolution.trace import Trace
    from virtkit.resolved import Resolved
    from virtkit.topology.diff import Difference
    from virtkit.topology.model import Topology

__all__ = [
    "difference_html",
    "domain_html",
    "emulator_html",
    "host_html",
    "resolved_html",
    "topology_html",
    "trace_html",
]


def domain_html(domain: Domain) -> str:
    """A domain as written: its devices, with model, address and line; or why libvirt would not even read them."""
    card = Card(domain.name or "domain", domain.arch, domain.machine or "default machine", "as written")
    card.line(domain.title)
    card.line(" · ".join(filter(None, (domain.path, domain.osinfo_id))), soft=True)
    try:
        devices = domain.devices
    except Refused as refusal:
        card.line(f"libvirt refuses it: {refusal}")
        return card.html()
    card.table(
        ("line", "device", "model", "address"),
        [(device.line, device.label, device.model, device.address) for device in devices],
        what="devices",
    )
    return card.html()


def resolved_html(resolved: Resolved) -> str:
    """A resolved domain: every device with its place, its driver, and the interface it shows."""
    host = resolved.host
    shown = {id(found.device): found for found in resolved.virtio_devices}
    added = sum(device.added for device in resolved.devices)
    card = Card(resolved.name or "domain", resolved.arch, resolved.machine)
    card.line(
        f"as libvirt {dotted(host.libvirt)} with QEMU {dotted(host.qemu)} keeps it: "
        f"{len(resolved.devices)} devices, {added} of them added",
        soft=True,
    )
    reasons = {(reason.device, reason.line): reason.text for reason in resolved.trace}
    rows = []
    for device in resolved.devices:
        virtio = shown.get(id(device))
        interface = "" if virtio is None or virtio.shown is None else virtio.shown.interface or virtio.shown.reason
        origin = Cell("added", reasons.get((device.id, device.line), "")) if device.added else f"line {device.line}"
        driver = "" if virtio is None else virtio.driver
        rows.append((device.id, device.label, device.address, origin, driver, str(interface)))
    card.table(("id", "device", "address", "origin", "driver", "interface"), rows, what="devices")
    return card.html()


def trace_html(trace: Trace) -> str:
    """A trace: every decision with its rule and source."""
    card = Card(f"{len(trace)} decisions")
    rows = [(reason.device, reason.line, reason.text, reason.rule, reason.source) for reason in trace]
    card.table(("device", "line", "decision", "rule", "source"), rows, limit=200, what="decisions")
    return card.html()


def topology_html(topology: Topology) -> str:
    """The picture of a bus tree, dark where JupyterLab is."""
    from virtkit.draw.picture import svg

    return picture_html(svg(topology))


def difference_html(difference: Difference) -> str:
    """The picture of what changes from one bus tree to another, under its counts."""
    from virtkit.draw.picture import svg

    drawn = svg(difference.after, difference.before)
    return picture_html(drawn, difference.names, difference.machines, difference.summary())


def picture_html(svg: str, title: str = "", *beside: str) -> str:
    """A picture of ours in a display."""
    card = Card(title, *beside)
    card.raw(svg[svg.index("<svg") :])
    return card.html()


def host_html(host: Host) -> str:
    """A host: its releases, and what it has for each architecture."""
    card = Card(f"libvirt {dotted(host.libvirt)}", f"QEMU {dotted(host.qemu)}")
    rows = []
    for arch in host.architectures:
        emulator = host.emulator(arch)
        if emulator is not None:
            machine = host.default_machine(arch) or "none"
            rows.append((arch, machine, len(emulator.names), len(emulator.devices), emulator.package, emulator.source))
    card.table(
        ("architecture", "default machine", "machine types", "device types", "package", "source"),
        rows,
        what="architectures",
    )
    return card.html()


def emulator_html(emulator: Emulator) -> str:
    """What one QEMU binary offers: its machine types."""
    card = Card(f"QEMU {dotted(emulator.release)} for {emulator.arch}", emulator.package, emulator.source)
    card.line(f"{len(emulator.names)} machine types, {len(emulator.devices)} device types")
    machines = dict.fromkeys(emulator.machines.values())
    rows = [(one.name, one.alias, one.root, one.max_cpus, "deprecated" if one.deprecated else "") for one in machines]
    card.table(("machine type", "alias", "first PCI bus", "most CPUs", ""), rows, what="machine types")
    return card.html()
