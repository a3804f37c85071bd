"""The topology picture: every device is shown once, nothing overlaps, and markup in names stays text."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree

import virtkit as vk
from tests.draw.samples import HOSTILE, ccw, q35
from virtkit import facts
from virtkit.draw import canvas, layout, picture, tree
from virtkit.errors import UsageError
from virtkit.topology.diff import nodes
from virtkit.topology.model import Topology

SVG = "{http://www.w3.org/2000/svg}"
SAMPLES = [q35(), q35(1, 0), q35(30, 14), ccw(), q35(name=HOSTILE)]


def test_text_tree(golden: Callable[[str, str], None]) -> None:
    """The text tree looks like lspci -tv, with marks, headroom and a legend."""
    golden("draw/q35.txt", tree.text(q35()))
    golden("draw/ccw.txt", tree.text(ccw()))


@pytest.mark.parametrize("topology", SAMPLES, ids=["small", "full", "60 devices", "ccw", "hostile"])
def test_no_two_boxes_overlap(topology: Topology) -> None:
    """Boxes are below one another without touching, and inside the picture."""
    placed = layout.lay_out(topology)
    boxes = sorted(placed.boxes, key=lambda box: box.y)
    for above, below in pairwise(boxes):
        assert above.y + above.height / 2 < below.y - below.height / 2
    for box in boxes:
        assert box.x > 0
        assert box.x + box.width < placed.width
        assert box.y + box.height / 2 < placed.height


@pytest.mark.parametrize("topology", SAMPLES, ids=["small", "full", "60 devices", "ccw", "hostile"])
def test_links_end_at_boxes(topology: Topology) -> None:
    """No link crosses a device: bridges are left of all boxes."""
    placed = layout.lay_out(topology)
    left = min(box.x for box in placed.boxes)
    assert all(bridge.x + 5 < left for bridge in placed.bridges)
    assert all(max(line.x0, line.x1) <= left for line in placed.lines)


def test_identical_empty_ports_are_one_row() -> None:
    """Fourteen empty root ports share one row with their count."""
    placed = layout.lay_out(q35(1, 14))
    assert [bridge.count for bridge in placed.bridges if bridge.count > 1] == [14]
    assert [box.text for box in placed.boxes if "ports" in box.text] == [
        "14 free slots, PCI Express, hotplug; ports 02.3 to 04.0"
    ]


@pytest.mark.slow
def test_svg_is_the_same_twice_and_titled() -> None:
    """Equal topologies give equal bytes; the title of a device has its address, driver, interface and reason."""
    first = picture.svg(q35())
    assert picture.svg(q35()) == first
    titles = [str(found.text) for found in etree.fromstring(first.encode()).iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0] == "Bus topology of web (pc-q35-9.2)"
    assert (
        "disk vda at 0000:01:00.0\nalias virtio-disk0\ndriver virtio-blk-pci\nmodern interface\n"
        "address allocated\nthe next free slot that fits\nline 10" in titles
    )


def _alias(title: str) -> list[str]:
    return [line.removeprefix("alias ") for line in title.splitlines() if line.startswith("alias ")]


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(facts.path("domains").glob("*.xml")), ids=lambda path: str(path.stem))
def test_every_device_has_a_title_that_says_all(path: Path) -> None:
    """The title of every device and bridge has its address, alias, driver, interface, every reason, and its line."""
    topology = vk.resolve(vk.read(path)).topology
    titles = [str(found.text) for found in etree.fromstring(picture.svg(topology).encode()).iter(f"{SVG}title")]
    drawn = {box.node.id for box in layout.lay_out(topology).boxes if box.node is not None}
    drawn |= {bridge.node.id for bridge in layout.lay_out(topology).bridges}
    for node in nodes(topology):
        if node.id not in drawn:
            assert node.bus is not None
            assert not node.bus.nodes  # one of several empty ports
            continue
        lines = next(title.splitlines() for title in titles if node.id in (_alias(title) or title.split()[:1]))
        assert lines[0] == f"{node.title} at {node.address}".removesuffix(" at ")
        assert (f"driver {node.driver}" in lines) == bool(node.driver)
        assert (f"{node.interface} interface" in lines) == bool(node.interface)
        assert (f"line {node.line}" in lines) == bool(node.line)
        assert ("added by libvirt" in lines) == node.added
        if node.placed == "user":
            assert "address from the XML" in lines
        else:
            assert set(node.reason.splitlines()) <= set(lines)
        assert node.line or node.reason


@pytest.mark.slow
def test_a_port_says_why_it_was_added() -> None:
    """The title of an added port begins its reasons with the device that needed it."""
    titles = picture.svg(vk.resolve(vk.read(facts.path("domains/ubuntu24.04-q35.xml"))).topology)
    reason = "pcie-root-port is added because disk vda needs a PCI Express slot and none is free"
    assert f"{reason}\nfirst free address" in titles


def test_a_long_picture_still_has_a_png() -> None:
    """A picture too long for the PNG writer is written at a lower resolution."""
    png = canvas.save_png(canvas.Pen(10, 50_000).figure, 144)
    assert 60_000 < int.from_bytes(png[20:24], "big") <= 65_000


@pytest.mark.slow
def test_svg_names_no_host_and_runs_no_script() -> None:
    """Markup in a name is text in the SVG: it adds no element, attribute or reference."""
    root = etree.fromstring(picture.svg(q35(name=HOSTILE)).encode())
    for element in root.iter(etree.Element):
        assert etree.QName(element).localname in {
            "svg",
            "g",
            "path",
            "circle",
            "text",
            "title",
            "rect",
        }
        for name, value in element.attrib.items():
            assert not str(name).lower().startswith("on")
            if str(name).endswith("href"):
                assert str(value).startswith("#")
    assert not re.search(r"url\((?!#)", picture.svg(q35()))


@pytest.mark.slow
def test_png_is_the_same_twice() -> None:
    """Equal topologies give equal PNG bytes."""
    assert picture.png(q35(), dpi=50) == picture.png(q35(), dpi=50)


def test_text_fits() -> None:
    """Text is cut to its width with an ellipsis, and a character that the font lacks is replaced."""
    short = canvas.fit("W" * 200, 8, 100)
    assert short.endswith("…")
    assert canvas.measure(short, 8) <= 100
    assert canvas.fit("vda", 8, 100) == "vda"
    assert canvas.written("漢\n\u202e") == "\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}"


@pytest.mark.slow
def test_picture_ending_is_checked(tmp_path: Path) -> None:
    """A picture is written as SVG or PNG; another suffix is an error that names it."""
    picture.save(q35(), tmp_path / "a.svg")
    picture.save(q35(), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"got '\.pdf'"):
        picture.save(q35(), tmp_path / "a.pdf")
