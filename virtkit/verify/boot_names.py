"""Boot Debian's kernel with Debian's udev on random machines, and compare the names of NICs with the prediction.

The initial RAM disk holds the kernel's virtio modules, busybox and udevadm with its libraries. udevadm's test of the
builtin net_id gives the candidates for a naming scheme, and path_id the name of a disk.
"""

from __future__ import annotations

import csv
import io
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from virtkit.boot.by_path import by_path
from virtkit.boot.domain_names import nic_names
from virtkit.boot.naming import Scheme, parse_scheme
from virtkit.domain.devices import Disk
from virtkit.errors import VerifyError
from virtkit.guests import catalogue
from virtkit.host import Host
from virtkit.resolved import Resolved
from virtkit.verify.boot import Kernel, archive, find_kernel
from virtkit.verify.boot_machine import command, serial_of
from virtkit.verify.boot_random import random_machines

__all__ = ["COLUMNS", "SCHEMES", "NamesSeen", "Udev", "evidence", "find_udev", "look", "looks"]

#: The schemes that are evaluated: those between which names of virtual machines differ, as far as systemd 252 has them.
SCHEMES = ("v247", "v252")
#: The columns of the table of evidence.
COLUMNS = ("domain", "machine", "firmware", "device", "scheme", "onboard", "slot", "path", "differs", "source")

_LINE = re.compile(r"^.*?((?:NAME|DISK) )")

_INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mkdir -p /run/udev
for module in {modules}; do /bin/busybox insmod /$module.ko; done
/bin/busybox sleep 1
for nic in /sys/class/net/*; do
  [ -e $nic/device ] || continue
  read mac < $nic/address
  for scheme in {schemes}; do
    NET_NAMING_SCHEME=$scheme /bin/udevadm test-builtin net_id $nic 2>/dev/null > /out
    onboard=- slot=- path=-
    while IFS== read key value; do
      case $key in
        ID_NET_NAME_ONBOARD) onboard=$value;;
        ID_NET_NAME_SLOT) slot=$value;;
        ID_NET_NAME_PATH) path=$value;;
      esac
    done < /out
    echo "NAME $mac $scheme $onboard $slot $path"
  done
done
for disk in /sys/block/vd* /sys/block/sd*; do
  [ -e $disk/device ] || continue
  serial=-
  [ -e $disk/serial ] && read serial < $disk/serial
  path=$(/bin/udevadm test-builtin path_id $disk 2>/dev/null | /bin/busybox sed -n 's/^ID_PATH=//p')
  echo "DISK $serial $path"
done
echo "NAME end"
/bin/busybox poweroff -f
"""


@dataclass(frozen=True, slots=True)
class Udev:
    """udevadm with the libraries that it needs, by their names in the RAM disk."""

    files: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class NamesSeen:
    """The candidates of one NIC under one scheme: predicted and observed as (onboard, slot, path), "" for none."""

    resolved: Resolved
    device: str
    scheme: str
    predicted: tuple[str, str, str]
    observed: tuple[str, str, str]

    @property
    def differs(self) -> bool:
        """Whether the prediction was wrong."""
        return self.predicted != self.observed


def find_udev(root: Path) -> Udev:
    """udevadm below ``root`` with its libraries, from there or from this system.

    Raises VerifyError naming what is missing: Debian's packages udev and libkmod2.
    """
    program = root / "bin" / "udevadm"
    if not program.is_file():
        raise VerifyError(f"{root}: no bin/udevadm: install or unpack Debian's udev")
    folders = f"{root}/lib/x86_64-linux-gnu:{root}/usr/lib/x86_64-linux-gnu:{root}/lib/systemd:{root}/usr/lib/systemd"
    environment = {"LD_LIBRARY_PATH": folders, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False, env=environment)
    files = {"bin/udevadm": program}
    for line in done.stdout.splitlines():
        words = line.split()
        if "not found" in line:
            raise VerifyError(f"{program} needs {words[0]}, which is neither below {root} nor on this system")
        path = words[2] if "=>" in words else words[0]
        if path.startswith("/"):
            name = path.lstrip("/") if words[0].startswith("/lib") else f"lib/x86_64-linux-gnu/{words[0]}"
            files[name] = Path(path)
    return Udev(files)


def looks(
    count: int, seed: int, root: Path, qemu: str, host: Host, limit: float
) -> Iterator[tuple[Resolved, tuple[NamesSeen, ...]]]:
    """Boots ``count`` random machines, each with the names that its guest sees. Raises VerifyError."""
    kernel, udev = find_kernel(root), find_udev(root)
    for resolved in random_machines(count, seed, "names", host):
        yield resolved, look(resolved, kernel, udev, root, qemu, limit)


def look(
    resolved: Resolved,
    kernel: Kernel,
    udev: Udev,
    root: Path,
    qemu: str = "qemu-system-x86_64",
    limit: float = 240.0,
    schemes: Sequence[str] = SCHEMES,
) -> tuple[NamesSeen, ...]:
    """Boots one domain (pc or q35, virtio NICs) and compares the candidates of every NIC under every scheme.

    Disks are compared by their path under the scheme "path_id". Raises VerifyError.
    """
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "initrd").write_bytes(_ramdisk(kernel, udev, schemes))
        words = command(resolved, qemu, folder, root, {})
        words += ["-kernel", str(kernel.image), "-initrd", str(folder / "initrd")]
        words += ["-append", "console=ttyS0 panic=-1 quiet"]
        said = serial_of(words, limit, "NAME end")
    seen: dict[tuple[str, str], tuple[str, str, str]] = {}
    paths: list[str] = []
    for line in said.splitlines():
        # The first line may follow control sequences of the firmware.
        parts = _LINE.sub(r"\1", line.replace("\r", "")).split()
        if len(parts) == 6 and parts[0] == "NAME":
            onboard, slot, path = ("" if one == "-" else one for one in parts[3:])
            seen[parts[1], parts[2]] = (onboard, slot, path)
        elif len(parts) == 3 and parts[0] == "DISK":
            paths.append(parts[2])
    found = [one for name in schemes for one in _compared(resolved, parse_scheme(name), seen)]
    return (*found, *_disks(resolved, paths))


def _compared(
    resolved: Resolved, scheme: Scheme, seen: Mapping[tuple[str, str], tuple[str, str, str]]
) -> Iterator[NamesSeen]:
    for one in nic_names(resolved, catalogue().find("debian12"), scheme):
        predicted = one.name.onboard, one.name.slot, one.name.path
        yield NamesSeen(resolved, one.device, scheme.name, predicted, seen.get((one.mac, scheme.name), ("", "", "")))


def _disks(resolved: Resolved, paths: list[str]) -> Iterator[NamesSeen]:
    """The paths of virtio disks, which the guest lists in the order of its own names."""
    expected = {path: one.id for one in resolved.devices if isinstance(one, Disk) and (path := by_path(resolved, one))}
    for path, ident in expected.items():
        yield NamesSeen(resolved, ident, "path_id", ("", "", path), ("", "", path if path in paths else ""))


def _ramdisk(kernel: Kernel, udev: Udev, schemes: Sequence[str]) -> bytes:
    folders = ("bin", "proc", "sys", "dev", "run", "lib", "lib64", "lib/x86_64-linux-gnu")
    files: dict[str, tuple[int, bytes]] = dict.fromkeys(folders, (16877, b""))
    files["bin/busybox"] = (0o100755, kernel.busybox.read_bytes())
    for name, file in {**kernel.modules}.items():
        files[f"{name}.ko"] = (0o100644, file.read_bytes())
    for name, file in udev.files.items():
        files[name] = (0o100755, file.read_bytes())
    text = _INIT.format(modules=" ".join(kernel.modules), schemes=" ".join(schemes))
    files["init"] = (0o100755, text.encode())
    return archive(files)


def evidence(found: Iterable[NamesSeen], source: str) -> str:
    """The observed candidates as a CSV table."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found:
        firmware = "OVMF" if one.resolved.topology.firmware == "efi" else "SeaBIOS"
        head = (one.resolved.name, one.resolved.machine, firmware, one.device, one.scheme)
        writer.writerow((*head, *one.observed, "yes" if one.differs else "no", source))
    return out.getvalue()
