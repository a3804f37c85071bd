"""Every class of device, declared once: how it is read, ordered, written, addressed and named.

A class is a field of ``Inventory``. The fields stand in libvirt's general device order; every other order is a number
in the declaration. The rooms that read, write, place and name devices take all of this from here, so a class that is
declared is complete; ``FactsError`` on import says what a declaration lacks.
Source: observed, libvirt 9.0 and 12.8 (random domains defined and read back, ``virsh domxml-to-native``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from itertools import chain
from operator import attrgetter
from typing import Any

from virtkit.domain.devices import (
    VIRTIO,
    Chardev,
    Controller,
    Device,
    Disk,
    Filesystem,
    Hostdev,
    Input,
    Memory,
    Nic,
    Video,
)
from virtkit.errors import FactsError

__all__ = [
    "DEVICE_CLASSES",
    "NO_MODEL",
    "OPTIONAL_MODEL",
    "REQUIRED_MODEL",
    "DeviceClass",
    "Inventory",
    "ModelAttribute",
    "OffPci",
    "SpaprTurn",
    "Turn",
    "UsbTurn",
    "class_of",
    "turns",
]

Selects = Callable[[Any], bool] | None
"""Which devices of a class are meant; None means all of them."""


@dataclass(frozen=True, slots=True)
class ModelAttribute:
    """How a simple device is read: the attribute that names its model, "" for none, and whether it must be there."""

    name: str
    required: bool = False


REQUIRED_MODEL = ModelAttribute("model", required=True)
OPTIONAL_MODEL = ModelAttribute("model")
NO_MODEL = ModelAttribute("")


@dataclass(frozen=True, slots=True)
class Turn:
    """When devices of a class get their addresses: the number in the order, and which of them."""

    order: int
    selects: Selects = None


@dataclass(frozen=True, slots=True)
class UsbTurn:
    """The same for usb ports. ``older`` is the number in releases without ``usb-device-order``, None for none."""

    order: int
    older: int | None
    selects: Selects = None


@dataclass(frozen=True, slots=True)
class SpaprTurn:
    """Which devices get a virtual I/O register, and the first one; ``pseries_only`` where the machine decides, too."""

    register: int
    selects: Selects = None
    pseries_only: bool = False


@dataclass(frozen=True, slots=True)
class OffPci:
    """Which devices use a transport other than PCI, and the behaviour ("" for none) that a release must have."""

    selects: Selects = None
    behaviour: str = ""


@dataclass(frozen=True, slots=True)
class DeviceClass:
    """One class of device. ``name`` is its list in an Inventory, ``element`` its name in domain XML.

    - ``reads``: how a simple device is read; None when ``virtkit.domain.reader`` has a function for the class.
    - ``written``: the number in the order in which libvirt writes devices; None when nothing is written.
    - ``id_prefix``: the name on QEMU's command line before the count; None when ``virtkit.resolution.ids`` has a rule.
    - ``pci``, ``usb``, ``spapr``, ``ccw``, ``mmio``: who gets an address of that form, and when.
    - ``other_forms``: address forms that come from another device, a name or a count.
    - ``virtio``: the variant under which ``data/virtio/kinds.csv`` lists a device, None for one that is not virtio.
    - ``qemu``: the number in the order of ``-device`` arguments; every class with virtio devices has one.
    """

    element: str
    _: KW_ONLY
    reads: ModelAttribute | None
    written: int | None
    id_prefix: str | None
    pci: tuple[Turn, ...] = ()
    usb: tuple[UsbTurn, ...] = ()
    spapr: SpaprTurn | None = None
    ccw: OffPci | None = None
    mmio: OffPci | None = None
    other_forms: tuple[str, ...] = ()
    virtio: Callable[[Any], str | None] | None = None
    qemu: int | None = None
    addressable: bool = True
    name: str = ""

    @property
    def forms(self) -> frozenset[str]:
        """The address forms that resolution may give a device of the class."""
        named = {"pci": self.pci, "usb": self.usb, "spapr-vio": self.spapr, "ccw": self.ccw, "virtio-mmio": self.mmio}
        return frozenset({*(form for form, taken in named.items() if taken), *self.other_forms})


_CLASS = "class"
"""The key of a field's metadata under which the class of its devices stands."""


