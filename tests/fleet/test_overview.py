"""Tables on a fleet: worst offenders, verdicts by guest and machine, ports left, policies, and the trend over runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from virtkit import facts
from virtkit.errors import InputError, UsageError
from virtkit.fleet import overview
from virtkit.fleet.survey import Survey, survey
from virtkit.fleet.trend import THIS_RUN, trend
from virtkit.policy import document
from virtkit.reporting.fleet_answer import fleet_answer


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """Three domains of a template that fails, one other that fails, two that work, and a broken file."""
    folder = tmp_path_factory.mktemp("fleet")
    failing = facts.path("domains/rhel6-q35-virtio.xml").read_text()
    good = facts.path("domains/ubuntu24.04-q35.xml").read_text()
    for number in range(3):
        (folder / f"erp-{number}.xml").write_text(failing.replace("erp-db-rhel6", f"erp-{number}"))
    (folder / "old.xml").write_text(failing.replace("pc-q35-8.2", "pc-q35-7.2"))
    for number in range(2):
        (folder / f"web-{number}.xml").write_text(good)
    (folder / "z.xml").write_text("<domain")
    return survey(str(folder))


def test_the_shape_with_most_failing_devices_comes_first(fleet: Survey) -> None:
    """An offender has its domains, failing devices and remedy; shapes that work are left out."""
    worst = overview.offenders(fleet)
    columns = ["domains", "failing", "total", "guest", "machine", "example"]
    assert worst[columns].values.tolist() == [
        [3, 2, 6, "rhel6.10", "pc-q35-8.2", "erp-0.xml"],
        [1, 2, 2, "rhel6.10", "pc-q35-7.2", "old.xml"],
    ]
    assert worst["remedy"].str.startswith("model='virtio-transitional'").all()
    assert fleet_answer(fleet, worst, overview.ports_left(fleet))[:3] == [
        "7 domains of 3 shapes: 4 fail, 1 could not be read.",
        "The worst 2 shapes have 4 of the 4 domains that fail.",
        "For 4 of them a remedy is known.",
    ]


def test_verdicts_by_guest_count_each_domain_once(fleet: Survey) -> None:
    """The numbers of all rows add up to the domains that could be read, failing guests first."""
    frame = overview.verdicts_by_guest(fleet)
    assert frame["guest"].iloc[0] == "rhel6.10"
    assert frame.iloc[:, 2:].sum().sum() == len(fleet.items) == 6
    assert frame["fails"].tolist() == [3, 1, 0]


def test_ports_left_agree_with_the_headroom_of_each_domain(fleet: Survey) -> None:
    """For each kind of slot, the domains without a free slot are those of the table of free slots."""
    rooms = fleet.headroom()
    for row in overview.ports_left(fleet).to_dict("records"):
        mine = rooms[rooms["kind"] == row["kind"]]
        assert row["none"] == (mine["free"] == 0).sum()
        assert sum(row[name] for name in ("none", "1 to 2", "3 to 5", "6 or more")) == len(mine)


def test_a_policy_denies_the_domains_that_fail(fleet: Survey) -> None:
    """The recommended policy denies the four domains that fail; libvirt's only warns; the sentences count devices."""
    policies = [document.builtin(name) for name in ("recommended", "libvirt")]
    reviews = overview.PolicyReviews(fleet, policies)
    levels = reviews.levels().set_index("policy")
    assert levels.loc["recommended", "deny"] == 4
    assert levels.loc["libvirt", "deny"] == 0
    assert (levels.sum(axis=1) == 6).all()
    changes = reviews.changes()
    denied = changes[(changes["policy"] == "recommended") & (changes["level"] == "deny")]
    assert denied["devices"].sum() == 8
    assert denied["domains"].max() == 4


def test_the_trend_reads_reports_and_datasets(fleet: Survey, tmp_path: Path) -> None:
    """Runs of reports and parts of datasets give a row each, in order; this run comes last; others are left out."""
    report, dataset = tmp_path / "20261101T000000Z" / "02-bus-topology", tmp_path / "20261108" / "domains"
    for folder in (report, dataset, tmp_path / "notes"):
        folder.mkdir(parents=True)
    pd.DataFrame({"file": ["a", "b"], "verdict": ["fails", "works"]}).to_parquet(report / "domains.parquet")
    for part in range(2):
        pd.DataFrame({"verdict": ["works", "unknown"]}).to_parquet(dataset / f"part-{part}.parquet")
    (tmp_path / "latest").symlink_to("20261101T000000Z")
    frame = trend(str(tmp_path), fleet)
    assert frame[["run", "domains", "fails", "unknown", "works"]].values.tolist() == [
        ["20261101T000000Z", 2, 1, 0, 1],
        ["20261108", 4, 0, 2, 2],
        [THIS_RUN, 6, 4, 0, 2],
    ]
    assert trend("", fleet)["run"].tolist() == [THIS_RUN]


def test_a_history_that_cannot_be_read_is_named(fleet: Survey, tmp_path: Path) -> None:
    """A missing folder and a broken table each give an error that names it."""
    with pytest.raises(UsageError, match="expected a folder of reports"):
        trend(str(tmp_path / "nothing"), fleet)
    broken = tmp_path / "one" / "domains"
    broken.mkdir(parents=True)
    (broken / "part-0.parquet").write_bytes(b"PAR1 is not enough")
    with pytest.raises(InputError, match=r"part-0\.parquet: expected a table with the column verdict"):
        trend(str(tmp_path), fleet)
