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

#: The columns of the table of evidence: those of data/evidence/hotplug.csv, and whether the prediction differs.
COLUMNS = (
    "machine", "firmware", "mode", "options", "setup", "place", "beside", "device", "shows", "accepted", "seen",
    "bound", "driver", "interface", "ports", "memory", "unassigned", "removed", "removal", "listed", "os", "source",
    "differs",
)  # fmt: skip
_PORT_IO, _MEMORY = 0x100, 0x200  # flags of a BAR in sysfs

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
      path=/sys/bus/pci/devices/$one
      if [ -e $path/driver ]; then
        bound="$bound$one "
        own=$(/bin/busybox basename $(/bin/busybox readlink $path/driver)) kind= version=
        for below in $path/virtio*; do
          [ -e $below/driver ] && kind=$(/bin/busybox basename $(/bin/busybox readlink $below/driver))
          [ -e $below/features ] && version=$(/bin/busybox cut -c33 $below/features)
        done
        bars=$(/bin/busybox head -n 6 $path/resource | /bin/busybox tr ' \n' ',;')
        echo "PLUG bound $one $own|$kind|$version|$bars|end"
      fi;; esac
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
    """A device to plug into a machine: the machine with its options, the place, and the arguments of the buses.

    ``sees`` says whether the guest is predicted to see the device, ``mode`` what notifies the guest, and ``shows``
    which interface the device has.
    """

    machine: str
    place: str
    setup: tuple[str, ...]
    device: str
    bus: str
    slot: int
    sees: bool
    mode: str
    shows: str
    options: tuple[str, ...] = ()


_PORT = "pcie-root-port,id=below,bus=pcie.0,addr=6,chassis=1"
_BRIDGE = ("pcie-root-port,id=above,bus=pcie.0,addr=5,chassis=2", "pcie-pci-bridge,id=bridge,bus=above")
_OFF = ("-global", "PIIX4_PM.acpi-pci-hotplug-with-bridge-support=off")
_PCI_BRIDGE = ("pci-bridge,id=bridge,chassis_nr=1,addr=5",)
_BELOW = "pcie-to-pci-bridge below a root port"
_BLK = "virtio-blk-pci"
#: The plugs, with what the rules of hotplug/verdict.py and boot/hotplug-modes.csv predict.
PLUGS: tuple[Plug, ...] = (
    Plug("q35", "root-port", (_PORT,), _BLK, "below", 0, True, "acpi", "modern"),
    Plug("q35", _BELOW, _BRIDGE, f"{_BLK}-transitional", "bridge", 3, True, "acpi", "transitional"),
    Plug("pc-q35-6.0", "root-port", (_PORT,), _BLK, "below", 0, True, "native", "modern"),
    Plug("pc-q35-6.0", _BELOW, _BRIDGE, f"{_BLK}-transitional", "bridge", 3, True, "native", "transitional"),
    Plug("pc", "pci-root", (), _BLK, "pci.0", 8, True, "acpi", "transitional"),
    Plug("pc", "pci-bridge", _PCI_BRIDGE, _BLK, "bridge", 3, True, "acpi", "transitional"),
    Plug("pc", "pci-bridge", _PCI_BRIDGE, _BLK, "bridge", 3, False, "none", "transitional", _OFF),
)


@dataclass(frozen=True, slots=True)
class Plugged:
    """What the guest did: after how many seconds it saw the device, bound its driver, and let it go again.

    A time is None when the guest did not do it. ``driver`` names the drivers, ``interface`` is legacy or modern, and
    ``ports`` and ``memory`` are the BARs; all of them are "" for a device that was not bound.
    """

    plug: Plug
    seen: float | None
    bound: float | None
    removed: float | None
    driver: str = ""
    interface: str = ""
    ports: str = ""
    memory: str = ""

    @property
    def differs(self) -> bool:
        """Whether the prediction was wrong."""
        return (self.bound is not None) != self.plug.sees


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
        known = self.serial.read_text(encoding="utf-8", errors="replace").count("PLUG bound")
        start = time.monotonic()
        seen = self._after(start, "PLUG seen", wait)
        bound = None if seen is None else self._after(start, "PLUG bound", wait, known + 1)
        start = time.monotonic()
        _ask(stream, "device_del", {"id": "plugged"})
        removed = None if seen is None else self._after(start, "PLUG gone", wait)
        return Plugged(self.plug, seen, bound, removed, *(() if bound is None else self._details()))

    def _after(self, start: float, text: str, limit: float, times: int = 1) -> float | None:
        """The seconds from ``start`` until the guest has written a text so many times, None for never."""
        return time.monotonic() - start if self._said(text, limit, times=times) else None

    def _details(self) -> tuple[str, str, str, str]:
        """The drivers, the interface and the BARs of the device that the guest bound last."""
        said = self.serial.read_text(encoding="utf-8", errors="replace").rpartition("PLUG bound ")[2]
        own, kind, version, bars = said.partition(" ")[2].partition("|end")[0].split("|")
        found: dict[int, list[str]] = {_PORT_IO: [], _MEMORY: []}
        for bar in bars.split(";"):
            if bar.strip(", "):
                start, end, flags = (int(one, 16) for one in bar.split(",")[:3])
                for flag, ranges in found.items():
                    if flags & flag:
                        ranges.append(f"0x{start:x}+0x{end - start + 1:x}")
        ports, memory = (" ".join(ranges) or "none" for ranges in found.values())
        return f"{own} {kind}".strip(), {"1": "modern", "0": "legacy"}.get(version, ""), ports, memory

    def _said(
        self, text: str, limit: float, process: subprocess.Popen[bytes] | None = None, times: int = 1
    ) -> bool:
        """Whether the guest writes a text so many times in time; not waited for when the process has ended."""
        end = time.monotonic() + limit
        while time.monotonic() < end and (process is None or process.poll() is None):
            written = self.serial.read_text(encoding="utf-8", errors="replace")
            # A line counts when it is complete.
            if written[: written.rfind("\n") + 1].count(text) >= times:
                return True
            time.sleep(0.05)
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
    raise VerifyError("QEMU ended before it answered")


def evidence(found: Iterable[Plugged], source: str) -> str:
    """What guests did, as a CSV table in the form of data/evidence/hotplug.csv."""
    words = {True: "yes", False: "no"}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found:
        plug = one.plug
        machine = "q35" if "q35" in plug.machine else "pc"
        beside = "" if plug.place == "pci-root" else "nothing"
        where = (machine, "SeaBIOS", plug.mode, "", "", plug.place, beside, "virtio-blk", plug.shows, "yes")
        did = (_seconds(one.seen), _seconds(one.bound), one.driver, one.interface, one.ports, one.memory, "")
        removed = "" if one.seen is None else words[one.removed is not None]
        removal = "" if one.seen is None else _seconds(one.removed)
        writer.writerow((*where, *did, removed, removal, "", "", source, words[one.differs]))
    return out.getvalue()


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"
