"""``check --fix --spare-ports``: more root ports, so that a running guest takes more devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hotplug.plugging import PORT, domain, plug, q35, session
from tests.writing import NEW, host
from virtkit import read, resolve
from virtkit.cli import main
from virtkit.errors import UsageError
from virtkit.hotplug.capacity import capacity
from virtkit.hotplug.spare_ports import MOST, with_spare_ports

NIC = "<interface type='user'><model type='virtio'/></interface>"
DOMAINS = {
    "without controllers": domain(NIC * 3),
    "with free ports": q35(5, NIC),
    "without free ports": q35(2, NIC * 2),
}


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("wanted", [1, 6])
def test_the_new_ports_are_free_besides_those_that_were(name: str, wanted: int) -> None:
    """The changed domain resolves, and takes the wanted number of devices more than before."""
    before = resolve(read(DOMAINS[name].encode()), host(NEW))
    found = with_spare_ports(before, wanted)
    after = capacity(resolve(read(found.text.encode()), host(NEW)))
    assert after.express == found.free
    assert found.free >= (capacity(before).express or 0) + wanted
    running = session(found.text)
    assert all(plug(running, "nic").ok for _ in range(found.free))
    assert not plug(running, "nic").ok


def test_the_rest_of_the_domain_stays_as_written() -> None:
    """Without the new controllers the text is the old one."""
    before = q35(2, NIC * 2)
    found = with_spare_ports(resolve(read(before.encode()), host(NEW)), 2)
    assert found.ports == found.text.count("pcie-root-port") - before.count("pcie-root-port") == 2
    head, new, tail = found.text.rpartition(PORT)
    head = head.rstrip().removesuffix(PORT)
    assert (head.rstrip() + tail.lstrip(), new) == (before, PORT)


def test_a_guest_with_legacy_drivers_gets_a_bridge() -> None:
    """RHEL 6 drives legacy virtio only, which a conventional slot offers; a newer guest gets no bridge."""
    before = resolve(read(q35(2).encode()), host(NEW))
    assert with_spare_ports(before, 2, "fedora42").bridges == 0
    found = with_spare_ports(before, 2, "rhel6.10")
    assert found.bridges == 1
    running = session(found.text)
    assert plug(running, "disk:virtio-transitional").ok
    assert all(plug(running, "nic").ok for _ in range(2))


@pytest.mark.parametrize(("machine", "wanted"), [("pc", 2), ("q35", 0), ("q35", MOST + 1)])
def test_what_takes_no_root_ports_is_refused(machine: str, wanted: int) -> None:
    """A machine without PCI Express, and a number out of range, are mistakes of the caller."""
    with pytest.raises(UsageError, match="--spare-ports"):
        with_spare_ports(resolve(read(domain(machine=machine).encode()), host(NEW)), wanted)


def test_the_command_of_the_remedy_does_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What attach refuses for want of a port is taken after the command that its remedy names."""
    old, new = tmp_path / "old.xml", tmp_path / "new.xml"
    old.write_text(q35(2))
    assert main(["attach", str(old), "--live", "5*nic"]) == 1
    words = capsys.readouterr().out.partition("(virtkit ")[2].partition(")")[0].split()
    command, *options = words
    assert main([command, str(old), *options, "-o", str(new)]) == 0
    assert main(["attach", str(new), "--live", "5*nic"]) == 0


def test_a_folder_is_fixed_into_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each domain is written under its own name; one that takes no ports is reported and left out."""
    given, made = tmp_path / "given", tmp_path / "made"
    given.mkdir()
    (given / "a.xml").write_text(q35(2))
    (given / "b.xml").write_text(domain(machine="pc"))
    assert main(["check", str(given), "--fix", "--spare-ports", "3", "-o", str(made)]) == 1
    assert [file.name for file in made.iterdir()] == ["a.xml"]
    assert "has no PCI Express" in capsys.readouterr().err
    assert main(["check", str(given), "--fix", "-o", str(made)]) == 0
    assert sorted(file.name for file in made.iterdir()) == ["a.xml", "b.xml"]


@pytest.mark.parametrize("options", [["--spare-ports", "2"], ["--convert-to", "q35", "--fix", "--spare-ports", "2"]])
def test_spare_ports_go_with_fix(options: list[str], tmp_path: Path) -> None:
    """--spare-ports is an option of --fix alone."""
    (tmp_path / "a.xml").write_text(domain(machine="pc"))
    assert main(["check", str(tmp_path / "a.xml"), *options]) == 2


def test_spare_slots_are_conventional_ones() -> None:
    """On q35 a pcie-to-pci-bridge brings conventional slots, and no more root ports than it needs itself."""
    before = session(q35(3))
    assert not plug(before, "nic:e1000").ok
    found = with_spare_ports(resolve(read(q35(3).encode()), host(NEW)), slots=2)
    assert (found.ports, found.bridges) == (0, 1)
    after = session(found.text)
    assert all(plug(after, "nic:e1000").ok for _ in range(2))


def test_as_many_bridges_are_added_as_the_slots_need() -> None:
    """A bridge has 31 slots, so 40 more slots of a pc are two bridges, which take slots themselves."""
    before = resolve(read(domain(machine="pc").encode()), host(NEW))
    found = with_spare_ports(before, slots=40)
    assert (found.bridges, found.bridge) == (2, "pci-bridge")
    full = session(domain(machine="pc"))
    count = sum(plug(full, "nic").ok for _ in range(100))
    wider = session(found.text)
    assert sum(plug(wider, "nic").ok for _ in range(count + 40)) == count + 40


def test_the_remedy_for_a_conventional_device_does_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What attach refuses for want of a conventional slot is taken after the command that its remedy names."""
    old, new = tmp_path / "old.xml", tmp_path / "new.xml"
    old.write_text(q35(2))
    assert main(["attach", str(old), "--live", "3*nic:e1000"]) == 1
    words = capsys.readouterr().out.partition("(virtkit ")[2].partition(")")[0].split()
    assert words == ["check", "--fix", "--spare-slots", "3"]
    command, *options = words
    assert main([command, str(old), *options, "-o", str(new)]) == 0
    assert main(["attach", str(new), "--live", "3*nic:e1000"]) == 0


@pytest.mark.parametrize("options", [["--spare-slots", "2"], ["--fix", "--spare-slots", "0"]])
def test_spare_slots_go_with_fix_and_a_number(options: list[str], tmp_path: Path) -> None:
    """--spare-slots without --fix, and with 0, is wrong usage."""
    (tmp_path / "a.xml").write_text(q35(2))
    assert main(["check", str(tmp_path / "a.xml"), *options]) == 2
