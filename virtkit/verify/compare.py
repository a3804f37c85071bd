"""Two resolved domains compared by meaning: controllers, device models and addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lxml import etree

__all__ = ["Difference", "compare", "facts_of"]

#: Elements below <devices> that have no address.
_SKIPPED = frozenset({"emulator", "graphics", "audio"})

#: Where each kind keeps its model: attribute of the element, or (child, attribute).
_MODEL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "interface": ("model/type",),
        "video": ("model/type", "model/device"),
        "controller": ("model", "model/name"),
        "disk": ("model", "target/bus", "target/dev", "device"),
        "input": ("type", "bus", "model"),
        "serial": ("target/type", "target/port", "target/model/name"),
        "console": ("target/type", "target/port"),
        "parallel": ("target/port",),
        "channel": ("target/type", "target/name"),
        "hostdev": ("type", "model"),
        "memory": ("model", "target/node"),
        "filesystem": ("model", "driver/type"),
        "smartcard": ("mode",),
        "redirdev": ("bus", "type"),
        "shmem": ("model/type",),
        "tpm": ("model",),
        "pstore": ("backend",),
    }
)

#: The value that an unwritten attribute means.
_UNWRITTEN: Mapping[tuple[str, str], str] = MappingProxyType({("disk", "device"): "disk"})

#: Options of PCI controllers that libvirt fills in while it places them.
_TARGET = ("chassisNr", "chassis", "port", "busNr", "index", "hotplug")

#: Attributes of addresses that are no numbers; a USB port may be "1.2". All others are compared as numbers.
_TEXT = frozenset({"type", "multifunction", "port"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: the device, the aspect, the predicted and the observed text ("" is nothing)."""

    where: str
    aspect: str
    predicted: str
    observed: str

    def __str__(self) -> str:
        return (
            f"{self.where}: {self.aspect}: predicted {self.predicted or 'nothing'}, "
            f"observed {self.observed or 'nothing'}"
        )


def compare(predicted: etree._Element, observed: etree._Element, order: bool = False) -> list[Difference]:
    """The differences of two ``<domain>`` elements; empty when they mean the same.

    It compares the machine type, each controller (model, options, address) and each device by its position among
    devices of its kind; with ``order`` also the order of the controllers of each type. Numbers are compared as
    numbers; aliases, sources and back ends are not compared.
    """
    found = []
    for aspect in ("arch", "machine"):
        ours, theirs = (root.find("os/type") for root in (predicted, observed))
        mine = "" if ours is None else ours.get(aspect, "")
        its = "" if theirs is None else theirs.get(aspect, "")
        if mine != its:
            found.append(Difference("os", aspect, mine, its))
    left, right = facts_of(predicted), facts_of(observed)
    for where in dict.fromkeys((*left, *right)):
        mine_facts, its_facts = left.get(where), right.get(where)
        if mine_facts is None or its_facts is None:
            found.append(Difference(where, "device", _present(mine_facts), _present(its_facts)))
            continue
        for aspect in dict.fromkeys((*mine_facts, *its_facts)):
            mine, its = mine_facts.get(aspect, ""), its_facts.get(aspect, "")
            if mine != its:
                found.append(Difference(where, aspect, mine, its))
    if order and left.keys() == right.keys():
        orders = [_orders(side) for side in (left, right)]
        for kind, mine in orders[0].items():
            if mine != orders[1][kind]:
                found.append(Difference(f"controllers {kind}", "order", mine, orders[1][kind]))
    return found


def _orders(wheres: Iterable[str]) -> dict[str, str]:
    """The indexes of each controller type, in document order."""
    found: dict[str, str] = {}
    for where in wheres:
        word, _, rest = where.partition(" ")
        if word == "controller":
            kind, _, index = rest.partition(" ")
            found[kind] = f"{found.get(kind, '')} {index}".strip()
    return found


def facts_of(root: etree._Element) -> dict[str, dict[str, str]]:
    """The compared facts of each device: "interface 0" or "controller pci 1" -> aspect -> text, in document order."""
    found: dict[str, dict[str, str]] = {}
    counts: dict[str, int] = {}
    for node in _devices(root):
        tag = str(node.tag)
        if tag == "controller":
            where = f"controller {node.get('type', '')} {node.get('index', '')}"
        else:
            number = counts.get(tag, 0)
            counts[tag] = number + 1
            where = f"{tag} {number}"
        facts: dict[str, str] = {}
        for path in _MODEL.get(tag, ("model",)):
            facts[path] = _value(node, path) or _UNWRITTEN.get((tag, path), "")
        if tag == "controller":
            target = node.find("target")
            for option in _TARGET:
                facts[f"target/{option}"] = "" if target is None else _number(target.get(option, ""))
            node_id = node.findtext("target/node") or ""
            facts["target/node"] = node_id
        facts["address"] = _address(node)
        found[where] = facts
    return found


def _devices(root: etree._Element) -> Iterator[etree._Element]:
    devices = root.find("devices")
    children: Iterable[etree._Element] = () if devices is None else devices.iterchildren(tag=etree.Element)
    for node in children:
        # The first console mirrors the first serial port; it has no place of its own.
        if str(node.tag) not in _SKIPPED:
            yield node


def _value(node: etree._Element, path: str) -> str:
    *steps, attribute = path.split("/")
    place: etree._Element | None = node
    for step in steps:
        place = None if place is None else place.find(step)
    return "" if place is None else place.get(attribute, "")


def _address(node: etree._Element) -> str:
    """The address in one spelling: ``pci domain=0 bus=1 slot=0 function=0``, zPCI ids included."""
    address = node.find("address")
    if address is None:
        return ""
    words = [address.get("type", "")]
    for key, text in sorted(address.attrib.items()):
        if key == "type" or (key == "multifunction" and text == "off"):
            continue
        words.append(f"{key!s}={text if key in _TEXT else _number(text, octal=words[0] == 'pci')!s}")
    for child in address.iterchildren("zpci"):
        words += [f"{key!s}={_number(text)}" for key, text in sorted(child.attrib.items())]
    return " ".join(words)


def _number(text: object, *, octal: bool = False) -> str:
    """A number in base 10; with ``octal`` a leading 0 means base 8, as libvirt reads it in PCI addresses."""
    word = str(text)
    other = 8 if octal and word.startswith("0") else 10
    try:
        return str(int(word, 16 if word.lower().startswith("0x") else other))
    except ValueError:
        return word


def _present(facts: Mapping[str, str] | None) -> str:
    if facts is None:
        return ""
    return ", ".join(text for text in facts.values() if text) or "present"
