"""A domain with other virtio models: as XML text that differs in nothing else, and resolved again."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.domain.address import DriveAddress
from virtkit.domain.devices import Controller, Disk
from virtkit.domain.domain import read
from virtkit.domain.editor import Editor
from virtkit.resolved import resolve
from virtkit.virtio.kinds import kinds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lxml.etree import _Element as Element

    from virtkit.domain.devices import Device
    from virtkit.resolved import Resolved
    from virtkit.virtio.devices import VirtioDevice

__all__ = ["models_of", "resolve_with_models", "text_with_models"]

#: How devices that libvirt adds by itself are written when they need a model.
_ADDED = {
    "balloon": "<memballoon model='{model}'/>",
    "serial": "<controller type='virtio-serial' index='{index}' model='{model}'/>",
    "scsi": "<controller type='scsi' index='{index}' model='{model}'/>",
}


def models_of(device: VirtioDevice) -> tuple[str, ...]:
    """The virtio models of a device's kind that both QEMU and domain XML have."""
    known = kinds().get(device.kind)
    if known is None or device.kind in ("vga", "gpu"):
        return ()
    return known.models


def text_with_models(
    resolved: Resolved,
    models: Mapping[int, str],
    without_address: Collection[int] = (),
    emulated: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The domain's text with other models for some devices, everything else character for character.

    ``models`` maps indexes of ``resolved.virtio_devices`` to model names, ``emulated`` the ids of NICs and disks that
    are not virtio: a NIC, or the SCSI controller of a disk, gets the virtio model. A device that libvirt adds by itself
    is written out at the end of ``<devices>``. The devices with an index in ``without_address`` lose their PCI
    address, so that libvirt places them.
    """
    document = resolved.domain.document
    editor = Editor(document.text, document.root)
    holder = document.root.find("devices")
    for index, model in models.items():
        device = resolved.virtio_devices[index]
        spelled = "virtio-scsi" if device.kind == "scsi" and model == "virtio" else model
        element = device.device.element
        if element is None:
            form = _ADDED.get(device.kind)
            if form is not None and holder is not None:
                editor.append(holder, form.format(model=spelled, index=getattr(device.device, "index", 0)))
            continue
        _set_model(editor, element, spelled)
        for address in element.iterchildren("address") if index in without_address else ():
            if address.get("type") == "pci":
                editor.remove(address)
    for place, model in {_place(resolved, one): model for one, model in emulated.items()}.items():
        spelled = "virtio-scsi" if place.kind == "controller" and model == "virtio" else model
        if place.element is not None:
            _set_model(editor, place.element, spelled)
        elif holder is not None:
            editor.append(holder, _ADDED["scsi"].format(model=spelled, index=getattr(place, "index", 0)))
    return editor.text()


def _place(resolved: Resolved, ident: str) -> Device:
    """The device that holds the model: a NIC itself, the SCSI controller of a disk."""
    device = next(one for one in resolved.devices if one.id == ident)
    if not isinstance(device, Disk):
        return device
    number = device.address.controller if isinstance(device.address, DriveAddress) else 0
    return next(
        one for one in resolved.devices if isinstance(one, Controller) and one.type == "scsi" and one.index == number
    )


def _set_model(editor: Editor, element: Element, model: str) -> None:
    if element.tag != "interface":
        editor.set(element, "model", model)
        return
    child = element.find("model")
    if child is None:
        editor.append(element, f"<model type='{model}'/>")
    else:
        editor.set(child, "type", model)


def resolve_with_models(
    resolved: Resolved,
    models: Mapping[int, str],
    without_address: Collection[int] = (),
    emulated: Mapping[str, str] = MappingProxyType({}),
) -> Resolved:
    """The domain with other models for some devices, as ``text_with_models`` gives it, on the same host.

    Raises Refused when libvirt would refuse the domain.
    """
    text = text_with_models(resolved, models, without_address, emulated)
    return resolve(read(text.encode(resolved.domain.document.codec)), host=resolved.host)
