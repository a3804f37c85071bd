"""A document whose known devices are left out when it is parsed is the document that was written."""

from __future__ import annotations

from random import Random

import pytest

from virtkit import Host, VirtkitError, read, resolve, samples
from virtkit.domain.document import line_of, parse
from virtkit.domain.domain import Domain
from virtkit.domain.frame import Framed, parse_domain
from virtkit.domain.prototypes import samples as known_elements
from virtkit.errors import InputError
from virtkit.fleet.tree_shape import lines_of, tree_key
from virtkit.releases import PROBED
from virtkit.verify.generate import domains
from virtkit.verify.mutations import mutate

DISK = """    <disk type='file' device='disk'>
      <source file='/images/{}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
"""
DOMAIN = """<domain type='kvm'>
  <name>a</name>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
{}  </devices>
  <seclabel type='none'/>
</domain>
"""


def _known() -> None:
    """Make the disk of ``DISK`` known, and nothing else."""
    known_elements.cache_clear()
    for path in "ab":
        assert isinstance(parse_domain(DOMAIN.format(DISK.format(path)).encode()), Framed)


def _domain(devices: str) -> bytes:
    return DOMAIN.format(devices).encode()


def _texts() -> list[bytes]:
    random = Random(7)
    found = []
    for release in PROBED[-2:]:
        for _, text in domains(40, 7, release):
            found += [text.encode(), mutate(random, text).encode()]
    found += [file.read_bytes() for file in sorted(samples().glob("*.xml"))]
    resolved = []
    for data in found:
        try:
            resolved.append(resolve(read(data), Host.named(libvirt="12.8")).xml().encode())
        except VirtkitError:
            continue
    return found + resolved


def test_lines_and_elements_are_those_of_the_whole_document() -> None:
    """The frame and each device have the lines, and each device the element, that they have in the whole document."""
    framed = 0
    for data in _texts() * 3:
        document, whole = parse_domain(data), parse(data)
        elements = [one for holder in whole.root.iterchildren("devices") for one in holder.iterchildren("*")]
        outside = [one for one in whole.root.iter("*") if one not in elements and one.getparent() not in elements]
        if isinstance(document, Framed):
            framed += 1
            assert document.lines == [line_of(one) for one in elements]
            assert [line_of(document.element(place)) for place in range(len(elements))] == document.lines
            assert len(document.written) == len(elements)
            for place, one in enumerate(elements):
                sample = document.written[place][1]
                assert sample is None or list(map(_names, sample.element.iter())) == list(map(_names, one.iter()))
        wanted = [(one.tag, one.sourceline) for one in whole.root.iterchildren("*")]
        assert [(one.tag, one.sourceline) for one in document.frame.iterchildren("*")] == wanted
        assert outside
    assert framed > 150


def _names(element: object) -> tuple[object, ...]:
    return element.tag, *element.attrib  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "devices",
    [
        DISK.format("a") + "    <disk>\n",
        DISK.format("a") + "    </disk>\n",
        DISK.replace("/images/{}", "\x01"),
        DISK.format("a\x02"),
        DISK.format("a\ufffe"),
        DISK.format("a&b"),
        DISK.format("a<b"),
        DISK.format("a").replace("</disk>", "</rng>"),
        DISK.format("a").replace("    </disk>", "</disk>") + "    </devices>\n",
        DISK.format("a") + "    x<rng/\n",
        DISK.format("a") + "    <p:rng/>\n",
        DISK.format("a") + "    <rng a='1' a='2'/>\n",
        "    <rng a='\n" + DISK.format("a") + "'/>\n",
        DISK.format("a") + "\x1c",
    ],
)
def test_what_is_not_well_formed_is_refused_with_its_line(devices: str) -> None:
    """A known device beside, inside or around a fault hides nothing of it."""
    _known()
    with pytest.raises(InputError) as whole:
        parse(_domain(devices), "f.xml")
    with pytest.raises(InputError) as framed:
        parse_domain(_domain(devices), "f.xml")
    assert str(framed.value) == str(whole.value)


