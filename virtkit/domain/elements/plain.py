"""Devices of which one attribute, at most, tells the model: a row for each, and a few that are nearly so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from virtkit.domain.devices import Device, Inventory, Memory
from virtkit.domain.elements.reading import Reader, kids_of, unless_default
from virtkit.errors import Refused

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["PLAIN"]

Read = Callable[[Reader, "Element", int], None]
Listed = Callable[[Inventory], list[Device]]


def _needed(listed: Listed, attribute: str = "model") -> Read:
    """A device whose model must be named."""

    def read(reader: Reader, element: Element, position: int) -> None:
        model = reader.required(element, attribute)
        listed(reader.inventory).append(_device(reader, element, position, model))

    return read


def _newer(listed: Listed, attribute: str = "model") -> Read:
    """The same, of a kind that older releases pass over."""
    needed = _needed(listed, attribute)

    def read(reader: Reader, element: Element, position: int) -> None:
        if (str(element.tag), attribute) in reader.values:
            needed(reader, element, position)

    return read


def _optional(listed: Listed) -> Read:
    """A device whose model may be left to libvirt."""

    def read(reader: Reader, element: Element, position: int) -> None:
        model = unless_default(reader.check(str(element.tag), "model", element.get("model")))
        listed(reader.inventory).append(_device(reader, element, position, model))

    return read


def _device(reader: Reader, element: Element, position: int, model: str | None = None) -> Device:
    return reader.common(Device(str(element.tag), element, position, model), kids_of(element))


def _nvram(reader: Reader, element: Element, position: int) -> None:
    reader.inventory.nvrams.append(_device(reader, element, position))


def _hub(reader: Reader, element: Element, position: int) -> None:
    reader.required(element, "type")
    reader.inventory.hubs.append(_device(reader, element, position))


def _memory(reader: Reader, element: Element, position: int) -> None:
    memory = Memory("memory", element, position, reader.required(element, "model"))
    reader.inventory.memories.append(reader.common(memory, kids_of(element)))


def _shmem(reader: Reader, element: Element, position: int) -> None:
    """Shared memory; its model is a child."""
    kids = kids_of(element)
    model = kids.get("model")
    type_ = None if model is None else reader.check("shmem", "model", model.get("type"))
    reader.inventory.shmems.append(reader.common(Device("shmem", element, position, type_), kids))


def _memballoon(reader: Reader, element: Element, position: int) -> None:
    model = reader.required(element, "model")
    kids = kids_of(element)
    if model == "none" and kids.pop("address", None) is not None:
        balloon = Device("memballoon", element, position, model)
        balloon.change("#drop", "address", "")
    else:
        balloon = reader.common(Device("memballoon", element, position, model), kids)
    if reader.inventory.memballoons:
        raise Refused("internal error", "only a single memory balloon device is supported", "memballoon")
    reader.inventory.memballoons.append(balloon)


def _redirdev(reader: Reader, element: Element, position: int) -> None:
    bus = reader.check("redirdev", "bus", element.get("bus"))
    device = Device("redirdev", element, position)
    if bus is None:
        device.change("", "bus", "usb")
    reader.inventory.redirdevs.append(reader.common(device, kids_of(element)))


PLAIN: dict[str, Read] = {
    "sound": _needed(lambda found: found.sounds),
    "watchdog": _needed(lambda found: found.watchdogs),
    "rng": _needed(lambda found: found.rngs),
    "iommu": _needed(lambda found: found.iommus),
    "tpm": _optional(lambda found: found.tpms),
    "panic": _optional(lambda found: found.panics),
    "vsock": _optional(lambda found: found.vsocks),
    "crypto": _newer(lambda found: found.cryptos),
    "pstore": _newer(lambda found: found.pstores, "backend"),
    "memory": _memory,
    "hub": _hub,
    "nvram": _nvram,
    "shmem": _shmem,
    "memballoon": _memballoon,
    "redirdev": _redirdev,
}
