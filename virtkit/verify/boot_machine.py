"""The QEMU of a resolved domain that is booted: its command line, and what it writes to its serial port."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from virtkit.boot.firmware_choice import firmware_of
from virtkit.domain.devices import Device
from virtkit.errors import VerifyError
from virtkit.qemu_args import arguments
from virtkit.resolved import Resolved
from virtkit.verify.boot_images import EXIT_PORT

__all__ = ["command", "find_ovmf", "find_u_boot", "serial_of"]

#: Where Debian's package ovmf and others put the code and the variables of OVMF.
_OVMF = (
    ("usr/share/OVMF/OVMF_CODE.fd", "usr/share/OVMF/OVMF_VARS.fd"),
    ("usr/share/OVMF/OVMF_CODE_4M.fd", "usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("usr/share/edk2/x64/OVMF_CODE.4m.fd", "usr/share/edk2/x64/OVMF_VARS.4m.fd"),
)
#: Where Debian's package u-boot-qemu puts the U-Boot for a PC.
_U_BOOT = "usr/lib/u-boot/qemu-x86/u-boot.rom"


def find_ovmf(root: Path) -> tuple[Path, Path]:
    """The code and the variables of OVMF below ``root``. Raises VerifyError when there is none."""
    for code, variables in _OVMF:
        if (root / code).is_file() and (root / variables).is_file():
            return root / code, root / variables
    raise VerifyError(f"{root}: no usr/share/OVMF/OVMF_CODE.fd: install or unpack Debian's ovmf")


def find_u_boot(root: Path) -> Path:
    """The U-Boot for a PC below ``root``. Raises VerifyError when there is none."""
    found = root / _U_BOOT
    if not found.is_file():
        raise VerifyError(f"{root}: no {_U_BOOT}: install or unpack Debian's u-boot-qemu")
    return found


def command(
    resolved: Resolved, qemu: str, folder: Path, root: Path, disks: Mapping[str, Path], named: str = ""
) -> list[str]:
    """The command line of a domain of pc or q35 with virtio NICs and disks; ``disks`` are images by device id.

    NICs have no network and no option ROM. A domain with UEFI gets the OVMF below ``root`` and variables of its own in
    ``folder``, one with U-Boot that below ``root``. ``named`` replaces the firmware of the domain. Raises VerifyError.
    """
    words = [qemu, "-machine", resolved.machine, "-accel", "tcg", "-m", "512", "-nodefaults", "-no-user-config"]
    words += ["-display", "none", "-serial", "stdio", "-no-reboot", "-boot", "strict=on"]
    words += ["-device", f"isa-debug-exit,iobase=0x{EXIT_PORT:x},iosize=4"]
    if resolved.context.root.find("features/acpi") is None:
        words[2] += ",acpi=off"
    firmware, _ = firmware_of(resolved, named)
    if firmware is not None and firmware.name.startswith("U-Boot"):
        words += ["-bios", str(find_u_boot(root))]
    if firmware is not None and firmware.name == "OVMF":
        code, variables = find_ovmf(root)
        own = shutil.copy(variables, folder / "variables.fd")
        words += ["-drive", f"if=pflash,format=raw,readonly=on,file={code}"]
        words += ["-drive", f"if=pflash,format=raw,file={own}"]
    pci_root = next((one for one in resolved.inventory.controllers if one.model == "pci-root"), None)
    if pci_root is not None and pci_root.hotplug == "off":
        words += ["-global", "PIIX4_PM.acpi-root-pci-hotplug=off"]
    indices = {one.id: index for one in resolved.devices if (index := _acpi_index(one))}
    for options in arguments(resolved):
        more = {"acpi-index": indices[one]} if (one := options.get("id", "")) in indices else {}
        words += _device({**options, **more}, disks)
    return words


def _acpi_index(device: Device) -> int:
    acpi = None if device.element is None else device.element.find("acpi")
    return 0 if acpi is None else int(acpi.get("index", "0"))


def _device(options: dict[str, object], disks: Mapping[str, Path]) -> list[str]:
    ident = str(options.get("id", ""))
    driver = str(options["driver"])
    if driver.startswith("virtio-net"):
        back = ["-netdev", f"hubport,id=stub-{ident},hubid=0"]
        return [*back, "-device", json.dumps({**options, "netdev": f"stub-{ident}", "romfile": ""})]
    if driver.startswith("virtio-blk"):
        if ident in disks:
            node = f"driver=raw,node-name=node-{ident},file.driver=file,file.filename={disks[ident]}"
        else:
            node = f"driver=null-co,node-name=node-{ident},size=1048576,read-zeroes=on"
        return ["-blockdev", node, "-device", json.dumps({**options, "drive": f"node-{ident}"})]
    return ["-device", json.dumps(options)]


def serial_of(words: Sequence[str], limit: float, until: str = "") -> str:
    """What the machine writes to its serial port until it ends, or until ``limit`` seconds have passed.

    Raises VerifyError when QEMU does not start, and with ``until`` when that text does not appear in time.
    """
    try:
        done = subprocess.run(words, capture_output=True, timeout=limit, check=False, stdin=subprocess.DEVNULL)
        out, err = done.stdout, done.stderr
    except FileNotFoundError:
        raise VerifyError(f"{words[0]}: no such program") from None
    except subprocess.TimeoutExpired as expired:
        out, err = expired.stdout or b"", expired.stderr or b""
    text = out.decode("utf-8", "replace")
    said = err.decode("utf-8", "replace").strip()
    if said and not text:
        raise VerifyError(f"QEMU does not start: {said.splitlines()[-1]}")
    if until and until not in text:
        raise VerifyError(f"the guest did not finish within {limit:.0f} s: {' | '.join(text.splitlines()[-3:])}")
    return text
