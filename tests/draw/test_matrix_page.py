"""The matrix page: equal guests share rows, no cell is lost, and markup in names stays text."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import astuple
from typing import Any

import pandas as pd
import pytest
from lxml import html

from tests.draw.samples import HOSTILE
from virtkit.draw.changes import flips
from virtkit.draw.grid import arrange
from virtkit.draw.labels import Label, label, span
from virtkit.draw.matrix import html_fragment, html_page

COLUMNS = [
    "guest",
    "kind",
    "machine",
    "model",
    "placement",
    "interface",
    "verdict",
    "reason",
    "condition",
    "evidence",
    "source",
]
LABELS = {
    entry.id: entry
    for entry in (
        *(Label(f"rhel6.{n}", f"Red Hat Enterprise Linux 6.{n}", "linux", "rhel", f"6.{n}") for n in range(11)),
        *(Label(f"rhel7.{n}", f"Red Hat Enterprise Linux 7.{n}", "linux", "rhel", f"7.{n}") for n in range(3)),
        Label("centos6.10", "CentOS 6.10", "linux", "centos", "6.10"),
        Label("win10", "Microsoft Windows 10", "winnt", "win", "10.0"),
    )
}


def frame(guests: Iterable[str] = LABELS, machines: Iterable[str] = ("pc", "q35")) -> pd.DataFrame:
    """A small matrix: old guests fail on q35 with plain virtio, Windows works once drivers are added."""
    rows = []
    for guest in guests:
        for machine in machines:
            for model in ("virtio", "virtio-transitional"):
                interface = "modern" if (machine, model) == ("q35", "virtio") else "transitional"
                verdict, reason, condition = "works", f"has a driver for the {interface} interface", ""
                if guest.startswith("win"):
                    verdict, reason, condition = "works-with-condition", "no driver in the box", "virtio-win is added"
                elif "6." in guest and interface == "modern":
                    verdict, reason = "fails", "has only the legacy driver"
                rows.append(
                    (guest, "block", machine, model, "root", interface, verdict, reason, condition, "db", "osinfo-db")
                )
    return pd.DataFrame(rows, columns=COLUMNS).astype("category")


def parsed(page: str) -> Any:
    """The page as a tree."""
    return html.fromstring(page)


def test_releases_with_equal_cells_become_a_range() -> None:
    """RHEL 6.0 to 6.10 is one row, in release order, and CentOS 6.10 with equal cells joins it."""
    grid = arrange(frame(), LABELS)
    assert [(family.title, [row.spans for row in family.rows]) for family in grid.families] == [
        (
            "Linux",
            [
                ("Red Hat Enterprise Linux 7.0 to 7.2",),
                ("Red Hat Enterprise Linux 6.0 to 6.10", "CentOS 6.10"),
            ],
        ),
        ("Windows NT and later", [("Microsoft Windows 10",)]),
    ]
    assert grid.families[0].rows[1].guests[-2:] == ("rhel6.10", "centos6.10")
    assert grid.families[0].guests == 15


def test_every_cell_keeps_what_it_says() -> None:
    """No cell is lost or changed by grouping: each guest's cells can be read back."""
    given = frame()
    grid = arrange(given, LABELS)
    read = {
        (guest, *column): astuple(grid.states[code])
        for family in grid.families
        for row in family.rows
        for part in row.parts
        for guest in part.guests
        for column, code in zip(grid.columns, part.cells, strict=True)
    }
    expected = {tuple(row[:4]): tuple(row[4:]) for row in given.itertuples(index=False)}
    assert read == expected


@pytest.mark.slow
def test_rows_that_say_the_same_are_one() -> None:
    """Guests with the same verdicts and interfaces share a row; their different reasons are kept."""
    given = frame(["rhel7.0", "rhel7.1", "centos6.10"], ["pc"]).astype("str")
    given.loc[given.guest == "rhel7.1", ["evidence", "source"]] = "override", "release notes of 7.1"
    family = arrange(given, LABELS).families[0]
    assert [row.spans for row in family.rows] == [("Red Hat Enterprise Linux 7.0 to 7.1", "CentOS 6.10")]
    assert [part.guests for part in family.rows[0].parts] == [("rhel7.0", "centos6.10"), ("rhel7.1",)]
    root = parsed(html_page(given, "x", labels=LABELS))
    reason = root.get_element_by_id(root.xpath("//td/a")[0].get("href")[1:])
    assert [item.text_content().strip() for item in reason.iter("li")][1:] == [
        "Red Hat Enterprise Linux 7.0, CentOS 6.10: db: osinfo-db",
        "Red Hat Enterprise Linux 7.1: override: release notes of 7.1",
    ]


def test_missing_cells_stay_blank() -> None:
    """A missing combination is blank, not unknown."""
    partial = frame(["rhel6.10", "win10"]).iloc[:-1]
    assert arrange(partial, LABELS).families[1].rows[0].parts[0].cells[-1] == -1
    assert "<td></tbody>" in html_fragment(partial, labels=LABELS).replace("\n", "")


def test_page_is_the_golden_one(golden: Callable[[str, str], None]) -> None:
    """The page of the small matrix equals the golden file."""
    page = html_page(frame(), "Small matrix", labels=LABELS, footnotes=["Strict rule."], csv="matrix.csv")
    golden("draw/matrix.html", page.partition("<body>")[2].partition("<script>")[0])
    assert page == html_page(frame(), "Small matrix", labels=LABELS, footnotes=["Strict rule."], csv="matrix.csv")


