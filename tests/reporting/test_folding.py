"""Tables in which rows that say the same share a row."""

from __future__ import annotations

import pandas as pd

from virtkit.reporting.folding import folded


def test_rows_that_differ_in_one_column_share_a_row() -> None:
    """The values of the column are joined, and the rows counted; every other column keeps its value."""
    frame = pd.DataFrame([("a", "x", "m"), ("b", "x", "m"), ("b", "y", "m")], columns=["file", "kind", "limit"])
    assert folded(frame, "file", count="domains").to_numpy().tolist() == [[2, "a, b", "x", "m"], [1, "b", "y", "m"]]
    assert list(folded(frame[:0], "file", count="domains").columns) == ["domains", "file", "kind", "limit"]


def test_no_combination_is_claimed_that_no_row_has() -> None:
    """Two columns fold only where every combination of their values has a row."""
    all_four = pd.DataFrame([(a, b) for a in "12" for b in "xy"], columns=["one", "two"])
    assert folded(all_four, "one", "two").to_numpy().tolist() == [["1, 2", "x, y"]]
    assert folded(all_four[:3], "one", "two").to_numpy().tolist() == [["1, 2", "x"], ["1", "y"]]


def test_many_values_are_counted() -> None:
    """Of many values the first few are named."""
    frame = pd.DataFrame({"file": [f"f{number}" for number in range(1000)]})
    assert folded(frame.assign(limit="m"), "file")["file"].tolist() == ["f0, f1, f2, f3, f4, f5 and 994 more"]
