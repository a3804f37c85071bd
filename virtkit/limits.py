"""The limits on what is read, which keep a hostile input from using all memory or time; variables raise them.

A limit is far above the largest input that is known to be real. Each has an environment variable, which worker
processes and notebooks inherit; it is read once, when virtkit is imported.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

__all__ = [
    "ALIASED",
    "ARCHIVE_BYTES",
    "ARCHIVE_MEMBERS",
    "ATTRIBUTE",
    "BYTES",
    "DEPTH",
    "DEVICES",
    "LIMITS",
    "LINE_BYTES",
    "LIST_BYTES",
    "OSINFO_BYTES",
    "OTHER_BYTES",
    "YAML_BYTES",
    "YAML_DEPTH",
    "YAML_VALUES",
    "Limit",
]

_SIZE = re.compile(r"([1-9][0-9]{0,15})([KMGT]?)")
_FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True, slots=True)
class Limit:
    """The most of something that is read: ``most`` of it, what it is in words, and the ``variable`` that raises it (""
    where nothing does). ``highest`` is the most that the variable can allow, 0 for any number."""

    most: int
    what: str
    variable: str
    highest: int = 0

    @property
    def remedy(self) -> str:
        """How to raise the limit, as the end of a message, and that the variable has a value without meaning."""
        if not self.variable:
            return "this limit is fixed"
        upto = f" to {self.highest:,} at most" if self.highest else ""
        remedy = f"the environment variable {self.variable} raises this limit{upto}"
        given = os.environ.get(self.variable, "").strip()
        if not given or _SIZE.fullmatch(given):
            return remedy
        return f"{remedy}; its value {given[:40]!r} is ignored, expected a number such as 100, 64K, 64M or 64G"

    @property
    def too_large(self) -> str:
        """What a message says of a larger input."""
        return f"larger than {self.size}, the largest size that is accepted; {self.remedy}"

    @property
    def size(self) -> str:
        """The number as text: a size in MiB or GiB where it is one, else with separators."""
        if "bytes" not in self.what:
            return f"{self.most:,}"
        if self.most % 1024:
            return f"{self.most:,} {'byte' if self.most == 1 else 'bytes'}"
        for sign, factor in (("GiB", 1 << 30), ("MiB", 1 << 20)):
            if self.most % factor == 0:
                return f"{self.most // factor:,} {sign}"
        return f"{self.most // 1024:,} KiB"


def _limit(most: int, what: str, name: str, highest: int = 0) -> Limit:
    """A limit with the number from the environment: digits with K, M, G or T behind them; another value is ignored, and
    one that is lower lowers the limit."""
    variable = f"VIRTKIT_MAX_{name}"
    found = _SIZE.fullmatch(os.environ.get(variable, "").strip())
    if found is not None:
        most = int(found[1]) * _FACTORS[found[2]]
    return Limit(min(most, highest) if highest else most, what, variable, highest)


BYTES = _limit(16 << 20, "bytes of one input", "BYTES")
LIST_BYTES = _limit(512 << 20, "bytes of a list of objects, in YAML or JSON", "LIST_BYTES")
YAML_BYTES = _limit(1 << 20, "bytes of a policy or of the parameters of a report", "YAML_BYTES")
#: Escapes make a line longer than the XML in it.
LINE_BYTES = Limit(2 * BYTES.most, "bytes of one line of JSON, twice those of an input", BYTES.variable)
DEPTH = Limit(256, "levels of XML elements", "")
DEVICES = _limit(4096, "devices of one domain", "DEVICES")
ATTRIBUTE = _limit(64 << 10, "characters of one XML attribute", "ATTRIBUTE")
#: Deeper YAML would exhaust the stack of the interpreter.
YAML_DEPTH = _limit(100, "levels of YAML or JSON", "YAML_DEPTH", 300)
YAML_VALUES = _limit(100_000, "values in a policy or in the parameters of a report", "YAML_VALUES")
ALIASED = _limit(100_000, "values that aliases of YAML repeat", "ALIASED")
ARCHIVE_MEMBERS = _limit(20_000_000, "members of one archive", "ARCHIVE_MEMBERS")
ARCHIVE_BYTES = _limit(256 << 30, "bytes that one archive unpacks to", "ARCHIVE_BYTES")
OTHER_BYTES = _limit(16 << 30, "bytes of other files in one compressed archive", "OTHER_BYTES")
OSINFO_BYTES = _limit(256 << 20, "bytes that an osinfo-db unpacks to", "OSINFO_BYTES")

LIMITS = (
    BYTES,
    LINE_BYTES,
    LIST_BYTES,
    YAML_BYTES,
    DEPTH,
    DEVICES,
    ATTRIBUTE,
    YAML_DEPTH,
    YAML_VALUES,
    ALIASED,
    ARCHIVE_MEMBERS,
    ARCHIVE_BYTES,
    OTHER_BYTES,
    OSINFO_BYTES,
)
"""All limits, as docs/inputs.md lists them."""
