"""Which values an option of a device can have, from ``data/libvirt/option-values.csv``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from virtkit import facts
from virtkit.releases import Release, in_release
from virtkit.resolution.constraints.conditions import Term, terms_of

__all__ = ["Form", "options"]

UINT = 0xFFFF_FFFF

NUMBERS = {
    "number": (0, UINT, "a number from 0"),
    "decimal": (0, UINT, "a decimal number from 0"),
    "positive": (1, UINT, "a number from 1"),
    "integer": (-0x8000_0000, 0x7FFF_FFFF, "a whole number"),
    "function": (0, 7, "a number from 0 to 7"),
}
"""Lowest and highest number of each form that is no word, and what it is called."""


PATTERNS = {
    "mac": (re.compile(r"[0-9a-f]?[02468ace](:[0-9a-f]{1,2}){5}\s*$", re.I), "xx:xx:xx:xx:xx:xx"),
    "naa": (re.compile(r"naa\.[0-9a-f]{16}$", re.I), "naa. and 16 hexadecimal digits"),
    "uuid": (re.compile(r"\s*([0-9a-f]-?){32}\s*$", re.I), "a UUID"),
    "unit": (re.compile(r"(b|bytes?|[kmgtpe](i?b)?)?$", re.I), "a unit of size such as KiB"),
    "name": (re.compile(r"[\w-]*$", re.ASCII), "letters, digits, - and _"),
}
"""What a text of each other form looks like, and what it is called; a mac address is not a multicast one."""


class Form(NamedTuple):
    """What one option takes: words, or numbers when there are none."""

    kind: str
    words: frozenset[str]
    empty: bool
    when: tuple[Term, ...]

    def refuses(self, value: str) -> str:
        """What would be right, "" when the value is."""
        if self.empty and not value:
            return ""
        if self.kind == "word":
            return "" if value in self.words else ", ".join(sorted(self.words))
        if self.kind in PATTERNS:
            pattern, what = PATTERNS[self.kind]
            return "" if pattern.match(value) else what
        lowest, highest, what = NUMBERS[self.kind]
        try:
            number = int(value, 10) if self.kind == "decimal" or "x" not in value.lower() else int(value, 16)
        except ValueError:
            return what
        return "" if lowest <= number <= highest and value == value.rstrip() else what


def options(at: Release) -> Iterator[tuple[str, str, str, Form]]:
    """The options of a release: element, path of the child ("" for the element itself), attribute, form."""
    for row in facts.table("libvirt/option-values.csv"):
        if not in_release(row, at):
            continue
        kind, _, empty = row["form"].partition("-")
        form = Form(kind, frozenset(row["values"].split()), bool(empty), terms_of(row["when"]))
        for element in row["elements"].split():
            for option in row["options"].split():
                path, _, attribute = option.partition("@")
                yield element, path, attribute, form
