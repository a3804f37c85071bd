"""What mutations put in: the elements, attributes and values of the seeds, numbers at borders, and odd texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from random import Random

from lxml import etree

__all__ = ["NUMBERS", "ODD", "XmlPool", "number_near"]

NUMBERS = (
    "0", "1", "-1", "2", "7", "8", "15", "16", "31", "32", "33", "63", "64", "127", "128", "255", "256", "257", "1023",
    "1024", "4095", "4096", "32767", "32768", "65535", "65536", "2147483647", "2147483648", "4294967295", "4294967296",
    "9223372036854775807", "18446744073709551615", "18446744073709551616", "0x0", "0x1f", "0x20", "0xff", "0xffff",
    "0xfe", "010", "1e9", "1.5", "00", "+1", " 1", "1 ",
)  # fmt: skip
ODD = (
    "", " ", "none", "default", "auto", "yes", "no", "on", "off", "virtio", "pci", "q35", "hvm", "x", "é", "٣", "\t",
    "\n", "a" * 300, "%s", "{0}", "${x}", "../..", "/", "\u202e", "\u2028", "<&'\">", "]]>", "&amp;", "null", "true",
    "[]", "{}", "0000:00:01.0", "52:54:00:00:00:01", "vda", "vdz", "sda", "hda",
)  # fmt: skip


def number_near(random: Random, text: str) -> str:
    """The number one below or above ``text``, its double or its opposite; a number at a border for other text."""
    try:
        number = int(text, 0)
    except ValueError:
        return random.choice(NUMBERS)
    changed = random.choice((number + 1, number - 1, number * 2, -number, number ^ 1 << random.randrange(16)))
    return hex(changed) if text.startswith("0x") and changed >= 0 else str(changed)


class XmlPool:
    """The vocabulary of some XML documents: children by parent, values by element and attribute, texts by element."""

    def __init__(self, documents: Iterable[bytes]) -> None:
        children: dict[str, set[bytes]] = defaultdict(set)
        values: dict[tuple[str, str], set[str]] = defaultdict(set)
        by_name: dict[str, set[str]] = defaultdict(set)
        texts: dict[str, set[str]] = defaultdict(set)
        for data in documents:
            try:
                root = etree.fromstring(data)
            except (etree.XMLSyntaxError, ValueError):
                continue
            for element in root.iter(etree.Element):
                tag = str(element.tag)
                parent = element.getparent()
                if parent is not None:
                    children[str(parent.tag)].add(etree.tostring(element, with_tail=False))
                for name, value in element.attrib.items():
                    values[tag, str(name)].add(str(value))
                    by_name[str(name)].add(str(value))
                if element.text and element.text.strip():
                    texts[tag].add(element.text.strip())
        self.children = {tag: sorted(found, key=lambda one: (len(one), one)) for tag, found in children.items()}
        self.values = {key: sorted(found) for key, found in values.items()}
        self.by_name = {name: sorted(found) for name, found in by_name.items()}
        self.texts = {tag: sorted(found) for tag, found in texts.items()}
        self.names: dict[str, list[str]] = defaultdict(list)
        for tag, name in sorted(self.values):
            self.names[tag].append(name)
        self.tags = sorted({tag for found in self.children.values() for tag in map(_tag, found)}) or ["x"]
        self.attributes = sorted(self.by_name) or ["x"]

    def value(self, random: Random, tag: str, name: str, old: str) -> str:
        """Another value of an attribute: mostly one that it has in a seed."""
        chance = random.random()
        known = self.values.get((tag, name))
        if known and chance < 0.55:
            return random.choice(known)
        if (alike := self.by_name.get(name)) and chance < 0.7:
            return random.choice(alike)
        if chance < 0.85:
            return number_near(random, old)
        return random.choice(ODD)


def _tag(text: bytes) -> str:
    return str(etree.fromstring(text).tag)
