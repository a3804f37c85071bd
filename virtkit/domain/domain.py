"""A domain as written: its text, and its name, architecture, machine type and devices."""

from __future__ import annotations

import os
from pathlib import Path

from virtkit import limits
from virtkit.display import Displayable
from virtkit.domain.by_hand import HOLDERS, NOTHING, ByHand, by_hand
from virtkit.domain.device_classes import Inventory
from virtkit.domain.devices import Device
from virtkit.domain.document import MAX_BYTES, Document
from virtkit.domain.elements.reading import first_at, kids_of
from virtkit.domain.frame import Framed, parse_domain
from virtkit.domain.reader import read_devices
from virtkit.domain.source_map import Outline, outline
from virtkit.domain.uuids import uuid_of
from virtkit.errors import InputError
from virtkit.memo import Lazy
from virtkit.releases import NEWEST

__all__ = ["Domain", "read"]

_OSINFO = "{http://libosinfo.org/xmlns/libvirt/domain/1.0}"


class Domain(Displayable):
    """A domain as written in its XML; it stays unchanged.

    ``arch`` is libvirt's name of the architecture, x86_64 when the XML names none; ``machine`` is as written, None
    when absent; ``type`` the domain type ("kvm", "qemu"); ``osinfo_id`` the guest OS of its libosinfo metadata;
    ``notes`` are sentences on what the reader of another format assumed. ``children`` are the children of its root
    element by name, the first of each. ``virtkit.read`` makes one.

    >>> import virtkit as vk
    >>> domain = vk.read(vk.samples() / "rhel6-q35-virtio.xml")
    >>> domain
    <Domain 'erp-db-rhel6' x86_64 pc-q35-8.2>
    >>> domain.devices[0]
    <Disk disk vda>
    >>> domain.osinfo_id
    'http://redhat.com/rhel/6.10'
    """

    def __init__(self, document: Document, notes: tuple[str, ...] = ()) -> None:
        self.document = document
        self.notes = notes
        root = document.frame
        self.children = kids_of(root)
        self.path = document.file
        self.name = self._text("name")
        self.type = root.get("type") or ""
        os_type = first_at(root, ("os", "type")) if "os" in self.children else None
        self.os = "" if os_type is None else (os_type.text or "").strip()
        self.arch_written = None if os_type is None else os_type.get("arch")
        self.arch = self.arch_written or "x86_64"
        self.machine = None if os_type is None else os_type.get("machine")

    @property
    def title(self) -> str:
        """The title, or an empty string."""
        return self._text("title")

    @property
    def uuid(self) -> str:
        """The UUID as written, else that of its SMBIOS, which libvirt takes then; or an empty string."""
        return uuid_of(self.children)

    @Lazy
    def osinfo_id(self) -> str | None:
        """The libosinfo URI of the guest OS, None when the metadata have none."""
        for holder in self.document.frame.iterchildren("metadata") if "metadata" in self.children else ():
            for found in holder.iter(f"{_OSINFO}os"):
                return found.get("id")
        return None

    @Lazy
    def outline(self) -> Outline:
        """The places of its devices in its text."""
        document = self.document
        return document.outline if isinstance(document, Framed) else outline(document.text)

    @property
    def names(self) -> frozenset[str]:
        """The names of the elements below its ``<devices>``."""
        document = self.document
        if isinstance(document, Framed):
            return frozenset([name for name, _, _ in document.written])
        return frozenset(self.outline.names)

    @Lazy
    def inventory(self) -> Inventory:
        """The devices as written, by class. Raises Refused for what libvirt refuses while parsing."""
        return read_devices(self.document, NEWEST)

    @Lazy
    def by_hand(self) -> ByHand:
        """What it hands to QEMU past libvirt, as far as that concerns its devices."""
        return NOTHING if HOLDERS.isdisjoint(self.children) else by_hand(self.document.frame)

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices as written, in libvirt's general order."""
        return tuple(self.inventory.in_order())

    def __repr__(self) -> str:
        return f"<Domain {self.name!r} {self.arch} {self.machine or 'default machine'}>"

    def _text(self, tag: str) -> str:
        found = self.children.get(tag)
        return "" if found is None else (found.text or "").strip()


def read(source: str | bytes | os.PathLike[str], file: str | None = None) -> Domain:
    """Read a domain from a file (a path) or from its XML (bytes), which must be domain XML; see ``virtkit.read``.

    ``file`` is its name in messages. At most 16 MiB are read, and external entities are not fetched.
    Raises InputError when the file cannot be read or is not domain XML.
    """
    if isinstance(source, bytes):
        return Domain(parse_domain(source, file))
    path = Path(source)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(limits.BYTES.too_large, str(path))
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", str(path)) from None
    return Domain(parse_domain(data, file or str(path)))
