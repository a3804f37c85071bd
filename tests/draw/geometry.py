"""Faults in a figure: texts that overlap, cross borders or links, leave the page, or are too pale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from virtkit.draw.canvas import SETTINGS

#: Text that touches within this many points is let pass: an outline is rounded to pixels.
SLACK = 0.6
SCALE = 2.0
BAND = 40.0
#: WCAG 2.2, success criterion 1.4.3: contrast of text to its ground.
CONTRAST = 4.5


@dataclass(frozen=True)
class Area:
    """A rectangle in points, from its left and lower side."""

    x0: float
    y0: float
    x1: float
    y1: float
    what: str
    colour: Any = None

    def meets(self, other: Area, slack: float = SLACK) -> bool:
        """Whether the two overlap."""
        return (
            self.x0 + slack < other.x1
            and other.x0 + slack < self.x1
            and self.y0 + slack < other.y1
            and other.y0 + slack < self.y1
        )

    def inside(self, other: Area) -> bool:
        """Whether this area is inside the other."""
        return (
            self.x0 >= other.x0 - SLACK
            and self.x1 <= other.x1 + SLACK
            and self.y0 >= other.y0 - SLACK
            and self.y1 <= other.y1 + SLACK
        )

    @property
    def size(self) -> float:
        return (self.x1 - self.x0) * (self.y1 - self.y0)


def texts(figure: Figure) -> list[tuple[Text, Area]]:
    """Every text with its extent by matplotlib, at 144 dots per inch."""
    figure.set_dpi(72 * SCALE)
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    found = []
    with rc_context(SETTINGS):
        for text in figure.findobj(Text):
            assert isinstance(text, Text)
            if text.get_text().strip() and text.get_visible():
                found.append((text, _area(text.get_window_extent(renderer), text.get_text(), text.get_color())))
    return found


def _area(box: Bbox, what: str, colour: object = None) -> Area:
    return Area(box.x0 / SCALE, box.y0 / SCALE, box.x1 / SCALE, box.y1 / SCALE, what, colour)


def shapes(figure: Figure) -> tuple[list[Area], list[Area]]:
    """Boxes that may hold texts, and lines and marks that texts must not touch."""
    boxes: list[Area] = []
    others: list[Area] = []
    (axes,) = figure.axes
    for artist in axes.get_children():
        if artist is axes.patch:
            continue
        if isinstance(artist, Rectangle | Circle):
            area = _area(artist.get_window_extent(), str(artist), artist.get_facecolor())
            (boxes if isinstance(artist, Rectangle) else others).append(area)
        elif isinstance(artist, Line2D):
            points = artist.get_transform().transform(artist.get_xydata()) / SCALE
            (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
            others.append(Area(x0 - SLACK, y0 - SLACK, x1 + SLACK, y1 + SLACK, f"line {points.tolist()}"))
    return boxes, others


def faults(figure: Figure) -> list[str]:
    """The faults, one sentence each; empty if every text is readable."""
    found: list[str] = []
    written = texts(figure)
    boxes, others = shapes(figure)
    page = Area(0, 0, figure.bbox.width / SCALE, figure.bbox.height / SCALE, "the page", (1.0, 1.0, 1.0))
    written.sort(key=lambda entry: entry[1].y0)
    boxes_at, others_at = _by_height(boxes), _by_height(others)
    for place, (text, area) in enumerate(written):
        if not area.inside(page):
            found.append(f"{area.what!r} leaves the page")
        for _, other in written[place + 1 :]:
            if other.y0 >= area.y1:
                break
            if area.meets(other):
                found.append(f"{area.what!r} lies on {other.what!r}")
        near = [box for box in _level(boxes_at, area) if area.meets(box)]
        found += [f"{area.what!r} crosses the border of {box.what}" for box in near if not area.inside(box)]
        if text.get_bbox_patch() is None:
            found += [f"{area.what!r} touches {other.what}" for other in _level(others_at, area) if area.meets(other)]
        ground = min((box for box in near if area.inside(box)), key=lambda box: box.size, default=page)
        if contrast(area.colour, ground.colour) < CONTRAST:
            found.append(f"{area.what!r} is too pale on {ground.what}")
    return found


def _by_height(areas: list[Area]) -> dict[int, list[Area]]:
    """The areas by the bands of height that they reach into, to find those near a text."""
    found: dict[int, list[Area]] = {}
    for area in areas:
        for band in range(int(area.y0 // BAND), int(area.y1 // BAND) + 1):
            found.setdefault(band, []).append(area)
    return found


def _level(areas: dict[int, list[Area]], of: Area) -> list[Area]:
    bands = range(int(of.y0 // BAND), int(of.y1 // BAND) + 1)
    return list(dict.fromkeys(area for band in bands for area in areas.get(band, ())))


def luminance(colour: Any) -> float:
    """Relative luminance, 0 to 1. Source: WCAG 2.2, relative luminance."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: Any, other: Any) -> float:
    """Contrast ratio, 1 to 21. Source: WCAG 2.2, contrast ratio."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
