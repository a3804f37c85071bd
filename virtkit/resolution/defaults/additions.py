"""Devices that libvirt adds to every domain of a machine family: controllers, inputs, balloon, panic, watchdog, iommu.

Source: observed, libvirt 9.0 and 12.8; the choices stand in ``data/libvirt/machines.csv``.
"""

from __future__ import annotations

from virtkit.domain.devices import Device, Input
from virtkit.errors import Refused
from virtkit.resolution.context import Setting
from virtkit.resolution.defaults import controllers

__all__ = ["add_machine_devices"]

XML = "XML error"


def add_machine_devices(setting: Setting) -> None:
    """Add what the machine family brings. Raises Refused for a wrong root controller."""
    if setting.family.ps2 and _ps2_on(setting):
        for type_ in ("mouse", "keyboard"):
            if not _has_input(setting, (type_,), "ps2"):
                _add_input(setting, type_, "ps2")
    _add_usb(setting)
    if setting.family.sata and controllers.find(setting, "sata", 0) is None:
        setting.trace.note(controllers.add(setting, controllers.new("sata", 0)), "machine.sata", setting.family.name)
    _add_root(setting)
    devices = setting.devices
    if setting.family.balloon and not devices.memballoons:
        balloon = _added("memballoon", setting.family.balloon)
        devices.memballoons.append(balloon)
        setting.trace.note(balloon, "machine.balloon")
    if setting.arch in ("ppc64", "ppc64le") and devices.graphics:
        if not _has_input(setting, ("keyboard",), "usb"):
            _add_input(setting, "keyboard", "usb")
        if not _has_input(setting, ("mouse", "tablet"), "usb"):
            _add_input(setting, "mouse", "usb")
    panic = setting.family.panic
    if panic and not any(one.model in (None, panic) for one in devices.panics):
        device = _added("panic", panic)
        devices.panics.append(device)
        setting.trace.note(device, "machine.panic", setting.family.name)
    _add_watchdog(setting)
    _add_iommu(setting)


def _added(kind: str, model: str) -> Device:
    device = Device(kind, None, -1, model)
    device.change("", "model", model)
    return device


def _ps2_on(setting: Setting) -> bool:
    if "ps2-feature" not in setting.behaves:
        return True
    ps2 = setting.root.find("features/ps2")
    return ps2 is None or ps2.get("state") != "off"


def _has_input(setting: Setting, types: tuple[str, ...], bus: str) -> bool:
    """Whether an input of one of the types is on a bus; an unwritten bus counts in older releases."""
    buses = (bus,) if "written-bus-counts" in setting.behaves else (bus, "")
    return any(one.type in types and one.bus in buses for one in setting.devices.inputs)


def _add_input(setting: Setting, type_: str, bus: str) -> None:
    inputs = setting.devices.inputs
    device = Input("input", None, -1, type=type_, bus=bus)
    device.change("", "type", type_)
    device.change("", "bus", bus)
    inputs.append(device)
    setting.trace.note(device, "machine.input", bus, type_)


def _add_usb(setting: Setting) -> None:
    family = setting.family
    if not family.usb or controllers.find(setting, "usb", 0) is not None:
        return
    if family.usb == ("default",):
        setting.trace.note(controllers.add(setting, controllers.new("usb", 0)), "machine.usb", family.name)
        return
    for model in family.usb:
        if model == "ich9":
            if setting.has_model("usb", "ich9-ehci1"):
                _add_ich9_set(setting)
            return
        if setting.has_model("usb", model):
            controller = controllers.add(setting, controllers.new("usb", 0, model))
            setting.trace.note(controller, "machine.usb", family.name)
            return
    if len(family.usb) == 1:
        # The one model of an old machine: kept without a model when QEMU lacks it.
        setting.trace.note(controllers.add(setting, controllers.new("usb", 0)), "machine.usb", family.name)


def _add_ich9_set(setting: Setting) -> None:
    for model in ("ich9-ehci1", *controllers.COMPANIONS):
        controller = controllers.new("usb", 0, model)
        if model in controllers.COMPANIONS:
            controller.startport = controllers.COMPANIONS[model]
            controller.change("master", "startport", str(controller.startport))
        setting.trace.note(controllers.add(setting, controller), "machine.usb", setting.family.name)


def _add_root(setting: Setting) -> None:
    root = setting.family.root
    existing = controllers.find(setting, "pci", 0)
    if not root:
        return
    if existing is None:
        controller = controllers.new("pci", 0, root)
        controllers.add(setting, controller)
        setting.trace.note(controller, "machine.root", setting.family.name, root)
        return
    if existing.model != root:
        raise Refused(
            XML,
            f"The PCI controller with index='0' must be model='{root}' for this machine type, "
            f"but model='{existing.model or '(null)'}' was found instead",
            existing.label,
            existing.line,
        )


def _add_watchdog(setting: Setting) -> None:
    model = setting.family.watchdog
    watchdogs = setting.devices.watchdogs
    if not model or any(one.model == model for one in watchdogs):
        return
    action = "reset"
    if watchdogs and watchdogs[0].element is not None:
        action = watchdogs[0].element.get("action") or action
    device = _added("watchdog", model)
    device.change("", "action", action)
    watchdogs.append(device)
    setting.trace.note(device, "machine.watchdog", setting.family.name)


def _add_iommu(setting: Setting) -> None:
    if "iommu-for-many-vcpus" not in setting.behaves or setting.family.chipset != "q35":
        return
    text = (setting.root.findtext("vcpu") or "1").strip()
    if not text.isdigit() or int(text) <= 255:
        return
    iommus = setting.devices.iommus
    if not iommus:
        device = _added("iommu", "intel")
        iommus.append(device)
        setting.trace.note(device, "machine.iommu", text)
    needed = {"intel": ("intremap", "eim"), "amd": ("intremap", "xtsup")}
    for iommu in iommus:
        driver = None if iommu.element is None else iommu.element.find("driver")
        for option in needed.get(iommu.model or "", ()):
            if driver is None or driver.get(option) is None:
                iommu.change("driver", option, "on")
