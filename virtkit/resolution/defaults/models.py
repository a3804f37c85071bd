"""Default models and kinds of single devices: NIC, display, usb, scsi, input bus, panic, tpm, usb disk.

Source: observed, libvirt 9.0 and 12.8; the choices by machine are in ``data/libvirt/machines.toml``.
"""

from __future__ import annotations

from virtkit.domain.devices import Controller, Video
from virtkit.errors import Refused
from virtkit.resolution.context import Context, Draft

__all__ = ["add_implicit_video", "fill_devices", "fill_scsi_models"]

CFG = "unsupported configuration"
XML = "XML error"

_X86 = frozenset({"i686", "x86_64"})


def fill_devices(context: Context, draft: Draft) -> None:
    """Fill the models that are not written, kind by kind in libvirt's order."""
    devices = draft.devices
    _fill_disks(context, draft)
    _fill_nics(context, draft)
    for video in devices.videos:
        fill_video(context, draft, video)
    for controller in [one for one in devices.controllers if one.type == "usb" and one.model is None]:
        _fill_usb(context, draft, controller)
    fill_scsi_models(context, draft)
    _fill_inputs(context, draft)
    for tpm in devices.tpms:
        if tpm.model is None:
            tpm.model = "tpm-spapr" if context.arch in ("ppc64", "ppc64le") else "tpm-tis"
            tpm.set_attribute("", "model", tpm.model)
    _fill_panics(context, draft)
    for vsock in devices.vsocks:
        if vsock.model is None:
            vsock.model = "virtio"
            vsock.set_attribute("", "model", "virtio")
            draft.trace.record(vsock, "vsock.model")


def _fill_disks(context: Context, draft: Draft) -> None:
    if "usb-disk-model" not in context.behaves:
        return
    for disk in draft.devices.disks:
        if disk.bus == "usb" and disk.model is None:
            order = ("usb-bot", "usb-storage") if disk.device == "cdrom" else ("usb-storage", "usb-bot")
            model = next((name for name in order if context.emulator.has(name) is not False), None)
            if model:
                disk.model = model
                disk.set_attribute("", "model", model)
                draft.trace.record(disk, "disk.usb-model", model)


def _fill_nics(context: Context, draft: Draft) -> None:
    for nic in draft.devices.nics:
        if nic.model is not None or nic.type == "hostdev":
            continue
        if nic.type == "vdpa" or (
            nic.type == "vhostuser" and "virtio-for-vhost-interfaces" in context.behaves
        ):
            model: str | None = "virtio"
        else:
            model = context.first_model("interface", context.family.nic)
        if model:
            nic.model = model
            nic.set_attribute("model", "type", model)
            draft.trace.record(nic, "interface.model", model, context.family.name)


def fill_video(context: Context, draft: Draft, video: Video) -> None:
    """Fill type and, where the release records it, the QEMU form of a virtio video."""
    if video.model is None:
        model = context.first_model("video", context.family.video)
        if model is not None:
            video.model = model
            video.set_attribute("model", "type", model)
            draft.trace.record(video, "video.type", model, context.family.name)
    first = bool(draft.devices.videos) and draft.devices.videos[0] is video
    if first and video.model != "none" and not video.primary:
        video.primary = True
        video.set_attribute("model", "primary", "yes")
    if video.model == "virtio" and video.frontend is None and "video-frontend" in context.behaves:
        video.frontend = frontend_of(context, video, first)
        video.set_attribute("model", "device", video.frontend)


def frontend_of(context: Context, video: Video, first: bool) -> str:
    """The QEMU form of a virtio video: with VGA only as the first one, and only where QEMU has it."""
    if video.driver == "vhostuser":
        has_vga = first and context.emulator.has("vhost-user-vga") is not False
        return "vhost-user-vga" if has_vga else "vhost-user-gpu"
    tail = "-gl" if video.accelerated else ""
    if first and context.emulator.has("virtio-vga") is not False:
        return "virtio-vga" + tail
    return "virtio-gpu" + tail


def add_implicit_video(context: Context, draft: Draft) -> None:
    """A domain with graphics and no video gets one of the default type."""
    devices = draft.devices
    if devices.graphics and not devices.videos:
        video = Video("video", None, -1)
        devices.videos.append(video)
        draft.trace.record(video, "video.for-graphics")
        fill_video(context, draft, video)


def _fill_usb(context: Context, draft: Draft, controller: Controller) -> None:
    model = context.family.usb_model
    if model == "none" and controller.address is not None:
        if "addressed-usb-none" not in context.behaves:
            return
        controller.address = None
        controller.remove_child("address")
    if model and context.has_model("usb", model):
        controller.model = model
        controller.set_attribute("", "model", model)
        draft.trace.record(controller, "usb.model", model, context.family.name)


def fill_scsi_models(context: Context, draft: Draft) -> None:
    """Fill the model of each scsi controller that has none or ``auto``, in list order."""
    controllers = draft.devices.controllers
    for controller in [one for one in controllers if one.type == "scsi" and one.model in (None, "auto")]:
        model: str | None = None
        if context.family.copies_scsi:
            for other in controllers:
                if other.type == "scsi" and other.model not in (None, "auto"):
                    model = other.model
                    break
        if model is None:
            model = context.first_model("scsi", context.family.scsi)
        if model is not None:
            controller.model = model
            controller.set_attribute("", "model", model)
            draft.trace.record(controller, "scsi.model", model, context.family.name)


def _fill_inputs(context: Context, draft: Draft) -> None:
    for device in draft.devices.inputs:
        if device.bus:
            continue
        if device.type == "passthrough":
            device.bus = "virtio"
        elif device.type == "evdev":
            if context.arch == "s390x":
                raise Refused(CFG, "input evdev doesn't support bus element", device.label, device.line)
            device.bus = "none"
            continue  # libvirt writes no bus for it
        elif context.arch in _X86:
            device.bus = "usb" if device.type == "tablet" else "ps2"
        else:
            device.bus = "virtio" if context.arch == "s390x" else "usb"
        device.set_attribute("", "bus", device.bus)
        draft.trace.record(device, "input.bus", device.bus, context.arch)


def _fill_panics(context: Context, draft: Draft) -> None:
    for panic in draft.devices.panics:
        if panic.model is not None:
            continue
        family = context.family.name
        if context.family.panic:
            model = context.family.panic
        elif "default-panic-models" in context.behaves and context.arch not in _X86:
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
        panic.set_attribute("", "model", model)
        draft.trace.record(panic, "panic.model", model)
