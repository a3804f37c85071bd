"""A long list of objects as several shorter ones, so that several processes can read it."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["END", "HEAD", "ITEM", "LIST", "is_shared", "portions"]

HEAD = b"kind: List\nitems:\n"
"""How a list begins that virtkit makes of some items of another."""

# The form in which kubectl prints a list: its items begin in the first column.
LIST = re.compile(rb"apiVersion: v1\nitems:\n(?=- )|(?:apiVersion: v1\n|kind: List\n){1,2}items:\n(?=- )")
ITEM = re.compile(rb"^- ", re.M)
END = re.compile(rb"^[^-\s]", re.M)
# An alias of one item may stand for a part of another, and a profile is used by all of them.
_ALIAS = re.compile(rb"[:-] [&*][\w]")
_PROFILE = re.compile(rb"^ *kind: \w*(?:Instancetype|Preference)$", re.M)


def is_shared(data: bytes) -> bool:
    """Whether items may depend on each other, or the text has several documents."""
    if any(data.startswith(mark[1:]) or mark in data for mark in (b"\n---", b"\n...")):
        return True
    if (b"Instancetype\n" in data or b"Preference\n" in data) and _PROFILE.search(data):
        return True
    return any(sign in data for sign in (b" &", b" *")) and _ALIAS.search(data) is not None


def portions(data: bytes, size: int) -> Iterator[bytes]:
    """A list as lists of about ``size`` bytes, whose items keep their lines; other texts as they are."""
    head = LIST.match(data)
    if head is None or len(data) <= size or is_shared(data):
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
