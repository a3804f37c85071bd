"""What a change of a domain means for its guest: each device that moves, ranked by what is lost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from virtkit.boot.domain_firmware import boot_order
from virtkit.boot.power_on import power_on
from virtkit.boot.renames import renames
from virtkit.compat.check import check
from virtkit.compat.verdict import Verdict
from virtkit.display import Displayable
from virtkit.domain.address import DriveAddress, PciAddress
from virtkit.domain.devices import Disk, Nic
from virtkit.hotplug.moves import Move, move_words, moves
from virtkit.topology.diff import compare
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.boot.renames import Rename
    from virtkit.guests import Guest
    from virtkit.resolved import Resolved

__all__ = ["Consequence", "Rank", "Upgrade", "upgrade"]


class Rank(StrEnum):
    """What a change costs the guest, the worst first."""

    BREAKS_BOOT = "breaks boot"
    LOSES_NETWORK = "loses network"
    DISK_OFFLINE = "disk offline"
    COSMETIC = "cosmetic"
    NOTHING = "nothing"

    @property
    def order(self) -> int:
        """0 for the worst."""
        return list(Rank).index(self)


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one device that moves means: its rank, the reason, and the condition for it ("" for always)."""

    move: Move
    rank: Rank
    reason: str
    condition: str = ""

    def text(self, width: int = 0) -> str:
        """One line for a terminal, with the device in ``width`` columns."""
        condition = f", if {self.condition}" if self.condition else ""
        return f"{self.rank:<13}  {move_words(self.move, width)}: {self.reason}{condition}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self.move), "rank": str(self.rank), "reason": self.reason, "condition": self.condition}


@dataclass(frozen=True, slots=True, repr=False)
class Upgrade(Displayable):
    """What a change means for one domain: the consequences, the worst first, and what keeps everything in its place.

    ``guest`` is the short id of the guest OS, "" when it is not known. ``pin`` is one sentence, "" when nothing moves.
    """

    domain: str
    guest: str
    consequences: tuple[Consequence, ...]
    pin: str

    @property
    def rank(self) -> Rank:
        """The rank of the worst consequence."""
        return min((one.rank for one in self.consequences), key=lambda rank: rank.order, default=Rank.NOTHING)

    @property
    def moved(self) -> int:
        """How many devices have another address."""
        return sum(one.move.moved for one in self.consequences)

    def summary(self) -> str:
        """One line: the rank, and how many devices it concerns."""
        worst = sum(one.rank is self.rank for one in self.consequences)
        other = len(self.consequences) - worst
        more = f", {counted(other, 'other change')}" if other else ""
        return str(self.rank) if not self.consequences else f"{self.rank}: {counted(worst, 'device')}{more}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        moves = [one.as_dict() for one in self.consequences]
        return {"domain": self.domain, "guest": self.guest, "rank": str(self.rank), "moves": moves, "pin": self.pin}

    def text(self) -> str:
        """Lines for a terminal."""
        width = max((len(one.move.device) for one in self.consequences), default=0)
        lines = [one.text(width) for one in self.consequences] or ["nothing moves"]
        return "".join(f"{line}\n" for line in [*lines, *([f"pin: {self.pin}"] if self.pin else [])])

    def __repr__(self) -> str:
        return f"<Upgrade {self.domain!r} {self.summary()}>"


def upgrade(before: Resolved, after: Resolved, guest: Guest | None = None, *, pin: str = "") -> Upgrade:
    """What a guest notices when its domain changes from ``before`` to ``after``; ``pin`` says what would prevent it.

    ``guest`` is the guest OS, None when it is not known: a consequence that depends on it then has a condition.
    Source: systemd, predictable network interface names; udev, persistent storage; Microsoft, SAN policy; the verdicts
    of ``check``.
    """
    ranking = _Ranking(before, after, guest)
    found = [ranking.of(one) for one in moves(compare(before.topology, after.topology))]
    found.sort(key=lambda one: one.rank.order)
    name = "" if guest is None else guest.id
    return Upgrade(after.name or before.name or "domain", name, tuple(found), pin if found else "")


