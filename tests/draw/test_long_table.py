"""Long tables: the first rows are HTML, the others are text that a script of the page filters."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from tests.browser import PROGRAM, Page
from virtkit.draw.long_table import long_table
from virtkit.draw.page import document

HOSTILE = "</template><script>alert(1)</script>"


def frame(rows: int) -> pd.DataFrame:
    """A table of that many rows, the last with a hostile name."""
    names = [f"vm-{number:05}" for number in range(rows - 1)] + [HOSTILE]
    verdicts = ["fails" if number % 10 == 0 else "works" for number in range(rows)]
    return pd.DataFrame({"file": names, "verdict": verdicts, "added": range(rows)})


def carried(text: str) -> list[list[str]]:
    """The rows that the page carries, decoded."""
    found = re.search('<template class="data">(.*?)</template>', text, re.S)
    assert found
    data = json.loads(unescape(found[1]))
    columns = [[cells[code][0] for code in codes] for cells, codes in zip(data["cells"], data["rows"], strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def test_a_short_table_has_no_filter() -> None:
    """A table of a hundred rows is shown whole, without a script's data."""
    text = long_table(frame(100), "domains").text
    assert text.count("<tr>") == 101
    assert "<template" not in text


def test_all_rows_are_carried_and_a_hundred_shown() -> None:
    """Of a thousand rows a hundred are HTML, all are carried, and a hostile name adds no markup."""
    text = long_table(frame(1000), "domains").text
    assert text.count("<tr>") == 101
    rows = carried(text)
    assert len(rows) == 1000
    assert rows[10] == ["vm-00010", "✗ fails", "10"]
    assert rows[-1][0] == HOSTILE
    assert "<script" not in text
    assert "all 1,000 rows: domains.parquet and domains.csv" in text


def test_what_a_page_carries_is_bounded() -> None:
    """A table larger than the bound is carried in part, and a sentence says how many rows the filter covers."""
    text = long_table(frame(5000), "domains", most=20_000).text
    rows = carried(text)
    assert 400 < len(rows) < 2000
    assert len(text) < 40_000
    assert f"the filter covers the first {len(rows):,} rows" in text


@pytest.mark.browser
@pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")
def test_filter_and_more(page: Page, tmp_path: Path) -> None:
    """The filter finds rows that are not shown, all words must match, and a button shows a hundred more."""
    file = tmp_path / "table.html"
    body = f"<main>{long_table(frame(1000), 'domains').text}</main>"
    file.write_text(document("table", body, styles=["notebook.css"], scripts=["table.js"]))
    page.open(file)
    rows = "document.querySelectorAll('tbody tr').length"
    assert page.run(rows) == 100
    page.run("document.querySelector('.more').click()")
    assert page.run(rows) == 200
    ask = "var box = document.querySelector('input'); box.value = %s; box.dispatchEvent(new Event('input'));"
    page.run(ask % "'vm-0098 FAILS'")
    assert page.run("document.querySelector('tbody').textContent") == "vm-00980✗ fails980"
    assert page.run("document.querySelector('output').textContent") == "1 of 1000 rows"
    page.run(ask % "'alert'")
    assert page.run(rows) == 1
    assert HOSTILE in page.run("document.querySelector('tbody').textContent")
    page.run(ask % "'nothing has this'")
    assert page.run(rows) == 0
    page.run(ask % "''")
    assert page.run(rows) == 100
    assert page.dialogs == []
    assert page.console == []
