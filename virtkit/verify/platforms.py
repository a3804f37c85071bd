"""The platforms of random domains: architecture, machine types, root bus, and the kinds that fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["PLATFORMS", "Platform"]


@dataclass(frozen=True, slots=True)
class Platform:
    """What a random domain may contain: architecture, machine types, root bus and the kinds that fit.

    ``root`` is pci, pcie or none; ``transports`` the address types virtio devices may ask for.
    """

    arch: str
    machines: tuple[str, ...]
    root: str
    transports: tuple[str, ...] = ("pci",)
    nics: tuple[str, ...] = ("e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "vmxnet3")
    scsi: tuple[str, ...] = ("lsilogic", "lsisas1068", "lsisas1078", "vmpvscsi", "am53c974")
    usb: tuple[str, ...] = ("qemu-xhci", "nec-xhci", "piix3-uhci", "ehci", "ich9-ehci1", "pci-ohci")
    videos: tuple[str, ...] = ("virtio", "vga", "cirrus", "bochs", "qxl", "vmvga", "ramfb")
    buses: tuple[str, ...] = ("virtio", "scsi", "sata", "usb", "ide", "fdc")
    weight: int = 2


PLATFORMS: Mapping[str, Platform] = MappingProxyType(
    {
        "pc": Platform("x86_64", ("pc", "pc", "pc-i440fx-6.2", "pc-i440fx-7.2"), "pci", weight=5),
        "pc32": Platform("i686", ("pc",), "pci", weight=1),
        "q35": Platform(
            "x86_64", ("q35", "q35", "pc-q35-6.2", "pc-q35-7.2"), "pcie",
            buses=("virtio", "virtio", "scsi", "sata", "usb", "fdc"), weight=8,
        ),
        "virt": Platform(
            "aarch64", ("virt", "virt-7.0"), "pcie", ("pci", "pci", "virtio-mmio"),
            videos=("virtio", "vga", "ramfb"), buses=("virtio", "scsi", "usb", "sata"), weight=4,
        ),
        "virt32": Platform("armv7l", ("virt",), "pcie", ("pci", "virtio-mmio"), videos=("virtio",), weight=1),
        "riscv": Platform(
            "riscv64", ("virt",), "pcie", ("pci", "pci", "virtio-mmio"), buses=("virtio", "scsi", "usb", "sata"),
        ),
        "pseries": Platform(
            "ppc64", ("pseries", "pseries-7.2"), "pci", scsi=("ibmvscsi", "virtio-scsi", "lsilogic"),
            nics=("e1000", "rtl8139", "spapr-vlan"), videos=("virtio", "vga"), buses=("virtio", "scsi", "usb"),
        ),
        "s390x": Platform(
            "s390x", ("s390-ccw-virtio", "s390-ccw-virtio-7.2"), "pci", ("ccw", "ccw", "pci"), nics=("e1000",),
            scsi=("virtio-scsi",), videos=("virtio",), buses=("virtio", "scsi"), usb=("qemu-xhci",), weight=4,
        ),
        "loongarch": Platform("loongarch64", ("virt",), "pcie", buses=("virtio", "scsi", "usb", "sata"), weight=1),
        "vexpress": Platform(
            "armv7l", ("vexpress-a15",), "none", ("virtio-mmio",), nics=("lan9118",), videos=("virtio",),
            buses=("virtio",), weight=1,
        ),
        "microvm": Platform("x86_64", ("microvm",), "none", ("virtio-mmio",), buses=("virtio",), weight=1),
    }
)  # fmt: skip
