"""Domains that differ only in names, paths, MAC addresses and the like share one answer, which is their own."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from lxml import etree

from tests.corpora import CORPORA, case_names
from tests.writing import domain
from virtkit import facts
from virtkit.domain.source_map import ElementSpan, source_map
from virtkit.fleet.answer import Answer
from virtkit.fleet.examination import Known, examine
from virtkit.fleet.open_values import open_values
from virtkit.fleet.question import Question
from virtkit.fleet.shapes import Shapes
from virtkit.inputs import InMemory

ROWS = [
    (tuple(row["path"].split("/")), row["attribute"], row["form"]) for row in facts.table("fleet/variable-values.csv")
]
SAMPLES = sorted(facts.path("domains").glob("*.xml"))
CORPUS = CORPORA / "libvirt-12.8"
CORPORA_OF_DOMAINS = ("generated", "libvirt-derived", "libvirt-suite", "single-device")


def elements(span: ElementSpan, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], ElementSpan]]:
    """Every element below the root with its path."""
    found = []
    for child in span.children:
        below = (*path, child.name)
        found += [(below, child), *elements(child, below)]
    return found


def varied(text: str, seed: int) -> str:
    """The text of a domain with a new value in the place of every value that may vary; equal ones stay equal."""
    random = Random(seed)
    forms = {
        "word": lambda: f"w{random.getrandbits(32)}",
        "text": lambda: f"Number {random.getrandbits(32)} of a fleet",
        "path": lambda: f"/var/lib/{random.getrandbits(32)}/disk.img",
        "number": lambda: str(random.randrange(1, 65535)),
        "uuid": lambda: f"{random.getrandbits(32):08x}-7874-4db5-a596-dfd435b8f05a",
        "unicast-mac": lambda: "52:54:00:" + ":".join(f"{random.randrange(256):02x}" for _ in range(3)),
    }
    new: dict[tuple[str, str], str] = {}
    places = []
    for path, span in elements(source_map(text)):
        for row, attribute, form in ROWS:
            if row != path:
                continue
            if attribute:
                match = re.compile(rf"""\s{attribute}\s*=\s*(["'])(.*?)\1""").search(text, span.start, span.inner)
                place = match.span(2) if match else (0, 0)
            else:
                place = (span.inner, span.outer)
            value = text[slice(*place)]
            if value and open_values(form).fullmatch(value.encode()):
                places.append((place, new.setdefault((form, value), forms[form]())))
    for (start, end), value in sorted(places, reverse=True):
        text = text[:start] + value + text[end:]
    return text


def reformatted(text: str) -> str:
    """The same domain as another program writes it: other quotes, line breaks and comments, more metadata."""
    root = etree.fromstring(text.encode())
    holder = root.find("metadata")
    if holder is None:
        holder = etree.SubElement(root, "metadata")
    etree.SubElement(holder, "{urn:example:cloud}instance").text = "7 of 9"
    for element in root.iter("disk", "interface", "os"):
        element.addprevious(etree.Comment(" a remark "))
    etree.indent(root, "\t")
    return etree.tostring(root, encoding="unicode").replace("><", ">\n\n<", 1)


def examined(*texts: str, known: Known | None = None) -> Answer:
    """The answer for some domains; by default none of them is compared with a domain of another call."""
    batch = tuple(InMemory(str(n), None, f"{n}.xml", data=text.encode()) for n, text in enumerate(texts))
    return examine(batch, Question(), Known() if known is None else known)


def same_with_and_without(text: str) -> int:
    """Check that four domains of one shape, one of them written differently, get the same answers together and alone;
    the number that were shared."""
    fleet = [text, varied(text, 1), varied(text, 2), reformatted(varied(text, 3))]
    together = examined(*fleet)
    for number, one in enumerate(fleet):
        label = f"{number}.xml"
        alone = examined(one)
        for table, groups in together.rows.items():
            shared = [(str(first[1:]).replace(label, "0.xml"), rows) for first, rows in groups if first[0] == label]
            own = [(str(first[1:]), rows) for first, rows in alone.rows[table]]
            assert shared == own, (table, number)
    return together.shared


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.stem))
def test_a_shared_answer_is_the_own_answer(path: Path) -> None:
    """Rows, lines and counts of a domain are those that it gets alone; of four equal samples some are shared."""
    assert same_with_and_without(path.read_text(encoding="utf-8")) in (1, 2, 3)


