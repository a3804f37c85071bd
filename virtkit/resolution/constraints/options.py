"""The values that an option of a device accepts, from ``data/libvirt/option-values.csv``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from virtkit import facts
from virtkit.domain.address_reader import UINT, number
from virtkit.releases import Release, in_release
from virtkit.resolution.constraints.conditions import Term, terms_of

__all__ = ["Form", "options"]

NUMBERS = {
    "number": (0, UINT, "a non-negative integer"),
    "decimal": (0, UINT, "a non-negative decimal integer"),
    "positive": (1, UINT, "a positive integer"),
    "integer": (-0x8000_0000, 0x7FFF_FFFF, "an integer"),
    "signed": (-0x8000_0000, 0x7FFF_FFFF, "a decimal integer"),
    "function": (0, 7, "an integer from 0 to 7"),
}
"""The lowest and highest number of each numeric form, and its name in messages."""

DECIMAL = frozenset({"decimal", "positive", "signed"})
"""The numeric forms that take decimal numbers only; the others take hexadecimal ones too."""


PATTERNS = {
    "mac": (re.compile(r"[0-9a-f]?[02468ace](:[0-9a-f]{1,2}){5}\s*$", re.I), "xx:xx:xx:xx:xx:xx"),
    "naa": (re.compile(r"naa\.[0-9a-f]{16}$", re.I), "naa. and 16 hexadecimal digits"),
    "uuid": (re.compile(r"\s*([0-9a-f]-?){32}\s*$", re.I), "a UUID"),
    "unit": (re.compile(r"(b|bytes?|[kmgtpe](i?b)?)?$", re.I), "a unit of size such as KiB"),
    "name": (re.compile(r"[\w-]*$", re.ASCII), "letters, digits, - and _"),
}
"""The pattern of each textual form, and its name in messages; a MAC address must not be a multicast one."""


class Form(NamedTuple):
    """The values of one option: words, or numbers when it has no words."""

    kind: str
    words: frozenset[str]
    empty: bool
    when: tuple[Term, ...]

    def refuses(self, value: str) -> str:
        """What is expected instead of the value, "" when it is accepted."""
        if self.empty and not value:
            return ""
        if self.kind == "word":
            return "" if value in self.words else ", ".join(sorted(self.words))
        if self.kind in PATTERNS:
            pattern, what = PATTERNS[self.kind]
            return "" if pattern.match(value) else what
        lowest, highest, what = NUMBERS[self.kind]
        try:
            found = number(value, 10 if self.kind in DECIMAL or "x" not in value.lower() else 0)
        except ValueError:
            return what
        if found > highest == UINT:
            return f"{what} up to {highest}"
        unsigned = lowest < 0 or not value.lstrip().startswith("-")
        return "" if lowest <= found <= highest and unsigned else what


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
