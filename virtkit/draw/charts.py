"""Charts: heat maps of shares, bars of counts and of free slots, all readable without colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from virtkit.draw.canvas import Pen, measure, save_png, written
from virtkit.draw.labels import FAMILIES, Label, kin
from virtkit.draw.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERDICTS, VERMILION, tint
from virtkit.wording import counted

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Chart", "bars", "headroom", "heatmap", "shares"]

_INK, _FAINT, _LINE = "#1B1B1B", "#5A5A5A", "#CFCFCF"
_SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, GREY)
# From "works for none" to "works for all": light to dark, distinct by lightness alone.
_STEPS = ("#F4F4F4", "#D2E3F0", "#A9CBE4", "#6FA8D0", "#3575A6", "#134F80", "#062A48")
_PALE = 4  # the first step with white text
_SLOTS = ("PCI Express", "conventional PCI", "usb")  # the order of columns; other kinds follow
_WORKS = ("works", "works-with-condition")
_SHORT = {"condition": "works-with-condition"}
# Colour and glyph of series of cells without a virtio device.
_OTHERS = {"emulated": (BLUE, "≈"), "absent": (GREY, "–")}


class Chart:
    """A finished chart, as SVG, as PNG, or displayed by a notebook."""

    def __init__(self, pen: Pen, titles: dict[str, str], name: str) -> None:
        self._pen, self._titles, self._name = pen, titles, name
        self._svg = ""

    @property
    def figure(self) -> Figure:
        """The matplotlib figure."""
        return self._pen.figure

    def svg(self) -> str:
        """The chart as SVG, drawn once."""
        self._svg = self._svg or self._pen.svg(self._titles, self._name)
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

    ``series`` maps a heading to one count for each name; a series named after a verdict gets the colour and glyph of
    that verdict. ``note`` is a line under the title, ``width`` is in points. Raises ValueError when a series is not as
    long as ``names``.
    """
    for key, values in series.items():
        if len(values) != len(names):
            raise ValueError(f"{key}: expected {counted(len(names), 'count')}, one for each name, got {len(values)}")
    left = min(width * 0.42, max((measure(written(name), 8) for name in names), default=0) + 24)
    looks = [_look(key, count) for count, key in enumerate(series)]
    keys = [f"{glyph} {key}".strip() for (_, glyph), key in zip(looks, series, strict=True)]
    rows = _wrapped(keys, width - 32)
    top = 40 + 14 * len(rows) + (16 if note else 0)
    pen = Pen(width, top + 12 + 20 * max(len(names), 1))
    pen.text(16, 20, title, 11, weight="bold", limit=width - 32)
    if note:
        pen.text(16, 38, note, 7.5, colour=_FAINT, limit=width - 32)
    y = 56.0 if note else 40.0
    for row in rows:
        x = 16.0
        for place in row:
            pen.box(x, y, 9, 9, looks[place][0], _INK, (), 0.4)
            x = pen.text(x + 13, y, keys[place], 7.5, colour=_FAINT, limit=width - 32 - 13) + 14
        y += 14
    if not names:
        pen.text(16, top + 10, "no data", 8, colour=_FAINT)
    totals = [sum(values[place] for values in series.values()) for place in range(len(names))]
    most = max(totals, default=0) or 1
    titles = {}
    for place, name in enumerate(names):
        y = top + 10.0 + 20 * place
        pen.text(16, y, name, 8, limit=left - 22)
        at = left
        for count, (key, values) in enumerate(series.items()):
            long = (width - left - 60) * values[place] / most
            if values[place] <= 0:
                continue
            ident = f"bar-{place}-{count}"
            colour, glyph = looks[count]
            pen.box(at, y, long, 13, tint(colour, 0.55), colour, (), 0.8, ident)
            words = f"{glyph} {values[place]:,}".strip()
            if measure(written(words), 7) + 6 < long:
                pen.text(at + 4, y, words, 7)
            titles[ident] = f"{name}: {key} {values[place]}"
            at += long
        pen.text(at + 5, y, f"{totals[place]:,}", 7.5, weight="bold")
    return Chart(pen, titles, title)


def _wrapped(words: Sequence[str], width: float) -> list[list[int]]:
    """The indices of the words of a legend, in rows that fit into ``width`` points."""
    rows: list[list[int]] = []
    room = 0.0
    for place, word in enumerate(words):
        wide = min(measure(written(word), 7.5) + 13, width) + 14
        if not rows or room < wide - 14:
            rows.append([])
            room = width
        rows[-1].append(place)
        room -= wide
    return rows


