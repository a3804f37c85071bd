"""A long list of objects as several shorter ones, so that several processes can read it.

Two forms are cut: the YAML and the JSON that kubectl prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Form", "Part", "form_of", "is_shared", "parts", "portions"]


@dataclass(frozen=True, slots=True)
class Form:
    """How a list is written: where it begins, where an item begins, where the items end, and what a text of some of
    them begins and ends with.

    A text of some items has them from line 3 on.
    """

    name: str
    begin: re.Pattern[bytes]
    item: re.Pattern[bytes]
    end: re.Pattern[bytes]
    head: bytes
    tail: bytes


YAML = Form(
    "yaml",
    re.compile(rb"apiVersion: v1\nitems:\n(?=- )|(?:apiVersion: v1\n|kind: List\n){1,2}items:\n+(?=- )"),
    re.compile(rb"^- ", re.M),
    re.compile(rb"^[^-\s]", re.M),
    b"kind: List\nitems:\n",
    b"",
)
JSON = Form(
    "json",
    re.compile(rb'(?:\{\n    "apiVersion": "v1",\n    "items": \[\n|\{"kind": "List",\n"items": \[\n+)(?= {8}\{\n)'),
    re.compile(rb"^        \{$", re.M),
    re.compile(rb"^    \]|^\]\}", re.M),
    b'{"kind": "List",\n"items": [\n',
    b"\n]}\n",
)
FORMS = (YAML, JSON)

#: The last bytes of a list, in which kubectl writes its kind.
_TAIL = 2000

# An alias of one item may stand for a part of another, and a profile is used by all of them.
_ALIAS = re.compile(rb"[:-] [&*][\w]")
_PROFILE = re.compile(rb'^ *"?kind"?: "?\w*(?:Instancetype|Preference)(?:",?)?$', re.M)


@dataclass(frozen=True, slots=True)
class Part:
    """Some items of a list as a list of their own; ``line`` is that of the first one in the whole text."""

    form: Form
    text: bytes
    line: int

    @property
    def alone(self) -> bytes:
        """A list with these items only, from line 3 on."""
        return self.form.head + self.text + self.form.tail

    @property
    def in_place(self) -> bytes:
        """A list with these items only, each on its own line."""
        return self.form.head + b"\n" * (self.line - 1 - self.form.head.count(b"\n")) + self.text + self.form.tail


def form_of(data: bytes) -> Form | None:
    """The form of a list that can be cut, None for any other text.

    kubectl writes ``kind: List`` after the items. Where it is missing, the text is read as one, which reports that.
    """
    form = next((form for form in FORMS if form.begin.match(data)), None)
    if form is YAML and data.startswith(b"apiVersion: v1\nitems:") and b"\nkind: List" not in data[-_TAIL:]:
        return None
    return form


def is_shared(data: bytes) -> bool:
    """Whether items may depend on each other, or the text has several documents."""
    if any(data.startswith(mark[1:]) or mark in data for mark in (b"\n---", b"\n...")):
        return True
    profiles = (b"Instancetype\n", b"Preference\n", b'Instancetype"', b'Preference"')
    if any(sign in data for sign in profiles) and _PROFILE.search(data):
        return True
    if data.startswith(b"{"):
        return False
    return any(sign in data for sign in (b" &", b" *")) and _ALIAS.search(data) is not None


def parts(data: bytes, form: Form, size: int) -> Iterator[Part]:
    """The items of a list in groups of about ``size`` bytes; 0 for one item in each."""
    start = form.begin.match(data)
    if start is None:
        return
    begin = start.end()
    end = form.end.search(data, begin)
    last = len(data) if end is None else end.start()
    line = data.count(b"\n", 0, begin) + 1
    while begin < last:
        found = form.item.search(data, begin + max(size, 1), last)
        stop = last if found is None else found.start()
        text = data[begin:stop]
        yield Part(form, _without_comma(text) if form is JSON else text, line)
        line += text.count(b"\n")
        begin = stop


def _without_comma(text: bytes) -> bytes:
    """The items of JSON without the comma after the last one."""
    return text.rstrip().removesuffix(b",")


def portions(data: bytes, size: int) -> Iterator[bytes]:
    """A list as lists of about ``size`` bytes, whose items keep their lines; other texts as they are."""
    form = form_of(data) if len(data) > size else None
    if form is None or is_shared(data):
        yield data
        return
    yield from (part.in_place for part in parts(data, form, size))
