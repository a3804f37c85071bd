"""A matrix in long form as a grid with few rows: releases as ranges, guests with equal cells in one row."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from virtkit.draw.labels import FAMILIES, Label, span

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["Family", "Grid", "Part", "Row", "State", "arrange", "merged"]

STATE = ("placement", "interface", "verdict", "reason", "condition", "evidence", "source")
SHOWN = ("interface", "verdict", "condition")  # cells that agree in these share a row
KEY = ("kind", "machine", "model")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class State:
    """A cell: the verdict, what it depends on, the reason and its source."""

    placement: str
    interface: str
    verdict: str
    reason: str
    condition: str
    evidence: str
    source: str


@dataclass(frozen=True, slots=True)
class Part:
    """Guests whose cells agree in every field, reasons and sources included.

    ``spans`` are their names as ranges of releases, ``cells`` index Grid.states.
    """

    spans: tuple[str, ...]
    guests: tuple[str, ...]
    cells: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Guests with the same interfaces, verdicts and conditions. ``parts`` divide them by reason and source."""

    spans: tuple[str, ...]
    guests: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """A group of rows under one heading."""

    title: str
    rows: tuple[Row, ...]

    @property
    def guests(self) -> int:
        """The number of guests in the rows."""
        return sum(len(row.guests) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Grid:
    """A matrix as rows and columns. ``columns`` are (kind, machine, model); -1 stands for a cell without a verdict."""

    columns: tuple[tuple[str, str, str], ...]
    states: tuple[State, ...]
    families: tuple[Family, ...]


def arrange(frame: pd.DataFrame, labels: Mapping[str, Label]) -> Grid:
    """Group, merge and collapse a matrix.

    ``frame`` has the columns of ``virtkit.matrix``: guest, kind, machine, model, placement, interface, verdict,
    reason, condition, evidence, source (text). ``labels`` has a Label for each guest id.
    Consecutive releases of a distribution with the same interface, verdict and condition in every cell become a range;
    ranges of one family with the same cells become one row. Each family begins with the distributions that most people
    run (``Label.rank``). Raises KeyError when a column or a label is missing.
    """
    import numpy as np

    idents = [str(ident) for ident in frame["guest"].drop_duplicates()]
    places = {ident: place for place, ident in enumerate(idents)}
    rows = frame["guest"].astype(str).map(places).to_numpy()

    column_codes, columns = _codes(frame, KEY)
    state_codes, states = _codes(frame, STATE)
    cells = np.full((len(idents), len(columns)), -1, dtype=np.int64)
    cells[rows, column_codes] = state_codes

    looks: dict[tuple[str, ...], int] = {}
    shown = [-1] * (len(states) + 1)  # the last is for missing cells, whose code is -1
    for code, values in enumerate(states):
        look = tuple(values[STATE.index(name)] for name in SHOWN)
        shown[code] = looks.setdefault(look, len(looks))
    ordered = sorted((labels[ident] for ident in idents), key=lambda entry: entry.order)
    table = {ident: tuple(int(code) for code in cells[place]) for ident, place in places.items()}
    families = tuple(
        Family(FAMILIES.get(name) or name or "Others", tuple(_rows(list(members), table, shown)))
        for name, members in groupby(ordered, key=lambda entry: entry.family)
    )
    return Grid(
        columns=tuple((kind, machine, model) for kind, machine, model in columns),
        states=tuple(State(*values) for values in states),
        families=families,
    )


def _codes(frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[np.ndarray[Any, Any], list[tuple[str, ...]]]:
    """A number for each row, and the values by number; numbers follow the first appearance."""
    grouped = frame.groupby(list(names), observed=True, sort=False, dropna=False)
    codes = grouped.ngroup().to_numpy()
    firsts = frame.loc[~frame.duplicated(list(names)), list(names)]
    values = [tuple("" if value != value else str(value) for value in row) for row in firsts.itertuples(index=False)]
    order = codes[(~frame.duplicated(list(names))).to_numpy()]
    found: list[tuple[str, ...]] = [()] * len(values)
    for code, row in zip(order, values, strict=True):
        found[int(code)] = row
    return codes, found


def _rows(members: list[Label], table: Mapping[str, tuple[int, ...]], shown: Sequence[int]) -> Iterator[Row]:
    """Rows of one family: those with a release that most people run come first, and name it first."""
    look = {entry.id: tuple(shown[code] for code in table[entry.id]) for entry in members}
    best = {(one.family, one.distro): one.rank for one in sorted(members, key=lambda one: one.rank, reverse=True)}
    by_distro = sorted(members, key=lambda one: (best[one.family, one.distro], one.order))
    rows = sorted(merged(by_distro, look), key=lambda row: min(one.rank for one in row[2]))
    for _, spans, alike in rows:
        parts = (Part(named, tuple(entry.id for entry in same), cells) for cells, named, same in merged(alike, table))
        yield Row(spans, tuple(entry.id for entry in alike), tuple(parts))


def merged(members: Sequence[Label], keys: Mapping[str, Key]) -> Iterator[tuple[Key, tuple[str, ...], list[Label]]]:
    """Guests with equal keys, in the order of the first: the key, their names as ranges of releases, and their labels.

    ``members`` are sorted by ``Label.order``; ``keys`` maps their ids to any hashable value.
    """
    found: dict[Key, tuple[list[str], list[Label]]] = {}
    for (_, key), run in groupby(members, key=lambda entry: (entry.distro, keys[entry.id])):
        releases = list(run)
        spans, alike = found.setdefault(key, ([], []))
        spans.append(span(releases))
        alike.extend(releases)
    for key, (spans, alike) in found.items():
        yield key, tuple(spans), alike
