"""Plug virtio disks into a booted Debian kernel, and compare whether it sees and drives them with the prediction."""

from __future__ import annotations

import csv
import io
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from virtkit.errors import VerifyError
from virtkit.verify.boot import Kernel, archive

__all__ = ["COLUMNS", "PLUGS", "Plug", "Plugged", "evidence", "plug"]

#: The columns of the table of evidence.
COLUMNS = ("machine", "place", "device", "predicted", "seen", "bound", "removed", "differs", "source")

_INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
for module in {modules}; do /bin/busybox insmod /$module.ko; done
/bin/busybox sleep 1
known=" $(cd /sys/bus/pci/devices; echo *) "
bound=" "
echo "PLUG ready"
while :; do
  now=" $(cd /sys/bus/pci/devices; echo *) "
  for one in $now; do
    case "$known" in *" $one "*) ;; *) echo "PLUG seen $one";; esac
    case "$bound" in *" $one "*) ;; *)
      [ -e /sys/bus/pci/devices/$one/driver ] && bound="$bound$one " && echo "PLUG bound $one";; esac
  done
  for one in $known; do
    case "$now" in *" $one "*) ;; *) echo "PLUG gone $one";; esac
  done
  known="$now"
  /bin/busybox usleep 100000
done
"""


@dataclass(frozen=True, slots=True)
class Plug:
    """A device to plug into a machine: the machine with its options, the place, the arguments of the buses and of the
    device, and whether the guest is predicted to see it."""

    machine: str
    place: str
    setup: tuple[str, ...]
    device: str
    bus: str
    slot: int
    sees: bool
    options: tuple[str, ...] = ()


_PORT = "pcie-root-port,id=below,bus=pcie.0,addr=6,chassis=1"
_BRIDGE = ("pcie-root-port,id=above,bus=pcie.0,addr=5,chassis=2", "pcie-pci-bridge,id=bridge,bus=above")
_OFF = ("-global", "PIIX4_PM.acpi-pci-hotplug-with-bridge-support=off")
#: The plugs, with what the rules of hotplug/verdict.py and boot/hotplug-modes.csv predict.
PLUGS: tuple[Plug, ...] = (
    Plug("q35", "pcie-root-port", (_PORT,), "virtio-blk-pci", "below", 0, True),
    Plug("q35", "pcie-to-pci-bridge", _BRIDGE, "virtio-blk-pci-transitional", "bridge", 3, True),
    Plug("pc-q35-6.0", "pcie-root-port", (_PORT,), "virtio-blk-pci", "below", 0, True),
    Plug("pc-q35-6.0", "pcie-to-pci-bridge", _BRIDGE, "virtio-blk-pci-transitional", "bridge", 3, True),
    Plug("pc", "pci-root", (), "virtio-blk-pci", "pci.0", 8, True),
    Plug("pc", "pci-bridge", ("pci-bridge,id=bridge,chassis_nr=1,addr=5",), "virtio-blk-pci", "bridge", 3, True),
    Plug("pc", "pci-bridge", ("pci-bridge,id=bridge,chassis_nr=1,addr=5",), "virtio-blk-pci", "bridge", 3, False, _OFF),
)


@dataclass(frozen=True, slots=True)
class Plugged:
    """What the guest did: whether it saw the device, bound its driver, and let it go again."""

    plug: Plug
    seen: bool
    bound: bool
    removed: bool

    @property
    def differs(self) -> bool:
        """Whether the prediction was wrong."""
        return (self.seen and self.bound) != self.plug.sees


def plug(
    kernel: Kernel, plugs: Sequence[Plug] = PLUGS, qemu: str = "qemu-system-x86_64", limit: float = 240.0
) -> Iterator[Plugged]:
    """Boots a guest for each plug, plugs the device in, waits for the guest and unplugs it. Raises VerifyError."""
    for one in plugs:
        with tempfile.TemporaryDirectory() as text:
            yield _Machine(kernel, one, qemu, Path(text), limit).run()


class _Machine:
    """One QEMU with its serial port in a file and a QMP socket."""

    def __init__(self, kernel: Kernel, plug: Plug, qemu: str, folder: Path, limit: float) -> None:
        self.plug, self.limit = plug, limit
        self.serial, self.socket = folder / "serial", folder / "qmp"
        self.serial.touch()
        files: dict[str, tuple[int, bytes]] = dict.fromkeys(("bin", "proc", "sys", "dev"), (16877, b""))
        files["bin/busybox"] = (0o100755, kernel.busybox.read_bytes())
        files |= {f"{name}.ko": (0o100644, file.read_bytes()) for name, file in kernel.modules.items()}
        files["init"] = (0o100755, _INIT.format(modules=" ".join(kernel.modules)).encode())
        (folder / "initrd").write_bytes(archive(files))
        self.words = [qemu, "-machine", plug.machine, "-accel", "tcg", "-m", "512", "-nodefaults", "-no-user-config"]
        self.words += ["-display", "none", "-serial", f"file:{self.serial}", "-no-reboot", *plug.options]
        self.words += ["-qmp", f"unix:{self.socket},server=on,wait=off"]
        self.words += ["-blockdev", "driver=null-co,node-name=disk,size=1048576,read-zeroes=on"]
        self.words += [word for text in plug.setup for word in ("-device", text)]
        self.words += ["-kernel", str(kernel.image), "-initrd", str(folder / "initrd")]
        self.words += ["-append", "console=ttyS0 panic=-1 quiet"]

    def run(self) -> Plugged:
        """Boots, plugs in and out. Raises VerifyError."""
        try:
            process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        except FileNotFoundError:
            raise VerifyError(f"{self.words[0]}: no such program") from None
        try:
            if not self._said("PLUG ready", self.limit, process):
                if process.poll() is not None and process.stderr is not None:
                    said = process.stderr.read().decode("utf-8", "replace").strip()
                    raise VerifyError(f"{self.plug.machine}: QEMU does not start: {said}")
                raise VerifyError(f"{self.plug.machine}: the guest did not start within {self.limit:.0f} s")
            with socket.socket(socket.AF_UNIX) as monitor:
                monitor.connect(str(self.socket))
                return self._plugged(monitor)
        finally:
            process.kill()
            process.wait()

    def _plugged(self, monitor: socket.socket) -> Plugged:
        stream = monitor.makefile("rw")
        stream.readline()
        _ask(stream, "qmp_capabilities", {})
        place = {"bus": self.plug.bus, "addr": f"0x{self.plug.slot:x}"}
        error = _ask(stream, "device_add", {"driver": self.plug.device, "id": "plugged", "drive": "disk", **place})
        if error:
            raise VerifyError(f"{self.plug.machine} {self.plug.place}: QEMU refuses the device: {error}")
        wait = self.limit / 8
        seen = self._said("PLUG seen", wait)
        bound = seen and self._said("PLUG bound", wait)
        _ask(stream, "device_del", {"id": "plugged"})
        return Plugged(self.plug, seen, bound, self._said("PLUG gone", wait) if seen else False)

    def _said(self, text: str, limit: float, process: subprocess.Popen[bytes] | None = None) -> bool:
        """Whether the guest writes a text in time; not waited for when the process has ended."""
        end = time.monotonic() + limit
        while time.monotonic() < end and (process is None or process.poll() is None):
            if text in self.serial.read_text(encoding="utf-8", errors="replace"):
                return True
            time.sleep(0.2)
        return False


def _ask(stream: io.TextIOWrapper, command: str, arguments: dict[str, str]) -> str:
    """One QMP command; returns the text of its error, "" for none."""
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    while line := stream.readline():
        answer = json.loads(line)
        if "return" in answer:
            return ""
        if "error" in answer:
            return str(answer["error"]["desc"])
    raise VerifyError("QEMU ended while it was asked")


def evidence(found: Iterable[Plugged], source: str) -> str:
    """What guests did, as a CSV table."""
    words = {True: "yes", False: "no"}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found:
        row = (one.plug.sees, one.seen, one.bound, one.removed, one.differs)
        writer.writerow((one.plug.machine, one.plug.place, one.plug.device, *(words[value] for value in row), source))
    return out.getvalue()
