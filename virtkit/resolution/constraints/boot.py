"""Refusals of boot settings: boot orders, the serial port of the BIOS, UEFI and ACPI.

Source: libvirt, "Domain XML format", Operating system booting; observed: libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from virtkit.domain.boot_order import order_of
from virtkit.domain.devices import Device
from virtkit.domain.document import line_of
from virtkit.errors import Refused
from virtkit.resolution.context import Context, Draft

__all__ = ["check_boot"]

CFG = "unsupported configuration"
XML = "XML error"

_X86 = frozenset({"i686", "x86_64"})


def check_boot(context: Context, draft: Draft) -> None:
    """Refuse clashing boot orders, firmware without what it requires, and actions that QEMU does not support.

    Raises Refused.
    """
    _check_orders(context, draft)
    if "lifecycle-actions" in context.behaves and not context.children.keys().isdisjoint(_ACTIONS):
        _check_actions(context)
    os_element = context.children.get("os")
    if os_element is None:
        return
    kids = {one.tag: one for one in os_element.iterchildren("bios", "loader", reversed=True)}
    bios, loader = kids.get("bios"), kids.get("loader")
    if bios is not None and bios.get("useserial") == "yes":
        if context.arch not in _X86:
            raise Refused(CFG, "BIOS serial console only supported on x86 architectures")
        if not draft.devices.serials:
            raise Refused(XML, "need at least one serial port to use BIOS serial output")
    flash = loader is not None and loader.get("type") == "pflash"
    uefi = flash or os_element.get("firmware") == "efi"
    if context.arch == "aarch64" and not uefi and context.find("features/acpi") is not None:
        raise Refused(CFG, "ACPI requires UEFI on this architecture", "feature acpi")
    if context.arch in _X86 and uefi and context.find("features/acpi") is None:
        raise Refused(CFG, "UEFI requires ACPI on this architecture", "loader" if flash else "firmware")


_ACTIONS = ("on_poweroff", "on_reboot", "on_crash")
"""The elements that name an action."""


def _check_actions(context: Context) -> None:
    """Refuse actions on power off, reboot and crash that the QEMU driver does not support.

    Source: libvirt 11.3, messages of the QEMU driver; observed: libvirt 9.0 refuses on_poweroff 'preserve'.
    """
    actions = {tag: context.children[tag] for tag in _ACTIONS if tag in context.children}
    texts = {tag: (element.text or "").strip() for tag, element in actions.items()}
    for refused, tags in (("rename-restart", _ACTIONS), ("preserve", ("on_reboot", "on_poweroff"))):
        if refused not in texts.values():
            continue
        for tag in tags:
            if texts.get(tag) == refused:
                among = "/".join(f"'{name}'" for name in ("on_reboot", "on_poweroff", "on_crash") if name in tags)
                what = f"qemu driver doesn't support the '{refused}' action for {among}"
                raise Refused(CFG, what, tag, line_of(actions[tag]))


def _check_orders(context: Context, draft: Draft) -> None:
    devices = draft.devices
    bootable: list[Device] = [
        *devices.disks, *devices.nics, *devices.hostdevs, *devices.redirdevs, *devices.filesystems,
    ]  # fmt: skip
    seen: dict[int, Device] = {}
    for device in [one for one in bootable if "boot" in one.children]:
        order = order_of(device)
        if order is None:
            continue
        if context.find("os/boot") is not None:
            what = "per-device boot elements cannot be used together with os/boot elements"
            raise Refused(CFG, what, device.label, device.line)
        other = seen.setdefault(order, device)
        if other is not device:
            what = f"boot order '{order}' used for more than one device: {other.label} has it, too"
            raise Refused(CFG, what, device.label, device.line)
