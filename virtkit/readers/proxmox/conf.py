"""The configuration file of a Proxmox VE machine: keys with their lines, and the sections after them.

Source: Proxmox VE, qm.conf(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["MOST", "Conf", "Entry", "Section", "looks_like_conf", "parse"]

MOST = {
    "net": 31, "ide": 3, "scsi": 30, "virtio": 15, "sata": 5, "hostpci": 15, "usb": 13, "serial": 3, "virtiofs": 9,
}  # fmt: skip
"""The highest number of each kind of device, as in ``net31``."""

_LINE = re.compile(r"([a-z][a-z0-9_-]*):[ \t]*(.*)")
_NUMBERED = re.compile(rf"({'|'.join(MOST)})(\d+)")
_SECTION = re.compile(r"\[([^\]]*)\]\s*")
_KNOWN = re.compile(
    rb"^(?:agent|args|balloon|bios|boot|bootdisk|cores|cpu|efidisk0|hostpci\d+|ide\d|machine|memory|meta|net\d+|numa"
    rb"|onboot|ostype|sata\d|scsi\d+|scsihw|smbios1|sockets|tpmstate0|usb\d+|vga|virtio\d+|vmgenid):[ \t]",
    re.M,
)
_OWN = re.compile(
    rb"^(?:ostype:[ \t]*(?:l2[46]|w[a-z0-9]+|other|solaris)|scsihw:|smbios1:[ \t]*\S*uuid=|vmgenid:|bootdisk:"
    rb"|boot:[ \t]*(?:order=|[acdn]+\s)"
    rb"|net\d+:[ \t]*[a-z0-9_]+=[0-9A-Fa-f]{2}:|(?:scsi|virtio|sata|ide|efidisk)\d+:[ \t]*[^ \t:]+:[^ \t])",
    re.M,
)
_CONTAINER = re.compile(rb"^(?:rootfs|lxc\.[a-z.]+|unprivileged|mp\d+):[ \t]", re.M)
_LEAST = 2
_FILE = re.compile(r"[1-9][0-9]{1,8}\.conf")
_HEAD = 65_536
_YES = frozenset({"1", "on", "yes", "true"})


@dataclass(frozen=True, slots=True)
class Entry:
    """The value of one key, and its line."""

    text: str
    line: int

    def properties(self, first: str = "") -> dict[str, str]:
        """The value as a list of properties, ``key=value,…``; ``first`` names a value without a key."""
        found: dict[str, str] = {}
        for part in self.text.split(","):
            key, equals, value = part.partition("=")
            if equals:
                found[key.strip()] = value.strip()
            elif first and first not in found:
                found[first] = part.strip()
        return found

    @property
    def on(self) -> bool:
        """Whether it is a switch that is on."""
        return self.text.strip().lower() in _YES


@dataclass(frozen=True, slots=True)
class Section:
    """A section after the configuration: a snapshot, the changes that are pending, or data of a service."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Conf:
    """The keys of the current configuration, the sections after them, and lines that are not understood.

    ``repeated`` holds each key that is there again, with the line of the earlier one.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    stray: tuple[int, ...] = ()
    repeated: tuple[tuple[str, int], ...] = ()
    container: bool = False

    def get(self, key: str) -> str:
        """The value of a key, or an empty text."""
        found = self.entries.get(key)
        return "" if found is None else found.text

    def beyond(self) -> Iterator[tuple[str, str, Entry]]:
        """The devices with a number that Proxmox VE does not have: the kind, the key and the entry."""
        for key, entry in self.entries.items():
            match = _NUMBERED.fullmatch(key)
            if match and int(match[2][:6]) > MOST[match[1]]:
                yield match[1], key, entry

    def line(self, key: str) -> int:
        """The line of a key, 0 when it is not there."""
        found = self.entries.get(key)
        return 0 if found is None else found.line

    def numbered(self, name: str) -> Iterator[tuple[int, Entry]]:
        """The entries of one kind of device, ``net0`` and so on, in order."""
        for number in range(MOST[name] + 1):
            found = self.entries.get(f"{name}{number}")
            if found is not None:
                yield number, found


def looks_like_conf(data: bytes, name: str) -> bool:
    """Whether the bytes look like a configuration of a Proxmox VE machine or container.

    One known key is enough in a file with a name that Proxmox gives, such as ``100.conf``.
    """
    part = data[:_HEAD]
    if part.lstrip()[:1] in (b"<", b"{"):
        return False
    keys = {match[0] for match in _KNOWN.finditer(part)}
    if keys and _FILE.fullmatch(name):
        return True
    return (len(keys) >= _LEAST and _OWN.search(part) is not None) or (
        _CONTAINER.search(part) is not None and b"\nhostname:" in b"\n" + part
    )


def parse(text: str) -> Conf:
    """The current configuration and the names of the sections after it."""
    entries: dict[str, Entry] = {}
    sections: list[Section] = []
    stray: list[int] = []
    repeated: list[tuple[str, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        section = _SECTION.fullmatch(line)
        if section:
            sections.append(Section(section[1], number))
        elif sections or not line.strip() or line.startswith("#"):
            continue
        elif match := _LINE.fullmatch(line):
            if match[1] in entries:
                repeated.append((match[1], entries[match[1]].line))
            entries[match[1]] = Entry(match[2].strip(), number)
        else:
            stray.append(number)
    container = _CONTAINER.search(text.encode("utf-8", "replace")) is not None
    return Conf(entries, tuple(sections), tuple(stray), tuple(repeated), container)
