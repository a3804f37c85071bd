"""The difference of two topologies: devices are matched, and shown before and after."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree

import virtkit as vk
from tests.draw.samples import HOSTILE, node, q35
from virtkit import facts
from virtkit.cli import main
from virtkit.draw import layout, picture, tree
from virtkit.topology.diff import ChangeKind, Difference, compare
from virtkit.topology.model import Topology

SAMPLES = Path(facts.path("domains"))


def sample(name: str, machine: str | None = None) -> Topology:
    return vk.resolve(vk.read(SAMPLES / name), machine=machine).topology


def changed(found: Difference) -> dict[str, str]:
    """The kind of change of each device that changed, by title."""
    return {
        change.node.title: str(change.kind)
        for change in found.changes
        if change.kind is not ChangeKind.SAME and not change.bridge
    }


def bare(*devices: tuple[str, str, str]) -> Topology:
    """A topology of devices (id, title, identity) that are not on PCI."""
    from dataclasses import replace

    others = tuple(
        replace(node(ident, "disk", "virtio-blk-pci", "", title=title), identity=identity)
        for ident, title, identity in devices
    )
    return Topology("d", "pc", "x86_64", (), others, ())


def test_a_device_is_found_again_on_another_machine() -> None:
    """Each device of a pc is matched with the same device on q35, whatever its address."""
    found = compare(sample("rhel6-pc.xml"), sample("rhel6-pc.xml", "q35"))
    assert changed(found) == {
        "video vga": "moved",
        "NIC virtio": "changed",
        "usb qemu-xhci": "changed",
        "disk vda (virtio)": "changed",
        "memballoon balloon": "changed",
        "sata": "new",
        "watchdog itco": "new",
    }
    disk = next(change for change in found.changes if change.node.title.startswith("disk"))
    assert [(part.name, part.before, part.after) for part in disk.attributes] == [
        ("interface", "transitional", "modern"),
        ("address", "0000:00:04.0", "0000:03:00.0"),
    ]
    assert found.machines == "pc-i440fx-7.2 → pc-q35-11.1"
    assert found.summary() == (
        "3 interfaces changed, 1 model changed, 5 moved, 2 devices new, 5 pcie-root-ports new, 3 unchanged"
    )
    assert list(found.headroom()) == [("conventional PCI", 26, 0), ("usb", 2, 4), ("PCI Express", 0, 1)]


def test_a_converted_disk_is_the_same_disk(tmp_path: Path) -> None:
    """An IDE disk that a conversion turns into a SATA disk is matched, although target and alias change."""
    path = str(SAMPLES / "win2k8r2-pc.xml")
    out, drawn = tmp_path / "new.xml", tmp_path / "change.json"
    assert main(["check", path, "--convert-to", "q35", "-o", str(out), "--picture", str(drawn)]) == 0
    found = compare(sample("win2k8r2-pc.xml"), vk.resolve(vk.read(out)).topology)
    changed = [(change.before, change.after) for change in found.changes if change.differs("device")]
    assert ("disk hda (ide)", "disk sdc (sata)") in [
        (one.title, other.title) for one, other in changed if one and other
    ]
    assert json.loads(drawn.read_text())["difference"]["summary"] == found.summary()


def test_a_name_of_its_own_decides() -> None:
    """A disk with the alias of a removed disk is another disk; two gone and one new disk are not matched."""
    before = bare(("virtio-disk0", "disk vda", "vda"), ("virtio-disk1", "disk vdb", "vdb"), ("x", "disk vdc", "vdc"))
    after = bare(("virtio-disk0", "disk vdb", "vdb"), ("virtio-disk1", "disk vdz", "vdz"))
    assert changed(compare(before, after)) == {"disk vdz": "new", "disk vda": "gone", "disk vdc": "gone"}
    assert [change.kind for change in compare(after, after).changes] == [ChangeKind.SAME, ChangeKind.SAME]


def test_added_bridges_do_not_move() -> None:
    """Root ports that libvirt adds are interchangeable: more of them are new, fewer are gone, none has moved."""
    found = compare(q35(3, 1), q35(2, 1))
    assert changed(found) == {"net0": "moved", "disk vdc": "gone"}
    assert found.summary() == "1 moved, 1 device gone, 1 pcie-root-port gone, 7 unchanged"
    assert changed(compare(q35(2, 1), q35(3, 1))) == {"disk vdc": "new", "net0": "moved"}


def test_text_says_what_was_and_what_is(golden: Callable[[str, str], None]) -> None:
    """The text names both machine types, lists the changes and shows both trees; it is empty for equal trees."""
    assert tree.difference(q35(), q35()) == ""
    before, after = sample("rhel6-pc.xml"), sample("rhel6-pc.xml", "q35")
    golden("draw/difference.txt", tree.difference(before, after))
    assert str(compare(before, after)) == tree.difference(before, after)


@pytest.mark.parametrize(("one", "other"), [("pc", "q35"), ("q35", "pc")])
def test_picture_puts_what_was_beside_what_is(one: str, other: str) -> None:
    """A changed device has its earlier box to the left in its row, a gone one a row of its own, and none overlap."""
    before, after = sample("30-disks-pc.xml", one), sample("30-disks-pc.xml", other)
    placed = layout.lay_out(after, before)
    rows = {box.y: box for box in placed.boxes if box.change is not None and box.change.before is not None}
    beside = [box for box in placed.earlier if box.change is not None and box.change.kind is not ChangeKind.GONE]
    assert len(beside) >= 30
    for box in beside:
        assert rows[box.y].change == box.change
        assert box.change is not None
        assert box.node == box.change.before
        assert box.x + box.width < rows[box.y].x
    heights = sorted(box.y for box in placed.earlier)
    assert min(b - a for a, b in pairwise(heights)) > layout.EARLIER_BOX[1]
    assert max(box.x + box.width for box in placed.earlier) < placed.width


@pytest.mark.slow
def test_picture_is_titled_and_the_same_twice() -> None:
    """Equal inputs give equal bytes; the title names both machine types, the title of a device its earlier values."""
    before, after = sample("rhel6-pc.xml"), sample("rhel6-pc.xml", "q35")
    drawn = picture.svg(after, before)
    assert drawn == picture.svg(after, before)
    assert drawn == compare(before, after)._repr_svg_()
    titles = [str(found.text) for found in etree.fromstring(drawn.encode()).iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0] == "Change of the bus topology of erp-db-rhel6-pc (pc-i440fx-7.2 → pc-q35-11.1)"
    assert any(
        title.startswith(
            "disk vda (virtio) at 0000:03:00.0\nchanged\ninterface was transitional\naddress was 0000:00:04.0\n"
        )
        for title in titles
    )
    assert any(title.startswith("before: disk vda (virtio) at 0000:00:04.0") for title in titles)
    assert picture.png(after, before, 50).startswith(b"\x89PNG")


@pytest.mark.slow
def test_hostile_names_stay_text() -> None:
    """Markup in a name stays text in the picture and in the text of a difference."""
    before, after = q35(name=HOSTILE), q35(2, name="new " + HOSTILE)
    assert "<script" not in picture.svg(after, before)
    assert "\u202e" not in tree.difference(before, after)


@pytest.mark.slow
def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--diff-machine compares a domain with itself, --machine applies to both sides, and misuse is an error."""
    path = str(SAMPLES / "rhel6-pc.xml")
    assert main(["topology", path, "--diff-machine", "q35"]) == 0
    assert capsys.readouterr().out.startswith("erp-db-rhel6-pc: pc-i440fx-7.2 → pc-q35-11.1\n3 interfaces changed, ")
    assert main(["topology", path, "--diff", path, "--machine", "q35"]) == 0
    assert capsys.readouterr().out.startswith("no difference: ")
    assert main(["topology", path, "--machine", "q35", "--diff-machine", "pc"]) == 0
    assert capsys.readouterr().out.startswith("erp-db-rhel6-pc: pc-q35-11.1 → pc-i440fx-11.1\n")
    for ending, start in ((".svg", b"<"), (".png", b"\x89PNG"), (".json", b"{"), (".txt", b"erp-db-rhel6-pc: pc")):
        out = tmp_path / f"change{ending}"
        assert main(["topology", path, "--diff-machine", "q35", "-o", str(out)]) == 0
        assert out.read_bytes().startswith(start)
    capsys.readouterr()
    assert main(["topology", str(SAMPLES / "winxp-pc.xml"), "--diff-machine", "q35"]) == 1
    errors = capsys.readouterr().err
    assert "winxp-pc.xml --convert-to q35 --picture FILE" in errors
    assert "IDE controllers are unsupported" in errors
    assert main(["topology", "-", "--diff", "-"]) == 2
    assert "IN is standard input already" in capsys.readouterr().err
    assert main(["check", path, "--picture", "x.svg"]) == 2
    assert "--fix or --convert-to" in capsys.readouterr().err
    assert main(["check", path, "--fix", "--picture", "x.gif"]) == 2
    assert ".svg, .png, .txt or .json" in capsys.readouterr().err
