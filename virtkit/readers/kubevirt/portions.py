"""A long list of objects as several shorter ones, so that several processes can read it."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["portions"]

# The form in which kubectl prints a list: its items begin in the first column.
_LIST = re.compile(rb"apiVersion: v1\nitems:\n(?=- )|(?:apiVersion: v1\n|kind: List\n){1,2}items:\n(?=- )")
_ITEM = re.compile(rb"^- ", re.M)
_END = re.compile(rb"^[^-\s]", re.M)
# An alias of one item may stand for a part of another, and a profile is used by all of them.
_SHARED = re.compile(rb"[:-] [&*][\w]|^ *kind: \w*(?:Instancetype|Preference)$|^(?:---|\.\.\.)", re.M)


def portions(data: bytes, size: int) -> Iterator[bytes]:
    """A list as lists of about ``size`` bytes, whose items keep their lines; other texts as they are."""
    head = _LIST.match(data)
    if head is None or len(data) <= size or _SHARED.search(data):
        yield data
        return
    end = _END.search(data, head.end())
    last = len(data) if end is None else end.start()
    before = b"kind: List\nitems:\n"
    begin = head.end()
    line = data.count(b"\n", 0, begin)
    while begin < last:
        found = _ITEM.search(data, begin + size, last)
        stop = last if found is None else found.start()
        yield before + b"\n" * (line - before.count(b"\n")) + data[begin:stop]
        line += data.count(b"\n", begin, stop)
        begin = stop
