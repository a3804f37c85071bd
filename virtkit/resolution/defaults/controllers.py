"""The list of controllers: its order, its indexes, and the controllers that devices imply.

Source: observed, libvirt 9.0 and 12.8 (random domains defined and read back).
"""

from __future__ import annotations

from virtkit.domain.address import CcidAddress, DriveAddress, SerialAddress
from virtkit.domain.devices import Controller
from virtkit.domain.edits import SetAttribute
from virtkit.errors import Refused
from virtkit.resolution.context import Context, Draft

__all__ = [
    "COMPANIONS",
    "ICH9",
    "add",
    "find",
    "imply",
    "index_all",
    "insert",
    "is_sorted",
    "new",
    "prepare_for_scsi_hostdevs",
]

COMPANIONS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}
"""Companion models and the first port each takes when nothing is written."""

ICH9 = frozenset({"ich9-ehci1", *COMPANIONS})

_INT = "internal error"

FARTHEST = 4095
"""The highest controller number for which all lower ones are added."""


def _is_companion(controller: Controller) -> bool:
    return controller.startport is not None or controller.model in COMPANIONS


def is_sorted(controllers: list[Controller], type_: str) -> bool:
    """Whether the controllers of one type are sorted by index, so that an insertion may stop early."""
    last = -1
    for controller in controllers:
        if controller.type == type_:
            if controller.index < last:
                return False
            last = controller.index
    return True


def insert(controllers: list[Controller], controller: Controller, rising: bool = False) -> None:
    """Put a controller among those of its type: before the first with a higher index, else after the last.

    ``rising`` promises that the type is sorted by index.
    """
    place = -1
    type_, index = controller.type, controller.index
    companion = controller.type == "usb" and _is_companion(controller)
    for at in range(len(controllers) - 1, -1, -1):
        other = controllers[at]
        if other.type != type_:
            continue
        if index >= 0 and (other.index > index or (other.index == index and not companion and _is_companion(other))):
            place = at
        elif place < 0:
            place = at + 1
            if rising:
                break
        elif rising:
            break
    controllers.insert(len(controllers) if place < 0 else place, controller)


def new(type_: str, index: int, model: str | None = None) -> Controller:
    """A controller that resolution adds."""
    controller = Controller("controller", None, -1, model, type=type_, index=index)
    controller.edits += [SetAttribute("", "type", type_), SetAttribute("", "index", str(index))]
    if model is not None:
        controller.set_attribute("", "model", model)
    return controller


def add(context: Context, draft: Draft, controller: Controller, rising: bool = False) -> Controller:
    """Insert an added controller into the list, where the release puts it."""
    controllers = draft.devices.controllers
    if "sorted-controllers" in context.behaves:
        insert(controllers, controller, rising)
    else:
        controllers.append(controller)
    return controller


def find(draft: Draft, type_: str, index: int) -> Controller | None:
    """The first controller of a type and index."""
    for controller in draft.devices.controllers:
        if controller.type == type_ and controller.index == index:
            return controller
    return None


def order_written(draft: Draft) -> bool:
    """Sort the written controllers into libvirt's list order.

    Returns whether each has an index that no other of its type has; then ``index_all`` and ``check_duplicates`` have
    nothing to do.
    """
    written = draft.devices.controllers
    in_order, indexed = _order_of(written)
    if not in_order:
        ordered: list[Controller] = []
        for controller in written:
            insert(ordered, controller)
        draft.devices.controllers = ordered
    return indexed


def _order_of(controllers: list[Controller]) -> tuple[bool, bool]:
    """Whether ``insert`` would put each controller at the end, and whether each is sure to have an index of its own.

    They are in order where those of one type stand together, their indexes rise, and the companions of a usb controller
    follow it. Companions that have their port need no index of their own.
    """
    highest: dict[str, int] = {}
    last = ""
    indexed = True
    for controller in controllers:
        type_, index = controller.type, controller.index
        before = highest.get(type_, -2)
        if before != -2 and (type_ != last or 0 <= index < before):
            return False, False
        if index > before:
            highest[type_] = index
        elif type_ != "usb" or index < 0:
            indexed = False
        elif controller.model not in COMPANIONS:
            return False, False
        if index < 0 or (controller.startport is None and controller.model in COMPANIONS):
            indexed = False
        last = type_
    return True, indexed


def prepare_for_scsi_hostdevs(context: Context, draft: Draft) -> None:
    """Add the scsi controller of each scsi hostdev, and all with a lower index, before indexes are assigned."""
    _imply_scsi_for_hostdevs(context, draft)


