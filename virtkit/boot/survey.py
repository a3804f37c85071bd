"""Tables on the way from power-on to a login: firmware by place, kernels by driver, and the names in many domains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from virtkit import facts
from virtkit.boot.firmware_keys import key_result
from virtkit.boot.power_on import PowerOn, power_on
from virtkit.domain.domain import read
from virtkit.errors import GuestError, UsageError, VirtkitError
from virtkit.guests import Catalogue, Guest, catalogue
from virtkit.guests.flavours import drives, flavours
from virtkit.guests.kinds import KINDS
from virtkit.host import Host
from virtkit.releases import DEFAULT_QEMU, dotted
from virtkit.resolved import Resolved, resolve

__all__ = ["PowerSurvey", "firmware_table", "kernel_table", "power_survey"]

#: Machine types of each architecture, and the places that are shown for them.
_EXPRESS = ("pcie.0 slot 5", "root-port", "switch", "pcie-pci-bridge", "pxb-pcie root-port")
_MACHINES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("x86_64", "pc", ("pci.0", "pci-bridge", "pxb")),
    ("x86_64", "q35", (*_EXPRESS, "first of 10 root-port", "last of 10 root-port", "last of 15 root-port")),
    ("aarch64", "virt", (*_EXPRESS, "virtio-mmio modern", "first of 17 root-port")),
    ("riscv64", "virt", (*_EXPRESS, "virtio-mmio modern")),
    ("loongarch64", "virt", _EXPRESS),
    ("ppc64", "pseries", ("pci.0", "pci-bridge")),
)
_INTERFACES = ("legacy-only", "transitional", "modern-only", "auto")


class Readable(Protocol):
    """An input with a name."""

    @property
    def name(self) -> str: ...

    def read(self) -> bytes: ...


@dataclass(slots=True)
class PowerSurvey:
    """One table for each question; a row is a dict.

    ``boots``: file, firmware, starts, ok ("yes", "no" or "unknown"), reason; ``names``: file, device, mac, name,
    reason, onboard, slot, path, booted, collides; ``rejected``: file, error.
    """

    boots: list[dict[str, Any]] = field(default_factory=list)
    names: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)

    def answer(self) -> list[str]:
        """Sentences on the domains that do not start, and on names that collide or are not known."""
        files: dict[str, list[str]] = {"yes": [], "no": [], "unknown": []}
        for row in self.boots:
            files[row["ok"]].append(row["file"])
        lost = files["no"]
        found = [f"The firmware finds the boot disk of {len(files['yes'])} of {len(self.boots)} domains."]
        if lost:
            found.append(f"It does not find that of: {', '.join(lost)}.")
        if files["unknown"]:
            found.append(f"It is not known whether it finds that of: {', '.join(files['unknown'])}.")
        colliding = list(dict.fromkeys(row["file"] for row in self.names if row["collides"]))
        if colliding:
            found.append(f"Two NICs ask for one name in: {', '.join(colliding)}.")
        unknown = sum(not row["name"] for row in self.names)
        if unknown:
            found.append(f"The name is not known for {unknown} of {len(self.names)} NICs.")
        if self.rejected:
            found.append(f"Not examined, because libvirt would refuse the domain: {len(self.rejected)}.")
        return found


def power_survey(
    sources: Iterable[Readable], host: Host | None = None, guest: str = "", known: Catalogue | None = None
) -> PowerSurvey:
    """What the firmware starts and how the NICs are named in each domain.

    ``guest`` names the guest OS of domains without metadata. Raises GuestError for one that the database lacks.
    """
    found = PowerSurvey()
    guests = known or catalogue()
    given = guests.find(guest) if guest else None
    for source in sources:
        try:
            resolved = resolve(read(source.read(), source.name), host)
        except VirtkitError as error:
            found.rejected.append({"file": source.name, "error": str(error)})
            continue
        _add(found, source.name, power_on(resolved, _guest(resolved, guests) or given))
    return found


def _guest(resolved: Resolved, guests: Catalogue) -> Guest | None:
    try:
        return guests.find(resolved.domain.osinfo_id) if resolved.domain.osinfo_id else None
    except GuestError:
        return None


def _add(found: PowerSurvey, file: str, power: PowerOn) -> None:
    disk = power.boot_disk
    reason = power.why if disk is None else disk.reason
    ok = "no" if not power.ok else "unknown" if disk is None or disk.result == "unknown" else "yes"
    row = {"file": file, "firmware": power.firmware, "starts": power.starts, "ok": ok, "reason": reason}
    found.boots.append(row)
    for one in power.names:
        name = one.name
        row = {"file": file, "device": one.device, "mac": one.mac, "name": name.name, "reason": name.reason}
        row |= {"onboard": name.onboard, "slot": name.slot, "path": name.path}
        found.names.append(row | {"booted": one.booted, "collides": name.collides})


def firmware_table(device: str = "virtio-blk") -> Iterator[dict[str, str]]:
    """What each firmware does with a device of each interface in each place of its machine types.

    Columns: firmware, arch, machine, interface, place, result, reason, evidence (the source). Source: ``key_result``.
    """
    for row in facts.table("boot/firmware.csv"):
        name = row["names"].split(";")[0]
        for arch, machine, places in _MACHINES:
            if arch not in row["arch"].split():
                continue
            for interface in _INTERFACES:
                for place in places:
                    yield _firmware_row(name, arch, machine, device, interface, place)


def _firmware_row(firmware: str, arch: str, machine: str, device: str, interface: str, place: str) -> dict[str, str]:
    key = {"firmware": firmware, "firmware_version": "", "qemu": dotted(DEFAULT_QEMU), "arch": arch, "machine": machine}
    key |= {"device": device, "interface": interface, "place": place}
    if "of" in place.split():
        key["device"] = f"{device} x{place.split()[2]}"
    try:
        answer = key_result(key)
    except UsageError:
        return key | {"result": "unknown", "reason": "no such place was booted", "evidence": ""}
    return {**key, "result": answer.result, "reason": answer.reason, "evidence": answer.source}


def kernel_table() -> Iterator[dict[str, str]]:
    """Whether each known kernel has the driver of each kind of virtio device.

    Columns: kernel, package, kind, driver (yes, no or unknown), evidence. Source: data/guests/kernel-options.csv.
    """
    for kernel in flavours().values():
        for kind in KINDS:
            found = drives(kernel, kind)
            driver = "unknown" if found is None else "yes" if found[0] else "no"
            evidence = "" if found is None else found[1]
            yield {"kernel": kernel.key, "package": kernel.title, "kind": kind, "driver": driver, "evidence": evidence}
