"""The persistent definition as a side of hot plug: a device is added to or removed from it, and it is resolved anew."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from virtkit.domain.devices import Chardev, Controller, Device, Memory
from virtkit.domain.domain import read
from virtkit.domain.editor import Editor
from virtkit.domain.reader import read_devices
from virtkit.hotplug.changes import rows
from virtkit.hotplug.device import NewDevice, inventory_of
from virtkit.hotplug.duplicates import check_defined
from virtkit.hotplug.matching import console_of, same_device
from virtkit.hotplug.memory_map import check_total
from virtkit.hotplug.rules import CONFIG, check_plug, check_unplug
from virtkit.resolution.constraints.capabilities import check_drivers
from virtkit.resolution.constraints.controllers import check_controllers
from virtkit.resolution.context import Draft
from virtkit.resolution.pipeline import resolve_domain
from virtkit.resolved import Resolved

if TYPE_CHECKING:
    from virtkit.hotplug.changes import Row

__all__ = ["Definition", "with_device"]


def with_device(resolved: Resolved, xml: str) -> str:
    """The text of a domain as written, with one device more and no address but those that were written."""
    document = resolved.domain.document
    editor = Editor(document.text, document.root)
    holder = document.root.find("devices")
    if holder is None:
        editor.append(document.root, f"<devices>{xml}</devices>")
    else:
        editor.append(holder, xml)
    return editor.text()


class Definition:
    """A persistent definition; attach and detach give a new one, so that a refusal leaves this one as it was."""

    def __init__(self, resolved: Resolved) -> None:
        self.resolved = resolved
        self._rows: Counter[Row] | None = None

    @property
    def rows(self) -> Counter[Row]:
        """Its devices as rows."""
        if self._rows is None:
            self._rows = rows(self.resolved.inventory)
        return self._rows

    def xml(self) -> str:
        """The definition as libvirt keeps it."""
        return self.resolved.xml()

    def attach(self, new: NewDevice) -> Definition:
        """The definition with one device more, placed as libvirt places it when it defines. Raises Refused."""
        device = new.device(self.resolved.context.at)
        check_plug(self.resolved.context, CONFIG, device)
        check_defined(self.resolved.context, self.resolved.inventory, device)
        if isinstance(device, Memory):
            check_total(self.resolved.context, self.resolved.inventory.memories, device)
        if isinstance(device, Controller):
            # Later no controller is checked, where older releases trust those that a device brings.
            strict = replace(self.resolved.context, plugged=False)
            check_drivers(strict, [device])
            if device.type == "ide" and device.index <= 0:
                device.index = 0
                check_controllers(strict, Draft(inventory_of(device)), [device])
        text = self.resolved.xml()
        domain = read(text.encode(), self.resolved.domain.path)
        root = domain.document.root
        editor = Editor(text, root)
        holder = root.find("devices")
        xml = new.xml + self._console_for(device)
        if holder is None:
            editor.append(root, f"<devices>{xml}</devices>")
        else:
            editor.append(holder, xml)
        return self._again(editor.text())

    def detach(self, new: NewDevice) -> Definition:
        """The definition without the device that matches; its controllers stay. Raises Refused when none matches."""
        context = self.resolved.context
        wanted = new.device(context.at)
        check_unplug(context, CONFIG, wanted)
        text = self.resolved.xml()
        document = read(text.encode(), self.resolved.domain.path).document
        devices = read_devices(document, context.at)
        found = same_device(context, devices, wanted)
        editor = Editor(text, document.root)
        for one in (found, console_of(devices, found)):
            if one is not None and one.element is not None:
                editor.remove(one.element)
        return self._again(editor.text())

    def _console_for(self, device: Device) -> str:
        """The console that shows the first serial of a domain without consoles, "" where there is none to add."""
        present = self.resolved.inventory
        if not isinstance(device, Chardev) or device.kind != "serial" or present.serials or present.consoles:
            return ""
        return f"<console type='{device.type or 'pty'}'><target type='serial' port='0'/></console>"

    def _again(self, text: str) -> Definition:
        domain = read(text.encode(), self.resolved.domain.path)
        return Definition(Resolved(*resolve_domain(domain, self.resolved.host, plugged=True)))
