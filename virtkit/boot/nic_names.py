"""The name that a Linux guest gives a network interface, from its place in the machine.

The candidates are tried in the order onboard, slot, path, as systemd's default link file does.
Sources: systemd.net-naming-scheme(7), systemd.link(5); observed, 160 NICs of Debian 12, 13 and testing guests on QEMU
7.2.22 and 11.1.2, every naming scheme evaluated on each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from virtkit.boot.guest_pci import Mode
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.boot.guest_pci import GuestPci
    from virtkit.boot.naming import Scheme

__all__ = [
    "NicName",
    "NicPlace",
    "ccw_name",
    "pci_name",
    "teamed",
    "unnamed",
    "vio_name",
    "with_collisions",
    "zpci_name",
]


#: Larger indices of onboard devices were ignored before the scheme has "onboard-index-of-16-bits".
_SMALL_INDEX = (1 << 14) - 1


@dataclass(frozen=True, slots=True)
class NicPlace:
    """Where the guest sees a NIC: bus number as the guest counts, slot, function, and what else its name depends on.

    ``multifunction`` says whether the slot has several functions; ``index`` is the acpi-index that the guest sees, 0
    for none. ``segment`` is the PCI domain, ``function_id`` the zPCI function id (s390x only), ``usb`` the end of the
    name of a USB device, whose place is that of its controller.
    """

    bus: int
    slot: int
    function: int = 0
    multifunction: bool = False
    index: int = 0
    segment: int = 0
    function_id: int = 0
    usb: str = ""


@dataclass(frozen=True, slots=True)
class NicName:
    """The name of a NIC with its candidates ("" where there is none) and the reason for the choice.

    ``name`` is "" when no source says it, and "ethN" when the kernel's name stays. ``collides`` is true when another
    NIC asks for the same name: one of the two then keeps its ethN, and which one can differ from boot to boot.
    """

    name: str
    reason: str
    onboard: str = ""
    slot: str = ""
    path: str = ""
    scheme: str = ""
    collides: bool = False


def pci_name(pci: GuestPci, nic: NicPlace, scheme: Scheme) -> NicName:
    """The name of a NIC on a PCI bus of x86, aarch64 or riscv64."""
    end = f"f{nic.function}" if nic.function or nic.multifunction else ""
    end += nic.usb
    path = f"en{_domain(nic)}p{nic.bus}s{nic.slot}{end}"
    number, because = _slot_number(pci, nic, scheme)
    slot = f"en{_domain(nic)}s{number}{end}" if number else ""
    if nic.index:
        reason = f"acpi-index {nic.index} is the index of an onboard device"
        return NicName(f"eno{nic.index}", reason, f"eno{nic.index}", slot, path, scheme.name)
    if slot:
        return NicName(slot, because, "", slot, path, scheme.name)
    reason = f"{because}, so the place decides: bus {nic.bus}, slot {nic.slot}"
    return NicName(path, reason, "", "", path, scheme.name)


def zpci_name(nic: NicPlace, scheme: Scheme) -> NicName:
    """The name of a virtio-net-pci on s390x, whose PCI domain is the zPCI uid."""
    path = f"en{_domain(nic)}p{nic.bus}s{nic.slot}"
    text = f"{nic.function_id:08x}"
    if scheme.has("hexadecimal-function-id"):
        slot = f"ens{nic.function_id}" if nic.function_id else ""
    else:
        # Older schemes read the digits as a decimal number.
        slot = f"en{_domain(nic)}s{int(text)}" if text.isdecimal() and int(text) else ""
    if nic.segment > _SMALL_INDEX and not scheme.has("onboard-index-of-16-bits"):
        why = f"the zPCI uid {nic.segment} is above {_SMALL_INDEX}, which {scheme.name} ignores"
        return NicName(slot or path, why, "", slot, path, scheme.name)
    onboard = f"eno{nic.segment}"
    return NicName(onboard, f"the zPCI uid is {nic.segment}", onboard, slot, path, scheme.name)


def ccw_name(bus_id: str, scheme: Scheme) -> NicName:
    """The name of a NIC on the channel bus; ``bus_id`` is as the guest writes it: 0.0.0002."""
    name = f"enc{bus_id.lstrip('.0') or '0'}"
    return NicName(name, f"channel device {bus_id} without leading zeros", path=name, scheme=scheme.name)


def vio_name(register: int, scheme: Scheme) -> NicName:
    """The name of a spapr-vlan of pseries; ``register`` is its number on the virtual I/O bus.

    Source: observed, Debian 12 on pseries of QEMU 7.2.22: register 0x71000002 gives env2, 0x1000 has no candidate.
    """
    if register < 1 << 28:
        why = f"the register 0x{register:x} has fewer than 8 digits, which the naming rules ignore"
        return unnamed(why, scheme.name)
    name = f"env{register & 0xFFFF}"
    return NicName(name, f"the register is 0x{register:x}", slot=name, scheme=scheme.name)


def teamed(name: NicName) -> NicName:
    """The name of a virtio NIC that waits for the other half of a team; a failover interface of the guest has it.

    The NIC itself is named after its port, "sby", so that the guest has two interfaces with one MAC address.
    Source: Linux documentation, net_failover; observed, Debian 12 and 13 on QEMU 7.2 and 10.0, also without a partner.
    """
    own = f"{name.name}nsby"
    text = f"from Linux 4.18 on, the failover interface of the team has this name, and the NIC itself is {own}"
    return replace(name, reason=f"{name.reason}; {text}")


def unnamed(reason: str, scheme: str = "") -> NicName:
    """A NIC for which the naming rules have no candidate: it keeps the kernel's ethN."""
    return NicName("ethN", reason, scheme=scheme)


