"""The devices of a domain as typed values: one class for each kind that needs its own fields.

A device knows its element (None when resolution added it). Every decision about it is an ``Edit`` that the writer
makes in the text; the rest of the text is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lxml import etree

from virtkit.domain.document import line_of
from virtkit.domain.edits import Edit, RemoveChild, SetAttribute, UnsetAttribute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element as Element

    from virtkit.domain.address import Address

__all__ = [
    "VIRTIO",
    "Alike",
    "Chardev",
    "Controller",
    "Device",
    "Disk",
    "Filesystem",
    "Hostdev",
    "Input",
    "Memory",
    "Nic",
    "Video",
]

VIRTIO = frozenset({"virtio", "virtio-transitional", "virtio-non-transitional"})


@dataclass(slots=True, eq=False)
class Alike:
    """What the devices share whose elements have the same text in one libvirt release.

    ``element`` is one with the text, and ``checks`` what a later step found out from the text alone, None until then.
    ``accepted`` notes where devices with this text passed the checks of a single device, see
    ``virtkit.resolution.constraints.accepted``. ``options`` says whether a driver option is written that QEMU may
    refuse or ignore, None until then. ``recurs`` is False for a text that is new: the element is then the domain's own,
    and nothing need be kept.
    """

    element: Element
    checks: object = None
    accepted: set[object] = field(default_factory=set)
    options: bool | None = None
    recurs: bool = True


class Origin(Protocol):
    """The document of a device whose element is looked up when it is asked for."""

    def element(self, position: int) -> Element:
        """The child of ``<devices>`` with a number."""

    def line(self, position: int) -> int:
        """The line on which that child begins."""


@dataclass(slots=True, eq=False, repr=False)
class Device:
    """Any device. ``position`` counts the children of ``<devices>``, -1 when resolution added it.

    ``origin`` is its element, or the document that has it; None when resolution added it.

    ``model`` is the model as written or filled in, None when neither. ``given`` marks an address that the user
    wrote in full. ``id`` is the name libvirt gives it on QEMU's command line ("virtio-disk0"). ``children`` are the
    children of its element by name, the first of each, or those of an element with the same text: they have the same
    values, but may have lines of another document. ``alike`` is shared by the devices whose elements have the same
    text.
    """

    kind: str
    origin: Element | Origin | None
    position: int
    model: str | None = None
    address: Address | None = None
    alias: str | None = None
    given: bool = False
    edits: list[Edit] = field(default_factory=list)
    readdressed: bool = False
    id: str = ""
    children: Mapping[object, Element] = field(default_factory=dict)
    alike: Alike | None = None

    @property
    def added(self) -> bool:
        """Whether resolution added it."""
        return self.origin is None

    @property
    def element(self) -> Element | None:
        """Its element in the document, None when resolution added it. The document may have to be parsed for it."""
        found = self.origin
        return found if found is None or isinstance(found, etree._Element) else found.element(self.position)

    @property
    def sample(self) -> Element | None:
        """An element with its text, None when resolution added it; its lines and its open value may be others.

        It costs nothing, where ``element`` may parse the document.
        """
        return self.element if self.alike is None else self.alike.element

    @property
    def line(self) -> int | None:
        """Its line in the input, None when resolution added it."""
        found = self.origin
        if found is None:
            return None
        return line_of(found) if isinstance(found, etree._Element) else found.line(self.position)

    @property
    def form(self) -> str | None:
        """The type of its address: pci, ccw, usb, …; None without one."""
        return None if self.address is None else self.address.type

    @property
    def label(self) -> str:
        """The name in messages and tables."""
        return f"{self.kind} {self.model}" if self.model else self.kind

    def __repr__(self) -> str:
        where = "" if self.address is None else f" at {self.address}"
        return f"<{type(self).__name__} {self.label}{where}{', added' if self.added else ''}>"

    def set_attribute(self, path: str, name: str, value: str) -> None:
        """Write an attribute of the child ``path``, or of the device's own element for ""."""
        self.edits.append(SetAttribute(path, name, value))

    def unset_attribute(self, path: str, name: str) -> None:
        """Remove an attribute of the child ``path``, or of the device's own element for ""."""
        self.edits.append(UnsetAttribute(path, name))

    def remove_child(self, name: str) -> None:
        """Remove a child of the device's element."""
        self.edits.append(RemoveChild(name))

    def place(self, address: Address) -> None:
        """Give it an address, which the writer writes."""
        self.address = address
        self.readdressed = True


@dataclass(slots=True, eq=False, repr=False)
class Disk(Device):
    """A disk; ``written_bus`` is the bus attribute as written, ``number`` the number that its target name encodes."""

    type: str = "file"
    device: str = "disk"
    bus: str = ""
    written_bus: str | None = None
    target: str = ""
    number: int = -1
    serial: str | None = None

    @property
    def label(self) -> str:
        """The name in messages and tables."""
        return f"disk {self.target}"


@dataclass(slots=True, eq=False, repr=False)
class Controller(Device):
    """A controller. ``index`` is -1 until given; ``options`` are the attributes of ``<target>``, ``node`` its child."""

    type: str = ""
    index: int = -1
    model_name: str | None = None
    ports: int | None = None
    startport: int | None = None
    options: dict[str, int] = field(default_factory=dict)
    hotplug: str | None = None
    node: int | None = None
    serial: str | None = None

    @property
    def label(self) -> str:
        """The name in messages and tables."""
        name = f"controller {self.type} {self.index}" if self.index >= 0 else f"controller {self.type}"
        return f"{name} ({self.model})" if self.model else name


@dataclass(slots=True, eq=False, repr=False)
class Nic(Device):
    """A network interface; ``source`` is "pci" or "usb" for type hostdev."""

    type: str = ""
    source: str | None = None
    mac: str | None = None
    number: int = 0

    @property
    def label(self) -> str:
        """The name in messages and tables."""
        return f"interface {self.number}" + (f" ({self.model})" if self.model else "")


@dataclass(slots=True, eq=False, repr=False)
class Hostdev(Device):
    """A host device that is assigned to the guest."""

    mode: str = "subsystem"
    type: str = ""

    @property
    def label(self) -> str:
        """The name in messages and tables."""
        return f"hostdev {self.type}"


@dataclass(slots=True, eq=False, repr=False)
class Video(Device):
    """A display adapter; ``model`` is its type, ``frontend`` the written ``device=``."""

    primary: bool = False
    driver: str | None = None
    accelerated: bool = False
    frontend: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class Chardev(Device):
    """A serial, parallel, channel, console or smartcard; ``target`` is the target type, ``port`` -1 until given.

    ``written_target`` and ``written_port`` are the two as written, None when not.

    A console is ``shadowed`` when the serial that it mirrors is written, too; libvirt then uses the serial's back end.
    """

    type: str = ""
    target: str | None = None
    written_target: str | None = None
    written_port: str | None = None
    target_model: str | None = None
    port: int = -1
    mirror: bool = False
    shadowed: bool = False

    @property
    def label(self) -> str:
        """The name in messages and tables."""
        return f"{self.kind} {self.target}" if self.target else self.kind


@dataclass(slots=True, eq=False, repr=False)
class Input(Device):
    """An input device."""

    type: str = ""
    bus: str = ""

    @property
    def label(self) -> str:
        """The name in messages and tables."""
        return f"input {self.type}"


@dataclass(slots=True, eq=False, repr=False)
class Filesystem(Device):
    """A shared folder; ``driver`` is "path" when not written."""

    driver: str = "path"


@dataclass(slots=True, eq=False, repr=False)
class Memory(Device):
    """A memory device."""

    node: int | None = None
