"""Policies compared on all guests: the cells, and the differences."""

from __future__ import annotations

import pandas as pd
import pytest

from virtkit.errors import UsageError
from virtkit.policy import comparison, differences, document
from virtkit.policy.decide import Circumstances

pytestmark = pytest.mark.slow

#: The user of KubeVirt writes bus: virtio.
VIRTIO_DISK = Circumstances(requests=frozenset({"disk-bus-virtio"}))


@pytest.fixture(scope="module")
def everything() -> pd.DataFrame:
    """Every shipped policy on every guest, on pc and q35."""
    return comparison.evaluate([document.builtin(name) for name in document.names()], machines=("pc", "q35"))


def test_size(everything: pd.DataFrame) -> None:
    """A row for each policy, guest, machine and kind."""
    assert len(everything) == len(document.names()) * 959 * 2 * 12
    assert tuple(everything.columns) == comparison.COLUMNS


def test_kubevirt_flag_matters_to_legacy_guests(everything: pd.DataFrame) -> None:
    """useVirtioTransitional makes RHEL 6 NICs work, and nothing that worked fails."""
    changed = differences.changes(everything, "kubevirt", "kubevirt-transitional")
    nics = changed[(changed["kind"] == "net") & (changed["guest"] == "rhel6.10")]
    assert set(nics["effect"]) == {"better"}
    assert "worse" not in set(changed["effect"])


def test_by_family(everything: pd.DataFrame) -> None:
    """The matrix of policies by family of guest holds shares; no device of the recommended policy fails, except that
    no disk controller of q35 serves Windows 2000, where q35 is asked for."""
    table = differences.by_family(everything)
    assert list(table.columns) == list(document.names())
    assert table.to_numpy().min() >= 0
    assert table.to_numpy().max() <= 1
    assert (table["recommended"].drop("winnt") == 1).all()
    failed = everything[(everything["policy"] == "recommended") & (everything["verdict"] == "fails")]
    assert set(zip(failed["guest"], failed["asked"], failed["kind"], strict=True)) == {("win2k", "q35", "block")}


def test_changes_by_family() -> None:
    """Equal changes of a family stand together, with how many guests they touch and one of them."""
    policies = [document.builtin(name) for name in ("kubevirt", "kubevirt-transitional")]
    frame = comparison.evaluate(policies, "rhel6*,win2k3", kinds=("block", "vsock"), about=VIRTIO_DISK)
    grouped = differences.grouped(differences.changes(frame, "kubevirt", "kubevirt-transitional"))
    rows = {str(row["family"]): row for row in grouped.to_dict("records")}
    assert {"effect": "better", "kinds": "block", "verdict_before": "fails", "verdict": "works"}.items() <= rows[
        "linux"
    ].items()
    assert (rows["linux"]["guests"], rows["linux"]["machine"]) == (12, "q35")
    assert rows["winnt"]["verdict"] == "works-with-condition"
    with pytest.raises(UsageError, match="policy 'ovirt' was not evaluated"):
        differences.changes(frame, "kubevirt", "ovirt")


def test_equal_changes_of_several_kinds_share_a_row() -> None:
    """Kinds with the same change stand in one row, in the order of the matrix, with their cells counted."""
    policies = [document.builtin(name) for name in ("kubevirt", "kubevirt-transitional")]
    frame = comparison.evaluate(policies, "rhel6.10", kinds=("block", "net"), about=VIRTIO_DISK)
    (row,) = differences.grouped(differences.changes(frame, "kubevirt", "kubevirt-transitional")).to_dict("records")
    assert (row["kinds"], row["cells"], row["guests"]) == ("net, block", 2, 1)


def test_side_by_side() -> None:
    """A row for each guest, machine and kind, and a column of choice and verdict for each policy."""
    policies = [document.builtin(name) for name in ("virt-v2v", "virt-install")]
    frame = comparison.evaluate(policies, "rhel6.10", ("q35",), ("block", "vsock"))
    assert differences.side_by_side(frame).to_dict("records") == [
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
            "virt-v2v": "not created",
            "virt-install": "on request only",
        },
    ]


