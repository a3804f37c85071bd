"""Drawing in points: text is cut to fit, and equal drawings give equal bytes.

A drawing is a list of marks. SVG is written from them directly, which takes a twentieth of the time of matplotlib;
matplotlib measures text and writes PNG. Nothing uses pyplot, which registers figures globally.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from virtkit.draw.marks import Box, Dashes, Disc, Mark, Stroke, Wedge, Words
from virtkit.draw.palette import clean
from virtkit.draw.svg import svg_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font

__all__ = ["Pen", "save_png", "written"]

#: How a figure is drawn.
SETTINGS: Any = {
    "path.simplify": False,
    "text.hinting": "none",
}
_FAMILY = "DejaVu Sans"  # shipped with matplotlib
_LARGE = 96.0
_PIXELS = 65_000  # Agg draws fewer than 2^16 pixels a side


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
    """A drawing ``width`` by ``height`` points, y growing downwards, and the few shapes that pictures use."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._marks: list[Mark] = []

    def svg(self, titles: Mapping[str, str], name: str) -> str:
        """The drawing as SVG with accessible ``titles`` (ident of a box to text); equal drawings give equal text."""
        return svg_text(self.width, self.height, self._marks, titles, name)

    @property
    def figure(self) -> Figure:
        """The drawing as a new matplotlib figure."""
        from virtkit.draw.figure import figure_of

        return figure_of(self.width, self.height, self._marks)

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: str, width: float, layer: float = 1) -> None:
        """A straight line."""
        self._marks.append(Stroke(x0, y0, x1, y1, colour, width, layer))

    def box(
        self,
        x: float,
        y: float,
        wide: float,
        high: float,
        face: str,
        edge: str,
        dashes: Dashes = (),
        width: float = 1.0,
        ident: str = "",
    ) -> None:
        """A rectangle whose left side is at ``x`` and whose middle is at ``y``; ``ident`` is that of its title."""
        self._marks.append(Box(x, y - high / 2, wide, high, face, edge, dashes, width, ident))

    def socket(self, x: float, y: float) -> None:
        """The mark of a slot that takes a hot-plugged device."""
        self._marks.append(Disc(x, y, 3.4))

    def plus(self, x: float, y: float) -> None:
        """The mark of a new bridge."""
        self.line(x - 2.6, y, x + 2.6, y, "#1B1B1B", 1.1, 4)
        self.line(x, y - 2.6, x, y + 2.6, "#1B1B1B", 1.1, 4)

    def arrow(self, x: float, y: float) -> None:
        """The head of a link that points to the right at ``x``."""
        self._marks.append(Wedge(((x - 1, y), (x - 7, y - 3.2), (x - 7, y + 3.2)), "#5A5A5A"))

    def chip(self, right: float, y: float, word: str, colour: str, line: float = 0.7) -> float:
        """A word in a frame that ends at ``right``, dark on white; returns where the frame begins."""
        wide = measure(written(word), 6.5) + 8
        self.box(right - wide, y, wide, 11, "#FFFFFF", colour, (), line)
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
        length = measure(shown, size, family, weight)
        self._marks.append(Words(x, y, shown, size, length, colour, weight, family, align, background))
        return x + length

    def upright(self, x: float, bottom: float, words: object, size: float, *, limit: float) -> None:
        """Text that runs upwards from ``bottom`` and is at most ``limit`` points long."""
        shown = fit(written(words), size, limit)
        length = measure(shown, size)
        self._marks.append(Words(x, bottom, shown, size, length, "#1B1B1B", "normal", _FAMILY, upright=True))


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
