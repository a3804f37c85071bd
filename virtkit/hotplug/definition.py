"""The persistent definition as a side of hot plug: a device is added to or removed from it, and it is resolved anew."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lxml import etree

from virtkit.domain.devices import Chardev, Controller, Device, Disk
from virtkit.domain.domain import read
from virtkit.domain.editor import Editor
from virtkit.errors import Refused
from virtkit.hotplug.changes import rows
from virtkit.hotplug.device import NewDevice, action_of, same_device
from virtkit.hotplug.rules import check_plug
from virtkit.resolved import resolve

if TYPE_CHECKING:
    from virtkit.host import Host
    from virtkit.hotplug.changes import Row
    from virtkit.resolved import Resolved

__all__ = ["Definition"]

INVALID = "Requested operation is not valid"


class Definition:
    """A persistent definition; attach and detach give a new one, so that a refusal leaves this one as it was."""

    def __init__(self, resolved: Resolved) -> None:
        self.resolved = resolved

    @property
    def rows(self) -> Counter[Row]:
        """Its devices as rows."""
        return rows(self.resolved.inventory)

    def xml(self) -> str:
        """The definition as libvirt keeps it."""
        return self.resolved.xml()

    def attach(self, device: NewDevice) -> Definition:
        """The definition with one device more, placed as libvirt places it when it defines. Raises Refused."""
        context, inventory = self.resolved.context, self.resolved.inventory
        found, _ = device.read(context.at)
        check_plug(context, "config", found)
        if isinstance(found, Disk) and any(one.target == found.target for one in inventory.disks):
            raise Refused("operation failed", f"target {found.target} already exists", found.label)
        if isinstance(found, Controller) and any(
            one.type == found.type and one.index == found.index for one in inventory.controllers
        ):
            what = f"controller index='{found.index}' already exists"
            raise Refused("Requested operation is not valid", what, found.label)
        if found.kind == "watchdog":
            self._check_watchdog(found)
        xml = device.xml
        if isinstance(found, Chardev) and found.kind == "serial" and not inventory.serials and not inventory.consoles:
            # The first serial of a domain without consoles is shown as its console, too.
            xml += f"<console type='{found.type or 'pty'}'><target type='serial' port='0'/></console>"
        text = self.resolved.xml()
        root = etree.fromstring(text.encode())
        holder = root.find("devices")
        editor = Editor(text, root)
        if holder is None:
            editor.append(root, f"<devices>{xml}</devices>")
        else:
            editor.append(holder, xml)
        return self._again(editor.text())

    def _check_watchdog(self, device: Device) -> None:
        watchdogs = self.resolved.inventory.watchdogs
        if "several-watchdogs" not in self.resolved.context.behaves:
            if watchdogs:
                raise Refused(INVALID, "domain already has a watchdog", device.label)
        elif any(one.model == device.model and action_of(one) == action_of(device) for one in watchdogs):
            raise Refused(INVALID, "device is already in the domain configuration", device.label)

    def detach(self, device: NewDevice) -> Definition:
        """The definition without the device that matches. Controllers stay. Raises Refused when none matches."""
        found = same_device(self.resolved.inventory, device)
        if found is None:
            raise Refused("device not found", f"no device of this definition matches {device.label}", device.label)
        text = self.resolved.xml()
        root = etree.fromstring(text.encode())
        again = read(text.encode()).inventory
        target = same_device(again, device)
        if target is None or target.element is None:
            raise Refused("device not found", f"no device of this definition matches {device.label}", device.label)
        path = target.element.getroottree().getpath(target.element)
        element = root.getroottree().xpath(path)[0]
        editor = Editor(text, root)
        editor.remove(element)
        return self._again(editor.text())

    def _again(self, text: str) -> Definition:
        domain = read(text.encode(), self.resolved.domain.path)
        return Definition(resolve(domain, self.resolved.host))


def definition_of(text: bytes, host: Host) -> Definition:
    """A definition from XML. Raises InputError and Refused."""
    return Definition(resolve(read(text), host))
