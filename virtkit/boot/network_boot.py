"""NICs from which the firmware of a domain is to start over the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.boot.domain_firmware import behind_expander, boot_order, lost_ports, port_above
from virtkit.boot.firmware import Candidate, Firmware, found
from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Nic
from virtkit.virtio.interface import Interface

if TYPE_CHECKING:
    from virtkit.resolved import Resolved

__all__ = ["BootNic", "boot_nics"]


@dataclass(frozen=True, slots=True)
class BootNic:
    """What the firmware does with a NIC that has a boot index; ``order`` and ``result`` are as for ``BootDisk``."""

    device: str
    label: str
    order: int
    result: str
    reason: str
    source: str


def boot_nics(resolved: Resolved, firmware: Firmware) -> tuple[BootNic, ...]:
    """What the firmware does with each NIC that has a boot index, in the order of the indices.

    SeaBIOS starts from the option ROM of the NIC, the others with drivers of their own. Only virtio NICs were booted;
    others are unknown.
    """
    lost, why_lost, lost_source = lost_ports(resolved, firmware)
    virtio = {one.device.id: one for one in resolved.virtio_devices}
    answers = []
    for order, nic in enumerate(boot_order(resolved), 1):
        if not isinstance(nic, Nic):
            continue
        shown = virtio.get(nic.id)
        interface = None if shown is None or shown.shown is None else shown.shown.interface
        if shown is None or (interface is None and shown.transport != "ccw"):
            answer = "unknown", f"no boot of {firmware.title} from this NIC was observed", ""
        else:
            transport = {"ccw": "ccw", "virtio-mmio": "mmio"}.get(shown.transport, "pci")
            port = port_above(resolved, nic)
            answer = _answer(resolved, firmware, nic, interface or Interface.MODERN, transport, port not in lost)
            if answer[0] == "not-found" and port in lost:
                answer = answer[0], f"{answer[1]}: {why_lost}", lost_source
        if lost and firmware.name == "SeaBIOS":
            answer = "not-found", why_lost, lost_source
        answers.append(BootNic(nic.id, nic.label, order, *answer))
    return tuple(answers)


def _answer(
    resolved: Resolved, firmware: Firmware, nic: Nic, interface: Interface, transport: str, window: bool
) -> tuple[str, str, str]:
    slot, expander = 0, False
    if isinstance(nic.address, PciAddress):
        expander = behind_expander(resolved, nic.address)
        slot = nic.address.slot if nic.address.bus == 0 and resolved.context.family.express else 0
    answer = found(firmware, Candidate("net", interface, transport, window, slot, expander))
    if answer.result == "boots" and firmware.name == "SeaBIOS":
        return _with_rom(firmware, nic, interface) or (answer.result, answer.reason, answer.source)
    return answer.result, answer.reason, answer.source


def _with_rom(firmware: Firmware, nic: Nic, interface: Interface) -> tuple[str, str, str] | None:
    """What an option ROM that the domain sets changes for SeaBIOS; None for nothing.

    Source: libvirt, Domain XML format, <rom>; observed, SeaBIOS 1.16.2 and 1.17.0 with QEMU's iPXE ROMs.
    """
    rom = None if nic.element is None else nic.element.find("rom")
    if rom is None:
        return None
    if rom.get("enabled") == "no":
        return "not-found", "the NIC has no option ROM, which SeaBIOS needs to start from it", firmware.source
    if rom.get("file") and interface is not Interface.MODERN:
        why = (
            f"SeaBIOS ignores the file of <rom> for a {interface} NIC, because QEMU writes the device id only into its "
            "own ROM; remove <rom file>, or use model='virtio-non-transitional'"
        )
        return "not-found", why, firmware.source
    if rom.get("bar") == "off":
        return "unknown", "no boot was observed with an option ROM outside the memory of the device", ""
    return None
