"""The tables of an upgrade of many domains."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hotplug.test_upgrade import LARGE, VOLUMES
from tests.readers.kubevirt.machines import instance
from tests.writing import domain
from virtkit.errors import GuestError, UsageError
from virtkit.fleet.upgrades import Side, upgrades
from virtkit.inputs import sources_below


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A KubeVirt machine that moves, one that does not, domain XML, a file that cannot be read, and no domain."""
    (tmp_path / "a.xml").write_bytes(domain("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"))
    (tmp_path / "b.yaml").write_text(instance(memory="1Gi", name="small"))
    (tmp_path / "c.yaml").write_text(instance(LARGE, memory="4Gi", spec=VOLUMES, name="large"))
    (tmp_path / "d.xml").write_text("<domain")
    (tmp_path / "e.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")
    return tmp_path


def test_the_worst_domain_comes_first_with_its_decision(folder: Path) -> None:
    """The machine whose data disk may go offline is to be pinned; the others are upgraded; one is rejected."""
    found = upgrades(sources_below(folder), Side.named("", "1.6.3"), Side.named("", "1.9"), "win2k22")
    rows = [(row["file"], row["worst"], row["decision"]) for row in found.decisions]
    assert rows == [
        ("c.yaml", "disk offline", "pin its addresses first"),
        ("a.xml", "nothing", "upgrade"),
        ("b.yaml", "nothing", "upgrade"),
    ]
    assert "kubevirt.io/pci-interface-slot-count: '10'" in found.decisions[0]["pin"]
    assert [row["file"] for row in found.rejected] == ["d.xml"]
    assert found.moves[0]["device"] == "disk vdb (virtio) ua-data"
    assert found.moves[0]["condition"].startswith("its SAN policy")


def test_the_answer_counts_and_names(folder: Path) -> None:
    """The first sentence has the number of safe domains, the next ones name the others."""
    found = upgrades(sources_below(folder), Side.named("", "1.6.3"), Side.named("", "1.9"))
    assert found.answer() == [
        "2 of 4 domains lose nothing that matters, and 1 cannot be compared.",
        "Disk offline: c.yaml.",
        "Pinned addresses prevent this in 1 domain.",
    ]


def test_sides_are_named_by_host_or_release() -> None:
    """A distribution and a libvirt release each name a host; unknown names are refused."""
    assert Side.named("debian-13").host.libvirt == Side.named("11.3").host.libvirt
    with pytest.raises(UsageError, match="debian-99"):
        Side.named("debian-99")


def test_an_unknown_guest_is_a_mistake(folder: Path) -> None:
    """An unknown guest OS stops the comparison before the first domain."""
    with pytest.raises(GuestError):
        upgrades(sources_below(folder), Side.named(), Side.named(), "nosuch")
