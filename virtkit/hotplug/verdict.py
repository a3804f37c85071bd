"""Whether the guest OS will drive a device that is plugged in: acceptance by libvirt is not all.

Source: ``data/evidence/hotplug.csv`` (what booted guests did); QEMU, ACPI PCI hot plug: q35 machines since 6.1 notify
the guest by ACPI, older ones by the root port itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.boot.domain_pci import domain_pci
from virtkit.boot.hotplug_mode import behind_gap
from virtkit.compat.check import check
from virtkit.compat.verdict import Evidence, Judgement, Verdict
from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Controller
from virtkit.guests.flavours import flavour_of, option
from virtkit.host.machine_types import machine_version
from virtkit.virtio.devices import driver_of
from virtkit.virtio.interface import Interface

if TYPE_CHECKING:
    from collections.abc import Iterable

    from virtkit.domain.devices import Device
    from virtkit.guests import Catalogue, Guest
    from virtkit.resolved import Resolved

__all__ = ["booted_guests", "joined", "judge_plug", "lets_go", "notices"]

ACPI_SINCE = (6, 1)
PORTS = {"pcie-root-port": "root-port", "pcie-switch-downstream-port": "switch-downstream-port"}
DRIVERS = {"acpi": "acpiphp", "native": "pciehp", "bridge": "shpchp", "firmware": "rpaphp"}
"""The Linux driver that handles hot plug, by what notifies the guest."""
SLOW = 2.0
"""From so many seconds on, a verdict says how long booted guests took to use a device."""

_OPTIONS = {"acpiphp": "HOTPLUG_PCI_ACPI", "pciehp": "HOTPLUG_PCI_PCIE", "shpchp": "HOTPLUG_PCI_SHPC"}
_PORTS_OF_OVMF = 9
_ORDER = (Verdict.FAILS, Verdict.UNKNOWN, Verdict.CONDITION, Verdict.WORKS)
Rows = tuple[dict[str, str], ...]


@cache
def booted_guests() -> frozenset[str]:
    """The guests, by id, that were booted as they come to see a device plugged in."""
    return frozenset(row["os"] for row in facts.table("evidence/hotplug.csv") if row["os"])


def judge_plug(
    now: Resolved,
    device: Device,
    guest: Guest | None,
    known: Catalogue | None = None,
    *,
    overrides: bool = True,
    began: Resolved | None = None,
) -> Judgement:
    """Whether the guest OS finds and drives a device that was plugged into a running domain.

    ``now`` is the running domain with the device among its devices, ``began`` the domain as the guest started, for
    which firmware set up the buses (None: as now, without the device). The verdict is the worse one of two: whether the
    guest has the driver of the device, and whether it notices a device that appears at this place.
    """
    if guest is None:
        return Judgement(Verdict.UNKNOWN, "the guest OS is not known", "", Evidence.RULE, "")
    noticed = notices(now, device, guest, began)
    return joined(noticed, _driven(now, device, guest, known, overrides))


def joined(noticed: Judgement, driven: Judgement | None) -> Judgement:
    """The worse of two: whether the guest notices a device, and whether it has the driver (None: no virtio device)."""
    if driven is None or _ORDER.index(noticed.verdict) < _ORDER.index(driven.verdict):
        return noticed
    condition = "; ".join(filter(None, (driven.condition, noticed.condition)))
    source = " | ".join(filter(None, (driven.source, noticed.source)))
    if not driven.good:
        return Judgement(driven.verdict, driven.reason, "", driven.evidence, source)
    evidence = noticed.evidence if noticed.evidence is Evidence.BOOT else driven.evidence
    return Judgement(driven.verdict, f"{driven.reason}; {noticed.reason}", condition, evidence, source)


def _driven(
    now: Resolved, device: Device, guest: Guest, known: Catalogue | None, overrides: bool
) -> Judgement | None:
    """The verdict on the virtio driver, None for a device that is no virtio one."""
    at = None if device.address is None else str(device.address)
    review = check(now, guest, overrides=overrides, guest_database=known, changes=False)
    for finding in review.findings:
        if finding.address == at and finding.label == device.label:
            return Judgement(finding.verdict, finding.reason, finding.condition, finding.evidence, finding.source)
    return None


def notices(now: Resolved, device: Device, guest: Guest, began: Resolved | None = None) -> Judgement:
    """Whether the guest notices a device at its place; for ``now`` and ``began`` see ``judge_plug``."""
    if not isinstance(device.address, PciAddress):
        return _unknown("no boot is recorded in which a device was plugged in here")
    place, empty = _place(now, device.address, began or now)
    mode = _mode(now)
    rows = _rows(now, place, mode, empty)
    driver = _driver(now, place, mode)
    if (lacking := _without_driver(now, guest, driver, device.address)) is not None:
        return lacking
    if crowded := _crowded_bridge(now, place, empty):
        return crowded
    needs = f"the guest needs a driver for hot plug at this place (Linux: {driver})"
    if not rows:
        return _unknown(f"no boot is recorded in which a device was plugged in here; {needs}")
    source = rows[-1]["source"]
    lost = [row for row in rows if "never" in (row["seen"], row["bound"])]
    if lost and (len(lost) == len(rows) or guest.family == "linux"):
        return _lost(lost, rows)
    if _port_io_is_lost(now, device, guest, rows):
        why = "the guest's driver needs port I/O, and firmware left none for a device that is plugged in here"
        return Judgement(Verdict.FAILS, why, "", Evidence.BOOT, source)
    own = [row for row in rows if row["os"] == guest.id]
    if own:
        same = [row for row in own if row["device"] == _name(now, device)]
        what, evidence = ("a device", Evidence.BOOT) if same else ("another kind of device", Evidence.RULE)
        why = f"this guest was seen using {what} plugged in here{_delay(same or own)}"
        return Judgement(Verdict.WORKS, why, "", evidence, (same or own)[-1]["source"])
    if guest.family == "linux":
        why = f"other Linux guests used a device plugged in here{_delay(rows)}"
        if built := _built_in(guest, driver):
            return Judgement(Verdict.WORKS, f"{why}, and {built}", "", Evidence.RULE, source)
        return Judgement(Verdict.CONDITION, why, needs, Evidence.RULE, source)
    return _unknown(f"only Linux guests were booted with a device plugged in here; {needs}")


def _without_driver(now: Resolved, guest: Guest, driver: str, at: PciAddress) -> Judgement | None:
    """The verdict where nothing in the guest hears of a new device; None where its driver is there or not known.

    Source: data/guests/kernel-options.csv; observed, QEMU 7.2.22 with pc and ACPI hot plug of bridges turned off.
    """
    switch = now.domain.by_hand.switch("acpi-pci-hotplug-with-bridge-support", "", "PIIX4_PM")
    if now.context.family.chipset == "i440fx" and at.bus and switch is False:
        why = "ACPI hot plug of bridges is off, so the guest never sees the device, although QEMU accepts it"
        return Judgement(Verdict.FAILS, why, "", Evidence.BOOT, "observed: QEMU 7.2.22, Debian 12 on pc")
    pci = domain_pci(now)
    if (bus := pci.number(at)) is not None and behind_gap(now.host.qemu, pci.pci, bus):
        why = "the port is in a slot of its switch after an empty one, so this QEMU does not announce the device"
        return Judgement(Verdict.FAILS, why, "", Evidence.BOOT, "observed: QEMU 7.2.22, Debian 12 on q35")
    flavour = flavour_of(guest)
    found = None if flavour is None or driver not in _OPTIONS else option(flavour.key, _OPTIONS[driver])
    if flavour is None or found is None or found.there:
        return None
    why = f"the kernel is built without CONFIG_{_OPTIONS[driver]} ({driver}), so the guest never sees the device"
    return Judgement(Verdict.FAILS, why, "", Evidence.RULE, flavour.title)


def _built_in(guest: Guest, driver: str) -> str:
    """That the kernel of a guest is known to have a driver of hot plug, as a clause; "" where it is not known."""
    flavour = flavour_of(guest)
    found = None if flavour is None or driver not in _OPTIONS else option(flavour.key, _OPTIONS[driver])
    if flavour is None or found is None or not found.there:
        return ""
    return f"{flavour.title} has CONFIG_{_OPTIONS[driver]} ({driver})"


def _crowded_bridge(now: Resolved, place: str, empty: bool) -> Judgement | None:
    """The verdict on an empty bridge behind one of many root ports under OVMF; None elsewhere.

    Source: observed, OVMF 2022.11 on QEMU 7.2.22: with a tenth root port, even an empty one, the bridge gets neither
    port I/O nor memory, and no driver binds.
    """
    if now.topology.firmware != "efi" or not empty or place != "pcie-to-pci-bridge below a root port":
        return None
    ports = [one for one in now.inventory.controllers if one.model == "pcie-root-port" and _on_root(one)]
    if len(ports) <= _PORTS_OF_OVMF:
        return None
    why = f"OVMF 2022.11 gives a bridge that is empty at boot no memory when there are {len(ports)} root ports"
    what = f"the bridge holds a device at boot, there are at most {_PORTS_OF_OVMF} root ports, or OVMF is newer"
    return Judgement(Verdict.CONDITION, why, what, Evidence.BOOT, "observed: OVMF 2022.11 on QEMU 7.2.22, Debian 12")


def _on_root(controller: Controller) -> bool:
    return isinstance(controller.address, PciAddress) and controller.address.bus == 0


def _driver(now: Resolved, place: str, mode: str) -> str:
    """The Linux driver that handles hot plug at a place."""
    if now.context.family.name == "pseries":
        return DRIVERS["firmware"]
    native = mode == "native" or "expander" in place
    return DRIVERS["bridge" if native and "bridge" in place else "native" if native else mode]


def _delay(rows: Iterable[dict[str, str]]) -> str:
    """How long guests took to use a device, where that is long; else ""."""
    longest = max((float(row["bound"]) for row in rows if row["bound"] not in ("", "never")), default=0.0)
    return f", after {longest:.0f} s" if longest >= SLOW else ""


def lets_go(now: Resolved, device: Device, began: Resolved | None = None) -> str:
    """What booted guests did when such a device was unplugged at such a place, as a clause; "" where none is recorded.

    ``now`` is the running domain, with or without the device; for ``began`` see ``judge_plug``.
    """
    if not isinstance(device.address, PciAddress):
        return ""
    place, empty = _place(now, device.address, began or now)
    name = _name(now, device)
    rows = [row for row in _rows(now, place, _mode(now), empty) if row["device"] == name and row["removal"]]
    kept = [row for row in rows if row["removed"] == "no"]
    if kept:
        return f"a booted Linux guest had not let go of {name} here after {float(kept[0]['removal']):.0f} s"
    if rows:
        return f"booted Linux guests let go of {name} here within {max(float(row['removal']) for row in rows):.1f} s"
    return ""


def _name(now: Resolved, device: Device) -> str:
    """A device as the evidence names it: virtio-blk, virtio-net, e1000e, ..."""
    virtio = driver_of(now.context, now.inventory, device)
    return device.model or "" if virtio is None else f"virtio-{virtio.kind}"


def _lost(lost: list[dict[str, str]], rows: Rows) -> Judgement:
    """The verdict where a booted guest did not get the device to work."""
    first = lost[0]
    never = "did not notice the device" if first["seen"] == "never" else "had no memory window left for the device"
    why = f"a guest that was booted {never} ({first['firmware']})"
    if len(lost) == len(rows):
        return Judgement(Verdict.FAILS, why, "", Evidence.BOOT, first["source"])
    what = f"firmware other than {first['firmware']}, or a device on the bus when the guest starts"
    return Judgement(Verdict.CONDITION, why, what, Evidence.BOOT, f"{first['source']} | {rows[-1]['source']}")


def _unknown(reason: str) -> Judgement:
    return Judgement(Verdict.UNKNOWN, reason, "", Evidence.RULE, "data/evidence/hotplug.csv")


def _rows(now: Resolved, place: str, mode: str, empty: bool) -> Rows:
    """The boots that show something about a place, kernels with options and overfull machines left out."""
    firmware = "OVMF" if now.topology.firmware == "efi" else "SeaBIOS"
    return tuple(
        row
        for row in facts.table("evidence/hotplug.csv")
        if row["place"] == place
        and row["mode"] == mode
        and row["machine"] == {"q35": "q35", "i440fx": "pc"}.get(now.context.family.chipset)
        and row["accepted"] == "yes"
        and row["firmware"].startswith(firmware)
        and not row["options"]
        and "more root ports" not in row["setup"]
        and ("bridge" not in place or (row["beside"] == "nothing") == empty)
    )


def _mode(now: Resolved) -> str:
    """What notifies the guest of a new device: "acpi" or "native"."""
    _, version = machine_version(now.machine)
    acpi = now.context.root.find("features/acpi") is not None
    if now.context.family.chipset == "q35":
        return "acpi" if acpi and (version is None or version >= ACPI_SINCE) else "native"
    return "acpi" if acpi else "native"


def _place(now: Resolved, at: PciAddress, began: Resolved) -> tuple[str, bool]:
    """The class of a place as the evidence names it, and whether the bus held nothing else when the guest started."""
    buses = {one.index: one for one in now.inventory.controllers if one.type == "pci"}
    others = [
        one
        for one in began.devices
        if isinstance(one.address, PciAddress) and one.address.bus == at.bus and str(one.address) != str(at)
    ]
    bus = buses.get(at.bus)
    model = "" if bus is None else bus.model or ""
    above = _model_above(buses, bus)
    if model in PORTS:
        beyond = " of a pcie-expander-bus" if above == "pcie-expander-bus" else ""
        return f"{PORTS[model]}{beyond}", not others
    if model == "pcie-to-pci-bridge":
        return f"{model} {'on pcie-root' if above == 'pcie-root' else 'below a root port'}", not others
    return model, not others


def _model_above(buses: dict[int, Controller], bus: Controller | None) -> str:
    at = None if bus is None else bus.address
    above = buses.get(at.bus) if isinstance(at, PciAddress) else None
    return "" if above is None else above.model or ""


def _port_io_is_lost(now: Resolved, device: Device, guest: Guest, rows: Rows) -> bool:
    """Whether a guest with a legacy driver only meets a place where the I/O BAR stayed without an address."""
    shown = next((one for one in now.virtio_devices if one.device is device), None)
    if shown is None or shown.shown is None or shown.shown.interface == Interface.MODERN:
        return False
    support = guest.support(shown.kind)
    return not support.modern and any(row["ports"] == "unassigned" for row in rows)
