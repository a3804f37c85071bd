"""What a domain uses that a libvirt older than every known release does not have, and since when it exists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from virtkit import facts
from virtkit.domain.document import line_of
from virtkit.releases import OLDEST, Release, dotted, parse

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["Newer", "newer_than"]


@dataclass(frozen=True, slots=True)
class Newer:
    """A thing that the domain uses and libvirt ``at`` does not have.

    ``effect`` is what that libvirt does with it: "refused", "ignored", or "model" (a virtio model, refused).
    """

    thing: str
    line: int | None
    since: str
    at: Release
    effect: str
    source: str

    @property
    def text(self) -> str:
        """What the older libvirt does with it, in a sentence."""
        verb = "ignores" if self.effect == "ignored" else "refuses"
        where = f" (line {self.line})" if self.line else ""
        return f"libvirt {dotted(self.at)} {verb} {self.thing}{where}; libvirt {self.since} and later have it"


def newer_than(root: Element, at: Release) -> Iterator[Newer]:
    """What the domain of ``root`` uses that libvirt ``at`` lacks; nothing for a release that is known.

    Source: ``data/libvirt/introduced.csv``.
    """
    if at >= OLDEST:
        return
    for row in facts.table("libvirt/introduced.csv"):
        if parse(row["since"]) > at:
            selected: Any = root.xpath(row["path"])
            for found in selected:
                # An attribute is a text that has the element as its parent.
                attribute = isinstance(found, str)
                element: Any = found.getparent() if attribute else found
                value = str(found) if attribute else ""
                thing = row["thing"].format(value=value)
                yield Newer(thing, line_of(element), row["since"], at, row["effect"], row["source"])