def _virtio_disk(disk: Disk) -> bool:
    return disk.bus == "virtio"


def _virtio_model(device: Device) -> bool:
    return device.model in VIRTIO


def _plain_virtio(device: Device) -> bool:
    return device.model == "virtio"


def _virtio_controller(controller: Controller) -> bool:
    return controller.type in ("scsi", "virtio-serial")


def _virtio_input(device: Input) -> bool:
    return device.bus == "virtio"


def _virtio_memory(memory: Memory) -> bool:
    return memory.model in ("virtio-mem", "virtio-pmem")


def _handed_nic(nic: Nic) -> bool:
    return nic.type == "hostdev"


def _disk_variant(disk: Disk) -> str | None:
    if disk.bus != "virtio":
        return None
    return "vhostuser" if disk.type == "vhostuser" else "virtio"


def _controller_variant(controller: Controller) -> str | None:
    if controller.type == "scsi" and not (controller.model == "virtio-scsi" or controller.model in VIRTIO):
        return None
    return controller.type


def always(device: Device) -> str:
    """The variant of a class whose devices are all virtio."""
    return "virtio"


def _by_model(device: Device) -> str | None:
    return "virtio" if device.model in VIRTIO else None


@dataclass(slots=True, eq=False, repr=False)
class Inventory:
    """All devices of one domain by class, each list in libvirt's order.

    A NIC of type hostdev is among the NICs only.
    """

    disks: list[Disk] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "disk", reads=None, written=10, id_prefix=None,
        pci=(Turn(60, _virtio_disk),), usb=(UsbTurn(10, 30, lambda disk: disk.bus == "usb"),),
        ccw=OffPci(_virtio_disk), mmio=OffPci(_virtio_disk), other_forms=("drive",), virtio=_disk_variant, qemu=40,
    )})  # fmt: skip
    nics: list[Nic] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "interface", reads=None, written=40, id_prefix=None,
        pci=(Turn(30, lambda nic: not _handed_nic(nic)), Turn(70, _handed_nic)),
        usb=(
            UsbTurn(20, None, lambda nic: not _handed_nic(nic) and nic.model == "usb-net"),
            UsbTurn(40, 10, lambda nic: _handed_nic(nic) and nic.source == "usb"),
        ),
        spapr=SpaprTurn(0x1000, lambda nic: nic.model == "spapr-vlan"),
        ccw=OffPci(_virtio_model), mmio=OffPci(_virtio_model),
        virtio=lambda nic: None if _handed_nic(nic) else _by_model(nic), qemu=60,
    )})  # fmt: skip
    sounds: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "sound", reads=REQUIRED_MODEL, written=120, id_prefix="sound",
        pci=(Turn(40),), usb=(UsbTurn(30, 70, lambda sound: sound.model == "usb"),),
        ccw=OffPci(_plain_virtio, "virtio-mmio-all"), mmio=OffPci(_plain_virtio, "virtio-mmio-all"),
        virtio=_by_model, qemu=90,
    )})  # fmt: skip
    hostdevs: list[Hostdev] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "hostdev", reads=None, written=140, id_prefix=None,
        pci=(Turn(80),), usb=(UsbTurn(50, 20, lambda one: one.type == "usb" and one.mode == "subsystem"),),
        ccw=OffPci(lambda one: one.type == "scsi_host" or (one.type == "mdev" and one.model == "vfio-ccw")),
        mmio=OffPci(lambda one: one.type == "scsi_host"), other_forms=("drive",),
        virtio=lambda one: "scsi_host" if one.type == "scsi_host" else None, qemu=100,
    )})  # fmt: skip
    videos: list[Video] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "video", reads=None, written=130, id_prefix="video",
        pci=(Turn(120),), ccw=OffPci(_plain_virtio), mmio=OffPci(_plain_virtio),
        # The QEMU form (with VGA, with OpenGL) makes the variant; virtkit.virtio.devices knows it.
        virtio=_by_model, qemu=80,
    )})  # fmt: skip
    controllers: list[Controller] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "controller", reads=None, written=20, id_prefix=None,
        pci=(Turn(10, lambda one: one.type == "pci"), Turn(50, lambda one: one.type != "pci")),
        usb=(UsbTurn(60, 40, lambda one: one.type == "ccid"),),
        spapr=SpaprTurn(0x2000, lambda one: one.type == "scsi" and one.model == "ibmvscsi"),
        ccw=OffPci(_virtio_controller), mmio=OffPci(_virtio_controller), virtio=_controller_variant, qemu=10,
    )})  # fmt: skip
    smartcards: list[Chardev] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "smartcard", reads=None, written=50, id_prefix="smartcard", other_forms=("ccid",),
    )})  # fmt: skip
    serials: list[Chardev] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "serial", reads=None, written=60, id_prefix="serial",
        pci=(Turn(150),), usb=(UsbTurn(70, 60, lambda serial: serial.target == "usb-serial"),),
        spapr=SpaprTurn(0x30000000, lambda serial: serial.target == "spapr-vio-serial"),
    )})  # fmt: skip
    parallels: list[Chardev] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "parallel", reads=None, written=70, id_prefix="parallel",
    )})  # fmt: skip
    channels: list[Chardev] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "channel", reads=None, written=90, id_prefix="channel", other_forms=("virtio-serial",),
    )})  # fmt: skip
    consoles: list[Chardev] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        # The first console shows the address of the serial that it mirrors.
        "console", reads=None, written=80, id_prefix="console",
        other_forms=("virtio-serial", "isa", "pci", "spapr-vio", "usb"),
    )})  # fmt: skip
    inputs: list[Input] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "input", reads=None, written=100, id_prefix="input",
        pci=(Turn(140),), usb=(UsbTurn(80, 50, lambda one: one.bus == "usb"),),
        ccw=OffPci(_virtio_input), mmio=OffPci(_virtio_input),
        virtio=lambda one: one.type if one.bus == "virtio" else None, qemu=70,
    )})  # fmt: skip
    filesystems: list[Filesystem] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "filesystem", reads=None, written=30, id_prefix="fs",
        pci=(Turn(20),), usb=(UsbTurn(90, None, lambda one: one.driver == "mtp"),),
        ccw=OffPci(lambda one: one.driver != "mtp"),
        virtio=lambda one: one.driver, qemu=50,
    )})  # fmt: skip
    watchdogs: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "watchdog", reads=REQUIRED_MODEL, written=170, id_prefix="watchdog", pci=(Turn(110),),
    )})  # fmt: skip
    memballoons: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "memballoon", reads=None, written=180, id_prefix="balloon",
        pci=(Turn(90),), ccw=OffPci(_virtio_model), mmio=OffPci(_virtio_model), virtio=_by_model, qemu=110,
    )})  # fmt: skip
    rngs: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "rng", reads=REQUIRED_MODEL, written=190, id_prefix="rng",
        pci=(Turn(100),), ccw=OffPci(), mmio=OffPci(), virtio=always, qemu=120,
    )})  # fmt: skip
    nvrams: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "nvram", reads=NO_MODEL, written=200, id_prefix="nvram", spapr=SpaprTurn(0x3000, pseries_only=True),
    )})  # fmt: skip
    hubs: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "hub", reads=None, written=160, id_prefix="hub", other_forms=("usb",),
    )})  # fmt: skip
    shmems: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "shmem", reads=None, written=220, id_prefix="shmem", pci=(Turn(130),),
    )})  # fmt: skip
    tpms: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "tpm", reads=OPTIONAL_MODEL, written=110, id_prefix="tpm",
        spapr=SpaprTurn(0x4000, lambda tpm: tpm.model != "spapr-tpm-proxy", pseries_only=True),
    )})  # fmt: skip
    panics: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "panic", reads=OPTIONAL_MODEL, written=210, id_prefix="panic", pci=(Turn(200),),
    )})  # fmt: skip
    memories: list[Memory] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        # virtio-pmem is given a ccw address, and then refused because of it.
        "memory", reads=None, written=230, id_prefix=None,
        pci=(Turn(180),), ccw=OffPci(_virtio_memory, "ccw-virtio-mem"), mmio=OffPci(_virtio_memory),
        other_forms=("dimm",), virtio=lambda memory: memory.model if _virtio_memory(memory) else None, qemu=30,
    )})  # fmt: skip
    redirdevs: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "redirdev", reads=None, written=150, id_prefix="redir", usb=(UsbTurn(100, 80),),
    )})  # fmt: skip
    iommus: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "iommu", reads=None, written=250, id_prefix="iommu",
        pci=(Turn(160),), virtio=_by_model, qemu=20,
    )})  # fmt: skip
    vsocks: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "vsock", reads=OPTIONAL_MODEL, written=260, id_prefix="vsock",
        pci=(Turn(170),), ccw=OffPci(), virtio=always, qemu=130,
    )})  # fmt: skip
    cryptos: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "crypto", reads=REQUIRED_MODEL, written=240, id_prefix="crypto",
        pci=(Turn(190),), ccw=OffPci(behaviour="virtio-mmio-all"), mmio=OffPci(behaviour="virtio-mmio-all"),
        virtio=always, qemu=140,
    )})  # fmt: skip
    pstores: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "pstore", reads=ModelAttribute("backend", required=True), written=270, id_prefix="pstore", pci=(Turn(210),),
    )})  # fmt: skip
    graphics: list[Device] = field(default_factory=list, metadata={_CLASS: DeviceClass(
        "graphics", reads=None, written=None, id_prefix=None, addressable=False,
    )})  # fmt: skip

    @classmethod
    def of(cls, devices: Iterable[Device]) -> Inventory:
        """An inventory of some devices, each list in their order."""
        found = cls()
        for device in devices:
            getattr(found, _BY_ELEMENT[device.kind].name).append(device)
        return found

    def in_order(self) -> list[Device]:
        """Every addressable device in libvirt's general device order, in which user addresses are reserved."""
        return list(chain.from_iterable(_GENERAL_ORDER(self)))


