"""How what happens from power-on to a login is shown in a notebook."""

from __future__ import annotations

from virtkit import display
from virtkit.boot.power_on import PowerOn
from virtkit.draw.html_card import Card, Cell

__all__ = ["power_on_html"]


@display.html.register(PowerOn)
def power_on_html(power: PowerOn) -> str:
    """What the firmware starts, which disks it finds, and the names of disks and NICs in the guest."""
    card = Card(power.domain, power.firmware or "firmware not known", power.starts or power.why)
    card.table(
        ("disk", "result", "boot index", "reason", "path in the guest"),
        [
            (
                Cell(disk.label, disk.device),
                disk.result,
                "" if disk.order is None else disk.order,
                disk.reason,
                dict(power.paths).get(disk.device, ""),
            )
            for disk in power.disks
        ],
        noun="disk",
    )
    card.table(
        ("NIC", "name", "reason"),
        [(Cell(named.label, named.device), named.name.name or "unknown", named.name.reason) for named in power.names],
        noun="NIC",
    )
    return card.html()
