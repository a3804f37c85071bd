"""Drawing in points on a plain matplotlib Figure: text is cut to fit, and equal drawings give equal bytes.

Nothing uses pyplot, which registers figures globally; so this works in worker processes and leaves the figures of a
notebook alone.
"""

from __future__ import annotations

import io
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from virtkit.draw.palette import clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font

__all__ = ["Pen", "save_png", "save_svg", "written"]

#: No time and no random ids in the files; text as outlines, so that it is as wide with any viewer's fonts.
SETTINGS: Any = {
    "svg.hashsalt": "virtkit",
    "svg.fonttype": "path",
    "path.simplify": False,
    "text.hinting": "none",
}
_FAMILY = "DejaVu Sans"  # shipped with matplotlib
_LARGE = 96.0
_PIXELS = 65_000  # Agg draws fewer than 2^16 pixels a side
_SVG = "http://www.w3.org/2000/svg"


@cache
def _font(family: str, weight: str) -> FT2Font:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(findfont(FontProperties(family=family, weight=weight)))


@cache
def _charmap(family: str, weight: str) -> frozenset[int]:
    return frozenset(_font(family, weight).get_charmap())


def written(text: object, family: str = _FAMILY, weight: str = "normal") -> str:
    """``text`` as one line that the font can write; characters that it lacks are replaced."""
    known = _charmap(family, weight)
    return "".join(char if ord(char) in known else "\N{REPLACEMENT CHARACTER}" for char in clean(text))


def measure(text: str, size: float, family: str = _FAMILY, weight: str = "normal") -> float:
    """The width of ``text`` in points."""
    return _width(text, family, weight) * size


@lru_cache(maxsize=4096)
def _width(text: str, family: str, weight: str) -> float:
    from matplotlib.ft2font import LoadFlags

    font = _font(family, weight)
    font.set_size(_LARGE, 72)
    font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    return float(font.get_width_height()[0]) / 64.0 / _LARGE


def fit(text: str, size: float, limit: float, family: str = _FAMILY, weight: str = "normal") -> str:
    """``text``, cut with an ellipsis so that it is at most ``limit`` points wide."""
    if measure(text, size, family, weight) <= limit:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle].rstrip() + "…", size, family, weight) <= limit:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


