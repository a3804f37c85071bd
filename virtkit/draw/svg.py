"""Marks as SVG: words stay text, which can be searched and selected, and are as long with any viewer's fonts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from virtkit.draw.marks import Box, Disc, Mark, Stroke, Wedge, Words
from virtkit.draw.palette import clean

__all__ = ["svg_text"]

#: Fonts that are nearly as wide as the one that was measured, where it is missing.
_FALLBACKS = {"DejaVu Sans": "Verdana,sans-serif", "DejaVu Sans Mono": "Menlo,monospace"}
_PLAIN = "DejaVu Sans"
#: From the middle of a line of text to its baseline, in multiples of the font size: half the height of an "l".
_BASELINE = 0.38


def svg_text(width: float, height: float, marks: Iterable[Mark], titles: Mapping[str, str], name: str) -> str:
    """A drawing as SVG of ``width`` by ``height`` points; equal drawings give equal text.

    ``titles`` are the hover titles of boxes by their ident, ``name`` is that of the whole. Each titled part is a symbol
    of a document, by WAI-ARIA Graphics, so that screen readers go through them.
    """
    size = f'width="{_number(width)}pt" height="{_number(height)}pt" viewBox="0 0 {_number(width)} {_number(height)}"'
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>\n'
        # Text over a box does not hide the hover title of the box.
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} version="1.1" role="graphics-document document"'
        f' pointer-events="none" font-family="{_PLAIN},{_FALLBACKS[_PLAIN]}"><title>{_titled(name)}</title>',
        f'<rect width="{_number(width)}" height="{_number(height)}" fill="#fff"/>',
    ]
    for mark in sorted(marks, key=lambda one: one.layer):
        parts.append(_mark(mark, titles))
    parts.append("</svg>\n")
    return "\n".join(parts)


def _mark(mark: Mark, titles: Mapping[str, str]) -> str:
    match mark:
        case Stroke():
            ends = f"M{_number(mark.x0)} {_number(mark.y0)}L{_number(mark.x1)} {_number(mark.y1)}"
            return f'<path d="{ends}" stroke="{mark.colour}" stroke-width="{_number(mark.width)}"/>'
        case Box():
            return _box(mark, titles.get(mark.ident) if mark.ident else None)
        case Disc():
            x, y, radius = map(_number, (mark.x, mark.y, mark.radius))
            return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="#fff" stroke="#1b1b1b"/>'
        case Wedge():
            corners = "L".join(f"{_number(x)} {_number(y)}" for x, y in mark.points)
            return f'<path d="M{corners}z" fill="{mark.colour}"/>'
        case Words():
            return _words(mark)


def _box(box: Box, title: str | None) -> str:
    place = " ".join(
        f'{name}="{_number(value)}"'
        for name, value in (("x", box.x), ("y", box.y), ("width", box.wide), ("height", box.high))
    )
    edge = ""
    if box.width > 0 and box.edge != "none":
        edge = f' stroke="{box.edge}" stroke-width="{_number(box.width)}"'
        if box.dashes:
            edge += f' stroke-dasharray="{" ".join(_number(part * box.width) for part in box.dashes)}"'
    drawn = f'<rect {place} fill="{box.face}"{edge}/>'
    if title is None:
        return drawn
    return f'<g role="graphics-symbol img" pointer-events="all"><title>{_titled(title)}</title>{drawn}</g>'


def _words(words: Words) -> str:
    if not words.text:
        return ""
    x, y, turn = words.x, words.y + _BASELINE * words.size, ""
    if words.upright:
        x, y = words.x + _BASELINE * words.size, words.y
        turn = f' transform="rotate(-90 {_number(x)} {_number(y)})"'
    anchor = ' text-anchor="end"' if words.align == "right" else ""
    weight = f' font-weight="{words.weight}"' if words.weight != "normal" else ""
    family = f' font-family="{words.family},{_FALLBACKS[words.family]}"' if words.family != _PLAIN else ""
    behind = _ground(words) if words.background else ""
    # A viewer joins spaces unless they are no-break spaces.
    text = escape(words.text.replace("  ", " \N{NO-BREAK SPACE}"))
    length = f' textLength="{_number(words.length)}" lengthAdjust="spacingAndGlyphs"' if words.length else ""
    return (
        f'{behind}<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(words.size)}" fill="{words.colour}"'
        f"{anchor}{weight}{family}{length}{turn}>{text}</text>"
    )


def _ground(words: Words) -> str:
    """The white rectangle behind a line of text, 1 point wider on each side."""
    left = words.x - (words.length if words.align == "right" else 0) - 1
    top, high = words.y - words.size / 2 - 1, words.size + 2
    place = f'x="{_number(left)}" y="{_number(top)}" width="{_number(words.length + 2)}" height="{_number(high)}"'
    return f'<rect {place} fill="#fff"/>'


def _titled(words: str) -> str:
    return escape("".join(char if char == "\n" else clean(char) for char in words), quote=False)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