def headroom(title: str, frame: pd.DataFrame, *, note: str = "", limit: int = 60) -> Chart:
    """Free slots by domain: a column of bars for each kind of slot, domains without a free slot first.

    ``frame`` has the columns name (text), kind (text) and free (int), a row for each kind of slot that a domain has;
    a kind that it lacks is left blank, which differs from 0. Beyond ``limit`` domains a line says how many more there
    are.
    """
    found = {str(kind) for kind in frame["kind"]}
    kinds = [*(kind for kind in _SLOTS if kind in found), *sorted(found.difference(_SLOTS))]
    free: dict[str, dict[str, int]] = {}
    for row in frame[["name", "kind", "free"]].itertuples(index=False):
        free.setdefault(str(row.name), {})[str(row.kind)] = int(str(row.free))
    many = max(frame["free"], default=0) + 1
    names = sorted(
        free, key=lambda name: (min(free[name].values()) > 0, [free[name].get(kind, many) for kind in kinds], name)
    )
    shown = names[:limit]
    left = min(230.0, max((measure(written(name), 8) for name in shown), default=0) + 28)
    wide, high = 150.0, 16.0
    pen = Pen(max(left + wide * len(kinds) + 16, 470.0), 84 + high * (max(len(shown), 1) + (len(names) > limit)))
    inside = pen.width - 32
    pen.text(16, 20, title, 11, weight="bold", limit=inside)
    pen.text(16, 38, note, 7.5, colour=_FAINT, limit=inside)
    titles: dict[str, str] = {}
    # At least 8, so that a single slot is a short bar.
    most = {kind: max(8, *(rooms.get(kind, 0) for rooms in free.values())) for kind in kinds}
    for place, kind in enumerate(kinds):
        pen.text(left + wide * place, 58, kind, 8, weight="bold", limit=wide - 10)
    for number, name in enumerate(shown):
        y = 76.0 + high * number
        pen.text(16, y, name, 8, limit=left - 24)
        for place, kind in enumerate(kinds):
            count, x = free[name].get(kind), left + wide * place
            if count is None:
                continue
            ident = f"room-{number}-{place}"
            titles[ident] = f"{name}: {counted(count, f'free {kind} slot')}"
            if count:
                long = max((wide - 46) * count / most[kind], 1.5)
                pen.box(x, y, long, 10, tint(_SERIES[place % len(_SERIES)], 0.6), _INK, (), 0.5, ident)
                pen.text(x + long + 5, y, str(count), 7.5)
            else:
                pen.box(x, y, 40, 11, "#FFFFFF", VERMILION, (), 1.2, ident)
                pen.text(x + 5, y, "✗ none", 7.5, weight="bold", limit=34)
    if len(names) > limit:
        pen.text(16, 76 + high * len(shown), f"and {len(names) - limit} more in the tables", 7.5, colour=_FAINT)
    if not names:
        pen.text(16, 58, "no domains", 8, colour=_FAINT)
    return Chart(pen, titles, title)


def shares(title: str, frame: pd.DataFrame, *, note: str = "") -> Chart:
    """A table of shares (0 to 1) as a heat map with the percentage in every cell; the darkest colour is 100%.

    Rows are named by the index of ``frame`` (a family of guests by its full name), columns by its columns; a missing
    share is left blank. ``note`` is a line under the title.
    """
    order = {name: place for place, name in enumerate(FAMILIES)}
    places = [order.get(str(name), len(order)) for name in frame.index]
    frame = frame.iloc[sorted(range(len(places)), key=places.__getitem__)]
    rows, columns = [FAMILIES.get(str(name), str(name)) for name in frame.index], [str(name) for name in frame.columns]
    left = 24 + min(220.0, max((measure(written(name), 8) for name in rows), default=0))
    above = 60 + min(180.0, max((measure(written(name), 8) for name in columns), default=0))
    cell, high = 44.0, 19.0
    pen = Pen(max(left + cell * len(columns) + 20, 470.0), above + high * max(len(rows), 1) + 24)
    pen.text(16, 20, title, 11, weight="bold", limit=pen.width - 32)
    pen.text(16, 38, note, 7.5, colour=_FAINT, limit=pen.width - 32)
    if not rows:
        pen.text(16, above, "no data", 8, colour=_FAINT)
    for place, name in enumerate(columns):
        pen.upright(left + (place + 0.5) * cell, above - 6, name, 8, limit=above - 50)
    titles: dict[str, str] = {}
    for number, (name, values) in enumerate(zip(rows, frame.itertuples(index=False), strict=True)):
        y = above + (number + 0.5) * high
        pen.text(16, y, name, 8, limit=left - 22)
        for place, share in enumerate(values):
            if share != share:
                continue
            step = _step(share)
            ident = f"share-{number}-{place}"
            pen.box(left + place * cell, y, cell - 1, high - 1, _STEPS[step], _STEPS[step], (), 0.0, ident)
            words = _per_cent(share)
            at = left + (place + 0.5) * cell - measure(words, 7.5) / 2
            pen.text(at, y, words, 7.5, colour=_INK if step < _PALE else "#FFFFFF")
            titles[ident] = f"{columns[place]}, {name}: {share:.1%}"
    return Chart(pen, titles, title)