def test_colour_never_stands_alone() -> None:
    """Every cell has a word beside its colour and glyph, and leads to its reason."""
    root = parsed(html_page(frame(), "Small matrix", labels=LABELS))
    reasons = {element.get("id") for element in root.iter("li")}
    cells = root.xpath("//td/a")
    assert {cell.text for cell in cells} == {"works", "if", "fails"}
    assert all(cell.get("href")[1:] in reasons for cell in cells)


def test_conditions_are_numbered_footnotes() -> None:
    """A condition has a number in its cells and its text under the table."""
    root = parsed(html_page(frame(), "Small matrix", labels=LABELS))
    assert [sup.text for sup in root.xpath("//td/a/sup")] == ["1"] * 4
    assert root.get_element_by_id("mc1").text == "virtio-win is added"


def test_hostile_names_are_text() -> None:
    """Markup in names, reasons and the title is shown as text and makes no element."""
    nasty = frame([HOSTILE], [HOSTILE]).astype("str")
    nasty[["reason", "condition", "source"]] = HOSTILE
    page = html_page(nasty, HOSTILE, labels={HOSTILE: label(HOSTILE)}, footnotes=[HOSTILE], csv=HOSTILE)
    root = parsed(page)
    assert root.xpath("//img") == []
    assert len(root.xpath("//script")) == 1
    assert root.xpath("//*[@*[starts-with(name(), 'on')]]") == []
    assert "<script>alert(1)</script>" in root.xpath("string(//h1)")
    assert "\u202e" not in page


def test_page_fetches_nothing() -> None:
    """The page names no host, and its content security policy forbids fetching anything."""
    page = html_page(frame(), "Small matrix", labels=LABELS)
    assert "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page


def test_changes_since_the_last_run() -> None:
    """Cells with a changed verdict are listed above the table, grouped by guest."""
    before = frame().astype("str")
    after = before.copy()
    after.loc[(after.guest == "rhel6.10") & (after.verdict == "fails"), "verdict"] = "works"
    assert [flip.text for flip in flips(before, after)] == ["rhel6.10: fails became works for block virtio on q35"]
    assert "1 cell changed since the previous run" in html_page(after, "x", labels=LABELS, previous=before)
    assert "No cell changed" in html_page(after, "x", labels=LABELS, previous=after)


def test_spans_and_labels() -> None:
    """A range names the distribution once, and an unknown id is its own name."""
    assert span([LABELS["rhel6.0"], LABELS["rhel6.10"]]) == "Red Hat Enterprise Linux 6.0 to 6.10"
    assert span([LABELS["win10"]]) == "Microsoft Windows 10"
    assert label("rhel6.10").distro == "rhel"
    assert sorted([label("a10"), label("a9")], key=lambda entry: entry.order)[0].id == "a9"


def test_families_begin_with_what_people_run() -> None:
    """A family begins with RHEL, Ubuntu and Debian, each from its newest release, not with the first name."""
    some = [
        Label("mandrake9", "Mandrake 9", "linux", "mandrake", "9"),
        Label("debian12", "Debian 12", "linux", "debian", "12"),
        Label("rhel6.0", "RHEL 6.0", "linux", "rhel", "6.0"),
        Label("ubuntu24.04", "Ubuntu 24.04", "linux", "ubuntu", "24.04"),
        Label("rhel9.10", "RHEL 9.10", "linux", "rhel", "9.10"),
        Label("rhel9.9", "RHEL 9.9", "linux", "rhel", "9.9"),
    ]
    ordered = [one.id for one in sorted(some, key=lambda one: one.rank)]
    assert ordered == ["rhel9.10", "rhel9.9", "rhel6.0", "ubuntu24.04", "debian12", "mandrake9"]


def test_every_row_of_several_guests_unfolds() -> None:
    """A row of several releases lists them, also where one range names them all."""
    root = parsed(html_page(frame(), "Small matrix", labels=LABELS))
    rows = root.xpath("//tr[@class='row']/th")
    listed = [[item.text for item in row.iter("li")] for row in rows]
    assert listed[0] == [f"Red Hat Enterprise Linux 7.{n}" for n in range(3)]
    assert listed[1] == ["Red Hat Enterprise Linux 6.0 to 6.10", "CentOS 6.10"]
    assert listed[2] == []


@pytest.mark.slow
def test_large_matrix_is_small() -> None:
    """959 guests by 60 columns, no two guests equal, stay under 3 MB."""
    guests = [f"os{n}" for n in range(959)]
    machines = [f"pc-q35-{n}.0" for n in range(30)]
    large = frame(guests, machines).astype("str")
    large["verdict"] = random.Random(7).choices(["works", "fails"], k=len(large))
    page = html_page(large, "Large", labels={name: label(name) for name in guests})
    assert len(page.encode()) < 3_000_000


def test_missing_column_is_an_error() -> None:
    """A frame without a column of a matrix raises KeyError with the name of the column."""
    with pytest.raises(KeyError, match="verdict"):
        html_page(frame().drop(columns="verdict"), "x", labels=LABELS)
