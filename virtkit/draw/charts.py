"""Overviews: how much of each family works where, and bars for counts, both readable without colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from virtkit.draw.canvas import Pen, measure, save_png, save_svg, written
from virtkit.draw.labels import FAMILIES, Label, known_labels
from virtkit.draw.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERDICTS, VERMILION, tint

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Chart", "bars", "heatmap", "shares"]

_INK, _FAINT, _LINE = "#1B1B1B", "#5A5A5A", "#CFCFCF"
_SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, GREY)
# From nothing works to all works: light to dark, told apart by lightness alone.
_STEPS = ("#F4F4F4", "#D9E7F2", "#A9CBE4", "#6FA8D0", "#3E82B4", "#155A8A", "#08365A")
_WORKS = ("works", "works-with-condition")
_SHORT = {"condition": "works-with-condition"}
# What becomes of a cell that has no virtio device.
_OTHERS = {"emulated": (BLUE, "≈"), "absent": (GREY, "–")}


class Chart:
    """A finished drawing that can be had as SVG and PNG; shows itself in a notebook."""

    def __init__(self, pen: Pen, titles: dict[str, str], name: str) -> None:
        self._pen, self._titles, self._name = pen, titles, name
        self._svg = ""

    def svg(self) -> str:
        """The chart as SVG; drawn once, though it is both written and shown."""
        self._svg = self._svg or save_svg(self._pen.figure, self._titles, self._name)
        return self._svg

    def png(self, dpi: int = 144) -> bytes:
        """The chart as PNG."""
        return save_png(self._pen.figure, dpi)

    def _repr_svg_(self) -> str:
        return self.svg()


def bars(
    title: str, names: Sequence[str], series: Mapping[str, Sequence[int]], *, note: str = "", width: float = 640.0
) -> Chart:
    """Stacked horizontal bars: one bar for each name, one part for each series, each part with its number.

    ``series`` maps what is counted to one count for each name; a series called as a verdict has that verdict's
    colour and glyph. ``note`` is a line under the title. Raises ValueError when a series has another length than
    ``names``.
    """
    for key, values in series.items():
        if len(values) != len(names):
            raise ValueError(f"{key}: {len(values)} counts for {len(names)} names")
    left = min(width * 0.42, max((measure(written(name), 8) for name in names), default=0) + 24)
    pen = Pen(width, 78 + 20 * len(names))
    pen.text(16, 20, title, 11, weight="bold", limit=width - 32)
    x = 16.0
    looks = [_look(key, count) for count, key in enumerate(series)]
    for (colour, glyph), key in zip(looks, series, strict=True):
        pen.box(x, 40, 9, 9, colour, _INK, "-", 0.4)
        x = pen.text(x + 13, 40, f"{glyph} {key}".strip(), 7.5, colour=_FAINT) + 14
    if note:
        pen.text(x + 6, 40, note, 7.5, colour=_FAINT, limit=max(width - x - 22, 20))
    totals = [sum(values[place] for values in series.values()) for place in range(len(names))]
    most = max(totals, default=0) or 1
    titles = {}
    for place, name in enumerate(names):
        y = 66.0 + 20 * place
        pen.text(16, y, name, 8, limit=left - 22)
        at = left
        for count, (key, values) in enumerate(series.items()):
            long = (width - left - 60) * values[place] / most
            if values[place] <= 0:
                continue
            ident = f"bar-{place}-{count}"
            colour, glyph = looks[count]
            pen.box(at, y, long, 13, tint(colour, 0.55), colour, "-", 0.8, ident)
            words = f"{glyph} {values[place]}".strip()
            if measure(written(words), 7) + 6 < long:
                pen.text(at + 4, y, words, 7)
            titles[ident] = f"{name}: {key} {values[place]}"
            at += long
        pen.text(at + 5, y, str(totals[place]), 7.5, weight="bold")
    return Chart(pen, titles, title)


def shares(title: str, frame: pd.DataFrame, *, note: str = "") -> Chart:
    """A table of shares (0 to 1) as a heat map with the per cent in every cell, dark for all.

    Rows are named by the index of ``frame``, columns by its columns; a missing share is left blank. ``note`` is a
    line under the title.
    """
    rows, columns = [str(name) for name in frame.index], [str(name) for name in frame.columns]
    left = 24 + max((measure(written(name), 8) for name in rows), default=0)
    above = 60 + max((measure(written(name), 8) for name in columns), default=0)
    cell, high = 44.0, 19.0
    pen = Pen(max(left + cell * len(columns) + 20, 470.0), above + high * len(rows) + 24)
    pen.text(16, 20, title, 11, weight="bold")
    if note:
        pen.text(16, 38, note, 7.5, colour=_FAINT)
    for place, name in enumerate(columns):
        pen.upright(left + (place + 0.5) * cell, above - 6, name, 8, limit=above - 50)
    titles: dict[str, str] = {}
    for number, (name, values) in enumerate(zip(rows, frame.itertuples(index=False), strict=True)):
        y = above + (number + 0.5) * high
        pen.text(16, y, name, 8)
        for place, share in enumerate(values):
            if share != share:
                continue
            step = round(share * (len(_STEPS) - 1))
            ident = f"share-{number}-{place}"
            pen.box(left + place * cell, y, cell - 1, high - 1, _STEPS[step], _STEPS[step], "-", 0.0, ident)
            words = f"{share:.0%}"
            at = left + (place + 0.5) * cell - measure(words, 7.5) / 2
            pen.text(at, y, words, 7.5, colour=_INK if step < 4 else "#FFFFFF")
            titles[ident] = f"{columns[place]}, {name}: {share:.1%}"
    return Chart(pen, titles, title)


def _look(key: str, count: int) -> tuple[str, str]:
    """The colour and glyph of a series: those of the verdict it is called by, else the next colour."""
    if key in _OTHERS:
        return _OTHERS[key]
    entry = VERDICTS.get(_SHORT.get(key, key))
    return (_SERIES[count % len(_SERIES)], "") if entry is None else (entry.colour, entry.glyph)


def heatmap(frame: pd.DataFrame, title: str, labels: Mapping[str, Label] | None = None) -> Chart:
    """The share of a line's guests for which a combination works (or works with a condition), dark for all.

    Guests of which nobody knows are counted on neither side; where nobody knows of any, the cell is hollow.
    ``frame`` has the columns guest, kind, machine, model and verdict of ``virtkit.matrix``. Rows are lines of
    operating systems grouped by family, columns are kinds and models within machines.
    """
    idents = [str(ident) for ident in frame["guest"].drop_duplicates()]
    known = known_labels(idents) if labels is None else labels
    line_of = {ident: (known[ident].family, known[ident].distro or ident) for ident in idents}
    narrow = frame[["guest", "kind", "machine", "model"]].astype("str")
    verdicts = frame["verdict"].astype("str")
    narrow["works"], narrow["known"] = verdicts.isin(_WORKS), verdicts != "unknown"
    narrow["line"] = narrow["guest"].map(line_of)
    sums = narrow.groupby(["line", "machine", "kind", "model"], sort=False)[["works", "known"]].sum()
    shares = {key: (int(works), int(sure)) for key, works, sure in sums.itertuples(name=None)}
    counts = dict.fromkeys(line_of.values(), 0)
    for line in line_of.values():
        counts[line] += 1
    order = [str(key) for key in FAMILIES]
    lines = sorted(counts, key=lambda line: (order.index(line[0]) if line[0] in order else len(order), line))
    columns = sorted(
        {(key[1], key[2], key[3]) for key in shares},
        key=lambda column: tuple(
            list(dict.fromkeys(narrow[name])).index(column[place])
            for place, name in enumerate(("machine", "kind", "model"))
        ),
    )
    return _heat(title, lines, columns, counts, shares)


def _heat(
    title: str,
    lines: Sequence[tuple[str, str]],
    columns: Sequence[tuple[str, str, str]],
    counts: Mapping[tuple[str, str], int],
    shares: Mapping[Any, tuple[int, int]],
) -> Chart:
    """``shares`` has for each line and column how many guests it works for, and of how many anybody knows."""
    cell = min(26.0, max(9.0, 640.0 / max(len(columns), 1)))
    left, top, high = 150.0, 146.0, 11.0
    pen = Pen(max(left + cell * len(columns) + 20, 470.0), top + high * len(lines) + 52)
    pen.text(16, 20, title, 11, weight="bold")
    titles: dict[str, str] = {}
    place = 0
    for machine, run in groupby(columns, key=lambda column: column[0]):
        wide = len(list(run)) * cell
        at = left + place * cell
        pen.text(at + 2, 42, machine, 7.5, weight="bold", limit=wide - 4)
        pen.line(at, 50, at + wide - 2, 50, _INK, 0.8)
        place += round(wide / cell)
    for count, (_, kind, model) in enumerate(columns):
        words = f"{kind} {model.removeprefix('virtio-')}"
        pen.upright(left + (count + 0.5) * cell, top - 8, words, 6.2, limit=84)
    y = top
    for family, members in groupby(enumerate(lines), key=lambda entry: entry[1][0]):
        for number, (_, line) in members:
            pen.text(16, y, f"{line} ({counts[family, line]})", 6.8, limit=left - 22)
            for count, column in enumerate(columns):
                if ((family, line), *column) not in shares:
                    continue
                works, sure = shares[(family, line), *column]
                ident = f"cell-{number}-{count}"
                at = left + count * cell
                titles[ident] = f"{line}, {column[1]} {column[2]} on {column[0]}: "
                titles[ident] += f"works for {works} of {sure}" if sure else "nobody knows"
                if sure and sure < counts[family, line]:
                    titles[ident] += f"; of {counts[family, line] - sure} more nobody knows"
                if sure:
                    colour = _STEPS[round(works / sure * (len(_STEPS) - 1))]
                    pen.box(at, y, cell - 1, high - 1, colour, colour, "-", 0.0, ident)
                else:
                    pen.box(at, y, cell - 1, high - 1, "#FFFFFF", _LINE, "-", 0.4, ident)
                    pen.text(at + cell / 2 - 2, y, "?", 6, colour=_FAINT)
            y += high
        pen.line(16, y - high / 2, left + cell * len(columns), y - high / 2, _LINE, 0.6)
    x = pen.text(16, y + 18, "works for none", 7, colour=_FAINT) + 6
    for colour in _STEPS:
        pen.box(x, y + 18, 16, 10, colour, _LINE, "-", 0.4)
        x += 16
    x = pen.text(x + 6, y + 18, "all guests of the line that anybody knows of", 7, colour=_FAINT) + 10
    pen.box(x, y + 18, 16, 10, "#FFFFFF", _LINE, "-", 0.4)
    pen.text(x + 6, y + 18, "?", 6, colour=_FAINT)
    pen.text(x + 22, y + 18, "nobody knows", 7, colour=_FAINT)
    return Chart(pen, titles, title)
