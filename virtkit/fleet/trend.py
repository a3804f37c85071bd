"""The verdicts on the domains of a fleet over earlier runs: those of reports, and datasets of ``virtkit audit``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from virtkit.errors import InputError, UsageError
from virtkit.fleet.surveyed import ORDER

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.fleet.survey import Survey

__all__ = ["THIS_RUN", "trend"]

THIS_RUN = "this run"

#: Where a run has its table of domains, in the order of preference.
_PLACES = ("07-fleet/domains.parquet", "02-bus-topology/domains.parquet", "domains/*.parquet", "domains.parquet")


def trend(history: str, found: Survey) -> pd.DataFrame:
    """One row for each earlier run in the order of their names, and one for this run: run, domains, and the number of
    domains with each verdict (all int). A domain that could not be read has no verdict and is not counted.

    ``history`` is a folder of reports or a folder of datasets of ``virtkit audit -o DIR``; "" for none. Entries of the
    folder without a table of domains are left out. Raises UsageError for a folder that is missing, InputError for a
    table that cannot be read.
    """
    import pandas as pd

    rows = [_row(run, counts) for run, counts in _earlier(history)] if history else []
    now: Counter[str] = Counter()
    for shape in found.shapes():
        now[shape.first.verdict] += len(shape.items)
    rows.append(_row(THIS_RUN, now))
    return pd.DataFrame(rows, columns=["run", "domains", *ORDER])


def _row(run: str, counts: Counter[str]) -> dict[str, Any]:
    verdicts = {verdict: counts[verdict] for verdict in ORDER}
    return {"run": run, "domains": sum(verdicts.values()), **verdicts}


def _earlier(history: str) -> Iterator[tuple[str, Counter[str]]]:
    """The name of each earlier run, and its domains by verdict."""
    folder = Path(history)
    if not folder.is_dir():
        raise UsageError(f"history = {history!r}: expected a folder of reports or of datasets of virtkit audit")
    for run in sorted(one for one in folder.iterdir() if one.is_dir() and not one.is_symlink()):
        if run.name.startswith("."):
            continue
        files = next((files for place in _PLACES if (files := sorted(run.glob(place)))), [])
        if files:
            yield run.name, sum((_counts(file) for file in files), Counter())


def _counts(file: Path) -> Counter[str]:
    """The domains of a table by verdict."""
    from pyarrow import ArrowException, parquet

    try:
        column = parquet.read_table(file, columns=["verdict"]).column("verdict")
    except (OSError, ArrowException, KeyError) as problem:
        reason = str(problem).partition("\n")[0]
        raise InputError(f"expected a table with the column verdict: {reason}", str(file)) from None
    return Counter({str(one["values"]): int(one["counts"]) for one in column.value_counts().to_pylist()})
