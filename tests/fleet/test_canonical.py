"""The canonical text of a domain is the same whether it is joined from its elements or made of the whole tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpora import case_names
from tests.fleet.test_shapes import CORPORA_OF_DOMAINS, CORPUS, SAMPLES, varied
from virtkit.domain.domain import Domain
from virtkit.errors import VirtkitError
from virtkit.fleet.canonical import whole_text
from virtkit.fleet.element_texts import joined_text
from virtkit.fleet.tree_shape import lines_of
from virtkit.inputs import read

DISK = "<disk type='file'><source file='/a/b'/><target dev='vda' bus='virtio'/><serial>S1</serial></disk>"


def domain(devices: str, head: str = "<name>a</name><os><type>hvm</type></os>", attributes: str = "type='kvm'") -> str:
    """The text of a domain."""
    return f"<domain {attributes}>{head}<devices>{devices}</devices></domain>"


def joined(text: str) -> bytes | None:
    """The canonical text that is joined, after a check that it is that of the whole tree."""
    found: Domain = read(text.encode())
    both = joined_text(found), whole_text(found.document.root)
    assert both[0] in (None, both[1])
    return both[0]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.stem))
def test_samples(path: Path) -> None:
    """The samples and domains of their shapes have equal texts both ways, also when their elements are known."""
    text = path.read_text(encoding="utf-8")
    first = [joined(one) for one in (text, varied(text, 1), varied(text, 2))]
    assert first == [joined(one) for one in (text, varied(text, 1), varied(text, 2))]


@pytest.mark.corpora
@pytest.mark.skipif(not CORPUS.is_dir(), reason="the conformance corpora are not at hand")
@pytest.mark.parametrize("corpus", CORPORA_OF_DOMAINS)
def test_corpora(corpus: str, whole: bool) -> None:
    """Most domains of the corpora are joined, and all that are have equal texts both ways."""
    found = []
    for name in case_names(CORPUS / corpus, whole):
        try:
            found.append(joined((CORPUS / corpus / f"{name}.in.xml").read_text(encoding="utf-8")))
        except VirtkitError:
            continue
    assert found.count(None) < len(found) / 4


@pytest.mark.parametrize(
    "text",
    [
        domain(DISK),
        domain(f" {DISK}\n{DISK.replace('vda', 'vdb')} "),
        domain(DISK.replace("/a/b", "/a//b")),
        domain(DISK.replace("/a/b", "/a/&amp;b")),
        domain(DISK.replace("S1", "")),
        domain(DISK.replace("S1", "/virtkit/0").replace("/a/b", "virtkit-0")),
        domain("<disk><source file='/virtkit/0' dev='/virtkit/0'/><target dev='vda'/></disk>"),
        domain("<disk><other><source file='/a'/></other><source dev='/a'/></disk>"),
        domain("<disk><mirror><source file='/a/b'/><serial> S1</serial></mirror></disk>"),
        domain("<graphics type='vnc' port='5901'/><graphics type='vnc' port='69990'/><graphics port='0'/>"),
        domain("<interface><mac address='52:54:00:00:00:01'/><target dev=\"v'\"/></interface>"),
        domain(DISK, "<title></title><description>a > b\n  </description><name>\n</name>"),
        domain(DISK, "<metadata><a xmlns='urn:a'>b</a></metadata><name>a</name>"),
        domain(DISK, "<name>a</name>", 'id=\'7\' type="kvm"'),
        domain("<disk>\n</disk><disk> a <b/>\n</disk>"),
        f"<?xml version='1.0'?>\n{domain(DISK)}\n",
        domain(DISK).replace("\n", "\r\n"),
    ],
)
def test_plain_domains(text: str) -> None:
    """A plain domain is joined from its elements, whatever its values are; blanks between elements do not count."""
    assert joined(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        domain(f"{DISK}\u00a0{DISK}"),
        domain(f"{DISK}<!-- a remark -->"),
        domain(f"{DISK}<![CDATA[ ]]>"),
        domain(f"a{DISK}b"),
        domain(DISK, "<name>a</name>&#10;"),
        domain(DISK, attributes="type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"),
        domain(DISK, attributes="type='kvm' xml:lang='en'"),
        domain(DISK).replace("<devices>", "<devices xmlns:a='urn:a'>"),
        domain(DISK, "<metadata/><name>a</name><metadata/>"),
        domain(f"{DISK}<tpm><metadata/></tpm>"),
        domain(DISK, "<description>\u2400</description>"),
        domain(""),
        domain(DISK) + "<!-- a remark -->",
    ],
)
def test_other_domains(text: str) -> None:
    """A domain whose elements do not decide its text alone is taken as a whole."""
    assert joined(text) is None


@pytest.mark.parametrize(
    ("device", "values"),
    [
        (DISK, ["/a/b", "/c", "/a//b", "/a:b", "/a b", "/S1", "/virtkit/0", "/a/b"]),
        ("<disk><source dev='/a/b'/><target dev='vda'/></disk>", ["/a/b", "/c", "/a;b", "/vda", "/c"]),
        ("<disk><source file='/a/b' name='/n'/></disk>", ["/a/b", "/n", "/c", "/c,d", "/n"]),
        ("<graphics type='vnc' port='/a/b'/>", ["5900", "0", "05900", "5901", "99999", "5900"]),
        (
            "<interface><mac address='/a/b'/><source bridge='b'/></interface>",
            ["52:54:00:00:00:01", "52:54:00:00:00:02", "53:54:00:00:00:02", "52:54:00:00:00:03"],
        ),
    ],
)
def test_the_text_does_not_depend_on_the_domains_before(device: str, values: list[str]) -> None:
    """Whatever values alike devices had before, the joined text is the text of the whole, in any order."""
    for order in (values, values[::-1]) * 2:
        for value in order:
            text = domain(f"\n  {device.replace('/a/b', value)}\n  <rng/>\n")
            assert joined(text) == whole_text(read(text.encode()).document.root)


def test_equal_values_have_equal_marks() -> None:
    """Which values are equal is part of the text; what they are is not."""
    one, other = joined(domain(DISK * 2)), joined(domain(DISK + DISK.replace("/a/b", "/c")))
    assert one != other
    assert one == joined(domain(DISK.replace("/a/b", "/d") * 2))


def test_lines_of_a_long_domain() -> None:
    """The lines of devices are known beyond the 65,535 that libxml2 counts to only as far as it counts."""
    found = lines_of(read(domain("\n<rng/>" + "\n" * 70_000 + "<rng/>").encode()))
    assert found[:2] == [1, 2]
    assert len(found) == 3
