"""Policies compared on all guests: the scores, the differences."""

from __future__ import annotations

import pandas as pd
import pytest

from virtkit.errors import UsageError
from virtkit.policy import comparison, document

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def everything() -> pd.DataFrame:
    """Every shipped policy on every guest, on pc and q35."""
    return comparison.evaluate([document.builtin(name) for name in document.names()], machines=("pc", "q35"))


def test_size(everything: pd.DataFrame) -> None:
    """A row for each policy, guest, machine and kind."""
    assert len(everything) == len(document.names()) * 959 * 2 * 12
    assert tuple(everything.columns) == comparison.COLUMNS


def test_kubevirt_flag_matters_to_legacy_guests(everything: pd.DataFrame) -> None:
    """useVirtioTransitional makes RHEL 6 disks work, and nothing that worked fails."""
    changed = comparison.changes(everything, "kubevirt", "kubevirt-transitional")
    disks = changed[(changed["kind"] == "block") & (changed["guest"] == "rhel6.10")]
    assert set(disks["effect"]) == {"better"}
    assert "worse" not in set(changed["effect"])


def test_by_family(everything: pd.DataFrame) -> None:
    """The matrix of policies by family of guest holds shares."""
    works = comparison.by_family(everything, ("works",))
    assert (works["recommended"] == works.max(axis=1)).all()
    table = comparison.by_family(everything)
    assert list(table.columns) == list(document.names())
    assert table.to_numpy().min() >= 0
    assert table.to_numpy().max() <= 1
    assert (table["recommended"] == 1).all()


def test_changes_by_family() -> None:
    """Equal changes of a family stand together, with how many guests they touch and one of them."""
    policies = [document.builtin(name) for name in ("kubevirt", "kubevirt-transitional")]
    frame = comparison.evaluate(policies, "rhel6*,win2k3", kinds=("block", "vsock"))
    grouped = comparison.grouped(comparison.changes(frame, "kubevirt", "kubevirt-transitional"))
    rows = {str(row["family"]): row for row in grouped.to_dict("records")}
    assert {"effect": "better", "kinds": "block", "verdict_before": "fails", "verdict": "works"}.items() <= rows[
        "linux"
    ].items()
    assert (rows["linux"]["guests"], rows["linux"]["machine"]) == (12, "q35")
    assert rows["winnt"]["verdict"] == "works-with-condition"
    with pytest.raises(UsageError, match="policy 'ovirt' was not evaluated"):
        comparison.changes(frame, "kubevirt", "ovirt")


def test_equal_changes_of_several_kinds_share_a_row() -> None:
    """Kinds with the same change stand in one row, in the order of the matrix, with their cells counted."""
    policies = [document.builtin(name) for name in ("kubevirt", "kubevirt-transitional")]
    frame = comparison.evaluate(policies, "rhel6.10", kinds=("block", "net"))
    (row,) = comparison.grouped(comparison.changes(frame, "kubevirt", "kubevirt-transitional")).to_dict("records")
    assert (row["kinds"], row["cells"], row["guests"]) == ("net, block", 2, 1)


def test_side_by_side() -> None:
    """A row for each guest, machine and kind, and a column of choice and verdict for each policy."""
    policies = [document.builtin(name) for name in ("virt-v2v", "virt-install")]
    frame = comparison.evaluate(policies, "rhel6.10", ("q35",), ("block", "vsock"))
    assert comparison.side_by_side(frame).to_dict("records") == [
        {
            "guest": "rhel6.10",
            "family": "linux",
            "asked": "q35",
            "kind": "block",
            "virt-v2v": "virtio-transitional: works",
            "virt-install": "virtio: fails",
        },
        {
            "guest": "rhel6.10",
            "family": "linux",
            "asked": "q35",
            "kind": "vsock",
            "virt-v2v": "virtio: fails",
            "virt-install": "none: absent",
        },
    ]


def test_machines_are_checked() -> None:
    """The machine families of a comparison, or the policy's own choice."""
    assert comparison.select_machines("q35, pc") == ("q35", "pc")
    for wrong in ("isapc", ""):
        with pytest.raises(UsageError, match="expected own, pc or q35, got"):
            comparison.select_machines(wrong)
