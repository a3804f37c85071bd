"""A running domain as XML and as a resolved domain: what it began with, and what was attached and detached since."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from virtkit.domain.document import parse
from virtkit.domain.editor import Editor
from virtkit.domain.reader import read_devices
from virtkit.domain.writer import write
from virtkit.hotplug.changes import row
from virtkit.hotplug.device import inventory_of
from virtkit.resolved import Resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from virtkit.domain.device_classes import Inventory
    from virtkit.domain.devices import Device
    from virtkit.domain.document import Document
    from virtkit.domain.domain import Domain
    from virtkit.host import Host
    from virtkit.resolution.context import Context
    from virtkit.resolution.trace import Trace

__all__ = ["Snapshot", "running_xml"]

_EMPTY = "<domain><devices></devices></domain>"


class Snapshot(Resolved):
    """A running domain as a resolved one; ``text`` gives its XML."""

    def __init__(
        self,
        domain: Domain,
        host: Host,
        context: Context,
        inventory: Inventory,
        trace: Trace,
        text: Callable[[], str],
    ) -> None:
        super().__init__(domain, host, context, inventory, trace)
        self._text = text

    def xml(self) -> str:
        """The XML of the domain as it runs."""
        return self._text()


def running_xml(began: Resolved, devices: Inventory, documents: Mapping[int, Document]) -> str:
    """The XML of ``began`` with the ``devices`` of now; ``documents`` holds what each attached one was read from.

    A document is found by the ``id()`` of its device.
    """
    text = began.xml()
    document = parse(text.encode())
    root = document.root
    holder = root.find("devices")
    kept = {id(one) for one in devices.in_order()}
    known = {id(one) for one in began.devices}
    gone = Counter(row(one) for one in began.devices if id(one) not in kept)
    editor = Editor(text, root)
    for device in read_devices(document, began.context.at).in_order():
        if device.element is not None and gone[row(device)]:
            gone[row(device)] -= 1
            editor.remove(device.element)
    new = [_written(one, documents) for one in devices.in_order() if id(one) not in known]
    if new:
        editor.append(root if holder is None else holder, "\n".join(new))
    return editor.text()


def _written(device: Device, documents: Mapping[int, Document]) -> str:
    """The XML of a device that was attached, with its address."""
    document = documents.get(id(device)) or parse(_EMPTY.encode())
    whole = write(document, inventory_of(device))
    inner = whole.partition("<devices>")[2].rpartition("</devices>")[0].strip()
    return inner.replace("\n    ", "\n")
