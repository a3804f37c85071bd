"""What differs between two runs: rows of their tables, cells of their matrices, told in a few sentences."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

__all__ = ["differences"]

_SHOWN = 8


def differences(before: Path, after: Path) -> list[str]:
    """Sentences on the CSV tables of two runs' folders: tables that are new or gone, and rows that differ.

    A table with guest and verdict columns is told as cells that flipped, as ``virtkit.draw.changes`` tells them.
    """
    old = {str(file.relative_to(before)): file for file in sorted(before.rglob("*.csv"))}
    new = {str(file.relative_to(after)): file for file in sorted(after.rglob("*.csv"))}
    found = [f"{name}: new table" for name in new if name not in old]
    found += [f"{name}: no longer there" for name in old if name not in new]
    for name in sorted(old.keys() & new.keys()):
        found += _table(name, old[name], new[name])
    return found


def _table(name: str, before: Path, after: Path) -> list[str]:
    old, new = before.read_text(encoding="utf-8"), after.read_text(encoding="utf-8")
    if old == new:
        return []
    head = new.partition("\n")[0].split(",")
    if old.partition("\n")[0].split(",") == head and {"guest", "kind", "machine", "model", "verdict"} <= set(head):
        import pandas as pd

        from virtkit.draw.changes import flips

        changed = flips(pd.read_csv(before, dtype="str"), pd.read_csv(after, dtype="str"))
        if changed:
            more = [f"{name}: and {len(changed) - _SHOWN} more changes"] if len(changed) > _SHOWN else []
            return [f"{name}: {flip.text}" for flip in changed[:_SHOWN]] + more
    rows, others = Counter(old.splitlines()[1:]), Counter(new.splitlines()[1:])
    return [f"{name}: {(rows - others).total()} rows gone or changed, {(others - rows).total()} rows new or changed"]
