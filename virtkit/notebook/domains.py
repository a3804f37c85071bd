"""How a domain, a resolved domain and a trace are shown in a notebook."""

from __future__ import annotations

from virtkit import display
from virtkit.domain.domain import Domain
from virtkit.draw.html_card import Card, Cell
from virtkit.errors import Refused
from virtkit.releases import dotted
from virtkit.resolution.trace import Trace
from virtkit.resolved import Resolved
from virtkit.wording import counted

__all__ = ["domain_html", "resolved_html", "trace_html"]


@display.html.register(Domain)
def domain_html(domain: Domain) -> str:
    """A domain as written: its devices with model, address and line, or the reason why libvirt refuses to read it."""
    card = Card(domain.name or "domain", domain.arch, domain.machine or "default machine type", "as written")
    card.line(domain.title)
    card.line(" · ".join(filter(None, (domain.path, domain.osinfo_id))), soft=True)
    try:
        devices = domain.devices
    except Refused as refusal:
        card.line(f"libvirt refuses this domain: {refusal}")
        return card.html()
    card.table(
        ("line", "device", "model", "address"),
        [(device.line, device.label, device.model, device.address) for device in devices],
        noun="device",
    )
    return card.html()


@display.html.register(Resolved)
def resolved_html(resolved: Resolved) -> str:
    """A resolved domain: each device with its address, its driver and its virtio interface."""
    host = resolved.host
    shown = {id(found.device): found for found in resolved.virtio_devices}
    added = sum(device.added for device in resolved.devices)
    card = Card(resolved.name or "domain", resolved.arch, resolved.machine)
    card.line(
        f"as libvirt {dotted(host.libvirt)} with QEMU {dotted(host.qemu)} defines it: "
        f"{counted(len(resolved.devices), 'device')}, {added} of them added",
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
    card.table(("id", "device", "address", "origin", "driver", "virtio interface"), rows, noun="device")
    return card.html()


@display.html.register(Trace)
def trace_html(trace: Trace) -> str:
    """A trace: each decision with its rule and source."""
    card = Card(counted(len(trace), "decision"))
    rows = [(reason.device, reason.line, reason.text, reason.rule, reason.source) for reason in trace]
    card.table(("device", "line", "decision", "rule", "source"), rows, limit=200, noun="decision")
    return card.html()
