"""What stands on top of a report on domains: how many work, which do not, why, and what would help."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from virtkit.draw.html import Html, escape_text
from virtkit.draw.palette import LOOKS, verdict
from virtkit.fleet.survey import ORDER

if TYPE_CHECKING:
    from virtkit.compat.review import Finding
    from virtkit.fleet.survey import Survey

__all__ = ["answer", "counts", "glance"]

_WORDS = {
    "fails": ("fails", "fail"),
    "unknown": ("is unknown", "are unknown"),
    "works-with-condition": ("works with a condition", "work with a condition"),
    "works": ("works", "work"),
}


def counts(found: Survey) -> list[tuple[str, int]]:
    """How many domains have each verdict, the worst first."""
    seen = Counter(item.verdict for item in found.items)
    return [(name, seen[name]) for name in ORDER]


def answer(found: Survey) -> list[str]:
    """Sentences on domains: how many fail, work with a condition, or nobody knows of; how many a change puts right."""
    total = len(found.items)
    if not total:
        return ["There is no domain to look at.", *_rejected(found)]
    told = [f"{count} {_WORDS[name][count > 1]}" for name, count in counts(found) if count]
    some = f"Of {total} domains {', '.join(told)}." if total > 1 else f"The one domain {told[0].removeprefix('1 ')}."
    said = [some]
    failing = [item for item in found.items if item.verdict == "fails"]
    able = sum(bool(item.review.changes) for item in failing)
    if able:
        who = "The one that fails" if len(failing) == 1 else f"{able} of those that fail"
        said.append(f"{who} can be changed by virtkit check --fix; what that does is drawn below.")
    rooms = found.headroom()
    full = rooms[(rooms["free"] == 0) & rooms["kind"].str.contains("PCI")]["file"].nunique()
    if full:
        said.append(f"{full} {'has' if full == 1 else 'have'} no PCI slot of some kind left for hotplug.")
    return said + _rejected(found)


def _rejected(found: Survey) -> list[str]:
    count = len(found.refusals)
    return [f"{count} {'file was' if count == 1 else 'files were'} rejected, and not counted."] if count else []


def glance(found: Survey, linked: int, limit: int = 40) -> Html:
    """The domains that do not simply work, the worst first: why, and what would help.

    The first ``linked`` of ``Survey.by_need`` have a section "domain-N" on the page, to which their names lead. Beyond
    ``limit`` rows a line says how many more there are.
    """
    parts: list[str] = []
    rows = [(place, item) for place, item in enumerate(found.by_need()) if item.verdict != "works"]
    if rows:
        table = found.domains().set_index("file")
        parts.append('<div class="vkt"><table><thead><tr><th scope=col>verdict</th><th scope=col>domain, and why</th>')
        parts.append("</tr></thead><tbody>")
        for place, item in rows[:limit]:
            look, row = verdict(item.verdict), table.loc[item.file]
            file = f'<span class="soft">{escape_text(item.file)}</span>'
            name = f"<strong>{escape_text(item.topology.name)}</strong>"
            name = f'<a href="#domain-{place}">{name}</a>' if place < linked else name
            guest = escape_text(item.review.guest_name or "guest OS not known")
            why = escape_text(": ".join(word for word in (row["device"], row["reason"]) if word))
            helps = escape_text(_helps(item.review.findings, str(row["device"])))
            parts.append(
                f'<tr><td class="{LOOKS[item.verdict]}">{look.glyph} {look.short}</td>'
                f'<td style="max-width:none">{name} · {file} · {guest} on {escape_text(item.topology.machine)}<br>{why}'
                f"{'<br>→ ' + helps if helps else ''}</td></tr>"
            )
        parts.append("</tbody></table>")
        if len(rows) > limit:
            parts.append(f'<p class="n">and {len(rows) - limit} more, in the table of all domains</p>')
        parts.append("</div>")
    else:
        parts.append("<p>none</p>")
    return Html("".join(parts))


def _helps(findings: tuple[Finding, ...], label: str) -> str:
    """What would help the worst device, and how many others the same change is for."""
    mine = next((one for one in findings if one.label == label), None)
    if mine is None:
        return ""
    if not mine.better:
        return mine.advice
    others = sum(one.better == mine.better for one in findings) - 1
    return mine.change + (f"; likewise {others} more device{'' if others == 1 else 's'}" if others else "")
