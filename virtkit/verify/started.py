"""Start a QEMU command line paused, and compare the place and virtio interface of each PCI device with the reader's."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from virtkit.domain.address import PciAddress
from virtkit.domain.domain import Domain
from virtkit.errors import InputError, VerifyError
from virtkit.host import Host
from virtkit.host.probe import describe
from virtkit.host.qmp import Ask, QemuExited, converse
from virtkit.readers import readings
from virtkit.readers.contract import FoundDomain, ReaderOptions
from virtkit.readers.qemu_command_line.inputs import command_lines
from virtkit.releases import Release, dotted, libvirt_for
from virtkit.resolved import Resolved, resolve

__all__ = ["CommandLineOutcome", "Place", "command_line_of", "compare_command_line", "release_of"]

_DEVICE = re.compile(r"(\s*)dev: ([^,]+), id \"(.*)\"")
_BUS = re.compile(r"(\s*)bus: (\S+)")
_ADDR = re.compile(r"\s*addr = ([0-9a-f]+)\.([0-7])")
_ID = re.compile(r".*pci id ([0-9a-f]{4}):([0-9a-f]{4})")
_BAR = re.compile(r"\s*bar ([0-9]+): ")
_VIRTIO_VENDOR, _FIRST_MODERN, _MODERN_BAR = 0x1AF4, 0x1040, 4
#: Functions of a chipset that no element of domain XML stands for.
_CHIPSET = frozenset({"i440FX", "PIIX3", "PIIX4_PM", "mch", "ICH9-LPC", "ICH9-SMB", "gpex-root", "igbvf"})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One PCI device: the bus that it is on, slot, function, its id, and the virtio interface ("" for no virtio)."""

    bus: str
    slot: int
    function: int
    id: str
    interface: str

    def __str__(self) -> str:
        shown = f" ({self.interface})" if self.interface else ""
        return f"{self.bus} slot {self.slot:#04x} function {self.function}: {self.id or 'a device'}{shown}"


@dataclass(frozen=True, slots=True)
class CommandLineOutcome:
    """The result for one command line: ``missing`` are places that only QEMU has, ``extra`` those it has not.

    ``unstarted`` is QEMU's message when it does not start ("" otherwise), ``notes`` what the reader says.
    """

    devices: int
    missing: tuple[Place, ...]
    extra: tuple[Place, ...]
    notes: tuple[str, ...]
    unstarted: str = ""
    refused_device: bool = False

    @property
    def refusal_expected(self) -> bool:
        """Whether a note or a virtio device says that QEMU refuses the line."""
        return self.refused_device or any("so QEMU refuses" in note for note in self.notes)

    @property
    def agrees(self) -> bool:
        """Whether every device has the same place and interface."""
        return not self.missing and not self.extra


@cache
def release_of(binary: str, limit: float = 30.0) -> Release:
    """The release of a QEMU binary. Raises VerifyError."""
    return describe(binary, limit).release


def compare_command_line(text: str, binary: str, limit: float = 30.0) -> CommandLineOutcome:
    """Start the arguments of a command line with ``binary``, and compare.

    Devices that the reader leaves out with a note, because domain XML has no element for them, are not compared.
    Raises InputError or Refused when the reader or resolution refuses the line, VerifyError when QEMU cannot be asked.
    """
    release = release_of(binary, limit)
    found = next(iter(readings(text.encode(), "", ReaderOptions({"qemu": dotted(release)}))))
    if not isinstance(found, FoundDomain):
        raise VerifyError(f"the command line is not read as a domain: {found}")
    resolved = resolve(Domain(found.document), host=Host.default(libvirt_for(release), release))
    try:
        tree = _tree(shlex.split(text)[1:], binary, limit)
    except QemuExited as error:
        refused = any(one.shown is not None and one.shown.reason for one in resolved.virtio_devices)
        return CommandLineOutcome(0, (), (), found.notes, error.said, refused)
    seen = Counter(_seen(tree, frozenset(_left_out(resolved))))
    predicted = Counter(_predicted(resolved))
    missing, extra = seen - predicted, predicted - seen
    return CommandLineOutcome(
        seen.total(), tuple(sorted(missing.elements())), tuple(sorted(extra.elements())), found.notes
    )


