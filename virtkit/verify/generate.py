"""Random domains to compare with a live QEMU or libvirtd: the same seed gives the same domains everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from xml.sax.saxutils import quoteattr

from virtkit.host import Host
from virtkit.verify.mutations import mutate
from virtkit.verify.platforms import PLATFORMS, Platform

__all__ = ["domain", "domains"]


_MODELS = ("virtio", "virtio", "virtio-transitional", "virtio-non-transitional")
_LETTERS = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd", "fdc": "fd", "nvme": "nvme"}


@dataclass(slots=True)
class _Draft:
    """A domain that is being generated; ``wild`` is the share of decisions that are wrong on purpose."""

    random: Random
    platform: Platform
    release: tuple[int, int]
    wild: float
    serial: int = 0
    disks: dict[str, int] = field(default_factory=dict)
    indexes: dict[str, int] = field(default_factory=dict)
    buses: int = 1
    consoles: int = 0
    nodes: bool = False
    slots: list[int] = field(default_factory=list)
    memory: bool = False

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def model(self, *wrong: str) -> str:
        if wrong and self.chance(self.wild):
            return self.one(*wrong)
        return self.one(*_MODELS)

    def pci(self) -> str:
        """A PCI address: mostly on a bus that exists, in a slot that may be taken."""
        bus = 0 if self.chance(0.5) else self.random.randint(0, self.buses + 1)
        top = 0x1F if bus == 0 or self.platform.root == "pci" else (0 if self.chance(0.7) else 5)
        low = 0 if bus and self.platform.root == "pcie" and self.chance(0.8) else 1
        slot = self.random.randint(low, max(top, low))
        function = self.random.randint(1, 7) if self.chance(0.12) else 0
        if bus == 0 and self.slots and self.chance(0.15):
            # A slot that is in use already: its next function, as in hand-written multifunction groups.
            slot, function = self.random.choice(self.slots), self.random.randint(0, 3)
        elif bus == 0:
            self.slots.append(slot)
        if self.chance(self.wild / 3):
            slot = self.random.choice((0, 0x20, 0x1F, 2))
        multi = " multifunction='on'" if self.chance(0.08) else ""
        return (
            f"<address type='pci' domain='0x0000' bus='{bus:#04x}' slot='{slot:#04x}' function='{function:#x}'{multi}/>"
        )

    def address(self, share: float = 0.22) -> str:
        """An address for a virtio device, or an empty text."""
        if not self.chance(share) and self.platform.root != "none":
            return ""
        kind = self.one(*self.platform.transports)
        if self.chance(self.wild / 2):
            kind = self.one("pci", "ccw", "virtio-mmio", "usb", "drive", "spapr-vio")
        if kind == "pci":
            return "<address type='pci'/>" if self.chance(0.3) else self.pci()
        if kind == "ccw" and self.chance(0.7):
            return f"<address type='ccw' cssid='0xfe' ssid='0x0' devno='{self.random.randint(0, 40):#06x}'/>"
        return f"<address type='{kind}'/>"

    def plain(self, share: float = 0.15) -> str:
        """A PCI address for a device that accepts only PCI, or an empty text."""
        return self.pci() if self.chance(share) and self.platform.root != "none" else ""

    def usb_address(self) -> str:
        if not self.chance(0.2):
            return ""
        port = self.one("1.1", "1.2", "2.1") if self.chance(0.1) else self.one("1", "2", "3", "4")
        return f"<address type='usb' bus='{int(self.chance(0.08))}' port='{port}'/>"

    def extras(self) -> str:
        """Elements that must not affect the address of a device."""
        found = ""
        if self.chance(0.06):
            found += f"<alias name='ua-{self.next()}'/>"
        if self.chance(0.05) and self.release >= (9, 0):
            found += f"<boot order='{self.next()}'/>"
        return found

    def index(self, kind: str) -> str:
        """The index attribute of a controller: next, far away, or absent."""
        known = self.indexes.get(kind, 0)
        number = known if self.chance(0.8) else known + self.random.randint(1, 3)
        self.indexes[kind] = number + 1
        return "" if self.chance(0.15) else f" index='{number}'"

    def usb_controller(self) -> str:
        """A first USB controller, for a machine without one and devices that need one."""
        model = self.one("qemu-xhci", "qemu-xhci", "nec-xhci", *self.platform.usb)
        return f"<controller type='usb' index='0' model='{model}'/>"

    def next(self) -> int:
        self.serial += 1
        return self.serial


def _disk(draft: _Draft) -> str:
    bus = draft.one(*draft.platform.buses)
    if draft.release >= (11, 5) and draft.chance(0.05):
        bus = "nvme"
    if draft.chance(draft.wild):
        bus = draft.one("virtio", "scsi", "sata", "usb", "ide", "fdc", "sd", "xen")
    prefix = _LETTERS.get(bus, "sd")
    number = draft.disks.get(prefix, 0) + (draft.random.randint(1, 9) if draft.chance(0.12) else 0)
    draft.disks[prefix] = number + 1
    if prefix == "nvme":
        target = f"nvme{number % 3}n{number // 3 + 1}"
    else:
        target = prefix + (chr(97 + number) if number < 26 else "a" + chr(97 + number % 26))
    device = (
        "floppy" if bus == "fdc" else "cdrom" if bus in ("sata", "ide", "usb", "scsi") and draft.chance(0.3) else "disk"
    )
    attributes = f" type='file' device='{device}'"
    address = ""
    if bus == "virtio":
        if draft.chance(0.4):
            attributes += f" model='{draft.model('virtio-modern', 'scsi')}'"
        address = draft.address()
    elif bus == "usb":
        address = draft.usb_address()
    elif bus in ("scsi", "sata") and draft.chance(0.12):
        unit = draft.random.randint(0, 8)
        address = f"<address type='drive' controller='{draft.random.randint(0, 2)}' bus='0' target='0' unit='{unit}'/>"
    serial = "<serial>S</serial>" if bus == "nvme" else ""
    serial += draft.extras()
    written = "" if draft.chance(0.08) else f" bus='{bus}'"
    return (
        f"<disk{attributes}><driver name='qemu' type='raw'/><source file='/d/{draft.next()}.img'/>"
        f"<target dev='{target}'{written}/>{serial}{address}</disk>"
    )


def _interface(draft: _Draft) -> str:
    number = draft.next()
    model = ""
    address = draft.plain()
    if draft.chance(0.6) or draft.platform.root == "none":
        model, address = f"<model type='{draft.model('virtio-net', 'nonsense')}'/>", draft.address()
    elif draft.chance(0.8):
        model = f"<model type='{draft.one(*draft.platform.nics)}'/>"
    if draft.release >= (10, 3) and draft.chance(0.04):
        model, address = "<model type='usb-net'/>", draft.usb_address()
    elif draft.release >= (9, 3) and draft.chance(0.04):
        model = "<model type='igb'/>"
    kind, source = "user", ""
    if draft.chance(0.06):
        kind = "hostdev"
        source = f"<source><address type='pci' domain='0' bus='{number % 200:#x}' slot='0x11' function='0'/></source>"
    elif draft.chance(0.06):
        kind, source = "bridge", "<source bridge='br0'/>"
    mac = f"52:54:00:00:{number // 256:02x}:{number % 256:02x}"
    return f"<interface type='{kind}'><mac address='{mac}'/>{source}{model}{draft.extras()}{address}</interface>"


def _controller(draft: _Draft) -> str:
    kind = draft.one("scsi", "scsi", "usb", "virtio-serial", "sata", "pci", "pci", "ccid", "ide", "fdc", "nvme")
    if draft.platform.root == "none" or (kind == "sata" and draft.platform.arch == "s390x"):
        kind = "virtio-serial"
    if kind == "pci":
        return _pci_controller(draft)
    if kind == "usb" and draft.chance(0.25) and draft.platform.root != "none":
        return _ich9(draft)
    if kind == "nvme" and draft.release < (11, 5):
        kind = "scsi"
    if kind in ("ide", "fdc") and not draft.chance(draft.wild):
        kind = "virtio-serial"
    model, inner, address = "", "", draft.plain()
    if kind == "scsi":
        virtio = draft.one("virtio-scsi", "virtio-scsi", "virtio-transitional", "virtio-non-transitional")
        model = virtio if draft.chance(0.6) else draft.one("", "auto", *draft.platform.scsi)
        model = "virtio" if draft.chance(draft.wild) else model
        address = draft.address() if model.startswith("virtio") else address
    elif kind == "usb":
        model = draft.one("", *draft.platform.usb)
    elif kind == "virtio-serial":
        model, address = draft.one("", *_MODELS), draft.address()
    elif kind == "nvme":
        inner = f"<serial>N{draft.next()}</serial>"
    elif kind == "ccid":
        address = draft.usb_address()
    ports = ""
    if model.endswith("-xhci") and draft.chance(0.3):
        ports = f" ports='{draft.random.randint(1, 16)}'"
    if kind == "virtio-serial" and draft.chance(0.25):
        ports = f" ports='{draft.random.randint(1, 6)}'"
    named = f" model='{model}'" if model else ""
    return f"<controller type='{kind}'{draft.index(kind)}{named}{ports}>{inner}{address}</controller>"


def _ich9(draft: _Draft) -> str:
    """A set of ich9 controllers, complete or not, with or without indexes."""
    indexed = draft.index("usb") if draft.chance(0.6) else ""
    parts = ["ehci1", "uhci1", "uhci2", "uhci3"][: draft.random.randint(1, 4)]
    if draft.chance(0.25):
        draft.random.shuffle(parts)
    found = ""
    for part in parts:
        master = ""
        if part != "ehci1" and draft.chance(0.5):
            master = f"<master startport='{2 * int(part[-1]) - 2}'/>"
        found += f"<controller type='usb'{indexed} model='ich9-{part}'>{master}{draft.plain(0.1)}</controller>"
    return found


def _memory(draft: _Draft) -> str:
    """A memory device; the domain gets maxMemory and a NUMA node for it."""
    draft.nodes = draft.nodes or not draft.chance(draft.wild)
    kind = draft.one("dimm", "virtio-mem", "virtio-mem", "virtio-pmem", "nvdimm")
    if draft.release < _VIRTIO_MEMORY and kind.startswith("virtio"):
        kind = draft.one("dimm", "nvdimm")
    node = "<node>0</node>" if kind in ("dimm", "virtio-mem", "nvdimm") else ""
    if kind == "virtio-pmem":
        body = f"<source><path>/p{draft.next()}</path></source><target><size unit='KiB'>524288</size></target>"
        return f"<memory model='virtio-pmem' access='shared'>{body}{draft.plain()}</memory>"
    if kind == "nvdimm":
        target = (
            "<target><size unit='KiB'>524288</size><node>0</node><label><size unit='KiB'>128</size></label></target>"
        )
        return f"<memory model='nvdimm'><source><path>/n{draft.next()}</path></source>{target}</memory>"
    if kind == "virtio-mem":
        sizes = "<block unit='KiB'>2048</block><requested unit='KiB'>262144</requested>"
        target = f"<target><size unit='KiB'>524288</size>{node}{sizes}</target>"
        return f"<memory model='virtio-mem'>{target}{draft.address(0.15)}</memory>"
    slot = f"<address type='dimm' slot='{draft.random.randint(0, 5)}'/>" if draft.chance(0.3) else ""
    return f"<memory model='dimm'><target><size unit='KiB'>524288</size>{node}</target>{slot}</memory>"


def _pci_controller(draft: _Draft) -> str:
    if draft.platform.root == "pcie":
        model = draft.one(
            "pcie-root-port", "pcie-root-port", "pcie-root-port", "pcie-to-pci-bridge", "pci-bridge",
            "dmi-to-pci-bridge", "pcie-switch-upstream-port", "pcie-switch-downstream-port", "pcie-expander-bus",
        )  # fmt: skip
    else:
        model = draft.one("pci-bridge", "pci-bridge", "pci-bridge", "pci-expander-bus")
        if draft.platform.arch == "s390x":
            model = "pci-bridge"
        if draft.platform.arch == "ppc64":
            model = draft.one("pci-root", "pci-root", "pci-bridge")
    if draft.chance(draft.wild / 2):
        model = draft.one("pci-root", "pcie-root", "pci-bridge", "pcie-root-port", "pcie-expander-bus")
    number = draft.buses if draft.chance(0.85) else draft.buses + draft.random.randint(1, 3)
    draft.buses = number + 1
    index = "" if draft.chance(draft.wild / 3) else f" index='{number}'"
    target = ""
    if model == "pcie-root-port" and draft.chance(0.15):
        hotplug = " hotplug='off'" if draft.chance(0.4) else ""
        target = f"<target chassis='{number}' port='{draft.random.randint(0, 0x20):#x}'{hotplug}/>"
    elif model in ("pci-expander-bus", "pcie-expander-bus") and draft.chance(0.4):
        node = "<node>0</node>" if draft.nodes else ""
        target = f"<target busNr='{draft.random.randint(20, 250)}'>{node}</target>"
    elif model == "pci-root" and draft.chance(0.3):
        target = f"<target index='{draft.random.randint(1, 30)}'/>"
    address = draft.pci() if draft.chance(0.2) and model != "pci-root" else ""
    return f"<controller type='pci'{index} model='{model}'>{target}{address}</controller>"


def _channel(draft: _Draft) -> str:
    address = ""
    if draft.chance(0.25):
        port = f" port='{draft.random.randint(0, 5)}'" if draft.chance(0.8) else ""
        address = f"<address type='virtio-serial' controller='{draft.random.randint(0, 2)}' bus='0'{port}/>"
    if draft.chance(0.25):
        return f"<console type='pty'><target type='virtio'/>{address}</console>"
    return f"<channel type='unix'><target type='virtio' name='c.{draft.next()}'/>{address}</channel>"


def _hostdev(draft: _Draft) -> str:
    kind = draft.one("pci", "pci", "usb", "scsi", "scsi_host", "mdev")
    number = draft.next()
    if kind == "pci":
        source = f"<address domain='0x0000' bus='{number % 250:#04x}' slot='0x10' function='0x0'/>"
        address = "<address type='unassigned'/>" if draft.chance(0.04) else draft.plain()
        return f"<hostdev mode='subsystem' type='pci'><source>{source}</source>{draft.extras()}{address}</hostdev>"
    if kind == "usb":
        source = f"<vendor id='0x1234'/><product id='{number:#06x}'/>"
        return f"<hostdev mode='subsystem' type='usb'><source>{source}</source>{draft.usb_address()}</hostdev>"
    if kind == "scsi":
        source = f"<adapter name='scsi_host0'/><address bus='0' target='0' unit='{number}'/>"
        return f"<hostdev mode='subsystem' type='scsi'><source>{source}</source></hostdev>"
    if kind == "scsi_host":
        source = f"<source protocol='vhost' wwpn='naa.5001405{number:09x}'/>"
        model = f" model='{draft.model()}'" if draft.chance(0.6) else ""
        return f"<hostdev mode='subsystem' type='scsi_host'{model}>{source}{draft.address()}</hostdev>"
    name = "vfio-ccw" if draft.platform.arch == "s390x" and draft.chance(0.5) else "vfio-pci"
    uuid = f"c2177883-f1bb-47f0-914d-{number:012x}"
    address = "" if name == "vfio-ccw" else draft.plain()
    return (
        f"<hostdev mode='subsystem' type='mdev' model='{name}'><source><address uuid='{uuid}'/></source>"
        f"{address}</hostdev>"
    )


def _input(draft: _Draft) -> str:
    kind = draft.one("mouse", "keyboard", "tablet")
    ps2 = draft.platform.arch in ("x86_64", "i686") and kind != "tablet"
    bus = draft.one("usb", "virtio", "virtio", "ps2" if ps2 or draft.chance(draft.wild) else "virtio")
    if draft.chance(0.1):
        bus = ""
    if draft.platform.root == "none":
        bus = "virtio"
    model = " model='virtio-transitional'" if bus == "virtio" and draft.chance(draft.wild) else ""
    address = draft.address() if bus == "virtio" else draft.usb_address() if bus == "usb" else ""
    written = f" bus='{bus}'" if bus else ""
    return f"<input type='{kind}'{written}{model}>{address}</input>"


def _video(draft: _Draft) -> str:
    kind = draft.one("virtio", *draft.platform.videos)
    address = draft.address() if kind == "virtio" else draft.plain()
    return f"<video><model type='{kind}'/>{address}</video>"


def _sound(draft: _Draft) -> str:
    kind = draft.one("ich6", "ich9", "ac97", "es1370", "usb", "sb16")
    if draft.release >= (10, 4) and draft.chance(0.3):
        return f"<sound model='virtio'>{draft.address()}</sound>"
    return f"<sound model='{kind}'>{draft.usb_address() if kind == 'usb' else draft.plain()}</sound>"


def _filesystem(draft: _Draft) -> str:
    number = draft.next()
    body = f"<source dir='/s{number}'/><target dir='t{number}'/>{draft.address()}"
    if draft.chance(0.35):
        draft.memory = draft.memory or not draft.chance(draft.wild)
        return f"<filesystem type='mount'><driver type='virtiofs'/>{body}</filesystem>"
    model = f" model='{draft.model('virtio-9p')}'" if draft.chance(0.5) else ""
    return f"<filesystem type='mount'{model}>{body}</filesystem>"


def _chardev(draft: _Draft) -> str:
    if draft.chance(0.2) and draft.platform.arch == "x86_64":
        return "<parallel type='pty'/>"
    target = draft.one("", "<target type='usb-serial'/>", "<target type='pci-serial'/>", "<target type='isa-serial'/>")
    if draft.chance(0.2) and not draft.consoles:
        draft.consoles += 1
        return "<console type='pty'/>"
    address = draft.plain() if "pci" in target else draft.usb_address() if "usb" in target else ""
    return f"<serial type='pty'>{target}{address}</serial>"


def _other(draft: _Draft) -> str:
    """A device of which a domain rarely has more than one."""
    kind = draft.one("watchdog", "shmem", "redirdev", "hub", "smartcard", "panic", "iommu", "crypto", "pstore", "tpm")
    if kind == "watchdog":
        model = draft.one("i6300esb", "i6300esb", "ib700", "itco", "diag288")
        return f"<watchdog model='{model}' action='reset'>{draft.plain() if model == 'i6300esb' else ''}</watchdog>"
    if kind == "shmem":
        size = "<size unit='M'>4</size>"
        return f"<shmem name='s{draft.next()}'><model type='ivshmem-plain'/>{size}{draft.plain()}</shmem>"
    if kind == "redirdev":
        source = "<source mode='connect' host='h' service='4000'/>"
        return f"<redirdev bus='usb' type='tcp'>{source}{draft.usb_address()}</redirdev>"
    if kind == "hub":
        return f"<hub type='usb'>{draft.usb_address()}</hub>"
    if kind == "smartcard":
        return "<smartcard mode='host'/>" if draft.chance(0.5) else "<smartcard mode='passthrough' type='spicevmc'/>"
    if kind == "panic":
        return f"<panic model='{draft.one('isa', 'pvpanic', 'hyperv', 'pseries', 's390')}'/>"
    if kind == "iommu":
        return f"<iommu model='{draft.one('intel', 'virtio', 'smmuv3', 'amd')}'/>"
    if kind == "crypto" and draft.release >= (9, 1):
        return f"<crypto model='virtio' type='qemu'><backend model='builtin'/>{draft.address()}</crypto>"
    if kind == "pstore" and draft.release >= (10, 6):
        return f"<pstore backend='acpi-erst'><path>/p</path><size unit='KiB'>8</size>{draft.plain()}</pstore>"
    return f"<rng model='{draft.model('rng')}'><backend model='random'>/dev/urandom</backend>{draft.address()}</rng>"


def _rng(draft: _Draft) -> str:
    return f"<rng model='{draft.model('rng')}'><backend model='random'>/dev/urandom</backend>{draft.address()}</rng>"


_MAKERS: tuple[tuple[Callable[[_Draft], str], int], ...] = (
    (_disk, 7), (_interface, 6), (_controller, 6), (_channel, 3), (_hostdev, 3), (_input, 2), (_video, 1),
    (_sound, 1), (_filesystem, 2), (_chardev, 2), (_rng, 2), (_other, 2), (_memory, 1),
)  # fmt: skip


#: The release whose memory devices have virtio models; older ones refuse the whole domain.
_VIRTIO_MEMORY = (7, 9)

#: Kinds that a machine without PCI can have.
_FLAT = (_disk, _interface, _rng, _filesystem, _input, _controller)


def domain(seed: int, release: tuple[int, int], platform: str | None = None, largest: int = 40) -> tuple[str, str]:
    """(name, XML) of one random domain for a libvirt release; the same arguments give the same text.

    ``platform`` is a key of PLATFORMS, else drawn; ``largest`` bounds the number of device elements.
    About a third of the domains contain something that is wrong on purpose.
    """
    random = Random(f"virtkit {release} {seed}")  # noqa: S311 - no secrets here, the seed alone decides
    usable = {name: one for name, one in PLATFORMS.items() if name != "loongarch" or release >= (10, 2)}
    drawn = random.choices(list(usable), [one.weight for one in usable.values()])[0]
    name = platform or drawn
    draft = _Draft(random, PLATFORMS[name], release, wild=random.choice((0.0, 0.0, 0.0, 0.05, 0.15)))
    size = min(largest, 1 + int(random.expovariate(1 / random.choice((4, 9, 9, 25)))))
    usable_makers = [row for row in _MAKERS if draft.platform.root != "none" or row[0] in _FLAT]
    makers, weights = zip(*usable_makers, strict=True)
    elements = [maker(draft) for maker in random.choices(makers, weights, k=size)]
    text = "".join(elements)
    own_usb = draft.platform.arch in ("x86_64", "i686", "ppc64") or draft.platform.root == "none"
    if not own_usb and "usb" in text and "type='usb' index='0'" not in text and draft.chance(0.93):
        elements.append(draft.usb_controller())
    if draft.chance(0.35):
        elements.append("<graphics type='vnc'/>")
    if draft.chance(0.3):
        share = f"<memballoon model='{draft.model('none', 'xen')}'>{draft.address()}</memballoon>"
        elements.append(share if draft.chance(0.7) else "<memballoon model='none'/>")
    if draft.chance(0.25):
        model = f" model='{draft.model()}'" if draft.chance(0.7) else ""
        elements.append(f"<vsock{model}><cid auto='yes'/>{draft.address()}</vsock>")
    random.shuffle(elements)
    machine = _machine(draft)
    title = f"{name}-{seed}"
    shared = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>" if draft.memory else ""
    # Elsewhere ACPI needs a UEFI, which is a matter of the host's firmware files.
    acpi = "<acpi/>" if draft.platform.arch in ("x86_64", "i686") else ""
    os = f"<os><type arch={quoteattr(draft.platform.arch)} machine={quoteattr(machine)}>hvm</type></os>"
    body = "".join(f"    {element}\n" for element in elements)
    vcpus = 2
    if name == "q35" and draft.chance(0.04):
        vcpus = 288
    features = acpi + ("<ps2 state='off'/>" if name == "q35" and release >= (10, 7) and draft.chance(0.05) else "")
    room = "<maxMemory slots='4' unit='KiB'>16777216</maxMemory>" if draft.nodes else ""
    cpu = ""
    if draft.nodes:
        cell = f"<cell id='0' cpus='0-{vcpus - 1}' memory='1048576' unit='KiB'/>"
        cpu = f"<cpu><numa>{cell}</numa></cpu>" if draft.platform.arch != "s390x" else ""
    text = (
        f"<domain type='qemu'>\n  <name>{title}</name>\n  {room}<memory unit='KiB'>1048576</memory>\n  {shared}\n"
        f"  <vcpu>{vcpus}</vcpu>\n  {os}\n"
        f"  <features>{features}</features>\n  {cpu}\n  <devices>\n{body}  </devices>\n</domain>\n"
    )
    return title, mutate(random, text) if draft.wild and draft.chance(0.3) else text


def _machine(draft: _Draft) -> str:
    """A machine type of the platform; where the QEMU of the release lacks it, one that it has."""
    chosen = draft.one(*draft.platform.machines)
    emulator = Host.default(draft.release).emulator(draft.platform.arch)
    if emulator is None or emulator.machine(chosen) is not None:
        return chosen
    family = chosen.rpartition("-")[0]
    own = [one for one in emulator.names if one.rpartition("-")[0] == family]
    return draft.one(*own) if own else draft.platform.machines[0]


def domains(
    count: int, seed: int, release: tuple[int, int], platform: str | None = None, largest: int = 40
) -> Iterator[tuple[str, str]]:
    """``count`` random domains, numbered on from ``seed`` * 1,000,000."""
    for number in range(count):
        yield domain(seed * 1_000_000 + number, release, platform, largest)
