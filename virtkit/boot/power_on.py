"""From power-on to a login: what the firmware finds, which disk it starts, and the names in a Linux guest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from virtkit.boot.by_path import by_path
from virtkit.boot.domain_firmware import BootDisk, boot_disks, boot_order, first_disk, is_hard
from virtkit.boot.domain_names import Named, nic_names
from virtkit.boot.firmware_choice import firmware_of
from virtkit.boot.network_boot import BootNic, boot_nics
from virtkit.display import Displayable
from virtkit.domain.devices import Disk
from virtkit.errors import UsageError
from virtkit.guests.flavours import flavours
from virtkit.wording import counted, listed, text_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from virtkit.boot.firmware import Firmware
    from virtkit.boot.naming import Scheme
    from virtkit.domain.devices import Device
    from virtkit.guests import Guest
    from virtkit.resolved import Resolved

__all__ = ["PowerOn", "power_on"]

#: Words in the file names of cloud-init seeds.
_SEEDS = ("cidata", "cloud-init", "cloudinit", "seed.iso", "seed.img")
#: Results with which nothing starts from a disk, or a boot loader cannot read it.
_LOST = frozenset({"not-found", "refused"})
_FAILS = _LOST | {"hidden", "not-tried", "seen"}
_FOUND = {"hidden": "a boot loader cannot read it", "not-tried": "{0} does not start it", "seen": "{0} cannot start it"}


@dataclass(frozen=True, slots=True, repr=False)
class PowerOn(Displayable):
    """What happens between power-on and a login.

    ``firmware`` is its name, "" when it is not known or does not matter; ``why`` then says so. ``starts`` says in one
    sentence which device the firmware starts. ``disks`` are its verdicts, ``nics`` those on NICs with a boot index,
    ``paths`` the names of disks in /dev/disk/by-path (pairs of device id and name), ``names`` the names of NICs; both
    are of Linux guests only. ``starts_no_disk`` says that no hard disk has a boot index. ``notes`` are hints that
    change no verdict.
    """

    domain: str
    firmware: str
    why: str
    starts: str
    disks: tuple[BootDisk, ...]
    names: tuple[Named, ...]
    paths: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    nics: tuple[BootNic, ...] = ()
    starts_no_disk: bool = False

    @property
    def boot_disk(self) -> BootDisk | None:
        """The disk that the firmware starts, None when no disk has a boot index."""
        return next((disk for disk in self.disks if disk.first), None)

    @property
    def ok(self) -> bool:
        """Whether the firmware finds every disk that the boot needs; unknown is not a failure.

        Where no disk has a boot index, one of the NICs that have one must be able to start the guest.
        """
        if any(disk.needed and disk.result in _FAILS for disk in self.disks):
            return False
        return self.boot_disk is not None or not self.nics or any(nic.result not in _FAILS for nic in self.nics)

    @property
    def lost(self) -> tuple[BootDisk, ...]:
        """The disks that the firmware does not find."""
        return tuple(disk for disk in self.disks if disk.result in _LOST)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "paths": dict(self.paths), "ok": self.ok}

    def text(self) -> str:
        """Lines for a terminal, "" when there is nothing to say."""
        lines = [f"  boot: {self.starts or self.why}"] if self.starts or self.why else []
        for disk in self.disks:
            if disk.result in _LOST or (disk.needed and disk.result in _FAILS):
                said = _FOUND.get(disk.result, "{0} does not find it").format(self.firmware)
                lines.append(f"  {'NO' if disk.needed else '  '} {disk.label} [{disk.device}]: {said}")
                lines.append(f"      {disk.reason}")
        for nic in self.nics:
            if nic.result in _FAILS:
                lines.append(f"  no {nic.label} [{nic.device}]: {self.firmware} cannot start from it")
                lines.append(f"      {nic.reason}")
        lines += _hidden(self.disks)
        for named in self.names:
            lines += _name(named)
        lines += [f"  path: {self._label(device)} [{device}]: /dev/disk/by-path/{path}" for device, path in self.paths]
        lines += [f"  note: {note}" for note in self.notes]
        return text_lines(lines)

    def _label(self, device: str) -> str:
        return next((disk.label for disk in self.disks if disk.device == device), "disk")

    def __repr__(self) -> str:
        return f"<PowerOn {self.domain!r}: {self.starts or self.why}>"


def _hidden(disks: tuple[BootDisk, ...]) -> Iterator[str]:
    """A note on the disks that a boot loader cannot read, where the boot is not known to need them."""
    hidden = [disk for disk in disks if disk.result == "hidden" and not disk.needed]
    plain = [disk for disk in hidden if disk.order is None]
    if plain:
        them, lack = ("it", "disk has") if len(plain) == 1 else ("them", "disks have")
        yield (
            f"  note: {counted(len(plain), 'disk has', lack)} no boot index, so a boot loader cannot read {them}: "
            f"{plain[0].reason.partition(', and ')[2]}; if it has to read {them}, name the system disk and {them} with "
            "--boot-disks, and --fix gives an index"
        )
    if len(hidden) > len(plain):
        reason = next(disk.reason for disk in hidden if disk.order is not None)
        yield f"  note: {counted(len(hidden) - len(plain), 'disk')} with a boot index too far back: {reason}"


def _name(named: Named) -> Iterator[str]:
    """The name of a NIC with its candidates and the reason."""
    name = named.name
    booted = "" if named.booted or not name.name else ", not booted"
    yield f"  name: {named.label} [{named.device}{booted}]: {name.name or 'unknown'}"
    yield f"      {'collision: ' if name.collides else ''}{name.reason}"
    candidates = (("onboard", name.onboard), ("slot", name.slot), ("path", name.path))
    found = [f"{kind} {text}" for kind, text in candidates if text]
    if found:
        yield f"      candidates of {name.scheme}: {', '.join(found)}"


def power_on(
    resolved: Resolved,
    guest: Guest | None = None,
    *,
    firmware: str = "",
    scheme: Scheme | None = None,
    needed: Sequence[str] = (),
) -> PowerOn:
    """What the firmware of a resolved domain finds and starts, and the names in its Linux guest.

    ``firmware`` replaces the firmware of the domain ("OVMF", "U-Boot arm64 2023.01"), ``scheme`` the naming scheme of
    the guest OS. ``needed`` names the disks that the boot needs by target or id: the system disk first, then those that
    its boot loader reads; by default the first disk of the boot order. Raises UsageError for an unknown firmware or
    disk.
    """
    found, why = firmware_of(resolved, firmware)
    wanted = _ids(resolved, needed)
    disks = () if found is None else boot_disks(resolved, found, wanted)
    nics = () if found is None else boot_nics(resolved, found)
    linux = guest is not None and guest.family == "linux"
    paths = tuple(
        (one.id, path)
        for one in resolved.devices
        if linux and isinstance(one, Disk) and one.device != "floppy" and (path := by_path(resolved, one))
    )
    title = "" if found is None else found.title
    order = boot_order(resolved)
    no_disk = found is not None and found.hides and bool(order) and not any(is_hard(one) for one in order)
    no_disk = no_disk and any(is_hard(one) for one in resolved.devices)
    starts = "" if found is None else _starts(title, _tried(resolved, found, order), disks)
    names = nic_names(resolved, guest, scheme) if guest is not None or scheme is not None else ()
    notes = (
        *((f"{title} starts from no hard disk, because none has a boot index; --fix gives the first one",) * no_disk),
        *_index_unread(resolved, found, disks),
        *_cloud_image(resolved, guest),
        *_seed_first(resolved, disks, wanted),
    )
    return PowerOn(resolved.name or "domain", title, why, starts, disks, names, paths, notes, nics, no_disk)


def _tried(resolved: Resolved, firmware: Firmware, order: tuple[Device, ...]) -> tuple[Device, ...]:
    """The devices that the firmware tries, in their order, as far as it is known."""
    if not firmware.by_place:
        return order
    first = first_disk(resolved, firmware)
    return () if first is None else (first,)


def _index_unread(resolved: Resolved, firmware: Firmware | None, disks: Sequence[BootDisk]) -> Iterator[str]:
    """A note where the domain names another first disk than the one that a firmware without boot indices starts."""
    wanted = next((one for one in boot_order(resolved) if is_hard(one)), None)
    first = next((disk for disk in disks if disk.first), None)
    if firmware is not None and firmware.by_place and wanted is not None and first and first.device != wanted.id:
        yield f"{firmware.title} reads no boot index and tries the disks by place, so {wanted.label} is not the first"


def _ids(resolved: Resolved, names: Sequence[str]) -> tuple[str, ...]:
    """The ids of the disks that are named by target or id. Raises UsageError for a name that no disk has."""
    disks = [one for one in resolved.devices if isinstance(one, Disk)]
    found = []
    for name in names:
        disk = next((one for one in disks if name in (one.target, one.id)), None)
        if disk is None:
            known = listed([one.target for one in disks], "or") or "the domain has none"
            raise UsageError(f"{resolved.name or 'domain'}: expected a disk, {known}, got {name!r}")
        found.append(disk.id)
    return tuple(found)


def _seed_name(name: str) -> bool:
    return any(word in name.rpartition("/")[2].lower() for word in _SEEDS)


def _seed_first(resolved: Resolved, disks: Sequence[BootDisk], needed: Sequence[str]) -> Iterator[str]:
    """A hint where the disk that the firmware starts is a seed of cloud-init, which holds no system."""
    first = next((disk for disk in disks if disk.first), None)
    if first is None or needed:
        return
    devices = {one.id: one for one in resolved.devices if isinstance(one, Disk)}
    element = devices[first.device].element
    source = None if element is None else element.find("source")
    others = [one.target for one in devices.values() if is_hard(one) and one.id != first.device]
    if others and source is not None and _seed_name(source.get("file", "")):
        yield (
            f"{first.label} is a seed of cloud-init by its file name, and holds no system; to check and mend the boot "
            f"from another disk, use --boot-disks {others[0]}"
        )


def _cloud_image(resolved: Resolved, guest: Guest | None) -> Iterator[str]:
    """A hint where the domain has a seed of cloud-init and the guest OS has a kernel for cloud images.

    Source: cloud-init documentation, NoCloud: a disk labelled cidata, or ds=nocloud in the SMBIOS serial number.
    """
    if guest is None or guest.flavour or f"{guest.id}:cloud-amd64" not in flavours():
        return
    root = resolved.context.root
    files = [node.get("file", "").rpartition("/")[2] for node in root.iterfind("devices/disk/source")]
    seed = next((name for name in files if _seed_name(name)), "")
    serial = next((node.text or "" for node in root.iterfind("sysinfo/system/entry[@name='serial']")), "")
    if seed or serial.startswith("ds=nocloud"):
        what = f"the disk {seed}" if seed else "the SMBIOS serial number"
        yield (
            f"{what} is a seed of cloud-init, so the guest may run the kernel for cloud images, which has fewer "
            f"drivers; to judge that one, name --guest {guest.id}:cloud"
        )


def _starts(firmware: str, order: tuple[Device, ...], disks: tuple[BootDisk, ...]) -> str:
    """Which device the firmware starts, in one sentence."""
    first = next((disk for disk in disks if disk.first), None)
    before = [one.label for one in order if first is None or one.id != first.device]
    if first is not None and order and order[0].id != first.device:
        before = [one.label for one in order[: [one.id for one in order].index(first.device)]]
    elif first is not None:
        before = []
    if first is None:
        if not before and any(disk.result == "boots" for disk in disks):
            return f"{firmware} tries the disks in an order of its own, which is not known"
        if not before:
            return f"{firmware} has no device to start"
        return f"{firmware} tries {listed(before)}; no hard disk has a boot index"
    verb = "cannot start" if first.result in _LOST | {"seen"} else "starts"
    if first.result == "unknown":
        verb = "is to start"
    after = f", if {listed(before, 'or')} does not start" if before else ""
    return f"{firmware} {verb} {first.label}{after}"
