"""Moves a domain between pc and q35 so that its guest still boots: buses, NICs, models, addresses."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.compat.check import Review, check, fixed, guest_of
from virtkit.display import Displayable
from virtkit.domain.document import line_of
from virtkit.domain.editor import Editor
from virtkit.errors import Refused, UsageError
from virtkit.guests import Catalogue, Guest, catalogue
from virtkit.resolution.defaults.disks import UNITS
from virtkit.virtio.interface import machine_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Element

    from virtkit.resolved import Resolved

__all__ = ["Conversion", "convert"]

# to: (tag, where the model stands, {model: new model}). Source: libvirt, "Domain XML format"; which chipset
# has which device: QEMU 11.1 -device help; the pairs are the same hardware generation on the other chipset.
# libvirt 12.8 refuses ib700 on q35 (observed; 9.0 takes it).
_MODELS = MappingProxyType(
    {
        "q35": (
            ("interface", "model/type", {"e1000": "e1000e"}),
            ("sound", "model", {"ich6": "ich9"}),
            ("watchdog", "model", {"ib700": "i6300esb"}),
        ),
        "pc": (
            ("interface", "model/type", {"e1000e": "e1000"}),
            ("sound", "model", {"ich9": "ich6"}),
            ("watchdog", "model", {"itco": "i6300esb"}),
        ),
    }
)
_DISKS = MappingProxyType({"q35": ("ide", "sata", "sd"), "pc": ("sata", "ide", "hd")})
_IDE_DISKS = 4
#: Controllers that only the other chipset's libvirt defaults ask for.
_DROPPED = MappingProxyType({"q35": ("ide",), "pc": ("sata",)})
#: The watchdog as libvirt 9.1 and later adds it to q35. Source: libvirt 9.1.0 release notes.
_ITCO = [("action", "reset"), ("model", "itco")]
_OLD_WINDOWS = frozenset({"winxp", "win2k", "win2k3", "win2k3r2", "winvista", "win2k8", "win7", "win2k8r2"})


@dataclass(frozen=True, slots=True, repr=False)
class Conversion(Displayable):
    """The changed ``text``, the ``steps`` in words, and the ``review`` of the domain as it is afterwards."""

    text: str
    steps: tuple[str, ...]
    review: Review

    def __repr__(self) -> str:
        return f"<Conversion in {len(self.steps)} steps: {self.review!r}>"


def convert(
    resolved: Resolved,
    to: str,
    guest: str | Guest | None = None,
    *,
    overrides: bool = True,
    guest_database: Catalogue | None = None,
) -> Conversion:
    """The domain moved to machine ``to`` ("q35" or "pc"), with everything else character for character.

    PCI addresses and PCI controllers are taken out, so that libvirt allocates them anew; IDE disks go to SATA
    and back, NIC and sound models to their like; virtio models change where the guest would not drive them.
    Raises UsageError for a domain that is on no x86 machine with PCI, Refused when libvirt would refuse the
    outcome, GuestError for an unknown ``guest``.

    >>> import virtkit as vk
    >>> moved = vk.convert(vk.resolve(vk.read(vk.samples() / "rhel6-q35-virtio.xml")), "pc")
    >>> moved.review
    <Review 'erp-db-rhel6' rhel6.10 on pc-i440fx-8.2: 3 works>
    """
    from virtkit.domain.domain import read
    from virtkit.resolved import resolve

    if to not in _DISKS:
        raise UsageError(f"convert to {to!r}? known: {', '.join(_DISKS)}")
    if resolved.family not in ("i440fx", "q35"):
        raise UsageError(f"{resolved.machine} is neither a pc nor a q35 machine: there is nothing to convert")
    if (resolved.family == "q35") == (to == "q35"):
        raise UsageError(f"{resolved.name} is on {resolved.machine} already")
    known = guest_database or catalogue()
    who, _ = guest_of(resolved.domain, guest, known)
    document = resolved.domain.document
    if to == "pc":
        _no_secure_boot(document.root)
    editor = Editor(document.text, document.root)
    steps = list(_steps(editor, document.root, to, _machine(resolved, to)))
    codec = document.codec

    def again(text: str) -> Resolved:
        return resolve(read(text.encode(codec)), host=resolved.host)

    moved = again(editor.text())
    review = check(moved, who, overrides=overrides, guest_database=known)
    if review.changes:
        steps += [f"{finding.label}: {finding.change}" for finding in review.changes]
        moved = again(fixed(moved, review))
        review = check(moved, who, overrides=overrides, guest_database=known)
    steps += _remarks(who, to)
    return Conversion(moved.domain.document.text, tuple(steps), review)


def _no_secure_boot(root: Element) -> None:
    """Raises Refused for a domain that boots securely, which needs SMM and so q35.

    Source: observed, libvirt 9.0; firmware that is chosen by its features is refused when the domain is started.
    """
    loader = root.find("os/loader[@secure='yes']")
    asked = root.find("os/firmware/feature[@name='secure-boot'][@enabled='yes']") if loader is None else loader
    if asked is not None:
        what = "Secure boot is supported with q35 machine types only"
        raise Refused("unsupported configuration", what, line=line_of(asked))


def _machine(resolved: Resolved, to: str) -> str:
    """The machine type to write: of the same version where a version was written and QEMU has it, else the alias."""
    written = resolved.domain.machine or ""
    version = machine_version(resolved.machine)[1]
    emulator = resolved.host.emulator(resolved.arch)
    if version and emulator and written not in _DISKS:
        name = f"pc-{'q35' if to == 'q35' else 'i440fx'}-{version[0]}.{version[1]}"
        if name in emulator.machines:
            return name
    return to


def _steps(editor: Editor, root: Element, to: str, name: str) -> Iterator[str]:
    """Makes the edits and says each."""
    machine = root.find("os/type")
    if machine is not None:
        yield f"machine: {machine.get('machine', 'default')} becomes {name}"
        editor.set(machine, "machine", name)
    devices = [child for holder in root.iterchildren("devices") for child in holder.iterchildren("*")]
    addresses = buses = 0
    for device in devices:
        if device.tag == "controller" and device.get("type") in ("pci", *_DROPPED[to]):
            editor.remove(device)
            buses += device.get("type") == "pci"
            if device.get("type") != "pci":
                yield f"controller {device.get('type')} {device.get('index', '')}: removed".replace(" :", ":")
            elif len(device) > len(device.findall("address")) + len(device.findall("model")):
                yield f"controller pci {device.get('index', '')}: removed with its settings".replace("  ", " ")
            continue
        if device.tag == "watchdog" and to == "pc" and sorted(device.items()) == _ITCO:
            editor.remove(device)
            yield "watchdog itco: removed, libvirt adds it to every q35 domain and pc has none"
            continue
        if device.tag == "controller" and device.get("type") == "usb" and _chipset_usb(device, to):
            editor.remove(device)
            yield f"controller usb {device.get('model')}: removed, libvirt's default takes its place"
            continue
        if device.tag == "iommu" and to == "pc" and device.get("model") in ("intel", "virtio"):
            editor.remove(device)
            yield f"iommu {device.get('model')}: removed, pc has none"
            continue
        for address in device.iterchildren("address"):
            if address.get("type") == "pci":
                editor.remove(address)
                addresses += 1
    if addresses or buses:
        yield f"{addresses} PCI addresses and {buses} PCI controllers: removed, to be allocated anew"
    yield from _models(editor, devices, to)
    yield from _disks(editor, devices, to)


def _chipset_usb(device: Element, to: str) -> bool:
    model = device.get("model") or ""
    return model.startswith("piix") if to == "q35" else False


def _models(editor: Editor, devices: list[Element], to: str) -> Iterator[str]:
    for tag, where, renamed in _MODELS[to]:
        child, _, attribute = where.rpartition("/")
        for device in devices:
            holder = device.find(child) if child else device
            if device.tag != tag or holder is None:
                continue
            old = holder.get(attribute, "")
            if old in renamed:
                editor.set(holder, attribute, renamed[old])
                yield f"{tag}: model {old} becomes {renamed[old]}"


def _disks(editor: Editor, devices: list[Element], to: str) -> Iterator[str]:
    old, new, prefix = _DISKS[to]
    disks = [device for device in devices if device.tag == "disk" and _bus(device) == old]
    if to == "pc" and len(disks) > _IDE_DISKS:
        yield f"{len(disks)} {old} disks: left as they are, IDE takes {_IDE_DISKS}; pc gets an AHCI controller"
        return
    others = [device for device in devices if device.tag == "disk" and device not in disks]
    if disks and any(_bus(disk) == new for disk in others) and not any(disk.find("boot") is not None for disk in disks):
        yield f"note: disks that were on {new} before come first now; <boot order='1'/> says which one boots"
    taken = {target.get("dev", "") for disk in others for target in disk.iterchildren("target")}
    # A name stands for a place on the controllers of its bus: one that is written down already is taken, too.
    places = {_number(address) for disk in others if _bus(disk) == new for address in disk.iterchildren("address")}
    names = (name for n in range(26) if n not in places and (name := f"{prefix}{chr(97 + n)}") not in taken)
    for disk in disks:
        target = disk.find("target")
        if target is None:
            continue
        name = next(names, "")
        if not name:
            raise UsageError(f"disk {target.get('dev')}: no {new} disk name from {prefix}a to {prefix}z is free")
        yield f"disk {target.get('dev')}: bus {old} becomes {new}, target {name}"
        editor.set(target, "bus", new)
        editor.set(target, "dev", name)
        for address in disk.iterchildren("address"):
            editor.remove(address)
        for geometry in disk.iterchildren("geometry"):
            if geometry.get("trans"):
                editor.unset(geometry, "trans")
                yield f"disk {name}: CHS translation {geometry.get('trans')} removed, only the ide bus has it"


def _number(address: Element) -> int:
    """The number of the disk name that stands for a written place on SATA controllers, -1 for none."""
    try:
        return int(address.get("controller", "0")) * UNITS["sata"] + int(address.get("unit", "0"))
    except ValueError:
        return -1


def _bus(disk: Element) -> str:
    target = disk.find("target")
    if target is None:
        return ""
    written = target.get("bus")
    return written or ("ide" if target.get("dev", "").startswith("hd") else "")


def _remarks(guest: Guest | None, to: str) -> list[str]:
    said = ["note: PCI addresses change, so network interface names in the guest may change too"]
    if guest is None:
        said.append("note: guest OS unknown: virtio models are left as they were, unchecked")
    elif to == "q35" and guest.devices and not guest.q35:
        said.append(f"note: the guest OS database does not list q35 for {guest.id}")
    if guest is not None and to == "q35" and guest.id in _OLD_WINDOWS:
        said.append("note: this Windows needs its AHCI driver enabled before the boot disk moves from IDE to SATA")
    return said
