"""How the outcome of a what-if scenario is shown: verdicts, topology, or the error in its place."""

from __future__ import annotations

from virtkit.draw.html import preformatted
from virtkit.draw.html_card import Card
from virtkit.errors import Refused, VirtkitError
from virtkit.notebook.reviews import review_html
from virtkit.notebook.topologies import picture_html, topology_svg
from virtkit.notebook.what_if import Outcome
from virtkit.topology.diff import compare

__all__ = ["error_html", "picture_of", "verdicts_html"]


def verdicts_html(outcome: Outcome) -> str:
    """The verdicts as HTML, what changed from the domain as written, and the resolved XML."""
    card = Card("")
    if outcome.before is None:
        card.line(f"This host refuses the domain as written: {outcome.refusal}")
    elif outcome.before is not outcome.after:
        changes = compare(outcome.before.topology, outcome.after.topology).summary()
        card.line(f"Compared with the domain as written: {changes}")
    card.raw(review_html(outcome.review, outcome.review_before))
    card.raw(preformatted(outcome.after.xml(), "The XML as libvirt would keep it").text)
    return card.html()


def picture_of(outcome: Outcome) -> str:
    """The topology as HTML, with what changed from the domain as written."""
    same = outcome.before is None or outcome.before is outcome.after
    before = None if same or outcome.before is None else outcome.before.topology
    return picture_html(topology_svg(outcome.after.topology, before))


def error_html(error: VirtkitError) -> str:
    """An error as HTML."""
    card = Card("libvirt would refuse this domain" if isinstance(error, Refused) else "This domain cannot be shown")
    card.line(str(error))
    return card.html()