def turns(numbers: Iterable[tuple[int, Any]], what: str) -> tuple[Any, ...]:
    """What belongs to the numbers, in their order. Raises FactsError for a number that is given twice."""
    found: dict[int, Any] = {}
    for number, value in numbers:
        if number in found:
            raise FactsError(f"device classes: two have the number {number} in the order of {what}")
        found[number] = value
    return tuple(found[number] for number in sorted(found))


def checked(declarations: Iterable[DeviceClass]) -> tuple[DeviceClass, ...]:
    """The classes as they are declared. Raises FactsError for a declaration that contradicts another or itself."""
    found = tuple(declarations)
    elements = [one.element for one in found]
    for one in found:
        where = f"device class {one.name}"
        if elements.count(one.element) > 1:
            raise FactsError(f"{where}: <{one.element}> is declared twice")
        if (one.virtio is None) != (one.qemu is None):
            raise FactsError(f"{where}: virtio and qemu go together; one of them is missing")
        if one.virtio is not None and not one.pci:
            raise FactsError(f"{where}: virtio devices need a turn in the order of PCI addresses")
        if one.addressable != (one.written is not None):
            raise FactsError(f"{where}: a number in the order of writing goes with an addressable class")
    for what, numbers in (
        ("writing", [(one.written, one) for one in found if one.written is not None]),
        ("-device arguments", [(one.qemu, one) for one in found if one.qemu is not None]),
        ("PCI addresses", [(turn.order, one) for one in found for turn in one.pci]),
        ("usb ports", [(turn.order, one) for one in found for turn in one.usb]),
        ("usb ports, older", [(turn.older, one) for one in found for turn in one.usb if turn.older is not None]),
    ):
        turns(numbers, what)
    return found


DEVICE_CLASSES = checked(replace(one.metadata[_CLASS], name=one.name) for one in fields(Inventory))
"""Every class, in libvirt's general device order."""

_GENERAL_ORDER = attrgetter(*(one.name for one in DEVICE_CLASSES if one.addressable))

_BY_ELEMENT = {one.element: one for one in DEVICE_CLASSES}


def class_of(device: Device) -> DeviceClass:
    """The class of a device."""
    return _BY_ELEMENT[device.kind]
