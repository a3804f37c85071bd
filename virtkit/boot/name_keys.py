"""The name of a NIC for a row of keys: QEMU, machine type, set-up, place in words, and path in sysfs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from virtkit import facts
from virtkit.boot.guest_pci import Bridge, GuestPci, Mode, numbered
from virtkit.boot.hotplug_mode import acpi_index_shown, mode_of
from virtkit.boot.naming import Scheme, parse_scheme
from virtkit.boot.nic_names import NicName, NicPlace, ccw_name, pci_name, unnamed, zpci_name
from virtkit.errors import UsageError
from virtkit.host.machine_types import machine_version
from virtkit.releases import parse
from virtkit.wording import counted

__all__ = ["KEY", "key_name"]

#: The columns of the key.
KEY = ("qemu", "machine", "variant", "place", "nic", "systemd", "scheme", "sysfs_path")
#: What the guest has when a device tree describes the machine and the NIC is behind an expander bus.
NOT_SEEN = "NOT SEEN BY GUEST"

_RIGS = "boot/rigs.csv"
_ROOT = re.compile(r"pci([0-9a-f]{4,8}):([0-9a-f]{2})")
_PCI = re.compile(r"([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])")
_USB = re.compile(r"\d+-(\d+(?:\.\d+)*):(\d+)\.(\d+)")
_CCW = re.compile(r"[0-9a-f]{1,2}\.[0-3]\.[0-9a-f]{4}")
_NUMBER = re.compile(r"\b(acpi-index|slot|uid|fid)\s*=\s*(0x[0-9a-f]+|\d+)", re.I)
_MULTIFUNCTION = re.compile(r"multifunction|\b(?:fn|function) \d+ of [2-9]", re.I)
_BRIDGE = re.compile(
    r"dmi-to-pci-bridge|pcie-(?:to-)?pci-bridge|pci-bridge|root[ -]port|downstream[ -]port|pxb-pcie|pxb", re.I
)
#: Words of a place, and libvirt's names of the controllers.
_MODELS = {
    "dmi-to-pci-bridge": "dmi-to-pci-bridge",
    "pcie-pci-bridge": "pcie-to-pci-bridge",
    "pcie-to-pci-bridge": "pcie-to-pci-bridge",
    "pci-bridge": "pci-bridge",
    "root-port": "pcie-root-port",
    "downstream-port": "pcie-switch-downstream-port",
    "pxb": "pci-bridge",
}
_INNER = re.compile(r" (?:on|in|of|behind|below) ")


@dataclass(frozen=True, slots=True)
class _Step:
    """A function on the way from the root bus to a NIC."""

    bus: int
    slot: int
    function: int


def key_name(row: Mapping[str, str]) -> NicName:
    """The name of the NIC that a row of keys describes (see ``KEY``).

    ``place`` is words: the bridges that hold the NIC, "slot=N" for the number of a port, "acpi-index=N", "fn 0 of 2".
    ``sysfs_path`` gives the bus numbers. The bridges of a known set-up (``variant``) count besides those of the path.
    Raises UsageError when the machine type, the scheme or the path cannot be understood.
    """
    scheme = _scheme(row)
    path, place = row["sysfs_path"], row["place"]
    parts = path.split("/")
    if ccw := next((part for part in reversed(parts) if _CCW.fullmatch(part)), None):
        return ccw_name(ccw, scheme)
    steps, segment, root = _steps(parts)
    device_tree = row["variant"].endswith("-dt")
    if not steps:
        if device_tree and "pxb" in place:
            return NicName(NOT_SEEN, "a device tree does not describe expander buses", scheme=scheme.name)
        if path.startswith("platform/") or "mmio" in place:
            return unnamed("virtio-mmio has no PCI slot and no other candidate", scheme.name)
        raise UsageError(f"sysfs_path: expected a path with a PCI address or a channel device, got {path!r}")
    numbers = {key.lower(): int(value, 0) for key, value in _NUMBER.findall(place)}
    last = steps[-1]
    if row["machine"].startswith("s390-ccw"):
        nic = NicPlace(last.bus, last.slot, last.function, segment=segment, function_id=numbers.get("fid", 0))
        return zpci_name(nic, scheme)
    pci = _machine(row, steps, root, numbers.get("slot", 0))
    several = last.function > 0 or bool(_MULTIFUNCTION.search(place))
    index = numbers.get("acpi-index", 0)
    if not acpi_index_shown(parse(row["qemu"]), pci, last.bus):
        index = 0
    nic = NicPlace(last.bus, last.slot, last.function, several, index, segment, usb=_usb(parts))
    return pci_name(pci, nic, scheme)


def _usb(parts: list[str]) -> str:
    """The end of the name of a USB device: the chain of ports; configuration 1 and interface 0 are left out."""
    match = next((found for part in parts if (found := _USB.fullmatch(part))), None)
    if match is None:
        return ""
    ports, config, interface = match.groups()
    end = (f"c{config}" if config != "1" else "") + (f"i{interface}" if interface != "0" else "")
    return f"u{ports.replace('.', 'u')}{end}"


def _scheme(row: Mapping[str, str]) -> Scheme:
    written = row["scheme"].strip() or row["systemd"].strip()
    if not written:
        raise UsageError("scheme: expected a naming scheme, or a systemd release in the column systemd")
    return parse_scheme(written)


def _steps(parts: list[str]) -> tuple[list[_Step], int, int]:
    """The functions of a sysfs path, its PCI domain and the number of its root bus."""
    segment = root = 0
    steps = []
    for part in parts:
        if match := _ROOT.fullmatch(part):
            segment, root = int(match[1], 16), int(match[2], 16)
        elif match := _PCI.fullmatch(part):
            steps.append(_Step(int(match[2], 16), int(match[3], 16), int(match[4])))
    return steps, segment, root


def _machine(row: Mapping[str, str], steps: list[_Step], root: int, number: int) -> GuestPci:
    """The buses of the machine: those of the set-up, and those on the way to the NIC."""
    family, version = machine_version(_canonical(row["machine"]))
    mode, root_acpi = mode_of(family, version)
    if row["variant"].endswith("-nohp"):
        mode, root_acpi = Mode.NONE, False
    elif row["variant"].endswith("-native"):
        mode = Mode.NATIVE
    rig, fixed = _rig(family, row["variant"])
    bridges = {one.bus: one for one in rig}
    for n, (step, below) in enumerate(pairwise(steps)):
        known = bridges.get(below.bus)
        if known is None or (known.above, known.slot, known.function) != (step.bus, step.slot, step.function):
            model = _models(row["place"], len(steps) - 1, family != "pc-i440fx")[n]
            bridges[below.bus] = Bridge(model, step.bus, step.slot, step.function, below.bus)
    if number and len(steps) > 1:
        port = next((b for b in _upwards(bridges, steps[-1].bus) if b.model.endswith("-port")), None)
        if port is not None:
            bridges[port.bus] = Bridge(port.model, port.above, port.slot, port.function, port.bus, number)
    chipset = {(0, 1)} if family == "pc-i440fx" else set()
    shpc = family != "pc-i440fx"
    return GuestPci(tuple(bridges.values()), mode, root_acpi, frozenset(fixed | chipset), shpc)


def _canonical(machine: str) -> str:
    """A family name that machine_version knows, for QEMU's aliases."""
    return {"q35": "pc-q35", "pc": "pc-i440fx"}.get(machine, machine)


