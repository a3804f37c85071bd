"""How what a change means for a domain is shown in a notebook."""

from __future__ import annotations

from virtkit import display
from virtkit.draw.html_card import Card, Cell
from virtkit.hotplug.upgrade import Upgrade

__all__ = ["upgrade_html"]


@display.html.register(Upgrade)
def upgrade_html(upgrade: Upgrade) -> str:
    """What each device that moves costs the guest, the worst first, and what keeps everything in its place."""
    card = Card(upgrade.domain, upgrade.guest or "guest OS unknown", upgrade.summary())
    card.table(
        ("rank", "device", "before", "after", "what the guest notices", "condition"),
        [
            (
                str(one.rank),
                Cell(one.move.device, one.move.id),
                one.move.before or one.move.kind,
                one.move.after or one.move.kind,
                one.reason,
                one.condition,
            )
            for one in upgrade.consequences
        ],
        noun="device",
    )
    if upgrade.pin:
        card.line(upgrade.pin)
    return card.html()
