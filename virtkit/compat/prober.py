"""Where libvirt puts one virtio device on a machine, found by resolving a small domain that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.errors import Refused, UsageError
from virtkit.releases import dotted
from virtkit.virtio.interface import LOCATIONS, Shown, off_pci, shown
from virtkit.virtio.kinds import MODELS, kinds, listed_devices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from virtkit.compat.manual_slots import Place
    from virtkit.host import Host
    from virtkit.resolution.context import SlotPolicy

__all__ = ["PROBES", "Placed", "Prober", "beside_pci", "probe_xml"]

#: QEMU's names of architectures that libvirt calls otherwise.
_LIBVIRT_ARCH = MappingProxyType({"arm": "armv7l", "i386": "i686"})

# kind of the guest OS database: (kind of the interface facts, the device's XML with {model} where it goes,
# attribute text that plain virtio has there). A kind without a model attribute has virtio only.
_NET = "<interface type='user'><model type='{model}'/></interface>"
_DISK = "<disk type='file' device='disk'{model}><source file='/d'/><target dev='vda' bus='virtio'/></disk>"
_9P = "<filesystem type='mount'{model}><source dir='/s'/><target dir='t'/></filesystem>"
_FS = "<filesystem type='mount'><driver type='virtiofs'/><source dir='/s'/><target dir='u'/></filesystem>"
_MEM = (
    "<memory model='virtio-mem'><target><size unit='MiB'>1024</size><node>0</node><block unit='MiB'>2</block>"
    "<requested unit='MiB'>0</requested></target></memory>"
)


@dataclass(frozen=True, slots=True)
class Probe:
    """How a kind is asked: ``kind`` of the interface facts, ``xml`` with the place of the model."""

    kind: str
    xml: str
    plain: str = "virtio"
    attribute: bool = False

    def device(self, model: str) -> str | None:
        """The device's XML with this model, None when the kind has no such model in domain XML."""
        if "{model}" not in self.xml:
            return self.xml if model == "virtio" else None
        if self.attribute:
            return self.xml.replace("{model}", "" if model == "virtio" else f" model='{model}'")
        return self.xml.replace("{model}", self.plain if model == "virtio" else model)


# The kinds whose devices need more than a model.
_OWN_FORMS = MappingProxyType(
    {
        "net": Probe("net", _NET),
        "block": Probe("blk", _DISK, attribute=True),
        "scsi": Probe("scsi", "<controller type='scsi' index='0' model='{model}'/>", plain="virtio-scsi"),
        "9p": Probe("9p", _9P, attribute=True),
        "rng": Probe("rng", "<rng model='{model}'><backend model='random'>/dev/urandom</backend></rng>"),
        "balloon": Probe("balloon", "<memballoon model='{model}'/>"),
        "console": Probe("serial", "<controller type='virtio-serial' index='0'{model}/>", attribute=True),
        "input": Probe("tablet", "<input type='tablet' bus='virtio'{model}/>", attribute=True),
        "vsock": Probe("vsock", "<vsock model='{model}'><cid auto='no' address='3'/></vsock>"),
        "gpu": Probe("gpu", "<video><model type='virtio'/></video>"),
        "fs": Probe("fs", _FS),
        "mem": Probe("mem", _MEM),
    }
)


def _probes() -> Mapping[str, Probe]:
    found = {}
    elements = {listed.kind: element for (element, _), listed in listed_devices().items()}
    for kind in kinds().values():
        if kind.title and kind.name in elements:
            plain = Probe(kind.name, f"<{elements[kind.name]} model='{{model}}'/>")
            found[kind.guest] = _OWN_FORMS.get(kind.guest, plain)
    return MappingProxyType(found)


#: How each kind of the guest OS database is asked for in domain XML.
#: Source: libvirt, "Domain XML format"; the spellings were defined on libvirt 9.0 and 12.8.
PROBES = _probes()