class Pen:
    """A figure ``width`` by ``height`` points, y growing downwards, and the few shapes that pictures use."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 72, height / 72), facecolor="white")
        self._axes = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self._axes.set_xlim(0, width)
        self._axes.set_ylim(height, 0)
        self._axes.set_axis_off()

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: str, width: float, zorder: float = 1) -> None:
        """A straight line."""
        from matplotlib.lines import Line2D

        self._axes.add_artist(
            Line2D([x0, x1], [y0, y1], color=colour, linewidth=width, solid_capstyle="butt", zorder=zorder)
        )

    def box(
        self,
        x: float,
        y: float,
        wide: float,
        high: float,
        face: str,
        edge: str,
        style: Any = "-",
        width: float = 1.0,
        ident: str = "",
    ) -> None:
        """A rectangle whose left side is at ``x`` and whose middle is at ``y``; ``ident`` is its id in SVG."""
        from matplotlib.patches import Rectangle

        shape = Rectangle(
            (x, y - high / 2), wide, high, facecolor=face, edgecolor=edge, linestyle=style, linewidth=width, zorder=3
        )
        if ident:
            shape.set_gid(ident)
        self._axes.add_artist(shape)

    def socket(self, x: float, y: float) -> None:
        """The mark of a slot that takes a hot-plugged device."""
        from matplotlib.patches import Circle

        self._axes.add_artist(Circle((x, y), 3.4, facecolor="white", edgecolor="#1B1B1B", linewidth=1.0, zorder=5))

    def plus(self, x: float, y: float) -> None:
        """The mark of a new bridge."""
        self.line(x - 2.6, y, x + 2.6, y, "#1B1B1B", 1.1, 4)
        self.line(x, y - 2.6, x, y + 2.6, "#1B1B1B", 1.1, 4)

    def arrow(self, x: float, y: float) -> None:
        """The head of a link that points to the right at ``x``."""
        from matplotlib.patches import Polygon

        points = [(x - 1, y), (x - 7, y - 3.2), (x - 7, y + 3.2)]
        self._axes.add_artist(Polygon(points, closed=True, facecolor="#5A5A5A", edgecolor="none", zorder=2))

    def chip(self, right: float, y: float, word: str, colour: str, line: float = 0.7) -> float:
        """A word in a frame that ends at ``right``, dark on white; returns where the frame begins."""
        wide = measure(written(word), 6.5) + 8
        self.box(right - wide, y, wide, 11, "#FFFFFF", colour, "-", line)
        self.text(right - wide + 4, y, word, 6.5)
        return right - wide

    def text(
        self,
        x: float,
        y: float,
        words: object,
        size: float,
        *,
        colour: str = "#1B1B1B",
        weight: str = "normal",
        family: str = _FAMILY,
        align: str = "left",
        limit: float | None = None,
        background: bool = False,
    ) -> float:
        """Text centred at ``y`` and at most ``limit`` points wide; returns where it ends."""
        shown = written(words, family, weight)
        if limit is not None:
            shown = fit(shown, size, limit, family, weight)
        self._axes.text(
            x,
            y,
            shown,
            fontsize=size,
            color=colour,
            fontweight=weight,
            fontfamily=family,
            ha=align,
            va="center_baseline",
            zorder=6,
            parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0} if background else None,
        )
        return x + measure(shown, size, family, weight)

    def upright(self, x: float, bottom: float, words: object, size: float, *, limit: float) -> None:
        """Text that runs upwards from ``bottom`` and is at most ``limit`` points long."""
        self._axes.text(
            x,
            bottom,
            fit(written(words), size, limit),
            fontsize=size,
            color="#1B1B1B",
            fontfamily=_FAMILY,
            rotation=90,
            ha="center",
            va="bottom",
            zorder=6,
            parse_math=False,
        )


def save_svg(figure: Figure, titles: dict[str, str], name: str) -> str:
    """The figure as SVG with accessible ``titles`` (id to text); the same figure gives the same bytes.

    Each titled part is a symbol of a document, by WAI-ARIA Graphics, so that screen readers go through them.
    """
    from lxml import etree
    from matplotlib import rc_context

    out = io.BytesIO()
    with rc_context(SETTINGS):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=False)
    root = etree.fromstring(out.getvalue(), parser)
    for old in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(old)
    root.set("role", "graphics-document document")
    root.set("pointer-events", "none")  # text over a box does not hide its hover title
    _title(root, name)
    for group in root.iter(f"{{{_SVG}}}g"):
        words = titles.get(group.get("id") or "")
        if words is not None:
            _title(group, words)
            group.set("role", "graphics-symbol img")
            group.set("pointer-events", "all")
            del group.attrib["id"]  # a page may hold several pictures
    for element in root.iter(f"{{{_SVG}}}g", f"{{{_SVG}}}path"):
        if (element.get("id") or "").partition("_")[0] in (
            "figure",
            "axes",
            "patch",
            "text",
            "line2d",
            "PathCollection",
        ):
            del element.attrib["id"]
    return etree.tostring(root, encoding="unicode") + "\n"


def _title(element: Any, words: str) -> None:
    from lxml import etree

    title = etree.Element(f"{{{_SVG}}}title")
    title.text = "".join(char if char == "\n" else clean(char) for char in words)
    element.insert(0, title)


def save_png(figure: Figure, dpi: int) -> bytes:
    """The figure as PNG at ``dpi`` dots per inch, or fewer where it would exceed the maximum size in pixels.

    The same figure gives the same bytes.
    """
    from matplotlib import rc_context

    dpi = min(dpi, int(_PIXELS / max(figure.get_size_inches())))
    out = io.BytesIO()
    with rc_context(SETTINGS):
        figure.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()
