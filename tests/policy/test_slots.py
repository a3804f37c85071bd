"""The slot policies A, B and C side by side."""

from __future__ import annotations

import pytest

from virtkit.compat.matrix import matrix
from virtkit.errors import UsageError
from virtkit.policy import slots


@pytest.fixture(scope="module")
def compared() -> slots.Comparison:
    """A, B and C on guests with one, both and no drivers, on pc and q35."""
    return slots.compare("rhel6.10,fedora42,win2k,haikur1beta4", kinds="net,block")


def test_places() -> None:
    """What each policy says of each model."""
    said = {
        name: [slots.policy(name).connect(m) for m in ("virtio", "virtio-transitional", "virtio-non-transitional")]
        for name in "ABC"
    }
    assert said == {
        "A": ["machine", "machine", "conventional"],
        "B": ["machine", "conventional", "express"],
        "C": ["machine", "conventional", "machine"],
    }
    with pytest.raises(UsageError, match="expected one of A, B, C"):
        slots.policy("D")


@pytest.mark.parametrize(
    ("name", "machine", "model", "placement"),
    [
        ("A", "q35", "virtio-transitional", "pcie-port"),
        ("A", "q35", "virtio-non-transitional", "conventional-bridge"),
        ("B", "q35", "virtio-transitional", "conventional-bridge"),
        ("B", "q35", "virtio-non-transitional", "pcie-port"),
        ("C", "q35", "virtio-transitional", "conventional-bridge"),
        ("C", "q35", "virtio-non-transitional", "pcie-port"),
        ("C", "pc", "virtio-non-transitional", "conventional-root"),
    ],
)
def test_placements(compared: slots.Comparison, name: str, machine: str, model: str, placement: str) -> None:
    """Where a NIC goes under each policy, by really resolving."""
    b = compared.buses
    row = b[(b["policy"] == name) & (b["machine"] == machine) & (b["model"] == model) & (b["kind"] == "net")]
    assert list(row["placement"]) == [placement]


def test_policy_b_takes_non_transitional_from_pc(compared: slots.Comparison) -> None:
    """PCI Express only leaves i440fx guests without non-transitional devices, which works in the outcome."""
    worse = compared.changed[(compared.changed["policy"] == "B") & (compared.changed["effect"] == "worse")]
    assert set(worse["machine"]) == {"pc"}
    assert set(worse["model"]) == {"virtio-non-transitional"}
    assert "fedora42" in set(worse["guest"])
    assert set(compared.broken["policy"]) == {"B"}


def test_policy_a_needs_port_io_behind_ports(compared: slots.Comparison) -> None:
    """Transitional devices behind PCIe ports each take a window of port I/O; the outcome needs none."""
    summary = compared.summary.set_index("policy")
    assert int(str(summary.loc["A", "io_windows"])) > 0
    assert summary.loc["C", "io_windows"] == 0


def test_baseline_is_what_libvirt_does(compared: slots.Comparison) -> None:
    """Under C every cell is as without a policy."""
    plain = matrix("rhel6.10,fedora42,win2k,haikur1beta4", "pc,q35", None, "net,block")
    under_c = compared.cells[compared.cells["policy"] == "C"].reset_index(drop=True)
    for column in ("guest", "placement", "interface", "verdict"):
        assert list(under_c[column].astype(str)) == list(plain[column].astype(str))
    assert compared.changed[compared.changed["policy"] == "C"].empty


def test_what_pc_would_save() -> None:
    """Under C a plain NIC costs a root port on q35, a transitional one a bridge with its port; pc adds nothing."""
    found = slots.compare("fedora42", kinds="net,vsock", names=("C",))
    rows = {row["model"]: row for row in slots.saved_on_pc(found.buses).to_dict("records")}
    assert (rows["virtio"]["q35"], rows["virtio"]["pc"], rows["virtio"]["kinds"]) == (2, 0, 2)
    # QEMU has no transitional vsock, so only the NIC counts.
    assert (rows["virtio-transitional"]["saved"], rows["virtio-transitional"]["kinds"]) == (2, 1)
    assert slots.saved_on_pc(slots.compare("fedora42", "q35", "net", names=("C",)).buses).empty
