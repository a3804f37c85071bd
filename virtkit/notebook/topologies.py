"""How a bus topology and the difference of two are shown: as a picture, as HTML around it, and as text."""

from __future__ import annotations

from virtkit import display
from virtkit.draw import tree
from virtkit.draw.html_card import Card
from virtkit.topology.diff import Difference
from virtkit.topology.model import Topology

__all__ = ["difference_html", "picture_html", "topology_html"]


@display.text.register(Topology)
def topology_text(topology: Topology) -> str:
    """A topology as a text tree."""
    return tree.text(topology)


@display.text.register(Difference)
def difference_text(difference: Difference) -> str:
    """A difference as counts, a line for each device, and both trees."""
    return tree.difference(difference.before, difference.after)


@display.svg.register(Topology)
def topology_svg(topology: Topology, before: Topology | None = None) -> str:
    """The picture of a topology; with ``before``, of what changed since."""
    from virtkit.draw.picture import svg  # needs matplotlib

    return svg(topology, before)


@display.svg.register(Difference)
def difference_svg(difference: Difference) -> str:
    """The picture of a difference."""
    return topology_svg(difference.after, difference.before)


@display.html.register(Topology)
def topology_html(topology: Topology) -> str:
    """The picture of a topology, in the theme of the notebook."""
    return picture_html(topology_svg(topology))


@display.html.register(Difference)
def difference_html(difference: Difference) -> str:
    """The picture of a difference under its counts."""
    return picture_html(difference_svg(difference), difference.names, difference.machines, difference.summary())


def picture_html(svg: str, title: str = "", *details: str) -> str:
    """A picture that ``virtkit.draw`` made, as HTML."""
    card = Card(title, *details)
    card.raw(svg[svg.index("<svg") :])
    return card.html()
