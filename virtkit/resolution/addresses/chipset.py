"""The places that a chipset fixes: i440fx's IDE, USB, ISA and ACPI, q35's SATA, LPC and SMBus, and the first display.

The slots are in ``data/libvirt/chipset-slots.csv``.
"""

from __future__ import annotations

from functools import cache

from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Controller, Device
from virtkit.errors import Refused
from virtkit.host.chipset import built_in, part
from virtkit.resolution.addresses.connect_types import AUTO, CONVENTIONAL, ConnectTypes
from virtkit.resolution.addresses.pci_buses import INT, XML, BusTable
from virtkit.resolution.context import Context, Draft

__all__ = ["ICH9_FUNCTIONS", "ROOTS", "is_fixed", "keeps", "reserve", "taken"]

ICH9_FUNCTIONS = {"ich9-ehci1": 7, "ich9-uhci1": 0, "ich9-uhci2": 1, "ich9-uhci3": 2}
"""The function each part of the ich9 usb 2.0 set has in its slot. Source: QEMU docs/config/ich9-ehci-uhci.cfg."""

ROOTS = frozenset({"pci-root", "pcie-root"})
"""The models of a root bus."""

_IDE, _PIIX3_USB, _SATA = part("i440fx", "ide").place, part("i440fx", "usb").place, part("q35", "sata").place
_FIRST_USB, _SECOND_USB = part("q35", "first-usb").slot, part("q35", "second-usb").slot
_DMI_BRIDGE, _SOUND = part("q35", "dmi-bridge").slot, part("q35", "sound").slot
_VIDEO = {chipset: part(chipset, "video").slot for chipset in ("i440fx", "q35")}
_PIIX3 = frozenset({"piix3-uhci", None})
_UNPLACED_VIDEO = frozenset({"none", "ramfb", None})


def _at(address: PciAddress) -> tuple[int, int, int]:
    return address.bus, address.slot, address.function


def is_fixed(device: Device, address: PciAddress) -> bool:
    """Whether it is the IDE or USB part of the i440fx chipset at its fixed place, which is not reserved twice."""
    if not isinstance(device, Controller) or device.index != 0 or address.domain:
        return False
    if device.type == "ide":
        return _at(address) == _IDE
    return device.type == "usb" and device.model in _PIIX3 and _at(address) == _PIIX3_USB


def keeps(chipset: str, controller: Controller) -> bool:
    """Whether a chipset leaves a controller, which is not of type pci, where it is written."""
    type_, address = controller.type, controller.address
    if controller.index or address is None or type_ not in ("ide", "sata", "usb"):
        return True
    if not isinstance(address, PciAddress):
        return False
    if type_ == "sata":
        return chipset != "q35" or _at(address) == _SATA
    # On another chipset no controller may be at such a place.
    return (type_ == "usb" and controller.model not in _PIIX3) or is_fixed(controller, address) is (chipset == "i440fx")


@cache
def taken(chipset: str) -> frozenset[int]:
    """The places on bus 0 that a chipset takes, each as 8 times the slot plus the function."""
    return frozenset(one.slot << 3 | one.function for one in built_in(chipset)) if chipset in _VIDEO else frozenset()


def reserve(context: Context, draft: Draft, table: BusTable, types: ConnectTypes) -> None:
    """Take the fixed places of the machine's chipset; what has one gets it at once.

    Raises Refused when a chipset controller is written elsewhere.
    """
    if context.family.chipset == "i440fx" and table.buses:
        _i440fx(context, draft, table, types)
    elif context.family.chipset == "q35" and table.buses:
        _q35(context, draft, table, types)


def _unset(device: Device) -> bool:
    address = device.address
    return address is None or (isinstance(address, PciAddress) and address.empty)


