"""Small domains to resolve, and the places that devices got in a resolved one."""

from __future__ import annotations

import re
from functools import cache

from lxml import etree

from virtkit import Host, Resolved, read, resolve
from virtkit.releases import DEFAULT, dotted

#: The release that tests of differences compare with the default one, and both together.
OLD, NEW = "9.0", dotted(DEFAULT)
RELEASES = (OLD, NEW)
NO_USB = "<controller type='usb' model='none'/>"
NO_BALLOON = "<memballoon model='none'/>"


@cache
def host(release: str = NEW) -> Host:
    """The shipped host of a release; facts are loaded once."""
    return Host.default(release)


def domain(devices: str = "", machine: str = "q35", arch: str = "x86_64", more: str = "") -> bytes:
    """The XML of a domain with these device elements."""
    return (
        f"<domain type='qemu'>\n  <name>case</name>\n  <memory unit='KiB'>1048576</memory>\n  {more}\n"
        f"  <os><type arch='{arch}' machine='{machine}'>hvm</type></os>\n"
        f"  <devices>\n{devices}\n  </devices>\n</domain>\n"
    ).encode()


def resolved(data: bytes, release: str = NEW) -> Resolved:
    """What becomes of it."""
    return resolve(read(data), host(release))


def letters(number: int) -> str:
    """The letters of a disk's name: 0 is a, 25 is z, 26 is aa."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(97 + rest) + text
    return text


def several(line: str) -> str:
    """Elements from their short form: ``3 x <tag …{letter}…/>`` stands for three, the letters running."""
    found = re.fullmatch(r"(\d+) x (.*)", line)
    if found is None:
        return line
    return "\n".join(found[2].replace("{letter}", letters(n)) for n in range(int(found[1])))


def places(xml: str | bytes) -> str:
    """Where everything in a resolved domain sits: a line for each PCI controller, else one for each kind of device.

    Kinds stand in alphabetical order, devices of one kind in document order; a device without an address is a ``-``.
    """
    root = etree.fromstring(xml.encode() if isinstance(xml, str) else xml)
    lines: list[str] = []
    groups: dict[str, list[str]] = {}
    for element in root.iterfind("devices/*"):
        tag = str(element.tag)
        where = _place(element)
        if tag == "controller":
            name = " ".join(filter(None, (element.get("type"), element.get("index"), element.get("model"))))
            target = element.find("target")
            options = "" if target is None else "".join(f" {k!s} {v!s}" for k, v in target.attrib.items())
            lines.append(f"{name}: {where}{options}")
        else:
            groups.setdefault(tag, []).append(where)
    for tag, found in sorted(groups.items()):
        if set(found) != {"-"}:
            lines.append(f"{tag}: {' '.join(found)}")
    return "\n".join(lines) or "nothing"


def _place(element: etree._Element) -> str:
    address = element.find("address")
    if address is None:
        return "-"
    get = address.attrib.get

    def hexadecimal(name: str) -> int:
        return int(get(name) or "0", 0)

    kind = get("type")
    if kind == "pci":
        text = f"{hexadecimal('bus'):02x}:{hexadecimal('slot'):02x}.{hexadecimal('function')}"
        text += "+" if get("multifunction") == "on" else ""
        zpci = address.find("zpci")
        if zpci is not None:
            text += f"/uid={int(zpci.get('uid') or '', 0)}/fid={int(zpci.get('fid') or '', 0)}"
        return text
    if kind == "ccw":
        return f"{hexadecimal('cssid'):x}.{hexadecimal('ssid'):x}.{hexadecimal('devno'):04x}"
    if kind == "drive":
        return ":".join(get(name) or "" for name in ("controller", "bus", "target", "unit"))
    if kind == "usb":
        return f"{get('bus')}/{get('port')}"
    if kind == "virtio-serial":
        return f"{get('controller')}/{get('port')}"
    if kind == "spapr-vio":
        return f"{hexadecimal('reg'):#x}"
    return " ".join([str(kind), *(str(value) for name, value in address.attrib.items() if name != "type")])
