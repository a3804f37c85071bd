"""Start the QEMU of a domain paused, read its devices over QMP, and compare them with the prediction."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from virtkit.domain.domain import read
from virtkit.errors import VerifyError
from virtkit.host import Emulator, Host, shipped
from virtkit.host.emulator import emulator_arch
from virtkit.host.machine_types import machine_version
from virtkit.host.probe import describe, probe
from virtkit.host.qmp import Ask, QemuExited, converse
from virtkit.qemu_args import arguments
from virtkit.releases import dotted, libvirt_for
from virtkit.resolved import Resolved, resolve
from virtkit.verify.backends import Stubs
from virtkit.verify.compare import Difference
from virtkit.verify.pci import Seen, look
from virtkit.virtio.devices import VirtioDevice
from virtkit.virtio.interface import Interface

__all__ = ["Outcome", "Qemu"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one domain.

    ``devices`` counts the compared devices, ``skipped`` names those without a stub back end, and ``unstarted`` is
    QEMU's message when it does not start although every device is predicted to be accepted ("" otherwise).
    """

    name: str
    devices: int
    differences: tuple[Difference, ...]
    skipped: tuple[str, ...]
    unstarted: str = ""


@dataclass(frozen=True, slots=True)
class _Report:
    """What QEMU showed: PCI devices by id, and for others the address text QOM gives (ccw)."""

    pci: Mapping[str, Seen]
    off_pci: Mapping[str, str]


class Qemu:
    """The QEMU binaries to compare with.

    ``binary`` is one binary (used for its own architecture), a folder of ``qemu-system-ARCH``, or
    None for those on PATH. ``limit`` bounds each QEMU, in seconds.
    """

    def __init__(self, binary: str | None = None, limit: float = 30.0) -> None:
        self._given = binary
        self._limit = limit
        self._releases: dict[str, tuple[int, int]] = {}

    @property
    def libvirt(self) -> tuple[int, int]:
        """The libvirt release that random domains are made for."""
        arch = "x86_64"
        if self._given and not Path(self._given).is_dir() and (found := shutil.which(self._given)):
            arch = _describe(found, self._limit).arch
        return self._host(arch).libvirt

    @property
    def title(self) -> str:
        """The QEMU releases that were used, as text."""
        named = {dotted(release) for release in self._releases.values()}
        return f"QEMU {', '.join(sorted(named))}" if named else "QEMU"

    def ask(self, data: bytes, name: str) -> Outcome:
        """Start the QEMU of the domain ``data`` paused, with stub back ends, and compare its devices.

        Raises InputError or Refused for a domain that does not resolve, VerifyError when there is no such
        QEMU or it cannot be asked.
        """
        domain = read(data)
        host = self._host(domain.arch)
        emulator = host.emulator(domain.arch)
        machine = _stand_in(domain.machine, emulator)
        # libvirt starts a domain from the dump it keeps, where added controllers stand in their final order.
        resolved = resolve(read(resolve(domain, host=host, machine=machine).xml().encode()), host=host)
        differences: list[Difference] = []
        skipped = [f"machine type {domain.machine}: this QEMU lacks it, compared as {machine}"] if machine else []
        refused = set()
        virtio = {device.id: device for device in resolved.virtio_devices}
        for device in virtio.values():
            reason = device.shown.reason if device.shown else ""
            # QEMU takes "virtio-net" as another name of "virtio-net-pci"; its list of types has no other names.
            names = (_type_name(device), f"{_type_name(device)}-pci")
            if not reason and emulator is not None and all(emulator.has(one) is False for one in names):
                reason = "no-driver"
            if reason:
                refused.add(device.id)
                skipped.append(f"{device.id}: QEMU would refuse it: {reason}")
        binary = self._binary(resolved.arch)
        for ident in sorted(refused):
            differences += self._refusal(binary, resolved, virtio[ident])
        try:
            report, ids = self._run(binary, resolved, virtio, refused, skipped)
        except QemuExited as error:
            return Outcome(name, 0, tuple(differences), tuple(skipped), error.said)
        for ident in ids:
            differences += _compare(ident, ids[ident], virtio.get(ident), report)
            if ident in virtio and (seen := report.pci.get(ident)) and seen.device_id is None:
                skipped.append(f"{ident}: its PCI ids could not be read, only its address")
        return Outcome(name, len(ids), tuple(differences), tuple(skipped))

    def _refusal(self, binary: str, resolved: Resolved, device: VirtioDevice) -> list[Difference]:
        """Whether QEMU does refuse a device that is predicted to be refused."""
        reason = device.shown.reason if device.shown else "no-driver"
        others = {one.id for one in resolved.virtio_devices} - {device.id}
        virtio = {one.id: one for one in resolved.virtio_devices}
        skipped: list[str] = []
        try:
            _report, ids = self._run(binary, resolved, virtio, others, skipped)
        except QemuExited:
            return []
        if device.id not in ids:
            return []
        return [Difference(device.id, "verdict", f"refused: {reason}", "accepted")]

    def _run(
        self,
        binary: str,
        resolved: Resolved,
        virtio: Mapping[str, VirtioDevice],
        without: set[str],
        skipped: list[str],
    ) -> tuple[_Report, dict[str, dict[str, Any]]]:
        stubs = Stubs()
        ids: dict[str, dict[str, Any]] = {}
        words: list[str] = []
        left_out = set(without)
        pending = arguments(resolved)
        # A zpci device comes before the device it belongs to, so the omitted devices must be known first.
        attached = {}
        for options in pending:
            ident = options.get("id", "")
            device = virtio.get(ident)
            if device is None or ident in left_out:
                continue
            done = stubs.attach(device.kind, options)
            if isinstance(done, str):
                left_out.add(ident)
                skipped.append(f"{ident}: {done}")
            else:
                attached[ident] = done
        for options in pending:
            ident = options.get("id", "")
            if ident in left_out or options.get("target") in left_out:
                continue
            done = attached.get(ident, options)
            words += ["-device", json.dumps(done)]
            if ident and options["driver"] != "zpci":
                ids[ident] = options
        command = [*_machine(resolved, bool(stubs.memory_devices)), *stubs.arguments, *words]
        drivers = {ident: str(options["driver"]) for ident, options in ids.items()}

        async def talk(ask: Ask) -> _Report:
            pci = await look(ask, drivers)
            off_pci = {}
            for ident in ids:
                if ident not in pci:
                    off_pci[ident] = await _off_pci(ask, ident)
            return _Report(pci, off_pci)

        try:
            try:
                return converse(binary, command, talk, self._limit, stubs.descriptors), ids
            except QemuExited as error:
                # A board with built-in sound, since QEMU 8.2.
                if "no default audio driver" not in error.said:
                    raise
            return converse(binary, [*command, "-audio", "none"], talk, self._limit, stubs.descriptors), ids
        finally:
            stubs.close()

    def _binary(self, arch: str) -> str:
        name = f"qemu-system-{emulator_arch(arch)}"
        given = self._given
        if given and Path(given).is_dir():
            given = str(Path(given) / name)
        found = shutil.which(given or name)
        if found is None:
            raise VerifyError(f"no QEMU for {arch}: {given or name} does not exist or is not executable")
        if self._given and _describe(found, self._limit).arch != emulator_arch(arch):
            raise VerifyError(f"{found} is not for {arch}")
        return found

    def _host(self, arch: str) -> Host:
        """The host of the binary: shipped facts when its device types are the same, else its own."""
        binary = self._binary(arch)
        found = _describe(binary, self._limit)
        self._releases[binary] = found.release
        libvirt = libvirt_for(found.release)
        known = shipped.load(found.release, found.arch)
        if known is not None and known.devices == found.devices:
            return Host.default(libvirt, found.release)
        return Host(libvirt, found.release, [_probed(binary, self._limit)])


