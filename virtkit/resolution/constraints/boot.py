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
    if "lifecycle-actions" in context.behaves:
        _check_actions(context)
    os_element = context.find("os")
    if os_element is None:
        return
    bios = next(os_element.iterchildren("bios"), None)
    if bios is not None and bios.get("useserial") == "yes":
        if context.arch not in _X86:
            raise Refused(CFG, "BIOS serial console only supported on x86 architectures")
        if not draft.devices.serials:
            raise Refused(XML, "need at least one serial port to use BIOS serial output")
    acpi = context.find("features/acpi") is not None
    loader = next(os_element.iterchildren("loader"), None)
    flash = loader is not None and loader.get("type") == "pflash"
    if acpi and context.arch == "aarch64" and not flash and os_element.get("firmware") != "efi":
        raise Refused(CFG, "ACPI requires UEFI on this architecture", "feature acpi")
    if not acpi and context.arch in _X86 and (flash or os_element.get("firmware") == "efi"):
        raise Refused(CFG, "UEFI requires ACPI on this architecture", "loader" if flash else "firmware")


def _check_actions(context: Context) -> None:
    """Refuse actions on power off, reboot and crash that the QEMU driver does not support.

    Source: libvirt 11.3, messages of the QEMU driver; observed: libvirt 9.0 refuses on_poweroff 'preserve'.
    """
    actions = {tag: context.children.get(tag) for tag in ("on_poweroff", "on_reboot", "on_crash")}
    if all(element is None for element in actions.values()):
        return
    for refused, tags in (("rename-restart", tuple(actions)), ("preserve", ("on_reboot", "on_poweroff"))):
        for tag in tags:
            element = actions[tag]
            if element is not None and (element.text or "").strip() == refused:
                among = "/".join(f"'{name}'" for name in ("on_reboot", "on_poweroff", "on_crash") if name in tags)
                what = f"qemu driver doesn't support the '{refused}' action for {among}"
                raise Refused(CFG, what, tag, line_of(element))


def _check_orders(context: Context, draft: Draft) -> None:
    devices = draft.devices
    seen: dict[int, Device] = {}
    bootable = (devices.disks, devices.nics, devices.hostdevs, devices.redirdevs, devices.filesystems)
    for group in bootable:
        for device in group:
            if "boot" not in device.children:
                continue
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
