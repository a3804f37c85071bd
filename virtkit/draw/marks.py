"""The marks of a drawing in points, y growing downwards: strokes, boxes, discs, wedges and words."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Box", "Dashes", "Disc", "Mark", "Stroke", "Wedge", "Words"]

Dashes = tuple[float, ...]
"""Lengths of dashes and gaps in multiples of the line width; () is a solid line."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight line."""

    x0: float
    y0: float
    x1: float
    y1: float
    colour: str
    width: float
    layer: float = 1.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, by its left upper corner; ``ident`` names it for a hover title."""

    x: float
    y: float
    wide: float
    high: float
    face: str
    edge: str
    dashes: Dashes
    width: float
    ident: str = ""
    layer: float = 3.0


@dataclass(frozen=True, slots=True)
class Disc:
    """A circle around a point."""

    x: float
    y: float
    radius: float
    layer: float = 5.0


@dataclass(frozen=True, slots=True)
class Wedge:
    """A filled triangle."""

    points: tuple[tuple[float, float], ...]
    colour: str
    layer: float = 2.0


@dataclass(frozen=True, slots=True)
class Words:
    """Text that is ``length`` points long; ``align`` is left or right of ``x``, ``upright`` runs upwards from ``y``.

    ``background`` puts white behind it.
    """

    x: float
    y: float
    text: str
    size: float
    length: float
    colour: str
    weight: str
    family: str
    align: str = "left"
    background: bool = False
    upright: bool = False
    layer: float = 6.0


Mark = Stroke | Box | Disc | Wedge | Words
