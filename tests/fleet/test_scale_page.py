"""The queries of docs/scale.md give the results that the page shows."""

from __future__ import annotations

import re
from contextlib import chdir
from pathlib import Path

import duckdb
import pytest

from tests.fleet.weeks import write_weeks
from virtkit.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
#: A query and the table below it, which may be missing.
QUERY = re.compile(r"```sql\n(.*?)```\n(?:\n((?:\|[^\n]*\n)+))?", re.S)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the datasets that the page names."""
    folder = tmp_path_factory.mktemp("scale")
    inputs = folder / "srv"
    inputs.mkdir()
    write_weeks(inputs)
    with chdir(folder):
        audit = ["--quiet", "audit", "--jobs", "1"]
        assert main([*audit, "srv/week-1", "-o", "week-1", "--policy", "recommended"]) == 1
        assert main([*audit, "srv/week-2", "-o", "week-2", "--policy", "recommended", "--since", "week-1"]) == 1
        assert main([*audit, "srv/week-2", "-o", "nova", "--policy", "nova"]) == 1
    return folder


def shown(query: str) -> str:
    """The result of a query as a table of the page."""
    found = duckdb.execute(query)
    rows = [tuple(column[0] for column in found.description or ()), *found.fetchall()]
    lines = [f"| {' | '.join('' if cell is None else str(cell) for cell in row)} |\n" for row in rows]
    return "".join([lines[0], f"|{'---|' * len(rows[0])}\n", *lines[1:]])


def test_queries_give_the_results_on_the_page(audited: Path, request: pytest.FixtureRequest) -> None:
    """Each query runs in DuckDB on datasets of the seeded fleet, and its result is the table below it."""
    text = PAGE.read_text(encoding="utf-8")
    with chdir(audited):
        results = [shown(query) for query, _ in QUERY.findall(text)]
    if request.config.getoption("--regenerate"):
        wanted = iter(results)
        PAGE.write_text(QUERY.sub(lambda found: f"```sql\n{found[1]}```\n\n{next(wanted)}", text), encoding="utf-8")
        return
    assert len(results) == 5
    assert [table for _, table in QUERY.findall(text)] == results
    assert all(table.count("\n") > 2 for table in results)


def test_a_dataset_with_since_equals_one_without(audited: Path) -> None:
    """The domains of the second week are the same, whether unchanged inputs were taken over or examined again."""
    with chdir(audited):
        columns = "source, name, uuid, digest, guest, machine, verdict, failing, free_express"
        query = f"SELECT {columns} FROM '%s/domains/*.parquet' ORDER BY source"  # noqa: S608
        assert duckdb.execute(query % "week-2").fetchall() == duckdb.execute(query % "nova").fetchall()
