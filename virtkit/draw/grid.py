"""A matrix in long form turned into the few rows that a person reads: ranges of releases, equal rows once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from virtkit.draw.labels import FAMILIES, Label, known_labels, span

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["Family", "Grid", "Row", "State", "arrange"]

STATE = ("placement", "interface", "verdict", "reason", "condition", "evidence", "source")
KEY = ("kind", "machine", "model")


@dataclass(frozen=True, slots=True)
class State:
    """What a cell says and why."""

    placement: str
    interface: str
    verdict: str
    reason: str
    condition: str
    evidence: str
    source: str


@dataclass(frozen=True, slots=True)
class Row:
    """Guests with equal cells. ``spans`` are their names as ranges of releases, ``cells`` index Grid.states."""

    spans: tuple[str, ...]
    guests: tuple[str, ...]
    cells: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """A group of rows under one heading."""

    title: str
    rows: tuple[Row, ...]

    @property
    def guests(self) -> int:
        """How many guests the rows stand for."""
        return sum(len(row.guests) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Grid:
    """A readable matrix. ``columns`` are (kind, machine, model); a cell of -1 was not asked."""

    columns: tuple[tuple[str, str, str], ...]
    states: tuple[State, ...]
    families: tuple[Family, ...]


def arrange(frame: pd.DataFrame, labels: Mapping[str, Label] | None = None) -> Grid:
    """Group, merge and collapse a matrix.

    ``frame`` has the columns of ``virtkit.matrix``: guest, kind, machine, model, placement, interface, verdict,
    reason, condition, evidence, source (text). ``labels`` maps guest ids to their names; None reads the shipped
    records. Consecutive releases of a distribution with equal cells become a range; equal rows of one family become one
    row that lists its ranges. Raises KeyError when a column is missing.
    """
    import numpy as np

    idents = [str(ident) for ident in frame["guest"].drop_duplicates()]
    known = known_labels(idents) if labels is None else labels
    places = {ident: place for place, ident in enumerate(idents)}
    rows = frame["guest"].astype(str).map(places).to_numpy()

    column_codes, columns = _codes(frame, KEY)
    state_codes, states = _codes(frame, STATE)
    cells = np.full((len(idents), len(columns)), -1, dtype=np.int64)
    cells[rows, column_codes] = state_codes

    ordered = sorted((known[ident] for ident in idents), key=lambda entry: entry.order)
    table = {ident: tuple(int(code) for code in cells[place]) for ident, place in places.items()}
    families = tuple(
        Family(FAMILIES.get(name) or name or "Others", tuple(_rows(list(members), table)))
        for name, members in groupby(ordered, key=lambda entry: entry.family)
    )
    return Grid(
        columns=tuple((kind, machine, model) for kind, machine, model in columns),
        states=tuple(State(*values) for values in states),
        families=families,
    )


def _codes(frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[np.ndarray[Any, Any], list[tuple[str, ...]]]:
    """A number for each row and, by number, the values: numbered by first appearance."""
    grouped = frame.groupby(list(names), observed=True, sort=False, dropna=False)
    codes = grouped.ngroup().to_numpy()
    firsts = frame.loc[~frame.duplicated(list(names)), list(names)]
    values = [tuple("" if value != value else str(value) for value in row) for row in firsts.itertuples(index=False)]
    order = codes[(~frame.duplicated(list(names))).to_numpy()]
    found: list[tuple[str, ...]] = [()] * len(values)
    for code, row in zip(order, values, strict=True):
        found[int(code)] = row
    return codes, found


def _rows(members: list[Label], table: Mapping[str, tuple[int, ...]]) -> Iterator[Row]:
    """Rows of one family, in the order of their first guest."""
    merged: dict[tuple[int, ...], tuple[list[str], list[str]]] = {}
    for (_, cells), run in groupby(members, key=lambda entry: (entry.distro, table[entry.id])):
        releases = list(run)
        spans, guests = merged.setdefault(cells, ([], []))
        spans.append(span(releases))
        guests.extend(entry.id for entry in releases)
    for cells, (spans, guests) in merged.items():
        yield Row(tuple(spans), tuple(guests), cells)
