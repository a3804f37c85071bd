"""Checks one resolved domain against its guest OS."""

from __future__ import annotations

from itertools import repeat
from operator import attrgetter, contains
from os import PathLike
from typing import TYPE_CHECKING

from virtkit.compat.changes import with_emulated_remedies, with_remedies
from virtkit.compat.devices import emulated_findings, find_guest, findings
from virtkit.compat.judges import judge_of
from virtkit.compat.qemu_options import clashing_index
from virtkit.compat.remarks import assumed, errors, remarks
from virtkit.compat.review import Finding, Remark, Review
from virtkit.domain.origin import kubevirt_origin
from virtkit.guests.catalogue import catalogue
from virtkit.resolved import Resolved, resolve
from virtkit.values import maker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from virtkit.domain.devices import Device
    from virtkit.domain.domain import Domain
    from virtkit.guests import Catalogue, Guest

__all__ = ["check"]

_made = maker(Review)
_CHILDREN = attrgetter("children")


def check(
    resolved: Resolved | Domain | str | bytes | PathLike[str],
    guest: str | Guest | None = None,
    *,
    overrides: bool = True,
    guest_database: Catalogue | None = None,
    changes: bool = True,
    notes: bool = True,
) -> Review:
    """Whether the guest drives each virtio device, disk and NIC of a resolved domain, and what to change if not.

    Instead of a resolved domain it takes what ``resolve`` takes, and resolves it for the default host.
    ``guest`` is a short id, URI or alias; None takes the libosinfo metadata of the XML. ``overrides`` False is the
    strict rule: the guest database as it is, in-box drivers only. ``changes`` False leaves out remedies and remarks,
    for which the domain is resolved again, but not the note on an assumed host. ``notes`` False leaves out all remarks
    but errors, and is faster: most need no bus tree. Raises GuestError for a ``guest`` that
    the database does not have.

    >>> import virtkit as vk
    >>> review = vk.check(vk.resolve(vk.read(vk.samples() / "rhel6-q35-virtio.xml")), "rhel6.10")
    >>> print(review.ok, review.findings[0].reason)
    False The guest's block driver supports only the legacy interface (virtio 0.9); the device offers only virtio 1.0.
    >>> review.changes[0].better
    'virtio-transitional'
    """
    if not isinstance(resolved, Resolved):
        resolved = resolve(resolved)
    known = guest_database or catalogue()
    found, why_unknown = find_guest(resolved.domain, guest, known)
    judge = judge_of(found, why_unknown, overrides)
    numbered = _numbered(resolved.devices)
    clashes = clashing_index(numbered)
    judged, emulated = findings(resolved, judge, clashes), emulated_findings(resolved, judge, clashes)
    if changes and found is not None:
        judged = with_remedies(resolved, found, judged, overrides, clashes)
        emulated = with_emulated_remedies(resolved, found, emulated, overrides)
    said: tuple[Remark, ...] = ()
    if notes:
        said = (*_on_input(resolved, found, judged), *(remarks(resolved, found, numbered, clashes) if changes else ()))
    elif changes:
        said = errors(resolved, numbered, clashes)
    return _made(
        resolved.domain.name or "domain",
        resolved.machine,
        found.id if found else "",
        found.name if found else "",
        known.database + ("" if overrides else ", overrides off"),
        judged,
        said,
        emulated,
    )


def _numbered(devices: Sequence[Device]) -> Sequence[Device]:
    """The devices with an ACPI index or a boot order. Most domains have none, so the first look must be quick."""
    if _any_has(devices, "acpi") or _any_has(devices, "boot"):
        return [one for one in devices if "acpi" in one.children or "boot" in one.children]
    return ()


def _any_has(devices: Sequence[Device], name: str) -> bool:
    """Whether a device has a child with a name."""
    return any(map(contains, map(_CHILDREN, devices), repeat(name)))


def _on_input(resolved: Resolved, guest: Guest | None, judged: tuple[Finding, ...]) -> Iterator[Remark]:
    """The remarks on how the guest and the input of a domain were understood."""
    yield from _on_name(guest)
    yield from _on_format(resolved.domain)
    yield from _in_kubevirt(resolved.domain, judged)
    yield from assumed(resolved)


def _on_format(domain: Domain) -> tuple[Remark, ...]:
    """What the reader of another format than domain XML assumed."""
    return tuple(Remark("note", note, "the input") for note in domain.notes)


def _in_kubevirt(domain: Domain, judged: tuple[Finding, ...]) -> tuple[Remark, ...]:
    """The field of a KubeVirt machine that makes its virtio devices transitional, where that helps."""
    if kubevirt_origin(domain) is None or not any(one.better == "virtio-transitional" for one in judged):
        return ()
    field = "set domain.devices.useVirtioTransitional to true in the spec of the KubeVirt machine"
    return (Remark("note", f"{field}: it makes every virtio device transitional", "KubeVirt API: Devices"),)


def _on_name(guest: Guest | None) -> tuple[Remark, ...]:
    """How the name of the guest was understood, where it is not exact."""
    return (Remark("note", guest.note, guest.database),) if guest is not None and guest.note else ()
