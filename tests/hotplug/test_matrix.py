"""The matrix for devices that are plugged into a running guest."""

from __future__ import annotations

import pandas as pd
import pytest

import virtkit as vk
from tests.hotplug.plugging import plug, q35, session
from virtkit.cli import main
from virtkit.compat.matrix import COLUMNS
from virtkit.compat.matrix import matrix as cold
from virtkit.errors import UsageError
from virtkit.guests import catalogue
from virtkit.hotplug.changes import row
from virtkit.hotplug.verdict import judge_plug

GUESTS = "debian12,debian11,rhel6.10,win10"
BRIDGE = "<controller type='pci' model='pcie-to-pci-bridge'/>"


@pytest.fixture(scope="module")
def hot() -> pd.DataFrame:
    """The hot matrix of some guests."""
    return vk.matrix(GUESTS, "pc,q35", plug="hot")


def cell(frame: pd.DataFrame, guest: str, kind: str, machine: str, model: str = "virtio") -> pd.Series:
    """The one row of a cell."""
    keys = zip(("guest", "kind", "machine", "model"), (guest, kind, machine, model), strict=True)
    found = frame
    for name, value in keys:
        found = found[found[name] == value]
    (row,) = (found.iloc[n] for n in range(len(found)))
    return row


@pytest.mark.parametrize(
    ("guest", "kind", "machine", "model", "verdict", "evidence"),
    [
        ("debian12", "block", "q35", "virtio", "works", "boot"),
        ("debian12", "block", "q35", "virtio-transitional", "works", "boot"),
        ("debian12", "rng", "q35", "virtio", "works", "db"),
        ("debian11", "block", "q35", "virtio", "works-with-condition", "rule"),
        ("rhel6.10", "block", "q35", "virtio", "fails", "db"),
        ("win10", "block", "q35", "virtio", "unknown", "rule"),
    ],
)
def test_verdicts(
    hot: pd.DataFrame, guest: str, kind: str, machine: str, model: str, verdict: str, evidence: str
) -> None:
    """Booted guests work by evidence, other Linux guests on condition; of Windows nothing is recorded."""
    found = cell(hot, guest, kind, machine, model)
    assert (found["verdict"], found["evidence"]) == (verdict, evidence)


@pytest.mark.parametrize("kind", ["balloon", "9p", "gpu"])
def test_what_no_running_domain_takes_is_refused(hot: pd.DataFrame, kind: str) -> None:
    """A balloon, a 9p share and a GPU are fixed while the guest runs, for every guest and machine."""
    rows = hot[hot["kind"] == kind]
    assert set(rows["interface"]) == {"refused"}
    assert set(rows["verdict"]) == {"fails"}


@pytest.mark.parametrize("what", ["disk", "disk:virtio-transitional"])
@pytest.mark.parametrize("guest", GUESTS.split(","))
def test_the_matrix_says_what_attach_says(hot: pd.DataFrame, guest: str, what: str) -> None:
    """A cell equals the verdict on that device when it is attached to a domain with room for it."""
    found = session(q35(4, BRIDGE))
    (*_, device) = plug(found, what).devices
    now = found.running.snapshot()
    here = next(one for one in now.devices if row(one) == row(device))
    judged = judge_plug(now, here, catalogue().find(guest))
    shown = cell(hot, guest, "block", "q35", what.partition(":")[2] or "virtio")
    assert (shown["verdict"], shown["condition"]) == (judged.verdict.value, judged.condition)


def test_cold_is_the_matrix_as_it_was() -> None:
    """Without plug the rows are those of a guest that starts, and both have the same columns."""
    assert vk.matrix(GUESTS, "q35", kinds="net").equals(cold(GUESTS, "q35", kinds="net"))
    assert tuple(vk.matrix(GUESTS, "q35", kinds="net", plug="hot").columns) == COLUMNS


def test_wrong_words() -> None:
    """Another word for plug is a mistake, and so are placements with hot plug."""
    with pytest.raises(UsageError, match="cold or hot"):
        vk.matrix(GUESTS, plug="warm")
    with pytest.raises(UsageError, match="placements"):
        vk.matrix(GUESTS, plug="hot", placements="all")


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    """--plug hot writes the table with the evidence."""
    options = ["--guests", "debian12", "--machines", "q35", "--models", "virtio", "--kinds", "block"]
    assert main(["matrix", *options, "--plug", "hot", "--format", "table"]) == 0
    assert "pcie-port modern works boot" in " ".join(capsys.readouterr().out.split())