def _upwards(bridges: Mapping[int, Bridge], bus: int) -> list[Bridge]:
    found = []
    while (bridge := bridges.get(bus)) is not None:
        found.append(bridge)
        bus = bridge.above
    return found


def _models(place: str, count: int, express: bool) -> list[str]:
    """libvirt's names of the bridges that a place names, from the root bus down.

    On an Express machine, a root port above a named bridge need not be named. Raises UsageError.
    """
    words = [word.lower().replace(" ", "-") for word in _BRIDGE.findall(place)]
    found = [_MODELS[word] for word in words if word in _MODELS]
    if _INNER.search(place) and "+" not in place:
        found.reverse()
    if found and found[-1] == "pcie-switch-downstream-port" and len(found) < count:
        found = ["pcie-root-port", "pcie-switch-upstream-port", *found[-1:]]
    elif express and len(found) == count - 1:
        found = ["pcie-root-port", *found]
    if len(found) != count:
        text = f"the place names {counted(len(found), 'bridge')}, the sysfs path has {counted(count, 'bridge')}"
        raise UsageError(f"{text}: {place!r}")
    return found


@cache
def _rig(family: str, variant: str) -> tuple[tuple[Bridge, ...], set[tuple[int, int]]]:
    """The bridges of a known set-up, numbered as firmware does, and the slots that expander buses take."""
    keys: dict[tuple[str, str], int] = {}
    roots = {0}
    written: list[tuple[int, Bridge]] = []
    fixed: set[tuple[int, int]] = set()
    for row in facts.table(_RIGS):
        if row["machine"] != family or variant not in row["variant"].split():
            continue
        root = int(row["root"], 16)
        roots.add(root)
        above, _, own = row["path"].rpartition("/")
        slot, _, function = own.partition(".")
        parent = keys[row["root"], above] if above else -1 - root
        if row["model"].endswith("expander-bus"):
            fixed.add((root, int(slot, 16)))
            continue
        key = len(keys)
        keys[row["root"], row["path"]] = key
        written.append((key, Bridge(row["model"], parent, int(slot, 16), int(function), 0, int(row["number"]))))
    return tuple(numbered(roots, written).values()), fixed
