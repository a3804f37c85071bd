"""Charts: equal charts give equal bytes, every part has a title, and the numbers are right."""

from __future__ import annotations

import re

import pandas as pd
import pytest

import virtkit as vk
from tests.draw.geometry import texts
from tests.draw.samples import HOSTILE
from tests.draw.test_matrix_page import LABELS, frame
from virtkit.draw.charts import _per_cent, _step, bars, headroom, heatmap, shares
from virtkit.draw.labels import kin
from virtkit.notebook.guests import guest_labels

# Each draws with matplotlib, which takes a second to import.
pytestmark = pytest.mark.slow


def test_heatmap_states_shares() -> None:
    """The title of a cell says for how many guests of its row the combination works."""
    chart = heatmap(frame(), "Overview", LABELS)
    assert chart.svg() == heatmap(frame(), "Overview", LABELS).svg()
    assert "Red Hat Enterprise Linux, block virtio on q35: works for 3 of 14" in chart.svg()
    assert chart.png(50).startswith(b"\x89PNG")


def test_heatmap_counts_the_unknown_on_neither_side() -> None:
    """Guests with an unknown verdict are left out of the share and counted; a cell where all are unknown says so."""
    cells = frame()
    rhel = cells["guest"].astype("str").str.startswith("rhel")
    cells["verdict"] = cells["verdict"].astype("str")
    cells.loc[rhel & (cells["guest"].astype("str") < "rhel6.3"), "verdict"] = "unknown"
    drawn = heatmap(cells, "Overview", LABELS).svg()
    assert re.search(
        r"Red Hat Enterprise Linux, block virtio on q35: works for 3 of \d+; unknown for \d+ more", drawn
    )
    cells["verdict"] = "unknown"
    drawn = heatmap(cells, "Overview", LABELS).svg()
    assert "Red Hat Enterprise Linux, block virtio on q35: unknown" in drawn
    assert "works for" not in drawn.replace("works for none", "")


def test_shares_tell_per_cents() -> None:
    """Each cell has its percentage as text, a missing share is blank, and markup in names stays text."""
    table = pd.DataFrame({"libvirt": [1.0, None], HOSTILE: [0.333, 0.0]}, index=["linux", "winnt"])
    drawn = shares("Works", table, note="a note").svg()
    assert "libvirt, Linux: 100.0%" in drawn
    assert "libvirt, Windows" not in drawn
    assert "Linux: 33.3%" in drawn
    assert "<script>" not in drawn


def test_only_all_is_all() -> None:
    """A share just below 1 is neither "100%" nor as dark; one just above 0 is neither "0%" nor as light."""
    assert [_per_cent(share) for share in (0.0, 0.001, 0.5, 0.999, 1.0)] == ["0%", "<1%", "50%", ">99%", "100%"]
    assert [_step(share) for share in (0.0, 0.001, 0.999, 1.0)] == [0, 1, 5, 6]


def test_lines_have_names_for_people() -> None:
    """A row is named by the words that its guests' names share, or else by their commonest name."""
    known = guest_labels(["rhel5.0", "rhel6.10", "win10", "win2k8r2", "archlinux", "altlinux2.0", "altlinux1.0"])
    groups = (("rhel5.0", "rhel6.10"), ("win10", "win2k8r2"), ("archlinux",))
    assert [kin(known[ident] for ident in group) for group in groups] == [
        "Red Hat Enterprise Linux",
        "Microsoft Windows",
        "Arch Linux",
    ]
    cells = vk.matrix("family=linux", "pc", "virtio", "net")
    drawn = heatmap(cells, "Overview", guest_labels(cells["guest"].unique())).svg()
    assert "ALT Linux, net virtio on pc" in drawn


def test_headroom_puts_the_fullest_first_and_distinguishes_none_from_no_slot() -> None:
    """Domains without a free slot come first, a kind of slot that is lacking has no bar, and a rest is counted."""
    rows = [
        ("roomy", "conventional PCI", 26),
        ("full", "PCI Express", 0),
        ("full", "usb", 4),
        ("one", "PCI Express", 1),
    ]
    drawn = headroom("Free", pd.DataFrame(rows, columns=["name", "kind", "free"]))
    titles = re.findall(r"<title>([^<]*)", drawn.svg())
    assert titles == [
        "Free",
        "full: 0 free PCI Express slots",
        "full: 4 free usb slots",
        "one: 1 free PCI Express slot",
        "roomy: 26 free conventional PCI slots",
    ]
    words = [text.get_text() for text, _ in texts(drawn.figure)]
    assert words.index("full") < words.index("one") < words.index("roomy")
    assert "✗ none" in words
    few = headroom("Free", pd.DataFrame(rows, columns=["name", "kind", "free"]), limit=1)
    assert "and 2 more in the tables" in [text.get_text() for text, _ in texts(few.figure)]


def test_bars_tell_counts() -> None:
    """The title of a bar says the count, and markup in names stays text."""
    drawn = bars("Free ports", ["web", HOSTILE], {"PCI Express": [3, 0], "conventional PCI": [30, 1]}).svg()
    assert "web: PCI Express 3" in drawn
    assert "<script>" not in drawn
    assert drawn == bars("Free ports", ["web", HOSTILE], {"PCI Express": [3, 0], "conventional PCI": [30, 1]}).svg()


def test_bars_need_one_count_a_name() -> None:
    """A series with too few counts raises ValueError."""
    with pytest.raises(ValueError, match="expected 2 counts, one for each name, got 1"):
        bars("x", ["a", "b"], {"s": [1]})
