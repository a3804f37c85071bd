"""Stub back ends: what each virtio device needs, besides its own options, before QEMU realizes it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from virtkit.verify.vhost_user import StandIn

__all__ = ["Stubs"]

#: Kinds that need something of the host that no stub can replace.
_OUT_OF_REACH: Mapping[str, str] = {
    "vhost-scsi": "a vhost-scsi target of the host",
    "input-host": "an input device of the host",
    "vsock": "/dev/vhost-vsock",
}
_VHOST_USER = frozenset({"fs", "vu-blk"})
_MEMORY = 128 << 20


@dataclass(slots=True)
class Stubs:
    """The back ends of one QEMU: its extra arguments, the descriptors it inherits, and what to close."""

    arguments: list[str] = field(default_factory=list)
    stand_ins: list[StandIn] = field(default_factory=list)
    memory_devices: int = 0

    def attach(self, kind: str, options: Mapping[str, Any]) -> dict[str, Any] | str:
        """The device's options with a stub back end, or a text that names what is missing when there is no stub."""
        name = f"stub-{options['id']}"
        done = dict(options)
        missing = _OUT_OF_REACH.get(kind)
        if missing and not (kind == "vsock" and Path("/dev/vhost-vsock").exists()):
            return f"it needs {missing}"
        if "-gl" in str(options["driver"]):
            return "it needs a display with OpenGL"
        if kind == "blk":
            self._add("-blockdev", f"driver=null-co,node-name={name},size=1048576")
            done["drive"] = name
        elif kind == "net":
            self._add("-netdev", f"hubport,id={name},hubid=0")
            done["netdev"] = name
        elif kind == "9p":
            self._add("-fsdev", f"local,id={name},path={tempfile.gettempdir()},security_model=none")
            done |= {"fsdev": name, "mount_tag": name[:31]}
        elif kind == "crypto":
            self._add("-object", f"cryptodev-backend-builtin,id={name}")
            done["cryptodev"] = name
        elif kind == "sound":
            self._add("-audiodev", f"none,id={name}")
            done["audiodev"] = name
        elif kind == "vsock":
            done.setdefault("guest-cid", 100 + len(self.arguments))
        elif kind in ("mem", "pmem"):
            self._add("-object", f"memory-backend-ram,id={name},size={_MEMORY}")
            done["memdev"] = name
            done.pop("node", None)
            for key in ("block-size", "requested-size", "memaddr"):
                done.pop(key, None)
            self.memory_devices += 1
        elif kind in _VHOST_USER:
            stand_in = StandIn()
            self.stand_ins.append(stand_in)
            self._add("-chardev", f"socket,id={name},fd={stand_in.fileno()}")
            done["chardev"] = name
            if kind == "fs":
                done.setdefault("tag", name[:35])
        return done

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The file descriptors that QEMU inherits."""
        return tuple(stand_in.fileno() for stand_in in self.stand_ins)

    def close(self) -> None:
        """Ends all stand-ins."""
        for stand_in in self.stand_ins:
            stand_in.close()

    def _add(self, *words: str) -> None:
        self.arguments.extend(words)