def probe_xml(device: str, arch: str, machine: str) -> str:
    """A domain that holds ``device`` and as little else as libvirt allows."""
    balloon = "" if "<memballoon" in device else "<memballoon model='none'/>"
    return (
        f"<domain type='kvm'><name>probe</name><memory unit='MiB'>1024</memory>"
        "<maxMemory slots='4' unit='MiB'>8192</maxMemory>"
        "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><vcpu>1</vcpu>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os>"
        "<cpu><numa><cell id='0' cpus='0' memory='1024' unit='MiB'/></numa></cpu>"
        f"<devices>{device}{balloon}</devices></domain>"
    )


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one device came to be, or was asked to be.

    ``location`` is a class of slots of the interface facts, "ccw" or "virtio-mmio", "" when ``refusal`` says
    that libvirt refuses the domain. ``kind`` and ``driver`` are QEMU's; ``buses`` counts the PCI controllers that the
    device caused to be added.
    """

    kind: str
    driver: str
    location: str
    address: str
    buses: int
    refusal: str = ""


class Prober:
    """Resolves probe domains for one host, architecture and slot policy, once for each family, kind and model."""

    __slots__ = ("_known", "arch", "host", "policy", "resolve")

    def __init__(
        self,
        host: Host,
        arch: str = "x86_64",
        policy: SlotPolicy | None = None,
        resolve: Callable[[str, Host, SlotPolicy | None], object] | None = None,
    ) -> None:
        self.host = host
        self.arch = _LIBVIRT_ARCH.get(arch, arch)
        self.policy = policy
        self.resolve = resolve or _resolve
        self._known: dict[tuple[str, str, str, str], Placed] = {}

    def machine(self, name: str) -> str:
        """The canonical name of a machine type. Raises UsageError when the host's QEMU has none such."""
        emulator = self.host.emulator(self.arch)
        if emulator is None:
            raise UsageError(f"QEMU of this host has no emulator for {self.arch}")
        machine = emulator.machines.get(name)
        if machine is None:
            release = dotted(self.host.qemu)
            raise UsageError(f"QEMU {release} has no machine type {name!r} for {self.arch}")
        return machine.name

    def place(self, machine: str, kind: str, model: str, at: Place | None = None) -> Placed:
        """Where a device of ``kind`` (of the guest OS database) and ``model`` goes on ``machine``.

        ``at`` puts it there by hand; None leaves the place to libvirt.
        """
        from virtkit.virtio.interface import machine_version

        family = machine_version(machine)[0]
        key = (family, kind, model, at.location if at else "")
        placed = self._known.get(key)
        if placed is None:
            placed = self._known[key] = self._place(machine, kind, model, at)
        return placed

    def _place(self, machine: str, kind: str, model: str, at: Place | None) -> Placed:
        if kind not in PROBES:
            raise UsageError(f"no device kind {kind!r}; known: {', '.join(PROBES)}")
        if model not in MODELS:
            raise UsageError(f"no virtio model {model!r}; known: {', '.join(MODELS)}")
        probe = PROBES[kind]
        device = probe.device(model)
        if device is None:
            return Placed(probe.kind, "", "", "", 0, f"libvirt has no model {model} for {kind}")
        if at is not None:
            device = at.put(device)
        try:
            bare = self._controllers(self.resolve(probe_xml("", self.arch, machine), self.host, self.policy))
            resolved = self.resolve(probe_xml(device, self.arch, machine), self.host, self.policy)
        except Refused as refusal:
            return Placed(probe.kind, "", "", "", 0, f"libvirt refuses it: {refusal.what}")
        for found in resolved.virtio_devices:  # type: ignore[attr-defined]
            if found.kind == probe.kind or (kind == "gpu" and found.kind == "vga"):
                location = found.location or found.transport
                buses = max(0, self._controllers(resolved) - bare)
                return Placed(found.kind, found.driver, location, found.address, buses)
        return Placed(probe.kind, "", "", "", 0, "libvirt makes no virtio device of it on this machine")

    @staticmethod
    def _controllers(resolved: object) -> int:
        return sum(
            device.kind == "controller" and getattr(device, "type", "") == "pci"
            for device in resolved.devices  # type: ignore[attr-defined]
        )

    def shown(self, machine: str, kind: str, model: str, at: Place | None = None) -> tuple[Placed, Shown | None]:
        """Where the device goes, or was put, and what QEMU shows of it there; None when libvirt refuses the domain."""
        placed = self.place(machine, kind, model, at)
        if placed.refusal:
            return placed, None
        if placed.location in LOCATIONS:
            emulator = self.host.emulator(self.arch)
            seen = shown(self.host.qemu, self.arch, machine, placed.kind, model, placed.location, emulator)
            return placed, seen
        return placed, beside_pci(placed.location, machine, placed.kind, placed.driver)


def beside_pci(transport: str, machine: str, kind: str, driver: str) -> Shown:
    """What a device on the channel subsystem or a virtio-mmio transport shows; refused when its driver is none.

    There are no transitional and non-transitional drivers beside PCI; libvirt names one all the same.
    Source: QEMU 7.2 and 11.1 qom-list-types; observed on libvirt 9.0 and 12.8.
    """
    if driver.endswith("-transitional"):
        source = "QEMU 7.2 and 11.1 qom-list-types: no such driver beside PCI"
        return Shown(None, "", "no-driver", source, f"'{driver}' is not a valid device model name")
    return off_pci(transport, machine, kind)


def _resolve(xml: str, host: Host, policy: SlotPolicy | None) -> object:
    from virtkit.domain.domain import read
    from virtkit.resolved import resolve

    return resolve(read(xml.encode()), host=host, slot_policy=policy)
