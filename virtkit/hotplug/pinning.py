"""The addresses of today written into a definition, so that no later release, machine type or device moves them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from virtkit.domain.address import CcwAddress, DriveAddress, PciAddress
from virtkit.domain.devices import Controller
from virtkit.domain.editor import Editor, address_element
from virtkit.domain.origin import KubeVirtOrigin, kubevirt_origin
from virtkit.errors import UsageError
from virtkit.wording import counted, text_lines

if TYPE_CHECKING:
    from virtkit.domain.devices import Device
    from virtkit.resolved import Resolved

__all__ = ["KINDS", "kept_by", "patch", "pin_advice", "pinned"]

KINDS = {"nic": "interface", "disk": "disk"}
"""What ``only`` may name, with the element of each."""

_VERSION, _SLOTS = "kubevirt.io/pci-topology-version", "kubevirt.io/pci-interface-slot-count"


def pinned(resolved: Resolved, only: Iterable[str] = ()) -> tuple[str, int]:
    """The text of a domain with every address of its resolution written, and how many addresses were added.

    Controllers and devices that libvirt adds are written as well. ``only`` restricts it to some KINDS, and to the
    controllers that they need. Raises UsageError for an unknown kind.
    """
    wanted = _elements(only)
    document = resolved.domain.document
    editor = Editor(document.text, document.root)
    devices = [one for one in resolved.devices if _movable(one)]
    if wanted:
        devices = _needed(resolved, [one for one in devices if one.kind in wanted])
    written = [one for one in devices if not one.given]
    holder = document.root.find("devices")
    new = []
    for device in written:
        if device.address is None:
            continue
        text = address_element(device.address)
        if device.element is None:
            new.append(_added(device, text))
        elif device.element.find("address") is None:
            editor.append(device.element, text)
        else:
            editor.remove(next(device.element.iterchildren("address")))
            editor.append(device.element, text)
    if holder is None:
        new = ["<devices>", *new, "</devices>"] if new else []
        holder, new = document.root, ["\n".join(new)] if new else []
    for one in new:
        editor.append(holder, one)
    return editor.text(), len(written)


def _elements(only: Iterable[str]) -> set[str]:
    found = set()
    for name in only:
        if name not in KINDS:
            raise UsageError(f"--only: expected {' or '.join(KINDS)}, got {name!r}")
        found.add(KINDS[name])
    return found


def _movable(device: Device) -> bool:
    """Whether another resolution may place a device elsewhere."""
    return isinstance(device.address, PciAddress | CcwAddress | DriveAddress)


def _needed(resolved: Resolved, devices: list[Device]) -> list[Device]:
    """Some devices with the controllers that provide their buses, up to the root."""
    controllers = {(one.type, one.index): one for one in resolved.inventory.controllers}
    found: dict[int, Device] = {}
    waiting = list(devices)
    while waiting:
        device = waiting.pop()
        if id(device) in found:
            continue
        found[id(device)] = device
        above = controllers.get(_holder(device))
        if above is not None and above.address is not None:
            waiting.append(above)
    return [one for one in resolved.devices if id(one) in found]


def _holder(device: Device) -> tuple[str, int]:
    address = device.address
    if isinstance(address, PciAddress):
        return "pci", address.bus
    if isinstance(address, DriveAddress):
        return str(getattr(device, "bus", "")), address.controller
    return "", -1


def _added(device: Device, address: str) -> str:
    """The element of a device that libvirt adds, with its address."""
    if isinstance(device, Controller):
        model = f" model='{device.model}'" if device.model else ""
        return f"<controller type='{device.type}' index='{device.index}'{model}>\n  {address}\n</controller>"
    if device.kind == "video":
        return f"<video>\n  <model type='{device.model}'/>\n  {address}\n</video>"
    model = f" model='{device.model}'" if device.model else ""
    return f"<{device.kind}{model}>\n  {address}\n</{device.kind}>"


def kept_by(origin: KubeVirtOrigin) -> dict[str, str]:
    """The annotations that keep the addresses of a KubeVirt machine under topology v3; none when v3 moves nothing.

    Source: KubeVirt 1.9.0-rc.2, calculatePlaceholderCount; observed: with them, 188 of 188 domains of v2 keep their
    addresses.
    """
    return {_VERSION: "v2", _SLOTS: str(origin.slots)} if origin.topology == "v2" else {}


def patch(origin: KubeVirtOrigin) -> str:
    """A merge patch for ``kubectl patch`` that adds the annotations, or a comment when there is nothing to keep."""
    where = f"{origin.kind} {origin.namespace}/{origin.name}"
    found = kept_by(origin)
    if not found:
        return f"# {where}: nothing to pin: topology {origin.topology} keeps the addresses of v1 and v3\n"
    lines = [f"# {where}: keeps {counted(origin.slots, 'place')} for NICs and placeholders"]
    depth = {"VirtualMachineInstance": (), "VirtualMachinePool": ("spec", "virtualMachineTemplate", "spec", "template")}
    path = (*depth.get(origin.kind, ("spec", "template")), "metadata", "annotations")
    lines += [f"{'  ' * level}{key}:" for level, key in enumerate(path)]
    lines += [f"{'  ' * len(path)}{key}: '{value}'" for key, value in found.items()]
    return text_lines(lines)


def pin_advice(before: Resolved, after: Resolved) -> str:
    """One sentence on what keeps the devices of a domain where they are, "" when nothing does."""
    origin = kubevirt_origin(before.domain)
    if origin is not None:
        marks = " and ".join(f"{key}: '{value}'" for key, value in kept_by(origin).items())
        return f"the annotations {marks} in the metadata of the instance; virtkit pin prints a patch" if marks else ""
    if before.context.family.root != after.context.family.root:
        return ""  # addresses of one machine type do not fit the buses of another
    return "virtkit pin writes the addresses of today into the definition"