def with_collisions(names: Iterable[NicName]) -> tuple[NicName, ...]:
    """The names, with those marked that another NIC asks for, too.

    Alternative names count: a NIC called eno8 whose slot candidate is ens4 takes ens4 from another NIC.
    """
    names = tuple(names)
    wanted = Counter(text for one in names for text in {one.onboard, one.slot, one.path} if text)
    return tuple(_marked(one, wanted[one.name]) for one in names)


def _marked(name: NicName, times: int) -> NicName:
    if times < 2:
        return name
    asked = f"{counted(times, 'NIC asks', 'NICs ask')} for {name.name}, and only one of them gets it"
    text = f"{name.reason}; {asked}; if that is another one, this NIC keeps its ethN"
    return replace(name, collides=True, reason=text)


def _domain(nic: NicPlace) -> str:
    return f"P{nic.segment}" if nic.segment else ""


def _slot_number(pci: GuestPci, nic: NicPlace, scheme: Scheme) -> tuple[int, str]:
    """The slot number that the scheme uses for a NIC and the reason; 0 where it uses none."""
    if scheme.has("slot-of-firmware-node") and nic.function == 0 and pci.described(nic.bus, nic.slot):
        return nic.slot, f"ACPI describes the slot with the number {nic.slot}"
    registered = pci.registered()
    if number := registered.get((nic.bus, nic.slot)):
        return number, f"the kernel registers the slot for hotplug with the number {number}"
    bus = nic.bus
    while (bridge := pci.bridge_to(bus)) is not None:
        if number := registered.get((bridge.above, bridge.slot)):
            allowed = not scheme.has("bridge-has-no-slot") or (
                scheme.has("functions-behind-bridge") and (nic.function or nic.multifunction)
            )
            why = f"the slot with the number {number} holds a bridge above the NIC"
            return (number, why) if allowed else (0, f"{why}, which {scheme.name} does not use")
        bus = bridge.above
    return 0, _why_none(pci, nic)


def _why_none(pci: GuestPci, nic: NicPlace) -> str:
    bridge = pci.bridge_to(nic.bus)
    if pci.described(nic.bus, nic.slot):
        return f"an earlier bus registers the slot number {nic.slot}"
    if nic.bus and bridge is not None and bridge.number and pci.mode is not Mode.ACPI:
        return f"an earlier port registers the slot number {bridge.number}"
    return "no numbered hotplug slot holds the NIC"
