"""The host that a domain is resolved for: libvirt's release, QEMU's release, machine types and device types."""

from __future__ import annotations

from virtkit.host.emulator import Emulator, Machine
from virtkit.host.host import Host

__all__ = ["Emulator", "Host", "Machine"]