def _i440fx(context: Context, draft: Draft, table: BusTable, types: ConnectTypes) -> None:
    for controller in draft.devices.controllers:
        if controller.index != 0:
            continue
        if controller.type == "ide":
            _fix(context, draft, controller, _IDE, "Primary IDE controller must have PCI address 0:0:1.1")
            table.reserve(PciAddress(0, *_IDE), CONVENTIONAL, INT, controller)
        elif controller.type == "usb" and controller.model in _PIIX3:
            where = "PIIX3 USB controller at index 0 must have PCI address 0:0:1.2"
            _fix(context, draft, controller, _PIIX3_USB, where)
            table.reserve(PciAddress(0, *_PIIX3_USB), CONVENTIONAL, INT, controller)
    _reserve_built_in(context, table)
    _first_video(context, draft, table, types)


def _q35(context: Context, draft: Draft, table: BusTable, types: ConnectTypes) -> None:
    used = table.buses[0].used
    for controller in draft.devices.controllers:
        if controller.type == "sata" and controller.index == 0:
            _fix(context, draft, controller, _SATA, "Primary SATA controller must have PCI address 0:0:1f.2")
        elif controller.type == "usb" and controller.model == "ich9-uhci1" and _unset(controller):
            for slot in (_FIRST_USB, _SECOND_USB):
                if not used[slot]:
                    address = PciAddress(0, 0, slot, 0, "on")
                    table.reserve(address, types.of(controller), INT, controller)
                    controller.place(address)
                    draft.trace.record(controller, "chipset.fixed", context.family.name, address)
                    break
        elif controller.model == "dmi-to-pci-bridge" and controller.address is None and not used[_DMI_BRIDGE]:
            _put(context, draft, table, types, controller, _DMI_BRIDGE)
    _reserve_built_in(context, table)
    _first_video(context, draft, table, types)
    if not used[_SOUND]:
        for sound in draft.devices.sounds:
            if sound.model == "ich9" and _unset(sound):
                _put(context, draft, table, types, sound, _SOUND)
                break


def _reserve_built_in(context: Context, table: BusTable) -> None:
    for address, name in _built_in(context.family.chipset):
        table.reserve(address, CONVENTIONAL, INT, name)


@cache
def _built_in(chipset: str) -> tuple[tuple[PciAddress, str], ...]:
    """The places on bus 0 that a chipset takes, with what takes them; the addresses stay as they are."""
    return tuple((PciAddress(0, *one.place), f"the chipset's {one.text}") for one in built_in(chipset))


def _fix(context: Context, draft: Draft, controller: Controller, place: tuple[int, int, int], refusal: str) -> None:
    written = controller.address
    if not isinstance(written, PciAddress) or written.empty:
        # An address of another type is ignored.
        address = PciAddress(0, *place)
        controller.place(address)
        draft.trace.record(controller, "chipset.fixed", context.family.name, address)
    elif written.domain or _at(written) != place:
        raise Refused(INT, refusal, controller.label, controller.line)


def _put(context: Context, draft: Draft, table: BusTable, types: ConnectTypes, device: Device, slot: int) -> None:
    address = PciAddress(0, 0, slot, 0)
    table.reserve(address, types.of(device), INT, device)
    device.place(address)
    draft.trace.record(device, "chipset.fixed", context.family.name, address)


def _first_video(context: Context, draft: Draft, table: BusTable, types: ConnectTypes) -> None:
    slot = _VIDEO[context.family.chipset]
    videos = draft.devices.videos
    if not videos or videos[0].model in _UNPLACED_VIDEO or not _unset(videos[0]):
        return
    video = videos[0]
    want = types.of(video)
    if not want:
        return
    if not table.buses[0].used[slot]:
        address = PciAddress(0, 0, slot, 0)
        table.reserve(address, want, XML, video)
        draft.trace.record(video, "chipset.video", context.family.name, address)
    else:
        address = PciAddress(0, *table.choose(want | AUTO, video))
        if table.growing:
            # The dry run does not keep it: it is placed again among the other displays, so it counts twice.
            return
        draft.trace.record(video, "chipset.video-elsewhere", f"00:{slot:02x}.0")
    video.place(address)
