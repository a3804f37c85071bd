"""A matrix in long form turned into the few rows that a person reads: ranges of releases, equal rows once."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from virtkit.draw.labels import FAMILIES, Label, known_labels, span

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["Family", "Grid", "Part", "Row", "State", "arrange", "merged"]

STATE = ("placement", "interface", "verdict", "reason", "condition", "evidence", "source")
SHOWN = ("interface", "verdict", "condition")  # two cells that agree in these look the same to a reader
KEY = ("kind", "machine", "model")
Key = TypeVar("Key", bound=Hashable)


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
class Part:
    """Guests whose cells agree in all that is known of them, grounds and sources included.

    ``spans`` are their names as ranges of releases, ``cells`` index Grid.states.
    """

    spans: tuple[str, ...]
    guests: tuple[str, ...]
    cells: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Guests whose cells say the same. ``parts`` tell them apart by what they rest on."""

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
    records. Consecutive releases of a distribution whose cells say the same (interface, verdict and condition) become a
    range; such rows of one family become one row that lists its ranges. Raises KeyError when a column is missing.
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

    looks: dict[tuple[str, ...], int] = {}
    shown = [-1] * (len(states) + 1)  # the last is for cells that were not asked, whose code is -1
    for code, values in enumerate(states):
        look = tuple(values[STATE.index(name)] for name in SHOWN)
        shown[code] = looks.setdefault(look, len(looks))
    ordered = sorted((known[ident] for ident in idents), key=lambda entry: entry.order)
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


def _rows(members: list[Label], table: Mapping[str, tuple[int, ...]], shown: Sequence[int]) -> Iterator[Row]:
    """Rows of one family, in the order of their first guest."""
    look = {entry.id: tuple(shown[code] for code in table[entry.id]) for entry in members}
    for _, spans, alike in merged(members, look):
        parts = (Part(named, tuple(entry.id for entry in same), cells) for cells, named, same in merged(alike, table))
        yield Row(spans, tuple(entry.id for entry in alike), tuple(parts))


def merged(members: Sequence[Label], keys: Mapping[str, Key]) -> Iterator[tuple[Key, tuple[str, ...], list[Label]]]:
    """Guests with equal keys, in the order of the first: the key, their names as ranges of releases, and themselves.

    ``members`` are in the order of ``Label.order``; ``keys`` maps their ids to anything that can be compared.
    """
    found: dict[Key, tuple[list[str], list[Label]]] = {}
    for (_, key), run in groupby(members, key=lambda entry: (entry.distro, keys[entry.id])):
        releases = list(run)
        spans, alike = found.setdefault(key, ([], []))
        spans.append(span(releases))
        alike.extend(releases)
    for key, (spans, alike) in found.items():
        yield key, tuple(spans), alike
