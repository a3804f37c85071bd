"""The matrix by placement: what holds for a device with a written address."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

import virtkit as vk
from virtkit import facts
from virtkit.cli import main
from virtkit.compat.manual_slots import manual_slot, select_placements, slot_condition
from virtkit.compat.matrix import matrix
from virtkit.compat.prober import Prober, probe_domain, probes
from virtkit.errors import UsageError
from virtkit.host import Host
from virtkit.virtio.interface import LOCATIONS, Interface
from virtkit.virtio.kinds import MODELS


def test_table_is_whole() -> None:
    """Every family and location of the table is known, stated once, with a condition and a source."""
    families = {record["name"] for record in facts.records("libvirt/machines.toml", "family")}
    stated: set[tuple[str, str]] = set()
    for row in facts.table("libvirt/manual-slots.csv"):
        assert row["location"] in LOCATIONS
        assert row["condition"]
        assert row["source"]
        for family in row["families"].split():
            assert family in families
            assert (family, row["location"]) not in stated
            stated.add((family, row["location"]))


@pytest.mark.parametrize("kind", probes())
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_devices_are_in_their_manual_slot(kind: str, machine: str) -> None:
    """A device with the address of a manual slot is resolved there, and is the same device as without."""
    prober = Prober(Host.default())
    name = prober.machine(machine)
    for location in select_placements("all"):
        at = manual_slot("i440fx" if machine == "pc" else "q35", location)
        for model in MODELS:
            device = probes()[kind].device(model)
            if at is None or device is None:
                continue
            placed, alone = prober.placement(name, kind, model, at), prober.placement(name, kind, model)
            assert placed.location == (location if alone.location else "")
            assert (placed.driver, placed.refusal) == (alone.driver, alone.refusal)
            root = etree.fromstring(probe_domain(at.insert(device), "x86_64", machine).encode())
            assert len(root.findall("devices/*/address[@type='pci']")) == 1


@pytest.mark.parametrize(
    ("place", "model", "verdict", "condition"),
    [
        ("auto", "virtio", "fails", ""),
        ("pcie-port", "virtio", "fails", ""),
        ("pcie-root", "virtio", "works-with-condition", "the root bus, where nothing can be plugged in or out"),
        ("conventional-bridge", "virtio", "works-with-condition", "a pcie-to-pci-bridge is there"),
        ("auto", "virtio-transitional", "works", ""),
        ("conventional-bridge", "virtio-transitional", "works", ""),
        ("pcie-port", "virtio-transitional", "works-with-condition", "one of 14 windows of port I/O space"),
        ("pcie-root", "virtio-non-transitional", "fails", ""),
    ],
)
def test_rhel6_on_q35(place: str, model: str, verdict: str, condition: str) -> None:
    """Plain virtio serves RHEL 6 on the root bus and on a bridge; elsewhere it is a matter of the model."""
    frame = matrix("rhel6.10", "q35", model, "net,block", placements=place, overrides=False)
    assert set(frame["verdict"]) == {verdict}
    assert all(condition in text for text in frame["condition"])
    assert bool(condition) == any(frame["condition"])


@pytest.mark.parametrize(
    ("place", "holder"), [("pcie-port", "each such device takes"), ("conventional-bridge", "the bridge takes")]
)
def test_a_window_of_port_io_is_held_by_the_port_or_the_bridge(place: str, holder: str) -> None:
    """A device with port I/O needs a window of the port or bridge that it is behind; a modern one needs none."""
    slot = manual_slot("q35", place)
    assert slot is not None
    said = f"{slot.condition}; {holder} one of 14 windows of port I/O space (SeaBIOS)"
    assert slot_condition(slot, "pc-q35-11.1", Interface.TRANSITIONAL) == said
    assert slot_condition(slot, "pc-q35-11.1", Interface.MODERN) == slot.condition


def test_conditions_add_up() -> None:
    """Windows XP on a bridge needs its driver and the bridge."""
    frame = matrix("winxp", "q35", "virtio", "block", placements="conventional-bridge")
    (condition,) = frame["condition"]
    assert condition.startswith("virtio-win is installed (Fedora's, up to 0.1.285")
    assert "a pcie-to-pci-bridge is there" in condition


def test_all_placements_are_those_of_the_machine() -> None:
    """ "all" has a row for each placement of a machine; a placement that the machine does not have is refused."""
    frame = matrix("fedora42", "pc,q35", "virtio", "net", placements="all")
    rows = list(zip(frame["machine"], frame["placement"], strict=True))
    assert rows == [
        ("pc", "conventional-root"),
        ("pc", "conventional-bridge"),
        ("q35", "conventional-bridge"),
        ("q35", "pcie-root"),
        ("q35", "pcie-port"),
    ]
    (refused,) = matrix("fedora42", "pc", "virtio", "net", placements="pcie-port").itertuples()
    assert (refused.interface, refused.verdict, refused.placement) == ("refused", "fails", "pcie-port")
    assert "has no slot of the class pcie-port" in str(refused.reason)


def test_a_machine_without_pci_is_asked_as_it_is() -> None:
    """On s390x there are no manual slots, so "all" is where libvirt puts the device."""
    frame = matrix("debian12", "s390-ccw-virtio", "virtio", "net", placements="all", arch="s390x")
    assert list(frame["placement"]) == ["ccw"]


@pytest.mark.slow
def test_where_libvirt_would_put_it_nothing_changes() -> None:
    """The cell of the placement that libvirt chooses equals that of "auto"."""
    one, other = (matrix("rhel6.10,debian12", "pc,q35", None, None, placements=places) for places in (None, "all"))
    keys = ["guest", "kind", "machine", "model", "placement"]
    both = one.astype(str).merge(other.astype(str), on=keys, suffixes=("", "_all"))
    assert len(both) == (one["placement"] != "").sum()
    for name in ("interface", "verdict", "reason", "condition", "evidence", "source"):
        assert (both[name] == both[f"{name}_all"]).all(), name


def test_a_booted_guest_has_boot_evidence_everywhere() -> None:
    """Debian 12 was seen driving its NIC in every placement on pc and q35."""
    frame = matrix("debian12", "pc,q35", None, "net", placements="all")
    assert set(frame["evidence"]) == {"boot"}


def test_unknown_placement() -> None:
    """The error for an unknown placement names it and the known ones."""
    with pytest.raises(UsageError, match="no placement 'root'; expected auto, all, conventional-root"):
        matrix("rhel6.10", "q35", placements="root")


def test_page_has_a_column_for_each_placement(tmp_path: Path) -> None:
    """On the page each machine and placement has a column of its own."""
    out = tmp_path / "m.html"
    words = ["matrix", "--guests", "rhel6.10", "--machines", "q35", "--kinds", "block", "--placements", "all"]
    assert main([*words, "-o", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    for place in ("conventional-bridge", "pcie-root", "pcie-port"):
        assert f"q35 at {place}" in text


def test_api_takes_placements() -> None:
    """vk.matrix takes placements as well."""
    assert list(vk.matrix("rhel6.10", "q35", "virtio", "block", placements="pcie-root")["placement"]) == ["pcie-root"]
