"""Let two running libvirtds define a domain, and compare what changes from one to the other with ``moves``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from virtkit.domain.domain import read
from virtkit.errors import InputError, Refused
from virtkit.hotplug.moves import moves
from virtkit.resolved import Resolved, resolve
from virtkit.topology.diff import compare, nodes
from virtkit.verify.libvirt import prepared

if TYPE_CHECKING:
    from virtkit.topology.model import Node
    from virtkit.verify.libvirt import Libvirt

__all__ = ["Libvirts", "Moved", "MovesOutcome"]

_MARK = "ua-virtkit-"
#: Elements of ``devices`` that take an alias in every known release, and that a guest can find elsewhere.
_MARKED = frozenset(
    {
        "disk", "controller", "filesystem", "interface", "hostdev", "input", "sound", "video", "watchdog", "memballoon",
        "rng", "vsock", "shmem", "memory", "redirdev", "smartcard", "serial", "parallel", "channel", "hub", "tpm",
        "panic", "crypto"
    }
)


@dataclass(frozen=True, slots=True)
class Moved:
    """A device that a guest finds elsewhere or changed: its class, and its address and virtio interface on both sides,
    "" where it is absent."""

    what: str
    before: str
    after: str
    interface_before: str
    interface_after: str

    def __str__(self) -> str:
        interfaces = f" ({self.interface_before} → {self.interface_after})" if self.interface_before else ""
        return f"{self.what} {self.before or 'absent'} → {self.after or 'absent'}{interfaces}"


@dataclass(frozen=True, slots=True)
class MovesOutcome:
    """The result for one domain.

    ``predicted`` and ``observed`` are what moves, or None where one of the two libvirts refuses the domain;
    ``refusals`` holds the message of each side that was predicted and the one that was observed, before and after.
    ``unread`` is the message of a libvirt that would refuse what it wrote itself, so that nothing can be compared.
    """

    name: str
    predicted: tuple[Moved, ...] | None
    observed: tuple[Moved, ...] | None
    refusals: tuple[tuple[str, str], tuple[str, str]] = (("", ""), ("", ""))
    unread: str = ""

    @property
    def differences(self) -> list[str]:
        """One line for each move that only one of the two has, and for each refusal that only one of the two has."""
        found = []
        for side, (ours, its) in zip(("before", "after"), self.refusals, strict=True):
            if bool(ours) != bool(its):
                found.append(f"{side}: predicted {ours or 'accepted'}; observed {its or 'accepted'}")
        if self.predicted is None or self.observed is None:
            return found
        predicted, observed = Counter(self.predicted), Counter(self.observed)
        found += [f"only predicted: {one}" for one in (predicted - observed).elements()]
        return found + [f"only observed: {one}" for one in (observed - predicted).elements()]


class Libvirts:
    """Two libvirtds, as before and after an upgrade."""

    def __init__(self, before: Libvirt, after: Libvirt) -> None:
        self.sides = before, after

    def ask(self, data: bytes, name: str) -> MovesOutcome:
        """What moves for one domain, predicted and observed.

        Each NIC without a MAC address gets one, because libvirt draws it at random. The libvirts get the domain with an
        alias on each device, by which the two answers are matched; the prediction is made without these aliases, so
        that the matching of ``moves`` is compared as well. Raises InputError when ``data`` is no domain, VerifyError
        when a libvirtd goes away.
        """
        plain = _with_macs(prepared(data, name))
        marked = _with_aliases(plain)
        ours = [_predicted(plain, side) for side in self.sides]
        try:
            its = [_observed(marked, side) for side in self.sides]
        except Refused as error:
            return MovesOutcome(name, None, None, unread=str(error))
        refusals = [(one if isinstance(one, str) else "", other if isinstance(other, str) else "")
                    for one, other in zip(ours, its, strict=True)]  # fmt: skip
        predicted = observed = None
        if isinstance(ours[0], Resolved) and isinstance(ours[1], Resolved):
            predicted = tuple(_moved(ours[0], ours[1]))
        if isinstance(its[0], Resolved) and isinstance(its[1], Resolved):
            observed = tuple(_changed(its[0], its[1]))
        return MovesOutcome(name, predicted, observed, (refusals[0], refusals[1]))


def _predicted(text: bytes, side: Libvirt) -> Resolved | str:
    try:
        return resolve(read(text), host=side.host)
    except (Refused, InputError) as error:
        return str(error)


def _observed(text: bytes, side: Libvirt) -> Resolved | str:
    """What a libvirt wrote, read back: it has every address, so resolution adds none. Raises Refused."""
    written, refusal = side.define(text)
    return refusal if written is None else resolve(read(written.encode()), host=side.host)


def _moved(before: Resolved, after: Resolved) -> Iterator[Moved]:
    """What ``moves`` answers."""
    for one in moves(compare(before.topology, after.topology)):
        yield Moved(one.what, one.before, one.after, one.interface_before, one.interface_after)


def _changed(before: Resolved, after: Resolved) -> Iterator[Moved]:
    """The difference of two answers of libvirt, matched by alias; PCI bridges are left out."""
    old, new = _by_alias(before), _by_alias(after)
    for name in dict.fromkeys([*old, *new]):
        one, other = old.get(name), new.get(name)
        if _seen(one) != _seen(other):
            kind = one.kind if other is None and one is not None else other.kind if other is not None else ""
            yield Moved(kind, _address(one), _address(other), _interface(one), _interface(other))


def _by_alias(resolved: Resolved) -> dict[tuple[str, int], Node]:
    """The devices by alias, controllers by type and index; others that libvirt added by their title, numbered."""
    found: dict[tuple[str, int], Node] = {}
    titles: Counter[str] = Counter()
    for node in nodes(resolved.topology):
        if node.bus is None:
            known = node.id.startswith("ua-") or node.kind == "controller"
            name = node.id if known else f"{node.kind} {node.title or node.id}"
            found[name, titles[name]] = node
            titles[name] += 1
    return found


def _seen(node: Node | None) -> tuple[str, ...] | None:
    """What a guest sees of a device."""
    return None if node is None else (node.title or node.id, node.interface or "", node.address)


def _address(node: Node | None) -> str:
    return "" if node is None else node.address


def _interface(node: Node | None) -> str:
    return "" if node is None else node.interface or ""


def _with_macs(text: bytes) -> bytes:
    root = etree.fromstring(text)
    for number, nic in enumerate(root.iterfind("devices/interface")):
        if nic.find("mac") is None:
            etree.SubElement(nic, "mac", address=f"52:54:00:00:{number >> 8:02x}:{number & 255:02x}")
    return etree.tostring(root)


def _with_aliases(text: bytes) -> bytes:
    """The domain with an alias on each device that has none."""
    root = etree.fromstring(text)
    for number, device in enumerate(root.iterfind("devices/*")):
        if device.tag in _MARKED and device.find("alias") is None:
            etree.SubElement(device, "alias", name=f"{_MARK}{number}")
    return etree.tostring(root)
