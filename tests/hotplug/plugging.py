"""Small domains with known room, and short ways to plug devices into them."""

from __future__ import annotations

from tests.writing import NEW, host
from virtkit import read, resolve
from virtkit.hotplug.forms import Names, devices_of
from virtkit.hotplug.session import Outcome, Session, Step

ROOT = "<controller type='pci' index='0' model='pcie-root'/>"
PORT = "<controller type='pci' model='pcie-root-port'/>"
BARE = "<memballoon model='none'/><controller type='usb' model='none'/>"


def domain(devices: str = "", machine: str = "q35", arch: str = "x86_64", extra: str = "") -> str:
    """A domain without a balloon and USB, so that only what a test names takes a place."""
    return (
        f"<domain type='qemu'><name>plugged</name>{extra}<memory unit='MiB'>256</memory><os>"
        f"<type arch='{arch}' machine='{machine}'>hvm</type></os><features><acpi/></features>"
        f"<devices>{BARE}{devices}</devices></domain>"
    )


def q35(ports: int, devices: str = "") -> str:
    """A q35 domain with so many root ports, on buses 1 and up."""
    return domain(f"{ROOT}{PORT * ports}{devices}")


def session(xml: str, release: str = NEW) -> Session:
    """A session on a domain that is taken as running and as defined."""
    return Session(resolve(read(xml.encode()), host(release)))


def plug(found: Session, what: str, to: str = "live") -> Outcome:
    """The outcome of attaching one device, in any form that the command line takes."""
    names = Names(found.running.devices, found.definition.resolved.inventory)
    (xml,) = devices_of(what, names)
    return found.step(Step("attach", to, xml))


def place(outcome: Outcome, side: str = "live") -> str:
    """The address of the last new device of an outcome, "bus:slot" for PCI."""
    assert outcome.ok, outcome.error
    changes = outcome.live if side == "live" else outcome.config
    words = dict(pair.split("=") for pair in changes[-1].address.split())
    if words["type"] != "pci":
        return " ".join(f"{name} {value}" for name, value in words.items())
    return f"{int(words['bus'], 16):x}:{int(words['slot'], 16):x}"