@pytest.mark.corpora
@pytest.mark.skipif(not CORPUS.is_dir(), reason="the conformance corpora are not at hand")
@pytest.mark.parametrize("corpus", CORPORA_OF_DOMAINS)
def test_shared_answers_of_the_corpora(corpus: str, whole: bool) -> None:
    """An audit that keeps the answers of a whole corpus says of each domain, accepted or refused, also varied and
    written differently, what an audit of that domain alone says."""
    known = Known()
    shared = 0
    for name in case_names(CORPUS / corpus, whole):
        text = (CORPUS / corpus / f"{name}.in.xml").read_bytes().decode("utf-8")
        fleet = [text]
        with suppress(etree.XMLSyntaxError, ValueError):
            fleet += [varied(text, 1), reformatted(varied(text, 2))]
        for one in fleet:
            found, alone = examined(one, known=known), examined(one)
            shared += found.shared
            assert (found.rows, found.dataset_rows, found.skipped) == (alone.rows, alone.dataset_rows, alone.skipped)
    assert shared > 10


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("virtio", "virtio-transitional"),
        ("<target dev='vda'", "<target dev='vdb'"),
        ("<devices>", "<devices>\n"),
        ("<devices>", "<devices><!-- a remark -->"),
        ("52:54:00", "53:54:00"),
        ("/var/lib", "/var/&lib;"),
        ("</domain>", "</domain><domain/>"),
    ],
)
def test_another_text_has_another_shape(old: str, new: str) -> None:
    """A model, a target, a line, a comment, a multicast address, an entity, and what follows the domain all count."""
    text = facts.path("domains/rhel6-q35-virtio.xml").read_text(encoding="utf-8").replace('"', "'")
    assert old in text
    known = Known()
    examined(text, varied(text, 1), known=known)
    other = varied(text, 3)
    assert known.texts.find(other.encode()) is not None
    assert known.texts.find(other.replace(old, new, 1).encode()) is None


@pytest.mark.parametrize(
    ("old", "new", "shared"),
    [
        ("<devices>", "<devices>\n<!-- a remark -->", 1),
        ("<target dev='vda' bus='virtio'/>", "<target\n bus='virtio' dev='vda'/>", 1),
        ("</metadata>", "<a xmlns='urn:example'>b</a></metadata>", 1),
        ("virtio", "virtio-transitional", 0),
        ("<target dev='vda'", "<target dev='vdb'", 0),
        ("rhel/6.10", "rhel/7.0", 0),
        ("52:54:00", "53:54:00", 0),
    ],
)
def test_the_parsed_domain_has_a_shape_too(old: str, new: str, shared: int) -> None:
    """Domains that are written differently share an answer, with their own lines; what is read is in the key."""
    text = facts.path("domains/rhel6-q35-virtio.xml").read_text(encoding="utf-8")
    assert old in text
    known = Known()
    examined(text, known=known)
    other = varied(text, 3).replace(old, new, 1)
    found, alone = examined(other, known=known), examined(other)
    assert found.shared == shared
    assert found.rows == alone.rows


def test_equal_values_are_a_shape_of_their_own() -> None:
    """Two NICs of one MAC address are not the domain whose NICs have two."""
    nic = "<interface type='user'><mac address='52:54:00:00:00:0{}'/><model type='virtio'/></interface>"
    apart = domain(nic.format(1) + nic.format(2)).decode()
    known = Known()
    assert examined(apart, apart, apart, known=known).shared == 2
    assert examined(apart.replace("00:02", "00:01"), known=known).shared == 0


def test_an_empty_value_is_a_shape_of_its_own() -> None:
    """A domain with an empty title has the same row, the name of its shape included, beside others and alone."""
    text = domain("").decode().replace("</name>", "</name><title>{}</title>")
    known = Known()
    examined(*[text.format(f"Number {n}") for n in range(4)], known=known)
    other = text.format("")
    assert examined(other, known=known).rows == examined(other).rows


def test_shapes_are_bounded_and_stop_where_they_do_not_pay() -> None:
    """Thousands of different texts keep few shapes, and a text is still answered when its shape is gone."""
    shapes: Shapes[int] = Shapes()
    for number in range(3000):
        text = f"<domain><name>a</name><memory>{number}</memory></domain>".encode()
        assert shapes.find(text) is None
        shapes.add(text, number)
    assert shapes.kept < 400
    assert (shapes.hits, shapes.misses) == (0, 3000)
