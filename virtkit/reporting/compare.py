"""The differences between two runs in sentences: verdicts that flipped, topologies that changed, other rows."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from virtkit.reporting.notebook import ANSWER_FILE, read_answer
from virtkit.wording import counted

__all__ = ["TOPOLOGY", "by_table", "differences", "sentences"]

#: The table of a notebook with a row for each device of each domain: its address, driver and interface.
TOPOLOGY = "topology.csv"

_SHOWN = 20  # sentences for each table
_MOVES = 4  # devices in the sentence of a domain
_CELL = {"guest", "kind", "machine", "model", "verdict"}
_KEYS = (("file", "device"), ("file",))  # the key columns of other tables with verdicts

Row = dict[str, str]


def differences(before: Path, after: Path, names: Iterable[str] | None = None) -> list[str]:
    """Sentences on the differences between the CSV tables of two runs' folders.

    A matrix gives the cells whose verdict flipped (``virtkit.draw.changes``), the table ``topology.csv`` the domains
    whose topology changed, another table with verdicts of files the verdicts that changed, and any other table the
    number of rows. ``names`` are the notebooks to compare (None: all); one that the earlier run lacks is reported as
    new.
    """
    return sentences(by_table(before, after, names))


def by_table(before: Path, after: Path, names: Iterable[str] | None = None) -> dict[str, dict[str, list[str]] | None]:
    """The sentences of ``differences``, keyed by notebook and file; None for a notebook that the earlier run lacks.

    When the answer of the notebook changed, the previous answer comes first. Tables of which only the number of rows is
    given come last.
    """
    chosen = sorted(path.name for path in after.iterdir() if path.is_dir()) if names is None else names
    return {name: _notebook(before / name, after / name) if (before / name).is_dir() else None for name in chosen}


def sentences(found: Mapping[str, Mapping[str, Iterable[str]] | None]) -> list[str]:
    """The result of ``by_table`` as a list; each sentence begins with the name of its notebook."""
    listed: list[str] = []
    for name, files in found.items():
        if files is None:
            listed.append(f"{name}: new notebook")
        else:
            listed += (f"{name}: {text}" for texts in files.values() for text in texts)
    return listed


def _notebook(before: Path, after: Path) -> dict[str, list[str]]:
    old = {file.name: file for file in before.glob("*.csv")}
    new = {file.name: file for file in after.glob("*.csv")}
    found: dict[str, list[str]] = {}
    numbers: dict[str, list[str]] = {}
    if (previous := read_answer(before)) and previous != read_answer(after):
        found[ANSWER_FILE] = [f"previous answer: {previous}"]
    for file in sorted(old.keys() | new.keys()):
        if file not in old:
            found[file] = [f"new table {file}"]
        elif file not in new:
            found[file] = [f"table {file} was removed"]
        elif (one := old[file].read_bytes()) != (other := new[file].read_bytes()):
            if changes := _changes(file, one.decode(), other.decode()):
                found[file] = list(_first(file, changes))
            else:
                numbers[file] = [_rows_that_differ(file, one.decode(), other.decode())]
    return found | numbers


def _first(file: str, changes: Sequence[str]) -> Iterator[str]:
    yield from changes[:_SHOWN]
    if len(changes) > _SHOWN:
        yield f"{counted(len(changes) - _SHOWN, 'more change')} in {file}"


def _changes(file: str, before: str, after: str) -> list[str]:
    """The changes in a matrix, a topology or a table of verdicts; empty for other tables and equal verdicts."""
    old, new = _rows(before), _rows(after)
    head = set(new[0]) if new else set()
    if old and set(old[0]) == head:
        if head >= _CELL:
            return _flips(old, new)
        if file == TOPOLOGY:
            return list(_topologies(old, new))
        key = next((key for key in _KEYS if head >= {*key, "verdict"}), ())
        return list(_verdicts(old, new, key)) if key else []
    return []


def _rows_that_differ(file: str, before: str, after: str) -> str:
    one, other = Counter(before.splitlines()[1:]), Counter(after.splitlines()[1:])
    gone, new = (one - other).total(), (other - one).total()
    return f"{file}: {counted(gone, 'row')} removed or changed, {counted(new, 'row')} added or changed"


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
            yield f"{file}: domain removed"
        elif moves := list(_moves(old[file], new[file])):
            more = f"; {counted(len(moves) - _MOVES, 'more device')}" if len(moves) > _MOVES else ""
            yield f"{file}: topology changed: {'; '.join(moves[:_MOVES])}{more}"


def _by_domain(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["file"], {})[row["device"]] = row
    return found


def _moves(old: Mapping[str, Row], new: Mapping[str, Row]) -> Iterator[str]:
    for device in [*new, *(device for device in old if device not in new)]:
        one, other = old.get(device), new.get(device)
        if one is None:
            yield f"{device} was added"
        elif other is None:
            yield f"{device} was removed"
        elif one["address"] != other["address"]:
            yield f"{device} moved from {one['address'] or 'no address'} to {other['address'] or 'no address'}"
        elif (one["driver"], one["interface"]) != (other["driver"], other["interface"]):
            was, now = (f"{row['driver']} {row['interface']}".strip() for row in (one, other))
            yield f"{device} changed from {was} to {now}"
