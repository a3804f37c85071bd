"""Mutations that know the grammar of an input, so that what they make reaches deep into a reader."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any

import yaml
from lxml import etree

from fuzzing.pools import NUMBERS, ODD, XmlPool, number_near

__all__ = ["Mutator", "bytes_mutator", "data_mutator", "text_mutator", "xml_mutator"]

Mutator = Callable[[bytes, Random], bytes]
"""Another input made from one; the same random numbers give the same input."""

Element = etree._Element

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=False)
_WORD = re.compile(r"(\s+|[,;=:.\-\"'\[\]{}()|<>]+)")
#: Byte sequences that decide how a text is read.
_SIGNS = (
    b"\x00", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc3", b"\r", b"\r\n", b"\x0b",
    b"\x85", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x?>", b"&#0;", b"&x;", b"<!DOCTYPE a>", b"---\n", b"...\n",
    b"&a ", b"*a ", b"!!python/name:x ", b"? ", b"|\n", b"\t",
    b"#", b"{", b"}", b"[", b"]", b'"', b"'", b"\\", b"$(", b"`",
)  # fmt: skip


def bytes_mutator(seeds: Sequence[bytes]) -> Mutator:
    """Mutations of bytes: changed, removed, doubled, cut off, replaced by part of another seed."""

    def mutate(data: bytes, random: Random) -> bytes:
        for _ in range(random.choice((1, 1, 2, 4))):
            start = random.randrange(len(data) + 1)
            end = min(len(data), start + random.choice((1, 1, 2, 4, 16, 64, 512)))
            part = data[start:end]
            kind = random.randrange(8)
            if kind == 0:
                part = bytes(sign ^ 1 << random.randrange(8) for sign in part)
            elif kind == 1:
                part = b""
            elif kind == 2:
                part *= random.choice((2, 3, 8))
            elif kind == 3:
                part = random.choice(_SIGNS)
            elif kind == 4:
                part += random.choice(_SIGNS)
            elif kind == 5:
                other = random.choice(seeds)
                at = random.randrange(len(other) + 1)
                part = other[at : at + random.choice((4, 32, 256))]
            elif kind == 6:
                part = random.choice(NUMBERS).encode()
            elif random.random() < 0.3:
                end = len(data)
            data = data[:start] + part + data[end:]
        return data

    return mutate


def xml_mutator(seeds: Sequence[bytes], vocabulary: Sequence[bytes] = ()) -> Mutator:
    """Mutations of the tree of XML, with the elements and values of the seeds; at times of its bytes.

    ``vocabulary`` are more documents whose elements and values are used.
    """
    pool = XmlPool((*seeds, *vocabulary))
    raw = bytes_mutator(seeds)
    tree = _Tree(pool)

    def mutate(data: bytes, random: Random) -> bytes:
        if random.random() < 0.04:
            return raw(data, random)
        try:
            root = etree.fromstring(data, _PARSER)
        except (etree.XMLSyntaxError, ValueError):
            return random.choice(seeds) if random.random() < 0.5 else raw(data, random)
        for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
            tree.change(root, random)
        encoding = random.choice(("utf-16", "iso-8859-1", "ascii", "utf-8")) if random.random() < 0.02 else None
        text = etree.tostring(root, encoding=encoding or "ascii", xml_declaration=bool(encoding))
        return text if isinstance(text, bytes) else text.encode()

    return mutate


class _Tree:
    """Changes of an element tree, one at a time."""

    def __init__(self, pool: XmlPool) -> None:
        self.pool = pool
        steps = (
            (self._value, 26), (self._attribute, 10), (self._no_attribute, 8), (self._remove, 8), (self._double, 10),
            (self._insert, 17), (self._move, 5), (self._rename, 2), (self._text, 6), (self._swap, 4), (self._junk, 3),
        )  # fmt: skip
        self.steps = [step for step, weight in steps for _ in range(weight)]

    def change(self, root: Element, random: Random) -> None:
        """One change of a random element; a value that XML cannot hold leaves the tree as it is."""
        elements = list(root.iter(etree.Element))
        try:
            random.choice(self.steps)(random.choice(elements), elements, random)
        except ValueError:
            return

    def _value(self, one: Element, elements: list[Element], random: Random) -> None:
        for _ in range(8):
            if one.attrib:
                break
            one = random.choice(elements)
        if one.attrib:
            name = random.choice(list(one.attrib))
            one.set(name, self.pool.value(random, str(one.tag), str(name), str(one.get(name))))

    def _attribute(self, one: Element, elements: list[Element], random: Random) -> None:
        names = self.pool.names.get(str(one.tag)) if random.random() < 0.8 else None
        name = random.choice(names or self.pool.attributes)
        one.set(name, self.pool.value(random, str(one.tag), name, "1"))

    def _no_attribute(self, one: Element, elements: list[Element], random: Random) -> None:
        if one.attrib:
            del one.attrib[random.choice(list(one.attrib))]

    def _remove(self, one: Element, elements: list[Element], random: Random) -> None:
        parent = one.getparent()
        if parent is not None and (len(one) < 4 or random.random() < 0.1):
            parent.remove(one)

    def _double(self, one: Element, elements: list[Element], random: Random) -> None:
        parent = one.getparent()
        if parent is not None and len(elements) < 400:
            for _ in range(random.choice((1, 1, 1, 2, 9))):
                parent.insert(random.randint(0, len(parent)), deepcopy(one))

    def _insert(self, one: Element, elements: list[Element], random: Random) -> None:
        if random.random() < 0.5:
            # Devices, most of the time: their parent has few chances among all elements.
            one = next((other for other in elements if other.tag == "devices"), one)
        known = self.pool.children.get(str(one.tag)) if random.random() < 0.95 else None
        if known is None:
            known = self.pool.children[random.choice(sorted(self.pool.children))]
        one.insert(random.randint(0, len(one)), etree.fromstring(random.choice(known)))

    def _move(self, one: Element, elements: list[Element], random: Random) -> None:
        target = random.choice(elements)
        if one.getparent() is not None and target not in one.iter():
            target.insert(random.randint(0, len(target)), one)

    def _rename(self, one: Element, elements: list[Element], random: Random) -> None:
        one.tag = random.choice(self.pool.tags)

    def _text(self, one: Element, elements: list[Element], random: Random) -> None:
        known = self.pool.texts.get(str(one.tag))
        if known is None and random.random() < 0.7:
            return
        one.text = random.choice((random.choice(known or ODD), number_near(random, one.text or ""), random.choice(ODD)))

    def _swap(self, one: Element, elements: list[Element], random: Random) -> None:
        others = [other for other in elements if other.tag == one.tag and other.attrib]
        if others and one.attrib:
            other = random.choice(others)
            name = random.choice(list(other.attrib))
            one.set(name, str(other.get(name)))

    def _junk(self, one: Element, elements: list[Element], random: Random) -> None:
        kind = random.randrange(4)
        if kind == 0:
            one.append(etree.Comment(random.choice(("x", "<disk/>", "]]>"))))
        elif kind == 1:
            one.append(etree.ProcessingInstruction("x", "y"))
        elif kind == 2:
            one.append(etree.fromstring("<x:y xmlns:x='urn:x' x:z='1'/>"))
        else:
            one.tail = random.choice(ODD)


def text_mutator(seeds: Sequence[bytes]) -> Mutator:
    """Mutations of the words and lines of a text, with words and lines of the seeds; at times of its bytes."""
    lines = sorted({line for seed in seeds for line in seed.decode("utf-8", "replace").splitlines()})
    words = sorted({word for line in lines for word in _WORD.split(line) if word})
    raw = bytes_mutator(seeds)

    def mutate(data: bytes, random: Random) -> bytes:
        if random.random() < 0.06:
            return raw(data, random)
        text = data.decode("utf-8", "surrogateescape")
        for _ in range(random.choice((1, 1, 2, 3, 6))):
            by_line = random.random() < 0.4 and "\n" in text
            parts = text.splitlines(keepends=True) if by_line else _WORD.split(text)
            text = "".join(_changed(parts, [f"{line}\n" for line in lines] if by_line else words, random))
        return text.encode("utf-8", "surrogateescape" if random.random() < 0.9 else "replace")

    return mutate


def _changed(parts: list[str], known: Sequence[str], random: Random) -> list[str]:
    """A list with one part removed, doubled, moved, replaced or added."""
    if not parts:
        return [random.choice(known)]
    at = random.randrange(len(parts))
    kind = random.randrange(7)
    if kind == 0:
        del parts[at]
    elif kind == 1:
        parts.insert(at, parts[at])
    elif kind == 2:
        parts.insert(random.randrange(len(parts)), parts.pop(at))
    elif kind == 3:
        parts[at] = random.choice(known)
    elif kind == 4:
        parts.insert(at, random.choice(known))
    elif kind == 5:
        parts[at] = number_near(random, parts[at].strip())
    else:
        parts[at] = random.choice(ODD)
    return parts


def data_mutator(seeds: Sequence[bytes], *, lines: bool = False, only_json: bool = False) -> Mutator:
    """Mutations of the values of JSON or YAML, with keys and values of the seeds; at times of its text.

    With ``lines``, each line is a value of its own. What is written is JSON or YAML, or only JSON.
    """
    values: list[Any] = []
    for seed in seeds:
        for text in seed.decode("utf-8", "replace").splitlines() if lines else [seed.decode("utf-8", "replace")]:
            loaded = _loaded(text)
            if loaded is not None:
                values.append(loaded)
    pool = _DataPool(values)
    raw = text_mutator(seeds)

    def mutate(data: bytes, random: Random) -> bytes:
        if random.random() < 0.25:
            return raw(data, random)
        texts = data.decode("utf-8", "replace").splitlines() if lines else [data.decode("utf-8", "replace")]
        at = random.randrange(len(texts)) if texts else 0
        holder = [_loaded(texts[at])] if texts else [None]
        if holder[0] is None or len(data) > 50_000:
            return raw(data, random)
        for _ in range(random.choice((1, 1, 2, 3, 5))):
            pool.change(holder, random)
        as_json = only_json or lines or random.random() < 0.5
        try:
            texts[at] = json.dumps(holder[0]) if as_json else str(yaml.dump(holder[0], Dumper=yaml.CSafeDumper))
        except (yaml.YAMLError, ValueError, TypeError, RecursionError):
            return raw(data, random)
        return "\n".join(texts).encode("utf-8", "surrogatepass")

    return mutate


def _loaded(text: str) -> Any:
    try:
        if text.lstrip().startswith(("{", "[", '"')):
            return json.loads(text)
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except (ValueError, yaml.YAMLError, RecursionError, TypeError):
        return None


class _DataPool:
    """The keys and values of some data, and changes with them."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.by_key: dict[str, list[Any]] = {}
        self.keys: list[str] = []
        for value in values:
            for holder, key in _places([value]):
                if isinstance(key, str):
                    self.by_key.setdefault(key, []).append(holder[key])
        self.keys = sorted(self.by_key) or ["x"]

    def change(self, holder: list[Any], random: Random) -> None:
        """One change of a random place in ``holder[0]``."""
        places = _places(holder)
        inside, key = random.choice(places)
        kind = random.randrange(6)
        if kind == 0 and inside is not holder:
            del inside[key]
        elif kind == 1 and isinstance(inside, list) and inside is not holder and len(places) < 500:
            inside.insert(key, deepcopy(inside[key]))
        elif kind == 2 and isinstance(inside[key], dict):
            name = random.choice(self.keys)
            inside[key][name] = deepcopy(random.choice(self.by_key.get(name, [None])))
        elif kind == 3 and isinstance(key, str):
            inside[key] = deepcopy(random.choice(self.by_key.get(key, [None])))
        elif kind == 4:
            other, name = random.choice(places)
            inside[key] = deepcopy(other[name])
        else:
            inside[key] = self._value(inside[key], random)

    def _value(self, old: Any, random: Random) -> Any:
        kind = random.randrange(8)
        if kind < 2:
            return number_near(random, str(old))
        if kind == 2:
            return random.choice(ODD)
        if kind == 3:
            return random.choice((None, True, False, 0, -1, 1.5, 2**31, 2**64, [], {}, [{}], {"": {}}))
        if kind == 4 and isinstance(old, int):
            return random.choice((old + 1, old - 1, -old, old * 2))
        return deepcopy(random.choice(self.by_key[random.choice(self.keys)])) if self.by_key else None


def _places(holder: list[Any]) -> list[tuple[Any, Any]]:
    """Every place of a value in nested lists and mappings: what holds it, and its key."""
    found: list[tuple[Any, Any]] = []
    rest: list[Any] = [holder]
    while rest:
        inside = rest.pop()
        for key in list(inside) if isinstance(inside, dict) else range(len(inside)):
            found.append((inside, key))
            if isinstance(inside[key], dict | list):
                rest.append(inside[key])
    return found