class _Ranking:
    """Ranks the moves from one resolved domain to another."""

    def __init__(self, before: Resolved, after: Resolved, guest: Guest | None) -> None:
        self.family = "" if guest is None else guest.family
        self.takes_online = guest is not None and _takes_disks_online(guest)
        powers = [power_on(one, guest) for one in (before, after)]
        self.boots = powers[0].ok, powers[1].ok
        self.names = {one.device: one for one in renames(*powers)}
        self.boot = {one.id for one in boot_order(after)[:1]} | {one.id for one in boot_order(before)[:1]}
        review = check(after, guest)
        self.verdicts = {one.device: one for one in review.devices}
        self.known = guest is not None
        self.on_controller = _disks_by_controller(after)
        self.same_order = _nic_order(before) == _nic_order(after)
        self.other_driver = _other_drivers(before, after)

    def of(self, move: Move) -> Consequence:
        """The consequence of one move."""
        lost = self._lost(move)
        if move.kind in ("new", "gone"):
            what = "the guest loses the device" if move.kind == "gone" else "the guest finds a new device"
            return Consequence(move, lost if move.kind == "gone" else Rank.COSMETIC, what)
        if move.kind == "changed" and lost is not Rank.COSMETIC:
            judged = self._by_driver(move, lost)
            if judged.rank is not Rank.COSMETIC or not move.moved:
                return judged
        if move.what == "interface":
            return self._nic(move)
        if move.what == "disk" or move.id in self.on_controller:
            return self._disk(move)
        return Consequence(move, Rank.COSMETIC, "; ".join(move.notices))

    def _lost(self, move: Move) -> Rank:
        """The rank of losing the device."""
        if move.id in self.boot or self.boot & {disk.id for disk in self.on_controller.get(move.id, ())}:
            return Rank.LOSES_NETWORK if move.what == "interface" else Rank.BREAKS_BOOT
        if move.what == "interface":
            return Rank.LOSES_NETWORK
        return Rank.DISK_OFFLINE if move.what == "disk" or move.id in self.on_controller else Rank.COSMETIC

    def _by_driver(self, move: Move, lost: Rank) -> Consequence:
        """A device that shows another model or interface, by the verdict on it."""
        verdict = self.verdicts.get(move.id)
        why = "; ".join(move.notices)
        if verdict is None or verdict.verdict is Verdict.UNKNOWN or not self.known:
            return Consequence(move, lost, why, "the guest has no driver for it, which is not known")
        if verdict.verdict is Verdict.FAILS:
            return Consequence(move, lost, verdict.reason)
        return Consequence(move, Rank.COSMETIC, why, verdict.condition)

    def _nic(self, move: Move) -> Consequence:
        rename = self.names.get(move.id)
        if self.family == "winnt":
            why = "Windows sets up a new adapter and resets the network profile"
            return Consequence(move, Rank.LOSES_NETWORK, why, "its address is set by hand")
        if rename is not None and rename.before and rename.after:
            return self._renamed(move, rename)
        if "bsd" in self.family:
            if move.id in self.other_driver:
                why = "BSD names a NIC after its driver, and the model needs another one"
                return Consequence(move, Rank.LOSES_NETWORK, why)
            if self.same_order:
                return Consequence(move, Rank.COSMETIC, "the guest names NICs in the order of the buses, which stays")
            return Consequence(move, Rank.LOSES_NETWORK, "the order of the buses, by which NICs are named, changes")
        condition = "the guest names NICs by slot or path, or is Windows with an address set by hand"
        return Consequence(move, Rank.LOSES_NETWORK, "its name changes, or a new adapter is set up", condition)

    def _renamed(self, move: Move, rename: Rename) -> Consequence:
        if rename.changed:
            return Consequence(move, Rank.LOSES_NETWORK, f"its name changes from {rename.before} to {rename.after}")
        return Consequence(move, Rank.COSMETIC, f"its name stays {rename.after}")

    def _disk(self, move: Move) -> Consequence:
        boot = self._lost(move) is Rank.BREAKS_BOOT
        on = "" if move.what == "disk" else f" of its disks ({', '.join(one.target for one in self._disks_on(move))})"
        if boot and self.boots == (True, False):
            return Consequence(move, Rank.BREAKS_BOOT, "the firmware no longer finds the disk that it starts")
        path = f"the path{on} in /dev/disk/by-path changes"
        if boot and self.family == "winnt":
            return Consequence(move, Rank.COSMETIC, "Windows finds the disk that it starts from at another place")
        if boot or self.family not in ("", "winnt"):
            return Consequence(move, Rank.COSMETIC, path)
        if self.takes_online:
            why = f"Windows finds a new disk{on}, which this edition takes online unless its SAN policy was changed"
            return Consequence(move, Rank.COSMETIC, why)
        if self.family == "winnt":
            return Consequence(move, Rank.DISK_OFFLINE, f"Windows finds a new disk{on}", _SAN)
        return Consequence(move, Rank.DISK_OFFLINE, path, f"the guest is Windows, and {_SAN}")

    def _disks_on(self, move: Move) -> list[Disk]:
        return self.on_controller.get(move.id, [])


_FIRST_SAN_POLICY = (6, 0)
_SAN = "its SAN policy takes new disks offline, as server editions do by default"


def _takes_disks_online(guest: Guest) -> bool:
    """Whether an edition of Windows takes new disks online by default: clients, and servers before 2008.

    Source: Microsoft, SAN policy: Windows Server 2008 introduced it, and only server editions keep new disks offline.
    """
    release = tuple(int(part) for part in guest.version.split(".") if part.isdigit())
    return guest.family == "winnt" and ("Server" not in guest.name or release < _FIRST_SAN_POLICY)


def _disks_by_controller(resolved: Resolved) -> dict[str, list[Disk]]:
    """The disks on each controller, by the id of the controller."""
    found: dict[str, list[Disk]] = {}
    ids = {(one.type, one.index): one.id for one in resolved.inventory.controllers}
    for disk in resolved.inventory.disks:
        if isinstance(disk.address, DriveAddress):
            holder = ids.get((disk.bus, disk.address.controller))
            if holder:
                found.setdefault(holder, []).append(disk)
    return found


def _other_drivers(before: Resolved, after: Resolved) -> set[str]:
    """The ids of NICs whose model needs another driver than before; models of one family share a driver."""
    old = {one.alias or one.mac or one.id: _model_family(one) for one in before.inventory.nics}
    found = ((one.id, old.get(one.alias or one.mac or one.id), _model_family(one)) for one in after.inventory.nics)
    return {name for name, one, other in found if one is not None and one != other}


def _model_family(nic: Nic) -> str:
    """The models that one driver of a BSD drives."""
    return next((family for family in ("virtio", "e1000") if (nic.model or "").startswith(family)), nic.model or "")


def _nic_order(resolved: Resolved) -> list[str]:
    """The MAC addresses or aliases of the NICs, in the order of their PCI places."""
    nics = [one for one in resolved.devices if isinstance(one, Nic) and isinstance(one.address, PciAddress)]
    return [one.alias or one.mac or one.id for one in sorted(nics, key=lambda one: str(one.address))]
