"""Devices in the short forms that people type: ``disk``, ``disk:virtio-transitional``, ``nic:e1000``, ``3*rng``.

Each form becomes device XML with a name, MAC address or target that the domain does not use yet. The back ends are
stand-ins: they decide nothing about places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import count, product
from pathlib import Path
from string import ascii_lowercase
from types import MappingProxyType
from typing import NamedTuple

from virtkit import limits
from virtkit.domain.device_classes import Inventory
from virtkit.domain.document import MAX_BYTES
from virtkit.errors import UsageError
from virtkit.hotplug.device import target_name

__all__ = ["FORMS", "Names", "devices_of", "is_xml"]

MOST = 1024
"""The most devices that one short form may stand for."""

_FORM = re.compile(r"(?:(\d+)\*)?([a-z][a-z-]*)(?::(.+))?$")
_WORD = re.compile(r"[A-Za-z0-9._:-]+$")


class Names:
    """Hands out disk targets, MAC addresses and channel names that some inventories do not use."""

    def __init__(self, *inventories: Inventory) -> None:
        self._taken: set[str] = set()
        self._series: dict[str, Iterator[str]] = {}
        for devices in inventories:
            self._taken |= {disk.target for disk in devices.disks}
            self._taken |= {(nic.mac or "").lower() for nic in devices.nics}
            self._taken |= {target_name(channel) for channel in devices.channels}
            self._taken |= {one.element.get("name") or "" for one in devices.shmems if one.element is not None}

    def target(self, prefix: str) -> str:
        """The next free disk target of a prefix: "vd" gives "vdb"."""
        return self._next(prefix, (f"{prefix}{letters}" for letters in _letters()))

    def mac(self) -> str:
        """The next free MAC address of QEMU's range."""
        return self._next("mac", (f"52:54:00:76:{number >> 8:02x}:{number & 255:02x}" for number in count()))

    def name(self, stem: str) -> str:
        """The next free name "STEM.N"."""
        return self._next(stem, (f"{stem}.{number}" for number in count()))

    def _next(self, series: str, candidates: Iterator[str]) -> str:
        return next(one for one in self._series.setdefault(series, candidates) if one not in self._taken)


def _letters() -> Iterator[str]:
    """a to z, aa to az, ba and so on."""
    for width in count(1):
        yield from map("".join, product(ascii_lowercase, repeat=width))


class Form(NamedTuple):
    """A short form: what it makes, what may follow the colon, and the XML for a value after the colon ("" for none)."""

    means: str
    value: str
    xml: Callable[[Names, str], str]


def _disk(prefix: str, bus: str, device: str = "disk") -> Callable[[Names, str], str]:
    def xml(names: Names, value: str) -> str:
        model = f" model='{value}'" if value and bus == "virtio" else ""
        on = value if value and bus != "virtio" else bus
        target = names.target("hd" if on == "ide" else prefix)
        readonly = "<readonly/>" if device == "cdrom" else ""
        return (
            f"<disk type='file' device='{device}'{model}><driver name='qemu' type='raw'/>"
            f"<source file='/var/lib/libvirt/images/{target}.raw'/><target dev='{target}' bus='{on}'/>{readonly}</disk>"
        )

    return xml


def _nic(names: Names, value: str) -> str:
    return f"<interface type='user'><mac address='{names.mac()}'/><model type='{value or 'virtio'}'/></interface>"


def _rng(names: Names, value: str) -> str:
    return f"<rng model='{value or 'virtio'}'><backend model='random'>/dev/urandom</backend></rng>"


def _channel(names: Names, value: str) -> str:
    return f"<channel type='unix'><target type='virtio' name='{value or names.name('org.example')}'/></channel>"


def _serial(names: Names, value: str) -> str:
    return f"<serial type='pty'><target type='{value}'/></serial>" if value else "<serial type='pty'/>"


def _input(kind: str) -> Callable[[Names, str], str]:
    return lambda names, value: f"<input type='{kind}' bus='{value or 'usb'}'/>"


