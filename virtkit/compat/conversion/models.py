"""The same domain with other virtio models: as XML text that differs in nothing else, and resolved again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.editor import Editor
from virtkit.virtio.kinds import kinds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lxml.etree import _Element as Element

    from virtkit.resolved import Resolved
    from virtkit.virtio.devices import VirtioDevice

__all__ = ["models_of", "remodelled", "rewritten"]

# Devices that libvirt adds by itself, and how they are written when their model must be said.
_ADDED = {
    "balloon": "<memballoon model='{model}'/>",
    "serial": "<controller type='virtio-serial' index='{index}' model='{model}'/>",
    "scsi": "<controller type='scsi' index='{index}' model='{model}'/>",
}


def models_of(device: VirtioDevice) -> tuple[str, ...]:
    """The virtio models that QEMU has for a device's kind, and that domain XML can say of it."""
    known = kinds().get(device.kind)
    if known is None or device.kind in ("vga", "gpu"):
        return ()
    return known.models


def rewritten(resolved: Resolved, models: Mapping[int, str], loose: Collection[int] = ()) -> str:
    """The domain's text with the models of some devices changed, everything else character for character.

    ``models`` maps places in ``resolved.virtio_devices`` to model names. A device that libvirt adds by itself
    is written out at the end of ``<devices>``. Devices in ``loose`` lose their PCI address: libvirt places them.
    """
    document = resolved.domain.document
    editor = Editor(document.text, document.root)
    holder = document.root.find("devices")
    for place, model in models.items():
        device = resolved.virtio_devices[place]
        spelled = "virtio-scsi" if device.kind == "scsi" and model == "virtio" else model
        element = device.device.element
        if element is None:
            form = _ADDED.get(device.kind)
            if form is not None and holder is not None:
                index = getattr(device.device, "index", 0)
                editor.append(holder, form.format(model=spelled, index=index))
            continue
        _set_model(editor, element, spelled)
        for address in element.iterchildren("address") if place in loose else ():
            if address.get("type") == "pci":
                editor.remove(address)
    return editor.text()


def _set_model(editor: Editor, element: Element, model: str) -> None:
    if element.tag != "interface":
        editor.set(element, "model", model)
        return
    child = element.find("model")
    if child is None:
        editor.append(element, f"<model type='{model}'/>")
    else:
        editor.set(child, "type", model)


def remodelled(resolved: Resolved, models: Mapping[int, str], loose: Collection[int] = ()) -> Resolved:
    """The domain resolved again, on the same host, with the models of some devices changed, as ``rewritten`` does.

    Raises Refused when libvirt would refuse the change.
    """
    from virtkit.domain.domain import read
    from virtkit.resolved import resolve

    text = rewritten(resolved, models, loose)
    return resolve(read(text.encode(resolved.domain.document.codec)), host=resolved.host)
