"""Console devices: video, graphics and input devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.devices import Device, Input, Video
from virtkit.domain.elements.reading import CFG, Reader, kids_of, unless_default
from virtkit.errors import Refused

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["graphics", "input_device", "video"]


INPUTS_ON = {
    "ps2": frozenset({"mouse", "keyboard"}),
    "usb": frozenset({"mouse", "keyboard", "tablet"}),
    "virtio": frozenset({"mouse", "keyboard", "tablet", "passthrough"}),
    "parallels": frozenset({"mouse", "keyboard", "tablet"}),
    "none": frozenset({"mouse", "keyboard", "tablet", "evdev"}),
}
"""The types of input device that each bus accepts. Source: observed, libvirt 9.0 and 12.8."""


def video(reader: Reader, element: Element, position: int) -> Video:
    """A video device."""
    kids = kids_of(element)
    video = Video("video", element, position)
    model = kids.get("model")
    if model is not None:
        video.model = unless_default(reader.check("video", "type", model.get("type")))
        video.primary = model.get("primary") == "yes"
        # libvirt reads it for the type virtio only.
        video.frontend = model.get("device") if video.model == "virtio" else None
        acceleration = model.find("acceleration")
        video.accelerated = acceleration is not None and acceleration.get("accel3d") == "yes"
    driver = kids.get("driver")
    if driver is not None:
        video.driver = driver.get("name")
    if video.model == "none" and kids.pop("address", None) is not None:
        video.remove_child("address")
    return reader.common(video, kids)


def graphics(reader: Reader, element: Element, position: int) -> Device:
    """A display server of the host (VNC, SPICE); it is not on a bus of the guest."""
    reader.check("graphics", "type", element.get("type"))
    return Device("graphics", element, position, element.get("type"), children=kids_of(element))


def input_device(reader: Reader, element: Element, position: int) -> Input:
    """A mouse, keyboard, tablet or host input device."""
    device = Input("input", element, position)
    device.type = reader.required(element, "type")
    bus = reader.check("input", "bus", element.get("bus")) or ""
    if bus == "none":
        # libvirt accepts it and does not write it back.
        device.unset_attribute("", "bus")
    device.bus = bus
    _check(device)
    device.model = reader.check("input", "model", element.get("model"), CFG)
    return reader.common(device, kids_of(element))


def _check(device: Input) -> None:
    if not device.bus or device.type in INPUTS_ON.get(device.bus, ()):
        return
    if device.bus not in INPUTS_ON:
        raise Refused("internal error", f"unsupported input bus {device.bus}", device.label)
    if device.bus == "ps2":
        raise Refused("internal error", f"ps2 bus does not support {device.type} input device", device.label)
    if device.type == "evdev":
        raise Refused(CFG, "input evdev doesn't support bus element", device.label)
    raise Refused(CFG, "only bus 'virtio' is supported for 'passthrough' input devices", device.label)
