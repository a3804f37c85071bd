"""Random device elements of a domain that is being generated."""

from __future__ import annotations

from collections.abc import Callable

from virtkit.verify.random_draft import MODELS, Draft

__all__ = ["MAKERS", "WITHOUT_PCI"]

_LETTERS = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd", "fdc": "fd", "nvme": "nvme"}

#: The release whose memory devices have virtio models; older ones refuse the whole domain.
_VIRTIO_MEMORY = (7, 9)


def _disk(draft: Draft) -> str:
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


def _interface(draft: Draft) -> str:
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


def _controller(draft: Draft) -> str:
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
        model, address = draft.one("", *MODELS), draft.address()
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


def _ich9(draft: Draft) -> str:
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


def _memory(draft: Draft) -> str:
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


def _pci_controller(draft: Draft) -> str:
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


def _channel(draft: Draft) -> str:
    address = ""
    if draft.chance(0.25):
        port = f" port='{draft.random.randint(0, 5)}'" if draft.chance(0.8) else ""
        address = f"<address type='virtio-serial' controller='{draft.random.randint(0, 2)}' bus='0'{port}/>"
    if draft.chance(0.25):
        return f"<console type='pty'><target type='virtio'/>{address}</console>"
    return f"<channel type='unix'><target type='virtio' name='c.{draft.next()}'/>{address}</channel>"


def _hostdev(draft: Draft) -> str:
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


def _input(draft: Draft) -> str:
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


def _video(draft: Draft) -> str:
    kind = draft.one("virtio", *draft.platform.videos)
    address = draft.address() if kind == "virtio" else draft.plain()
    return f"<video><model type='{kind}'/>{address}</video>"


def _sound(draft: Draft) -> str:
    kind = draft.one("ich6", "ich9", "ac97", "es1370", "usb", "sb16")
    if draft.release >= (10, 4) and draft.chance(0.3):
        return f"<sound model='virtio'>{draft.address()}</sound>"
    return f"<sound model='{kind}'>{draft.usb_address() if kind == 'usb' else draft.plain()}</sound>"


def _filesystem(draft: Draft) -> str:
    number = draft.next()
    body = f"<source dir='/s{number}'/><target dir='t{number}'/>{draft.address()}"
    if draft.chance(0.35):
        draft.memory = draft.memory or not draft.chance(draft.wild)
        return f"<filesystem type='mount'><driver type='virtiofs'/>{body}</filesystem>"
    model = f" model='{draft.model('virtio-9p')}'" if draft.chance(0.5) else ""
    return f"<filesystem type='mount'{model}>{body}</filesystem>"


def _chardev(draft: Draft) -> str:
    if draft.chance(0.2) and draft.platform.arch == "x86_64":
        return "<parallel type='pty'/>"
    target = draft.one("", "<target type='usb-serial'/>", "<target type='pci-serial'/>", "<target type='isa-serial'/>")
    if draft.chance(0.2) and not draft.consoles:
        draft.consoles += 1
        return "<console type='pty'/>"
    address = draft.plain() if "pci" in target else draft.usb_address() if "usb" in target else ""
    return f"<serial type='pty'>{target}{address}</serial>"


def _other(draft: Draft) -> str:
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


def _rng(draft: Draft) -> str:
    return f"<rng model='{draft.model('rng')}'><backend model='random'>/dev/urandom</backend>{draft.address()}</rng>"


#: What makes a random element of each sort, and how often in comparison with the others.
MAKERS: tuple[tuple[Callable[[Draft], str], int], ...] = (
    (_disk, 7), (_interface, 6), (_controller, 6), (_channel, 3), (_hostdev, 3), (_input, 2), (_video, 1),
    (_sound, 1), (_filesystem, 2), (_chardev, 2), (_rng, 2), (_other, 2), (_memory, 1),
)  # fmt: skip

#: Kinds that a machine without PCI can have.
WITHOUT_PCI = (_disk, _interface, _rng, _filesystem, _input, _controller)
