"""How a review, a conversion and a recommendation are shown in a notebook."""

from __future__ import annotations

from virtkit import display
from virtkit.compat.conversion.machine import Conversion
from virtkit.compat.recommend import Recommendation
from virtkit.compat.review import Finding, Review
from virtkit.draw.html_card import Card, Cell, verdict_cell
from virtkit.wording import counted

__all__ = ["conversion_html", "recommendation_html", "review_html"]


@display.html.register(Review)
def review_html(review: Review, earlier: Review | None = None) -> str:
    """A review: for each virtio device its verdict, its interface, the reason and the remedy.

    ``earlier`` is another review of the domain; its verdicts stand in a column of their own where they differ.
    """
    guest = f"{review.guest} ({review.guest_name})" if review.guest else "guest OS unknown"
    card = Card(review.domain, guest, review.machine, review.database)
    card.line(_outcome(review))
    card.table(
        ("verdict", "before", "device", "model", "interface", "line", "reason", "remedy", "evidence"),
        [
            (
                verdict_cell(finding.verdict, finding.source),
                _earlier_verdict(finding, earlier),
                Cell(finding.label, finding.device),
                finding.model,
                f"{finding.interface} at {finding.address or finding.location}",
                finding.line,
                finding.reason,
                _remedy(finding),
                Cell(finding.evidence, finding.source),
            )
            for finding in review.devices
        ],
        noun="device",
    )
    for remark in review.remarks:
        card.line(f"{remark.level}: {remark.text}")
    return card.html()


def _earlier_verdict(finding: Finding, earlier: Review | None) -> Cell:
    if earlier is None:
        return Cell("")
    before = next((one for one in earlier.devices if one.device == finding.device), None)
    if before is None:
        return Cell("not present")
    return Cell("") if before.verdict == finding.verdict else verdict_cell(before.verdict, before.reason)


def _outcome(review: Review) -> str:
    failing = sum(f.verdict == "fails" and not f.harmless for f in review.devices)
    if failing:
        needed = counted(failing, "device that the guest needs fails", "devices that the guest needs fail")
        helped = counted(len(review.changes), "device works", "devices work")
        return f"✗ {needed}; {helped} after a change of model"
    if not review.ok:
        return "✗ there is an error, see below"
    unknown = sum(f.verdict == "unknown" for f in review.findings)
    if unknown:
        return f"? {counted(unknown, 'device is', 'devices are')} unknown: no source lists the drivers of this guest"
    return "✓ every device that the guest needs works"


def _remedy(finding: Finding) -> str:
    parts = (("if ", finding.condition), ("", finding.boot), ("write ", finding.change), ("", finding.advice))
    return "; ".join(f"{word}{text}" for word, text in parts if text)


@display.html.register(Conversion)
def conversion_html(conversion: Conversion) -> str:
    """A conversion: its steps, and the review of the converted domain."""
    card = Card("converted", counted(len(conversion.steps), "step"))
    card.table(("step",), [(step,) for step in conversion.steps], noun="step")
    card.raw(review_html(conversion.review))
    return card.html()


@display.html.register(Recommendation)
def recommendation_html(found: Recommendation) -> str:
    """A recommendation: the model to write for each kind of device, and why."""
    card = Card(found.guest, f"on {found.machine}")
    card.line(f"best machine type: {found.best_machine}, because {found.machine_advice}")
    card.table(
        ("kind", "model", "verdict", "reason", "condition"),
        [
            (
                choice.kind,
                Cell(choice.model or choice.xml, choice.xml),
                verdict_cell(choice.verdict, choice.source),
                choice.reason,
                choice.condition,
            )
            for choice in found.choices
        ],
    )
    return card.html()
