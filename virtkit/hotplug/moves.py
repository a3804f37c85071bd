"""The devices that a guest finds elsewhere, or finds changed, and what it notices.

The comparison is ``virtkit.topology.diff.compare``; here its answer is put into words.
"""

from __future__ import annotations

from dataclasses import dataclass

from virtkit.topology.diff import Change, ChangeKind, Difference
from virtkit.topology.model import Node

__all__ = ["Move", "move_words", "moves", "moves_text"]


@dataclass(frozen=True, slots=True)
class Move:
    """A device whose place, interface or presence differs.

    ``kind`` is "moved", "changed", "new" or "gone"; an address or interface is "" where there is none. ``notices``
    are sentences on what the guest OS sees of it. ``what`` is the class of the device ("disk", "interface") and ``id``
    the name that libvirt gives it.
    """

    device: str
    kind: str
    before: str
    after: str
    interface_before: str
    interface_after: str
    notices: tuple[str, ...]
    what: str = ""
    id: str = ""

    @property
    def moved(self) -> bool:
        """Whether it is on both sides, at different addresses."""
        return bool(self.before and self.after) and self.before != self.after


def moves(found: Difference) -> tuple[Move, ...]:
    """The devices of a difference that a guest notices, in the order of the later tree; bridges are left out."""
    result = []
    for change in found.changes:
        notices = () if change.bridge else _notices(change)
        if notices:
            before, after = change.before, change.after
            result.append(
                Move(
                    device=_name(change.node),
                    kind=str(change.kind),
                    before="" if before is None else before.address,
                    after="" if after is None else after.address,
                    interface_before="" if before is None else before.interface or "",
                    interface_after="" if after is None else after.interface or "",
                    notices=notices,
                    what=change.node.kind,
                    id=change.node.id,
                )
            )
    return tuple(result)


def _name(node: Node) -> str:
    title = node.title or node.id
    return title if not node.identity or node.identity in title else f"{title} {node.identity}"


def _notices(change: Change) -> tuple[str, ...]:
    """What the guest OS sees of a device that differs; empty when it sees nothing.

    Source: systemd, predictable network interface names; udev, persistent storage (by-path); Microsoft, SAN policy.
    """
    if change.kind in (ChangeKind.NEW, ChangeKind.GONE):
        return ("new to the guest",) if change.kind is ChangeKind.NEW else ("gone for the guest",)
    said = []
    if change.differs("interface") and change.node.interface:
        said.append(f"the guest needs a driver for the {change.node.interface} interface")
    if change.differs("address"):
        said.append(_MOVED.get(change.node.kind, "the guest finds it at another address"))
    if change.differs("device") and not said:
        said.append("the guest finds another model")
    return tuple(said)


_MOVED = {
    "interface": "its name changes where the guest names NICs by slot or path; Windows sets up a new adapter",
    "disk": "its path in /dev/disk/by-path changes; Windows may leave the disk offline (SAN policy)",
}


def moves_text(found: tuple[Move, ...]) -> str:
    """The moves as lines for a terminal; "" when there are none."""
    width = max((len(move.device) for move in found), default=0)
    return "".join(f"{move_words(move, width)}: {'; '.join(move.notices)}\n" for move in found)


def move_words(move: Move, width: int) -> str:
    """What changes, the device in ``width`` columns, and where it was and is."""
    words = [move.kind.ljust(7), move.device.ljust(width)]
    if move.before != move.after:
        words.append(f"{move.before or 'nothing'} → {move.after or 'nothing'}")
    elif move.after:
        words.append(move.after)
    if move.interface_before != move.interface_after and move.before and move.after:
        words.append(f"{move.interface_before or 'no interface'} → {move.interface_after or 'no interface'}")
    return "  ".join(words).rstrip()