def command_line_of(path: str) -> str:
    """The first QEMU command line of a file, quoted for a shell. Raises InputError when there is none."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path) from None
    found = command_lines(data.decode("utf-8", errors="replace"))
    if not found:
        raise InputError("no start of QEMU in it; expected qemu-system-ARCH with options", path)
    return shlex.join(word.text for word in found[0].words)


def _tree(arguments: Sequence[str], binary: str, limit: float) -> str:
    async def talk(ask: Ask) -> str:
        return str(await ask("human-monitor-command", {"command-line": "info qtree"}))

    silent = ["-display", "none", "-S", "-serial", "none", "-parallel", "none", "-monitor", "none"]
    return converse(binary, [*arguments, *silent], talk, limit)


def _left_out(resolved: Resolved) -> list[str]:
    """The drivers of devices that the reader hands on without an element."""
    return [note.text.partition(" adds the device ")[2].partition(":")[0] for note in resolved.domain.by_hand.notes]


def _seen(tree: str, left_out: frozenset[str]) -> list[Place]:
    """The PCI devices in what ``info qtree`` prints."""
    found: list[Place] = []
    buses: list[tuple[int, str]] = []
    driver = ident = place = ""
    ids: tuple[int, int] | None = None
    bars: set[int] = set()
    at: tuple[str, int, int] | None = None

    def finish() -> None:
        if at is not None and driver not in _CHIPSET and driver not in left_out:
            found.append(Place(*at, ident, _interface(ids, bars)))

    for text in tree.splitlines():
        if device := _DEVICE.match(text):
            finish()
            depth = len(device[1])
            buses = [one for one in buses if one[0] < depth]
            driver, ident, ids, bars, at = device[2], device[3], None, set(), None
            place = buses[-1][1] if buses else ""
        elif bus := _BUS.match(text):
            finish()
            at = None
            buses = [*(one for one in buses if one[0] < len(bus[1])), (len(bus[1]), bus[2])]
        elif (addr := _ADDR.match(text)) and driver:
            at = (place, int(addr[1], 16), int(addr[2]))
        elif pci := _ID.match(text):
            ids = int(pci[1], 16), int(pci[2], 16)
        elif bar := _BAR.match(text):
            bars.add(int(bar[1]))
    finish()
    return [one for one in found if one.bus != "pxb-internal"]


def _interface(ids: tuple[int, int] | None, bars: set[int]) -> str:
    if ids is None or ids[0] != _VIRTIO_VENDOR or not 0x1000 <= ids[1] < 0x1080:
        return ""
    if ids[1] >= _FIRST_MODERN:
        return "modern"
    return "transitional" if _MODERN_BAR in bars else "legacy"


def _predicted(resolved: Resolved) -> list[Place]:
    """The PCI devices of the domain that the reader made."""
    names = {}
    for controller in resolved.inventory.controllers:
        if controller.type == "pci":
            root = {"pci-root": "pci.0", "pcie-root": "pcie.0"}.get(controller.model or "", controller.id)
            names[controller.index] = controller.alias or root
    shown = {id(one.device): one.shown for one in resolved.virtio_devices}
    found = []
    for device in resolved.devices:
        address = device.address
        if not isinstance(address, PciAddress) or getattr(device, "mirror", False):
            continue
        seen = shown.get(id(device))
        interface = "" if seen is None or seen.interface is None else str(seen.interface)
        bus = names.get(address.bus, f"bus {address.bus}")
        found.append(Place(bus, address.slot, address.function, device.alias or "", interface))
    return found
