"""Default models and kinds of single devices: NIC, display, usb, scsi, input bus, panic, tpm, usb disk.

Source: observed, libvirt 9.0 and 12.8; choices by machine stand in ``data/libvirt/machines.csv``.
"""

from __future__ import annotations

from virtkit.domain.devices import VIRTIO, Controller, Video
from virtkit.errors import Refused
from virtkit.resolution.context import Setting

__all__ = ["add_implicit_video", "fill_devices", "fill_scsi_models"]

CFG = "unsupported configuration"
XML = "XML error"

_X86 = frozenset({"i686", "x86_64"})


def fill_devices(setting: Setting) -> None:
    """Fill the models that are not written, kind by kind in libvirt's order."""
    devices = setting.devices
    _fill_disks(setting)
    _fill_interfaces(setting)
    for video in devices.videos:
        fill_video(setting, video)
    for controller in devices.controllers:
        if controller.type == "usb" and controller.model is None:
            _fill_usb(setting, controller)
    fill_scsi_models(setting)
    _fill_inputs(setting)
    for tpm in devices.tpms:
        if tpm.model is None:
            tpm.model = "tpm-spapr" if setting.arch in ("ppc64", "ppc64le") else "tpm-tis"
            tpm.change("", "model", tpm.model)
    _fill_panics(setting)
    for vsock in devices.vsocks:
        if vsock.model is None:
            vsock.model = "virtio"
            vsock.change("", "model", "virtio")
            setting.trace.note(vsock, "vsock.model")


def _fill_disks(setting: Setting) -> None:
    if "usb-disk-model" not in setting.behaves:
        return
    for disk in setting.devices.disks:
        if disk.bus == "usb" and disk.model is None:
            order = ("usb-bot", "usb-storage") if disk.device == "cdrom" else ("usb-storage", "usb-bot")
            model = next((name for name in order if setting.emulator.has(name) is not False), None)
            if model:
                disk.model = model
                disk.change("", "model", model)
                setting.trace.note(disk, "disk.usb-model", model)


def _fill_interfaces(setting: Setting) -> None:
    for interface in setting.devices.interfaces:
        if interface.model is not None or interface.type == "hostdev":
            continue
        if interface.type == "vdpa" or (
            interface.type == "vhostuser" and "virtio-for-vhost-interfaces" in setting.behaves
        ):
            model: str | None = "virtio"
        else:
            model = setting.first_model("interface", setting.family.nic)
        if model:
            interface.model = model
            interface.change("model", "type", model)
            setting.trace.note(interface, "interface.model", model, setting.family.name)


def fill_video(setting: Setting, video: Video) -> None:
    """Fill type and, where the release records it, the QEMU form of a virtio video."""
    if video.model is None:
        model = setting.first_model("video", setting.family.video)
        if model is not None:
            video.model = model
            video.change("model", "type", model)
            setting.trace.note(video, "video.type", model, setting.family.name)
    first = bool(setting.devices.videos) and setting.devices.videos[0] is video
    if first and video.model != "none" and not video.primary:
        video.primary = True
        video.change("model", "primary", "yes")
    if video.model == "virtio" and video.frontend is None and "video-frontend" in setting.behaves:
        video.frontend = frontend_of(setting, video, first)
        video.change("model", "device", video.frontend)


def frontend_of(setting: Setting, video: Video, first: bool) -> str:
    """The QEMU form of a virtio video: with VGA only as the first one, and only where QEMU has it."""
    if video.driver == "vhostuser":
        has_vga = first and setting.emulator.has("vhost-user-vga") is not False
        return "vhost-user-vga" if has_vga else "vhost-user-gpu"
    tail = "-gl" if video.accelerated else ""
    if first and setting.emulator.has("virtio-vga") is not False:
        return "virtio-vga" + tail
    return "virtio-gpu" + tail


def add_implicit_video(setting: Setting) -> None:
    """A domain with graphics and no video gets one of the default type."""
    devices = setting.devices
    if devices.graphics and not devices.videos:
        video = Video("video", None, -1)
        devices.videos.append(video)
        setting.trace.note(video, "video.for-graphics")
        fill_video(setting, video)


def _fill_usb(setting: Setting, controller: Controller) -> None:
    model = setting.family.usb_model
    if model == "none" and controller.address is not None:
        if "addressed-usb-none" not in setting.behaves:
            return
        controller.address = None
        controller.change("#drop", "address", "")
    if model and setting.has_model("usb", model):
        controller.model = model
        controller.change("", "model", model)
        setting.trace.note(controller, "usb.model", model, setting.family.name)


def fill_scsi_models(setting: Setting) -> None:
    """Fill the model of each scsi controller that has none or ``auto``, in list order."""
    controllers = setting.devices.controllers
    for controller in controllers:
        if controller.type != "scsi" or controller.model not in (None, "auto"):
            continue
        model: str | None = None
        if setting.family.copies_scsi:
            for other in controllers:
                if other.type == "scsi" and other.model not in (None, "auto"):
                    model = other.model
                    break
        if model is None:
            model = setting.first_model("scsi", setting.family.scsi)
        if model is not None:
            controller.model = model
            controller.change("", "model", model)
            setting.trace.note(controller, "scsi.model", model, setting.family.name)


def _fill_inputs(setting: Setting) -> None:
    for device in setting.devices.inputs:
        if device.bus:
            continue
        if device.type == "passthrough":
            device.bus = "virtio"
        elif device.type == "evdev":
            if setting.arch == "s390x":
                raise Refused(CFG, "input evdev doesn't support bus element", device.label, device.line)
            device.bus = "none"
            continue  # libvirt writes no bus for it
        elif setting.arch in _X86:
            device.bus = "usb" if device.type == "tablet" else "ps2"
        else:
            device.bus = "virtio" if setting.arch == "s390x" else "usb"
        device.change("", "bus", device.bus)
        setting.trace.note(device, "input.bus", device.bus, setting.arch)


def _fill_panics(setting: Setting) -> None:
    for panic in setting.devices.panics:
        if panic.model is not None:
            continue
        family = setting.family.name
        if setting.family.panic:
            model = setting.family.panic
        elif "default-panic-models" in setting.behaves and setting.arch not in _X86:
            if family not in ("aarch64-virt", "armv7l-virt"):
                raise Refused(
                    CFG,
                    "no panic model provided, and no default for the architecture and machine type",
                    panic.label,
                    panic.line,
                )
            model = "pvpanic"
        else:
            model = "isa"
        panic.model = model
        panic.change("", "model", model)
        setting.trace.note(panic, "panic.model", model)


def is_virtio(model: str | None) -> bool:
    """Whether a model is one of the three virtio spellings, or absent where absent means virtio."""
    return model is None or model in VIRTIO
