"""Refusals of controllers: options and their ranges, controllers that the machine does not support, usb sets."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Controller
from virtkit.domain.edits import SetAttribute, SetText
from virtkit.errors import Refused
from virtkit.resolution.addresses.connect_types import pci_models
from virtkit.resolution.constraints.accepted import Ground
from virtkit.resolution.context import Context, Draft

__all__ = ["check_controllers", "check_usb_sets"]

CFG = "unsupported configuration"
XML = "XML error"
INT = "internal error"

MAX_INDEX = 255
MAX_XHCI_PORTS = 15

RANGES = {
    "chassisNr": (1, 255, "PCI controller chassisNr"),
    "chassis": (0, 255, "PCI controller chassis"),
    "port": (0, 255, "PCI controller port"),
    "busNr": (1, 254, "PCI controller busNr"),
    "index": (0, 30, "PCI controller target index"),
}
"""Lowest, highest, name. Source: libvirt, "Domain XML format", Controllers; observed: libvirt 9.0 and 12.8."""

OWNERS = {
    "chassisNr": frozenset({"pci-bridge"}),
    "chassis": frozenset({"pcie-root-port", "pcie-switch-downstream-port"}),
    "port": frozenset({"pcie-root-port", "pcie-switch-downstream-port"}),
    "busNr": frozenset({"pci-expander-bus", "pcie-expander-bus"}),
    "index": frozenset({"pci-root"}),
    "memReserve": frozenset({"pcie-root-port", "pci-bridge"}),
}
"""The models that accept an option."""

EXPANDERS = {"pci-expander-bus": ("i440fx",), "pcie-expander-bus": ("q35",)}
ARM_VIRT = ("aarch64-virt", "armv7l-virt")
PCI_USB = frozenset({"qemu-xhci", "nec-xhci", "ehci", "pci-ohci", "piix3-uhci", "piix4-uhci", "ich9-ehci1"})
XHCI = frozenset({"nec-xhci", "qemu-xhci"})
ICH9_UHCI = frozenset({"ich9-uhci1", "ich9-uhci2", "ich9-uhci3"})


#: What to do about an IDE disk, by machine family. Source: libvirt, Domain XML format, disk buses.
_NO_IDE = MappingProxyType({"q35": "put the disk on bus='sata' (target dev='sda'), as virtkit check --fix does"})
_OTHER_BUS = "put the disk on another bus, such as virtio or scsi"


def _refuse(controller: Controller, what: str, category: str = CFG, remedy: str = "") -> Refused:
    return Refused(category, what, controller.label, controller.line, remedy=remedy)


def check_controllers(context: Context, draft: Draft, controllers: Iterable[Controller]) -> None:
    """Refuse an invalid one of some controllers. Raises Refused."""
    for controller in controllers:
        check = _CHECKS.get(controller.type)
        if check is not None:
            check(context, controller)
        if controller.type == "pci":
            _check_node(context, controller)
            _check_expander(context, controller)
        elif controller.type == "nvme":
            _check_nvme(draft, controller)


def _check_pci(context: Ground, controller: Controller) -> None:
    model = controller.model or ""
    index, options = controller.index, controller.options
    if index > MAX_INDEX:
        raise _refuse(controller, f"PCI controller index '{index}' too high, maximum is {MAX_INDEX}")
    pseries = context.family.name == "pseries"
    if not context.family.root and "pci-required" in context.behaves:
        raise _refuse(controller, f"Machine type '{context.machine}' does not support PCI")
    if model in ("pci-root", "pcie-root"):
        if controller.address is not None:
            raise _refuse(controller, "pci-root and pcie-root controllers should not have an address")
        if index and (model == "pcie-root" or not pseries):
            raise _refuse(controller, "pci-root and pcie-root controllers should have index 0", XML)
    for name, value in options.items():
        if model not in OWNERS[name] or (name == "index" and not pseries):
            if name == "memReserve" and "usb-net" not in context.behaves:
                continue
            raise _refuse(
                controller, f"Option '{name}' is not valid for PCI controller with index '{index}', model '{model}'"
            )
        if name in RANGES:
            low, high, words = RANGES[name]
            if not low <= value <= high:
                raise _refuse(controller, f"{words} '{value}' out of range - must be {low}-{high}")
    if controller.hotplug is not None and not (
        model in ("pcie-root-port", "pcie-switch-downstream-port")
        or (model == "pci-root" and context.family.name == "i440fx")
    ):
        raise _refuse(
            controller,
            f"Option 'hotplug' is not valid for PCI controller with index '{index}', model '{model}'",
        )
    if pseries and model == "pci-root" and "index" in options and (index == 0) != (options["index"] == 0):
        raise _refuse(controller, "Only the PCI controller with index 0 can have target index 0, and vice versa")
    offer = pci_models().get(model)
    fits = {offer.qemu_name} if offer is not None and offer.qemu_name else set()
    if model == "pcie-root-port":
        fits.add("ioh3420")
    if model == "pci-root" and not pseries:
        fits = set()
    if controller.model_name is not None and controller.model_name not in fits:
        raise _refuse(
            controller,
            f"PCI controller model name '{controller.model_name}' is not valid for a {model}"
            + (f" (right: {', '.join(sorted(fits))})" if fits else " (it has none)"),
        )


def _check_expander(context: Ground, controller: Controller) -> None:
    model = controller.model or ""
    arm = model == "pcie-expander-bus" and "arm-expander-bus" in context.behaves and context.family.name in ARM_VIRT
    if model in EXPANDERS and context.family.name not in EXPANDERS[model] and not arm:
        text = (
            "pci-expander-bus controllers are only supported on 440fx-based machinetypes"
            if model == "pci-expander-bus"
            else "pcie-expander-bus controllers are not supported with this machine type"
        )
        raise _refuse(controller, text)


def _check_node(context: Context, controller: Controller) -> None:
    node = controller.node
    if node is None:
        return
    model = controller.model or ""
    pseries = context.family.name == "pseries"
    if model not in ("pci-expander-bus", "pcie-expander-bus") and not (model == "pci-root" and pseries):
        raise _refuse(
            controller,
            f"Option 'node' is not valid for PCI controller with index '{controller.index}', model '{model}'",
        )
    if model == "pci-root" and controller.index == 0:
        raise _refuse(controller, "The PCI controller with index=0 can't be associated with a NUMA node")
    cells = len(context.cells)
    if not cells and "uncounted-virtio-memory" in context.behaves and context.find("maxMemory") is not None:
        # Since 9.6 memory that can grow brings one NUMA node of its own.
        cells = 1
    if not 0 <= node < cells:
        raise _refuse(
            controller,
            f"{model} with index {controller.index} is configured for a NUMA node ({node}) not present in the "
            f"domain's <cpu><numa> array ({cells})",
            XML,
        )


def _check_ide(context: Ground, controller: Controller) -> None:
    if not context.family.ide and not context.trusts_controllers:
        what = "IDE controllers are unsupported for this QEMU binary or machine type"
        raise _refuse(controller, what, remedy=_NO_IDE.get(context.family.name, _OTHER_BUS))
    if controller.index:
        raise _refuse(controller, "Only 1 IDE controller is supported", INT)


def _check_scsi(context: Ground, controller: Controller) -> None:
    if controller.model == "buslogic":
        raise _refuse(controller, "Unsupported controller model: buslogic")
    if controller.model == "ncr53c90":
        raise _refuse(controller, "ncr53c90 SCSI controller is not a built-in for this machine")


def _check_usb(context: Ground, controller: Controller) -> None:
    model = controller.model
    if model in ("qusb1", "qusb2"):
        raise _refuse(controller, "USB controller model type 'qusb1' or 'qusb2' is not supported in qemu")
    if model in XHCI and controller.ports is not None and controller.ports > MAX_XHCI_PORTS:
        raise _refuse(controller, f"'{model}' controller only supports up to '{MAX_XHCI_PORTS}' ports")
    if model in (None, "none") or "machine-lists" not in context.behaves:
        return
    if not context.family.root and model in PCI_USB:
        raise _refuse(
            controller,
            f"USB controller model '{model}' requires PCI but machine type '{context.machine}' does not support PCI",
        )
    if not context.has_model("usb", model or "") or (context.arch == "s390x" and model != "qemu-xhci"):
        raise _refuse(controller, f"USB controller model '{model}' not supported in this QEMU binary")


def _check_nvme(draft: Draft, controller: Controller) -> None:
    serial = controller.serial
    for disk in draft.devices.disks:
        if disk.bus != "nvme" or disk.serial is None:
            continue
        at = disk.address
        if at is None or at.type != "drive" or getattr(at, "controller", -1) != controller.index:
            continue
        if serial is None:
            serial = controller.serial = disk.serial
            controller.edits.append(SetText("serial", serial))
        elif serial != disk.serial:
            raise _refuse(
                controller,
                "Conflicting NVME disk serial number, all disks on a controller must have the same serial number "
                "as the controller itself",
            )
    if not serial:
        raise _refuse(controller, "Missing mandatory serial for NVMe controller", XML)


def _written_none(usb: Controller) -> bool:
    """Whether ``model='none'`` is written for a usb controller."""
    return usb.model == "none" and not any(isinstance(one, SetAttribute) and one.name == "model" for one in usb.edits)


def check_usb_sets(draft: Draft) -> None:
    """Refuse usb controllers that cannot be combined. Raises Refused."""
    usb = [controller for controller in draft.devices.controllers if controller.type == "usb"]
    masters = [one for one in usb if one.startport is None and one.model not in ICH9_UHCI]
    if len(masters) == len(usb) <= 1:
        return
    written = [controller for controller in usb if not controller.added]
    if len(written) > 1 and any(_written_none(one) for one in written):
        raise _refuse(written[1], "Can't add another USB controller: USB is disabled for this domain")
    if written and all(one.added for one in masters):
        raise _refuse(written[0], "No master USB controller specified")
    seen: set[int] = set()
    for controller in masters:
        if controller.model == "none":
            continue
        if controller.index in seen:
            raise _refuse(controller, f"Duplicate USB controllers with index {controller.index}", XML)
        seen.add(controller.index)


def _check_unplaceable(context: Ground, controller: Controller) -> None:
    if not context.family.pci and "pci-required" not in context.behaves:
        return
    if isinstance(controller.address, PciAddress) and not controller.address.empty:
        return
    raise _refuse(
        controller, "Cannot automatically add a new PCI bus for a device with unrecognized connect flags 00", INT
    )


_CHECKS = {
    "isa": _check_unplaceable,
    "xenbus": _check_unplaceable,
    "pci": _check_pci,
    "ide": _check_ide,
    "scsi": _check_scsi,
    "usb": _check_usb,
}
"""The checks of a single controller, by its type."""
