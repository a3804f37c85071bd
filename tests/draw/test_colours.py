"""Colours with a meaning are distinct for every colour vision, or a glyph carries the meaning too."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pytest

from tests.draw.geometry import CONTRAST, contrast
from virtkit.draw.charts import _INK, _PALE, _STEPS
from virtkit.draw.palette import CHANGES, CLASSES, VERDICTS, tint

#: Severity 1.0, on linear RGB. Source: Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation
#: of Color Vision Deficiency", IEEE Transactions on Visualization and Computer Graphics 15 (6), 2009, table 1.
MATRICES = {
    "full colour": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
#: CIE76 distance that is seen at a glance in areas as small as a class's stripe; 2.3 is the least that is seen at all.
APART = 10.0

Colour = npt.NDArray[np.float64]


def linear(colour: str) -> Colour:
    """Linear RGB, 0 to 1. Source: IEC 61966-2-1 (sRGB)."""
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(colour: Colour) -> Colour:
    """CIE L*a*b* of linear RGB, for the white point D65. Source: CIE 15."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ colour
    x, y, z = np.where(
        (scaled := xyz / np.array([0.9505, 1.0, 1.089])) > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def seen(colour: str, vision: str) -> Colour:
    """A colour as someone with a colour vision deficiency sees it, in L*a*b*."""
    return lab(np.clip(np.array(MATRICES[vision]) @ linear(colour), 0, 1))


def nearest(colours: Sequence[str], vision: str) -> float:
    """The smallest distance between any two colours."""
    return min(
        float(np.linalg.norm(seen(one, vision) - seen(other, vision))) for one, other in combinations(colours, 2)
    )


@pytest.mark.parametrize("vision", MATRICES)
def test_device_classes_stay_apart(vision: str) -> None:
    """The stripes of any two device classes are distinct."""
    assert nearest([entry.colour for entry in CLASSES], vision) > APART


@pytest.mark.parametrize("vision", MATRICES)
def test_changes_and_verdicts_stay_apart(vision: str) -> None:
    """Border colours of changes are distinct, and so are background colours of verdicts."""
    assert nearest([look.colour for look in CHANGES.values() if look.glyph], vision) > APART
    assert nearest([look.colour for look in VERDICTS.values()], vision) > APART


def test_colour_is_never_the_only_sign() -> None:
    """Every change and every verdict has its own glyph and word; gone, new and moved devices have different borders."""
    for looks in (CHANGES.values(), VERDICTS.values()):
        assert len({look.glyph for look in looks}) == len(looks)
        assert len({look.name for look in looks}) == len(looks)
    assert len({CHANGES[name].dashes for name in ("new", "gone", "moved")}) == 3


@pytest.mark.parametrize("vision", MATRICES)
def test_steps_of_a_heat_map_darken(vision: str) -> None:
    """A larger share is visibly darker, for every colour vision."""
    light = [float(seen(step, vision)[0]) for step in _STEPS]
    assert all(one - other > 5 for one, other in pairwise(light))


def test_text_on_colours() -> None:
    """Text has enough contrast on every tint, on every step, and in every chip."""
    for entry in CLASSES:
        assert contrast("#5A5A5A", tint(entry.colour)) > CONTRAST, entry.name
    for place, step in enumerate(_STEPS):
        assert contrast(_INK if place < _PALE else "#FFFFFF", step) > CONTRAST, step


@pytest.mark.parametrize(
    ("vision", "pair"),
    [
        ("deuteranopia", ("#CC7744", "#9B8A42")),
        ("protanopia", ("#7C6A00", "#556F00")),
        ("tritanopia", ("#4477DD", "#338F9A")),
    ],
)
def test_the_measure_finds_bad_pairs(vision: str, pair: tuple[str, str]) -> None:
    """The check can fail: pairs known to be confused come out close, black and white far apart, greys unchanged."""
    assert nearest(["#000000", "#FFFFFF"], vision) == pytest.approx(100, abs=0.5)
    assert np.allclose(seen("#808080", vision), seen("#808080", "full colour"), atol=0.2)
    assert nearest(pair, vision) < nearest(pair, "full colour") / 2
