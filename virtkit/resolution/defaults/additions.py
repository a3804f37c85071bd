"""Devices that libvirt adds to every domain of a machine family: controllers, inputs, balloon, panic, watchdog, iommu.

Source: observed, libvirt 9.0 and 12.8; the choices are in ``data/libvirt/machines.toml``.
"""

from __future__ import annotations

from virtkit.domain.devices import Device, Input
from virtkit.errors import Refused
from virtkit.resolution.context import Context, Draft
from virtkit.resolution.defaults import controllers

__all__ = ["add_machine_devices"]

XML = "XML error"


def add_machine_devices(context: Context, draft: Draft) -> None:
    """Add the devices of the machine family. Raises Refused for a wrong root controller."""
    if context.family.ps2:
        missing = [type_ for type_ in ("mouse", "keyboard") if not _has_input(context, draft, (type_,), "ps2")]
        if missing and _ps2_on(context):
            for type_ in missing:
                _add_input(draft, type_, "ps2")
    _add_usb(context, draft)
    if context.family.sata and controllers.find(draft, "sata", 0) is None:
        sata = controllers.add(context, draft, controllers.new("sata", 0))
        draft.trace.record(sata, "machine.sata", context.family.name)
    _add_root(context, draft)
    devices = draft.devices
    if context.family.balloon and not devices.memballoons:
        balloon = _added("memballoon", context.family.balloon)
        devices.memballoons.append(balloon)
        draft.trace.record(balloon, "machine.balloon")
    if context.arch in ("ppc64", "ppc64le") and devices.graphics:
        if not _has_input(context, draft, ("keyboard",), "usb"):
            _add_input(draft, "keyboard", "usb")
        if not _has_input(context, draft, ("mouse", "tablet"), "usb"):
            _add_input(draft, "mouse", "usb")
    panic = context.family.panic
    if panic and not any(one.model in (None, panic) for one in devices.panics):
        device = _added("panic", panic)
        devices.panics.append(device)
        draft.trace.record(device, "machine.panic", context.family.name)
    _add_watchdog(context, draft)
    _add_iommu(context, draft)


def _added(kind: str, model: str) -> Device:
    device = Device(kind, None, -1, model)
    device.set_attribute("", "model", model)
    return device


def _ps2_on(context: Context) -> bool:
    if "ps2-feature" not in context.behaves:
        return True
    ps2 = context.find("features/ps2") if "features" in context.children else None
    return ps2 is None or ps2.get("state") != "off"


def _has_input(context: Context, draft: Draft, types: tuple[str, ...], bus: str) -> bool:
    """Whether an input of one of the types is on a bus; in older releases an unwritten bus counts as that bus."""
    buses = (bus,) if "written-bus-counts" in context.behaves else (bus, "")
    return bool([one for one in draft.devices.inputs if one.type in types and one.bus in buses])


def _add_input(draft: Draft, type_: str, bus: str) -> None:
    inputs = draft.devices.inputs
    device = Input("input", None, -1, type=type_, bus=bus)
    device.set_attribute("", "type", type_)
    device.set_attribute("", "bus", bus)
    inputs.append(device)
    draft.trace.record(device, "machine.input", bus, type_)


def _add_usb(context: Context, draft: Draft) -> None:
    family = context.family
    if not family.usb or controllers.find(draft, "usb", 0) is not None:
        return
    if family.usb == ("default",):
        draft.trace.record(controllers.add(context, draft, controllers.new("usb", 0)), "machine.usb", family.name)
        return
    for model in family.usb:
        if model == "ich9":
            if context.has_model("usb", "ich9-ehci1"):
                _add_ich9_set(context, draft)
            return
        if context.has_model("usb", model):
            controller = controllers.add(context, draft, controllers.new("usb", 0, model))
            draft.trace.record(controller, "machine.usb", family.name)
            return
    if len(family.usb) == 1:
        # The only model of an old machine; the controller has no model when QEMU lacks it.
        draft.trace.record(controllers.add(context, draft, controllers.new("usb", 0)), "machine.usb", family.name)


def _add_ich9_set(context: Context, draft: Draft) -> None:
    for model in ("ich9-ehci1", *controllers.COMPANIONS):
        controller = controllers.new("usb", 0, model)
        if model in controllers.COMPANIONS:
            controller.startport = controllers.COMPANIONS[model]
            controller.set_attribute("master", "startport", str(controller.startport))
        draft.trace.record(controllers.add(context, draft, controller), "machine.usb", context.family.name)


def _add_root(context: Context, draft: Draft) -> None:
    root = context.family.root
    existing = controllers.find(draft, "pci", 0)
    if not root:
        return
    if existing is None:
        controller = controllers.new("pci", 0, root)
        controllers.add(context, draft, controller)
        draft.trace.record(controller, "machine.root", context.family.name, root)
        return
    if existing.model != root:
        raise Refused(
            XML,
            f"The PCI controller with index='0' must be model='{root}' for this machine type, "
            f"but model='{existing.model or '(null)'}' was found instead",
            existing.label,
            existing.line,
        )


def _add_watchdog(context: Context, draft: Draft) -> None:
    model = context.family.watchdog
    watchdogs = draft.devices.watchdogs
    if not model or any(one.model == model for one in watchdogs):
        return
    action = "reset"
    written = watchdogs[0].sample if watchdogs else None
    if written is not None:
        action = written.get("action") or action
    device = _added("watchdog", model)
    device.set_attribute("", "action", action)
    watchdogs.append(device)
    draft.trace.record(device, "machine.watchdog", context.family.name)


def _add_iommu(context: Context, draft: Draft) -> None:
    if context.family.chipset != "q35" or "iommu-for-many-vcpus" not in context.behaves:
        return
    vcpu = context.find("vcpu")
    text = "1" if vcpu is None else (vcpu.text or "1").strip()
    if not text.isdigit() or int(text) <= 255:
        return
    iommus = draft.devices.iommus
    if not iommus:
        device = _added("iommu", "intel")
        iommus.append(device)
        draft.trace.record(device, "machine.iommu", text)
    needed = {"intel": ("intremap", "eim"), "amd": ("intremap", "xtsup")}
    for iommu in iommus:
        driver = iommu.children.get("driver")
        for option in needed.get(iommu.model or "", ()):
            if driver is None or driver.get(option) is None:
                iommu.set_attribute("driver", option, "on")