@cache
def _describe(binary: str, limit: float) -> Emulator:
    """What a binary reports, without properties."""
    return describe(binary, limit)


@cache
def _probed(binary: str, limit: float) -> Emulator:
    """Everything that the probe asks a binary for."""
    return probe(binary, limit)


def _machine(resolved: Resolved, memory: bool) -> list[str]:
    """Arguments of a paused machine without devices, and without firmware where it starts without."""
    words = ["-accel", "tcg,thread=single", "-machine", resolved.machine, "-nodefaults", "-display", "none", "-S"]
    words += ["-m", "size=256M,slots=8,maxmem=8G" if memory else "256M"]
    if resolved.arch.startswith("riscv"):
        words += ["-bios", "none"]
    return words


def _stand_in(machine: str | None, emulator: Emulator | None) -> str | None:
    """The newest machine type of the family when this QEMU lacks the written one, else None."""
    if not machine or emulator is None or machine in emulator.machines:
        return None
    family, version = machine_version(machine)
    if version is None:
        return None
    for one in emulator.machines.values():
        if one.alias and machine_version(one.name)[0] == family:
            return one.name
    return None


def _type_name(device: VirtioDevice) -> str:
    """libvirt's short name of one driver is an alias in QEMU, not a type."""
    return "virtio-iommu-pci" if device.driver == "virtio-iommu" else device.driver


async def _off_pci(ask: Ask, ident: str) -> str:
    """The address of a device that is not on PCI: its ccw number, or the type of its bus."""
    place = f"/machine/peripheral/{ident}"
    names = {row["name"] for row in await ask("qom-list", {"path": place})}
    if "dev_id" in names:
        return str(await ask("qom-get", {"path": place, "property": "dev_id"}))
    parent = str(await ask("qom-get", {"path": place, "property": "parent_bus"}))
    return parent.rpartition("/")[2]


def _compare(ident: str, options: Mapping[str, Any], device: VirtioDevice | None, report: _Report) -> list[Difference]:
    seen = report.pci.get(ident)
    if seen is None:
        where = report.off_pci.get(ident, "")
        if "devno" in options and where != options["devno"]:
            return [Difference(ident, "address", str(options["devno"]), where)]
        if device is not None and device.transport == "pci":
            return [Difference(ident, "transport", "pci", where or "absent")]
        return []
    found = []
    if "addr" in options:
        slot, _, function = str(options["addr"]).partition(".")
        place = f"{options['bus']} slot {int(slot, 16)} function {int(function or '0', 16)}"
        actual = f"{seen.bus} slot {seen.slot} function {seen.function}"
        if place != actual:
            found.append(Difference(ident, "place", place, actual))
    if device is None or device.shown is None:
        return found
    if seen.device_id is not None and seen.device_id != device.shown.device_id:
        found.append(Difference(ident, "device id", device.shown.device_id, seen.device_id))
    expected: Interface | None = device.shown.interface
    if seen.interface is not None and seen.interface is not expected:
        found.append(Difference(ident, "interface", str(expected), seen.interface.value))
    return found
