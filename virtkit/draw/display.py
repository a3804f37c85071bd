"""How domains, resolutions, traces and topologies show themselves in a notebook: escaped HTML tables, SVG pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from virtkit.draw.page import said

if TYPE_CHECKING:
    from virtkit.domain.domain import Domain
    from virtkit.resolution import Resolved
    from virtkit.trace import Trace

__all__ = ["domain_html", "resolved_html", "trace_html"]


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    import pandas as pd

    from virtkit.draw.table import table

    return f"<p><strong>{said(title)}</strong></p>" + table(pd.DataFrame(list(rows))).text if rows else said(title)


def domain_html(domain: Domain) -> str:
    """A domain as written: its devices, with model, address and line."""
    machine = domain.machine or "default machine"
    rows = [
        {
            "line": device.line,
            "device": device.label,
            "model": device.model or "",
            "address": "" if device.address is None else str(device.address),
        }
        for device in domain.devices
    ]
    return _table(f"{domain.name} · {domain.arch} · {machine} · as written", rows)


def resolved_html(resolved: Resolved) -> str:
    """A resolved domain: every device with its place, its driver, and the interface it shows."""
    shown = {id(found.device): found for found in resolved.virtio_devices}
    rows = []
    for device in resolved.devices:
        virtio = shown.get(id(device))
        interface = "" if virtio is None or virtio.shown is None else virtio.shown.interface or virtio.shown.reason
        rows.append(
            {
                "id": device.id,
                "device": device.label,
                "address": "" if device.address is None else str(device.address),
                "origin": "added" if device.added else f"line {device.line}",
                "driver": "" if virtio is None else virtio.driver,
                "interface": str(interface),
            }
        )
    release = ".".join(map(str, resolved.host.libvirt))
    return _table(f"{resolved.name} · {resolved.arch} · {resolved.machine} · libvirt {release}", rows)


def trace_html(trace: Trace) -> str:
    """A trace: every decision with its rule and source."""
    rows = [
        {
            "device": reason.device,
            "line": "" if reason.line is None else reason.line,
            "decision": reason.text,
            "rule": reason.rule,
            "source": reason.source,
        }
        for reason in trace
    ]
    return _table(f"{len(rows)} decisions", rows)