def test_only_devices_of_both_sides_are_compared(everything: pd.DataFrame) -> None:
    """No cell is about a device that one side does not write, and the others are listed apart, each once."""
    for before, after in (("virt-install", "virt-v2v"), ("nova", "kubevirt"), ("libvirt", "minikube")):
        changed = differences.changes(everything, before, after)
        assert "absent" not in {*changed["verdict"], *changed["verdict_before"]}
        kinds = set(changed["kind"].astype(str).unique())
        for name in (before, after):
            assert not kinds & set(document.builtin(name).never), name
        apart = differences.apart(everything, before, after)
        assert not apart.duplicated(["kind", "not_by"]).any()
        written = {
            name: everything[(everything["policy"] == name) & (everything["verdict"] != "absent")]
            for name in (before, after)
        }
        both = set(zip(*(written[before][key] for key in ("guest", "asked", "kind")), strict=True))
        both &= set(zip(*(written[after][key] for key in ("guest", "asked", "kind")), strict=True))
        assert int(apart["cells"].sum()) == len(written[before]) + len(written[after]) - 2 * len(both)


def test_devices_of_one_side_are_named() -> None:
    """What one policy never creates, or only on request, is said in a sentence."""
    policies = [document.builtin(name) for name in ("virt-install", "virt-v2v")]
    frame = comparison.evaluate(policies, "rhel9.0,winxp", kinds=("gpu", "input", "vsock"))
    apart = differences.apart(frame, "virt-install", "virt-v2v")
    assert differences.apart_words(apart) == [
        "virt-install creates vsock on request only.",
        "virt-v2v never creates input and gpu.",
    ]


def test_a_request_brings_devices() -> None:
    """A device that is created on request is written when the user asks for its kind."""
    policy = document.builtin("virt-install")
    for requests, choice in ((frozenset(), "none"), (frozenset({"vsock"}), "virtio"), (frozenset({"all"}), "virtio")):
        about = Circumstances(requests=frozenset(requests))
        (row,) = comparison.evaluate([policy], "fedora42", kinds=("vsock",), about=about).to_dict("records")
        assert (row["created"], row["choice"]) == ("on-request", choice)


def test_ports_count_as_buses() -> None:
    """virt-install writes fourteen ports on q35, two of which libvirt adds for any domain; pc has none."""
    frame = comparison.evaluate([document.builtin("virt-install")], "fedora42", ("q35", "pc"))
    q35, pc = frame.drop_duplicates("asked").to_dict("records")
    assert q35["domain_buses"] == 12
    assert 0 < q35["free_ports"] < 14
    assert (pc["domain_buses"], pc["free_ports"]) == (0, 0)


def test_emulated_devices_are_judged() -> None:
    """A SATA disk fails on Windows XP, and is unknown where no source says that the guest drives it.

    A virtio-scsi disk is as its controller.
    """
    frame = comparison.evaluate([document.builtin("kubevirt")], "winxp,netbsd5.0,fedora42", kinds=("block",))
    found = dict(zip(frame["guest"], frame["verdict"], strict=True))
    assert found == {"winxp": "fails", "netbsd5.0": "unknown", "fedora42": "emulated"}
    scsi = comparison.evaluate([document.builtin("incus")], "rhel6.10,fedora42", kinds=("block",))
    assert dict(zip(scsi["guest"], scsi["verdict"], strict=True)) == {"rhel6.10": "fails", "fedora42": "works"}


def test_a_part_of_an_evaluation_is_the_evaluation_of_its_machines() -> None:
    """The rows of own and of pc, evaluated together, are in every type and category those evaluated alone."""
    policies = [document.builtin(name) for name in ("recommended", "nova")]
    guests = "rhel6.10,fedora42,winxp"
    together = comparison.evaluate(policies, guests, ("own", "pc"))
    for machine in ("own", "pc"):
        alone = comparison.evaluate(policies, guests, (machine,))
        pd.testing.assert_frame_equal(comparison.of_machines(together, (machine,)), alone, check_exact=True)


def test_machines_are_checked() -> None:
    """The machine families of a comparison, or the policy's own choice."""
    assert comparison.select_machines("q35, pc") == ("q35", "pc")
    for wrong in ("isapc", ""):
        with pytest.raises(UsageError, match="expected own, pc or q35, got"):
            comparison.select_machines(wrong)