def _dimm(names: Names, value: str) -> str:
    size = value or "512"
    if not size.isdigit():
        raise UsageError(f"dimm:{value}: expected a size in MiB, such as dimm:1024")
    return f"<memory model='dimm'><target><size unit='MiB'>{size}</size><node>0</node></target></memory>"


def _controller(names: Names, value: str) -> str:
    type_, _, model = (value or "scsi:virtio-scsi").partition(":")
    return f"<controller type='{type_}'" + (f" model='{model}'/>" if model else "/>")


def _plain(text: str, standard: str = "") -> Callable[[Names, str], str]:
    return lambda names, value: text.format(value or standard)


def _shmem(names: Names, value: str) -> str:
    model = value or "ivshmem-plain"
    return f"<shmem name='{names.name('shmem')}'><model type='{model}'/><size unit='M'>4</size></shmem>"


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "disk": Form("a disk on bus virtio", "its model", _disk("vd", "virtio")),
        "scsi-disk": Form("a disk on bus scsi", "", _disk("sd", "scsi")),
        "usb-disk": Form("a disk on bus usb", "", _disk("sd", "usb")),
        "sata-disk": Form("a disk on bus sata", "", _disk("sd", "sata")),
        "ide-disk": Form("a disk on bus ide", "", _disk("hd", "ide")),
        "cdrom": Form("a CD-ROM on bus scsi", "another bus", _disk("sd", "scsi", "cdrom")),
        "nic": Form("a NIC of model virtio", "another model", _nic),
        "rng": Form("a random number generator", "its model", _rng),
        "channel": Form("a virtio channel", "its name", _channel),
        "serial": Form("a serial port", "its target type", _serial),
        "dimm": Form("a DIMM of 512 MiB", "its size in MiB", _dimm),
        "tablet": Form("a tablet on bus usb", "another bus", _input("tablet")),
        "mouse": Form("a mouse on bus usb", "another bus", _input("mouse")),
        "keyboard": Form("a keyboard on bus usb", "another bus", _input("keyboard")),
        "watchdog": Form("a watchdog i6300esb", "another model", _plain("<watchdog model='{}'/>", "i6300esb")),
        "sound": Form("a sound card ich9", "another model", _plain("<sound model='{}'/>", "ich9")),
        "vsock": Form("a vsock", "its model", _plain("<vsock model='{}'><cid auto='yes'/></vsock>", "virtio")),
        "shmem": Form("shared memory", "its model", _shmem),
        "controller": Form("a controller scsi:virtio-scsi", "TYPE[:MODEL]", _controller),
    }
)
"""The short forms by name."""


def is_xml(text: str) -> bool:
    """Whether an argument is device XML or the name of a file with some."""
    return text.lstrip().startswith("<") or text.endswith(".xml") or "/" in text


def devices_of(text: str, names: Names) -> list[str]:
    """The XML of each device that an argument stands for: device XML itself, the name of a file, or a short form.

    Raises UsageError for an argument that is none of these, or a file that cannot be read.
    """
    if is_xml(text):
        return [text if text.lstrip().startswith("<") else _from_file(Path(text))]
    found = _FORM.match(text)
    form = None if found is None else FORMS.get(found[2])
    if found is None or form is None:
        known = f"FORM one of {', '.join(FORMS)}"
        raise UsageError(f"{text!r}: expected device XML, a file that ends in .xml, or [N*]FORM[:VALUE] with {known}")
    number, value = int(found[1] or 1), found[3] or ""
    if not 1 <= number <= MOST:
        raise UsageError(f"{text}: expected from 1 to {MOST:,} devices; this limit is fixed")
    if value and not form.value:
        raise UsageError(f"{text}: {found[2]} takes no value after the colon")
    if value and not _WORD.match(value):
        raise UsageError(f"{text}: expected letters, digits, '.', '_' and '-' after the colon")
    return [form.xml(names, value) for _ in range(number)]


def _from_file(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: {limits.BYTES.too_large}")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(f"{path}: cannot be read: {reason}") from None
