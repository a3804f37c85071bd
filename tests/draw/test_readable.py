"""Every picture is readable: no text overlaps another, crosses a border or a link, leaves the page or is too pale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

import virtkit as vk
from tests.draw.geometry import faults, texts
from tests.draw.samples import HOSTILE, ccw, q35
from tests.draw.test_matrix_page import LABELS, frame
from virtkit import facts
from virtkit.draw import picture
from virtkit.draw.canvas import measure
from virtkit.draw.charts import bars, headroom, heatmap, shares
from virtkit.notebook.guests import guest_labels
from virtkit.topology.model import Bus, Node, Topology

pytestmark = pytest.mark.slow

DOMAINS = sorted(Path(facts.path("domains")).glob("*.xml"))

NAMES = {
    "long": "erp-database-of-the-finance-department-in-the-second-data-centre-" * 4,
    "wide": "データベースサーバー" * 12,
    "combining": "e\u0301a\u0308o\u0302\u0323" * 60,
    "right to left": "שרת מסד נתונים خادم قاعدة البيانات " * 6,
    "hostile": HOSTILE * 4,
}


def generated(count: int, machine: str, name: str = "generated") -> Topology:
    """A domain of ``count`` virtio devices: disks, NICs, and every twentieth another device."""
    parts = []
    for place in range(count):
        if place % 20 == 19:
            parts.append("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>")
        elif place % 3 == 2:
            parts.append("<interface type='user'><model type='virtio'/></interface>")
        else:
            letters = "".join(chr(97 + part) for part in divmod(place, 26))
            parts.append(
                f"<disk type='file' device='disk'><source file='/d'/><target dev='vd{letters}' bus='virtio'/></disk>"
            )
    text = (
        f"<domain type='kvm'><name>{name}</name><memory>1048576</memory><os><type arch='x86_64' machine='{machine}'>"
        f"hvm</type></os><devices>{''.join(parts)}</devices></domain>"
    )
    return vk.resolve(vk.read(text.encode())).topology


def renamed(topology: Topology, word: str) -> Topology:
    """The topology with ``word`` in every name."""

    def over(node: Node) -> Node:
        return replace(node, title=f"{node.title} {word}", driver=f"{node.driver} {word}", bus=under(node.bus))

    def under(bus: Bus | None) -> Bus | None:
        return None if bus is None else replace(bus, nodes=tuple(map(over, bus.nodes)))

    roots = tuple(replace(bus, nodes=tuple(map(over, bus.nodes))) for bus in topology.roots)
    return replace(topology, name=word, machine=f"pc-{word}", roots=roots, others=tuple(map(over, topology.others)))


def drawings() -> Iterator[tuple[str, Callable[[], Figure]]]:
    for path in DOMAINS:
        yield path.stem, lambda path=path: picture.figure(vk.resolve(vk.read(path)).topology)  # type: ignore[misc]
    for count in (3, 60, 200):
        yield f"{count} on q35", lambda count=count: picture.figure(generated(count, "q35"))  # type: ignore[misc]
        yield f"{count} on pc", lambda count=count: picture.figure(generated(count, "pc"))  # type: ignore[misc]
        yield (
            f"{count} from pc to q35",
            lambda count=count: picture.figure(generated(count, "q35"), generated(count, "pc")),  # type: ignore[misc]
        )
        yield (
            f"{count} from q35 to pc",
            lambda count=count: picture.figure(generated(count, "pc"), generated(count, "q35")),  # type: ignore[misc]
        )
    yield "ccw", lambda: picture.figure(ccw())
    yield "ccw after q35", lambda: picture.figure(ccw(), q35())
    yield "q35 after ccw", lambda: picture.figure(q35(3, 9), ccw())
    for sort, word in NAMES.items():
        yield f"{sort} names", lambda word=word: picture.figure(renamed(q35(3), word))  # type: ignore[misc]
        yield (
            f"{sort} names compared",
            lambda word=word: picture.figure(renamed(q35(3), word), renamed(q35(4, 6), word[5:])),  # type: ignore[misc]
        )


DRAWINGS = dict(drawings())


#: One large drawing is enough for every run.
LARGE = [name for name in DRAWINGS if name.startswith("200 ")][1:]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.system) if name in LARGE else name for name in DRAWINGS]
)
def test_topologies_can_be_read(name: str) -> None:
    """Pictures of few and many devices, with long names and any script, alone and compared, have no faults."""
    assert faults(DRAWINGS[name]()) == []


@pytest.mark.parametrize("count", [0, 1, 20])
@pytest.mark.parametrize("word", ["web", *NAMES.values()], ids=["plain", *NAMES])
def test_bars_can_be_read(count: int, word: str) -> None:
    """Charts of no, one and many bars, with small and large counts side by side, have no faults."""
    names = [f"{word} {place}" for place in range(count)]
    series = {
        "works": [place * 37 % 1000 for place in range(count)],
        "fails": [place % 3 for place in range(count)],
        word: [1000 - place for place in range(count)],
    }
    assert faults(bars(word, names, series, note=word).figure) == []


@pytest.mark.parametrize("word", ["web", *NAMES.values()], ids=["plain", *NAMES])
def test_shares_can_be_read(word: str) -> None:
    """Charts of shares have no faults, whatever the names of rows and columns and the colour step."""
    table = pd.DataFrame({f"{word} {n}": [n / 12, 1 - n / 12] for n in range(13)}, index=[word, f"{word} other"])
    assert faults(shares(word, table, note=word).figure) == []


@pytest.mark.parametrize("count", [0, 1, 100])
@pytest.mark.parametrize("word", ["web", *NAMES.values()], ids=["plain", *NAMES])
def test_headroom_can_be_read(count: int, word: str) -> None:
    """Charts of no, one and more domains than are shown, some without a kind of slot, have no faults."""
    rows = [
        {"name": f"{word} {place}", "kind": kind, "free": place * 7 % 30 * scale}
        for place in range(count)
        for kind, scale in (("PCI Express", 1), ("conventional PCI", 0), ("usb", 900), (word, 1))
        if (place + len(kind)) % 3
    ]
    table = pd.DataFrame(rows, columns=["name", "kind", "free"])
    assert faults(headroom(word, table, note=word).figure) == []


def test_heat_maps_can_be_read() -> None:
    """Heat maps of a small matrix, of all guests, and of many machine types have no faults."""
    assert faults(heatmap(frame(), "Overview", LABELS).figure) == []
    every = vk.matrix(machines="pc,q35", kinds="net,block,scsi,rng,balloon")
    assert faults(heatmap(every, "Overview", guest_labels(every["guest"].unique())).figure) == []
    many = vk.matrix("rhel*", machines="all", models="virtio", kinds="net")
    assert many["machine"].nunique() > 30
    assert faults(heatmap(many, "Overview", guest_labels(many["guest"].unique())).figure) == []


def test_a_text_that_is_moved_is_noticed() -> None:
    """The check can fail: a text moved onto another, out of its box, onto a link or off the page is a fault."""
    for title, dx, dy in (
        ("disk vda", 0, 12),
        ("disk vda", -24, 0),
        ("virtio-blk-pci · virtio-disk0", 0, 9),
        ("02.1", 0, 5),
    ):
        drawn = picture.figure(q35())
        assert faults(drawn) == []
        text = next(text for text, _ in texts(drawn) if text.get_text() == title)
        x, y = text.get_position()
        text.set_position((x + dx, y + dy))
        assert faults(drawn) != [], (title, dx, dy)
    drawn = picture.figure(q35())
    texts(drawn)[0][0].set_x(-30)
    assert any("leaves the page" in fault for fault in faults(drawn))
    drawn = picture.figure(q35())
    texts(drawn)[0][0].set_color("#A0A0A0")
    assert any("too pale" in fault for fault in faults(drawn))


def test_measure_agrees_with_matplotlib() -> None:
    """The measured width of a text is the width that matplotlib gives it, within a point."""
    for word in ("plain", *NAMES.values()):
        for text, area in texts(picture.figure(renamed(q35(), word))):
            family, weight = text.get_fontfamily()[0], str(text.get_fontweight())
            width = measure(text.get_text(), float(text.get_fontsize()), family, weight)
            assert width == pytest.approx(area.x1 - area.x0, abs=1.0, rel=0.01), text.get_text()
