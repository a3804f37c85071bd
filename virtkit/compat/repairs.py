"""Changes that turn a domain which libvirt refuses into one that it accepts."""

from __future__ import annotations

from typing import NamedTuple

from virtkit.compat.conversion.disks import move_disks
from virtkit.domain.domain import Domain, read
from virtkit.domain.editor import Editor
from virtkit.errors import Refused

__all__ = ["Repair", "repaired"]

#: How the remedy of a refusal begins that this module can carry out.
_SATA = "put the disk on bus='sata'"


class Repair(NamedTuple):
    """The ``domain`` that libvirt no longer refuses for the same reason, and the ``steps`` in words."""

    domain: Domain
    steps: tuple[str, ...]


def repaired(domain: Domain, refusal: Refused) -> Repair | None:
    """The domain without what libvirt refuses in ``refusal``; None when no repair of it is known.

    A q35 machine, which has no IDE controller, gets SATA disks in place of IDE disks; all else stays as written.
    Source: libvirt, Domain XML format, disk buses; q35 has an AHCI controller.
    """
    if not refusal.remedy.startswith(_SATA):
        return None
    document = domain.document
    editor = Editor(document.text, document.root)
    devices = document.device_elements
    steps = []
    for device in devices:
        if device.tag == "controller" and device.get("type") == "ide":
            editor.remove(device)
            steps.append("controller ide: removed, the machine has none")
    steps += move_disks(editor, [one for one in devices if one.tag == "disk"], "q35")
    return Repair(read(editor.text().encode(document.codec), document.file), tuple(steps))
