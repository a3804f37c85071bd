"""Overviews: the same bytes every time, a title on every part, numbers that are the counts."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from tests.draw.samples import HOSTILE
from tests.draw.test_matrix_page import LABELS, frame
from virtkit.draw.charts import bars, heatmap, shares


def test_heatmap_tells_shares() -> None:
    """A cell's title says for how many of the line's guests the combination works."""
    chart = heatmap(frame(), "Overview", LABELS)
    assert chart.svg() == heatmap(frame(), "Overview", LABELS).svg()
    assert "rhel, block virtio on q35: works for 3 of 14" in chart.svg()
    assert chart.png(50).startswith(b"\x89PNG")


def test_heatmap_counts_the_unknown_on_neither_side() -> None:
    """Where nobody knows of some guests the others are told; where nobody knows of any, the cell says so."""
    cells = frame()
    rhel = cells["guest"].astype("str").str.startswith("rhel")
    cells["verdict"] = cells["verdict"].astype("str")
    cells.loc[rhel & (cells["guest"].astype("str") < "rhel6.3"), "verdict"] = "unknown"
    drawn = heatmap(cells, "Overview", LABELS).svg()
    assert re.search(r"rhel, block virtio on q35: works for 3 of \d+; of \d+ more nobody knows", drawn)
    cells["verdict"] = "unknown"
    drawn = heatmap(cells, "Overview", LABELS).svg()
    assert "rhel, block virtio on q35: nobody knows" in drawn
    assert "works for" not in drawn.replace("works for none", "")


def test_shares_tell_per_cents() -> None:
    """Each cell has its share in words; a missing one is blank; hostile names stay text."""
    table = pd.DataFrame({"libvirt": [1.0, None], HOSTILE: [0.333, 0.0]}, index=["linux", "winnt"])
    drawn = shares("Works", table, note="a note").svg()
    assert "libvirt, linux: 100.0%" in drawn
    assert "libvirt, winnt" not in drawn
    assert "linux: 33.3%" in drawn
    assert "<script>" not in drawn


def test_bars_tell_counts() -> None:
    """A bar's title says the count; hostile names stay text."""
    drawn = bars("Free ports", ["web", HOSTILE], {"PCI Express": [3, 0], "conventional PCI": [30, 1]}).svg()
    assert "web: PCI Express 3" in drawn
    assert "<script>" not in drawn
    assert drawn == bars("Free ports", ["web", HOSTILE], {"PCI Express": [3, 0], "conventional PCI": [30, 1]}).svg()


def test_bars_need_one_count_a_name() -> None:
    """A series with a count too few is refused."""
    with pytest.raises(ValueError, match="1 counts for 2 names"):
        bars("x", ["a", "b"], {"s": [1]})
