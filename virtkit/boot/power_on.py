"""From power-on to a login: what the firmware finds, which disk it starts, and the names in a Linux guest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from virtkit.boot.by_path import by_path
from virtkit.boot.domain_firmware import BootDisk, boot_disks, boot_order, firmware_of
from virtkit.boot.domain_names import Named, nic_names
from virtkit.display import Displayable
from virtkit.domain.devices import Disk
from virtkit.guests.flavours import flavours
from virtkit.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from virtkit.boot.naming import Scheme
    from virtkit.domain.devices import Device
    from virtkit.guests import Guest
    from virtkit.resolved import Resolved

__all__ = ["PowerOn", "power_on"]

#: Words in the file names of cloud-init seeds.
_SEEDS = ("cidata", "cloud-init", "cloudinit", "seed.iso", "seed.img")
#: Results with which nothing starts from a disk.
_LOST = frozenset({"not-found", "refused"})


@dataclass(frozen=True, slots=True, repr=False)
class PowerOn(Displayable):
    """What happens between power-on and a login.

    ``firmware`` is its name, "" when it is not known or does not matter; ``why`` then says so. ``starts`` says in one
    sentence which device the firmware starts. ``disks`` are its verdicts, ``paths`` the names of disks in
    /dev/disk/by-path (pairs of device id and name), ``names`` the names of NICs; both are of Linux guests only.
    ``notes`` are hints that change no verdict.
    """

    domain: str
    firmware: str
    why: str
    starts: str
    disks: tuple[BootDisk, ...]
    names: tuple[Named, ...]
    paths: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()

    @property
    def boot_disk(self) -> BootDisk | None:
        """The disk that the firmware starts, None when no disk has a boot index."""
        return next((disk for disk in self.disks if disk.first), None)

    @property
    def ok(self) -> bool:
        """Whether the firmware finds the disk that it is to start; unknown is not a failure."""
        disk = self.boot_disk
        return disk is None or disk.result not in _LOST

    @property
    def lost(self) -> tuple[BootDisk, ...]:
        """The disks that the firmware does not find."""
        return tuple(disk for disk in self.disks if disk.result in _LOST)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "paths": dict(self.paths), "ok": self.ok}

    def text(self) -> str:
        """Lines for a terminal, "" when there is nothing to say."""
        lines = [f"  boot: {self.starts}"] if self.starts else []
        for disk in self.lost:
            sign = "NO" if disk.first else "  "
            lines.append(f"  {sign} {disk.label} [{disk.device}]: {self.firmware} does not find it")
            lines.append(f"      {disk.reason}")
        hidden = [disk.label for disk in self.disks if disk.result == "hidden" and disk.order is None]
        if hidden:
            lines.append(
                f"  note: {counted(len(hidden), 'disk has', 'disks have')} no boot index, so a BIOS boot loader cannot "
                f"read {'it' if len(hidden) == 1 else 'them'} (libvirt passes -boot strict=on)"
            )
        for named in self.names:
            name = named.name
            mark = "collision: " if name.collides else ""
            booted = "" if named.booted or not name.name else ", not booted"
            lines.append(f"  name: {named.label} [{named.device}{booted}]: {name.name or 'unknown'}")
            lines.append(f"      {mark}{name.reason}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines) + "\n" if lines else ""

    def __repr__(self) -> str:
        return f"<PowerOn {self.domain!r}: {self.starts or self.why}>"


def power_on(
    resolved: Resolved, guest: Guest | None = None, *, firmware: str = "", scheme: Scheme | None = None
) -> PowerOn:
    """What the firmware of a resolved domain finds and starts, and the names in its Linux guest.

    ``firmware`` replaces the firmware of the domain ("OVMF", "U-Boot arm64 2023.01"), ``scheme`` the naming scheme of
    the guest OS. Raises UsageError for an unknown firmware.
    """
    found, why = firmware_of(resolved, firmware)
    disks = () if found is None else boot_disks(resolved, found)
    linux = guest is not None and guest.family == "linux"
    paths = tuple(
        (one.id, path)
        for one in resolved.devices
        if linux and isinstance(one, Disk) and one.device != "floppy" and (path := by_path(resolved, one))
    )
    title = "" if found is None else found.title
    starts = "" if found is None else _starts(title, boot_order(resolved), disks)
    names = nic_names(resolved, guest, scheme) if guest is not None or scheme is not None else ()
    notes = tuple(_cloud_image(resolved, guest))
    return PowerOn(resolved.name or "domain", title, why, starts, disks, names, paths, notes)


def _cloud_image(resolved: Resolved, guest: Guest | None) -> Iterator[str]:
    """A hint where the domain has a seed of cloud-init and the guest OS has a kernel for cloud images.

    Source: cloud-init documentation, NoCloud: a disk labelled cidata, or ds=nocloud in the SMBIOS serial number.
    """
    if guest is None or guest.flavour or f"{guest.id}:cloud-amd64" not in flavours():
        return
    root = resolved.context.root
    files = [node.get("file", "").rpartition("/")[2].lower() for node in root.iterfind("devices/disk/source")]
    seed = next((name for name in files if any(word in name for word in _SEEDS)), "")
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
        if not before:
            return f"{firmware} has no device to start"
        return f"{firmware} tries {listed(before)}; no hard disk has a boot index"
    verb = "cannot start" if first.result in _LOST else "starts"
    if first.result == "unknown":
        verb = "is to start"
    after = f", if {listed(before, 'or')} does not start" if before else ""
    return f"{firmware} {verb} {first.label}{after}"
