"""How a host and an emulator are shown in a notebook."""

from __future__ import annotations

from virtkit import display
from virtkit.draw.html_card import Card
from virtkit.host import Host
from virtkit.host.emulator import Emulator
from virtkit.releases import dotted
from virtkit.wording import counted

__all__ = ["emulator_html", "host_html"]


@display.html.register(Host)
def host_html(host: Host) -> str:
    """A host: its releases, and what its QEMU offers for each architecture."""
    card = Card(f"libvirt {dotted(host.libvirt)}", f"QEMU {dotted(host.qemu)}")
    rows = []
    for arch in host.architectures:
        emulator = host.emulator(arch)
        if emulator is not None:
            machine = host.default_machine(arch) or "none"
            rows.append((arch, machine, len(emulator.names), len(emulator.devices), emulator.package, emulator.source))
    card.table(
        ("architecture", "default machine type", "machine types", "device types", "package", "source"),
        rows,
        noun="architecture",
    )
    return card.html()


@display.html.register(Emulator)
def emulator_html(emulator: Emulator) -> str:
    """A QEMU binary: its machine types."""
    card = Card(f"QEMU {dotted(emulator.release)} for {emulator.arch}", emulator.package, emulator.source)
    card.line(f"{counted(len(emulator.names), 'machine type')}, {counted(len(emulator.devices), 'device type')}")
    machines = dict.fromkeys(emulator.machines.values())
    rows = [(one.name, one.alias, one.root, one.max_cpus, "deprecated" if one.deprecated else "") for one in machines]
    card.table(("machine type", "alias", "root bus", "maximum CPUs", "status"), rows, noun="machine type")
    return card.html()
