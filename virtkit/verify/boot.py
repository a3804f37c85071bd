"""Boot a real Linux guest with one half of its virtio driver, the other, or both, and record which devices it drives.

The guest is Debian's own kernel package with an initial RAM disk made here. A kernel with one half only is made by
changing the first instructions of the other half's probe function in its module, so that it returns "no such device".
An option such as ``virtio_pci.force_legacy=1`` is not enough, because the driver falls back to the other half.
"""

from __future__ import annotations

import csv
import gzip
import io
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from virtkit.errors import VerifyError
from virtkit.host.machine_types import machine_version

__all__ = [
    "COLUMNS",
    "GUESTS",
    "Kernel",
    "Seen",
    "archive",
    "boot",
    "devices",
    "evidence",
    "find_kernel",
    "half",
    "predicted",
]

#: The guests: which half of the driver each lacks (module, function that finds a device), None for none.
GUESTS: Mapping[str, tuple[str, str] | None] = MappingProxyType(
    {
        "legacy": ("virtio_pci_modern_dev", "vp_modern_probe"),
        "modern": ("virtio_pci_legacy_dev", "vp_legacy_probe"),
        "both": None,
    }
)
#: The columns of the table of evidence.
COLUMNS = ("machine", "location", "kind", "model", "guest", "device_id", "driven", "interface", "os", "source")

_MODULES = (
    "virtio_ring",
    "virtio",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "failover",
    "net_failover",
    "virtio_net",
    "virtio_blk",
    "virtio-rng",
)
_KINDS = ("net", "blk", "rng")
_MODELS = MappingProxyType(
    {"virtio": "", "virtio-transitional": "-transitional", "virtio-non-transitional": "-non-transitional"}
)
_SIGNED = b"~Module signature appended~\n"
_NO_SUCH_DEVICE = b"\xb8\xed\xff\xff\xff\xc3"  # mov $-ENODEV, %eax; ret

_INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
for module in {modules}; do /bin/busybox insmod /$module.ko; done
/bin/busybox sleep 1
for device in /sys/bus/pci/devices/*; do
  read vendor < $device/vendor
  [ "$vendor" = 0x1af4 ] || continue
  read id < $device/device
  path=$(/bin/busybox readlink -f $device)
  found=none status=- features=-
  for virtio in $device/virtio*; do
    [ -e $virtio/status ] || continue
    read status < $virtio/status
    read features < $virtio/features
    [ -e $virtio/driver ] && found=$(/bin/busybox basename $(/bin/busybox readlink -f $virtio/driver))
  done
  echo "SEEN ${{path#/sys/devices/}} $id $found $status $features"
done
echo "SEEN end"
/bin/busybox poweroff -f
"""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel image, its modules by name, and a static busybox; ``release`` as in uname -r."""

    release: str
    image: Path
    modules: Mapping[str, Path]
    busybox: Path


@dataclass(frozen=True, slots=True)
class Seen:
    """One device and how the guest used it.

    ``driven`` is true when a driver is bound and has set DRIVER_OK; ``interface`` is then the one it uses: legacy or
    modern (virtio 1.0 was negotiated), else "".
    """

    machine: str
    location: str
    kind: str
    model: str
    guest: str
    device_id: str
    driven: bool
    interface: str


def find_kernel(root: Path) -> Kernel:
    """The newest kernel below ``root`` ("/", or a folder into which packages were unpacked).

    It needs Debian's linux-image-*-amd64 and busybox-static. Raises VerifyError naming what is missing.
    """
    images = sorted((root / "boot").glob("vmlinuz-*"))
    if not images:
        raise VerifyError(f"{root}: no boot/vmlinuz-*: install or unpack Debian's linux-image-amd64")
    image = images[-1]
    release = image.name.removeprefix("vmlinuz-")
    modules = {}
    for name in _MODULES:
        found = sorted((root / "lib" / "modules" / release).rglob(f"{name}.ko"))
        if found:
            modules[name] = found[0]
        elif name.startswith("virtio"):
            raise VerifyError(f"{root}: kernel {release} has no module {name}.ko")
    shells = [root / "bin" / "busybox", root / "usr" / "bin" / "busybox"]
    busybox = next((shell for shell in shells if shell.is_file()), None)
    if busybox is None:
        raise VerifyError(f"{root}: no bin/busybox: install or unpack Debian's busybox-static")
    return Kernel(release, image, MappingProxyType(modules), busybox)


def half(module: bytes, function: str) -> bytes:
    """A kernel module (64-bit ELF) whose ``function`` returns -ENODEV at once.

    The call for tracing at its start stays; the signature is removed, because it would no longer match. Raises
    VerifyError for another format or a missing function.
    """
    if module[:6] != b"\x7fELF\x02\x01":
        raise VerifyError("expected a little-endian 64-bit ELF module, got another format (is it compressed?)")
    table, size, count = (*struct.unpack_from("<Q", module, 0x28), *struct.unpack_from("<HH", module, 0x3A))
    sections = [struct.unpack_from("<IIQQQQIIQQ", module, table + n * size) for n in range(count)]
    for section in sections:
        if section[1] != 2:  # the symbol table
            continue
        names = sections[section[6]]
        for at in range(section[4], section[4] + section[5], 24):
            name, _, _, index, value, length = struct.unpack_from("<IBBHQQ", module, at)
            start = names[4] + name
            if module[start : module.index(b"\0", start)] == function.encode():
                return _unsigned(_returning(module, sections, index, value, length))
    raise VerifyError(f"the module has no function {function}")


def _returning(module: bytes, sections: list[tuple[int, ...]], index: int, value: int, length: int) -> bytes:
    offset = sections[index][4] + value
    skip = 4 if module[offset : offset + 4] == b"\xf3\x0f\x1e\xfa" else 0
    if module[offset + skip] == 0xE8:  # the call for tracing, filled in when the module is loaded
        skip += 5
    begin, end = value + skip, value + skip + len(_NO_SUCH_DEVICE)
    if end > value + length:
        raise VerifyError("the function is too short to be changed")
    for section in sections:
        if section[1] == 4 and section[7] == index:  # relocations of the code
            for at in range(section[4], section[4] + section[5], 24):
                (place,) = struct.unpack_from("<Q", module, at)
                if begin - 3 <= place < end:
                    raise VerifyError("the loader fills in the start of the function; it cannot be changed")
    place = offset + skip
    return module[:place] + _NO_SUCH_DEVICE + module[place + len(_NO_SUCH_DEVICE) :]


def _unsigned(module: bytes) -> bytes:
    if not module.endswith(_SIGNED):
        return module
    body = module[: -len(_SIGNED)]
    (length,) = struct.unpack(">I", body[-4:])
    return body[: len(body) - 12 - length]


def archive(files: Mapping[str, tuple[int, bytes]]) -> bytes:
    """A gzipped newc cpio archive, as the kernel unpacks it."""
    out = io.BytesIO()
    for number, (name, (mode, data)) in enumerate([*files.items(), ("TRAILER!!!", (0, b""))], 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        out.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))
    return gzip.compress(out.getvalue(), 1, mtime=0)


def _ramdisk(kernel: Kernel, guest: str) -> bytes:
    lacks = GUESTS[guest]
    files: dict[str, tuple[int, bytes]] = dict.fromkeys(("bin", "proc", "sys", "dev"), (16877, b""))
    files["bin/busybox"] = (0o100755, kernel.busybox.read_bytes())
    for name, file in kernel.modules.items():
        data = file.read_bytes()
        files[f"{name}.ko"] = (0o100644, half(data, lacks[1]) if lacks and lacks[0] == name else data)
    files["init"] = (0o100755, _INIT.format(modules=" ".join(kernel.modules)).encode())
    return archive(files)


def devices(machine: str) -> Iterator[tuple[str, str, str, str, list[str]]]:
    """Every kind and model in every location of ``machine`` (a pc or q35 machine type), with QEMU's arguments.

    Yields (location, kind, model, path, arguments); ``path`` is the place in the guest's device tree: slots from the
    root bus down, such as "0b.0/00.0". Bridges come with the first device behind them. Raises VerifyError for another
    machine type.
    """
    family = machine_version(machine)[0]
    if family not in ("pc", "pc-i440fx", "q35", "pc-q35"):
        raise VerifyError(f"{machine}: only pc and q35 machine types can be booted here")
    q35 = family.endswith("q35")
    root = "pcie.0" if q35 else "pci.0"
    slot = 2
    yielded = [(kind, model) for kind in _KINDS for model in _MODELS]
    for kind, model in yielded:
        location = "pcie-root" if q35 else "conventional-root"
        yield location, kind, model, f"{slot:02x}.0", _arguments(kind, model, root, slot)
        slot += 1
    bridge = slot
    driver = "pcie-pci-bridge,id=bridge" if q35 else "pci-bridge,id=bridge,chassis_nr=1"
    first = ["-device", f"{driver},bus={root},addr=0x{bridge:x}"]
    for number, (kind, model) in enumerate(yielded, 1):
        path = f"{bridge:02x}.0/{number:02x}.0"
        yield "conventional-bridge", kind, model, path, first + _arguments(kind, model, "bridge", number)
        first = []
    if q35:
        for number, (kind, model) in enumerate(yielded, 1):
            port = bridge + number
            above = ["-device", f"pcie-root-port,id=port{number},chassis={number},bus=pcie.0,addr=0x{port:x}"]
            path = f"{port:02x}.0/00.0"
            yield "pcie-port", kind, model, path, above + _arguments(kind, model, f"port{number}", 0)


def _arguments(kind: str, model: str, bus: str, slot: int) -> list[str]:
    place = f"bus={bus},addr=0x{slot:x}"
    driver = f"virtio-{kind}-pci{_MODELS[model]}"
    if kind == "blk":
        node = f"{bus.replace('.', '')}s{slot}"
        disk = ["-blockdev", f"driver=null-co,node-name={node},size=1048576,read-zeroes=on"]
        return [*disk, "-device", f"{driver},drive={node},{place}"]
    if kind == "net":
        return ["-device", f"{driver},{place},romfile="]
    return ["-device", f"{driver},{place}"]


def boot(
    kernel: Kernel, machine: str, guest: str, qemu: str = "qemu-system-x86_64", limit: float = 240.0
) -> tuple[Seen, ...]:
    """Boot ``guest`` (a key of GUESTS) on ``machine`` with a device of each kind and model in each location.

    Works without KVM, in about ten seconds. Raises VerifyError when QEMU or the guest does not finish within ``limit``
    seconds.
    """
    layout = list(devices(machine))
    with tempfile.TemporaryDirectory() as folder:
        ramdisk = Path(folder) / "initrd"
        ramdisk.write_bytes(_ramdisk(kernel, guest))
        command = [
            *(qemu, "-machine", machine, "-accel", "tcg", "-m", "512", "-nodefaults", "-no-user-config"),
            *("-display", "none", "-serial", "stdio", "-no-reboot", "-kernel", str(kernel.image)),
            *("-initrd", str(ramdisk), "-append", "console=ttyS0 panic=-1 quiet"),
            *(word for *_, words in layout for word in words),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=limit, check=False, stdin=subprocess.DEVNULL)
        except FileNotFoundError:
            raise VerifyError(f"{qemu}: no such program") from None
        except subprocess.TimeoutExpired:
            raise VerifyError(f"{machine}: the guest did not finish within {limit:.0f} s") from None
    lines = [line.split() for line in done.stdout.decode("utf-8", "replace").splitlines() if "SEEN " in line]
    if ["SEEN", "end"] not in lines:
        said = (done.stderr + done.stdout).decode("utf-8", "replace").strip().splitlines()[-3:]
        raise VerifyError(f"{machine}: the guest did not start: {' | '.join(said)}")
    found = {_place(line[1]): line[2:] for line in lines if len(line) == 6}
    seen = []
    for location, kind, model, path, _ in layout:
        ident, driver, status, features = found.get(path, ["", "none", "-", "-"])
        driven = driver != "none" and status != "-" and int(status, 16) & 4 != 0
        modern = driven and features[32:33] == "1"
        interface = ("modern" if modern else "legacy") if driven else ""
        seen.append(Seen(machine, location, kind, model, guest, ident.removeprefix("0x"), driven, interface))
    return tuple(seen)


def _place(path: str) -> str:
    """pci0000:00/0000:00:0b.0/0000:01:00.0 as 0b.0/00.0: slots only, because the firmware chooses bus numbers."""
    return "/".join(part.rpartition(":")[2] for part in path.split("/")[1:])


def evidence(seen: Iterable[Seen], source: str) -> str:
    """The observations as a CSV table in the form of ``data/evidence/boot.csv``."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in seen:
        driven = "yes" if one.driven else "no"
        writer.writerow(
            (
                one.machine,
                one.location,
                one.kind,
                one.model,
                one.guest,
                one.device_id,
                driven,
                one.interface,
                "",
                source,
            )
        )
    return out.getvalue()


def predicted(seen: Seen, release: tuple[int, int]) -> tuple[bool, str]:
    """What the rules predict for a device and guest: whether the guest drives it, and through which interface.

    The device's side comes from the interface facts of QEMU ``release``, the guest's from the verdicts.
    """
    from virtkit.compat.verdict import judge
    from virtkit.guests import Support
    from virtkit.virtio.interface import Interface, shown

    support = Support(legacy=seen.guest != "modern", modern=seen.guest != "legacy")
    device = shown(release, "x86_64", seen.machine, seen.kind, seen.model, seen.location)
    if device.interface is None:
        return False, ""
    kind = "block" if seen.kind == "blk" else seen.kind
    if not judge(support, kind, device.interface).good:
        return False, ""
    modern = device.interface is not Interface.LEGACY and support.modern
    return True, "modern" if modern else "legacy"
