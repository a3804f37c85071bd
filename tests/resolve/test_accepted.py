"""A device that was accepted once is still refused wherever something else than its text matters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resolve.test_lean_qemu import lean
from virtkit import Host, VirtkitError, read, resolve
from virtkit.domain.devices import Device
from virtkit.errors import Refused
from virtkit.host import Emulator
from virtkit.releases import PROBED, dotted
from virtkit.resolution.constraints.accepted import Known
from virtkit.verify.generate import domains

DOMAIN = """<domain type='kvm'><name>d</name><memory>1048576</memory><vcpu>2</vcpu>{head}
<os><type arch='x86_64' machine='{machine}'>hvm</type></os><features>{features}</features>
<devices>{devices}</devices></domain>"""

VNC = "<graphics type='vnc'/>"
SPICE = "<graphics type='spice'/>"
IDE = "<controller type='ide' index='0'/>"
MOUSE = "<input type='mouse' bus='ps2'/>"
NUMA = "<cpu><numa><cell id='0' cpus='0-1' memory='1048576'/></numa></cpu>"
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
VHOST = "<interface type='vhostuser'><source type='unix' path='/s' mode='client'/><model type='virtio'/></interface>"
SHARE = "<filesystem type='mount'><driver type='virtiofs'/><source dir='/a'/><target dir='{}'/></filesystem>"
CHANNEL = "<channel type='spicevmc'><target type='virtio'/></channel>"
CONSOLE = "<console type='udp'><source mode='bind' host='h' service='1'/><target type='serial' port='0'/></console>"
SERIAL = "<serial type='pty'><target type='isa-serial' port='0'/></serial>"
THREADED = "<disk type='file'><driver iothread='1'/><source file='/d'/><target dev='vda' bus='virtio'/></disk>"
FAR = (
    "<controller type='scsi' index='0' model='{}'/><disk type='file'><source file='/d'/><target dev='sda' bus='scsi'/>"
    "<address type='drive' controller='0' bus='0' target='1' unit='0'/></disk>"
)
EXPANDER = "<controller type='pci' index='1' model='pcie-expander-bus'><target><node>0</node></target></controller>"
MEDIATED = (
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci' display='on'>"
    "<source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>"
)
NVME = "<disk type='file'><source file='/d'/><target dev='nvme0n{}' bus='nvme'/><serial>{}</serial></disk>"
WATCHDOG = "<watchdog model='i6300esb' action='{}'/>"


def _domain(devices: str, head: str = "", machine: str = "q35", features: str = "<acpi/>") -> bytes:
    return DOMAIN.format(devices=devices, head=head, machine=machine, features=features).encode()


#: A domain that is accepted, one with the same device that is refused, and a part of the refusal.
PAIRS = {
    "spice display": (_domain(CHANNEL + SPICE), _domain(CHANNEL + VNC), "not supported without spice graphics"),
    "display": (_domain(MEDIATED + VNC), _domain(MEDIATED), "graphics device is needed"),
    "machine family": (_domain(IDE, machine="pc"), _domain(IDE), "IDE controllers are unsupported"),
    "feature ps2": (_domain(MOUSE), _domain(MOUSE, features="<acpi/><ps2 state='off'/>"), "require the ps2 feature"),
    "iothreads": (_domain(THREADED, "<iothreads>1</iothreads>"), _domain(THREADED), "not defined in iothreadids"),
    "scsi controller": (
        _domain(FAR.format("virtio-scsi")),
        _domain(FAR.format("lsilogic")),
        "target must be 0 for controller model 'lsilogic'",
    ),
    "NUMA cells": (_domain(EXPANDER, NUMA), _domain(EXPANDER), "NUMA node"),
    "shared memory, NIC": (_domain(VHOST, SHARED), _domain(VHOST), "'interface' requires shared memory"),
    "shared memory, share": (
        _domain(SHARE.format("b"), SHARED),
        _domain(SHARE.format("b")),
        "'virtiofs' requires shared memory",
    ),
    "another share": (
        _domain(SHARE.format("b") + SHARE.format("c"), SHARED),
        _domain(SHARE.format("b") * 2, SHARED),
        "specified twice",
    ),
    "shadowed console": (_domain(CONSOLE + SERIAL), _domain(CONSOLE), "Missing source service attribute"),
    "other disks": (
        _domain(NVME.format(1, "A") + NVME.format(2, "A")),
        _domain(NVME.format(1, "A") + NVME.format(2, "B")),
        "Conflicting NVME disk serial number",
    ),
    "other watchdogs": (
        _domain(WATCHDOG.format("reset")),
        _domain(WATCHDOG.format("reset") + WATCHDOG.format("none")),
        "watchdogs with different actions",
    ),
}


@pytest.mark.parametrize(("accepted", "refused", "words"), PAIRS.values(), ids=PAIRS)
def test_a_device_that_was_accepted_is_refused_in_another_domain(accepted: bytes, refused: bytes, words: str) -> None:
    """Each refusal that depends on the rest of the domain is found after a domain with the same device was accepted."""
    host = Host.named(libvirt="12.8")
    for _ in range(3):
        resolve(read(accepted), host)
        with pytest.raises(Refused, match=words):
            resolve(read(refused), host)


def test_a_device_that_one_qemu_has_is_refused_for_another_one(tmp_path: Path) -> None:
    """Hosts of one libvirt release with different QEMUs are told apart."""
    data = _domain("<sound model='ich9'/>")
    full, less = Host.named(libvirt="12.8"), lean(tmp_path, "ich9-intel-hda")
    for _ in range(2):
        resolve(read(data), full)
        with pytest.raises(Refused, match="ich9-intel-hda audio controller"):
            resolve(read(data), less)


def test_an_iommu_that_is_known_counts_for_many_vcpus() -> None:
    """256 vCPUs need an iommu with extended interrupt mode also where iommus with this text were read before."""
    host = Host.named(libvirt="9.0")
    iommu = "<iommu model='intel'><driver intremap='on' eim='{}'/></iommu>"
    features = "<acpi/><ioapic driver='qemu'/>"
    for eim in ("on", "off", "on", "off"):
        data = _domain(iommu.format(eim), features=features).replace(b"<vcpu>2<", b"<vcpu>256<")
        if eim == "on":
            assert len(resolve(read(data), host).inventory.iommus) == 1
        else:
            with pytest.raises(Refused, match="more than 255 vCPUs"):
                resolve(read(data), host)


def test_refusals_of_known_devices_have_their_own_lines() -> None:
    """A refusal that depends on the domain names the line of this domain, not that of the one with the same text."""
    host = Host.named(libvirt="12.8")
    for breaks in (1, 3, 2):
        with pytest.raises(Refused) as found:
            resolve(read(_domain(f"{MEDIATED}", "\n" * breaks)), host)
        assert found.value.line == 3 + breaks
    for breaks in (1, 3, 2):
        resolve(read(_domain(f"\n{MEDIATED}\n{VNC}\n")), host)
        with pytest.raises(Refused) as found:
            resolve(read(_domain("\n" * breaks + f"{MEDIATED}\n")), host)
        assert found.value.line == 3 + breaks


#: What steps of a resolution may fill in, or leave out, and checks of a single device read.
_FILLED = (
    *("address", "model", "bus", "type", "target", "target_model", "index", "options", "model_name", "hotplug"),
    *("ports", "startport", "node", "serial", "primary", "frontend", "driver", "accelerated", "device", "mode"),
)


def _state(device: Device) -> str:
    """The fields of a device that checks read; of an address on PCI and the like its type only."""
    values = {name: getattr(device, name, None) for name in _FILLED}
    if device.form != "drive":
        values["address"] = device.form
    else:
        values["address"] = (device.address.bus, device.address.target)  # type: ignore[union-attr]
    return repr((values, getattr(device, "shadowed", False)))


@pytest.mark.parametrize("release", PROBED, ids=dotted)
def test_a_note_tells_devices_of_the_same_text_apart(release: tuple[int, int]) -> None:
    """Devices of one text, and added ones, with the same note have the same values in all fields that checks read."""
    host = Host.named(libvirt=dotted(release))
    grounds: dict[object, Known] = {}
    found: dict[object, str] = {}
    count = 0
    for _, text in domains(200, 7, release):
        try:
            resolved = resolve(read(text.encode()), host)
        except VirtkitError:
            continue
        emulator: Emulator = resolved.context.emulator
        known = grounds.setdefault((resolved.machine, id(emulator)), Known(emulator))
        for device in resolved.devices:
            if device.alike is not None or device.added:
                key = (device.alike, known._note(device))
                count += key in found
                assert found.setdefault(key, _state(device)) == _state(device), device
    assert count > 200
