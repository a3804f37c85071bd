"""A random domain while it is generated: the dice, and what the elements so far have used."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from virtkit.verify.platforms import Platform

__all__ = ["MODELS", "Draft"]

#: The virtio models that are written, the plain one twice as often as each other.
MODELS = ("virtio", "virtio", "virtio-transitional", "virtio-non-transitional")


@dataclass(slots=True)
class Draft:
    """A domain that is being generated; ``wild`` is the share of decisions that are wrong on purpose."""

    random: Random
    platform: Platform
    release: tuple[int, int]
    wild: float
    serial: int = 0
    disks: dict[str, int] = field(default_factory=dict)
    indexes: dict[str, int] = field(default_factory=dict)
    buses: int = 1
    consoles: int = 0
    nodes: bool = False
    slots: list[int] = field(default_factory=list)
    memory: bool = False

    def chance(self, share: float) -> bool:
        """Whether a decision with this share falls this time."""
        return self.random.random() < share

    def one(self, *choices: str) -> str:
        """One of the choices."""
        return self.random.choice(choices)

    def model(self, *wrong: str) -> str:
        """A virtio model, seldom one of those that are wrong."""
        if wrong and self.chance(self.wild):
            return self.one(*wrong)
        return self.one(*MODELS)

    def pci(self) -> str:
        """A PCI address: mostly on a bus that exists, in a slot that may be taken."""
        bus = 0 if self.chance(0.5) else self.random.randint(0, self.buses + 1)
        top = 0x1F if bus == 0 or self.platform.root == "pci" else (0 if self.chance(0.7) else 5)
        low = 0 if bus and self.platform.root == "pcie" and self.chance(0.8) else 1
        slot = self.random.randint(low, max(top, low))
        function = self.random.randint(1, 7) if self.chance(0.12) else 0
        if bus == 0 and self.slots and self.chance(0.15):
            # A slot that is in use already: its next function, as in hand-written multifunction groups.
            slot, function = self.random.choice(self.slots), self.random.randint(0, 3)
        elif bus == 0:
            self.slots.append(slot)
        if self.chance(self.wild / 3):
            slot = self.random.choice((0, 0x20, 0x1F, 2))
        multi = " multifunction='on'" if self.chance(0.08) else ""
        return (
            f"<address type='pci' domain='0x0000' bus='{bus:#04x}' slot='{slot:#04x}' function='{function:#x}'{multi}/>"
        )

    def address(self, share: float = 0.22) -> str:
        """An address for a virtio device, or an empty text."""
        if not self.chance(share) and self.platform.root != "none":
            return ""
        kind = self.one(*self.platform.transports)
        if self.chance(self.wild / 2):
            kind = self.one("pci", "ccw", "virtio-mmio", "usb", "drive", "spapr-vio")
        if kind == "pci":
            return "<address type='pci'/>" if self.chance(0.3) else self.pci()
        if kind == "ccw" and self.chance(0.7):
            return f"<address type='ccw' cssid='0xfe' ssid='0x0' devno='{self.random.randint(0, 40):#06x}'/>"
        return f"<address type='{kind}'/>"

    def plain(self, share: float = 0.15) -> str:
        """A PCI address for a device that accepts only PCI, or an empty text."""
        return self.pci() if self.chance(share) and self.platform.root != "none" else ""

    def usb_address(self) -> str:
        """A USB address, or an empty text."""
        if not self.chance(0.2):
            return ""
        port = self.one("1.1", "1.2", "2.1") if self.chance(0.1) else self.one("1", "2", "3", "4")
        return f"<address type='usb' bus='{int(self.chance(0.08))}' port='{port}'/>"

    def extras(self) -> str:
        """Elements that must not affect the address of a device."""
        found = ""
        if self.chance(0.06):
            found += f"<alias name='ua-{self.next()}'/>"
        if self.chance(0.05) and self.release >= (9, 0):
            found += f"<boot order='{self.next()}'/>"
        return found

    def index(self, kind: str) -> str:
        """The index attribute of a controller: next, far away, or absent."""
        known = self.indexes.get(kind, 0)
        number = known if self.chance(0.8) else known + self.random.randint(1, 3)
        self.indexes[kind] = number + 1
        return "" if self.chance(0.15) else f" index='{number}'"

    def usb_controller(self) -> str:
        """A first USB controller, for a machine without one and devices that need one."""
        model = self.one("qemu-xhci", "qemu-xhci", "nec-xhci", *self.platform.usb)
        return f"<controller type='usb' index='0' model='{model}'/>"

    def next(self) -> int:
        """The next serial number."""
        self.serial += 1
        return self.serial
