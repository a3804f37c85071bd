"""A long list of objects as several shorter ones, so that several processes can read it."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["END", "HEAD", "ITEM", "LIST", "SHARED", "portions"]

HEAD = b"kind: List\nitems:\n"
"""How a list begins that virtkit makes of some items of another."""

# The form in which kubectl prints a list: its items begin in the first column.
LIST = re.compile(rb"apiVersion: v1\nitems:\n(?=- )|(?:apiVersion: v1\n|kind: List\n){1,2}items:\n(?=- )")
ITEM = re.compile(rb"^- ", re.M)
END = re.compile(rb"^[^-\s]", re.M)
# An alias of one item may stand for a part of another, and a profile is used by all of them.
SHARED = re.compile(rb"[:-] [&*][\w]|^ *kind: \w*(?:Instancetype|Preference)$|^(?:---|\.\.\.)", re.M)


def portions(data: bytes, size: int) -> Iterator[bytes]:
    """A list as lists of about ``size`` bytes, whose items keep their lines; other texts as they are."""
    head = LIST.match(data)
    if head is None or len(data) <= size or SHARED.search(data):
        yield data
        return
    end = END.search(data, head.end())
    last = len(data) if end is None else end.start()
    begin = head.end()
    line = data.count(b"\n", 0, begin)
    while begin < last:
        found = ITEM.search(data, begin + size, last)
        stop = last if found is None else found.start()
        yield HEAD + b"\n" * (line - HEAD.count(b"\n")) + data[begin:stop]
        line += data.count(b"\n", begin, stop)
        begin = stop
