"""Marks as a matplotlib figure, from which PNG is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from virtkit.draw.marks import Box, Disc, Mark, Stroke, Wedge, Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_of"]


def figure_of(width: float, height: float, marks: Iterable[Mark]) -> Figure:
    """A figure of ``width`` by ``height`` points with the marks of a drawing."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 72, height / 72), facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    for mark in marks:
        if isinstance(mark, Words):
            _write(axes, mark)
        else:
            axes.add_artist(_artist(mark))
    return figure


def _artist(mark: Stroke | Box | Disc | Wedge) -> Any:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle, Polygon, Rectangle

    match mark:
        case Stroke(x0, y0, x1, y1, colour, width, layer):
            return Line2D([x0, x1], [y0, y1], color=colour, linewidth=width, solid_capstyle="butt", zorder=layer)
        case Box():
            style: Any = (0, mark.dashes) if mark.dashes else "-"
            looks: Any = {"facecolor": mark.face, "edgecolor": mark.edge, "linestyle": style, "linewidth": mark.width}
            return Rectangle((mark.x, mark.y), mark.wide, mark.high, zorder=mark.layer, **looks)
        case Disc(x, y, radius, layer):
            return Circle((x, y), radius, facecolor="white", edgecolor="#1B1B1B", linewidth=1.0, zorder=layer)
        case Wedge(points, colour, layer):
            return Polygon(points, closed=True, facecolor=colour, edgecolor="none", zorder=layer)


def _write(axes: Any, words: Words) -> None:
    upright: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "bottom"}
    level: dict[str, Any] = {"ha": words.align, "va": "center_baseline"}
    axes.text(
        words.x,
        words.y,
        words.text,
        fontsize=words.size,
        color=words.colour,
        fontweight=words.weight,
        fontfamily=words.family,
        zorder=words.layer,
        parse_math=False,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0} if words.background else None,
        **(upright if words.upright else level),
    )
