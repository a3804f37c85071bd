"""What the reader assumes of a virtual machine, because the object does not state it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from virtkit.readers.kubevirt.documents import Mapping
from virtkit.readers.kubevirt.nics import unknown_bindings
from virtkit.wording import listed

if TYPE_CHECKING:
    from virtkit.readers.kubevirt.instance import Instance
    from virtkit.readers.kubevirt.objects import Machine

__all__ = ["notes_on"]

_SIDECARS = "hooks.kubevirt.io/hookSidecars"
_SETS = ("VirtualMachineInstanceReplicaSet", "VirtualMachinePool")


def notes_on(
    machine: Machine, instance: Instance, later: tuple[str, ...], unplaced: tuple[str, ...]
) -> tuple[str, ...]:
    """What was assumed, one sentence each.

    ``later`` names the volumes that KubeVirt attaches after the start, ``unplaced`` those for which no place is left.
    """
    notes = [*_on_host_devices(instance), *_on_nics(instance)]
    if later:
        names = ", ".join(later)
        notes.append(f"hotpluggable volumes are attached after the start, in the order of the disks: {names}")
    if unplaced:
        notes.append(f"no free place is left for hotpluggable volumes, which are left out: {', '.join(unplaced)}")
    if instance.annotations.get(_SIDECARS) is not None:
        notes.append("hook sidecars may change the domain before it starts; the input does not say what they change")
    if isinstance(instance.domain.get("launchSecurity"), Mapping):
        more = "; virtio devices get the IOMMU driver that it needs" if instance.encrypted else ""
        notes.append(f"launchSecurity itself is left out, because it moves no device{more}")
    if not any(fnmatchcase(instance.machine, pattern) for pattern in instance.arch.machines):
        notes.append(
            f"KubeVirt refuses the machine type {instance.machine[:60]!r} unless the cluster allows it "
            f"(emulatedMachines); by default it accepts {listed(instance.arch.machines)}"
        )
    if not instance.memory:
        notes.append("no memory is stated, so it is taken as small: up to 2 GiB")
    if machine.kind in _SETS:
        notes.append(f"one domain stands for every virtual machine of the {machine.kind}")
    return tuple(notes)


def _on_host_devices(instance: Instance) -> list[str]:
    found = [one.text("name") for key in ("hostDevices", "gpus") for one in instance.devices.items_of(key)]
    if not found:
        return []
    return [
        f"host devices are taken as PCI devices ({', '.join(found)}): what they are is in the cluster's "
        "permittedHostDevices, which the input does not contain"
    ]


def _on_nics(instance: Instance) -> list[str]:
    found = unknown_bindings(instance)
    if not found:
        return []
    return [
        f"interfaces with a binding plugin are left out ({', '.join(found)}): the plugin adds the device, unless the "
        "cluster registers it with domainAttachmentType tap"
    ]
