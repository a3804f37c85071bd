"""Makes the input of a finding smaller, as long as the same finding comes out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from lxml import etree

from fuzzing.attempt import attempt
from fuzzing.targets import Target

__all__ = ["smaller"]

_SECONDS = 15.0


def smaller(target: Target, data: bytes, key: str) -> bytes:
    """A shorter input with a finding of the same key; the input itself where there is none. Takes 15 s at most."""
    end = time.process_time() + _SECONDS

    def same(other: bytes) -> bool:
        return time.process_time() < end and attempt(target, other, every=True).key == key

    if not same(data):
        return data
    before = None
    while before != data and time.process_time() < end:
        before = data
        if data.lstrip()[:1] == b"<":
            data = _without_elements(data, same)
        data = _without_parts(data, re.findall(rb"[^\n]*\n|[^\n]+", data), same)
        if len(data) < 2000:
            data = _without_parts(data, re.findall(rb"[A-Za-z0-9]+|\s+|.", data, re.S), same)
    return data


def _without_elements(data: bytes, same: Callable[[bytes], bool]) -> bytes:
    """XML without the elements and attributes that the finding does not need."""
    try:
        root = etree.fromstring(data)
    except (etree.XMLSyntaxError, ValueError):
        return data
    for element in reversed(list(root.iter(etree.Element))):
        parent = element.getparent()
        if parent is not None:
            at = parent.index(element)
            parent.remove(element)
            if same(etree.tostring(root)):
                continue
            parent.insert(at, element)
        for name, value in list(element.attrib.items()):
            del element.attrib[name]
            if not same(etree.tostring(root)):
                element.set(name, value)
    found = etree.tostring(root)
    return found if same(found) else data


def _without_parts(data: bytes, parts: list[bytes], same: Callable[[bytes], bool]) -> bytes:
    """Data without the parts that the finding does not need: halves first, then smaller pieces."""
    if b"".join(parts) != data:
        return data
    size = max(len(parts) // 2, 1)
    while size:
        at = 0
        while at < len(parts):
            rest = parts[:at] + parts[at + size :]
            if same(b"".join(rest)):
                parts = rest
            else:
                at += size
        size //= 2
    return b"".join(parts)
