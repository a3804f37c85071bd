"""Small domains whose devices share slots, ports, units and numbers: where each device is, and what was filled in."""

from __future__ import annotations

from lxml import etree

from tests.slots.worked import Example, answers, each_of, kinds
from tests.writing import places, resolved


@each_of("slots/mixed.txt")
def test_places_and_defaults(example: Example, release: str) -> None:
    """Addresses, added devices, models, ports of serials and consoles, and companions are those of libvirt."""
    assert answers(example, release, observed) == example.expected[release]


def observed(xml: bytes, release: str) -> str:
    """The places, the kinds that have no place, the ports of serials and consoles, and the ports of companions."""
    result = resolved(xml, release).xml()
    root = etree.fromstring(result.encode())
    lines = [*places(result).splitlines(), *kinds(result).splitlines()]
    for element in root.iterfind("devices/*"):
        target, master = element.find("target"), element.find("master")
        if element.tag in ("serial", "parallel", "console") and target is not None:
            lines.append(f"{element.tag!s} {element.get('type')!s}: port {target.get('port')!s}")
        if master is not None:
            lines.append(f"{element.get('model')!s}: startport {master.get('startport')!s}")
    return "\n".join(lines)