def index_all(context: Context, draft: Draft) -> None:
    """Give every controller without an index the lowest one unused in its type."""
    controllers = draft.devices.controllers
    used: dict[str, set[int]] = {}
    resort = False
    for controller in controllers:
        if controller.index < 0:
            for other in controllers:
                used.setdefault(other.type, set()).add(other.index)
            break
    previous: Controller | None = None
    for place, controller in enumerate(controllers):
        if controller.index < 0:
            taken = used[controller.type]
            index = -1
            if controller.type == "usb" and controller.model in ICH9:
                if place:
                    resort = True
                index = _ich9_index(controllers, controller, previous)
            if index < 0:
                index = 0
                while index in taken:
                    index += 1
            controller.index = index
            taken.add(index)
            controller.set_attribute("", "index", str(index))
        if controller.type == "usb":
            previous = controller
            if controller.model in COMPANIONS and controller.startport is None:
                controller.startport = COMPANIONS[controller.model]
                controller.set_attribute("master", "startport", str(controller.startport))
    if resort and "resorted-controllers" in context.behaves:
        ordered: list[Controller] = []
        for controller in controllers:
            insert(ordered, controller)
        draft.devices.controllers = ordered


def _ich9_index(controllers: list[Controller], controller: Controller, previous: Controller | None) -> int:
    if previous is None or previous.model not in ICH9:
        return -1
    for other in controllers:
        if other.type == "usb" and other.index == previous.index and other.model == controller.model:
            return -1
    return previous.index


def check_duplicates(draft: Draft) -> None:
    """Refuse two controllers of one type and index, the parts of one ich9 usb set excepted."""
    controllers = draft.devices.controllers
    seen = {(controller.type, controller.index) for controller in controllers}
    if len(seen) == len(controllers):
        return
    for controller in controllers:
        key = (controller.type, controller.index)
        if key in seen:
            seen.remove(key)
        elif controller.type != "usb":
            raise Refused(
                "XML error",
                f"Multiple '{controller.type}' controllers with index '{controller.index}'",
                controller.label,
                controller.line,
            )


def imply(context: Context, draft: Draft) -> None:
    """Add the controllers that disks, channels, consoles, smartcards and scsi hostdevs need."""
    devices = draft.devices
    _imply_for_disks(context, draft)
    for kind in (devices.channels, devices.consoles):
        for device in kind:
            if device.target == "virtio":
                at = device.address
                index = at.controller if isinstance(at, SerialAddress) else 0
                if find(draft, "virtio-serial", index) is None:
                    serial = add(context, draft, new("virtio-serial", index))
                    draft.trace.record(serial, "controller.for-device", device.kind)
    if devices.smartcards:
        _imply_ccid(context, draft)
    _imply_scsi_for_hostdevs(context, draft)


_MOST = {"scsi": None, "fdc": 1, "ide": 1, "sata": None, "nvme": None}
"""The types of controllers that disks imply, in libvirt's order, and how many of each there may be."""


def _imply_for_disks(context: Context, draft: Draft) -> None:
    highest: dict[str, int] = {}
    for disk in draft.devices.disks:
        address, bus = disk.address, disk.bus
        if isinstance(address, DriveAddress) and bus in _MOST and address.controller > highest.get(bus, -1):
            highest[bus] = address.controller
    if not highest:
        return
    present = {(controller.type, controller.index) for controller in draft.devices.controllers}
    for type_, limit in _MOST.items():
        top = highest.get(type_, -1)
        if top > FARTHEST:
            raise _too_far(type_, top)
        for index in range(top + 1):
            if (type_, index) not in present:
                if limit and index >= limit:
                    word = "fdc" if type_ == "fdc" else "IDE"
                    raise Refused(_INT, f"Only {limit} {word} controller is supported", f"controller {type_} {index}")
                draft.trace.record(add(context, draft, new(type_, index)), "controller.for-disk", type_)


def _too_far(type_: str, index: int) -> Refused:
    # libvirt would try to add them all; no machine has room for so many, so this is a typing error.
    return Refused(
        _INT,
        f"{type_} controller {index} would add {index} other controllers; expected an index of at most {FARTHEST}",
        f"controller {type_} {index}",
    )


def _imply_ccid(context: Context, draft: Draft) -> None:
    taken = [card.address for card in draft.devices.smartcards if isinstance(card.address, CcidAddress)]
    slot = max((at.slot for at in taken if at.controller == 0), default=-1)
    for card in draft.devices.smartcards:
        at = card.address
        if at is None:
            slot += 1
            at = CcidAddress(0, slot)
            card.place(at)
            draft.trace.record(card, "ccid.slot", slot)
        if isinstance(at, CcidAddress) and find(draft, "ccid", at.controller) is None:
            added = add(context, draft, new("ccid", at.controller))
            draft.trace.record(added, "controller.for-device", "smartcard")


def _imply_scsi_for_hostdevs(context: Context, draft: Draft) -> None:
    if not draft.devices.hostdevs:
        return
    largest = -1
    model: str | None = None
    for hostdev in draft.devices.hostdevs:
        if hostdev.type != "scsi" or hostdev.mode != "subsystem":
            continue
        at = hostdev.address
        number = at.controller if isinstance(at, DriveAddress) else 0
        if number > largest:
            largest = number
            existing = find(draft, "scsi", largest)
            if existing is not None and existing.model is not None:
                model = existing.model
    if largest > FARTHEST:
        raise _too_far("scsi", largest)
    for index in range(largest + 1):
        if find(draft, "scsi", index) is None:
            draft.trace.record(add(context, draft, new("scsi", index, model)), "scsi.for-hostdev", index)
