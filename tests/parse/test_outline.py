"""The outline of a domain's text, which the writer uses in place of a map of every element."""

from __future__ import annotations

import pytest

from virtkit import samples
from virtkit.domain.source_map import ElementSpan, _spans_in, outline, source_map

DISK = "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>"
TEXTS = (
    f"<domain><os><type arch='x86_64'>hvm</type></os><devices>{DISK}<rng model='virtio'/></devices></domain>",
    f"<domain><!-- <devices> --><os><type>hvm</type></os><devices>{DISK}<!-- </disk> --></devices></domain>",
    f"<domain><os><type>hvm</type></os><devices>{DISK}</devices><devices><rng/></devices></domain>",
    "<domain><metadata><a><devices><b/></devices></a></metadata><os><type>hvm</type></os><devices><rng/></devices></domain>",
    "<domain><metadata><os id='1'/></metadata><os><type>hvm</type></os><devices/></domain>",
    "<domain><os><nvram/></os><devices>\n<disk ><disk><disk/></disk></disk >\n</devices></domain>",
    "<domain><os><type>hvm</type></os><devices><disk><diskette/></disk><a b='>'/><c d=\"/>\"></c\n></devices></domain>",
    "<domain><devices><video><model><![CDATA[</video>]]></model></video></devices></domain>",
    "<domain><os><type>hvm</type></os></domain>",
    "<domain/>",
)


def _places(span: ElementSpan | None) -> object:
    if span is None:
        return None
    return span.name, span.start, span.inner, span.outer, span.end, [_places(child) for child in span.children]


@pytest.mark.parametrize("text", [*TEXTS, *(file.read_text() for file in sorted(samples().glob("*.xml")))])
def test_an_outline_has_the_places_of_the_full_map(text: str) -> None:
    """The outline finds each device, each holder and the type where the map of every element has them."""
    root = source_map(text)
    system = root.child("os")
    holders = [child for child in root.children if child.name == "devices"]
    found = outline(text)
    assert _places(found.os_type) == _places(None if system is None else system.child("type"))
    assert [_places(one) for one in found.holders] == [_places(one) for one in holders]
    devices = [_spans_in(text, *place)[0] for place in found.places]
    assert [_places(one) for one in devices] == [_places(child) for one in holders for child in one.children]
    assert found.end == root.outer
