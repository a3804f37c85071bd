"""Random domains that start, and random steps of hot plug on them: the same for the same seed and number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from virtkit.hotplug.forms import FORMS, Names
from virtkit.hotplug.session import Step

__all__ = ["MACHINES", "Scenario", "scenarios"]

MACHINES = {
    "q35": "x86_64",
    "pc": "x86_64",
    "virt": "aarch64",
    "pseries": "ppc64",
    "s390-ccw-virtio": "s390x",
}
"""The machines of random domains, with their architectures; q35 and pc are drawn more often."""

_WEIGHTS = {"q35": 10, "pc": 6, "virt": 3, "pseries": 2, "s390-ccw-virtio": 2}

_DEVICES = {
    "disk": 8,
    "disk:virtio-transitional": 3,
    "disk:virtio-non-transitional": 1,
    "scsi-disk": 4,
    "usb-disk": 2,
    "ide-disk": 1,
    "sata-disk": 1,
    "cdrom": 1,
    "nic": 6,
    "nic:e1000": 2,
    "nic:e1000e": 2,
    "nic:rtl8139": 1,
    "nic:virtio-transitional": 1,
    "rng": 3,
    "rng:virtio-transitional": 1,
    "channel": 3,
    "tablet": 2,
    "mouse": 1,
    "tablet:virtio": 1,
    "serial": 1,
    "serial:pci-serial": 1,
    "watchdog": 1,
    "sound": 1,
    "shmem": 1,
    "controller:scsi:virtio-scsi": 2,
    "controller:scsi": 1,
    "controller:scsi:lsilogic": 1,
    "controller:scsi:lsisas1068": 1,
    "controller:virtio-serial": 1,
    "controller:usb:qemu-xhci": 1,
    "controller:sata": 1,
    "dimm:128": 1,
}
"""What is attached, and how often."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A domain, and what is done to it while it runs."""

    name: str
    xml: str
    steps: tuple[Step, ...]


def scenarios(count: int, seed: int = 0, machine: str | None = None) -> Iterator[Scenario]:
    """``count`` random scenarios, of one ``machine`` where it is given."""
    for number in range(count):
        random = Random(f"{seed}:{number}")  # noqa: S311 - no secret
        chosen = machine or random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        names = Names()
        xml = _domain(random, chosen, names)
        steps = tuple(_steps(random, names, chosen, random.randint(3, 14)))
        yield Scenario(f"plug-{seed}-{number}", xml, steps)


def _device(random: Random, names: Names) -> str:
    form, _, value = random.choices(list(_DEVICES), list(_DEVICES.values()))[0].partition(":")
    return FORMS[form].xml(names, value)


def _domain(random: Random, machine: str, names: Names) -> str:
    """A domain with some devices that a definition always takes, and some room, or none, for more."""
    parts = [*_buses(random, machine)]
    for form, value, most in (("disk", "", 5), ("nic", "", 3), ("rng", "", 2)):
        parts += [FORMS[form].xml(names, value) for _ in range(random.randint(0, most))]
    if random.random() < 0.5:
        parts.append("<controller type='virtio-serial'/>")
    if random.random() < 0.5:
        parts.append("<controller type='scsi' model='virtio-scsi'/>")
    memory = ""
    if machine in ("q35", "pc") and random.random() < 0.3:
        memory = "<maxMemory slots='4' unit='MiB'>4096</maxMemory>"
    numa = "<cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>" if memory else ""
    acpi = "<features><acpi/></features>" if machine in ("q35", "pc") and random.random() < 0.85 else ""
    arch = MACHINES[machine]
    return (
        f"<domain type='qemu'><name>plug</name>{memory}<memory unit='MiB'>256</memory><vcpu>1</vcpu>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os>{acpi}{numa}"
        f"<devices>{''.join(parts)}</devices></domain>"
    )


def _buses(random: Random, machine: str) -> Iterator[str]:
    """PCI and USB controllers of a domain."""
    if machine in ("q35", "virt"):
        yield "<controller type='pci' index='0' model='pcie-root'/>"
        yield from ["<controller type='pci' model='pcie-root-port'/>"] * random.randint(3, 14)
        if random.random() < 0.5:
            yield "<controller type='pci' model='pcie-to-pci-bridge'/>"
    elif machine == "pc" and random.random() < 0.4:
        yield "<controller type='pci' index='0' model='pci-root'/>"
        yield "<controller type='pci' model='pci-bridge'/>"
    if machine != "s390-ccw-virtio":
        yield "<controller type='usb' model='qemu-xhci' ports='4'/>" if random.random() < 0.5 else ""


def _steps(random: Random, names: Names, machine: str, count: int) -> Iterator[Step]:
    kept: list[str] = []
    for _ in range(count):
        if kept and random.random() < 0.12:
            # A running guest that is paused lets nothing go, so only definitions are asked to give up a device.
            yield Step("detach", "config", kept.pop(random.randrange(len(kept))))
            continue
        xml = _device(random, names)
        side = random.choices(("live", "config", "both"), (4, 2, 4))[0]
        if random.random() < 0.12 and machine != "s390-ccw-virtio" and xml.startswith(("<disk", "<interface", "<rng")):
            xml = _addressed(random, xml)
        if random.random() < 0.3 and xml.startswith("<disk") and "bus='scsi'" in xml:
            xml = _with_unit(random, xml)
        if side != "live" and xml.startswith(("<disk", "<interface")):
            kept.append(xml)
        yield Step("attach", side, xml)


def _addressed(random: Random, xml: str) -> str:
    """A device with a PCI address that may or may not be free."""
    if xml.startswith("<disk") and "bus='virtio'" not in xml:
        return xml
    bus, slot = random.randint(0, 12), random.choice((0, 0, 0, 1, 3, 9, 31))
    function = random.choice((0, 0, 0, 0, 1))
    end = xml.rindex("</")
    return f"{xml[:end]}<address type='pci' domain='0' bus='{bus}' slot='{slot}' function='{function}'/>{xml[end:]}"


def _with_unit(random: Random, xml: str) -> str:
    """A disk on bus scsi with a unit of some controller, which may or may not be there."""
    controller, target = random.choice((0, 0, 0, 1, 2)), random.choice((0, 0, 0, 1))
    unit = random.choice((0, 1, 6, 7, 9))
    end = xml.rindex("</")
    at = f"<address type='drive' controller='{controller}' bus='0' target='{target}' unit='{unit}'/>"
    return f"{xml[:end]}{at}{xml[end:]}"
