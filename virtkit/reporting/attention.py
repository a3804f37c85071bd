"""The domains that need attention: those that fail, are unknown or depend on a condition, as a table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from virtkit.draw.html import Html, escape_text
from virtkit.draw.palette import LOOKS, verdict
from virtkit.fleet.surveyed import NOT_STATED, ORDER, verdict_on
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.compat.review import Finding
    from virtkit.fleet.survey import Survey

__all__ = ["attention_table", "verdict_counts"]


def verdict_counts(found: Survey) -> list[tuple[str, int]]:
    """The number of domains with each verdict, the worst verdict first."""
    seen: Counter[str] = Counter()
    for shape in found.shapes():
        seen[shape.first.verdict] += len(shape.items)
    return [(name, seen[name]) for name in ORDER]


def attention_table(found: Survey, linked: int, limit: int = 40) -> Html:
    """The domains whose verdict is not "works", the worst first, each with the reason and the change that helps.

    Equal domains share a row. The first ``linked`` shapes have a section "shape-N" on the page, to which their names
    link. The table has at most ``limit`` rows; a line below it gives the number of the others.
    """
    rows = [shape for shape in found.shapes() if shape.first.verdict != "works"]
    if not rows:
        return Html("<p>No domain needs attention.</p>")
    parts = [
        '<div class="vkt"><table><thead><tr><th scope=col>verdict</th><th scope=col>domain and reason</th>',
        "</tr></thead><tbody>",
    ]
    for shape in rows[:limit]:
        item = shape.first
        row, look = verdict_on(item.review), verdict(item.verdict)
        others = len(shape.items) - 1
        equal = f" and {counted(others, 'equal domain')}" if others else ""
        file = f'<span class="soft">{escape_text(item.file)}{equal}</span>'
        name = f"<strong>{escape_text(item.name)}</strong>"
        name = f'<a href="#shape-{shape.number}">{name}</a>' if shape.number <= linked else name
        guest = escape_text(item.review.guest_name or NOT_STATED)
        reason = escape_text(": ".join(word for word in (row["device"], row["reason"]) if word))
        advice = escape_text(_advice(item.review.devices, row["device"]))
        parts.append(
            f'<tr><td class="{LOOKS[item.verdict]}">{look.glyph} {look.short}</td>'
            f'<td style="max-width:none">{name} · {file} · {guest} on {escape_text(item.topology.machine)}<br>{reason}'
            f"{'<br>→ ' + advice if advice else ''}</td></tr>"
        )
    parts.append("</tbody></table>")
    if len(rows) > limit:
        more = sum(len(shape.items) for shape in rows[limit:])
        parts.append(f'<p class="n">{counted(more, "more domain")} in the table of all domains</p>')
    parts.append("</div>")
    return Html("".join(parts))


def _advice(findings: tuple[Finding, ...], label: str) -> str:
    """The change that helps the worst device, and the number of other devices that it helps as well."""
    worst = next((one for one in findings if one.label == label), None)
    if worst is None:
        return ""
    if not worst.better:
        return worst.advice
    others = sum(one.better == worst.better for one in findings) - 1
    return worst.change + (f"; the same change helps {counted(others, 'more device')}" if others else "")