@pytest.mark.parametrize(
    "data",
    [
        _domain("    <!--\n" + DISK.format("a") + "    -->\n"),
        _domain("    <rng><![CDATA[\n" + DISK.format("a") + "    ]]></rng>\n"),
        _domain(DISK.format("a")).replace(b"<domain", b"<domain xmlns='urn:other'", 1),
        _domain(DISK.format("a")).replace(b"<devices>", b"<devices xmlns='urn:other'>"),
        _domain(DISK.format("a")).replace(b"<devices>", b"<x><devices>").replace(b"</devices>", b"</devices></x>"),
        _domain(DISK.format("a")).replace(b"  <seclabel", b"  <devices>\n  </devices>\n  <seclabel"),
        _domain(DISK.format("a") + "    <rng\n      model='virtio'/>\n"),
        _domain(DISK.format("a").replace("\n", "\r\n")),
        _domain(DISK.format("a")).decode().encode("utf-16"),
        b"\xef\xbb\xbf" + _domain(DISK.format("a")),
        b"<?xml version='1.0' encoding='latin-1'?>" + _domain(DISK.format("\u00e9")).decode().encode("latin-1"),
        _domain(DISK.format("\u00e9")),
        _domain(""),
        _domain("    <emulator>/bin/qemu</emulator>\n" + DISK.format("a")),
        _domain("    <disk>\n    <disk/>\n    </disk>\n" + DISK.format("a")),
    ],
)
def test_an_unusual_document_is_read_as_it_is_written(data: bytes) -> None:
    """Devices, lines and elements do not depend on which devices are known."""
    answers = []
    for known in (False, True, True):
        if known:
            _known()
        else:
            known_elements.cache_clear()
        try:
            domain = read(data, "f.xml")
            devices = [(repr(one), one.line, one.position, one.element.sourceline) for one in domain.devices]  # type: ignore[union-attr]
            answers.append((devices, lines_of(domain), domain.outline.names, domain.outline.places))
        except VirtkitError as error:
            answers.append(([], [], [str(error)], []))
    known_elements.cache_clear()
    assert answers[0] == answers[1] == answers[2]


NIC = "    <interface type='user'>\n      {}<foo><mac address='52:54:00:00:00:{:02x}'/></foo>\n    </interface>\n"
VNC = "    <graphics type='vnc'{}>\n      <listen type='none' port='{}'/>\n    </graphics>\n"


@pytest.mark.parametrize(
    ("known", "other"),
    [
        ("    <rng model='virtio'>\n    </rng>\n", "      <rng model='virtio'>\n      </rng>\n"),
        ("    <rng model='virtio'><foo/>x\n    </rng>\n", "      <rng model='virtio'><foo/>x\n      </rng>\n"),
        (NIC.format("<mac\taddress='52:54:00:00:00:01'/>", 1), NIC.format("<mac\taddress='52:54:00:00:00:01'/>", 2)),
        (NIC.format("", 1), NIC.format("", 2)),
        (VNC.format("\tport='5901'", "5901"), VNC.format("\tport='5901'", "5902")),
        (VNC.format(" passwd=\"' port='1'\"\tport='1'", 0), VNC.format(" passwd=\"' port='2'\"\tport='1'", 0)),
        (
            "    <interface type='user'>\n      <mac\taddress='52:54:00:00:00:01'/>\n"
            "      <mac address='52:54:00:00:00:01'/>\n    </interface>\n",
            "    <interface type='user'>\n      <mac\taddress='52:54:00:00:00:01'/>\n"
            "      <mac address='52:54:00:00:00:02'/>\n    </interface>\n",
        ),
    ],
)
def test_a_text_is_known_only_where_its_key_decides_it(known: str, other: str) -> None:
    """A device has its own values, and its domain its own shape, where only blanks or a value in an odd place differ
    from those of a known device."""
    whole = Domain(parse(_domain(other)))
    known_elements.cache_clear()
    for _ in range(3):
        tree_key(read(_domain(known)))
        assert isinstance(parse_domain(_domain(known)), Framed)
    found = Domain(parse_domain(_domain(other)))
    macs = [[getattr(device, "mac", None) for device in domain.devices] for domain in (found, whole)]
    known_elements.cache_clear()
    assert macs[0] == macs[1]
    assert tree_key(found) == tree_key(whole)


def test_a_known_device_is_not_parsed_again() -> None:
    """A domain whose devices are all known has an empty ``<devices>`` in its frame, and its disk has its own path."""
    _known()
    domain = read(_domain(DISK.format("b")))
    holder = domain.document.frame.find("devices")
    assert holder is not None
    assert len(holder) == 0
    (disk,) = domain.devices
    assert disk.children["source"].get("file") == "/images/b"
    assert disk.line == 5
