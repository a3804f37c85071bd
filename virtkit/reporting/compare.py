"""What differs between two runs: cells that flipped, domains whose topology changed, other rows; in a few sentences."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from virtkit.reporting.notebook import ANSWER, answered

__all__ = ["TOPOLOGY", "by_table", "differences", "sentences"]

#: The table of a notebook that holds one row for each device of each domain: its place and what it shows.
TOPOLOGY = "topology.csv"

_SHOWN = 20
_CELL = {"guest", "kind", "machine", "model", "verdict"}
_JUDGED = (("file", "device"), ("file",))  # keys of other tables that hold verdicts

Row = dict[str, str]


def differences(before: Path, after: Path, names: Iterable[str] | None = None) -> list[str]:
    """Sentences on the CSV tables of two runs' folders: tables that are new or gone, and rows that differ.

    A matrix is told as cells that flipped, as ``virtkit.draw.changes`` tells them; the table ``topology.csv`` as
    domains whose topology changed; another table with verdicts by file as verdicts that changed. ``names`` are the
    notebooks to compare (all where None); one that the earlier run did not have is said to be new.
    """
    return sentences(by_table(before, after, names))


def by_table(before: Path, after: Path, names: Iterable[str] | None = None) -> dict[str, dict[str, list[str]] | None]:
    """The sentences of ``differences`` by notebook and file; None for a notebook that the earlier run did not have.

    Those of tables that are only counted come last. What a notebook found before stands first where that is another
    now.
    """
    chosen = sorted(path.name for path in after.iterdir() if path.is_dir()) if names is None else names
    return {name: _notebook(before / name, after / name) if (before / name).is_dir() else None for name in chosen}


def sentences(found: Mapping[str, Mapping[str, Iterable[str]] | None]) -> list[str]:
    """What ``by_table`` found as a list, each sentence with the name of its notebook."""
    told: list[str] = []
    for name, files in found.items():
        if files is None:
            told.append(f"{name}: new notebook")
        else:
            told += (f"{name}: {text}" for texts in files.values() for text in texts)
    return told


def _notebook(before: Path, after: Path) -> dict[str, list[str]]:
    old = {file.name: file for file in before.glob("*.csv")}
    new = {file.name: file for file in after.glob("*.csv")}
    found: dict[str, list[str]] = {}
    counted: dict[str, list[str]] = {}
    if (was := answered(before)) and was != answered(after):
        found[ANSWER] = [f"it said before: {was}"]
    for file in sorted(old.keys() | new.keys()):
        if file not in old:
            found[file] = [f"new table {file}"]
        elif file not in new:
            found[file] = [f"table {file} is no longer there"]
        elif (one := old[file].read_bytes()) != (other := new[file].read_bytes()):
            told = _table(file, one.decode(), other.decode())
            if told:
                found[file] = list(_few(file, told))
            else:
                counted[file] = [_rows_that_differ(file, one.decode(), other.decode())]
    return found | counted


def _few(file: str, told: Sequence[str]) -> Iterator[str]:
    yield from told[:_SHOWN]
    if len(told) > _SHOWN:
        yield f"and {len(told) - _SHOWN} more changes in {file}"


def _table(file: str, before: str, after: str) -> list[str]:
    """What the rows of a table say, where it is one of those whose rows are understood."""
    old, new = _rows(before), _rows(after)
    head = set(new[0]) if new else set()
    if old and set(old[0]) == head:
        if head >= _CELL:
            told = _flips(old, new)
        elif file == TOPOLOGY:
            told = list(_topologies(old, new))
        else:
            key = next((key for key in _JUDGED if head >= {*key, "verdict"}), ())
            told = list(_verdicts(old, new, key)) if key else []
        return told
    return []


def _rows_that_differ(file: str, before: str, after: str) -> str:
    one, other = Counter(before.splitlines()[1:]), Counter(after.splitlines()[1:])
    gone, new = (one - other).total(), (other - one).total()
    return f"{file}: {_count(gone)} gone or changed, {_count(new)} new or changed"


def _count(rows: int) -> str:
    return f"{rows} row" if rows == 1 else f"{rows} rows"


def _rows(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _flips(before: Sequence[Row], after: Sequence[Row]) -> list[str]:
    import pandas as pd

    from virtkit.draw.changes import flips

    return [flip.text for flip in flips(pd.DataFrame(before), pd.DataFrame(after))]


def _verdicts(before: Sequence[Row], after: Sequence[Row], key: tuple[str, ...]) -> Iterator[str]:
    old = {tuple(row[part] for part in key): row["verdict"] for row in before}
    new = {tuple(row[part] for part in key): row["verdict"] for row in after}
    for ident in sorted(old.keys() & new.keys()):
        if old[ident] != new[ident]:
            yield f"{', '.join(ident)}: {old[ident]} became {new[ident]}"


def _topologies(before: Sequence[Row], after: Sequence[Row]) -> Iterator[str]:
    old, new = _by_domain(before), _by_domain(after)
    for file in sorted(old.keys() | new.keys()):
        if file not in old:
            yield f"{file}: new domain"
        elif file not in new:
            yield f"{file}: no longer there"
        elif told := list(_moves(old[file], new[file])):
            more = f"; and {len(told) - 4} more" if len(told) > 4 else ""
            yield f"{file}: topology changed: {'; '.join(told[:4])}{more}"


def _by_domain(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["file"], {})[row["device"]] = row
    return found


def _moves(old: Mapping[str, Row], new: Mapping[str, Row]) -> Iterator[str]:
    for device in [*new, *(device for device in old if device not in new)]:
        one, other = old.get(device), new.get(device)
        if one is None:
            yield f"{device} is new"
        elif other is None:
            yield f"{device} is gone"
        elif one["address"] != other["address"]:
            yield f"{device} moved from {one['address'] or 'no address'} to {other['address'] or 'no address'}"
        elif (one["driver"], one["interface"]) != (other["driver"], other["interface"]):
            was, now = (f"{row['driver']} {row['interface']}".strip() for row in (one, other))
            yield f"{device} was {was} and is {now}"
