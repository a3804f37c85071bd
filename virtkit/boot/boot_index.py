"""The boot index as a remedy: which devices need which ``<boot order>``, and the domain with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.boot.domain_firmware import INT13, boot_order, is_hard
from virtkit.domain.boot_order import order_of
from virtkit.domain.devices import Disk
from virtkit.domain.editor import Editor
from virtkit.wording import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from virtkit.boot.power_on import PowerOn
    from virtkit.domain.devices import Device
    from virtkit.resolved import Resolved

__all__ = ["with_boot_indices"]

#: Results that a boot index mends.
_MENDED = frozenset({"hidden", "not-tried"})


def with_boot_indices(resolved: Resolved, power: PowerOn) -> tuple[str, tuple[str, ...]] | None:
    """The domain with a boot index for each disk that the boot needs and that lacks one, and the changes in words.

    A system disk that the firmware does not try comes before the other hard disks; further disks come last. Where no
    hard disk has an index, the first one gets the last. None when no index helps.
    Source: libvirt, Domain XML format, <boot order> (not together with <os><boot dev>).
    """
    before = boot_order(resolved)
    wanted = _wanted(resolved, power, before)
    if wanted is None or any(device.element is None for device in wanted):
        return None
    numbers = _numbers(before, wanted)
    editor = Editor(resolved.domain.document.text, resolved.domain.document.root)
    steps = []
    for device in wanted:
        number = numbers[id(device)]
        if order_of(device) == number or device.element is None:
            continue
        boot = device.element.find("boot")
        if boot is None:
            editor.append(device.element, f"<boot order='{number}'/>")
        else:
            editor.set(boot, "order", str(number))
        steps.append(f"{device.label}: <boot order='{number}'/>")
    replaced = list(resolved.domain.document.root.iterfind("os/boot"))
    for node in replaced:
        editor.remove(node)
    if replaced:
        kinds = listed([f"<boot dev='{node.get('dev', '')}'/>" for node in replaced])
        steps.append(f"{kinds} removed, because libvirt takes either form and not both")
    return (editor.text(), tuple(steps)) if steps else None


def _wanted(resolved: Resolved, power: PowerOn, before: Sequence[Device]) -> list[Device] | None:
    """The devices that are to have a boot index, in their order; None when the present ones do."""
    devices = {one.id: one for one in resolved.devices if isinstance(one, Disk)}
    wanted = list(before)
    for disk in power.disks:
        if not disk.needed or disk.result not in _MENDED:
            continue
        device = devices[disk.device]
        rest = [one for one in wanted if one is not device]
        hard = [n for n, one in enumerate(rest) if is_hard(one)]
        if disk.result == "not-tried":
            place = hard[0] if hard else len(rest)
        elif disk.order is not None or len(hard) >= INT13:
            place = hard[0] + 1
        else:
            place = len(rest)
        wanted = [*rest[:place], device, *rest[place:]]
    if power.starts_no_disk and wanted == list(before):
        wanted += [one for one in resolved.devices if is_hard(one)][:1]
    return None if [one.id for one in wanted] == [one.id for one in before] else wanted


def _numbers(before: Sequence[Device], wanted: Sequence[Device]) -> Mapping[int, int]:
    """The boot index of each device: the written ones stay where only further devices follow them."""
    written = [order_of(one) for one in before]
    known = [one for one in written if one is not None]
    if list(wanted[: len(before)]) == list(before) and len(known) == len(written):
        numbers = [*known, *range(max(known, default=0) + 1, max(known, default=0) + 1 + len(wanted) - len(before))]
    else:
        numbers = list(range(1, len(wanted) + 1))
    return {id(device): number for device, number in zip(wanted, numbers, strict=True)}
