"""The PCI Express root ports that software writes beyond those that its devices need."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Ports", "port_words"]

_WORDS = re.compile(r"(?:(\d{1,2}) total)?(?:, )?(?:(\d{1,2}) free)?")


@dataclass(frozen=True, slots=True)
class Ports:
    """At least ``total`` root ports in all, and at least ``free`` of them without a device."""

    total: int = 0
    free: int = 0

    def added(self, used: int) -> int:
        """How many empty ports are written where ``used`` ports have a device."""
        return max(self.total - used, self.free, 0)


def port_words(text: str) -> Ports | None:
    """The ports of "14 total", "16 free" or "8 total, 3 free"; None for other words."""
    found = _WORDS.fullmatch(text.strip())
    if found is None or not (found[1] or found[2]) or (", " in text) != bool(found[1] and found[2]):
        return None
    return Ports(int(found[1] or 0), int(found[2] or 0))
