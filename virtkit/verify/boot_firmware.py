"""Boot random machines from tiny images, and compare which disk the firmware starts with the prediction."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from virtkit.boot.firmware_choice import firmware_of
from virtkit.boot.power_on import power_on
from virtkit.domain.devices import Disk
from virtkit.host import Host
from virtkit.resolved import Resolved
from virtkit.verify.boot_images import MARK, bios_image, efi_image, u_boot_image
from virtkit.verify.boot_machine import command, serial_of
from virtkit.verify.boot_random import random_machines

__all__ = ["COLUMNS", "Started", "evidence", "start", "starts"]

#: The columns of the table of evidence.
COLUMNS = ("domain", "machine", "firmware", "boot_disk", "predicted", "observed", "differs", "source")


@dataclass(frozen=True, slots=True)
class Started:
    """One boot: the disk that was to be started, whether it was predicted to start, and the disk that did start.

    ``observed`` is the target of that disk (vda), "" when none started.
    """

    resolved: Resolved
    firmware: str
    boot_disk: str
    predicted: bool
    observed: str

    @property
    def differs(self) -> bool:
        """Whether the prediction was wrong."""
        return self.predicted != (self.observed == self.boot_disk)


def starts(
    count: int, seed: int, root: Path, qemu: str, host: Host, limit: float, named: str = ""
) -> Iterator[Started]:
    """Boots ``count`` random machines one after the other, with the firmware ``named``. Raises VerifyError."""
    for resolved in random_machines(count, seed, "firmware", host):
        yield start(resolved, root, qemu, limit, named)


def start(
    resolved: Resolved, root: Path, qemu: str = "qemu-system-x86_64", limit: float = 120.0, named: str = ""
) -> Started:
    """Boots one domain (pc or q35, virtio-blk disks) with an image on each disk. Raises VerifyError.

    ``named`` ("U-Boot") replaces the firmware of the domain. A machine that starts nothing runs for a part of ``limit``
    seconds with SeaBIOS (a sixth) and U-Boot (a third), because they decide soon.
    """
    firmware, why = firmware_of(resolved, named)
    name = why if firmware is None else firmware.name
    power = power_on(resolved, firmware=named)
    image = efi_image if name == "OVMF" else u_boot_image if name.startswith("U-Boot") else bios_image
    boot = power.boot_disk
    targets = {one.id: one.target for one in resolved.devices if isinstance(one, Disk)}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        images = {}
        for ident, target in targets.items():
            images[ident] = folder / f"{ident}.img"
            images[ident].write_bytes(image(target))
        words = command(resolved, qemu, folder, root, images, named)
        said = serial_of(words, limit / {"OVMF": 1, "SeaBIOS": 6}.get(name, 3))
    observed = said.partition(MARK)[2].split()[:1]
    disk = "" if boot is None else targets[boot.device]
    return Started(resolved, name, disk, boot is not None and boot.result == "boots", observed[0] if observed else "")


def evidence(found: Iterable[Started], source: str) -> str:
    """The boots as a CSV table."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found:
        predicted = one.boot_disk if one.predicted else "another or none"
        differs = "yes" if one.differs else "no"
        row = (one.resolved.name, one.resolved.machine, one.firmware, one.boot_disk, predicted, one.observed or "none")
        writer.writerow((*row, differs, source))
    return out.getvalue()
