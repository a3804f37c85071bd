"""Device addresses: one small class for each address type of libvirt, with plain numbers.

Source of forms and ranges: libvirt, "Domain XML format", section "Device Addresses"; observed: libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

__all__ = [
    "Address",
    "CcidAddress",
    "CcwAddress",
    "DimmAddress",
    "DriveAddress",
    "IsaAddress",
    "PciAddress",
    "PlainAddress",
    "SerialAddress",
    "SpaprAddress",
    "UsbAddress",
]

Pairs = Iterator[tuple[str, str]]


@dataclass(slots=True)
class PciAddress:
    """A PCI address; ``bus`` is a controller index. ``uid`` and ``fid`` are the zPCI ids of s390x."""

    domain: int = 0
    bus: int = 0
    slot: int = 0
    function: int = 0
    multifunction: str | None = None
    uid: int | None = None
    fid: int | None = None
    type: ClassVar[str] = "pci"

    @property
    def empty(self) -> bool:
        """Whether it names no slot: domain, bus and slot are all 0. The function is not considered."""
        return not (self.slot or self.bus or self.domain)

    def pairs(self) -> Pairs:
        """The attributes as libvirt writes them, without zPCI ids; an address that names no slot has no numbers."""
        if not self.empty:
            yield "domain", f"0x{self.domain:04x}"
            yield "bus", f"0x{self.bus:02x}"
            yield "slot", f"0x{self.slot:02x}"
            yield "function", f"0x{self.function:x}"
        if self.multifunction is not None:
            yield "multifunction", self.multifunction

    def __str__(self) -> str:
        return _pci_text(self.domain, self.bus, self.slot, self.function)


@lru_cache(maxsize=4096)
def _pci_text(domain: int, bus: int, slot: int, function: int) -> str:
    """A PCI address as text. Domains share most of their addresses, and formatting one takes long."""
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"


@dataclass(slots=True)
class DriveAddress:
    """A position on a disk controller: ide, sata, scsi, fdc or nvme."""

    controller: int = 0
    bus: int = 0
    target: int = 0
    unit: int = 0
    type: ClassVar[str] = "drive"

    def pairs(self) -> Pairs:
        """The attributes as libvirt writes them."""
        yield "controller", str(self.controller)
        yield "bus", str(self.bus)
        yield "target", str(self.target)
        yield "unit", str(self.unit)

    def __str__(self) -> str:
        return f"{self.controller}:{self.bus}:{self.target}:{self.unit}"


@dataclass(slots=True)
class SerialAddress:
    """A port of a virtio-serial controller; ``port`` is None when it is not written."""

    controller: int = 0
    bus: int = 0
    port: int | None = None
    type: ClassVar[str] = "virtio-serial"

    def pairs(self) -> Pairs:
        """The attributes as libvirt writes them."""
        yield "controller", str(self.controller)
        yield "bus", str(self.bus)
        yield "port", str(self.port or 0)

    def __str__(self) -> str:
        return f"{self.controller}/{self.port or 0}"


@dataclass(slots=True)
class CcidAddress:
    """A slot of a smart card reader."""

    controller: int = 0
    slot: int = 0
    type: ClassVar[str] = "ccid"

    def pairs(self) -> Pairs:
        """The attributes as libvirt writes them."""
        yield "controller", str(self.controller)
        yield "slot", str(self.slot)

    def __str__(self) -> str:
        return f"{self.controller}/{self.slot}"


@dataclass(slots=True)
class UsbAddress:
    """A USB port; ``port`` is the path through hubs, empty when at most the bus is written."""

    bus: int = 0
    port: tuple[int, ...] = ()
    bus_given: bool = False
    type: ClassVar[str] = "usb"

    def pairs(self) -> Pairs:
        """The attributes as libvirt writes them."""
        yield "bus", str(self.bus)
        if self.port:
            yield "port", ".".join(map(str, self.port))

    def __str__(self) -> str:
        return f"{self.bus}:{'.'.join(map(str, self.port)) or '?'}"


@dataclass(slots=True)
class CcwAddress:
    """An s390x channel device number; ``devno`` None asks for an automatic one."""

    cssid: int = 0xFE
    ssid: int = 0
    devno: int | None = None
    type: ClassVar[str] = "ccw"

    def pairs(self) -> Pairs:
        """The attributes as libvirt writes them."""
        yield "cssid", f"0x{self.cssid:x}"
        yield "ssid", f"0x{self.ssid:x}"
        yield "devno", f"0x{self.devno or 0:04x}"

    def __str__(self) -> str:
        return f"{self.cssid:x}.{self.ssid:x}.{self.devno or 0:04x}"


@dataclass(slots=True)
class SpaprAddress:
    """A pseries virtual I/O register; ``reg`` is None when it is not written."""

    reg: int | None = None
    type: ClassVar[str] = "spapr-vio"

    def pairs(self) -> Pairs:
        """The attributes as libvirt writes them."""
        if self.reg is not None:
            yield "reg", f"0x{self.reg:08x}"

    def __str__(self) -> str:
        return f"0x{self.reg or 0:08x}"


@dataclass(slots=True)
class IsaAddress:
    """An ISA address; only users write them, libvirt assigns none."""

    iobase: int | None = None
    irq: int | None = None
    type: ClassVar[str] = "isa"

    def pairs(self) -> Pairs:
        """The attributes as libvirt writes them."""
        if self.iobase is not None:
            yield "iobase", f"0x{self.iobase:x}"
        if self.irq is not None:
            yield "irq", f"0x{self.irq:x}"

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self.pairs()) or "isa"


@dataclass(slots=True)
class DimmAddress:
    """A memory slot; ``slot`` is None when it is not written."""

    slot: int | None = None
    base: int | None = None
    type: ClassVar[str] = "dimm"

    def pairs(self) -> Pairs:
        """The attributes as libvirt writes them."""
        if self.slot is not None:
            yield "slot", str(self.slot)
        if self.base:
            yield "base", f"0x{self.base:x}"

    def __str__(self) -> str:
        return f"slot {self.slot}"


@dataclass(slots=True)
class PlainAddress:
    """An address without numbers: virtio-mmio or unassigned."""

    type: str

    def pairs(self) -> Pairs:
        """There are no attributes besides the type."""
        return iter(())

    def __str__(self) -> str:
        return self.type


NUMBERS = frozenset(
    {
        *("domain", "bus", "slot", "function", "multifunction", "controller", "target", "unit", "port"),
        *("cssid", "ssid", "devno", "reg", "iobase", "irq", "base"),
    }
)
"""Every attribute that some form of address has."""

Address = (
    PciAddress
    | DriveAddress
    | SerialAddress
    | CcidAddress
    | UsbAddress
    | CcwAddress
    | SpaprAddress
    | IsaAddress
    | DimmAddress
    | PlainAddress
)