def _step(share: float) -> int:
    """The colour step of a share: the lowest only for 0, the highest only for 1."""
    if share <= 0 or share >= 1:
        return 0 if share <= 0 else len(_STEPS) - 1
    return 1 + int(share * (len(_STEPS) - 2))


def _per_cent(share: float) -> str:
    """A share as a percentage; a share below 1 is never "100%", one above 0 never "0%"."""
    words = f"{share:.0%}"
    if words == "100%" and share < 1:
        return ">99%"
    return "<1%" if words == "0%" and share > 0 else words


def _look(key: str, count: int) -> tuple[str, str]:
    """The colour and glyph of a series: those of the verdict it is named after, or else the next colour."""
    if key in _OTHERS:
        return _OTHERS[key]
    entry = VERDICTS.get(_SHORT.get(key, key))
    return (_SERIES[count % len(_SERIES)], "") if entry is None else (entry.colour, entry.glyph)


def heatmap(frame: pd.DataFrame, title: str, labels: Mapping[str, Label]) -> Chart:
    """The share of guests for which a combination works (or works with a condition); the darkest colour is all.

    Guests with an unknown verdict are left out of the share; a cell where all are unknown is hollow.
    ``frame`` has the columns guest, kind, machine, model and verdict of ``virtkit.matrix``, ``labels`` a Label for
    each guest id. A row stands for the guests of a distribution; rows are grouped by family. Columns are kinds and
    models within machine types. Raises KeyError when a label is missing.
    """
    idents = [str(ident) for ident in frame["guest"].drop_duplicates()]
    line_of = {ident: (labels[ident].family, labels[ident].distro or labels[ident].line) for ident in idents}
    members: dict[tuple[str, str], list[Label]] = {}
    for ident in idents:
        members.setdefault(line_of[ident], []).append(labels[ident])
    lines = [_Line(family, kin(some), len(some), (family, distro)) for (family, distro), some in members.items()]
    order = [str(key) for key in FAMILIES]
    lines.sort(key=lambda one: (order.index(one.family) if one.family in order else len(order), one.key))
    narrow = frame[["guest", "kind", "machine", "model"]].astype("str")
    verdicts = frame["verdict"].astype("str")
    narrow["works"], narrow["known"] = verdicts.isin(_WORKS), verdicts != "unknown"
    narrow["line"] = narrow["guest"].map(line_of)
    sums = narrow.groupby(["line", "machine", "kind", "model"], sort=False)[["works", "known"]].sum()
    shares = {key: (int(works), int(sure)) for key, works, sure in sums.itertuples(name=None)}
    places = [list(dict.fromkeys(narrow[name])) for name in ("machine", "kind", "model")]
    columns = sorted(
        {(key[1], key[2], key[3]) for key in shares},
        key=lambda column: tuple(place.index(word) for place, word in zip(places, column, strict=True)),
    )
    return _heat(title, lines, columns, shares)


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the heat map: a distribution with its name, and the number of its guests."""

    family: str
    name: str
    count: int
    ident: tuple[str, str]

    @property
    def key(self) -> tuple[str, str]:
        return (self.family, self.name.casefold())


class _Columns:
    """The positions of the columns of a heat map: a gap between kinds, a wider one between machine types."""

    def __init__(self, columns: Sequence[tuple[str, str, str]], left: float) -> None:
        self.columns = columns
        self.cell = min(24.0, max(9.0, 640.0 / max(len(columns), 1)))
        self.at: list[float] = []
        x = left
        for before, column in zip([None, *columns], columns, strict=False):
            if before is not None:
                x += 9.0 if before[0] != column[0] else 3.0 if before[1] != column[1] else 0.0
            self.at.append(x)
            x += self.cell
        self.end = x

    def runs(self, parts: int) -> list[tuple[str, float, float]]:
        """Neighbours that share their first ``parts`` words: the last shared word, and where they begin and end."""
        found = []
        for key, run in groupby(range(len(self.columns)), key=lambda place: self.columns[place][:parts]):
            some = list(run)
            found.append((key[-1], self.at[some[0]], self.at[some[-1]] + self.cell - 1))
        return found

    def fits(self, parts: int, size: float) -> bool:
        """Whether all these words fit over their columns."""
        return all(measure(written(word), size) <= end - start for word, start, end in self.runs(parts))


def _heat(
    title: str,
    lines: Sequence[_Line],
    columns: Sequence[tuple[str, str, str]],
    shares: Mapping[Any, tuple[int, int]],
) -> Chart:
    """``shares`` has for each row and column how many guests it works for, of how many with a known verdict."""
    words = [f"{line.name} ({line.count})" for line in lines]
    left = 34.0 + min(200.0, max((measure(written(word), 7) for word in words), default=0))
    grid = _Columns(columns, left)
    over = [grid.fits(1, 7.5), grid.fits(2, 6.8)]
    shorts = [
        " ".join(word for word, above in zip(column, (*over, False), strict=True) if not above).replace("virtio-", "")
        for column in columns
    ]
    tall = min(150.0, max((measure(written(word), 6.5) for word in shorts), default=0))
    top, high = 46.0 + (16 if over[0] else 0) + (16 if over[1] else 0) + tall, 12.0
    families = list(dict.fromkeys(line.family for line in lines))
    pen = Pen(max(grid.end + 20, 490.0), top + high * len(lines) + 17 * len(families) + 56)
    pen.text(16, 20, title, 11, weight="bold", limit=pen.width - 32)
    y = 42.0
    for parts, size in ((1, 7.5), (2, 6.8)):
        if over[parts - 1]:
            for word, start, end in grid.runs(parts):
                pen.text(start, y, word, size, weight="bold" if parts == 1 else "normal")
                pen.line(start, y + 7, end, y + 7, _INK if parts == 1 else _LINE, 0.8)
            y += 16
    for at, short in zip(grid.at, shorts, strict=True):
        pen.upright(at + grid.cell / 2, top - 6, short, 6.5, limit=150)
    titles: dict[str, str] = {}
    y, number = top, 0
    for family, members in groupby(lines, key=lambda line: line.family):
        y += 5
        pen.text(16, y, FAMILIES.get(family, family) or "Others", 7.5, weight="bold")
        pen.line(16, y + 7, grid.end, y + 7, _LINE, 0.6)
        y += 12 + high / 2 - 4
        for line in members:
            pen.text(24, y, f"{line.name} ({line.count})", 7, limit=left - 30)
            for place, column in enumerate(columns):
                if (line.ident, *column) in shares:
                    ident = f"cell-{number}-{place}"
                    titles[ident] = _heat_cell(pen, grid, place, y, line, shares[line.ident, *column], ident)
            number += 1
            y += high
        y += 2 - high / 2 + 2
    _heat_legend(pen, y + 22)
    return Chart(pen, titles, title)


def _heat_cell(pen: Pen, grid: _Columns, place: int, y: float, line: _Line, share: tuple[int, int], ident: str) -> str:
    """Draws a cell; returns its title."""
    works, sure = share
    machine, kind, model = grid.columns[place]
    title = f"{line.name}, {kind} {model} on {machine}: " + (f"works for {works} of {sure}" if sure else "unknown")
    if sure and sure < line.count:
        title += f"; unknown for {line.count - sure} more"
    at, cell = grid.at[place], grid.cell
    if sure:
        colour = _STEPS[_step(works / sure)]
        pen.box(at, y, cell - 1, 11, colour, _LINE if works == 0 else colour, (), 0.3, ident)
    else:
        pen.box(at, y, cell - 1, 11, "#FFFFFF", _LINE, (), 0.4, ident)
        pen.text(at + (cell - 1 - measure("?", 6)) / 2, y, "?", 6, colour=_FAINT)
    return title


def _heat_legend(pen: Pen, y: float) -> None:
    x = pen.text(16, y, "works for none", 7, colour=_FAINT) + 6
    for place, colour in enumerate(_STEPS):
        x += 3 if place in (1, len(_STEPS) - 1) else 0
        pen.box(x, y, 16, 10, colour, _LINE, (), 0.4)
        x += 16
    x = pen.text(x + 6, y, "for all guests of the row whose verdict is known", 7, colour=_FAINT) + 12
    pen.box(x, y, 16, 10, "#FFFFFF", _LINE, (), 0.4)
    pen.text(x + 6, y, "?", 6, colour=_FAINT)
    pen.text(x + 22, y, "unknown for all", 7, colour=_FAINT)
