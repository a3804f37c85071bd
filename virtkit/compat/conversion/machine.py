"""Moves a domain between pc and q35 so that its guest still boots: buses, NICs, models, addresses."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.compat.changes import fixed
from virtkit.compat.check import check
from virtkit.compat.conversion.disks import move_disks
from virtkit.compat.devices import find_guest
from virtkit.display import Displayable
from virtkit.domain.document import line_of
from virtkit.domain.domain import read
from virtkit.domain.editor import Editor
from virtkit.errors import Refused, UsageError
from virtkit.guests.catalogue import catalogue
from virtkit.host.machine_types import machine_version
from virtkit.resolved import resolve
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Element

    from virtkit.compat.review import Review
    from virtkit.guests import Catalogue, Guest
    from virtkit.resolved import Resolved

__all__ = ["Conversion", "convert"]

_TARGETS = ("q35", "pc")
#: Controllers that libvirt adds only for the other chipset.
_DROPPED = MappingProxyType({"q35": ("ide",), "pc": ("sata",)})
#: The watchdog as libvirt 9.1 and later adds it to q35. Source: libvirt 9.1.0 release notes.
_ITCO = [("action", "reset"), ("model", "itco")]


@dataclass(frozen=True, slots=True, repr=False)
class Conversion(Displayable):
    """The converted ``text``, the ``steps`` in words, and the ``review`` of the converted domain."""

    text: str
    steps: tuple[str, ...]
    review: Review

    def __repr__(self) -> str:
        return f"<Conversion in {counted(len(self.steps), 'step')}: {self.review!r}>"


def convert(
    resolved: Resolved,
    to: str,
    guest: str | Guest | None = None,
    *,
    overrides: bool = True,
    guest_database: Catalogue | None = None,
) -> Conversion:
    """The domain moved to machine ``to`` ("q35" or "pc"), everything else character for character.

    PCI addresses and PCI controllers are removed, so that libvirt allocates them anew. IDE disks become SATA disks and
    the reverse, NIC and sound models their counterparts. Virtio models change where the guest would not drive them.
    Raises UsageError for a domain on another machine than pc and q35, Refused when libvirt would refuse the result,
    GuestError for an unknown ``guest``. Source: data/conversion.

    >>> import virtkit as vk
    >>> moved = vk.convert(vk.resolve(vk.read(vk.samples() / "rhel6-q35-virtio.xml")), "pc")
    >>> moved.review
    <Review 'erp-db-rhel6' rhel6.10 on pc-i440fx-8.2: 3 works>
    """
    if to not in _TARGETS:
        raise UsageError(f"cannot convert to {to!r}; expected one of {', '.join(_TARGETS)}")
    if resolved.family not in ("i440fx", "q35"):
        raise UsageError(f"cannot convert {resolved.name}: expected a pc or q35 machine, got {resolved.machine}")
    if (resolved.family == "q35") == (to == "q35"):
        raise UsageError(f"{resolved.name} is already on {resolved.machine}; there is nothing to convert")
    known = guest_database or catalogue()
    found, _ = find_guest(resolved.domain, guest, known)
    document = resolved.domain.document
    if to == "pc":
        _refuse_secure_boot(document.root)
    editor = Editor(document.text, document.root)
    steps = list(_edits(editor, document.root, to, _machine(resolved, to)))
    codec = document.codec

    def resolved_text(text: str) -> Resolved:
        return resolve(read(text.encode(codec)), host=resolved.host)

    moved = resolved_text(editor.text())
    review = check(moved, found, overrides=overrides, guest_database=known)
    if review.changes:
        steps += [f"{finding.label}: {finding.change}" for finding in review.changes]
        moved = resolved_text(fixed(moved, review))
        review = check(moved, found, overrides=overrides, guest_database=known)
    steps += _remarks(found, to)
    return Conversion(moved.domain.document.text, tuple(steps), review)


def _refuse_secure_boot(root: Element) -> None:
    """Raises Refused for a domain with secure boot, which needs SMM and therefore q35.

    Source: observed, libvirt 9.0; firmware that is chosen by its features is refused when the domain is started.
    """
    loader = root.find("os/loader[@secure='yes']")
    asked = root.find("os/firmware/feature[@name='secure-boot'][@enabled='yes']") if loader is None else loader
    if asked is not None:
        what = "Secure boot is supported with q35 machine types only"
        raise Refused("unsupported configuration", what, line=line_of(asked))


def _machine(resolved: Resolved, to: str) -> str:
    """The machine type to write: of the same version where one is written and QEMU has it, else the alias."""
    written = resolved.domain.machine or ""
    version = machine_version(resolved.machine)[1]
    emulator = resolved.host.emulator(resolved.arch)
    if version and emulator and written not in _TARGETS:
        name = f"pc-{'q35' if to == 'q35' else 'i440fx'}-{version[0]}.{version[1]}"
        if name in emulator.machines:
            return name
    return to


def _edits(editor: Editor, root: Element, to: str, name: str) -> Iterator[str]:
    """Makes the edits and describes each."""
    machine = root.find("os/type")
    if machine is not None:
        yield f"machine: {machine.get('machine', 'default')} becomes {name}"
        editor.set(machine, "machine", name)
    devices = [child for holder in root.iterchildren("devices") for child in holder.iterchildren("*")]
    addresses = controllers = 0
    for device in devices:
        removal = _removal(device, to)
        if removal is not None:
            editor.remove(device)
            controllers += device.tag == "controller" and device.get("type") == "pci"
            if removal:
                yield removal
            continue
        for address in device.iterchildren("address"):
            if address.get("type") == "pci":
                editor.remove(address)
                addresses += 1
    if addresses or controllers:
        removed = f"{counted(addresses, 'PCI address')} and {counted(controllers, 'PCI controller')}"
        yield f"{removed}: removed, libvirt allocates new ones"
    yield from _models(editor, devices, to)
    yield from move_disks(editor, devices, to)


def _removal(device: Element, to: str) -> str | None:
    """Why a device is removed, "" for a PCI controller without settings; None for a device that stays."""
    model, kind = device.get("model") or "", device.get("type") or ""
    index = f" {device.get('index')}" if device.get("index") else ""
    if device.tag == "controller" and kind == "pci":
        settings = len(device) > len(device.findall("address")) + len(device.findall("model"))
        return f"controller pci{index}: removed with its settings" if settings else ""
    if device.tag == "controller" and kind in _DROPPED[to]:
        return f"controller {kind}{index}: removed"
    if device.tag == "watchdog" and to == "pc" and sorted(device.items()) == _ITCO:
        return "watchdog itco: removed; libvirt adds it to every q35 domain, and pc has none"
    if device.tag == "controller" and kind == "usb" and to == "q35" and model.startswith("piix"):
        return f"controller usb {model}: removed; libvirt's default replaces it"
    if device.tag == "iommu" and to == "pc" and model in ("intel", "virtio"):
        return f"iommu {model}: removed; pc has none"
    return None


def _models(editor: Editor, devices: list[Element], to: str) -> Iterator[str]:
    for row in facts.table("conversion/device-models.csv"):
        child, _, attribute = row["attribute"].rpartition("/")
        for device in devices:
            holder = device.find(child) if child else device
            if holder is None or (to, device.tag, holder.get(attribute)) != (row["to"], row["element"], row["old"]):
                continue
            editor.set(holder, attribute, row["new"])
            yield f"{device.tag}: model {row['old']} becomes {row['new']}"


def _remarks(guest: Guest | None, to: str) -> list[str]:
    found = ["note: PCI addresses change, so network interface names in the guest may change too"]
    if guest is None:
        return [*found, "note: the guest OS is unknown, so virtio models stay as they are, unchecked"]
    if to == "q35" and guest.devices and not guest.q35:
        found.append(f"note: the guest database does not list the q35 chipset for {guest.id}")
    for row in facts.table("conversion/remarks.csv"):
        if row["to"] == to and guest.id in row["guests"].split():
            found.append(f"note: {row['remark']}")
    return found
