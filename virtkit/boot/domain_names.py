"""The names that the guest of a domain gives its network interfaces, and the by-path names of its disks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from virtkit.boot.domain_pci import domain_pci, is_x86
from virtkit.boot.hotplug_mode import acpi_index_shown
from virtkit.boot.naming import Naming, naming_of, unknown_source
from virtkit.boot.nic_names import (
    NicName,
    NicPlace,
    ccw_name,
    pci_name,
    teamed,
    unnamed,
    vio_name,
    with_collisions,
    zpci_name,
)
from virtkit.boot.usb_nics import usb_end, usb_name, usb_policy
from virtkit.domain.address import CcwAddress, PciAddress, SpaprAddress, UsbAddress
from virtkit.domain.devices import Controller, Nic
from virtkit.guests.flavours import flavour_of, option
from virtkit.host.emulator import emulator_arch
from virtkit.virtio.interface import Interface

if TYPE_CHECKING:
    from virtkit.boot.domain_pci import DomainPci
    from virtkit.boot.naming import Scheme
    from virtkit.guests import Guest
    from virtkit.resolved import Resolved

__all__ = ["Named", "nic_names"]


@dataclass(frozen=True, slots=True)
class Named:
    """The name of one NIC of a domain: its id, label, MAC address ("" where none is written) and ``NicName``.

    ``booted`` is true where guests were booted to establish the rule, false where the rule rests on documents.
    """

    device: str
    label: str
    mac: str
    name: NicName
    booted: bool
    source: str


def nic_names(resolved: Resolved, guest: Guest | None, scheme: Scheme | None = None) -> tuple[Named, ...]:
    """The name of each NIC in a Linux guest, in the order of the domain; () for a guest that is not Linux.

    ``scheme`` replaces the default naming scheme of the guest OS. A name is "" where no source says it; the reason
    then names what is missing.
    """
    nics = [device for device in resolved.devices if isinstance(device, Nic) and device.model != "none"]
    if guest is not None and guest.family != "linux":
        return ()
    naming = None if guest is None else naming_of(guest)
    source = "" if guest is None or naming is not None else unknown_source(guest)
    if scheme is not None:
        naming = Naming(scheme, "", "", "the scheme was named")
    if naming is None:
        unknown = "the guest OS is not known"
        why = unknown if guest is None else f"no source says how {guest.name} names network interfaces"
        why = f"{why} ({source})" if source else why
        return tuple(_named(nic, NicName("", f"unknown: {why}"), False, "") for nic in nics)
    if naming.scheme is None:
        return tuple(_kept(resolved, nics, naming))
    shpc = guest is None or _has_shpc(guest)
    policy = usb_policy(guest)
    found = [_name(resolved, nic, naming.scheme, shpc, policy) for nic in nics]
    names = with_collisions(name for name, _ in found)
    return tuple(
        _named(nic, name, booted, naming.source) for nic, name, (_, booted) in zip(nics, names, found, strict=True)
    )


def _named(nic: Nic, name: NicName, booted: bool, source: str) -> Named:
    return Named(nic.id, nic.label, (nic.mac or "").lower(), name, booted, source)


def _has_shpc(guest: Guest) -> bool:
    """Whether the kernel has the driver of hotplug controllers of conventional bridges, which cloud kernels lack."""
    flavour = flavour_of(guest)
    found = None if flavour is None else option(flavour.key, "HOTPLUG_PCI_SHPC")
    return found is None or found.there


def _name(resolved: Resolved, nic: Nic, scheme: Scheme, shpc: bool, usb: str) -> tuple[NicName, bool]:
    """The name of one NIC, and whether guests were booted to establish it; ``usb`` is the policy for USB NICs."""
    address = nic.address
    if isinstance(address, CcwAddress):
        return ccw_name(f"{_subchannel_set(address)}.{address.ssid:x}.{address.devno or 0:04x}", scheme), True
    if isinstance(address, PciAddress):
        if emulator_arch(resolved.arch) == "s390x":
            return _zpci(address, scheme)
        return _on_pci(resolved, nic, address, scheme, shpc)
    if isinstance(address, SpaprAddress):
        return vio_name(address.reg or 0, scheme), True
    if isinstance(address, UsbAddress):
        return _on_usb(resolved, nic, address, scheme, shpc, usb)
    form = "" if address is None else address.type
    if form == "virtio-mmio":
        return unnamed("virtio-mmio has no PCI slot and no other candidate", scheme.name), True
    return NicName("", f"unknown: no guest was booted with a NIC at {form or 'no address'}", scheme=scheme.name), False


def _on_pci(
    resolved: Resolved, nic: Nic, address: PciAddress, scheme: Scheme, shpc: bool, usb: str = ""
) -> tuple[NicName, bool]:
    """The name of a NIC on a PCI bus, or of a USB NIC whose controller is there; ``usb`` is the end of its name."""
    pci = domain_pci(resolved)
    bus = pci.number(address)
    if bus is None:
        text = f"unknown: no guest was booted on {resolved.machine} to see its bus numbers"
        return NicName("", text, scheme=scheme.name), False
    buses = replace(pci.pci, shpc=shpc and pci.pci.shpc)
    # Machines without ACPI were not booted.
    booted = not is_x86(resolved) or resolved.context.root.find("features/acpi") is not None
    place = _place(resolved, nic, address, pci, bus)
    if usb:
        place = replace(place, index=0, usb=usb)
    name = pci_name(buses, place, scheme)
    return (teamed(name) if _waits_for_team(resolved, nic) else name), booted


def _waits_for_team(resolved: Resolved, nic: Nic) -> bool:
    """Whether QEMU offers failover to the guest: a virtio NIC that is the lasting half of a team.

    Failover is a feature of virtio 1.0. Source: virtio 1.2, section 5.1.3, VIRTIO_NET_F_STANDBY.
    """
    team = nic.children.get("teaming")
    if team is None or team.get("type") != "persistent":
        return False
    shown = next((one.shown for one in resolved.virtio_devices if one.device is nic), None)
    return shown is not None and shown.interface in (Interface.MODERN, Interface.TRANSITIONAL)


def _on_usb(
    resolved: Resolved, nic: Nic, address: UsbAddress, scheme: Scheme, shpc: bool, policy: str
) -> tuple[NicName, bool]:
    """The name of a USB NIC: by its MAC address where the guest OS does so, else by its controller and port."""
    usb = (one for one in resolved.devices if isinstance(one, Controller) and one.type == "usb")
    controllers = [one for one in usb if one.index == address.bus]
    named = usb_name(policy, nic.mac or "", scheme)
    if named is not None:
        return named, False
    xhci = len(controllers) == 1 and (controllers[0].model or "").endswith("xhci")
    holder = controllers[0].address if xhci else None
    if not isinstance(holder, PciAddress) or not address.port:
        text = "unknown: no guest was booted with a USB NIC on another controller than xHCI"
        return NicName("", text, scheme=scheme.name), False
    name, _ = _on_pci(resolved, nic, holder, scheme, shpc, usb_end(address.port))
    return name, resolved.machine.startswith("pseries")


def _place(resolved: Resolved, nic: Nic, address: PciAddress, pci: DomainPci, bus: int) -> NicPlace:
    acpi = None if nic.element is None else nic.element.find("acpi")
    text = "" if acpi is None else acpi.get("index", "")
    index = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not acpi_index_shown(resolved.host.qemu, pci.pci, bus):
        index = 0
    several = address.multifunction == "on"
    return NicPlace(bus & 0xFF, address.slot, address.function, several, index, segment=bus >> 8)


def _zpci(address: PciAddress, scheme: Scheme) -> tuple[NicName, bool]:
    if address.uid is None:
        return NicName("", "unknown: the zPCI uid is not known", scheme=scheme.name), False
    nic = NicPlace(0, 0, 0, segment=address.uid, function_id=address.fid or 0)
    return zpci_name(nic, scheme), True


def _subchannel_set(address: CcwAddress) -> str:
    # libvirt's virtual channel subsystem 0xfe is the guest's 0.
    return "0" if address.cssid == 0xFE else f"{address.cssid:x}"


def _kept(resolved: Resolved, nics: list[Nic], naming: Naming) -> list[Named]:
    """The names of a system that keeps ethN: numbered in the order of the PCI addresses at its first start."""
    pci = domain_pci(resolved)

    def order(nic: Nic) -> tuple[int, int, int]:
        address = nic.address
        if not isinstance(address, PciAddress):
            return 1 << 16, nic.number, 0
        return pci.numbers.get(address.bus, address.bus), address.slot, address.function

    rank = {id(nic): n for n, nic in enumerate(sorted(nics, key=order))}
    same = len({nic.model for nic in nics}) < 2
    reasons = {
        "mac": "the number is given at the first start, in the order of the PCI addresses, and a rule in "
        "70-persistent-net.rules then keeps it with the MAC address",
        "hwaddr": "the number is given at the first start, in the order of the PCI addresses, and HWADDR in ifcfg-ethN "
        "then keeps it with the MAC address",
        "order": "the number follows the order of the PCI addresses at every start",
    }
    found = []
    for nic in nics:
        name = f"eth{rank[id(nic)]}" if same else "ethN"
        why = reasons[naming.kept] + ("" if same else "; NICs of several models are numbered as their drivers load")
        found.append(_named(nic, NicName(name, why), False, naming.source))
    return found
